"""The extractor over a source in memory: what it sends, what it waits for, and that nothing is left when it ends."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from udup.base.endpoint import Endpoint
from udup.base.errors import Held, Refused, Side, Transient, UdupError, Unavailable, Unsupported
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.pipeline.extract import beats, following, reset_guard, source_watch, waiting
from udup.pipeline.extract import extractor as engine
from udup.pipeline.extract.extractor import Extractor
from udup.pipeline.extract.progress import ExtractProgress
from udup.pipeline.extract.settings import ExtractorSettings
from udup.pipeline.ports import (
    ClockAnswer,
    CopyResume,
    End,
    LogPlace,
    LogPlan,
    Piece,
    Recognised,
    Scope,
    SourceCopy,
    SourceLook,
)
from udup.pipeline.records import (
    Beat,
    CommitOrder,
    CopyEnd,
    CopyPlan,
    CopyStands,
    CopyTable,
    CopyTotals,
    Credit,
    Known,
    Record,
    Skipped,
    StartRows,
    Tables,
    Transaction,
    TransactionId,
    decode_batch,
    decode_piece,
    encode,
)
from udup.pipeline.selection.selection import Selection
from udup.pipeline.transport.flow import Windows
from udup.pipeline.transport.link import Subjects
from udup.pipeline.waits import WaitKind, Waits

UUID = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"

#: Seconds in which anything that is waited for must come.
SOON = 20.0

SETTINGS = ExtractorSettings(
    nats_url="",
    job="j",
    run=1,
    end=End("fake", Endpoint("host", 1, "user", "")),
    scope=Scope(Selection()),
    start_after=f"{UUID}:1-4",
    workers=2,
    windows=Windows(1 << 20, 1 << 20),
    window_messages=100,
    message_bytes=1000,
)

LOG = Subjects("j", 1).log
UPSTREAM = Subjects("j", 1).upstream


class Wire:
    """Stands in for NATS: keeps what is published, and hands on what is sent upstream."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.handlers: dict[str, Callable[[bytes], Awaitable[None]]] = {}
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed = False

    async def subscribe(self, subject: str, handler: Callable[[bytes], Awaitable[None]]) -> None:
        self.handlers[subject] = handler

    async def publish(self, subject: str, data: bytes) -> None:
        self.sent.append((subject, data))

    async def flush(self) -> None:
        """Nothing waits."""

    async def close(self) -> None:
        self.closed = True
        self.lost.cancel()

    async def upstream(self, message: Credit | StartRows | CopyStands) -> None:
        await self.handlers[UPSTREAM](encode(message))

    @property
    def records(self) -> list[Record]:
        """What was sent of the log, heartbeats left out."""
        batches = [decode_batch(data) for subject, data in self.sent if subject == LOG]
        assert [batch.number for batch in batches] == list(range(1, len(batches) + 1))
        return [record for batch in batches for record in batch.records if not isinstance(record, Beat)]

    @property
    def beats(self) -> list[Beat]:
        batches = [decode_batch(data) for subject, data in self.sent if subject == LOG]
        return [record for batch in batches for record in batch.records if isinstance(record, Beat)]


class MemoryLog:
    """Yields what is put; an exception that is put is raised."""

    def __init__(self, plan: LogPlan) -> None:
        self.plan = plan
        self.items: queue.Queue[Record | Exception | None] = queue.Queue()
        self.place = LogPlace("log.000001", 4)
        self.closed = False

    def begin(self) -> Recognised:
        return Recognised(UUID, "stamps", doubt="a doubt")

    def __iter__(self) -> Iterator[Record | None]:
        while not isinstance(item := self.items.get(), Exception):
            yield item
        raise item

    def close(self) -> None:
        self.closed = True
        self.items.put(Transient("closed"))


@dataclass
class MemoryCopy:
    """One table, which each reader reads a chunk of."""

    plan: CopyPlan = field(default_factory=lambda: CopyPlan([CopyTable("d", "t", "d.t", 2)], b"details", f"{UUID}:1-7"))
    started: StartRows | None = None
    stopped: bool = False
    closed: bool = False
    on_table: Callable[[CopyTotals], None] = lambda totals: None

    def start(self, start: StartRows, on_table: Callable[[CopyTotals], None]) -> None:
        self.started, self.on_table = start, on_table

    def read(self, reader: int, emit: Callable[[Piece], None]) -> None:
        emit(Piece(0, reader, False, 0, b"a" * 10))
        emit(Piece(0, reader, True, 1, b"b"))
        if reader == 0:
            self.on_table(CopyTotals(0, 2, 2))

    def ahead(self) -> str:
        return self.plan.ahead

    def stop(self) -> None:
        self.stopped = True

    def close(self) -> None:
        self.closed = True


