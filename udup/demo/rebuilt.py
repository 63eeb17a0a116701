"""The shop's tables rebuilt from events alone, and compared with the source.

An event that does not follow on what is there ends the demo: an insert of a key that is there, an update or a delete
of a row that was otherwise, an ID that has come before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.demo.columns import Column, column, image
from udup.demo.events import Event
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.client.sessions import SUMS

_COLUMNS = """SELECT c.table_name, c.column_name, c.data_type, c.numeric_scale, c.datetime_precision
FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.table_schema = %s AND t.table_type = 'BASE TABLE' ORDER BY c.table_name, c.ordinal_position"""

Row = tuple[Any, ...]


@dataclass
class RebuiltTable:
    """`rows` are images by their keys, of a table without a key how often each image is there."""

    columns: Mapping[str, Column]
    keyed: dict[str, dict[str, Any]] = field(default_factory=dict)
    others: Counter[Row] = field(default_factory=Counter)

    def take(self, event: Event) -> None:
        """Take in one change, which must follow on what is there."""
        if event.key is None:
            self._take_without_key(event)
            return
        before, after = event.before, event.after
        if self.keyed.get(event.key) != before:
            raise UdupError(f"event {event.id} does not follow: its row was {self.keyed.get(event.key)}, not {before}")
        if after is None:
            del self.keyed[event.key]
        else:
            self.keyed[event.key] = after

    def _take_without_key(self, event: Event) -> None:
        if event.before is not None:
            gone = self.row(event.before)
            if not self.others[gone]:
                raise UdupError(f"event {event.id} does not follow: there is no row {gone}")
            self.others[gone] -= 1
        if event.after is not None:
            self.others[self.row(event.after)] += 1

    def row(self, said: Mapping[str, Any]) -> Row:
        """Return an image as the values of all columns; one that lacks a column is no row of the table."""
        values = image(self.columns, said)
        return tuple(values[name] for name in self.columns)

    def rows(self) -> Counter[Row]:
        return +(Counter(map(self.row, self.keyed.values())) + self.others)


@dataclass(frozen=True)
class TableResult:
    """Rows of a table on both sides; `wrong` are those that only one of them has."""

    name: str
    events: int
    rebuilt: int
    selected: int
    wrong: int

    @property
    def equal(self) -> bool:
        return not self.wrong and self.rebuilt == self.selected


class RebuiltShop:
    """All tables of a schema. Their columns are read from the source when this is made."""

    def __init__(self, source: Endpoint, schema: str) -> None:
        self._source, self._schema = source, schema
        self.tables = {name: RebuiltTable(columns) for name, columns in _columns(source, schema)}
        self.events: Counter[str] = Counter()
        self._seen: set[str] = set()

    def take(self, event: Event) -> None:
        """Take in one event of a row."""
        if event.id in self._seen:
            raise UdupError(f"event {event.id} has come twice")
        self._seen.add(event.id)
        self.events[event.table] += 1
        self.tables[event.table].take(event)

    def compare(self) -> list[TableResult]:
        """Return each table's result; the source must be at rest."""
        with closing(connect(self._source, SUMS, database=self._schema)) as connection:
            return [self._compared(connection, name, table) for name, table in self.tables.items()]

    def _compared(self, connection: Any, name: str, table: RebuiltTable) -> TableResult:
        expressions = ", ".join(each.selected for each in table.columns.values())
        values = [each.of_select for each in table.columns.values()]
        selected = Counter(
            tuple(None if said is None else value(said) for said, value in zip(row, values, strict=True))
            for row in query(connection, f"SELECT {expressions} FROM `{name}`")
        )
        rebuilt = table.rows()
        wrong = (selected - rebuilt).total() + (rebuilt - selected).total()
        return TableResult(name, self.events[name], rebuilt.total(), selected.total(), wrong)


def _columns(source: Endpoint, schema: str) -> Iterator[tuple[str, dict[str, Column]]]:
    found: dict[str, dict[str, Column]] = {}
    with closing(connect(source)) as connection:
        for table, name, kind, scale, fraction in query(connection, _COLUMNS, schema):
            found.setdefault(table, {})[name] = column(name, kind, scale or 0, fraction or 0)
    yield from found.items()
