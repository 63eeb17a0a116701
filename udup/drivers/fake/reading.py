"""The log of a fake server as records of a job: what is wanted of it, by the target's names, large ones in parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from udup.base import runtime
from udup.base.errors import Transient, Unsupported
from udup.drivers.fake.changes import (
    Change,
    Shape,
    Statement,
    encode,
    encode_shape,
    encode_statement,
)
from udup.drivers.fake.joining import FakeJoining
from udup.drivers.fake.position import FakePosition
from udup.drivers.fake.server import FakeServer
from udup.drivers.fake.snapshot_reading import SnapshotState
from udup.drivers.fake.source_log import Logged
from udup.pipeline.ownership import TableName
from udup.pipeline.ports import LogPlace, LogPlan, Recognised
from udup.pipeline.positions import AheadNotes, AheadPart
from udup.pipeline.records import (
    NO_TRANSACTION,
    Context,
    Definition,
    Format,
    Part,
    Record,
    Skipped,
    Transaction,
    XaEnd,
)
from udup.pipeline.selection.selection import Selection

_NO_SNAPSHOT, _NO_NOTES = SnapshotState(), AheadNotes()


class FakeLog:
    """`ports.ChangeLog`. A record is yielded outside of the server's lock."""

    def __init__(self, server: FakeServer, plan: LogPlan) -> None:
        self._server = server
        self._plan = plan
        self._start = FakePosition.parse(plan.start_after)
        state = SnapshotState.parse(plan.snapshot)
        self._joining = FakeJoining(server, plan, state) if plan.tells else None
        notes = AheadNotes.of_json(plan.ahead, FakePosition.parse)
        self._translate = Translator(plan.scope.selection, state, self._joining, notes)
        self._prepared = dict.fromkeys(plan.prepared or ())  # xids without an end, where the target is to be told
        self._place = 0  # in the log's entries
        self._format = ""
        self._closed = False
        self._connection = server.connect("", "log", "Source.open_log")

    def begin(self) -> Recognised:
        server, plan = self._server, self._plan
        with server.call("ChangeLog.begin", self._connection):
            log = server.log
            missing = self._start - log.executed
            if unknown := missing.of(server.uuid):
                raise Unsupported(f"Src {server.name}: the job goes on after {unknown}, which it never executed")
            if log.purged - self._start:
                raise Unsupported(f"Src {server.name} has purged {log.purged - self._start}, which the job has not had")
            times = {each.id.gtid: each.id.order.original_us for each in log.entries}
            seen = []
            for stamp in filter(None, plan.stamps.split(",")):
                gtid, _, committed = stamp.partition("@")
                if times.get(gtid, int(committed)) != int(committed):
                    raise Unsupported(f"{gtid} is another transaction now: the log of {server.name} was reset")
                if gtid in times:
                    seen.append(stamp)
            if not seen:
                last = [each.id for each in log.entries if self._start.contains(each.id.source, each.id.number)]
                seen = [f"{each.gtid}@{each.order.original_us}" for each in last[-1:]]
            begun = FakePosition.parse(plan.in_part.gtids)
            if unknown := begun - log.executed:
                raise Unsupported(f"Src {server.name}: {unknown} was told in part, which it never executed")
            for stamp in filter(None, plan.in_part.stamps.split(",")):
                gtid, _, committed = stamp.partition("@")
                if times.get(gtid, int(committed)) != int(committed):
                    raise Unsupported(f"{gtid} was told in part and is another transaction now")
            doubt = "nothing that the job knows is in the log any more" if plan.stamps and not seen else ""
            return Recognised(server.uuid, ",".join(seen), doubt)

    def __iter__(self) -> Iterator[Record | None]:
        if self._joining is not None:
            with self._server.changed:
                begun = self._joining.begin()
            yield from begun
        while True:
            self._server.faults.meet("ChangeLog.next", "log", "before")
            record = self._next()
            if record is None:
                yield None
                self._wait()
            else:
                yield from record

    def _next(self) -> list[Record] | None:
        """Return the records of the next entry that was not executed, None if there is none yet."""
        with self._server.changed:
            self._check()
            log = self._server.log
            while self._place < len(log.entries):
                entry = log.entries[self._place]
                records: list[Record] = []
                if (written_by := log.format_at(self._place)) != self._format:
                    self._format = written_by
                    records.append(Format(written_by.encode()))
                self._place += 1
                if not self._start.contains(entry.id.source, entry.id.number):
                    records += self._lost(entry)
                    records += self._translate.records(entry, self._server.settings.part_bytes)
                if records:
                    return records
            return self._lost() or (self._joining.read() if self._joining is not None else None) or None

    def _lost(self, entry: Logged | None = None) -> list[Record]:
        """Return what tells of lost transactions in front of an entry, which is noted; without one, at the end."""
        if self._plan.prepared is None:
            return []
        if entry is None:
            lost = [xid for xid in self._prepared if xid not in self._server.log.prepared]
        else:
            lost = [xid for xid in self._prepared if xid == entry.xid and entry.commit is None]
        for xid in lost:
            del self._prepared[xid]
        if entry is not None and entry.commit is not None:
            self._prepared.pop(entry.xid, None)
        elif entry is not None and entry.xid and not entry.one_phase:
            self._prepared[entry.xid] = None
        return [XaEnd(NO_TRANSACTION, xid, commit=False) for xid in lost]

    def _wait(self) -> None:
        """Until there is more, or it is time to say that there is not."""
        with self._server.changed:
            end = runtime.now() + self._server.settings.beat_s
            while self._place >= len(self._server.log.entries) and runtime.now() < end:
                self._check()
                self._server.changed.wait(max(0.0, end - runtime.now()))

    def _check(self) -> None:
        if self._closed:
            raise Transient("the log was closed")
        self._server.check(self._connection)

    @property
    def place(self) -> LogPlace:
        return LogPlace("log", self._place)

    def close(self) -> None:
        self._closed = True
        self._server.end(self._connection)


