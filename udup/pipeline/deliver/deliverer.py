"""The engine of DestApplier where changes are delivered as messages: takes the batches of the log in order.

It ties the parts together in one event loop: records become units (`Changes`), units go to the sink (`Delivery`), and
what is stored there is counted, credited to the sender and reported.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from udup.base import runtime
from udup.base.errors import Failure, Side, Transient, UdupError
from udup.pipeline.apply.credits import Credits
from udup.pipeline.apply.ending import until_failure
from udup.pipeline.apply.progress import ApplyProgress, WaitReport
from udup.pipeline.apply.readiness import TargetReady
from udup.pipeline.apply.settings import ApplierSettings
from udup.pipeline.apply.target_watch import TargetWatch
from udup.pipeline.apply.wait_watch import telling
from udup.pipeline.deliver.changes import Changes
from udup.pipeline.deliver.partial import row_rules
from udup.pipeline.deliver.place import Place
from udup.pipeline.deliver.report import DeliveryReporter
from udup.pipeline.deliver.units import Delivered, Units
from udup.pipeline.ports import Position, ServerInfo
from udup.pipeline.ports.delivery import Delivery, DeliverySettings, Destination, FoundPlace, RecordReader, Unit
from udup.pipeline.ports.tables import TableChange
from udup.pipeline.records import (
    Batch,
    Beat,
    Context,
    CopyEnd,
    CopyPlan,
    CopyTotals,
    Credit,
    Definition,
    Format,
    Joining,
    Known,
    Part,
    Record,
    Skipped,
    SnapshotDefinition,
    SnapshotEnd,
    SnapshotRows,
    Tables,
    Transaction,
    XaEnd,
    decode_batch,
    encode,
)
from udup.pipeline.start_note import JobStart
from udup.pipeline.transport.link import Link, Subjects
from udup.pipeline.waits import TOLD_SECONDS, WaitKind, Waits
from udup.pipeline.within import set_within

#: Seconds between looks whether the place has to be stored though nothing was delivered, and while nobody waits for it.
PLACE_SECONDS, PLACE_AT_REST_SECONDS = 1.0, 5.0

#: Seconds between looks whether a run that has not begun waits.
REPORT_SECONDS = 0.5

#: Seconds after which the sender is told of what is done with, even if it is little.
CREDIT_SECONDS = 0.2


class _Checks:
    """What `TargetWatch` asks of a sink."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery

    async def check(self, *, apart: bool = False) -> None:
        await self._delivery.check()

    async def advance(
        self, executed: str, definitions: int, stamps: str, source_uuid: str, changes: Sequence[TableChange] = ()
    ) -> None:
        """Nothing: the position is stored with the messages."""


