"""What a job's tables use that another server may not have: collations, types and marks of columns of newer versions.

Two servers are compared by this, not by all that either of them knows. It is read with one question of the job's
source, at each start.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from udup.drivers.mysql.client.connection import Connection, MySQLError, error_code, query
from udup.drivers.mysql.client.limits import DENIED
from udup.pipeline.selection.schemas import SYSTEM_SCHEMAS
from udup.pipeline.selection.selection import Selection

COLLATION, TYPE, INVISIBLE = "collation", "type", "invisible column"

#: By which an account of the job proves who it is.
PLUGIN = "authentication plugin"

#: Types that not every server that is replicated to has.
_NEWER_TYPES = ("vector",)

_OWN = ", ".join(f"'{schema}'" for schema in sorted(SYSTEM_SCHEMAS))

_COLUMNS = (
    "SELECT TABLE_SCHEMA, TABLE_NAME, COALESCE(COLLATION_NAME, ''), MIN(COLUMN_NAME),"
    f" MIN(IF(DATA_TYPE IN ({', '.join(map(repr, _NEWER_TYPES))}), CONCAT(DATA_TYPE, ' ', COLUMN_NAME), NULL)),"
    " MIN(IF(EXTRA LIKE '%INVISIBLE%', COLUMN_NAME, NULL))"
    f" FROM information_schema.COLUMNS WHERE TABLE_SCHEMA NOT IN ({_OWN})"
    " GROUP BY TABLE_SCHEMA, TABLE_NAME, COLLATION_NAME"
)
_TABLES = (
    "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_COLLATION FROM information_schema.TABLES"
    f" WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') AND TABLE_SCHEMA NOT IN ({_OWN})"
)
_SCHEMAS = "SELECT SCHEMA_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA"


@dataclass(frozen=True, order=True)
class Used:
    """A thing by its kind and name, and the first place that has it, for people."""

    kind: str
    name: str
    place: str


def read_used(connection: Connection, selection: Selection) -> tuple[Used, ...]:
    """Return what the job's schemas and tables use, each thing once. MySQL's own errors pass."""
    first: dict[tuple[str, str], Used] = {}
    for each in sorted(_read(connection, selection)):
        first.setdefault((each.kind, each.name), each)
    return tuple(first.values())


def read_plugins_used(connection: Connection, kept: frozenset[str]) -> tuple[Used, ...]:
    """Return by which plugins the accounts prove who they are, but for the `kept` users'.

    Empty where mysql.user may not be read: a copy of the accounts refuses that itself.
    """
    try:
        rows = query(connection, "SELECT plugin, User, Host FROM mysql.user ORDER BY 1, 2, 3")
    except MySQLError as error:
        if error_code(error) not in DENIED:
            raise
        return ()
    first: dict[str, Used] = {}
    for plugin, user, host in rows:
        if plugin and str(user) not in kept:
            first.setdefault(str(plugin), Used(PLUGIN, str(plugin), f"account '{user}'@'{host}'"))
    return tuple(first.values())


def _read(connection: Connection, selection: Selection) -> Iterator[Used]:
    for schema, collation in query(connection, _SCHEMAS):
        if selection.wants_schema(str(schema)):
            yield Used(COLLATION, str(collation), f"schema {schema}")
    for schema, table, collation in query(connection, _TABLES):
        if collation and selection.wants(str(schema), str(table)):
            yield Used(COLLATION, str(collation), f"{schema}.{table}")
    for schema, table, collation, column, newer, hidden in query(connection, _COLUMNS):
        if not selection.wants(str(schema), str(table)):
            continue
        if collation:
            yield Used(COLLATION, str(collation), f"{schema}.{table}, column {column}")
        if newer:
            kind, _, name = str(newer).partition(" ")
            yield Used(TYPE, kind.upper(), f"{schema}.{table}, column {name}")
        if hidden:
            yield Used(INVISIBLE, "", f"{schema}.{table}, column {hidden}")
