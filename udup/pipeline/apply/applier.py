"""The engine of DestApplier: takes the batches of the log in order and has the workers apply them.

It ties the parts together and runs them in one event loop: what may start and to whom it goes (`Dispatcher`), what is
executed (`ExecutedPositions`), what the sender may still send (`Credits`), a full copy (`CopyRun`), what is shown
(`Reporter`). What blocks runs in threads of the target's driver (`TargetControl`); everything else in the loop, so that
a transaction passes through in a few hundred microseconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from udup.base import runtime
from udup.base.errors import Failure, Refused, Superseded, Transient, UdupError
from udup.pipeline.apply.copy import CopyRun
from udup.pipeline.apply.credit_giver import CreditGiver
from udup.pipeline.apply.credits import Credits
from udup.pipeline.apply.dispatcher import Dispatcher
from udup.pipeline.apply.ending import until_failure
from udup.pipeline.apply.executed import ExecutedPositions
from udup.pipeline.apply.inline import InlinePath
from udup.pipeline.apply.loaders import Loaders
from udup.pipeline.apply.progress import ApplyProgress, WaitReport
from udup.pipeline.apply.readiness import Staff, TargetReady
from udup.pipeline.apply.report import Reporter
from udup.pipeline.apply.settings import ApplierSettings
from udup.pipeline.apply.target_watch import TargetWatch
from udup.pipeline.apply.wait_watch import WaitWatch
from udup.pipeline.orders import Answer, ChunkLoaded, Done, Failed, Opened, RowCount, decode_report
from udup.pipeline.ports import CheckpointState, RowCounts, ServerInfo, Target
from udup.pipeline.records import (
    Batch,
    Beat,
    Context,
    CopyEnd,
    CopyPlan,
    CopyStands,
    CopyTotals,
    Credit,
    Definition,
    Format,
    Known,
    Mark,
    Part,
    Record,
    Skipped,
    StartRows,
    Tables,
    Transaction,
    XaEnd,
    decode_batch,
    encode,
)
from udup.pipeline.transport.link import Link, Subjects
from udup.pipeline.waits import TOLD_SECONDS, WaitKind
from udup.pipeline.within import set_within

#: Seconds between writes of the base row: what the slots' rows hold in GTIDs stays small.
FLUSH_SECONDS = 1.0

#: Seconds between looks at what nothing has been heard of for long. While nothing is under way nobody looks, unless no
#: message of the log comes for twice that time.
WATCH_SECONDS = 5.0

#: Seconds without a message of the log, which has one every few, until the last credit is given again.
SILENT_LOG_SECONDS = 10.0


#: What stands for the inline session where workers' sessions have the workers' numbers.
_INLINE = 0


class Applier:
    """`tell` is called with `TargetReady`, and with the `Staff` that the run wants; `report` with progress."""

    def __init__(
        self,
        settings: ApplierSettings,
        target: Target,
        tell: Callable[[TargetReady | Staff], None],
        report: Callable[[ApplyProgress | WaitReport], None],
    ) -> None:
        self._settings = settings
        self._target = target
        self._tell = tell
        self._report = report
        self._subjects = Subjects(settings.job, settings.run)
        # One row of the checkpoint more than there are workers: the last is the inline session's.
        slots = settings.workers + 1
        self._control = target.open_control(settings.control(slots))
        self._target_watch = TargetWatch(self._control, lambda: self._reporter.wake())
        self._executed = ExecutedPositions(slots, target.position, self._target_watch.advance)
        self._credits = Credits(settings.window_messages)
        self._reporter = Reporter(target.position, self._target_watch)
        self._dispatcher = Dispatcher(
            settings.workers,
            self._control,
            self._executed,
            self._credits,
            self._reporter.committed,
            lambda seats: tell(Staff(seats)),
            serial=settings.serial,
            begun=self._something_begins,
        )
        self._executed.write_beside(self._dispatcher.changes)
        self._crew = self._dispatcher.crew
        self.marks = self._dispatcher.marks
        self._loaders = Loaders(settings, target, self._crew, self.worker_failed)
        self._waits = self._dispatcher.waits
        self._wait_watch = WaitWatch(
            self._control, self._waits, self._dispatcher.open_orders, self._reporter.lag, self._copy_moved
        )
        self._received = 0
        self._received_at = 0.0
        self._beat_came, self._changed = asyncio.Event(), asyncio.Event()
        self._giver = CreditGiver(self._credits, self._changed.set)
        self._ended: asyncio.Future[None]
        self._draining = False
        self._copy: CopyRun | None = None
        self._copied_from = ""  # the source's UUID
        self._copy_task: asyncio.Future[None] | None = None
        self._inline: InlinePath | None = None
        self._has_taken_over = False
        self._begins_after: CheckpointState | None = None
        self._link: Link

    async def run(self) -> None:
        """Run until cancelled or failed. Whatever it fails by: if the job is another owner's, that is why."""
        job = self._settings.job
        try:
            await self._run()
        except (Refused, Superseded):
            raise
        except UdupError as error:
            by = await self._control.successor() if self._has_taken_over else ""
            if by:
                raise Superseded(f"job {job} was taken over by {by} (seen as: {error})") from error
            raise

    async def _run(self) -> None:
        settings = self._settings
        self._ended = asyncio.get_running_loop().create_future()
        try:
            # Inside, for the control's thread ends with the run whatever fails.
            self._link = await Link.open(settings.nats_url, f"udup applier of {settings.job}")
            try:
                await self._connected()
            finally:
                await self._link.close()
        finally:
            if not self._ended.cancel() and not self._ended.cancelled():
                self._ended.exception()  # looked at, so that asyncio logs nothing: something else ended the run
            self._abort()

    async def _connected(self) -> None:
        try:
            async with self._wait_watch.running():
                await self._follow()
        finally:
            await self._loaders.end()

    async def _follow(self) -> None:
        async with self._wait_watch.telling(self._report):
            state, info = await self._begin()
        inline = InlinePath(await self._control.open_inline(), self._executed.slots, self._executed)
        self._inline = inline
        self._dispatcher.connect(self._link, self._subjects, inline)
        self._received_at = runtime.now()
        parts = self._dispatch(), self._flush_executed(), self._report_progress(), self._watch()
        watch = self._target_watch.run(
            lambda: self._dispatcher.scheduler.idle and not self._waits.any and not self._copying,
            lambda: self._copying or self._dispatcher.does_long_work,
        )
        tasks = [asyncio.ensure_future(part) for part in (*parts, watch)]
        self._tell(TargetReady.at(state, info, self._control.copied))
        await until_failure(tasks, (self._ended, self._link.lost), lambda: self._copy_task)

    async def _begin(self) -> tuple[CheckpointState | None, ServerInfo]:
        """Take the job over."""
        await self._link.subscribe(self._subjects.reports, self._on_report)
        await self._link.subscribe(self._subjects.log, self._on_batch)
        if self._settings.from_other_node:
            await self._link.send_back(self._subjects.marks, self._subjects.marks_back)
        await self._link.flush()
        info = await self._control.connect()
        # Before any other connection of this run: those of the run before it are ended.
        self._has_taken_over = True  # perhaps, from here on
        with self._waits.on(WaitKind.TAKE_OVER):
            state = await self._control.take_over()
        if state is not None and state.written:
            self._executed.begin_at(state)
        else:
            self._begins_after = state
        return state, info

    def _abort(self) -> None:
        """End what is under way on the target; no thread is left, so that the process may fork."""
        self._control.abort()
        if self._copy is not None:
            self._copy.abort()

    def worker_failed(self, failure: Failure) -> None:
        """End the run, in the event loop: a worker's engine ended by itself."""
        if not self._ended.done():
            self._ended.set_exception(self._dispatcher.final(failure.error()))

    def drain(self) -> None:
        """Finish, in the event loop, what is with the workers, note it, and end."""
        self._draining = True
        self._changed.set()

    def expect(self, position: str, then: Callable[[], None]) -> None:
        """Call `then`, in the event loop, as soon as all of this position of the source is executed."""
        self._executed.expect(position, then)

    # ---- What comes in ----

    async def _on_batch(self, data: bytes) -> None:
        batch: Batch = decode_batch(data)
        self._received += 1
        if batch.number != self._received:
            raise Transient(f"a message was lost on the way: {batch.number} came after {self._received - 1}")
        self._received_at = runtime.now()
        is_beat = self._reporter.received(batch, len(data))
        self._credits.received(batch.number, len(data), len(batch.records), beat=is_beat)
        if is_beat:
            self._beat_came.set()
            self._target_watch.awake()
        else:
            self._wait_watch.begun()
        for record in batch.records:
            await self._take(record, batch.number)
        self._changed.set()

    async def _take(self, record: Record, number: int) -> None:
        """Queue records of the log for their turn; the others take effect and are done with at once."""
        match record:
            case Transaction():
                self._dispatcher.offer(record, number)
            case Part():
                await self._dispatcher.offer_part(record, number)
            case Definition() | Format() | XaEnd() | Mark():
                self._dispatcher.offer_barrier(record, number)
            case Context():
                self._control.rules.note_context(record)
                self._credits.finished(number)
            case Skipped():
                self._executed.note_skipped(record.gtids, record.last)
                self._reporter.lag.passed(record.committed_us)
                self._credits.finished(number)
            case Beat():
                self._reporter.beat(record)
                self._credits.finished(number)
            case CopyPlan():
                self._copy = self._start_copy(record)
                self._credits.finished(number)
            case Tables():
                self._copied_from, self._reporter.tables = record.server_uuid, len(record.tables)
                with self._waits.on(WaitKind.STATEMENT, statement="claiming the job's tables"):
                    await self._control.claim_tables(record)
                await self._write_first(record.server_uuid)
                self._credits.finished(number)
            case Known():
                self._executed.know(record.server_uuid, record.stamps)
                self._credits.finished(number)
            case CopyTotals() | CopyEnd():
                if self._copy is not None:
                    self._copy.take(record)
                self._credits.finished(number)

    async def _write_first(self, source_uuid: str) -> None:
        """Write the first checkpoint without a copy: the source sends when nothing speaks against the start."""
        if self._begins_after is not None:
            position, self._begins_after = str(self._begins_after.executed), None
            with self._waits.on(WaitKind.CHECKPOINT):
                self._executed.begin_at(await self._control.begin(position, source_uuid))

    async def _on_report(self, data: bytes) -> None:
        report = decode_report(data)
        if not isinstance(report, Answer):
            self._target_watch.answered()  # a worker has carried something out there
        self._dispatcher.open_orders.heard(report.slot)
        match report:
            case Opened():
                await self._crew.opened(report)
            case Done():
                self._dispatcher.done(report)
            case Failed(failure=failure):
                raise self._dispatcher.final(failure.error())
            case ChunkLoaded():
                if self._copy is not None:
                    self._copy.loaded(report)
            case RowCount():
                counted = RowCounts(report.inserted, report.updated, report.deleted)
                self._reporter.count_rows(report.worker, counted)
            case Answer():
                self._dispatcher.open_orders.answered(report)
        self._changed.set()

    # ---- What goes on by itself ----

    async def _dispatch(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            if self._copying:
                await self._giver.give(self._link, self._subjects)
                continue
            while not self._draining and await self._dispatcher.start_next():
                pass
            await self._giver.give(self._link, self._subjects)
            if self._draining and not self._dispatcher.scheduler.running:
                if self._executed.begun:
                    await self._executed.flush(ends=True)
                self._report(self._progress())  # the last, of what stays as it is now
                return

    async def _flush_executed(self) -> None:
        while True:
            await self._executed.changed()
            await asyncio.sleep(FLUSH_SECONDS)
            if self._executed.begun and not self._dispatcher.scheduler.barrier_runs:
                with self._waits.on(WaitKind.CHECKPOINT):
                    await self._executed.flush()

    async def _watch(self) -> None:
        """Look after what has been silent for long, so that a message that was lost is noticed by its number.

        The next message on the same way shows it: a question to a worker, its answer, the last credit once more.
        """
        while True:
            if self._copying or self._dispatcher.open_orders.any:
                await asyncio.sleep(WATCH_SECONDS)
            elif await set_within(self._beat_came, 2 * WATCH_SECONDS):
                self._beat_came.clear()
                self._crew.look()
                continue  # somebody is there, and nothing is under way
            self._crew.look()
            await self._dispatcher.ask_silent_workers(copying=self._copying)
            silent = runtime.now() - self._received_at >= SILENT_LOG_SECONDS
            if silent and self._credits.told and self._credits.settled:
                await self._link.publish(self._subjects.upstream, encode(Credit("log", self._credits.told)))

    async def _report_progress(self) -> None:
        """Report twice a second while something happens, rarely while nothing does."""
        self._report(told := self._progress())
        while True:
            is_same = await self._reporter.next_report(told, copying=self._copying)
            if self._copy_task is not None and self._copy_task.done():
                self._copy_task.result()
            told = told if is_same else self._progress()
            self._report(told)

    def _something_begins(self) -> None:
        self._wait_watch.begun()
        self._reporter.wake()

    def _progress(self) -> ApplyProgress:
        if self._inline is not None and not self._dispatcher.scheduler.barrier_runs:
            # Used in the event loop alone, but for what runs as a barrier.
            self._reporter.count_rows(_INLINE, self._inline.rows_written())
        told = self._control.notices()
        waits = self._wait_watch.shown(TOLD_SECONDS)
        return self._reporter.progress(self._dispatcher, self._executed, self._copy, told, waits)

    def _copy_moved(self) -> int | None:
        """Return how many rows the copy has loaded, None while there is no copy under way."""
        return self._copy.rows_loaded if self._copy is not None and self._copying else None

    # ---- Full copy ----

    @property
    def _copying(self) -> bool:
        return self._copy is not None and not self._copy.finished

    def _start_copy(self, plan: CopyPlan) -> CopyRun:
        async def start_rows(start: StartRows) -> None:
            await self._link.publish(self._subjects.upstream, encode(start))

        settings = self._settings
        writer = self._control.open_copy(
            plan,
            workers=settings.workers,
            drop_existing=settings.drop_existing,
            recompute=settings.recompute,
            fill_existing=settings.fill_existing,
            incarnation=settings.incarnation,
        )
        copy = CopyRun(writer, plan, settings.workers, self._loaders, start_rows)
        self._copy_task = asyncio.ensure_future(self._finish_copy(copy, plan))
        return copy

    async def _finish_copy(self, copy: CopyRun, plan: CopyPlan) -> None:
        ahead = await copy.run()
        state = await self._control.finish_copy(plan.begin, self._copied_from, ahead)
        self._executed.begin_at(state)
        copy.finished = True
        await self._link.publish(self._subjects.upstream, encode(CopyStands()))
        self._changed.set()