class Deliverer:
    """`tell` is called with `TargetReady`; `report` with progress. `position` parses a position of the source."""

    def __init__(
        self,
        settings: ApplierSettings,
        destination: Destination,
        reader: RecordReader,
        position: Callable[[str], Position],
        tell: Callable[[TargetReady], None],
        report: Callable[[ApplyProgress | WaitReport], None],
    ) -> None:
        if settings.end.delivery is None:
            raise UdupError(f"job {settings.job} has no plan for what it delivers")
        delivery = DeliverySettings(
            settings.job,
            settings.run,
            settings.owner.text,
            settings.end.delivery,
            settings.nats_url,
            settings.owner.number,
        )
        self._settings = settings
        self._reader = reader
        self._parse = position
        self._tell = tell
        self._report = report
        self._subjects = Subjects(settings.job, settings.run)
        self._delivery = destination.open_delivery(delivery, self._on_stored)
        self._where = destination.where
        self._encoder = destination.open_encoder(delivery)
        self._heartbeat_s = self._encoder.heartbeat_seconds
        self._units = Units(self._encoder.packed, self._on_delivered)
        self._credits = Credits(settings.window_messages)
        self._waits = Waits(Side.TARGET, self._something_happens)
        self._watch = TargetWatch(_Checks(self._delivery), self._something_happens)
        self._reporter = DeliveryReporter(position, self._watch, reader.kind)
        self._start = JobStart(settings.job, settings.incarnation, settings.start_after, settings.copy_alone)
        self._rules = row_rules(settings.selection, settings.sql_filter)
        self._changes: Changes
        self._began_at: str | None = None  # the first position, until it is stored
        self._goal: tuple[Position, Callable[[], None]] | None = None
        self._somebody_waits = asyncio.Event()  # for the goal
        self._taking = asyncio.Lock()  # records, and whatever else makes units
        self._received = 0
        self._credit_late = False
        self._stored_changed = asyncio.Event()
        self._draining = asyncio.Event()
        self._ended: asyncio.Future[None]
        self._link: Link

    async def run(self) -> None:
        """Run until cancelled or failed, or drained."""
        self._ended = asyncio.get_running_loop().create_future()
        self._link = await Link.open(self._settings.nats_url, f"udup deliverer of {self._settings.job}")
        try:
            await self._follow()
        finally:
            if not self._ended.cancel() and not self._ended.cancelled():
                self._ended.exception()
            try:
                await self._delivery.close()
            finally:
                await self._link.close()

    async def _follow(self) -> None:
        async with telling(lambda: self._waits.longest(TOLD_SECONDS), self._report):
            info = await self._begin()
        changes = self._changes
        try:
            parts = [self._give_credits(), self._store_place(), self._report_progress(), self._drained()]
            if self._heartbeat_s:
                parts.append(self._beat())
            watch = self._watch.run(lambda: self._units.settled, lambda: False)
            tasks = [asyncio.ensure_future(part) for part in (*parts, watch)]
            self._tell(self._ready(info))
            await until_failure(tasks, (self._ended, self._link.lost), lambda: None)
        finally:
            changes.close()

    async def _begin(self) -> ServerInfo:
        """Take the sink over, and find out from where to go on."""
        telling = asyncio.ensure_future(self._tell_wait())
        try:
            with self._waits.on(WaitKind.CONNECTION, statement=self._where):
                info = await self._delivery.connect()
            with self._waits.on(WaitKind.TAKE_OVER, statement=self._where):
                found = await self._delivery.take_over()
        finally:
            telling.cancel()
        place = self._place_of(found)
        self._changes = Changes(self._reader, self._encoder, self._units, place, found, self._send, self._parse)
        stores = self._began_at is None and not place.copying
        await self._changes.take_rules(self._settings.job, self._rules, stores=stores)
        self._reporter.begin_at(place)
        await self._link.subscribe(self._subjects.log, self._on_batch)
        if self._settings.from_other_node:
            await self._link.send_back(self._subjects.marks, self._subjects.marks_back)
        await self._link.flush()
        return info

    async def _tell_wait(self) -> None:
        """Report what a run waits for that has not begun yet, and so has no other progress to tell."""
        told = None
        while True:
            await asyncio.sleep(REPORT_SECONDS)
            if (wait := self._waits.longest(TOLD_SECONDS)) != told:
                self._report(WaitReport(wait))
                told = wait

    def _place_of(self, found: FoundPlace) -> Place:
        if found.position is not None:
            place = Place.parse(found.position, self._parse)
            self._start.check_begun(place.began, str(place.executed))
            return place
        self._began_at = self._settings.start_after
        copying = self._settings.start_after is None
        return Place(self._parse(self._settings.start_after or ""), copying=copying, began=self._start.note)

    def _ready(self, info: ServerInfo) -> TargetReady:
        place = self._changes.place
        after = None if place.copying else str(place.executed)
        told = str(place.stamps), place.source_uuid, place.snapshot, place.snapshots
        return TargetReady(after, info, *told, self._changes.in_part)

    def worker_failed(self, failure: Failure) -> None:
        """End the run, in the event loop."""
        if not self._ended.done():
            self._ended.set_exception(failure.error())

    def drain(self) -> None:
        """Store, in the event loop, what has come, and end."""
        self._draining.set()

    async def _drained(self) -> None:
        await self._draining.wait()
        async with self._taking:
            await self._changes.store_place()
            await self._delivery.stored()
        self._tell_progress()

    def expect(self, position: str, then: Callable[[], None]) -> None:
        """Call `then`, in the event loop, as soon as all that is due of this position of the source is stored."""
        self._goal = self._parse(position), then
        self._somebody_waits.set()
        self._look_at_goal()

    def _look_at_goal(self) -> None:
        if self._goal is not None and self._reporter.has(self._goal[0]):
            (_, then), self._goal = self._goal, None
            then()

    # ---- What comes in ----

    async def _on_batch(self, data: bytes) -> None:
        batch: Batch = decode_batch(data)
        self._received += 1
        if batch.number != self._received:
            raise Transient(f"a message was lost on the way: {batch.number} came after {self._received - 1}")
        is_beat = self._reporter.received(batch, len(data))
        self._credits.received(batch.number, len(data), len(batch.records), beat=is_beat)
        if is_beat:
            self._watch.awake()
        async with self._taking:
            if self._draining.is_set():
                return  # what comes now, the next run reads again
            for record in batch.records:
                await self._take(record)
                self._units.filling.batches.append(batch.number)
            await self._changes.flush()
        self._look_at_goal()

    async def _take(self, record: Record) -> None:
        changes = self._changes
        match record:
            case Transaction():
                self._note(record)
                await changes.transaction(record)
            case Part():
                self._note(record)
                await changes.part(record)
            case XaEnd():
                self._reporter.came(record.id)
                await changes.end_of_xa(record)
            case Definition():
                await changes.definition(record)
            case Format():
                changes.set_format(record.event)
            case Skipped():
                changes.skipped(record.gtids, record.last)
                self._reporter.skipped(record)
            case Beat():
                self._reporter.beat(record)
            case Tables():
                changes.place.source_uuid = record.server_uuid
                self._reader.note_tables(record.details)
                await self._store_first()
            case Known():
                changes.known(record.server_uuid, record.stamps)
            case SnapshotRows():
                await changes.snapshot_rows(record)
            case SnapshotDefinition():
                await changes.snapshot_definition(record)
            case SnapshotEnd():
                await changes.snapshot_end(record)
                if record.position:
                    self._reporter.snapshot_ended(record, changes.place)
            case CopyPlan():
                self._reporter.snapshot_begins(record)
            case Joining():
                self._reporter.joining(record)
            case Context() | CopyTotals() | CopyEnd():
                pass

    def _note(self, record: Transaction | Part) -> None:
        """Note that changes have come; what is prepared only is due when its end comes, which may be in days."""
        if not record.xid:
            self._reporter.came(record.id)

    async def _store_first(self) -> None:
        """Store the first position of a job without a snapshot: nothing speaks against the start any more."""
        if self._began_at is not None:
            self._began_at = None
            await self._changes.store_place(always=True)

    # ---- What goes out ----

    async def _send(self, unit: Unit) -> None:
        with self._waits.on(WaitKind.SINK):
            await self._delivery.send(unit)

    def _on_stored(self, number: int) -> None:
        self._watch.answered()
        self._units.stored(number)

    def _on_delivered(self, delivered: Delivered) -> None:
        for number in delivered.batches:
            self._credits.finished(number)
        self._reporter.delivered(delivered)
        self._stored_changed.set()
        self._look_at_goal()

    async def _give_credits(self) -> None:
        """Tell the sender what is done with: when it is much, or after a while."""
        while True:
            await self._stored_changed.wait()
            self._stored_changed.clear()
            number = self._credits.due(late=self._credit_late)
            self._credit_late = False
            if number is not None:
                await self._link.publish(self._subjects.upstream, encode(Credit("log", number)))
            elif self._credits.owed:
                asyncio.get_running_loop().call_later(CREDIT_SECONDS, self._hurry_credit)

    def _hurry_credit(self) -> None:
        self._credit_late = True
        self._stored_changed.set()

    # ---- What goes on by itself ----

    async def _store_place(self) -> None:
        """Store the place from time to time though nothing was delivered, so that an old log may be purged."""
        stored_at = runtime.now()
        while True:
            await asyncio.sleep(PLACE_SECONDS)
            await set_within(self._somebody_waits, stored_at + PLACE_AT_REST_SECONDS - runtime.now())
            if self._goal is None:
                self._somebody_waits.clear()
                if runtime.now() - stored_at < PLACE_AT_REST_SECONDS:
                    continue
            async with self._taking:
                if not self._changes.place.copying and not self._changes.is_inside:
                    await self._changes.store_place()
            stored_at = runtime.now()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_s)
            async with self._taking:
                if self._began_at is None and not self._changes.is_inside:
                    self._changes.heartbeat(int(runtime.wall() * 1000))
                    await self._changes.flush()

    async def _report_progress(self) -> None:
        """Report twice a second while something happens, rarely while nothing does."""
        told = self._tell_progress()
        while True:
            if await self._reporter.next_report(told):
                self._report(told)
            else:
                told = self._tell_progress()

    def _something_happens(self) -> None:
        self._reporter.wake()

    def _tell_progress(self) -> ApplyProgress:
        waiting = self._waits.longest(TOLD_SECONDS)
        progress = self._reporter.progress(settled=self._units.settled, waiting_for=waiting)
        self._report(progress)
        return progress