class MemoryClock:
    def __init__(self, source: MemorySource) -> None:
        self._source = source

    def read(self) -> ClockAnswer:
        self._source.asked += 1
        self._source.clock_closed = False
        if self._source.clock_fails:
            raise self._source.clock_fails.pop(0)
        return ClockAnswer(1_700_000_000_000_000, self._source.executed, self._source.answers_as)

    def awaits_acknowledgement(self) -> bool:
        self._source.asked_why += 1
        return self._source.awaits

    def check_kept(self, position: str) -> None:
        """Keeps its log for ever."""

    def close(self) -> None:
        self._source.clock_closed = True


class MemorySource:
    where = "user@host:1"

    def __init__(self) -> None:
        self.executed = f"{UUID}:1-9"
        self.answers_as = UUID
        self.awaits, self.asked_why = False, 0
        self.logs: list[MemoryLog] = []
        self.copy = MemoryCopy()
        self.opening = threading.Event()
        self.may_open = threading.Event()
        self.may_open.set()
        self.clock_closed = False
        self.clocks = self.asked = 0
        self.clock_fails: list[Exception] = []  # what the next questions to a clock raise

    def position(self, text: str) -> GtidSet:
        return GtidSet.parse(text)

    def look(self, scope: Scope) -> SourceLook:
        raise AssertionError("an extractor is told what was seen")

    def open_clock(self) -> MemoryClock:
        self.clocks += 1
        return MemoryClock(self)

    def tables(self, scope: Scope, copied: SourceCopy | None, *, tells: bool = False) -> Tables:
        return Tables(UUID, self.where, [("d", "t", "d", "t")], copied is not None)

    def open_copy(
        self,
        scope: Scope,
        *,
        readers: int,
        chunk_rows: int | None,
        waits: Waits | None = None,
        resumes: CopyResume | None = None,
    ) -> MemoryCopy:
        self.opening.set()
        assert self.may_open.wait(SOON)
        return self.copy

    def open_log(self, plan: LogPlan) -> MemoryLog:
        self.logs.append(MemoryLog(plan))
        return self.logs[-1]


def _transaction(number: int, size: int = 10) -> Transaction:
    return Transaction(TransactionId(UUID, number, CommitOrder(0, number, 0)), bytes(size))


