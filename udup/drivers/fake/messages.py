"""A sink of messages in memory, and what makes messages of the fake log's records.

As on a real sink, a unit's position lies with its last message, units that are not atomic may be stored in part when
their writer dies, and a writer that was superseded is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from udup.base.errors import Superseded, Transient
from udup.drivers.fake.changes import Change, Op, Splitter, decode, decode_statement, encode
from udup.drivers.fake.server import FakeInfo
from udup.pipeline.ports import ServerInfo
from udup.pipeline.ports.delivery import (
    DefinitionText,
    DeliverySettings,
    FoundPlace,
    Message,
    Operation,
    RowsText,
    RowText,
    Template,
    Unit,
)
from udup.pipeline.ports.tail import NOW, Seen, TailRequest
from udup.pipeline.records import Definition, Part, SnapshotDefinition, SnapshotRows, Transaction

_OPERATIONS = {Op.INSERT: Operation.CREATE, Op.UPDATE: Operation.UPDATE, Op.DELETE: Operation.DELETE}


#: The header of a transaction's first message that says when it was committed.
_TIME = "us"


@dataclass(frozen=True)
class FakeTableText:
    schema: str
    name: str
    key_columns: Sequence[str] = ("key",)

    def key_schema(self) -> Sequence[Mapping[str, Any]]:
        return []

    def row_schema(self) -> Sequence[Mapping[str, Any]]:
        return []

    def rows(self, event: bytes) -> list[RowText]:
        return [
            RowText(json.dumps(each.key).encode(), None, None, json.dumps(each.entry).encode())
            for each in decode(event)
        ]

    def values(self, event: bytes, template: Template, first: int) -> list[tuple[bytes | None, bytes]] | None:
        return None


class FakeReader:
    """`RecordReader`: an event is what one record has of one table and one kind, up to `together` changes."""

    def __init__(self, together: int = 2) -> None:
        self._together = together
        self._splitter = Splitter()

    kind, remedy = "python", ""

    def set_format(self, event: bytes) -> None:
        """Nothing: its events are written in one way."""

    def note_tables(self, details: bytes) -> None:
        """Nothing: its changes say everything."""

    def rows(self, record: Transaction | Part | SnapshotRows) -> Iterator[RowsText]:
        if isinstance(record, Part) and record.index == 0:
            self._splitter = Splitter()
        changes = self._splitter.feed(record.events) if isinstance(record, Part) else decode(record.events)
        event: list[Change] = []
        for change in changes:
            if event and (len(event) == self._together or (change.table, change.op) != (event[0].table, event[0].op)):
                yield self._event(event)
                event = []
            event.append(change)
        if event:
            yield self._event(event)

    @staticmethod
    def _event(changes: list[Change]) -> RowsText:
        return RowsText(FakeTableText(*changes[0].table), _OPERATIONS[changes[0].op], encode(changes))

    def definition(self, record: Definition) -> DefinitionText:
        statement = decode_statement(record.query)
        return DefinitionText(str(statement), statement.table[0], [statement.table], False, b"[]")


class FakeEncoder:
    """`Encoder`: one message a change, begin and end of each transaction, and one for a definition."""

    heartbeat_seconds = 0.0

    def rows(self, gtid: str, committed_us: int, counts: dict[str, int], found: RowsText) -> list[Message]:
        table = f"{found.table.schema}.{found.table.name}"
        first = counts.get(table, 0)
        rows = found.table.rows(found.event)
        counts[table] = first + len(rows)
        return [
            Message(table, row.key, row.after, f"{gtid}:{table}:{number}", (), found.operation, table)
            for number, row in enumerate(rows, start=first)
        ]

    def begin(self, gtid: str, committed_us: int) -> list[Message]:
        return [Message("tx", None, b"begin", f"{gtid}:begin", ((_TIME, b"%d" % committed_us),))]

    def end(self, gtid: str, committed_us: int, counts: Mapping[str, int]) -> list[Message]:
        return [Message("tx", None, json.dumps(dict(sorted(counts.items()))).encode(), f"{gtid}:end")]

    def definition(self, gtid: str, committed_us: int, found: DefinitionText) -> list[Message]:
        return [Message("ddl", None, found.statement.encode(), f"{gtid}:ddl")]

    def snapshot(self, record: SnapshotRows, found: RowsText, first: int) -> list[Message]:
        table = f"{found.table.schema}.{found.table.name}"
        start = f"s{record.snapshot}:{table}:{record.chunk}"
        return [
            Message(table, row.key, row.after, f"{start}:{number}", (), Operation.READ, table)
            for number, row in enumerate(found.table.rows(found.event), start=first)
        ]

    def snapshot_definition(self, record: SnapshotDefinition) -> list[Message]:
        return [Message("ddl", None, record.statement.encode(), f"s{record.snapshot}:{record.number}:ddl")]

    def heartbeat(self, now_ms: int) -> list[Message]:
        return [Message("heartbeat", None, str(now_ms).encode(), f"heartbeat:{now_ms}")]

    def packed(self, messages: list[Message]) -> list[Message]:
        return messages

    def row_ids(self, message_id: str) -> list[str]:
        return [message_id]

    def gtid(self, message_id: str) -> str:
        source, number, *rest = message_id.split(":")
        return f"{source}:{number}" if rest and number.isdecimal() else ""

    def row_number(self, message_id: str) -> int:
        return int(message_id.rpartition(":")[2])


@dataclass
class FakeSink:
    """What is stored: each message with the position that lies with it, if one does.

    `cuts`: of which unit (counted over all runs) how many messages are stored before its writer loses the connection,
    -1 for all, with the position. `max_units` may be under way before `send` waits for what is stored.
    """

    name: str = "sink"
    stored: list[tuple[Message | None, str | None]] = field(default_factory=list)
    generation: int = 0
    units: int = 0
    cuts: dict[int, int] = field(default_factory=dict)
    is_up: bool = True

    @property
    def messages(self) -> list[Message]:
        return [message for message, _ in self.stored if message is not None]

    @property
    def position(self) -> str | None:
        return next((position for _, position in reversed(self.stored) if position is not None), None)

    def found(self) -> FoundPlace:
        last = max((at for at, (_, position) in enumerate(self.stored) if position is not None), default=-1)
        behind = [message for message, _ in self.stored[last + 1 :] if message is not None]
        times = {each.id.rpartition(":")[0]: int(us) for each in behind for name, us in each.headers if name == _TIME}
        return FoundPlace(self.position, [each.id for each in behind], times)

    def store(self, unit: Unit) -> None:
        self.units += 1
        cut = self.cuts.get(self.units)
        whole: list[tuple[Message | None, str | None]] = [(message, None) for message in unit.messages]
        whole[-1:] = [(unit.messages[-1] if unit.messages else None, unit.position)]
        if cut is None or cut < 0:
            self.stored += whole
        elif not unit.atomic:
            self.stored += whole[: min(cut, len(whole) - 1)]
        if cut is not None:
            raise Transient("the connection to the sink was cut")


class FakeDelivery:
    def __init__(self, sink: FakeSink, on_stored: Callable[[int], None]) -> None:
        self._sink = sink
        self._on_stored = on_stored
        self._generation = 0

    async def connect(self) -> ServerInfo:
        self._check_up()
        return FakeInfo(self._sink.name, self._sink.name)

    async def take_over(self) -> FoundPlace:
        self._check_up()
        self._sink.generation += 1
        self._generation = self._sink.generation
        return self._sink.found()

    async def send(self, unit: Unit) -> None:
        self._check_up()
        if self._generation != self._sink.generation:
            raise Superseded("another run has the sink")
        self._sink.store(unit)
        self._on_stored(unit.number)

    async def stored(self) -> None:
        """Nothing: what was sent is stored."""

    async def check(self) -> None:
        self._check_up()

    async def close(self) -> None:
        """Nothing."""

    def _check_up(self) -> None:
        if not self._sink.is_up:
            raise Transient("the sink is away")


class FakeTail:
    """What is stored, from the start or a cursor on; a few messages with each read."""

    at_end = False

    def __init__(self, sink: FakeSink, wanted: TailRequest) -> None:
        self._sink = sink
        self._next = int(wanted.cursor or (len(sink.messages) if wanted.since == NOW else 0))

    @property
    def cursor(self) -> str:
        return str(self._next)

    def read(self) -> list[Seen]:
        found = self._sink.messages[self._next : self._next + 3]
        self._next += len(found)
        self.at_end = self._next >= len(self._sink.messages)
        return [Seen(each.topic, each.key, each.value, each.id, each.operation) for each in found]

    def close(self) -> None:
        """Nothing."""


class FakeDestination:
    def __init__(self, sink: FakeSink) -> None:
        self._sink = sink

    @property
    def where(self) -> str:
        return self._sink.name

    def open_encoder(self, settings: DeliverySettings) -> FakeEncoder:
        return FakeEncoder()

    def open_delivery(self, settings: DeliverySettings, on_stored: Callable[[int], None]) -> FakeDelivery:
        return FakeDelivery(self._sink, on_stored)

    def position(self, settings: DeliverySettings) -> str | None:
        return self._sink.position

    def tail(self, settings: DeliverySettings, wanted: TailRequest) -> FakeTail:
        return FakeTail(self._sink, wanted)

    def purge(self, settings: DeliverySettings) -> None:
        """Nothing is kept beside the messages."""
