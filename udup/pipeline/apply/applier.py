"""The engine of DestApplier: takes the batches of the log in order and has the workers apply them.

It ties the parts together and runs them in one event loop: what may start and to whom it goes (`Dispatcher`), what is
executed (`Books`), what the sender may still send (`Credits`), a full copy (`CopyRun`), what is shown (`Reporter`).
Blocking statements run in the thread of `Control`; everything else in the loop, so that a transaction passes through in
a few hundred microseconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from udup.base.errors import Failure, Refused, Superseded, Transient, UdupError
from udup.drivers.mysql.apply.checkpoint import Position
from udup.drivers.mysql.apply.claims import Claims
from udup.drivers.mysql.apply.control import Control
from udup.drivers.mysql.apply.inline import Express
from udup.drivers.mysql.apply.session import RowCounts
from udup.drivers.mysql.apply.xa import PreparedRows
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.dictionary.details import CopyDetails
from udup.pipeline.apply.copy import CopyRun, CopyTarget
from udup.pipeline.apply.credits import Credits
from udup.pipeline.apply.dispatcher import Dispatcher
from udup.pipeline.apply.executed import Books
from udup.pipeline.apply.report import Reporter
from udup.pipeline.apply.settings import ApplierSettings
from udup.pipeline.ports import ServerInfo, Target
from udup.pipeline.records import (
    Batch,
    Beat,
    ChunkLoaded,
    Context,
    CopyEnd,
    CopyPlan,
    CopyTotals,
    Credit,
    Definition,
    Done,
    Failed,
    Format,
    Known,
    Part,
    Record,
    RowCount,
    Skipped,
    StartRows,
    Tables,
    Transaction,
    XaEnd,
    decode_batch,
    decode_report,
    encode,
)
from udup.pipeline.transport.link import Link, Subjects

#: Seconds between writes of the base row: what the workers' rows hold in GTIDs stays small.
FOLD_SECONDS = 1.0

#: Seconds between reports of progress; and while nothing happens.
REPORT_SECONDS, IDLE_SECONDS = 0.5, 2.0


#: Seconds after which the sender is told of what is done with, even if it is little.
CREDIT_SECONDS = 0.2


@dataclass(frozen=True)
class TargetChecked:
    """The target's preconditions hold: workers may start."""


@dataclass(frozen=True)
class TargetReady:
    """Everything on the target's side is ready for the log after this set, or for a full copy (None)."""

    start_after: str | None
    info: ServerInfo
    stamps: str = ""
    source_uuid: str = ""


