"""Stored generated columns between two MariaDBs: a new one does not log their values, an old one does not compute them.

Seen: 11.8 leaves generated columns out of its row images; 10.5 and 10.11 then keep the value that a row had before an
update, without a word. 11.8 and MySQL compute it anew. Which release began with either is not known, so all between are
taken for the worse.
"""

from __future__ import annotations

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.table_map import TableName
from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.mariadb.collations import Server, server_of

_LOGS_THEM_BEFORE, _COMPUTES_THEM_FROM = (11, 0, 0), (11, 8, 0)

_STORED = (
    "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    " AND COALESCE(GENERATION_EXPRESSION, '') NOT IN ('', 'ROW START', 'ROW END')"
    " AND EXTRA LIKE '%%STORED%%' ORDER BY ORDINAL_POSITION"
)

WHY = "the source does not log the values of stored generated columns, and the target computes none for an update"
REMEDY = "upgrade the target to MariaDB 11.8, make the column VIRTUAL on the source, or leave the table out"


def would_be_stale(source: Server, target: Server) -> bool:
    """Return whether stored generated columns would keep old values on the target."""
    if not (source.is_mariadb and target.is_mariadb):
        return False
    return source.version >= _LOGS_THEM_BEFORE and target.version < _COMPUTES_THEM_FROM


def check_generated(connection: Connection, name: TableName, source: Server) -> None:
    """Raise `Unsupported` for a table of the target with such a column."""
    if would_be_stale(source, server_of(connection)):
        columns = [str(column) for (column,) in query(connection, _STORED, name.schema, name.table)]
        if columns:
            told = f"{name}, column {columns[0]}: {WHY}; {REMEDY}"
            raise Unsupported(told)
