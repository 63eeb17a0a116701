"""A table's definition as its server prints it, with every default of bytes.

MySQL since 8.0 and MariaDB since 11 print the default of a BINARY or VARBINARY column in hexadecimal digits if it is
no text. Before, the bytes themselves are printed: MariaDB 10.11 leaves them as they are, MySQL and MariaDB 10.5 make a
question mark of each that is no character, unless the answer is not converted (seen on 5.6, 10.5 and 10.11).
"""

from __future__ import annotations

import re

from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.client.session_setup import unconverted

#: A column of bytes up to its default, which is a literal.
_OF_BYTES = re.compile(
    rb"^( *`(?:[^`]|``)+` (?:var)?binary\(\d+\)[^\n']* DEFAULT )'((?:[^'\\]|\\.|'')*)'", re.MULTILINE | re.DOTALL
)
_ESCAPED = re.compile(rb"''|\\.", re.DOTALL)
_ESCAPES = {b"0": b"\0", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"Z": b"\x1a"}


def shown_table(connection: Connection, schema: str, table: str) -> str:
    """Return what SHOW CREATE TABLE says of a table, or of a view; whose errors pass."""
    sql = f"SHOW CREATE TABLE {qualified(schema, table)}"
    shown: bytes = _as_bytes(connection, sql)
    if any(b"?" in found[2] or not found[2].isascii() for found in _OF_BYTES.finditer(shown)):
        with unconverted(connection):
            shown = query(connection, sql)[0][1]
        shown = _OF_BYTES.sub(_in_digits, shown)
    return shown.decode("utf-8", "replace")


def _as_bytes(connection: Connection, sql: str) -> bytes:
    connection.use_unicode = False
    try:
        shown: bytes = query(connection, sql)[0][1]
        return shown
    finally:
        connection.use_unicode = True


def _in_digits(found: re.Match[bytes]) -> bytes:
    """Return the column with its default in hexadecimal digits, if that is no text."""
    value = _ESCAPED.sub(lambda each: _ESCAPES.get(each[0][1:], each[0][1:]), found[2])
    return found[0] if value.isascii() else found[1] + b"0x" + value.hex().upper().encode()
