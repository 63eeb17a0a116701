"""Columns of information_schema that not every server has: each server is asked once which of them it has.

Older versions and MariaDB lack what newer ones say of an index or a column. A server that does not say it does not
have the thing itself, so a constant stands in its place.
"""

from __future__ import annotations

import re

from udup.drivers.mysql.client.connection import Connection, query

#: By column: its view, and what every row has where the server does not know it.
_INSTEAD = {
    "GENERATION_EXPRESSION": ("COLUMNS", "''"),  # MySQL 5.7.6, MariaDB 10.2.5
    "SRS_ID": ("COLUMNS", "NULL"),  # MySQL 8.0.3
    "IS_VISIBLE": ("STATISTICS", "'YES'"),  # MySQL 8.0.0
    "EXPRESSION": ("STATISTICS", "NULL"),  # MySQL 8.0.13
}

#: One of them, perhaps behind the name of its view.
_WORDS = re.compile(rf"(?:\b\w+\.)?\b({'|'.join(_INSTEAD)})\b")

_ASKED = (
    "SELECT UPPER(TABLE_NAME), UPPER(COLUMN_NAME) FROM information_schema.COLUMNS"
    " WHERE UPPER(TABLE_SCHEMA) = 'INFORMATION_SCHEMA' AND UPPER(TABLE_NAME) IN ('COLUMNS', 'STATISTICS')"
)

#: MariaDB's first with uca1400, and where it lists each with its character set.
_UCA1400 = (10, 10, 1)
_BY_CHARSET = (
    "(SELECT ID, FULL_COLLATION_NAME AS COLLATION_NAME, CHARACTER_SET_NAME"
    " FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY)"
)

#: By address and version: the columns of these views.
_KNOWN: dict[tuple[str, int, str], frozenset[tuple[str, str]]] = {}


def with_known_columns(connection: Connection, sql: str) -> str:
    """Return a question to information_schema with constants for the columns that this server does not have."""
    sql = with_collations(connection, sql)
    missing = {name: constant for name, (view, constant) in _INSTEAD.items() if (view, name) not in _known(connection)}
    return _WORDS.sub(lambda found: missing.get(found[1], found[0]), sql)


def with_collations(connection: Connection, sql: str) -> str:
    """Return a question to COLLATIONS as one that is told every collation by its whole name, and its number.

    MariaDB lists those of uca1400 there once for all character sets, without a number.
    """
    if connection.is_mariadb and connection.version >= _UCA1400:
        named = sql.replace("information_schema.COLLATIONS l", f"{_BY_CHARSET} l")
        return named.replace("information_schema.COLLATIONS", f"{_BY_CHARSET} each_collation")
    return sql


def _known(connection: Connection) -> frozenset[tuple[str, str]]:
    server = connection.host, connection.port, str(connection.get_server_info())  # type: ignore[no-untyped-call]
    if server not in _KNOWN:
        _KNOWN[server] = frozenset((str(view), str(name)) for view, name in query(connection, _ASKED))
    return _KNOWN[server]
