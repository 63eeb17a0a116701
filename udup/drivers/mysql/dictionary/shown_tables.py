"""A table's definition as its server prints it, with every default of bytes.

MySQL since 8.0 and MariaDB since 11 print the default of a BINARY or VARBINARY column in hexadecimal digits if it is
no text. Before, MySQL and MariaDB 10.5 print a question mark for each byte that is no character, and MariaDB 10.11 the
bytes themselves. DEFAULT() tells them all, on a table without rows too (seen on 5.6, 10.5 and 10.11).
"""

from __future__ import annotations

import re

from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.names import qualified

#: A column of bytes with a literal for its default.
_OF_BYTES = re.compile(r"^ *(`(?:[^`]|``)+`) (?:var)?binary\(\d+\)[^\n']* DEFAULT ('(?:[^'\\]|\\.|'')*')", re.MULTILINE)


def shown_table(connection: Connection, schema: str, table: str) -> str:
    """Return what SHOW CREATE TABLE says of a table, or of a view; whose errors pass."""
    name = qualified(schema, table)
    before, connection.use_unicode = connection.use_unicode, False
    try:
        shown = query(connection, f"SHOW CREATE TABLE {name}")[0][1].decode("utf-8", "replace")
    finally:
        connection.use_unicode = before
    doubtful = [found for found in _OF_BYTES.finditer(shown) if "?" in found[2] or not found[2].isascii()]
    if not doubtful:
        return str(shown)
    asked = ", ".join(f"HEX(DEFAULT({found[1]}))" for found in doubtful)
    (digits,) = query(connection, f"SELECT {asked} FROM (SELECT 1) one LEFT JOIN {name} ON TRUE LIMIT 1")
    for found, value in reversed(list(zip(doubtful, digits, strict=True))):
        if not bytes.fromhex(value).isascii():
            shown = f"{shown[: found.start(2)]}0x{value}{shown[found.end(2) :]}"
    return str(shown)