@dataclass
class Running:
    wire: Wire
    task: asyncio.Task[None]
    reports: list[ExtractProgress]

    def waits_for(self) -> list[WaitKind] | None:
        """Return what the last report tells; None before the first."""
        return [wait.what for wait in self.reports[-1].waiting_for] if self.reports else None

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for a condition; the engine's own error is raised if it ends first."""
        async with asyncio.timeout(SOON):
            while not condition():
                if self.task.done():
                    await self.task
                    raise AssertionError("the engine has ended")
                await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports and heartbeats come soon."""
    monkeypatch.setattr(source_watch, "REPORT_SECONDS", 0.02)
    monkeypatch.setattr(source_watch, "IDLE_SECONDS", 0.05)
    monkeypatch.setattr(source_watch, "FOLLOWING_SECONDS", 0.05)
    monkeypatch.setattr(waiting, "TOLD_SECONDS", 0.1)
    monkeypatch.setattr(beats, "BEAT_AT_REST_SECONDS", 0.0)


@asynccontextmanager
async def _running(
    source: MemorySource, settings: ExtractorSettings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Running]:
    wire = Wire()

    async def opened(url: str, name: str) -> Wire:
        return wire

    monkeypatch.setattr(engine.Link, "open", opened)
    reports: list[ExtractProgress] = []
    task = asyncio.create_task(Extractor(settings, source, reports.append).run())
    running = Running(wire, task, reports)
    try:
        yield running
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert wire.closed
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("extract")]


def test_the_log_is_sent_in_its_order_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    source = MemorySource()

    async def scenario() -> None:
        settings = replace(SETTINGS, stamps="s", source_uuid="another")
        async with _running(source, settings, monkeypatch) as running:
            await running.until(lambda: source.logs)
            (log,) = source.logs
            for record in (_transaction(5), _transaction(6), Skipped(f"{UUID}:7-8", 0), None):
                log.items.put(record)
            await running.until(lambda: len(running.wire.records) == 5)
            log.items.put(None)
            await running.until(lambda: running.wire.beats)
            await running.until(lambda: running.reports and running.reports[-1].extracted.skipped)
        assert log.plan == LogPlan("j", SETTINGS.scope, f"{UUID}:1-4", "s", "another")
        tables, known, first, second, skipped = running.wire.records
        assert isinstance(tables, Tables) and not tables.all_of_them
        assert known == Known(UUID, "stamps")
        assert (first, second) == (_transaction(5), _transaction(6)) and isinstance(skipped, Skipped)
        assert running.wire.beats[0].executed == source.executed
        told = running.reports[-1].as_dict()
        assert told["extracted_gtid"] == f"{UUID}:1-8"
        assert (told["extracted_transactions"], told["skipped_transactions"]) == (2, 2)
        assert (told["binlog_file"], told["binlog_position"]) == ("log.000001", 4)
        assert (told["source_gtid"], told["warning"]) == (source.executed, "a doubt")
        assert log.closed and source.clock_closed

    asyncio.run(scenario())


def test_a_copy_waits_for_the_targets_tables_and_the_log_follows_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    source = MemorySource()

    async def scenario() -> None:
        async with _running(source, replace(SETTINGS, start_after=None), monkeypatch) as running:
            wire = running.wire
            await running.until(lambda: running.waits_for() == [WaitKind.TARGET_TABLES])
            tables, plan = wire.records
            assert isinstance(tables, Tables) and tables.all_of_them and plan == source.copy.plan
            assert not source.copy.started, "no row is read before the target's tables are there"
            await wire.upstream(StartRows("load", offsets=True))
            await running.until(lambda: len(wire.records) == 4)
            beats = len(wire.beats)
            await running.until(lambda: len(wire.beats) > beats + 1)
            assert not source.logs, "a log that is lost would cost the copy, whose indexes the target still builds"
            await wire.upstream(CopyStands())
            await running.until(lambda: source.logs)
            await running.until(lambda: len(wire.records) == 5)
            assert running.waits_for() in ([], [WaitKind.TARGET_TABLES])
        assert source.copy.started == StartRows("load", offsets=True) and source.copy.closed
        assert wire.records[2:] == [CopyTotals(0, 2, 2), CopyEnd(), Known(UUID, "stamps")]
        assert source.logs[0].plan.start_after == source.copy.plan.position
        for reader, slot in ((0, 1), (1, 2)):
            subject = Subjects("j", 1).copy(slot)
            pieces = [decode_piece(data) for to, data in wire.sent if to == subject]
            assert [(piece.number, piece.chunk, piece.last) for piece in pieces] == [
                (1, reader, False),
                (2, reader, True),
            ]

    asyncio.run(scenario())


def test_a_full_window_is_told_as_what_is_waited_for_until_credit_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    source = MemorySource()

    async def scenario() -> None:
        settings = replace(SETTINGS, window_messages=3, message_bytes=100)
        async with _running(source, settings, monkeypatch) as running:
            await running.until(lambda: source.logs)
            for number in range(5, 9):
                source.logs[0].items.put(_transaction(number, 200))
            await running.until(lambda: running.waits_for() == [WaitKind.CREDITS])
            [wait] = running.reports[-1].waiting_for
            assert wait.side is Side.TARGET and running.reports[-1].as_dict()["source_waiting_for"]["what"] == "credits"
            assert len(running.wire.sent) == 3
            await running.wire.upstream(Credit("log", 3))
            await running.until(lambda: len(running.wire.sent) == 6)
            await running.until(lambda: not running.reports[-1].waiting_for)

    asyncio.run(scenario())


def test_a_source_that_was_reset_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    source = MemorySource()

    async def scenario() -> None:
        async with _running(source, SETTINGS, monkeypatch) as running:
            await running.until(lambda: running.reports and running.reports[-1].extracted.gtids)
            seen = len(running.reports)
            await running.until(lambda: len(running.reports) > seen)
            source.executed = f"{UUID}:1-2"
            with pytest.raises(Unsupported, match=f"no longer executed {UUID}:3-4"):
                await asyncio.wait_for(running.task, SOON)

    asyncio.run(scenario())


# ---- A source that does not count what it has sent, and another one that answers in its place ----

OTHER = "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb"


def test_a_source_that_waits_for_a_replica_is_followed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long that takes. When it waits for nobody and counts nothing all the same, the next run looks into it."""
    monkeypatch.setattr(reset_guard, "COUNT_SECONDS", 0.05)
    source = MemorySource()
    source.awaits = True

    async def scenario() -> None:
        async with _running(source, SETTINGS, monkeypatch) as running:
            await running.until(lambda: running.reports and running.reports[-1].extracted.gtids)
            seen = source.asked
            await running.until(lambda: source.asked > seen + 1)
            source.logs[0].items.put(_transaction(10))
            await running.until(lambda: source.asked_why > 2)
            for item in (_transaction(11), None):
                source.logs[0].items.put(item)
            await running.until(lambda: _transaction(11) in running.wire.records)
            source.awaits = False
            with pytest.raises(Transient, match=f"has sent {UUID}:10.* and has not executed it"):
                await asyncio.wait_for(running.task, SOON)

    asyncio.run(scenario())


