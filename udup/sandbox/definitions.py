"""A server's definitions as text, for comparing two servers.

Two things are taken out of the texts before they are compared:

* a table's AUTO_INCREMENT counter: an insert that was rolled back moves it on the source and is in no binary log;
* an event's ENABLE or DISABLE: on a target it has to be disabled, which is checked by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from udup.mysql.connection import Connection, query
from udup.mysql.names import qualified, quote

#: (schema, name), or (schema,) for a schema itself.
Name = tuple[str, ...]

_COUNTER = re.compile(r"(?<=\n\)) (?P<engine>ENGINE=\w+) AUTO_INCREMENT=\d+")
_EVENT_STATE = re.compile(r"(ON COMPLETION (?:NOT )?PRESERVE) (?:ENABLE|DISABLE(?: ON (?:SLAVE|REPLICA))?)")

#: The columns of SHOW CREATE … that hold the definition and its session context, by kind.
_SHOWN = {
    "VIEW": (1, 2, 3),
    "PROCEDURE": (1, 2, 3, 4, 5),
    "FUNCTION": (1, 2, 3, 4, 5),
    "TRIGGER": (1, 2, 3, 4, 5),
    "EVENT": (1, 2, 3, 4, 5, 6),
}


@dataclass(frozen=True)
class Definitions:
    """What was found in some schemas: each kind's texts by name, and the names of the events that are enabled."""

    schemas: dict[Name, str]
    tables: dict[Name, str]
    objects: dict[str, dict[Name, str]]
    enabled_events: frozenset[Name]

    def pairs(self, other: Definitions) -> Iterator[tuple[str, dict[Name, str], dict[Name, str]]]:
        """(kind, texts here, texts there) for every kind of thing."""
        yield "SCHEMA", self.schemas, other.schemas
        yield "TABLE", self.tables, other.tables
        for kind in _SHOWN:
            yield kind, self.objects[kind], other.objects[kind]


def read_definitions(connection: Connection, schemas: list[str]) -> Definitions:
    existing = [name for name in schemas if _has_schema(connection, name)]
    names = _names(connection, existing, "BASE TABLE")
    tables: dict[Name, str] = {name: _table_text(connection, name) for name in names}
    return Definitions(
        schemas={(name,): _show(connection, "DATABASE", quote(name), (1,)) for name in existing},
        tables=tables,
        objects={kind: _objects(connection, existing, kind) for kind in _SHOWN},
        enabled_events=frozenset(_names(connection, existing, "ENABLED EVENT")),
    )


def _has_schema(connection: Connection, schema: str) -> bool:
    sql = "SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s"
    return bool(query(connection, sql, schema))


_LISTS = {
    "BASE TABLE": "TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE'",
    "VIEW": "TABLE_SCHEMA, TABLE_NAME FROM information_schema.VIEWS WHERE TRUE",
    "PROCEDURE": "ROUTINE_SCHEMA, ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_TYPE = 'PROCEDURE'",
    "FUNCTION": "ROUTINE_SCHEMA, ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_TYPE = 'FUNCTION'",
    "TRIGGER": "TRIGGER_SCHEMA, TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRUE",
    "EVENT": "EVENT_SCHEMA, EVENT_NAME FROM information_schema.EVENTS WHERE TRUE",
    "ENABLED EVENT": "EVENT_SCHEMA, EVENT_NAME FROM information_schema.EVENTS WHERE STATUS = 'ENABLED'",
}


def _names(connection: Connection, schemas: list[str], kind: str) -> list[tuple[str, str]]:
    sql = _LISTS[kind]
    column = sql.split(",", 1)[0]
    found = []
    for schema in schemas:
        rows = query(connection, f"SELECT {sql} AND {column} = %s", schema)
        found += [(str(owner), str(name)) for owner, name in rows]
    return sorted(found)


def _objects(connection: Connection, schemas: list[str], kind: str) -> dict[Name, str]:
    return {
        name: _EVENT_STATE.sub(r"\1", _show(connection, kind, qualified(*name), _SHOWN[kind]))
        for name in _names(connection, schemas, kind)
    }


def _table_text(connection: Connection, name: tuple[str, str]) -> str:
    return _COUNTER.sub(r" \g<engine>", _show(connection, "TABLE", qualified(*name), (1,)))


def _show(connection: Connection, kind: str, quoted: str, columns: tuple[int, ...]) -> str:
    (row,) = query(connection, f"SHOW CREATE {kind} {quoted}")
    return "\n".join(str(row[column]) for column in columns)
