"""The engine of DestApplier: takes the batches of the log in order and has the workers apply them.

It keeps the books and touches no rows: what may start (`Scheduler`), what is executed (`Checkpoint`), what the sender
may still send (credits). It runs DDL itself, alone, and checks a table's definition before the table's first rows. Its
blocking statements run in one thread; everything else in the event loop, so that a transaction passes through in a few
hundred microseconds.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from udup.binlog.event import has_checksums
from udup.binlog.gtid import GtidSet
from udup.binlog.query import parse_query
from udup.binlog.table_map import table_name
from udup.errors import Conflict, Divergence, Refused, Transient, UdupError, error_named
from udup.mysql.connection import Connection, Endpoint, MySQLError, connect, describe, error_code, is_transient
from udup.mysql.facts import ServerFacts, read_facts
from udup.mysql.raw import shut_down
from udup.mysql.selection import Selection
from udup.plane.envelope import (
    Batch,
    Beat,
    ChunkLoaded,
    CopyEnd,
    CopyPlan,
    CopyTotals,
    Credit,
    Definition,
    Done,
    Failed,
    Format,
    Group,
    GroupPart,
    Mark,
    Part,
    Record,
    RowCount,
    SetFormat,
    Skipped,
    StartRows,
    Transaction,
    decode_batch,
    decode_report,
    encode,
)
from udup.plane.link import Link, Subjects
from udup.target.checkpoint import Checkpoint, Position, create_tables
from udup.target.context import run_ddl
from udup.target.copying import CopyRun, CopyTarget
from udup.target.definition import check_definition
from udup.target.failure import LOCK_ERRORS, failure_of
from udup.target.preflight import check_target
from udup.target.progress import Lag, Rate
from udup.target.scheduler import Assigned, Pending, Scheduler
from udup.target.session import ApplySession

#: Seconds between writes of the base row: what the workers' rows hold in GTIDs stays small.
FOLD_SECONDS = 1.0

#: Seconds between reports of progress.
REPORT_SECONDS = 0.5

#: Bytes of events that may be applied without a worker: what takes no longer than a commit.
EXPRESS_BYTES = 16 << 10

#: Transactions applied one by one after a conflict: more than were under way when it came.
CAREFUL_TRANSACTIONS = 2000

#: A lag below this is called level: the job is "running".
CAUGHT_UP_MS = 1000


@dataclass(frozen=True)
class ApplierSettings:
    nats_url: str
    job: str
    run: int
    endpoint: Endpoint
    workers: int
    incarnation: str
    selection: Selection
    start_after: str | None  # the job's own Gtid: no full copy
    drop_existing: bool
    careful: bool = False  # one transaction at a time, to find the one that fails


@dataclass(frozen=True)
class TargetChecked:
    """The target's preconditions hold: workers may start."""


@dataclass(frozen=True)
class TargetReady:
    """Everything on the target's side is ready for the log after this set, or for a full copy (None)."""

    start_after: str | None
    facts: ServerFacts


@dataclass
class _Large:
    """A transaction that comes in parts; `slot` once it may start, until then its parts wait here."""

    waiting: deque[tuple[Part, int]] = field(default_factory=deque)
    sent: deque[int] = field(default_factory=deque)
    complete: bool = False
    sending: asyncio.Lock = field(default_factory=asyncio.Lock)
    group: Assigned | None = None
    version: int = 0
    gtids: str = ""


@dataclass
class _Message:
    """A batch that was received: how many of its records are not done with."""

    number: int
    open: int


