"""What was received of the log, in order, to whoever applies it: a worker, the inline session, or the target's control.

Touches no rows. `Scheduler` says what may start; a group goes to its worker in one message, a large transaction in
parts, a small one that finds everything idle is applied at once. Definitions, ends of prepared transactions and format
descriptions are barriers: they run alone, and DestApplier carries them out itself. Before a table's first rows it is
looked at on the target (`TargetControl.check_tables`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from udup.base.errors import Conflict, Divergence, Side, Transient, UdupError, Unsupported
from udup.pipeline.apply.credits import Credits
from udup.pipeline.apply.crew import Crew, Seat
from udup.pipeline.apply.executed import ExecutedPositions
from udup.pipeline.apply.inline import InlinePath
from udup.pipeline.apply.large_transaction import LargeTransaction
from udup.pipeline.apply.marks import TargetMarks
from udup.pipeline.apply.open_orders import OpenOrders
from udup.pipeline.apply.scheduler import Assigned, Pending, Scheduler
from udup.pipeline.apply.table_changes import TableChanges
from udup.pipeline.orders import Done, Group, GroupPart, MarkedGroup, Order, SetFormat
from udup.pipeline.ports import TargetControl
from udup.pipeline.records import (
    NO_TRANSACTION,
    Definition,
    Format,
    Mark,
    Part,
    Transaction,
    XaEnd,
    encode,
)
from udup.pipeline.transport.link import Link, Subjects
from udup.pipeline.waits import WaitKind, Waits

#: Transactions applied one by one after a conflict: more than were under way when it came.
SERIAL_TRANSACTIONS = 2000


@contextmanager
def _about(gtid: str, kept: str = "") -> Iterator[None]:
    """Have errors name the transaction that they are about, so that the job's record tells at which it stands."""
    try:
        yield
    except UdupError as error:
        error.at(gtid, kept)
        raise


def _ending(record: XaEnd) -> str:
    return f"XA {'COMMIT' if record.commit else 'ROLLBACK'} {record.xid}"