def test_what_another_server_says_to_have_executed_is_told_and_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address is a balancer's: the question comes to a replica that is behind the one whose log is read."""
    monkeypatch.setattr(source_watch, "AGAIN_SECONDS", 0.02)
    monkeypatch.setattr(reset_guard, "COUNT_SECONDS", 0.05)
    source = MemorySource()
    source.executed, source.answers_as = f"{UUID}:1-2", OTHER

    async def scenario() -> None:
        async with _running(source, SETTINGS, monkeypatch) as running:
            await running.until(lambda: source.logs)
            source.logs[0].items.put(None)
            await running.until(lambda: running.reports and running.reports[-1].told)
            clocks, told = source.clocks, running.reports[-1].as_dict()
            await running.until(lambda: source.clocks > clocks + 5)
            source.logs[0].items.put(None)
            assert not running.wire.beats and told["source_gtid"] is None, "nobody takes the job for level"
            (text,) = told["told"]
            assert "leads to several servers" in text and UUID in text and OTHER in text and "name one server" in text
            source.executed, source.answers_as = f"{UUID}:1-9", UUID
            await running.until(lambda: running.reports[-1].source_executed == source.executed)
            source.logs[0].items.put(None)
            await running.until(lambda: running.wire.beats)
            assert running.wire.beats[0].executed == source.executed
            source.executed, clocks = f"{UUID}:1-2", source.clocks
            with pytest.raises(Unsupported, match="no longer executed"):
                await asyncio.wait_for(running.task, SOON)
            assert source.clocks == clocks

    asyncio.run(scenario())


def test_what_another_server_said_before_the_log_was_opened_is_no_lost_past(monkeypatch: pytest.MonkeyPatch) -> None:
    """While rows were copied the connection was lost, and the next one leads to a replica that is behind."""
    monkeypatch.setattr(source_watch, "AGAIN_SECONDS", 0.02)
    source = MemorySource()
    source.answers_as, source.executed = OTHER, f"{UUID}:1-30"
    position = source.copy.plan.position

    async def scenario() -> None:
        async with _running(source, replace(SETTINGS, start_after=None), monkeypatch) as running:
            await running.until(lambda: running.waits_for() == [WaitKind.TARGET_TABLES])
            await running.until(lambda: source.asked > 1)
            source.clock_fails = [Unavailable("lost")]
            await running.until(lambda: not source.clock_fails)
            source.answers_as, source.executed = UUID, f"{UUID}:1-2"
            await running.wire.upstream(StartRows("load", offsets=True))
            await running.until(lambda: CopyEnd() in running.wire.records)
            await running.wire.upstream(CopyStands())
            await running.until(lambda: running.reports and running.reports[-1].extracted.gtids)
            asked = source.asked
            await running.until(lambda: source.asked > asked + 3)
        assert not GtidSet.parse(position) <= GtidSet.parse(f"{UUID}:1-2"), "the log begins after what it has executed"

    asyncio.run(scenario())


