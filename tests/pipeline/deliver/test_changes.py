"""What a run does with a place in the middle of a transaction, and with messages that lie behind a place."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest

from udup.base.errors import Transient, Unsupported
from udup.drivers.fake.changes import Change, Op, Statement, Verb, encode, encode_statement
from udup.drivers.fake.messages import FakeEncoder, FakeReader, FakeSink
from udup.drivers.fake.position import FakePosition
from udup.pipeline.deliver import units as units_module
from udup.pipeline.deliver.changes import Changes
from udup.pipeline.deliver.place import OpenTransaction, Place
from udup.pipeline.deliver.units import Delivered, Units
from udup.pipeline.ports.delivery import Message, RowsText, Unit
from udup.pipeline.records import CommitOrder, Part, SnapshotDefinition, SnapshotRows, Transaction, TransactionId, XaEnd

T = ("s", "t")
FIRST, SECOND = (TransactionId("alpha", number, CommitOrder(0, number, 0)) for number in (1, 2))


class Run:
    """One run over what the sink has by now."""

    def __init__(self, sink: FakeSink, encoder: FakeEncoder | None = None) -> None:
        self.units = Units(lambda messages: messages, self._on_delivered)
        self.delivered: list[Delivered] = []
        self._sink = sink
        found = sink.found()
        place = Place(FakePosition()) if found.position is None else Place.parse(found.position, FakePosition.parse)
        self.changes = Changes(
            FakeReader(1), encoder or FakeEncoder(), self.units, place, found, self._send, FakePosition.parse
        )

    def _on_delivered(self, delivered: Delivered) -> None:
        self.delivered.append(delivered)

    async def _send(self, unit: Unit) -> None:
        self._sink.store(unit)
        self.units.stored(unit.number)


def rows(first: int, last: int) -> bytes:
    return encode(Change(T, Op.INSERT, f"k{number}", "entry") for number in range(first, last))


def part(index: int, first: int, last: int, *, create: bytes = b"", is_last: bool = False) -> Part:
    return Part(FIRST, index, is_last, rows(first, last), create=create)


def run(sink: FakeSink, work: Callable[[Changes], Awaitable[None]]) -> Changes:
    changes = Run(sink).changes
    asyncio.run(work(changes))  # type: ignore[arg-type]
    return changes


@pytest.fixture
def sink() -> FakeSink:
    return FakeSink()


def ids(sink: FakeSink) -> list[str]:
    return [each.id for each in sink.messages]


def wanted(count: int, gtid: str = "alpha:1") -> list[str]:
    return [f"{gtid}:begin", *(f"{gtid}:s.t:{number}" for number in range(count)), f"{gtid}:end"]


async def half(changes: Changes) -> None:
    await changes.part(part(0, 0, 6))
    await changes.flush()


async def whole(changes: Changes) -> None:
    await changes.transaction(Transaction(FIRST, rows(0, 10)))
    await changes.flush()


def test_a_run_that_ends_before_it_is_where_the_last_one_was_forgets_nothing(sink: FakeSink) -> None:
    async def less(changes: Changes) -> None:
        await changes.part(part(0, 0, 3))
        await changes.store_place()

    run(sink, half)
    run(sink, less)
    run(sink, whole)
    assert ids(sink) == wanted(10)


def test_a_table_that_is_made_with_its_rows_is_told_once(sink: FakeSink) -> None:
    create = encode_statement(Statement(Verb.CREATE, T))

    async def begun(changes: Changes) -> None:
        await changes.part(part(0, 0, 6, create=create))
        await changes.flush()

    async def ended(changes: Changes) -> None:
        await changes.transaction(Transaction(FIRST, rows(0, 10), create=create))
        await changes.flush()

    run(sink, begun)
    run(sink, ended)
    assert ids(sink) == ["alpha:1:begin", "alpha:1:ddl", *wanted(10)[1:]]


def test_another_transaction_may_come_before_the_one_that_has_begun(sink: FakeSink) -> None:
    async def other(changes: Changes) -> None:
        await changes.transaction(Transaction(SECOND, rows(20, 21)))
        await changes.flush()
        assert not changes.is_inside

    run(sink, half)
    run(sink, other)
    run(sink, whole)
    assert [each for each in ids(sink) if each.startswith("alpha:1:")] == wanted(10)


def test_a_server_with_another_order_may_leave_several_transactions_in_part(sink: FakeSink) -> None:
    """The source fails over in the middle of one, and the next run ends in the middle of one that comes before it."""
    second = wanted(8, "alpha:2")

    async def half_of_another(changes: Changes) -> None:
        await changes.part(Part(SECOND, 0, False, rows(20, 23)))
        await changes.flush()

    async def nothing(changes: Changes) -> None:
        assert changes.partial == {"alpha:1", "alpha:2"} and not changes.is_inside
        await changes.store_place(always=True)

    async def the_other(changes: Changes) -> None:
        await changes.transaction(Transaction(SECOND, rows(20, 28)))
        await changes.flush()

    run(sink, half)
    run(sink, half_of_another)
    run(sink, nothing)
    assert run(sink, whole).partial == {"alpha:2"}
    assert run(sink, the_other).partial == set()
    assert [each for each in ids(sink) if each.startswith("alpha:1:")] == wanted(10)
    assert [each for each in ids(sink) if each.startswith("alpha:2:")] == second


@pytest.mark.parametrize("committed_us", [5000, 0, 6000])
def test_another_transaction_of_the_same_gtid_is_not_taken_for_the_rest(sink: FakeSink, committed_us: int) -> None:
    """A source that has lost its last transactions in a crash numbers others like them. 0: it does not say when."""
    first, second = (TransactionId("alpha", 1, CommitOrder(0, 1, 0, original_us=us)) for us in (5000, committed_us))

    async def begun(changes: Changes) -> None:
        await changes.part(Part(first, 0, False, rows(0, 6)))
        await changes.flush()

    async def ended(changes: Changes) -> None:
        await changes.transaction(Transaction(second, rows(0, 10)))
        await changes.flush()

    run(sink, begun)
    if committed_us != 6000:
        run(sink, ended)
        assert ids(sink) == wanted(10)
        return
    with pytest.raises(Unsupported, match=r"alpha:1 was delivered in part.*another time"):
        run(sink, ended)
    assert ids(sink) == wanted(10)[:7]


def test_a_position_of_an_earlier_version_has_one_transaction_in_part() -> None:
    text = '{"form":1,"gtids":"alpha:1","open":{"gtid":"alpha:2","rows":{"s.t":6}}}'
    place = Place.parse(text, FakePosition.parse)
    assert place.begun == {"alpha:2": OpenTransaction("alpha:2", {"s.t": 6})}
    assert Place.parse(place.text(), FakePosition.parse).begun == place.begun


def test_a_transaction_that_has_begun_and_is_not_the_jobs_any_more_is_over(sink: FakeSink) -> None:
    async def skipped(changes: Changes) -> None:
        assert not changes.is_inside
        changes.skipped("alpha:1-4")
        await changes.store_place()

    run(sink, half)
    assert run(sink, skipped).partial == set()
    found = Place.parse(sink.position or "", FakePosition.parse)
    assert not found.begun and str(found.executed) == "alpha:1-4"


def test_messages_of_transactions_that_are_executed_are_not_kept_in_the_place(sink: FakeSink) -> None:
    """The sink may name them again and again: its note tells of them until a message is sent."""

    async def nothing(changes: Changes) -> None:
        await changes.store_place(always=True)

    run(sink, whole)
    sink.stored += [(each, None) for each in sink.messages]  # as if they were behind the position
    sink.stored.append((FakeEncoder().heartbeat(5)[0], None))
    changes = run(sink, nothing)
    assert changes.place.there == set()


@pytest.mark.parametrize("cut", range(9))
def test_messages_behind_a_place_are_forgotten_when_their_transaction_is_left_out(sink: FakeSink, cut: int) -> None:
    async def skipped(changes: Changes) -> None:
        assert len(changes.place.there) == cut
        changes.skipped("alpha:1")

    sink.cuts[1] = cut
    with pytest.raises(Exception, match="cut"):
        run(sink, whole)
    assert run(sink, skipped).place.there == set()


@pytest.mark.parametrize("cut", range(1, 9))
def test_the_statements_of_a_snapshot_are_told_in_units_and_no_id_twice(
    sink: FakeSink, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    """A run that ends in the middle of them leaves all to the next, whose tables may be others."""
    monkeypatch.setattr(units_module, "UNIT_MESSAGES", 3)
    count = 8

    async def told(changes: Changes) -> None:
        number = changes.place.snapshots + 1
        for at in range(count):
            text, last = encode_statement(Statement(Verb.CREATE, T)).decode(), at == count - 1
            await changes.snapshot_definition(
                SnapshotDefinition(number, at, last, text, "s", [T], b"[]", "", 0, 0, "state")
            )

    sink.cuts = dict.fromkeys(range(1, cut), cut % 3)
    for _ in range(cut - 1):
        with pytest.raises(Transient):
            run(sink, told)
    before = len(ids(sink))
    place = run(sink, told).place
    assert len(ids(sink)) == len(set(ids(sink)))
    assert ids(sink)[before:] == [f"s{place.snapshots}:{at}:ddl" for at in range(count)]
    found = Place.parse(sink.position or "", FakePosition.parse)
    assert (found.snapshot, found.copying, found.snapshots) == ("state", True, place.snapshots)
    assert sink.units - (cut - 1) == 1 + 3, "one that says which number it has, and three with statements"


def test_what_is_prepared_is_read_by_the_format_that_it_was_written_by(
    sink: FakeSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The source may be started anew before its end comes, with another binlog_checksum."""
    formats: list[bytes] = []
    read: list[tuple[str, bytes]] = []
    reader_rows = FakeReader.rows
    monkeypatch.setattr(FakeReader, "set_format", lambda _, event: formats.append(event))

    def rows_read(self: FakeReader, record: Transaction | Part | SnapshotRows) -> Iterator[RowsText]:
        assert isinstance(record, Transaction)
        read.append((record.id.gtid, formats[-1]))
        return reader_rows(self, record)

    monkeypatch.setattr(FakeReader, "rows", rows_read)

    async def prepared(changes: Changes) -> None:
        changes.set_format(b"old")
        await changes.transaction(Transaction(FIRST, rows(0, 2), xid="x"))
        changes.set_format(b"new")
        await changes.end_of_xa(XaEnd(SECOND, "x", True))
        await changes.transaction(Transaction(TransactionId("alpha", 3, CommitOrder(0, 3, 0)), rows(2, 3)))

    run(sink, prepared)
    assert read == [("alpha:1", b"old"), ("alpha:3", b"new")]


