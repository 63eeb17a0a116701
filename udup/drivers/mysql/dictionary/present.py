"""What a server has of names: tables, views, routines, triggers, events, each with its kind.

Views and tables share their names, and so do no others; a name alone does not say what it is and how it is dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.names import qualified

TABLE, VIEW = "TABLE", "VIEW"

#: Schemas named in one statement.
_SCHEMAS_AT_A_TIME = 500

#: Kind, schema, name, and the table of a trigger.
_LISTS = (
    "SELECT IF(TABLE_TYPE LIKE '%%VIEW', 'VIEW', 'TABLE'), TABLE_SCHEMA, TABLE_NAME, ''"
    " FROM information_schema.TABLES WHERE TABLE_SCHEMA IN ({})",
    "SELECT ROUTINE_TYPE, ROUTINE_SCHEMA, ROUTINE_NAME, '' FROM information_schema.ROUTINES"
    " WHERE ROUTINE_SCHEMA IN ({})",
    "SELECT 'TRIGGER', TRIGGER_SCHEMA, TRIGGER_NAME, EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS"
    " WHERE TRIGGER_SCHEMA IN ({})",
    "SELECT 'EVENT', EVENT_SCHEMA, EVENT_NAME, '' FROM information_schema.EVENTS WHERE EVENT_SCHEMA IN ({})",
)


@dataclass(frozen=True, order=True)
class Present:
    """Something with a name: `kind` is TABLE, VIEW, PROCEDURE, FUNCTION, TRIGGER or EVENT."""

    kind: str
    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind.lower()} {qualified(self.schema, self.name)}"

    @property
    def drop(self) -> str:
        """Return the statement that removes it."""
        return f"DROP {self.kind} {qualified(self.schema, self.name)}"

    @property
    def place(self) -> tuple[str, str, str]:
        """Return what is equal for two of which a server can have only one; names of routines fold their case."""
        if self.kind in (TABLE, VIEW):
            return "", self.schema, self.name
        return self.kind, self.schema, self.name if self.kind == "TRIGGER" else self.name.lower()


def read_present(connection: Connection, schemas: Iterable[str]) -> Iterator[tuple[Present, str]]:
    """Yield everything in these schemas that the account sees; with each trigger its table, else ""."""
    wanted = sorted(set(schemas))
    for at in range(0, len(wanted), _SCHEMAS_AT_A_TIME):
        some = wanted[at : at + _SCHEMAS_AT_A_TIME]
        for sql in _LISTS:
            for kind, schema, name, table in query(connection, sql.format(", ".join(["%s"] * len(some))), *some):
                yield Present(str(kind), str(schema), str(name)), str(table)


def in_the_way(connection: Connection, wanted: Iterable[Present]) -> dict[Present, Present]:
    """Return what the server has in the place of each that is wanted, by what is wanted."""
    places = {each.place: each for each in wanted}
    found = read_present(connection, (each.schema for each in places.values()))
    return {places[there.place]: there for there, _ in found if there.place in places}