class Dispatcher:
    """`offer…` what came, `start_next` until it says no, `done` for what a worker has done.

    `on_committed` is called with each group that is in the target.
    """

    def __init__(
        self,
        workers: int,
        control: TargetControl,
        executed: ExecutedPositions,
        credits_: Credits,
        on_committed: Callable[[Assigned], None],
        want: Callable[[tuple[Seat, ...]], None],
        *,
        serial: bool,
        begun: Callable[[], None] = lambda: None,
    ) -> None:
        """`want` is told which workers the run is to have, `begun` that a wait begins.

        `serial`: one transaction at a time, to find the one that fails.
        """
        self._control = control
        self._executed = executed
        self._credits = credits_
        self._on_committed = on_committed
        self._serial = serial
        self._rules = control.rules
        self.changes = TableChanges(self._rules.tally)
        self.open_orders = OpenOrders(workers, begun)
        self.crew = Crew(want, self._publish, self.open_orders.has_any)
        self._scheduler = Scheduler(workers, serial=serial, context_of=self._context_of, is_there=self.crew.is_there)
        self.waits = Waits(Side.TARGET, begun)
        self.marks = TargetMarks()
        self._large: LargeTransaction | None = None
        self._checked: Pending | None = None
        self._transactions = 0
        self._link: Link
        self._subjects: Subjects
        self._inline: InlinePath

    def connect(self, link: Link, subjects: Subjects, inline: InlinePath) -> None:
        """Take what orders go out by, before anything is offered."""
        self._link, self._subjects, self._inline = link, subjects, inline

    @property
    def serial(self) -> bool:
        return self._serial

    @property
    def scheduler(self) -> Scheduler:
        """To be looked at: what waits and what runs."""
        return self._scheduler

    @property
    def does_long_work(self) -> bool:
        """Return whether something is under way that would take long to be done again."""
        large = (isinstance(group.members[0].work, LargeTransaction) for group in self._scheduler.groups)
        return self._scheduler.barrier_runs or any(large)

    # ---- What comes in ----

    def offer(self, record: Transaction, message: int) -> None:
        """Take a transaction. A CREATE … SELECT makes the table of its rows, so there is nothing to check before."""
        alone = bool(record.create)
        new_maps = [] if alone else record.new_maps
        events = self._rules.keep(record) if record.xid else record.events
        alone = alone or self._rules.runs_alone(record.events)
        self._scheduler.offer(Pending(record.id, events, message, new_maps, alone=alone, barrier=alone, work=record))

    async def offer_part(self, part: Part, message: int) -> None:
        """Take a part of a large transaction."""
        if part.index == 0:
            self._large = self._begin_large()
            alone = bool(part.create)
            maps = [] if alone else part.new_maps
            alone = alone or self._rules.runs_alone(part.events)
            self._scheduler.offer(Pending(part.id, b"", message, maps, alone=True, barrier=alone, work=self._large))
        elif self._large is None:
            raise Transient(f"a part of {part.id.gtid} came without its beginning")
        with _about(part.id.gtid):
            await self._large.add(part, message)

    def _begin_large(self) -> LargeTransaction:
        rules, tally = self._control.begin_large(), self._rules.tally.begin_large()
        return LargeTransaction(rules, tally, self._check_tables, self._send_part)

    def offer_barrier(self, record: Definition | Format | XaEnd | Mark, message: int) -> None:
        """Take what runs behind everything before it, ahead of everything after it.

        The end of a prepared transaction is one since what depends on its rows need not depend on its end: the source
        held their locks from XA PREPARE on.
        """
        if isinstance(record, Format):
            self._rules.note_format(record.event)
        of = NO_TRANSACTION if isinstance(record, (Format, Mark)) else record.id
        self._scheduler.offer(Pending(of, b"", message, barrier=True, work=record))

    def done(self, done: Done) -> None:
        """Note that a worker has carried out a group, or one part of a large transaction.

        Raise `Transient` for one that it was not sent, or has done before.
        """
        self.open_orders.done(done.slot, done.number, done.index)
        group = self._scheduler.group(done.number)
        large = group.members[0].work
        if isinstance(large, LargeTransaction):
            self._credits.finished(large.part_done())
            if large.committed:
                self._committed(group)
        else:
            self._finish(group)

    def _finish(self, group: Assigned) -> None:
        for member in group.members:
            self._credits.finished(member.batch)
        self._committed(group)

    def _committed(self, group: Assigned) -> None:
        self._scheduler.done(group.number)
        self._executed.note(group.members)
        self.changes.committed(group)
        self._on_committed(group)
        if self._serial:
            self._transactions += len(group.members)
            if self._transactions >= SERIAL_TRANSACTIONS:
                self._serial = False
                self._scheduler.end_serial()

    def final(self, error: UdupError) -> UdupError:
        """Return what an error means here: a transaction that conflicts though it ran alone is a `Divergence`.

        All before it was committed and nothing ran beside it, so the order in which they ran cannot be the cause.
        """
        if isinstance(error, Conflict) and self._serial:
            told = Divergence(
                f"the target contradicts the source at {error}; nothing of this transaction was applied. Look who else"
                " writes there, and stop that",
                gtid=error.gtid,
                table=error.table,
            )
            return told.like(error)
        return error

    # ---- What goes out ----

    async def start_next(self) -> bool:
        """Start one group if one may; return whether one was started."""
        head = self._scheduler.head
        if head is None or self._scheduler.barrier_runs:
            return False
        if head.new_maps and self._checked is not head:
            # All DDL before it has run: DDL is a barrier.
            await self._check_tables(head.id.gtid, head.new_maps)
            self._checked = self._scheduler.head
        group = self._scheduler.next_group()
        if group is None:
            return False
        with _about(group.members[0].id.gtid if len(group.members) == 1 else ""):
            await self._start(group)
        return True

    async def _start(self, group: Assigned) -> None:
        work = group.members[0].work
        if isinstance(work, Definition):
            await self._run_definition(group, work)
        elif isinstance(work, XaEnd):
            await self._end_prepared(group, work)
        elif isinstance(work, Format):
            await self._send_format(group, work)
        elif isinstance(work, Mark):
            await self._stand_at(group, work)
        elif isinstance(work, LargeTransaction):
            if work.beginning.create:
                await self._control.claim_created(group.label, work.beginning.create)
            marked = self._rules.marked(work.beginning) if group.members[0].barrier else ""
            await work.start(group, *self._executed.claim(group.slot, group.members), marked)
        else:
            await self._start_group(group)

    async def _start_group(self, group: Assigned) -> None:
        records: list[Transaction] = [member.work for member in group.members]
        # Most rows need nothing, and this is done for each group.
        needs = group.context or records[0].create
        prelude = await self._prelude(group, records) if needs else b""
        if group.members[0].barrier and (marked := self._rules.marked(records[0])):
            await self._send_marked(group, marked, prelude)
        elif self._scheduler.running > 1 or not self._apply_now(group, prelude):
            await self._send_group(group, prelude)

    async def _prelude(self, group: Assigned, records: list[Transaction]) -> bytes:
        # Of a group only some may need the context; what is wrong with it is wrong with the first of these.
        needing = next((member.id.gtid for member in group.members if self._context_of(member)), "")
        with _about(needing):
            return await self._control.prelude(group.label, group.context, records)

    def _context_of(self, item: Pending) -> int:
        """Return the number of the context that a transaction's rows need, 0 for none."""
        return self._rules.context_of(item.work) if isinstance(item.work, Transaction) else 0

    def _apply_now(self, group: Assigned, prelude: bytes) -> bool:
        """Return whether the group was applied here, where everything is idle."""
        try:
            applied = self._inline.apply(group, prelude)
        except UdupError as error:
            raise self.final(error) from error
        if applied:
            self._finish(group)
        return applied

    async def _end_prepared(self, group: Assigned, record: XaEnd) -> None:
        claim, position = self._inline.propose(group)
        try:
            with self.waits.on(WaitKind.STATEMENT, statement=_ending(record), gtid=record.id.gtid):
                await self._control.end_prepared(claim, record)
        except UdupError as error:
            raise self.final(error.about(record.id.gtid).at("", record.xid)) from error
        self._inline.accept(position)
        if record.is_lost:
            self._scheduler.done(group.number)  # nothing more is executed
            self.changes.committed(group)
            self._credits.finished(group.members[0].batch)
        else:
            self._finish(group)

    async def _send_group(self, group: Assigned, prelude: bytes) -> None:
        version, gtids = self._executed.claim(group.slot, group.members)
        events = [member.events for member in group.members]
        create = group.members[0].work.create
        if create:
            await self._control.claim_created(group.label, create)
        order = Group(group.number, len(events), version, gtids, events, group.label, create, prelude)
        await self._send(group.slot, order)

    async def _send_marked(self, group: Assigned, marked: str, prelude: bytes) -> None:
        """Send a group whose tables undo nothing. What follows of that kind goes with it, each applied by itself."""
        tables = dict.fromkeys(marked.split(", "))

        def goes_along(item: Pending) -> bool:
            work = item.work
            if not isinstance(work, Transaction) or work.create or work.xid:
                return False
            if self._context_of(item) != group.context:
                return False
            try:
                more = self._rules.marked(work)
            except Unsupported:
                return False  # told when its turn comes
            tables.update(dict.fromkeys(more.split(", ") if more else ()))
            return bool(more)

        self._scheduler.extend(group, goes_along)
        claim = self._executed.claim(group.slot, group.members)
        items = [(member.id.gtid, member.work.events) for member in group.members]
        await self._send(group.slot, MarkedGroup(group.number, *claim, items, ", ".join(tables), prelude))

    async def _send_part(self, slot: int, order: GroupPart) -> None:
        await self._send(slot, order)

    async def _send(self, slot: int, order: Order) -> None:
        match order:
            case Group():
                self.open_orders.sent(slot, order.number, order.label)
            case MarkedGroup():
                self.open_orders.sent(slot, order.number, order.items[0][0])
            case GroupPart():
                self.open_orders.sent(slot, order.number, order.label, order.index)
        await self.crew.send(slot, order)

    async def _publish(self, seat: Seat, order: Order) -> None:
        await self._link.publish(self._subjects.orders(seat.number), encode(order))

    async def ask_silent_workers(self, *, copying: bool) -> None:
        """Ask the workers that have something to do and of whom nothing has been heard for long."""
        for slot, question in list(self.open_orders.questions(self.crew.is_open, copying=copying)):
            await self._send(slot, question)

    async def _send_format(self, group: Assigned, record: Format) -> None:
        await self._control.set_format(record.event)
        await self.crew.set_format(SetFormat(record.event))
        self._scheduler.done(group.number)
        self._credits.finished(group.members[0].batch)

    async def _stand_at(self, group: Assigned, record: Mark) -> None:
        """All before the mark is committed and nothing behind it has begun: a comparison looks at the target now."""
        with self.waits.on(WaitKind.STATEMENT, statement="opening the snapshot of a comparison"):
            await self.marks.stand(record.number)
        self._scheduler.done(group.number)
        self._credits.finished(group.members[0].batch)

    async def _check_tables(self, gtid: str, maps: Sequence[bytes]) -> None:
        """Look at the tables. Where one takes no part in transactions, what waits and changes it is to run alone."""
        with self.waits.on(WaitKind.STATEMENT, statement="looking at its tables", gtid=gtid), _about(gtid):
            found = await self._control.check_tables(gtid, maps)
        if found:
            self._scheduler.isolate(self._must_run_alone)

    def _must_run_alone(self, item: Pending) -> bool:
        work = item.work.beginning if isinstance(item.work, LargeTransaction) else item.work
        return isinstance(work, (Transaction, Part)) and self._rules.runs_alone(work.events)

    async def _run_definition(self, group: Assigned, record: Definition) -> None:
        """Run DDL: alone, once (the target skips an ID of Udup's that it has executed), then noted."""
        await self._executed.flush()  # what has caught up is noted before its definition changes
        with self.waits.on(WaitKind.STATEMENT, statement=record.summary, gtid=record.id.gtid):
            own_gtid = self._executed.definition_gtid()
            with _about(record.id.gtid, own_gtid):
                await self._control.run_definition(record, own_gtid)
        self._executed.definitions += 1
        self._committed(group)
        await self._executed.flush()
        self._credits.finished(group.members[0].batch)