class Applier:
    """`tell` is called with `TargetChecked` and then `TargetReady`; `report` with progress."""

    def __init__(
        self,
        settings: ApplierSettings,
        tell: Callable[[TargetChecked | TargetReady], None],
        report: Callable[[dict[str, Any]], None],
    ) -> None:
        self._settings = settings
        self._tell = tell
        self._report = report
        self._subjects = Subjects(settings.job, settings.run)
        workers = settings.workers
        self._careful = settings.careful
        self._scheduler = Scheduler(workers, careful=settings.careful)
        self._lag = Lag()
        self._transactions, self._rows = Rate(), Rate()
        self._rows_by_slot: dict[int, int] = {}
        self._messages: deque[_Message] = deque()
        self._received = self._credited = self._credit_sent = 0
        self._pool = ThreadPoolExecutor(1, "applier")
        self._changed = asyncio.Event()
        self._workers_ready = asyncio.Event()
        self._ended: asyncio.Future[None]
        self._draining = False
        self._executed = GtidSet()
        self._folded = ""
        # One more than there are workers: the last is our own session's.
        self._claims = [GtidSet() for _ in range(workers + 1)]
        self._versions = [0] * (workers + 1)
        self._session: ApplySession | None = None
        self._large: _Large | None = None
        self._copy: CopyRun | None = None
        self._checked: Pending | None = None
        self._copy_task: asyncio.Future[None] | None = None
        self._caught_up = False
        self._has_crc = True
        self._position: Position | None = None
        self._definitions = 0
        self._source_executed: str | None = None  # until the source has said it; a new server's set is empty
        self._link: Link
        self._connection: Connection | None = None
        self._ddl_connection: Connection | None = None
        self._checkpoint: Checkpoint

    async def run(self) -> None:
        """Until cancelled or failed."""
        settings = self._settings
        self._ended = asyncio.get_running_loop().create_future()
        self._link = await Link.open(settings.nats_url, f"udup applier of {settings.job}")
        try:
            await self._link.subscribe(self._subjects.reports, self._on_report)
            await self._link.subscribe(self._subjects.log, self._on_batch)
            await self._link.flush()
            facts = await self._blocking(self._connect)
            self._tell(TargetChecked())
            await self._or_ended(self._workers_ready)
            start_after = await self._blocking(self._open)
            tasks = [
                asyncio.ensure_future(self._dispatch()),
                asyncio.ensure_future(self._keep_books()),
                asyncio.ensure_future(self._report_progress()),
            ]
            self._tell(TargetReady(start_after, facts))
            await self._until_failure(tasks)
        finally:
            await self._link.close()
            self._abort()

    def _abort(self) -> None:
        """End what is under way on the target; no thread is left, so that the process may fork."""
        for connection in (self._connection, self._ddl_connection):
            if connection is not None:
                shut_down(connection)
        if self._session is not None:
            self._session.abandon()
        if self._copy is not None:
            self._copy.abort()
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def _until_failure(self, tasks: Sequence[asyncio.Future[None]]) -> None:
        try:
            futures = {*tasks, self._link.lost, self._ended}
            done, _ = await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            ending = [*tasks, *([self._copy_task] if self._copy_task else [])]
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)

    async def _blocking(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run it in the thread that has the connection; MySQL's errors become ours."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, function, *args)
        except MySQLError as error:
            text = f"on the target {self._settings.endpoint}: {describe(error)}"
            raise (Transient if is_transient(error) else UdupError)(text) from error

    async def _or_ended(self, event: asyncio.Event) -> None:
        """Wait for it, unless the link or a worker fails first."""
        waited = asyncio.ensure_future(event.wait())
        futures: set[asyncio.Future[Any]] = {waited, self._link.lost, self._ended}
        await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
        waited.cancel()
        for future in (self._ended, self._link.lost):
            if future.done():
                future.result()

    def workers_are_ready(self) -> None:
        """In the event loop: every worker has its session and listens."""
        self._workers_ready.set()

    def worker_failed(self, kind: str, text: str) -> None:
        """In the event loop: a worker's engine ended by itself."""
        if not self._ended.done():
            self._ended.set_exception(self._error_of(kind, text))

    def drain(self) -> None:
        """In the event loop: finish what is with the workers, note it, and end."""
        self._draining = True
        self._changed.set()

    def _connect(self) -> ServerFacts:
        """Connect, and refuse a target that cannot be one before anything is changed there."""
        self._connection = connection = connect(self._settings.endpoint)
        facts = read_facts(connection)
        faults = check_target(facts, self._settings.selection)
        if faults:
            raise Refused(faults)
        return facts

    def _open(self) -> str | None:
        """Fence off earlier runs, and tell from where to go on."""
        settings = self._settings
        assert self._connection is not None
        create_tables(self._connection)
        self._checkpoint = Checkpoint(self._connection, settings.job, settings.incarnation, settings.selection.digest)
        initial = None if settings.start_after is None else GtidSet.parse(settings.start_after)
        self._session = ApplySession(settings.endpoint, settings.job, settings.workers + 1, lock_wait=1)
        position = self._checkpoint.take_over(settings.workers + 1, initial)
        if position is None:
            return None
        self._begin_at(position)
        return str(position.executed)

    def _begin_at(self, position: Position) -> None:
        self._position = position
        # What was skipped while the indexes of a copy were built is noted already.
        self._executed.update(position.executed)
        self._folded = str(position.executed)
        self._definitions = position.definitions
        self._versions = [position.version] * len(self._versions)

    # ---- What comes in ----

    async def _on_batch(self, data: bytes) -> None:
        batch: Batch = decode_batch(data)
        self._received += 1
        if batch.number != self._received:
            raise Transient(f"a message was lost on the way: {batch.number} came after {self._received - 1}")
        self._lag.heard()
        self._messages.append(_Message(batch.number, len(batch.records)))
        for record in batch.records:
            await self._take(record, batch.number)
        self._changed.set()

    async def _take(self, record: Record, number: int) -> None:
        match record:
            case Transaction():
                self._offer(record.mark, number, record, events=record.events, maps=record.new_maps)
            case Part():
                await self._take_part(record, number)
            case Definition():
                self._scheduler.offer(Pending(record.mark, b"", number, barrier=True, work=record))
            case Format():
                # Behind everything before it, ahead of everything after it.
                self._scheduler.offer(Pending(Mark("", 0, 0, 0, 0, True), b"", number, barrier=True, work=record))
            case Skipped():
                self._executed.update(GtidSet.parse(record.gtids))
                self._lag.passed(record.committed_us)
                self._finished(number)
            case Beat():
                self._lag.beat(record.source_us)
                self._source_executed = record.executed
                self._finished(number)
            case CopyPlan():
                self._copy = self._start_copy(record)
                self._finished(number)
            case CopyTotals() | CopyEnd():
                if self._copy is not None:
                    self._copy.take(record)
                self._finished(number)

    def _offer(self, mark: Mark, number: int, work: Transaction, *, events: bytes, maps: list[bytes]) -> None:
        """A CREATE … SELECT makes the table that its rows go to, so there is nothing to check before."""
        alone = bool(work.create)
        new_maps = [] if alone else maps
        self._scheduler.offer(Pending(mark, events, number, new_maps, alone=alone, barrier=alone, work=work))

    async def _take_part(self, part: Part, number: int) -> None:
        if part.index == 0:
            self._large = _Large()
            alone = bool(part.create)
            maps = [] if alone else part.new_maps
            self._scheduler.offer(Pending(part.mark, b"", number, maps, alone=True, barrier=alone, work=self._large))
        elif self._large is None:
            raise Transient(f"a part of {part.mark.gtid} came without its beginning")
        assert self._large is not None
        self._large.waiting.append((part, number))
        if self._large.group is not None:
            await self._send_parts(self._large)

    async def _on_report(self, data: bytes) -> None:
        match decode_report(data):
            case Done() as done:
                self._on_done(done)
            case Failed() as failed:
                raise self._error_of(failed.kind, failed.text)
            case ChunkLoaded() as loaded:
                if self._copy is not None:
                    self._copy.loaded(loaded)
            case RowCount() as count:
                self._note_rows(count.slot, count.rows)
        self._changed.set()

    def _on_done(self, done: Done) -> None:
        group = self._scheduler.group(done.number)
        large = group.members[0].work
        if isinstance(large, _Large):
            self._finished(large.sent.popleft())
            if not large.complete or large.sent:
                return
        else:
            for member in group.members:
                self._finished(member.batch)
        self._committed(group)

    def _committed(self, group: Assigned) -> None:
        self._scheduler.done(group.number)
        for member in group.members:
            self._executed.add(member.mark.source, member.mark.number)
        self._lag.passed(group.members[-1].mark.committed_us)
        self._transactions.total += len(group.members)
        if self._careful and self._transactions.total >= CAREFUL_TRANSACTIONS:
            self._careful = False
            self._scheduler.relax()

    def _error_of(self, kind: str, text: str) -> UdupError:
        error = error_named(kind)
        if error is Conflict and self._careful:
            return Divergence(
                f"the target contradicts the source at {text}; nothing of this transaction was applied. Compare the"
                " table on both sides, mend the target, then start the job again"
            )
        return error(text)

    # ---- What goes out ----

    async def _dispatch(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            if self._copy is not None and not self._copy.finished:
                await self._give_credit()
                continue
            while not self._draining and await self._start_next():
                pass
            await self._give_credit()
            if self._draining and not self._scheduler.running:
                if self._position is not None:
                    await self._fold()
                return

    async def _start_next(self) -> bool:
        """Start one group if one may; false if none may now."""
        head = self._scheduler.head
        if head is None or self._scheduler.barrier_runs:
            return False
        if head.new_maps and self._checked is not head:
            # All DDL before it has run: DDL is a barrier.
            await self._check_maps(head.new_maps)
            self._checked = head
        group = self._scheduler.next_group()
        if group is None:
            return False
        work = group.members[0].work
        if isinstance(work, Definition):
            await self._run_definition(group, work)
        elif isinstance(work, Format):
            await self._send_format(group, work)
        elif isinstance(work, _Large):
            work.version, work.gtids = self._claim(group)
            work.group = group
            await self._send_parts(work)
        elif self._scheduler.running > 1 or not self._apply_now(group):
            await self._send_group(group)
        return True

    def _apply_now(self, group: Assigned) -> bool:
        """A small group that finds every worker idle: applied here and at once, without the way to one.

        That way is a third of an idle job's latency. False if it is not for this, or not without waiting.
        """
        if group.members[0].barrier or group.size > EXPRESS_BYTES or self._session is None:
            return False
        slot = len(self._versions) - 1
        claim = self._claims[slot].copy()
        for member in group.members:
            claim.add(member.mark.source, member.mark.number)
        version = self._versions[slot]
        events = [member.events for member in group.members]
        try:
            self._session.apply(version, str(claim), events)
        except MySQLError as error:
            if error_code(error) in LOCK_ERRORS:  # for a worker, which can wait
                self._session.rollback()
                return False
            session = self._session
            cause = failure_of(error, group.label, events, lambda: session.is_taken_over(version))
            raise self._error_of(type(cause).__name__, str(cause)) from error
        self._claims[slot] = claim
        self._versions[slot] += 1
        for member in group.members:
            self._finished(member.batch)
        self._committed(group)
        return True

    def _claim(self, group: Assigned) -> tuple[int, str]:
        """The worker's checkpoint row for this group: the version it has now and the GTIDs it will hold."""
        claim = self._claims[group.slot]
        for member in group.members:
            claim.add(member.mark.source, member.mark.number)
        version = self._versions[group.slot]
        self._versions[group.slot] += 1
        return version, str(claim)

    async def _send_group(self, group: Assigned) -> None:
        version, gtids = self._claim(group)
        events = [member.events for member in group.members]
        create = group.members[0].work.create
        order = Group(group.number, len(events), version, gtids, events, group.label, create)
        await self._link.publish(self._subjects.orders(group.slot + 1), encode(order))

    async def _send_parts(self, large: _Large) -> None:
        async with large.sending:
            await self._send_waiting_parts(large)

    async def _send_waiting_parts(self, large: _Large) -> None:
        group = large.group
        assert group is not None
        subject = self._subjects.orders(group.slot + 1)
        while large.waiting:
            part, number = large.waiting[0]
            if part.index and part.new_maps:
                await self._check_maps(part.new_maps)
            large.waiting.popleft()
            large.sent.append(number)
            large.complete = part.last
            order = GroupPart(
                group.number,
                large.version,
                large.gtids,
                part.index,
                part.last,
                part.events,
                part.mark.gtid,
                part.create,
            )
            await self._link.publish(subject, encode(order))

    async def _send_format(self, group: Assigned, record: Format) -> None:
        self._has_crc = has_checksums(record.event)
        if self._session is not None:
            await self._blocking(self._session.set_format, record.event)
        for slot in range(self._settings.workers):
            await self._link.publish(self._subjects.orders(slot + 1), encode(SetFormat(record.event)))
        self._scheduler.done(group.number)
        self._finished(group.members[0].batch)

    async def _check_maps(self, maps: Sequence[bytes]) -> None:
        assert self._connection is not None
        for event in maps:
            name = table_name(event)
            check = partial(check_definition, self._connection, name.schema, name.table, event, has_crc=self._has_crc)
            await self._blocking(check)

    async def _run_definition(self, group: Assigned, record: Definition) -> None:
        """DDL: alone, once (the server skips a GTID of ours that it has executed), then noted."""
        await self._blocking(self._run_ddl, record)
        self._definitions += 1
        self._committed(group)
        await self._fold()
        self._finished(group.members[0].batch)

    def _run_ddl(self, record: Definition) -> None:
        assert self._position is not None
        self._ddl_connection = connection = connect(self._settings.endpoint)
        try:
            gtid = f"{self._position.mark}:{self._definitions + 1}"
            run_ddl(connection, parse_query(record.query, has_crc=False), gtid)
        except UdupError as error:
            raise type(error)(f"{record.mark.gtid}: {error}") from error
        finally:
            self._ddl_connection = None
            connection.close()

    # ---- Books ----

    def _finished(self, number: int) -> None:
        """One record of message `number` is done with."""
        self._messages[number - self._messages[0].number].open -= 1
        while self._messages and not self._messages[0].open:
            self._credited = self._messages.popleft().number

    async def _give_credit(self) -> None:
        if self._credited != self._credit_sent:
            self._credit_sent = self._credited
            await self._link.publish(self._subjects.upstream, encode(Credit("log", self._credited)))

    async def _keep_books(self) -> None:
        while True:
            await asyncio.sleep(FOLD_SECONDS)
            if self._position is not None and not self._scheduler.barrier_runs:
                await self._fold()

    async def _fold(self) -> None:
        """Write what is executed into the base row; the workers' rows need not say it again.

        The books are read and written in the event loop alone: only the statement runs in the thread.
        """
        executed = self._executed.copy()
        text = str(executed)
        if text == self._folded:
            return
        await self._blocking(self._checkpoint.advance, text, self._definitions)
        self._folded = text
        self._claims = [claim - executed for claim in self._claims]

    def _start_copy(self, plan: CopyPlan) -> CopyRun:
        async def publish(slot: int, data: bytes) -> None:
            await self._link.publish(self._subjects.orders(slot), data)

        async def start_rows(method: str) -> None:
            await self._link.publish(self._subjects.upstream, encode(StartRows(method)))

        settings = self._settings
        target = CopyTarget(settings.endpoint, settings.workers, settings.drop_existing)
        copy = CopyRun(target, plan, self._checkpoint, publish, start_rows)
        self._copy_task = asyncio.ensure_future(self._finish_copy(copy, plan))
        return copy

    async def _finish_copy(self, copy: CopyRun, plan: CopyPlan) -> None:
        await copy.run()
        executed = GtidSet.parse(plan.gtids)
        self._begin_at(await self._blocking(self._checkpoint.finish_copy, len(self._versions), executed))
        copy.finished = True
        self._changed.set()

    # ---- Reports ----

    async def _report_progress(self) -> None:
        while True:
            self._count_own_rows()
            self._report(self._progress())
            await asyncio.sleep(REPORT_SECONDS)
            if self._copy_task is not None and self._copy_task.done():
                self._copy_task.result()

    def _count_own_rows(self) -> None:
        """What our own session has written. It is used in the event loop alone, but for what runs as a barrier."""
        if self._session is not None and not self._scheduler.barrier_runs:
            try:
                self._note_rows(0, self._session.rows_written())
            except MySQLError as error:
                raise Transient(f"on the target {self._settings.endpoint}: {describe(error)}") from error

    def _note_rows(self, slot: int, rows: int) -> None:
        self._rows_by_slot[slot] = rows
        self._rows.total = sum(self._rows_by_slot.values())

    def _has_all(self) -> bool:
        """Whether everything that the source has said to have executed is executed here."""
        return self._source_executed is not None and GtidSet.parse(self._source_executed) <= self._executed

    def _progress(self) -> dict[str, Any]:
        oldest = self._scheduler.oldest()
        lag_ms = self._lag.milliseconds(oldest.committed_us if oldest and oldest.committed_us else None)
        copying = self._copy is not None and not self._copy.finished
        level = not copying and self._scheduler.idle and self._has_all()
        if not copying and self._position is not None and (level or self._lag.is_recent(CAUGHT_UP_MS)):
            self._caught_up = True
        stage = "copying" if copying else ("running" if self._caught_up else "catching_up")
        progress: dict[str, Any] = {
            "stage": stage if self._position is not None or copying else "pending",
            "lag_ms": lag_ms,
            "level": level,
            "applied_gtid": str(self._executed),
            "source_gtid": self._source_executed or "",
            "tx_per_s": round(self._transactions.sample(), 1),
            "rows_per_s": round(self._rows.sample(), 1),
            "transactions": self._transactions.total,
            "rows": self._rows.total,
            "waiting": self._scheduler.waiting,
            "careful": self._careful,
        }
        if self._copy is not None:
            progress.update(self._copy.progress())
        return progress
