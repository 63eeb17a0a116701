"""General tablespaces: a table that names one goes there on the target too, or else into a file of its own.

A tablespace belongs to the server and not to a schema, so none is carried by itself. Where the target has one of that
name it is used, where it has none it is made, and where the account may not make it, or the table does not fit into
it, the table gets its own file and that is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from udup.drivers.mysql.client.connection import Connection, MySQLError, describe, error_code, is_transient, query
from udup.drivers.mysql.client.names import quote
from udup.drivers.mysql.ddl.sqltokens import UntokenizableError, Word, decoded, tokenize

#: Those that every server has.
_OWN_FILE = "innodb_file_per_table"
_OF_EVERY_SERVER = frozenset({_OWN_FILE, "innodb_system", "innodb_temporary"})

_TABLESPACE_EXISTS = 1813

#: Bytes of a compressed table's pages, unless it says otherwise: half of InnoDB's own.
_COMPRESSED_BYTES = 8192
_KEY_BLOCK_SIZE = re.compile(r"KEY_BLOCK_SIZE\s*=?\s*(\d+)", re.IGNORECASE)
_COMPRESSED = re.compile(r"ROW_FORMAT\s*=?\s*COMPRESSED", re.IGNORECASE)


def housed(connection: Connection, sql: bytes, codec: str, sql_mode: int) -> tuple[bytes, str]:
    """A CREATE or ALTER TABLE as the target can carry it out, and what is to be told of that, if anything.

    Makes the tablespace that it names, on a connection in no session's context but Udup's own.
    """
    if b"tablespace" not in sql.lower():
        return sql, ""
    text, exact = decoded(sql, codec)
    try:
        words = tokenize(text, sql_mode)
    except UntokenizableError:
        return sql, ""
    names = list(_named(words)) if _is_of_table(words) else []
    told = ""
    for name in reversed(names):
        if name.text.lower() not in _OF_EVERY_SERVER and (reason := _make(connection, name.text, text)):
            text = f"{text[: name.start]}{_OWN_FILE}{text[name.end :]}"
            told = f"a table went into a file of its own on the target, which has no tablespace {name.text}: {reason}"
    return text.encode(exact), told


def _is_of_table(words: list[Word]) -> bool:
    first = [word.upper for word in words[:2]]
    return first in (["CREATE", "TABLE"], ["ALTER", "TABLE"])


def _named(words: list[Word]) -> Iterator[Word]:
    """The names behind TABLESPACE among the table's options; DISCARD and IMPORT TABLESPACE name none."""
    depth = 0
    for at, word in enumerate(words):
        depth += (word.upper == "(") - (word.upper == ")")
        before = words[at - 1].upper if at else ""
        if word.upper == "TABLESPACE" and not depth and before not in ("DISCARD", "IMPORT", "", "CREATE", "ALTER"):
            behind = words[at + 1 : at + 3]
            if behind:
                yield behind[-1] if behind[0].upper == "=" else behind[0]


def _make(connection: Connection, name: str, sql: str) -> str:
    """Why there is none; empty if there is one now."""
    size = _KEY_BLOCK_SIZE.search(sql)
    page = int(size[1]) << 10 if size else _COMPRESSED_BYTES if _COMPRESSED.search(sql) else 0
    try:
        query(connection, f"CREATE TABLESPACE {quote(name)}" + (f" FILE_BLOCK_SIZE = {page}" if page else ""))
    except MySQLError as error:
        if is_transient(error):
            raise
        return "" if error_code(error) == _TABLESPACE_EXISTS else describe(error)
    return ""