def test_what_holds_nothing_of_the_jobs_is_remembered_by_its_time(sink: FakeSink) -> None:
    """It may be the last that the source has executed, and be what tells that it was reset."""

    async def skipped(changes: Changes) -> None:
        changes.skipped("alpha:1-7", "alpha:7@1700000000000000")
        await changes.store_place()

    run(sink, skipped)
    assert str(Run(sink).changes.place.stamps) == "alpha:7@1700000000000000"


def test_rows_of_a_prepared_transaction_bear_the_time_of_its_end(sink: FakeSink) -> None:
    times: list[int] = []

    class Encoder(FakeEncoder):
        def rows(self, gtid: str, committed_us: int, counts: dict[str, int], found: RowsText) -> list[Message]:
            times.append(committed_us)
            return super().rows(gtid, committed_us, counts, found)

    prepared, end = (TransactionId("alpha", number, CommitOrder(0, number, number * 1000)) for number in (1, 2))
    one = Run(sink, Encoder()).changes

    async def work() -> None:
        await one.transaction(Transaction(prepared, rows(0, 1), xid="x"))
        await one.end_of_xa(XaEnd(end, "x", True))

    asyncio.run(work())
    assert times == [2000]


def test_a_prepared_transaction_that_the_source_has_lost_leaves_no_gap(sink: FakeSink) -> None:
    """Another is prepared under its XID, or the source's driver has found out."""
    ids_of = [TransactionId("alpha", number, CommitOrder(0, number, 0)) for number in range(1, 5)]

    async def work(changes: Changes) -> None:
        await changes.transaction(Transaction(ids_of[0], rows(0, 1), xid="x"))
        await changes.transaction(Transaction(ids_of[1], rows(1, 2), xid="x"))
        await changes.transaction(Transaction(ids_of[2], rows(2, 3), xid="y"))
        changes.skipped("alpha:3")
        assert changes.prepared == 1
        await changes.end_of_xa(XaEnd(ids_of[3], "x", True))
        await changes.flush()

    changes = run(sink, work)
    assert str(changes.place.executed) == "alpha:1-4" and changes.prepared == 0
    assert ids(sink) == ["alpha:4:begin", "alpha:4:s.t:0", "alpha:4:end"]
