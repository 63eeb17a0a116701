"""What jobs keep on a target: a base row with versions, a row a slot, and whatever is not decided yet.

As on MySQL: a commit names its slot's version and raises it by one for each of its groups; a take-over puts everything
into the base row and gives all rows versions of another generation, so that whatever an earlier run still sends
matches nothing. Every function here runs under the server's lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from udup.base import runtime
from udup.base.errors import Divergence, Fault, Refused, Superseded
from udup.drivers.fake.position import FakePosition
from udup.drivers.fake.tally import KeptChanges
from udup.pipeline.ownership import Owner, TableName
from udup.pipeline.ports import CheckpointState
from udup.pipeline.positions import AheadNotes
from udup.pipeline.start_note import JobStart

#: Versions of one run are less than this apart.
_VERSIONS_OF_A_RUN = 1 << 40

#: The selection of a job that has not begun: its full copy has not ended, or its start was not checked.
COPYING = "copying"

_NO_NOTES = AheadNotes()


@dataclass
class SlotRow:
    version: int
    gtids: str = ""


@dataclass
class JobRows:
    """The base row, and the rows of the slots by their numbers from 1."""

    version: int
    executed: str = ""
    mark: str = ""
    definitions: int = 0
    selection: str = COPYING
    owner: Owner = Owner("")  # noqa: RUF009 - frozen
    stamps: str = ""
    source_uuid: str = ""
    began: str = ""  # the note of how the job began
    ahead: AheadNotes = field(default_factory=AheadNotes)
    slots: dict[int, SlotRow] = field(default_factory=dict)

    @property
    def is_copying(self) -> bool:
        return self.selection == COPYING

    def position(self) -> FakePosition:
        """Return what is executed: the union of all rows."""
        executed = FakePosition.parse(self.executed)
        for row in self.slots.values():
            executed.update(FakePosition.parse(row.gtids))
        return executed

    def state(self, executed: FakePosition | None = None) -> CheckpointState:
        executed = self.position() if executed is None else executed
        known = self.stamps, self.source_uuid
        return CheckpointState(executed, self.mark, self.definitions, self.version, *known, ahead=self.ahead)


@dataclass
class Note:
    """Transactions of tables that undo nothing, while they are applied; the first `applied` are in the target."""

    gtids: tuple[str, ...]
    tables: str
    applied: int = 0
    torn: bool = False  # of the one after those some rows are there: somebody has to look


class Jobs:
    """Everything that the target keeps about jobs, by the job's ID."""

    def __init__(self) -> None:
        self.rows: dict[str, JobRows] = {}
        self.kept: dict[tuple[str, str], bytes] = {}  # events of prepared transactions, by job and xid
        self.kept_context: dict[tuple[str, str], bytes] = {}
        self.notes: dict[str, Note] = {}
        self.copied: dict[str, set[TableName]] = {}  # made by a full copy that has not ended
        self.filling: dict[str, str | None] = {}  # the registration of a job whose copy fills tables that are there
        self.copied_objects: dict[str, set[str]] = {}
        self.whole: dict[str, dict[TableName, tuple[str, str]]] = {}  # of such a copy: at which position, by what shape
        self.numbers: dict[str, int] = {}  # of the newest run of each job; they outlive its rows
        self.changed = KeptChanges()
        self.processes = 0  # how often the server has begun

    def enter(self, job: str, number: int) -> None:
        """Note the run with this number; `Superseded` if a newer one is noted. 0 is of a node that is alone."""
        if not number:
            return
        newest = self.numbers.get(job, 0)
        if newest > number:
            raise Superseded(f"job {job}: run {newest} has begun since this node was granted run {number}")
        self.numbers[job] = number

    def take_over(self, start: JobStart, owner: Owner, selection: str, slots: int) -> CheckpointState | None:
        """Fence off earlier runs; return from where to go on, None for a full copy."""
        job = start.job
        rows = self.rows.get(job)
        if rows is not None and not rows.is_copying and rows.selection != selection:
            raise Refused([Fault("ReplicateDoDb", f"is not what it was when job {job!r} made its checkpoint")])
        version = self._next_version(rows)
        if rows is not None and not rows.is_copying:
            self._decide(job, rows)
            executed = str(rows.position())
            start.check_begun(rows.began, executed)
            made = JobRows(version, executed, rows.mark, rows.definitions, selection, owner)
            made.stamps, made.source_uuid, made.began = rows.stamps, rows.source_uuid, rows.began
            made.ahead = rows.ahead.merged(made.position())
        else:
            if start.position is not None and (self.copied.get(job) or self.copied_objects.get(job)):
                raise Refused([Fault("Dest", f"a full copy of job {job!r} has not ended")])
            self._forget_undecided(job)
            made = JobRows(version, owner=owner)
        self._begin(job, made, slots)
        if not made.is_copying:
            return replace(made.state(), prepared=tuple(xid for of, xid in self.kept if of == job))
        if start.position is None:
            return None
        return replace(made.state(FakePosition.parse(start.position)), written=False)

    def _begin(self, job: str, rows: JobRows, slots: int) -> None:
        rows.slots = {} if rows.is_copying else {slot: SlotRow(rows.version) for slot in range(1, slots + 1)}
        self.rows[job] = rows
        if not rows.is_copying:
            self.changed.begin(job)

    @staticmethod
    def _next_version(rows: JobRows | None) -> int:
        if rows is None:
            return _VERSIONS_OF_A_RUN
        newest = max([rows.version, *(row.version for row in rows.slots.values())])
        return (newest // _VERSIONS_OF_A_RUN + 1) * _VERSIONS_OF_A_RUN

    def advance(self, job: str, version: int, executed: str, definitions: int, stamps: str, source_uuid: str) -> int:
        """Write the base row that has this version; return its new one."""
        rows = self.owned(job, version)
        rows.version += 1
        rows.executed, rows.definitions = executed, definitions
        rows.stamps, rows.source_uuid = stamps, source_uuid
        rows.ahead = rows.ahead.merged(FakePosition.parse(executed))
        return rows.version

    def owned(self, job: str, version: int) -> JobRows:
        """Return the job's rows if the base row has still this version."""
        rows = self.rows.get(job)
        if rows is None or rows.version != version:
            raise Superseded(f"job {job}: another run has changed its checkpoint")
        return rows

    def copying(self, job: str, version: int) -> None:
        """Raise `Superseded` if there is no copy of this version under way."""
        if not self.owned(job, version).is_copying:
            raise Superseded(f"job {job}: its copy has ended")

    def write_first(
        self,
        start: JobStart,
        version: int,
        position: str,
        source_uuid: str,
        selection: str,
        slots: int,
        ahead: AheadNotes = _NO_NOTES,
    ) -> CheckpointState:
        """Write the first checkpoint, after a copy or without one."""
        job = start.job
        rows = self.owned(job, version)
        if not rows.is_copying:
            raise Superseded(f"job {job}: another run has begun it")
        self.copied.pop(job, None)
        self.copied_objects.pop(job, None)
        self.whole.pop(job, None)
        self.changed.forget(job)
        made = JobRows(self._next_version(rows), position, runtime.new_id(), 0, selection, rows.owner)
        made.source_uuid, made.began, made.ahead = source_uuid, start.note, ahead.merged(made.position())
        self._begin(job, made, slots)
        return made.state()

    def slot(self, job: str, slot: int, version: int, label: str) -> SlotRow:
        """Return a slot's row if it has this version."""
        rows = self.rows.get(job)
        row = rows.slots.get(slot) if rows is not None else None
        if row is None or row.version != version:
            raise Superseded(f"{label}: another run has taken the job over")
        return row

    def purge(self, job: str) -> None:
        self.rows.pop(job, None)
        self.changed.forget(job)
        self._forget_undecided(job)
        self.copied.pop(job, None)
        self.copied_objects.pop(job, None)
        self.whole.pop(job, None)

    def _forget_undecided(self, job: str) -> None:
        self.notes.pop(job, None)
        for kept in (self.kept, self.kept_context):
            for name in [name for name in kept if name[0] == job]:
                del kept[name]

    def forget_kept(self, job: str, xid: str) -> None:
        """Forget the events of a prepared transaction whose end is passed over."""
        self.kept.pop((job, xid), None)
        self.kept_context.pop((job, xid), None)

    # ---- Tables without transactions ----

    def _decide(self, job: str, rows: JobRows) -> None:
        """Put what of a note is applied into the base row; `Divergence` if somebody has to look."""
        note = self.notes.get(job)
        if note is None:
            return
        if note.torn:
            raise Divergence(
                f"{note.gtids[note.applied]}: it is not known whether its rows are in {note.tables} on the target,"
                f" which undoes nothing: udup job settle {job} --gtid {note.gtids[note.applied]}",
                gtid=note.gtids[note.applied],
            )
        self._conclude(job, rows, note.gtids[: note.applied])

    def _conclude(self, job: str, rows: JobRows, applied: Sequence[str]) -> None:
        executed = FakePosition.parse(rows.executed)
        executed.update(FakePosition.parse(",".join(applied)))
        rows.executed = str(executed)
        del self.notes[job]

    def settle(self, job: str, gtid: str, *, applied: bool) -> None:
        note = self.notes.get(job)
        if note is None or not note.torn or note.gtids[note.applied] != gtid:
            raise Refused([Fault("Gtid", f"{gtid} is not in question")])
        rows = self.rows[job]
        self._conclude(job, rows, note.gtids[: note.applied + applied])
        rows.version += _VERSIONS_OF_A_RUN  # whatever a run that still lives sends matches nothing
        for row in rows.slots.values():
            row.version += _VERSIONS_OF_A_RUN

    def skip(self, job: str, gtid: str, is_next_run: bool) -> bool:
        """Put a transaction into the base row; return False if it is there already."""
        rows = self.rows.get(job)
        if rows is None or rows.is_copying:
            raise Refused([Fault("gtid", f"job {job} has no checkpoint yet")])
        note, skipped = self.notes.get(job), FakePosition.parse(gtid)
        if note is not None and note.torn and note.gtids[note.applied] != gtid:
            raise Refused([Fault("gtid", f"job {job} stands at another transaction: {note.gtids[note.applied]}")])
        executed = rows.position()
        if note is not None:
            executed.update(FakePosition.parse(",".join(note.gtids[: note.applied])))
        if skipped <= executed:
            return False
        self.notes.pop(job, None)
        executed.update(skipped)
        rows.executed, rows.definitions = str(executed), rows.definitions + is_next_run
        rows.version = self._next_version(rows)
        for row in rows.slots.values():
            row.version, row.gtids = rows.version, ""
        return True
