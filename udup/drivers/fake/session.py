"""Sessions that apply: a worker's, and DestApplier's own (`inline`). Each has a row of the checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from udup.base.errors import Conflict, Contended, Divergence, Transient, UdupError, Unsupported
from udup.drivers.fake.changes import Change, Splitter, decode, decode_settings, decode_statement
from udup.drivers.fake.checkpoint import Note
from udup.drivers.fake.server import FakeServer
from udup.drivers.fake.work import Work
from udup.pipeline.orders import Group, GroupPart, MarkedGroup
from udup.pipeline.ports import Claim, RowCounts
from udup.pipeline.records import XaEnd

#: The zone of a session that nobody has set: no source writes by it, so that a context that is missing shows.
_OWN_ZONE = "none"


class _Session:
    """What both kinds have: a connection, a slot, the context in force."""

    def __init__(self, server: FakeServer, job: str, slot: int, place: str, lock_wait_s: float) -> None:
        self.server = server
        self.job, self.slot = job, slot
        self._lock_wait_s = lock_wait_s
        self._zone = _OWN_ZONE
        self._counts = RowCounts()
        self._work: Work | None = None  # of a large transaction
        self.format = ""
        self.connection = server.connect(job, place, "Target.open_session")
        self.connection.on_end = self._ended

    def _ended(self) -> None:
        """The connection is gone, and with it what was open."""
        if self._work is not None:
            self._work.rollback()
            self._work = None
        self.server.unlock(self.connection)

    def open_work(self) -> Work:
        work = Work(self.server, self.connection, self._lock_wait_s)
        work.zone = self._zone
        return work

    def enter(self, work: Work, prelude: bytes) -> None:
        """Set the session to what the rows need; it stays so."""
        if prelude:
            self._zone = work.zone = decode_settings(prelude)["time_zone"]

    def commit(self, work: Work, version: int, gtids: str, label: str, groups: int = 1) -> None:
        """Commit with the slot's row."""
        row = self.server.jobs.slot(self.job, self.slot, version, label)
        row.version += groups
        row.gtids = gtids
        self._counts = self._counts.plus(work.commit(self.job))
        self.server.committed()

    @contextmanager
    def calling(self, name: str, label: str) -> Iterator[None]:
        """Carry out a call; a `Conflict` is told with its transactions."""
        try:
            with self.server.call(name, self.connection):
                yield
        except Conflict as error:
            raise error.about(label) from error

    @contextmanager
    def undone(self, work: Work) -> Iterator[None]:
        """Roll back if it fails."""
        try:
            yield
        except BaseException:
            work.rollback()
            raise

    def apply_kept(self, work: Work, xid: str) -> None:
        events = work.kept_events(self.job, xid)
        if events is None:
            raise Unsupported(f"XA COMMIT {xid} ends a transaction that was prepared before the job's beginning")
        self.enter(work, work.kept_context(self.job, xid))
        for change in decode(events):
            work.change(change)
        work.forget_kept(xid)

    def set_format(self, event: bytes) -> None:
        self.format = event.decode()

    def rollback(self) -> None:
        with self.server.changed:
            if self._work is not None:
                self._work.rollback()
                self._work = None
            self.server.changed.notify_all()

    def rows_written(self) -> RowCounts:
        return self._counts

    def abandon(self) -> None:
        self.server.end(self.connection)


class FakeInlineSession(_Session):
    """Waits for no lock: what is locked is for a worker."""

    def __init__(self, server: FakeServer, job: str, slot: int) -> None:
        super().__init__(server, job, slot, "inline", 0.0)

    def apply(self, claim: Claim, events: Sequence[bytes], prelude: bytes) -> None:
        with self.calling("InlineSession.apply", claim.label):
            self.server.jobs.slot(self.job, self.slot, claim.version, claim.label)
            work = self.open_work()
            with self.undone(work):
                self.enter(work, prelude)
                for change in decode(b"".join(events)):
                    work.change(change)
                self.commit(work, claim.version, claim.gtids, claim.label)

    def end_prepared(self, claim: Claim, record: XaEnd) -> None:
        with self.calling("TargetControl.end_prepared", claim.label):
            self.server.jobs.slot(self.job, self.slot, claim.version, claim.label)
            work = self.open_work()
            with self.undone(work):
                if record.commit:
                    self.apply_kept(work, record.xid)
                work.forget_kept(record.xid)
                self.commit(work, claim.version, claim.gtids, claim.label)