def test_an_error_of_the_log_ends_the_run_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    source = MemorySource()

    async def scenario() -> None:
        async with _running(source, SETTINGS, monkeypatch) as running:
            await running.until(lambda: source.logs)
            source.logs[0].items.put(Unsupported("a reason"))
            with pytest.raises(Unsupported, match="a reason"):
                await asyncio.wait_for(running.task, SOON)
        assert source.clock_closed

    asyncio.run(scenario())


def test_a_snapshot_that_was_being_opened_when_the_run_ended_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    source = MemorySource()
    source.may_open.clear()

    async def scenario() -> None:
        async with _running(source, replace(SETTINGS, start_after=None), monkeypatch) as running:
            await running.until(source.opening.is_set)
            running.task.cancel()
            threading.Timer(0.2, source.may_open.set).start()
            await asyncio.gather(running.task, return_exceptions=True)
        assert source.copy.stopped

    asyncio.run(scenario())


# ---- A source that stalls ----


def test_a_stall_of_the_source_ends_no_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_watch, "AGAIN_SECONDS", 0.02)
    source = MemorySource()

    async def scenario() -> None:
        async with _running(source, replace(SETTINGS, start_after=None), monkeypatch) as running:
            await running.until(lambda: running.waits_for() == [WaitKind.TARGET_TABLES])
            source.clock_fails = [Unavailable("the answer was not complete within 20 s")] * 3
            await running.until(lambda: not source.clock_fails)
            asked = source.asked
            await running.until(lambda: source.asked > asked + 1)
            assert source.clocks == 4, "each try asks on another connection"
            await running.wire.upstream(StartRows("load", offsets=True))
            await running.until(lambda: CopyEnd() in running.wire.records)
            source.clock_fails = [Unavailable("the answer was not complete within 20 s")] * 3
            await running.until(lambda: not source.clock_fails)
            assert not running.task.done() and not source.logs, "the target builds its indexes"
            await running.wire.upstream(CopyStands())
            await running.until(lambda: source.logs)

    asyncio.run(scenario())


def test_a_source_that_is_away_for_long_ends_a_copy_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_watch, "AGAIN_SECONDS", 0.02)
    monkeypatch.setattr(source_watch, "COPY_PATIENCE_SECONDS", 0.2)
    source = MemorySource()

    async def scenario() -> None:
        async with _running(source, replace(SETTINGS, start_after=None), monkeypatch) as running:
            await running.until(lambda: running.waits_for() == [WaitKind.TARGET_TABLES])
            source.clock_fails = [Unavailable("away")] * 10_000
            with pytest.raises(Unavailable, match="away"):
                await asyncio.wait_for(running.task, SOON)
        assert source.clocks > 2 and source_watch.COPY_PATIENCE_SECONDS == 0.2

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("start_after", "error"), [(None, Refused([])), (None, UdupError("no")), (f"{UUID}:1-4", Unavailable("away"))]
)
def test_what_no_waiting_heals_and_what_no_copy_stands_behind_ends_the_run_at_once(
    monkeypatch: pytest.MonkeyPatch, start_after: str | None, error: UdupError
) -> None:
    source = MemorySource()

    async def scenario() -> None:
        async with _running(source, replace(SETTINGS, start_after=start_after), monkeypatch) as running:
            await running.until(lambda: running.reports and (source.logs or start_after is None))
            source.clock_fails = [error]
            with pytest.raises(type(error)):
                await asyncio.wait_for(running.task, SOON)
        assert source.clocks == 1

    asyncio.run(scenario())


def test_a_statement_that_waits_for_other_tables_is_stood_at_alive_until_the_run_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(following, "HELD_SECONDS", 0.01)
    source = MemorySource()

    async def scenario() -> None:
        async with _running(source, SETTINGS, monkeypatch) as running:
            await running.until(lambda: source.logs)
            source.logs[0].items.put(_transaction(5))
            source.logs[0].items.put(Held("held: RENAME TABLE a TO b", gtid=f"{UUID}:6"))
            await running.until(lambda: running.reports and running.reports[-1].held)
            beats = len(running.wire.beats)
            source.executed = f"{UUID}:1-12"
            await running.until(lambda: len(running.wire.beats) > beats)
            assert running.wire.records[-1] == _transaction(5), "what is in front of it goes, and nothing behind"
            assert running.reports[-1].as_dict()["held"] == "held: RENAME TABLE a TO b"
            assert source.logs[0].closed and not running.task.done()

    asyncio.run(scenario())
