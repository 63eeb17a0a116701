"""A subscription of the database in memory, run by run: the machine's own `Changes`, a sink in memory, and a consumer
that rebuilds the tables from the messages alone.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from tests.drivers.messages.tables import encoder
from tests.drivers.oracle.fake_oracle import FakeOracle
from udup.base.endpoint import Endpoint
from udup.drivers.fake.messages import FakeSink
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.rowtext.reader import open_reader
from udup.drivers.oracle.source import OracleSource
from udup.pipeline.deliver.changes import Changes
from udup.pipeline.deliver.place import Place
from udup.pipeline.deliver.units import Units
from udup.pipeline.ports import DeliveryPlan, LogPlan, ReadingPlan, Scope
from udup.pipeline.ports.delivery import Message, Unit
from udup.pipeline.records import Definition, Format, Part, Record, Skipped, SnapshotEnd, SnapshotRows, Transaction

Table = tuple[str, str]

_ENDPOINT = Endpoint("ora", 1521, "repl", "secret")


class Death(Exception):
    """A run is killed: what was not stored is gone."""


class Subscription:
    """`run` once or again; what outlives runs is in the sink."""

    def __init__(self, server: FakeOracle, scope: Scope) -> None:
        self.server, self.scope = server, scope
        self.sink = FakeSink()
        self.wishes: tuple[tuple[int, tuple[str, ...]], ...] = ()
        self._plan = DeliveryPlan("p", {"include.schema.changes": "false"})

    @property
    def place(self) -> Place:
        found = self.sink.position
        return Place(GtidSet(), copying=True) if found is None else Place.parse(found, GtidSet.parse)

    def run(self, *, life: int = 1 << 30, alone: bool = False) -> None:
        """Tell everything that is there now; die behind so many records."""
        asyncio.run(self._run(life, alone=alone))

    async def _run(self, life: int, *, alone: bool) -> None:
        units = Units(lambda messages: messages, lambda delivered: None)

        async def send(unit: Unit) -> None:
            self.sink.store(unit)
            units.stored(unit.number)

        reader = open_reader(_ENDPOINT, self._plan)
        changes = Changes(
            reader, encoder(dict(self._plan.options)), units, self.place, self.sink.found(), send, GtidSet.parse
        )
        for record in self._records(changes.place, alone=alone):
            life -= 1
            if life < 0:
                raise Death
            await _take(changes, record)
        await changes.flush()
        await changes.store_place()

    def _records(self, place: Place, *, alone: bool) -> Iterator[Record]:
        source = OracleSource(_ENDPOINT, {"ServiceName": "ORCL", "Pdb": self.server.pdb}, lambda: self.server)
        number, state, position = place.snapshots, place.snapshot, str(place.executed)
        if place.copying:
            number += 1
            told: list[Record] = []
            reading = source.open_reading(self.scope, ReadingPlan(number, state=state, alone=alone), readers=2)
            reading.read(1, told.append)
            reading.read(0, told.append)
            yield from told
            state, position = reading.state, reading.position
        if alone:
            return
        log = source.open_log(
            LogPlan("job", self.scope, position, tells=True, snapshot=state, snapshots=number, wishes=self.wishes)
        )
        log.begin()
        yield from takewhile(lambda record: record is not None, log)  # type: ignore[misc]
        log.close()


async def _take(changes: Changes, record: Record) -> None:
    match record:
        case Transaction():
            await changes.transaction(record)
        case Part():
            await changes.part(record)
        case Definition():
            await changes.definition(record)
        case Format():
            changes.set_format(record.event)
        case Skipped():
            changes.skipped(record.gtids)
        case SnapshotRows():
            await changes.snapshot_rows(record)
        case SnapshotEnd():
            await changes.snapshot_end(record)


def payload(message: Message) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(message.value or b"{}")
    return value


class Consumer:
    """Keeps each table's rows. `strict`: a change must fit what it knows, and each row come once."""

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict
        self.tables: dict[Table, list[dict[str, Any]]] = {}
        self.operations: Counter[str] = Counter()

    def take(self, messages: list[Message], keys: dict[Table, str]) -> None:
        ids = [each.id for each in messages]
        assert len(ids) == len(set(ids))
        for message in messages:
            if message.value is not None:
                self._change(payload(message), keys)

    def _change(self, told: dict[str, Any], keys: dict[Table, str]) -> None:
        table = told["source"]["db"], told["source"]["table"]
        rows, key = self.tables.setdefault(table, []), keys.get(table)
        self.operations[told["op"]] += 1
        for image in (told["before"], told["after"]):
            old = [row for row in rows if (row[key] == image[key] if key else row == image)] if image else []
            if self._strict and image is not None and key:
                assert (image in old) == (image is told["before"]), told
            for row in old[: None if key else 1] if image is told["before"] or key else []:
                rows.remove(row)
        if told["after"] is not None:
            rows.append(told["after"])