class FakeApplySession(_Session):
    def __init__(self, server: FakeServer, job: str, slot: int) -> None:
        super().__init__(server, job, slot, f"session{slot}", server.settings.lock_wait_s)
        self._splitter = Splitter()
        self._parts = 0

    @property
    def in_large_transaction(self) -> bool:
        return self._work is not None

    def apply(self, groups: Sequence[Group]) -> None:
        label = groups[0].label
        if self._work is not None:
            raise UdupError(f"{label}: a group came inside a large transaction")
        if [group.version for group in groups] != list(range(groups[0].version, groups[0].version + len(groups))):
            raise UdupError(f"{label}: groups that do not follow each other are to be committed as one")
        with self.calling("ApplySession.apply", label):
            self.server.jobs.slot(self.job, self.slot, groups[0].version, label)
            work = self.open_work()
            with self.undone(work):
                for group in groups:
                    self._apply_group(work, group)
                self.commit(work, groups[0].version, groups[-1].gtids, label, len(groups))

    def _apply_group(self, work: Work, group: Group) -> None:
        self.enter(work, group.context)
        if group.create:
            work.create(decode_statement(group.create))
        for change in decode(b"".join(group.events)):
            work.change(change)

    def apply_part(self, part: GroupPart) -> None:
        if part.marked:
            self._apply_marked_part(part)
            return
        with self.calling("ApplySession.apply_part", part.label):
            work = self._work
            if part.index == 0:
                self.server.jobs.slot(self.job, self.slot, part.version, part.label)
                work = self._begin_large()
            if work is None or self._parts != part.index:
                raise Transient(f"part {part.index} of {part.label} came without the one before it")
            with self._undone_large(work):
                if part.create:
                    work.create(decode_statement(part.create))
                self._feed(work, part)
                if part.last:
                    if part.xid:
                        self.apply_kept(work, part.xid)
                    self.commit(work, part.version, part.gtids, part.label)
                    self._work = None

    def _begin_large(self) -> Work:
        self._work = self.open_work()
        self._splitter, self._parts = Splitter(), 0
        return self._work

    def _feed(self, work: Work, part: GroupPart) -> None:
        self._parts += 1
        self.enter(work, part.context)
        for change in self._splitter.feed(part.events):
            work.change(change)
        if part.last and not self._splitter.complete:
            raise Conflict(f"{part.label} ends in the middle of a change")

    @contextmanager
    def _undone_large(self, work: Work) -> Iterator[None]:
        try:
            with self.undone(work):
                yield
        except BaseException:
            self._work = None
            raise

    # ---- Tables without transactions: what is written stays, so it is noted first ----

    def apply_marked(self, group: MarkedGroup) -> None:
        label = group.items[0][0]
        with self.calling("ApplySession.apply_marked", label):
            self.server.jobs.slot(self.job, self.slot, group.version, label)
            note = self._note([gtid for gtid, _ in group.items], group.tables)
        for gtid, events in group.items:
            with self.calling("ApplySession.apply_marked rows", gtid), self._between_marks(note):
                self.server.jobs.slot(self.job, self.slot, group.version, gtid)
                work = self.open_work()
                with self.undone(work):
                    self.enter(work, group.context)
                    self._write_marked(work, note, decode(events))
                    self._counts = self._counts.plus(work.commit(self.job))
                note.applied += 1
        with self.calling("ApplySession.apply_marked", label):
            self.server.jobs.notes.pop(self.job, None)
            self.commit(self.open_work(), group.version, group.gtids, label)

    def _apply_marked_part(self, part: GroupPart) -> None:
        with self.calling("ApplySession.apply_part", part.label):
            if part.index == 0:
                self.server.jobs.slot(self.job, self.slot, part.version, part.label)
                self._begin_large()
                self._note([part.label], part.marked).torn = True
            note = self.server.jobs.notes.get(self.job)
            work = self._work
            if work is None or note is None or self._parts != part.index:
                raise Transient(f"part {part.index} of {part.label} came without the one before it")
            with self._undone_large(work):
                self._feed(work, part)
                if part.last:
                    del self.server.jobs.notes[self.job]
                    self.commit(work, part.version, part.gtids, part.label)
                    self._work = None

    def _note(self, gtids: Sequence[str], tables: str) -> Note:
        note = self.server.jobs.notes[self.job] = Note(tuple(gtids), tables)
        return note

    @contextmanager
    def _between_marks(self, note: Note) -> Iterator[None]:
        """What fails here is not to be tried again: of the transactions before it the rows are there."""
        try:
            yield
        except UdupError as error:
            if note.torn:
                raise Divergence(
                    f"{note.gtids[note.applied]}: a part of its rows is in {note.tables}: {error}",
                    gtid=note.gtids[note.applied],
                ) from error
            if isinstance(error, Contended):
                raise Transient(str(error)) from error
            raise

    @staticmethod
    def _write_marked(work: Work, note: Note, changes: Sequence[Change]) -> None:
        for change in changes:
            work.change(change)
            note.torn = True
        note.torn = False
