"""Foreign keys that a target has between two groups of tables."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from udup.base.errors import Fault
from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.dictionary.later_keys import LaterKey, Name, key_of
from udup.drivers.mysql.load.create_table import split_text
from udup.pipeline.checks import DEST

_SQL = """SELECT CONSTRAINT_SCHEMA, TABLE_NAME, UNIQUE_CONSTRAINT_SCHEMA, REFERENCED_TABLE_NAME
FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA IN ({0}) OR UNIQUE_CONSTRAINT_SCHEMA IN ({0})"""

_IS_THERE = (
    "SELECT 1 FROM information_schema.TABLE_CONSTRAINTS WHERE CONSTRAINT_TYPE = 'FOREIGN KEY'"
    " AND TABLE_SCHEMA = %s AND TABLE_NAME = %s AND CONSTRAINT_NAME = %s"
)


def crossing(connection: Connection, one: Collection[Name], other: Collection[Name]) -> list[LaterKey]:
    """Return the foreign keys of a table of one group to one of the other, either way."""
    few = min((one, other), key=len)
    schemas = sorted({schema for schema, _ in few})
    if not schemas:
        return []
    children: dict[Name, set[Name]] = {}
    for row in query(connection, _SQL.format(", ".join(["%s"] * len(schemas))), *schemas, *schemas):
        schema, table, parent_schema, parent = map(str, row)
        child, of = (schema, table), (parent_schema, parent)
        if (child in one and of in other) or (child in other and of in one):
            children.setdefault(child, set()).add(of)
    return [key for child, parents in children.items() for key in _of(connection, *child) if key.of in parents]


def _of(connection: Connection, schema: str, table: str) -> Iterator[LaterKey]:
    sql = str(query(connection, f"SHOW CREATE TABLE {qualified(schema, table)}")[0][1])
    yield from filter(None, (key_of(item, schema, table) for item in split_text(schema, table, sql)[0]))


def is_there(connection: Connection, key: LaterKey) -> bool:
    return bool(query(connection, _IS_THERE, *key.child, key.name))


def acting_fault(where: str, key: LaterKey) -> Fault:
    """Return that a key changes rows of a table that stands elsewhere than the one whose rows change."""
    child, parent = ".".join(key.child), ".".join(key.of)
    return Fault(
        where,
        f"the {key} on the target changes rows of {child} when rows of {parent} change, and the two would come by"
        " themselves for a while",
        f"have both in one step (udup job reload ID {child} {parent}, or both in one document); or run on the target:"
        f" {key.drop}; without CASCADE and SET NULL it may stay",
        DEST,
    )
