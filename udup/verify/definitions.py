"""A server's definitions as text, for comparing two servers: SHOW CREATE of everything, and the dictionary's views.

Three things are taken out of the texts before they are compared:

* a table's AUTO_INCREMENT counter, which is kept by itself: an insert that was rolled back moves it on the source and
  is in no binary log;
* an event's ENABLE or DISABLE: on a target it has to be disabled, which is checked by itself;
* the collation behind a column's CHARACTER SET, which a server prints or not by how the column was once made; the
  dictionary says it always.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.names import qualified, quote
from udup.drivers.mysql.client.session_setup import enter
from udup.drivers.mysql.client.sessions import PRINTED
from udup.drivers.mysql.compare.portable import Name, dialect_of, read_portable
from udup.drivers.mysql.compare.told_alike import told_alike
from udup.drivers.mysql.dictionary.shown_tables import shown_table
from udup.drivers.mysql.mariadb.collations import Server, server_of
from udup.verify.dictionary import read_dictionary

_MARIADB = "MariaDB"

_COUNTER = re.compile(r"(?<=\n\)) (?P<engine>ENGINE=\w+) AUTO_INCREMENT=(?P<counter>\d+)")
_COLUMN_COLLATION = re.compile(r"( CHARACTER SET \w+) COLLATE \w+")
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
    """What was found in some schemas: each kind's texts by name, the tables' AUTO_INCREMENT counters (where there is
    one), the dictionary's rows by view, the names of the events that are enabled and of the tables that keep their
    history, and MariaDB's sequences, each with its next number.

    `dialect` is what the texts are written in; those of another one are compared in the `portable` form.
    """

    dialect: str
    server: Server
    portable: dict[str, dict[Name, str]]
    schemas: dict[Name, str]
    tables: dict[Name, str]
    counters: dict[Name, int]
    objects: dict[str, dict[Name, str]]
    dictionary: dict[str, dict[Name, str]]
    enabled_events: frozenset[Name]
    versioned: frozenset[Name] = frozenset()
    sequences: dict[Name, str] = field(default_factory=dict)

    def pairs(self, other: Definitions) -> Iterator[tuple[str, dict[Name, str], dict[Name, str]]]:
        """(kind, texts here, texts there) for every kind of thing that has a statement to make it."""
        if self.dialect.startswith(_MARIADB) and other.dialect.startswith(_MARIADB):
            yield "SEQUENCE", self.sequences, other.sequences
        if self.dialect != other.dialect:
            for kind in sorted(self.portable.keys() | other.portable.keys()):
                here, there = self.portable.get(kind, {}), other.portable.get(kind, {})
                yield (
                    kind,
                    {name: told_alike(text, self.server, other.server) for name, text in here.items()},
                    {name: told_alike(text, other.server) for name, text in there.items()},
                )
            return
        yield "SCHEMA", self.schemas, other.schemas
        yield "TABLE", self.tables, other.tables
        for kind in _SHOWN:
            yield kind, self.objects[kind], other.objects[kind]

    def views(self, other: Definitions) -> Iterator[tuple[str, dict[Name, str], dict[Name, str]]]:
        """(view, rows here, rows there) for every view of the dictionary that both servers have; without the rows
        about views, which the dictionary works out again, and forgets while a view cannot be used.
        """
        if self.dialect != other.dialect:
            return
        views = self.objects["VIEW"].keys() | other.objects["VIEW"].keys()
        for view in sorted(self.dictionary.keys() & other.dictionary.keys()):
            left, right = (
                {name: rows for name, rows in found.items() if name not in views}
                for found in (self.dictionary[view], other.dictionary[view])
            )
            yield view, left, right


def read_definitions(connection: Connection, schemas: Sequence[str]) -> Definitions:
    """Everything that these schemas hold. Changes the session: how a server prints depends on it."""
    enter(connection, PRINTED)
    existing = _existing(connection, schemas)
    names = {kind: _names(connection, existing, kind) for kind in _LISTS}
    shown = {name: shown_table(connection, *name) for name in names["BASE TABLE"]}
    counters = {name: found for name, text in shown.items() if (found := _COUNTER.search(text))}
    return Definitions(
        dialect=dialect_of(connection),
        server=server_of(connection),
        portable=read_portable(connection, existing),
        schemas={(name,): _show(connection, "DATABASE", quote(name), (1,)) for name in existing},
        tables={name: _comparable(text) for name, text in shown.items()},
        counters={name: int(found["counter"]) for name, found in counters.items()},
        objects={kind: _objects(connection, names[kind], kind) for kind in _SHOWN},
        dictionary=read_dictionary(connection, existing),
        enabled_events=frozenset(names["ENABLED EVENT"]),
        versioned=frozenset(names["SYSTEM VERSIONED"]),
        sequences={name: _sequence(connection, name) for name in names["SEQUENCE"]},
    )


def _comparable(create_table: str) -> str:
    return _COLUMN_COLLATION.sub(r"\1", _COUNTER.sub(r" \g<engine>", create_table))


def _existing(connection: Connection, schemas: Sequence[str]) -> list[str]:
    if not schemas:
        return []
    sql = f"SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME IN ({_marks(schemas)}) ORDER BY 1"
    return [str(name) for (name,) in query(connection, sql, *schemas)]


_LISTS = {
    "BASE TABLE": (
        "TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')"
    ),
    "SYSTEM VERSIONED": "TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES WHERE TABLE_TYPE = 'SYSTEM VERSIONED'",
    "SEQUENCE": "TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES WHERE TABLE_TYPE = 'SEQUENCE'",
    "VIEW": "TABLE_SCHEMA, TABLE_NAME FROM information_schema.VIEWS WHERE TRUE",
    "PROCEDURE": "ROUTINE_SCHEMA, ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_TYPE = 'PROCEDURE'",
    "FUNCTION": "ROUTINE_SCHEMA, ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_TYPE = 'FUNCTION'",
    "TRIGGER": "TRIGGER_SCHEMA, TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRUE",
    "EVENT": "EVENT_SCHEMA, EVENT_NAME FROM information_schema.EVENTS WHERE TRUE",
    "ENABLED EVENT": "EVENT_SCHEMA, EVENT_NAME FROM information_schema.EVENTS WHERE STATUS = 'ENABLED'",
}


def _names(connection: Connection, schemas: Sequence[str], kind: str) -> list[tuple[str, str]]:
    if not schemas:
        return []
    sql = _LISTS[kind]
    column = sql.split(",", 1)[0]
    rows = query(connection, f"SELECT {sql} AND {column} IN ({_marks(schemas)})", *schemas)
    return sorted((str(owner), str(name)) for owner, name in rows)


def _marks(values: Sequence[str]) -> str:
    return ", ".join(["%s"] * len(values))


def _objects(connection: Connection, names: Sequence[tuple[str, str]], kind: str) -> dict[Name, str]:
    return {name: _EVENT_STATE.sub(r"\1", _show(connection, kind, qualified(*name), _SHOWN[kind])) for name in names}


def _show(connection: Connection, kind: str, quoted: str, columns: tuple[int, ...]) -> str:
    (row,) = query(connection, f"SHOW CREATE {kind} {quoted}")
    return "\n".join(str(row[column]) for column in columns)


def _sequence(connection: Connection, name: tuple[str, str]) -> str:
    """Return how a sequence is made, and from where it goes on."""
    [(number, cycle)] = query(connection, f"SELECT next_not_cached_value, cycle_count FROM {qualified(*name)}")
    return f"{_show(connection, 'SEQUENCE', qualified(*name), (1,))}\nnext {number}, cycle {cycle}"