class Applier:
    """`tell` is called with `TargetChecked` and then `TargetReady`; `report` with progress."""

    def __init__(
        self,
        settings: ApplierSettings,
        _target: Target,
        tell: Callable[[TargetChecked | TargetReady], None],
        report: Callable[[dict[str, Any]], None],
    ) -> None:
        self._settings = settings
        self._tell = tell
        self._report = report
        self._subjects = Subjects(settings.job, settings.run)
        self._control = Control(settings.end.endpoint)
        self._control.claims = Claims(settings.job, settings.known, f"Dest {settings.end.endpoint}")
        # One row of the checkpoint more than there are workers: the last is the express session's.
        self._books = Books(settings.workers + 1, self._control.advance)
        self._credits = Credits(settings.window_messages)
        self._credit_timer: asyncio.TimerHandle | None = None
        self._credit_is_late = False
        self._reporter = Reporter()
        self._dispatcher = Dispatcher(
            settings.workers,
            self._control,
            self._books,
            self._credits,
            self._reporter.committed,
            PreparedRows(settings.job),
            careful=settings.serial,
        )
        self._received = 0
        self._changed = asyncio.Event()
        self._workers_ready = asyncio.Event()
        self._ended: asyncio.Future[None]
        self._draining = False
        self._copy: CopyRun | None = None
        self._copy_task: asyncio.Future[None] | None = None
        self._express: Express | None = None
        self._has_taken_over = False
        self._link: Link

    async def run(self) -> None:
        """Until cancelled or failed. Whatever it fails by: if the job is another owner's, that is why."""
        job, owner = self._settings.job, self._settings.owner
        try:
            await self._run()
        except (Refused, Superseded):
            raise
        except UdupError as error:
            by = await self._control.successor(job, owner) if self._has_taken_over else ""
            if by:
                raise Superseded(f"job {job} was taken over by {by} (seen as: {error})") from error
            raise

    async def _run(self) -> None:
        settings = self._settings
        self._ended = asyncio.get_running_loop().create_future()
        self._link = await Link.open(settings.nats_url, f"udup applier of {settings.job}")
        try:
            await self._link.subscribe(self._subjects.reports, self._on_report)
            await self._link.subscribe(self._subjects.log, self._on_batch)
            await self._link.flush()
            facts = await self._control.connect(settings.selection)
            # Before any other connection of this run: those of the run before it are ended.
            position = await self._take_over()
            self._tell(TargetChecked())
            await self._or_ended(self._workers_ready)
            express = await self._control.run(self._open_express)
            self._dispatcher.connect(self._link, self._subjects, express)
            tasks = [
                asyncio.ensure_future(self._dispatch()),
                asyncio.ensure_future(self._keep_books()),
                asyncio.ensure_future(self._report_progress()),
            ]
            if position is None:
                self._tell(TargetReady(None, facts))
            else:
                self._tell(TargetReady(str(position.executed), facts, position.stamps, position.source_uuid))
            await self._until_failure(tasks)
        finally:
            await self._link.close()
            self._abort()

    async def _take_over(self) -> Position | None:
        """Fence off earlier runs, and tell from where to go on."""
        settings = self._settings
        initial = None if settings.start_after is None else GtidSet.parse(settings.start_after)
        position = await self._control.take_over(
            settings.job, settings.owner, settings.selection, self._books.slots, initial
        )
        self._has_taken_over = True
        if position is not None:
            await self._control.retry_stale_views()
            self._books.begin_at(position)
        return position

    def _open_express(self) -> Express:
        settings = self._settings
        self._express = Express(settings.end.endpoint, settings.job, self._books.slots, self._books)
        return self._express

    def _abort(self) -> None:
        """End what is under way on the target; no thread is left, so that the process may fork."""
        if self._express is not None:
            self._express.abandon()
        self._control.abort()
        if self._copy is not None:
            self._copy.abort()

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

    def worker_failed(self, failure: Failure) -> None:
        """In the event loop: a worker's engine ended by itself."""
        if not self._ended.done():
            self._ended.set_exception(self._dispatcher.error_of(failure.kind, failure.text))

    def drain(self) -> None:
        """In the event loop: finish what is with the workers, note it, and end."""
        self._draining = True
        self._changed.set()

    # ---- What comes in ----

    async def _on_batch(self, data: bytes) -> None:
        batch: Batch = decode_batch(data)
        self._received += 1
        if batch.number != self._received:
            raise Transient(f"a message was lost on the way: {batch.number} came after {self._received - 1}")
        self._reporter.received(batch, len(data))
        self._credits.received(batch.number, len(data), len(batch.records))
        for record in batch.records:
            await self._take(record, batch.number)
        self._changed.set()

    async def _take(self, record: Record, number: int) -> None:
        """Log records wait for their turn; the others take effect and are done with at once."""
        match record:
            case Transaction():
                self._dispatcher.offer(record, number)
            case Part():
                await self._dispatcher.offer_part(record, number)
            case Definition() | Format() | XaEnd():
                self._dispatcher.offer_barrier(record, number)
            case Context():
                self._dispatcher.contexts.note(record)
                self._credits.finished(number)
            case Skipped():
                self._books.note_skipped(GtidSet.parse(record.gtids), record.last)
                self._reporter.lag.passed(record.committed_us)
                self._credits.finished(number)
            case Beat():
                self._reporter.beat(record)
                self._credits.finished(number)
                self._credit_is_late = True  # an idle job's window is seen to be empty
            case CopyPlan():
                self._copy = self._start_copy(record)
                self._credits.finished(number)
            case Tables():
                await self._control.claim_tables(record)
                self._credits.finished(number)
            case Known():
                self._books.know(record.server_uuid, record.stamps)
                self._credits.finished(number)
            case CopyTotals() | CopyEnd():
                if self._copy is not None:
                    self._copy.take(record)
                self._credits.finished(number)

    async def _on_report(self, data: bytes) -> None:
        match decode_report(data):
            case Done() as done:
                self._dispatcher.done(done)
            case Failed() as failed:
                raise self._dispatcher.error_of(failed.kind, failed.text)
            case ChunkLoaded() as loaded:
                if self._copy is not None:
                    self._copy.loaded(loaded)
            case RowCount() as count:
                self._reporter.count_rows(count.slot, RowCounts(count.inserted, count.updated, count.deleted))
        self._changed.set()

    # ---- What goes on by itself ----

    async def _dispatch(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            if self._copy is not None and not self._copy.finished:
                await self._give_credit()
                continue
            while not self._draining and await self._dispatcher.start_next():
                pass
            await self._give_credit()
            if self._draining and not self._dispatcher.scheduler.running:
                if self._books.begun:
                    await self._books.fold()
                return

    async def _give_credit(self) -> None:
        number = self._credits.due(late=self._credit_is_late)
        self._credit_is_late = False
        if number is not None:
            await self._link.publish(self._subjects.upstream, encode(Credit("log", number)))
        elif self._credits.owed and self._credit_timer is None:
            self._credit_timer = asyncio.get_running_loop().call_later(CREDIT_SECONDS, self._hurry_credit)

    def _hurry_credit(self) -> None:
        self._credit_timer = None
        self._credit_is_late = True
        self._changed.set()

    async def _keep_books(self) -> None:
        while True:
            await asyncio.sleep(FOLD_SECONDS)
            if self._books.begun and not self._dispatcher.scheduler.barrier_runs:
                await self._books.fold()

    async def _report_progress(self) -> None:
        """Twice a second while something happens, rarely while nothing does."""
        while True:
            if self._express is not None and not self._dispatcher.scheduler.barrier_runs:
                # Used in the event loop alone, but for what runs as a barrier.
                self._reporter.count_rows(0, self._express.rows_written())
            progress = self._reporter.progress(self._dispatcher, self._books, self._copy)
            told = [*self._control.told, *(self._copy.told if self._copy else ())]
            stale = [str(view) for view in self._control.stale_views]
            self._report(progress | {"stale_views": stale, "told": told})
            await asyncio.sleep(REPORT_SECONDS)
            if self._copy_task is not None and self._copy_task.done():
                self._copy_task.result()
            if self._copy is None or self._copy.finished:
                await self._reporter.stirred(IDLE_SECONDS)

    # ---- Full copy ----

    def _start_copy(self, plan: CopyPlan) -> CopyRun:
        async def publish(slot: int, data: bytes) -> None:
            await self._link.publish(self._subjects.orders(slot), data)

        async def start_rows(start: StartRows) -> None:
            await self._link.publish(self._subjects.upstream, encode(start))

        settings = self._settings
        target = CopyTarget(
            settings.end.endpoint, settings.job, settings.workers, settings.drop_existing, settings.recompute
        )
        copy = CopyRun(target, plan, self._control.checkpoint, publish, start_rows)
        self._copy_task = asyncio.ensure_future(self._finish_copy(copy, plan))
        return copy

    async def _finish_copy(self, copy: CopyRun, plan: CopyPlan) -> None:
        await self._control.run(partial(self._control.note_copied, CopyDetails.decode(plan.details).catalog))
        await copy.run()
        await self._control.retry_stale_views()
        finish = partial(self._control.checkpoint.finish_copy, self._books.slots, GtidSet.parse(plan.position))
        self._books.begin_at(await self._control.run(finish))
        copy.finished = True
        self._changed.set()
