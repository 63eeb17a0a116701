"""Columns that a server computes: what the source has logged of one is no value for a column that the target computes.

A copy compares them. Behind it the target's table may have become another, or a job makes no copy; so each start tells
which columns the source computes, and at a column that the target computes alone the job stops.
"""

from __future__ import annotations

from collections.abc import Iterable

from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.dictionary_columns import with_known_columns

Name = tuple[str, str]

_SQL = (
    "SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS"
    " WHERE COALESCE(GENERATION_EXPRESSION, '') <> '' AND TABLE_SCHEMA IN ({})"
)

#: Schemas named in one statement.
_AT_A_TIME = 500


def read_computed(connection: Connection, tables: Iterable[Name]) -> set[tuple[str, str, str]]:
    """Return schema, table and column of those that a server computes in these tables."""
    wanted = set(tables)
    schemas = sorted({schema for schema, _ in wanted})
    found = set()
    sql = with_known_columns(connection, _SQL) if schemas else ""
    for at in range(0, len(schemas), _AT_A_TIME):
        some = schemas[at : at + _AT_A_TIME]
        for schema, table, column in query(connection, sql.format(", ".join(["%s"] * len(some))), *some):
            if (schema, table) in wanted:
                found.add((str(schema), str(table), str(column)))
    return found


def only_there(
    ours: Iterable[tuple[str, str, str]], theirs: Iterable[tuple[str, str, str]]
) -> dict[Name, frozenset[str]]:
    """Return by table the columns, in lower case, that the target computes and the source does not."""
    own = {(schema, table, column.lower()) for schema, table, column in ours}
    found: dict[Name, set[str]] = {}
    for schema, table, column in theirs:
        if (schema, table, column.lower()) not in own:
            found.setdefault((schema, table), set()).add(column.lower())
    return {table: frozenset(columns) for table, columns in found.items()}
