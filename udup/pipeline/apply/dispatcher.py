"""What was received of the log, in order, to whoever applies it: a worker, the express session, or the control thread.

Touches no rows. `Scheduler` says what may start; a group goes to its worker in one message, a large transaction in
parts, a small one that finds everything idle is applied at once. Definitions and format descriptions are barriers: they
run alone, and DestApplier carries them out itself. Before a table's first rows its definition is checked, and whether
the target computes anything from them: only those rows need the context of the session that wrote them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial

from udup.base.errors import Conflict, Divergence, Transient, UdupError, Unsupported, error_named
from udup.drivers.mysql.apply.apart import TablesApart
from udup.drivers.mysql.apply.contexts import TargetContexts
from udup.drivers.mysql.apply.control import Control
from udup.drivers.mysql.apply.inline import Express
from udup.drivers.mysql.apply.session import Needed
from udup.drivers.mysql.apply.xa import PreparedRows
from udup.drivers.mysql.binlog.event import has_checksums
from udup.drivers.mysql.binlog.query import parse_query
from udup.drivers.mysql.binlog.table_map import TableMaps, TableName, table_name
from udup.drivers.mysql.client.connection import Connection
from udup.drivers.mysql.ddl.classify import classify_query
from udup.drivers.mysql.ddl.statement import Kind
from udup.drivers.mysql.dictionary.timezones import is_fixed
from udup.pipeline.apply.credits import Credits
from udup.pipeline.apply.executed import Books
from udup.pipeline.apply.large_transaction import LargeTransaction
from udup.pipeline.apply.scheduler import Assigned, Pending, Scheduler
from udup.pipeline.records import (
    Definition,
    Done,
    Format,
    Group,
    GroupPart,
    Mark,
    MarkedGroup,
    Order,
    Part,
    SetFormat,
    Transaction,
    XaEnd,
    encode,
)
from udup.pipeline.transport.link import Link, Subjects

#: Transactions applied one by one after a conflict: more than were under way when it came.
CAREFUL_TRANSACTIONS = 2000

#: What a CREATE TABLE says if its table computes something from its rows; it may mean something else.
_COMPUTED = re.compile(rb"\b(?:AS\s*\(|CHECK\b)", re.IGNORECASE)

#: What stands for the transaction of a record that belongs to none.
_NO_MARK = Mark("", 0, 0, 0, 0, True)


class Dispatcher:
    """`offer…` what came, `start_next` until it says no, `done` for what a worker has done.

    `on_committed` is called with each group that is in the target.
    """

    def __init__(
        self,
        workers: int,
        control: Control,
        books: Books,
        credits_: Credits,
        on_committed: Callable[[Assigned], None],
        prepared: PreparedRows,
        *,
        careful: bool,
    ) -> None:
        """`careful`: one transaction at a time, to find the one that fails."""
        self._workers = workers
        self._control = control
        self._books = books
        self._credits = credits_
        self._on_committed = on_committed
        self._prepared = prepared
        self._careful = careful
        self.contexts = TargetContexts(control.endpoint)
        self._scheduler = Scheduler(workers, careful=careful, context_of=self._context_of)
        self._large: LargeTransaction | None = None
        self._checked: Pending | None = None
        self._apart = TablesApart()
        self._transactions = 0
        self._has_crc = True
        self._link: Link
        self._subjects: Subjects
        self._express: Express

    def connect(self, link: Link, subjects: Subjects, express: Express) -> None:
        """Before anything is offered."""
        self._link, self._subjects, self._express = link, subjects, express

    @property
    def careful(self) -> bool:
        return self._careful

    @property
    def scheduler(self) -> Scheduler:
        """To be looked at: what waits and what runs."""
        return self._scheduler

    # ---- What comes in ----

    def offer(self, record: Transaction, message: int) -> None:
        """A CREATE … SELECT makes the table that its rows go to, so there is nothing to check before."""
        alone = bool(record.create)
        new_maps = [] if alone else record.new_maps
        events = self._prepared.whole(record, self.contexts.kept(record.context)) if record.xid else record.events
        alone = alone or self._apart.touched_by(record.events)
        self._scheduler.offer(Pending(record.mark, events, message, new_maps, alone=alone, barrier=alone, work=record))

    async def offer_part(self, part: Part, message: int) -> None:
        if part.index == 0:
            self._large = LargeTransaction(self._check_maps, self._send_part, self._context_for, self._apart)
            alone = bool(part.create)
            maps = [] if alone else part.new_maps
            alone = alone or self._apart.touched_by(part.events)
            self._scheduler.offer(Pending(part.mark, b"", message, maps, alone=True, barrier=alone, work=self._large))
        elif self._large is None:
            raise Transient(f"a part of {part.mark.gtid} came without its beginning")
        kept = self._prepared.part(part, self.contexts.kept(part.context)) if part.xid else None
        await self._large.add(part, message, kept)

    def offer_barrier(self, record: Definition | Format | XaEnd, message: int) -> None:
        """Behind everything before it, ahead of everything after it.

        The end of a prepared transaction is one since what depends on its rows need not depend on its end: the source
        held their locks from XA PREPARE on.
        """
        if isinstance(record, Format):
            self._prepared.set_format(record.event, with_crc=has_checksums(record.event))
        mark = _NO_MARK if isinstance(record, Format) else record.mark
        self._scheduler.offer(Pending(mark, b"", message, barrier=True, work=record))

    def done(self, done: Done) -> None:
        """A worker has carried out a group, or one part of a large transaction."""
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
        self._books.note(group.members)
        self._on_committed(group)
        if self._careful:
            self._transactions += len(group.members)
            if self._transactions >= CAREFUL_TRANSACTIONS:
                self._careful = False
                self._scheduler.relax()

    def error_of(self, kind: str, text: str) -> UdupError:
        """A conflict of a transaction that ran alone, after all before it, is no matter of order: divergence."""
        error = error_named(kind)
        if error is Conflict and self._careful:
            return Divergence(
                f"the target contradicts the source at {text}; nothing of this transaction was applied. Compare the"
                " table on both sides, mend the target, then start the job again"
            )
        return error(text)

    # ---- What goes out ----

    async def start_next(self) -> bool:
        """Start one group if one may; false if none may now."""
        head = self._scheduler.head
        if head is None or self._scheduler.barrier_runs:
            return False
        if head.new_maps and self._checked is not head:
            # All DDL before it has run: DDL is a barrier.
            await self._check_maps(head.mark.gtid, head.new_maps)
            self._checked = self._scheduler.head
        group = self._scheduler.next_group()
        if group is None:
            return False
        work = group.members[0].work
        if isinstance(work, Definition):
            await self._run_definition(group, work)
        elif isinstance(work, XaEnd):
            await self._end_prepared(group, work)
        elif isinstance(work, Format):
            await self._send_format(group, work)
        elif isinstance(work, LargeTransaction):
            if work.beginning.create:
                await self._control.claim_created(group.label, work.beginning.create)
            marked = self._marked(work.beginning) if group.members[0].barrier else ""
            await work.start(group, *self._books.claim(group.slot, group.members), marked)
        else:
            context = await self._statement(group)
            if group.members[0].barrier and (marked := self._marked(work)):
                await self._send_marked(group, marked, context)
            elif self._scheduler.running > 1 or not self._apply_now(group, context):
                await self._send_group(group, context)
        return True

    # ---- Contexts ----

    def _context_of(self, item: Pending) -> int:
        """The number of the context that a transaction's rows need; most tables compute nothing."""
        record = item.work
        if not self._control.computing or not isinstance(record, Transaction) or record.xid or record.create:
            return 0  # what is only kept computes nothing, and CREATE … SELECT has its own
        return record.context if self._control.computing.in_events(record.events) else 0

    async def _statement(self, group: Assigned) -> bytes:
        """The SET that a group's rows need."""
        head = group.members[0].work
        if isinstance(head, Transaction) and head.create:
            return await self._context_of_create(group.label, head.context, head.create)
        known = self.contexts.known(group.context)
        if known is not None:
            return known
        tables = {table_name(event) for each in group.members for event in TableMaps().feed(each.events)}
        return await self._context_for(group.label, group.context, tables)

    async def _context_of_create(self, label: str, number: int, create: bytes) -> bytes:
        """CREATE TABLE … SELECT: its event may say no zone, and the dictionary not yet what its table computes."""
        try:
            known = self.contexts.known(number)
            return known if known is not None else await self._control.run(partial(self.contexts.prepare, number))
        except Unsupported as error:
            if not _COMPUTED.search(create):
                return b""
            raise Unsupported(f"{label}: CREATE TABLE … SELECT makes a table that computes: {error}") from error

    async def _zone_of_definition(self, record: Definition) -> bytes:
        """The context of a statement that has used a named zone for a table, empty for any other.

        It may compute from all rows, or a default; and the source's SYSTEM is not the target's.
        """
        try:
            event = parse_query(record.query, has_crc=False)
            zone = (event.variables().time_zone or b"").decode("ascii", "replace")
            if not zone or is_fixed(zone) or classify_query(event).kind is not Kind.TABLE_DDL:
                return b""
            known = self.contexts.known(record.context)
            return (
                known if known is not None else await self._control.run(partial(self.contexts.prepare, record.context))
            )
        except UdupError as error:
            raise type(error)(f"{record.mark.gtid}: {record.summary}: {error}") from error

    async def _context_for(self, label: str, number: int, tables: set[TableName], create: bytes = b"") -> bytes:
        """The SET of a context, if one of these tables needs it, or the one that the transaction makes."""
        if create:
            return await self._context_of_create(label, number, create)
        computes = self._control.computing.shown(tables)
        if not computes or not number:
            return b""
        if (known := self.contexts.known(number)) is not None:
            return known
        try:
            return await self._control.run(partial(self.contexts.prepare, number))
        except UdupError as error:
            raise type(error)(f"{label}: {computes} in the session that changes its rows: {error}") from error

    def _kept_context(self, connection: Connection, kept: bytes) -> Needed:
        """In the control's thread: what tells whether a kept transaction's rows need the context that it was kept with.

        Its tables may not have been looked at in this run.
        """
        look = self._control.computing.looker(connection)

        def needed(data: bytes) -> bytes:
            computes = look(data)
            try:
                return self.contexts.statement_of_kept(kept) if computes else b""
            except UdupError as error:
                raise type(error)(f"{computes} in the session that changes its rows: {error}") from error

        return needed

    def _apply_now(self, group: Assigned, context: bytes) -> bool:
        """Where everything is idle: whether the group was applied here, without a worker."""
        try:
            applied = self._express.apply(group, context)
        except UdupError as error:
            raise self.error_of(type(error).__name__, str(error)) from error
        if applied:
            self._finish(group)
        return applied

    async def _end_prepared(self, group: Assigned, record: XaEnd) -> None:
        try:
            await self._control.run(partial(self._express.end_prepared, group, record, self._kept_context))
        except UdupError as error:
            raise self.error_of(type(error).__name__, f"{record.mark.gtid}: {error}") from error
        self._finish(group)

    async def _send_group(self, group: Assigned, context: bytes) -> None:
        version, gtids = self._books.claim(group.slot, group.members)
        events = [member.events for member in group.members]
        create = group.members[0].work.create
        if create:
            await self._control.claim_created(group.label, create)
        order = Group(group.number, len(events), version, gtids, events, group.label, create, context)
        await self._send(group.slot, order)

    async def _send_marked(self, group: Assigned, marked: str, context: bytes) -> None:
        """Its tables on the target undo nothing. What follows of that kind goes with it: each is applied by itself."""
        tables = dict.fromkeys(marked.split(", "))

        def goes_along(item: Pending) -> bool:
            work = item.work
            if not isinstance(work, Transaction) or work.create or work.xid:
                return False
            if self._context_of(item) != group.context:
                return False
            try:
                more = self._apart.marked(work.mark.gtid, work.events)
            except Unsupported:
                return False  # told when its turn comes
            tables.update(dict.fromkeys(more.split(", ") if more else ()))
            return bool(more)

        self._scheduler.extend(group, goes_along)
        claim = self._books.claim(group.slot, group.members)
        items = [(member.mark.gtid, member.work.events) for member in group.members]
        await self._send(group.slot, MarkedGroup(group.number, *claim, items, ", ".join(tables), context))

    def _marked(self, record: Transaction | Part) -> str:
        """The tables of its mark. A CREATE … SELECT makes its table first, so that what is known of it is old."""
        if record.create:
            self._apart.forget()
        return self._apart.marked(record.mark.gtid, record.events, prepared=bool(record.xid))

    async def _send_part(self, slot: int, order: GroupPart) -> None:
        await self._send(slot, order)

    async def _send(self, slot: int, order: Order) -> None:
        await self._link.publish(self._subjects.orders(slot + 1), encode(order))

    async def _send_format(self, group: Assigned, record: Format) -> None:
        self._has_crc = has_checksums(record.event)
        await self._control.run(partial(self._express.set_format, record.event))
        for slot in range(self._workers):
            await self._send(slot, SetFormat(record.event))
        self._scheduler.done(group.number)
        self._credits.finished(group.members[0].batch)

    async def _check_maps(self, gtid: str, maps: Sequence[bytes]) -> None:
        """Look at the tables. Where one takes no part in transactions, what waits and changes it is to run alone."""
        apart = await self._control.check_definitions(gtid, maps, has_crc=self._has_crc)
        if apart:
            self._apart.add(apart)
            self._scheduler.isolate(self._is_apart)

    def _is_apart(self, item: Pending) -> bool:
        work = item.work.beginning if isinstance(item.work, LargeTransaction) else item.work
        return isinstance(work, (Transaction, Part)) and self._apart.touched_by(work.events)

    async def _run_definition(self, group: Assigned, record: Definition) -> None:
        """DDL: alone, once (the server skips a GTID of ours that it has executed), then noted."""
        zone = await self._zone_of_definition(record)
        unlogged = self.contexts.unlogged(record.context)
        await self._control.run_definition(record, self._books.definition_gtid(), zone, unlogged)
        self._apart.forget()
        self._books.definitions += 1
        self._committed(group)
        await self._books.fold()
        self._credits.finished(group.members[0].batch)