def is_there(change: Change, part: AheadPart) -> bool:
    """Return whether the target has a change already; a row's number is what its key has in digits."""
    if part.leaves_out(*change.table):
        return True
    rows = part.rows_behind(*change.table)
    return rows is not None and not rows.has([int("".join(filter(str.isdigit, change.key)) or 0)])


def _less_what_is_there(entry: Logged, part: AheadPart | None) -> Logged:
    if part is None:
        return entry
    statement = entry.statement
    if statement is not None:
        names = [statement.table, *([statement.new_name] if statement.new_name is not None else [])]
        there = {part.leaves_out(*each) for each in names}
        if len(there) > 1 or any(part.cuts(*each) for each in names):
            raise Unsupported(f"{entry.id.gtid}: {statement} can be neither run nor passed over", gtid=entry.id.gtid)
        statement = None if True in there else statement
    changes = tuple(each for each in entry.changes if not is_there(each, part))
    return replace(entry, changes=changes, statement=statement)


class Translator:
    """What a job sees of a log: its own tables, by their names on the target."""

    def __init__(
        self,
        selection: Selection,
        snapshot: SnapshotState = _NO_SNAPSHOT,
        joining: FakeJoining | None = None,
        notes: AheadNotes = _NO_NOTES,
    ) -> None:
        self._selection = selection
        self._notes = notes
        self._snapshot = snapshot
        self._joining = joining
        self._shown: set[TableName] = set()  # tables whose shape was sent in this run
        self._contexts: dict[tuple[tuple[str, str], ...], int] = {}

    def records(self, entry: Logged, part_bytes: int) -> list[Record]:
        if entry.commit is not None:
            return [XaEnd(entry.id, entry.xid, entry.commit)]
        entry = _less_what_is_there(entry, self._notes.of(entry.id.source, entry.id.number))
        changes = self._snapshot.wanted(self.wanted(entry.changes), entry.id.source, entry.id.number)
        if self._joining is not None:
            changes = self._joining.wanted(changes)
        statement = self.wanted_statement(entry.statement)
        if statement is not None and not entry.changes:
            return [*self._context(entry), self._definition(entry, statement)]
        if not changes and statement is None and not (entry.xid and not entry.one_phase):
            of = entry.id
            return [Skipped(of.gtid, of.order.committed_us, f"{of.gtid}@{of.order.original_us}")]
        return [*self._context(entry), *self._transaction(entry, changes, statement, part_bytes)]

    def wanted(self, changes: tuple[Change, ...]) -> list[Change]:
        selection = self._selection
        return [
            Change(selection.renamed_table(*each.table), each.op, each.key, each.entry)
            for each in changes
            if selection.wants(*each.table)
        ]

    def wanted_statement(self, statement: Statement | None) -> Statement | None:
        if statement is None:
            return None
        self._shown.discard(statement.table)
        if not self._selection.wants(*statement.table):
            return None
        new = statement.new_name
        return Statement(
            statement.verb,
            self._selection.renamed_table(*statement.table),
            statement.shape,
            statement.keyed,
            statement.transactional,
            statement.computes,
            statement.entry,
            None if new is None else self._selection.renamed_table(*new),
        )

    @staticmethod
    def _definition(entry: Logged, statement: Statement) -> Definition:
        return Definition(entry.id, encode_statement(statement), str(statement))

    def _context(self, entry: Logged) -> list[Record]:
        settings = tuple(sorted(entry.context.items()))
        if settings in self._contexts:
            return []
        number = self._contexts[settings] = len(self._contexts) + 1
        return [Context(number, dict(settings))]

    def _transaction(
        self, entry: Logged, changes: list[Change], statement: Statement | None, part_bytes: int
    ) -> list[Record]:
        events = encode(changes)
        maps = self._new_maps(entry)
        create = b"" if statement is None else encode_statement(statement)
        context = self._contexts[tuple(sorted(entry.context.items()))]
        if len(events) <= part_bytes:
            xid = "" if entry.one_phase else entry.xid
            return [Transaction(entry.id, events, maps, create, xid, context)]
        pieces = [events[at : at + part_bytes] for at in range(0, len(events), part_bytes)]
        return [
            Part(
                entry.id,
                index,
                index == len(pieces) - 1,
                piece,
                maps if index == 0 else [],
                create if index == 0 else b"",
                entry.xid,
                entry.one_phase and index == len(pieces) - 1,
                context,
            )
            for index, piece in enumerate(pieces)
        ]

    def _new_maps(self, entry: Logged) -> list[bytes]:
        made = entry.statement.table if entry.statement is not None else None
        maps = []
        for name in dict.fromkeys(each.table for each in entry.changes):
            if name != made and name not in self._shown and self._selection.wants(*name):
                self._shown.add(name)
                maps.append(encode_shape(Shape(self._selection.renamed_table(*name), entry.shapes[name])))
        return maps
