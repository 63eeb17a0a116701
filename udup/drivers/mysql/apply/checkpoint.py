"""The checkpoint: what of the source is in the target, in the target, in the transactions that put it there.

Table `udup.checkpoint` has for each job a base row (slot 0: a GTID set) and a row for each worker (slot 1 …: the GTIDs
that this worker has committed and that are not in the base row yet). What is executed is the union. From time to time
DestApplier moves finished GTIDs into the base row; a worker's next commit leaves them out of its own.

A worker's row is changed by a row event in front of the group's own events, in the same BINLOG and the same commit.
The row's version is part of its primary key and of the event's before-image: if it is not the expected one (the group
was committed already, or another run has taken the job over) the server finds no row, error 1032, and nothing of the
group is applied. `take_over` changes all versions, so that whatever an earlier run still sends comes to nothing.

A full copy that has not ended has a base row as well, whose selection says "copying", and so has a job without a copy
whose start was not checked yet: written before the first statement on the target, with a version that everything of the
copy is held against (`copy_fence.py`), and replaced at the end of either only if that version is still the one of this
run. An Udup that does not know the word refuses the row. What replaces it is the first checkpoint (`write_first`): it
names the source, and notes how the job began (`pipeline/start_note.py`), so that no later run goes on by another start.

Single tables may be ahead of the position that the rows say: `udup.ahead` has notes of them (`ahead.py`), written and
removed in the transactions that write the base row; `udup.changed_table` says how many rows of each table were changed.

DDL commits by itself. It is run under a GTID of Udup's own, `mark:number`, where the mark is made with the job's
checkpoint and the number counts its DDL: if the checkpoint says that a statement is still to be run but the server has
executed that GTID, the server itself skips it. The target's gtid_mode must be ON for that. Which one a number is for is
noted before it runs (`begun.py`): the next run may come to another one first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from udup.base import runtime
from udup.base.errors import Refused, Superseded
from udup.drivers.mysql.apply import ahead, begun, checkpoint_events, intents, joining, table_changes, unsure
from udup.drivers.mysql.apply import xa as prepared
from udup.drivers.mysql.apply.checkpoint_faults import half_copied, notes_lost, other_selection
from udup.drivers.mysql.apply.own_tables import COPIED_PARTS, COPY_TABLE, OBJECT_TABLE
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import Connection, MySQLError, query
from udup.drivers.mysql.load import copied_parts
from udup.pipeline.ownership import Owner
from udup.pipeline.ports import CheckpointState, Join, Leaving
from udup.pipeline.ports.tables import TableChange
from udup.pipeline.positions import AheadNotes
from udup.pipeline.selection.schemas import UDUP_SCHEMA
from udup.pipeline.selection.selection import Selection
from udup.pipeline.start_note import JobStart

TABLE = checkpoint_events.TABLE

#: The selection of a base row of a job that has not begun: its copy has not ended, or its start was not checked.
COPYING = "copying"

#: Versions of one take-over differ from those of the next by this much: more groups than a run ever commits.
_VERSIONS_OF_A_RUN = 1 << 40

#: The owner of a checkpoint that nobody carries out.
_NOBODY = Owner("")

_NO_NOTES = AheadNotes()


class Checkpoint:
    """DestApplier's side, on a connection of its own with autocommit on."""

    def __init__(
        self,
        connection: Connection,
        job: str,
        selection: str,
        owner: Owner = _NOBODY,
        *,
        start: JobStart | None = None,
        has_intents: bool = False,
        leaves: Leaving | None = None,
        join: Join | None = None,
        keeps: Selection | None = None,
    ) -> None:
        """`selection` is the digest of what the job carries, `start` how its document has it begin, if that counts.

        `has_intents`: the table of intents is there. `leaves` and `join` as in `JobPlan`;
        `keeps` is the selection itself, where the job `leaves` another.
        """
        self._leaves, self._join, self._keeps = leaves, join, keeps
        self._has_intents = has_intents
        self._start = start if start is not None else JobStart(job)
        self._began = ""  # the note of how the job began
        self._connection = connection
        self._job = job
        self._selection = selection
        self._owner = owner
        self._version = 0
        self.ahead = AheadNotes()  # tables that are ahead of the job's position
        self._copying_before = 0  # the version of a copy's base row that this run has found
        self.has_parts = False  # there may be notes of what of a copy may stay
        self.ran: list[begun.Begun] = []  # definitions that have run and are not executed by what the checkpoint says
        self._found = selection  # the digest that the base row has

    @property
    def version(self) -> int:
        """The base row's, as this run has written it last: what a copy is held against."""
        return self._version

    def take_over(self, workers: int, initial: GtidSet | None, *, begins: bool = True) -> CheckpointState | None:
        """Fence off earlier runs and fold everything into the base row; None if a full copy is to begin.

        `initial` makes a checkpoint where there is none; unless it `begins`, that is left to `write_first`. Waits for a
        transaction of an earlier run that is being committed. A copy has its base row from here on. `Refused` if the
        job began otherwise than its start has it.
        """
        with self._transaction():
            position = self._read(initial)
            if self._join is not None:
                position = self._take_in(self._join, position)
            elif self._leaves and position is not None and self._keeps is not None:
                joining.release(self._connection, self._job, self._keeps, self._leaves)
            if position is not None and not position.written and begins:
                position = replace(position, written=True)
            if position is not None and position.written:
                self._rewrite(position, workers)
            else:
                self._rewrite_copying()
                if before := self._copying_before:
                    self.has_parts = copied_parts.carry_over(self._connection, self._job, before, self._version)
        return position

    def _take_in(self, join: Join, position: CheckpointState | None) -> CheckpointState:
        """Return where the job goes on with the side job's tables, or without them if it stands apart.

        The checkpoints of both become one within the open transaction.
        """
        if position is None or not position.written:
            raise Refused([joining.nothing_to_join(self._job)])
        found = joining.look(self._connection, self._job, join, position, is_joined=self._found == self._selection)
        if found is None:
            return position
        if isinstance(found, str):
            self._selection = join.kept.digest  # it goes on as it was
            return replace(position, apart=found)
        joining.move(self._connection, self._job, join.side, has_intents=self._has_intents)
        return found

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.begin()
        try:
            yield
            self._connection.commit()
        except BaseException:
            with suppress(MySQLError, OSError):  # a lost connection is rolled back by the server
                self._connection.rollback()
            raise

    def _rows(self) -> list[Any]:
        """Those of the job, locked; the base row first."""
        sql = (
            f"SELECT slot, version, gtids, mark, definitions, selection, stamps, source_uuid, began, {begun.COLUMN}"
            f" FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s ORDER BY slot FOR UPDATE"
        )
        return query(self._connection, sql, self._job)

    def _read(self, initial: GtidSet | None) -> CheckpointState | None:
        rows = self._rows()
        if not rows:
            joining.forget_noted(self._connection, self._job, self._start.incarnation)
        self._version = version_after(rows)
        if not rows or rows[0][0] != 0 or rows[0][5] == COPYING:
            self._copying_before = int(rows[0][1]) if rows else 0
            if rows and initial is not None:
                self._check_no_copy()
            prepared.forget_all(self._connection, self._job)
            unsure.forget_all(self._connection, self._job)
            if self._has_intents:
                intents.forget_all(self._connection, self._job)
            return None if initial is None else replace(self._first(initial), written=False)
        base = rows[0]
        self._found, has_notes = self._selection_of(str(base[5]))
        self.ahead = notes = ahead.read(self._connection, self._job) if has_notes else AheadNotes()
        if has_notes and not notes:
            raise Refused([notes_lost(self._job, f"{UDUP_SCHEMA}.{ahead.TABLE}")])
        executed = GtidSet()
        for row in rows:
            executed.update(GtidSet.parse(row[2]))
        self._began = str(base[8])
        self._start.check_begun(self._began, str(executed))
        known = str(base[6]), str(base[7])
        self.ran = begun.have_run(self._connection, str(base[3]), str(base[9]), executed)
        definitions = max([int(base[4]), *(each.number for each in self.ran)])
        if self._join is not None or self._leaves is not None:
            done, self.ran = begun.split(self.ran)
            executed.update(done)
        there, without_end = notes.merged(executed), prepared.xids(self._connection, self._job)
        mark, version = str(base[3]), self._version
        return CheckpointState(executed, mark, definitions, version, *known, ahead=there, prepared=without_end)

    def _selection_of(self, kept: str) -> tuple[str, bool]:
        """Return the digest of the selection that a base row has, and whether there are notes beside it."""
        known = [self._selection, *([self._leaves.before] if self._leaves else [])]
        for each in [*known, *([self._join.kept.digest] if self._join is not None else [])]:
            if kept == each or ahead.has_notes(kept, each):
                return each, kept != each
        raise Refused([other_selection(self._job)])

    def _check_no_copy(self) -> None:
        """Raise `Refused` if a full copy of the job has made something and has not ended."""
        for table in (COPY_TABLE, OBJECT_TABLE):
            if query(self._connection, f"SELECT 1 FROM {UDUP_SCHEMA}.{table} WHERE job = %s LIMIT 1", self._job):
                raise Refused([half_copied(self._job)])

    def _first(self, executed: GtidSet) -> CheckpointState:
        """A job's first; with a mark of its own its DDL is told from that of every other checkpoint."""
        return CheckpointState(executed.copy(), runtime.new_id(), 0, self._version)

    def _rewrite(self, position: CheckpointState, workers: int) -> None:
        had, self.ahead = self.ahead, position.ahead
        selection = ahead.digest_with(self.ahead, self._selection)
        base = (str(position.executed), position.mark, position.definitions, selection)
        workers_rows = [(slot, "", "", 0, "", "", "", "", "", "") for slot in range(1, workers + 1)]
        known = (position.stamps, position.source_uuid, self._began, begun.text_of(self.ran))
        self._replace([(0, *base, self._owner.note, *known), *workers_rows])
        if had or self.ahead:  # what an older version has left without a base row says nothing
            ahead.write(self._connection, self._job, self.ahead)
        table_changes.begin(self._connection, self._job)

    def _rewrite_copying(self) -> None:
        self._replace([(0, "", "", 0, COPYING, self._owner.note, "", "", "", "")])

    def _replace(self, rows: list[tuple[object, ...]]) -> None:
        """The job's rows, all with the present version: (slot, gtids, mark, …, begun)."""
        query(self._connection, f"DELETE FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s", self._job)
        columns = "job, version, slot, gtids, mark, definitions, selection, owner, stamps, source_uuid, began"
        columns += f", {begun.COLUMN}"
        places = ", ".join(["(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"] * len(rows))
        args = [value for row in rows for value in (self._job, self._version, *row)]
        query(self._connection, f"INSERT INTO {UDUP_SCHEMA}.{TABLE} ({columns}) VALUES {places}", *args)

    def advance(
        self, executed: str, definitions: int, stamps: str = "", source_uuid: str = "",
        changes: Sequence[TableChange] = (),
    ) -> None:  # fmt: skip
        """Write the base row; `Superseded` if another run has taken over. Notes that say no more than it does go."""
        notes = self.ahead.merged(GtidSet.parse(executed)) if self.ahead else self.ahead
        if len(notes) == len(self.ahead) and not changes:
            self._advance(executed, definitions, stamps, source_uuid)
            return
        with self._transaction():
            self._advance(executed, definitions, stamps, source_uuid)
            if len(notes) < len(self.ahead):
                ahead.write(self._connection, self._job, notes)
                selection = ahead.digest_with(notes, self._selection)
                sql = f"UPDATE {UDUP_SCHEMA}.{TABLE} SET selection = %s WHERE job = %s AND slot = 0"
                query(self._connection, sql, selection, self._job)
            table_changes.add(self._connection, self._job, changes)
        self.ahead = notes

    def _advance(self, executed: str, definitions: int, stamps: str, source_uuid: str) -> None:
        with self._connection.cursor() as cursor:
            changed = cursor.execute(
                f"UPDATE {UDUP_SCHEMA}.{TABLE} SET version = version + 1, gtids = %s, definitions = %s, stamps = %s,"
                " source_uuid = %s WHERE job = %s AND slot = 0 AND version = %s",
                (executed, definitions, stamps, source_uuid, self._job, self._version),
            )
        if changed != 1:
            raise Superseded(f"job {self._job}: another run has changed the checkpoint in {UDUP_SCHEMA}.{TABLE}")
        self._version += 1

    def write_first(
        self, workers: int, executed: GtidSet, source_uuid: str = "", notes: AheadNotes = _NO_NOTES
    ) -> CheckpointState:
        """Write the first checkpoint: the job goes on from this set, of this source, and by these notes.

        One transaction.

        Of a job with a copy when that is whole: its tables are ordinary ones from then on. Of a job without one when
        nothing speaks against its start. Exactly the base row that this run has written is replaced; `Superseded` if it
        is another one.
        """
        with self._transaction():
            rows = self._rows()
            if [(row[0], row[1], row[5]) for row in rows] != [(0, self._version, COPYING)]:
                raise Superseded(f"job {self._job}: another run has begun it again, or its checkpoint was removed")
            self._version, self._began = version_after(rows), self._start.note
            position = replace(self._first(executed), source_uuid=source_uuid, ahead=notes.merged(executed))
            for table in (COPY_TABLE, OBJECT_TABLE, *(COPIED_PARTS if self.has_parts else ())):
                query(self._connection, f"DELETE FROM {UDUP_SCHEMA}.{table} WHERE job = %s", self._job)
            table_changes.forget_all(self._connection, self._job)
            self._rewrite(position, workers)
        return position


def version_after(rows: list[Any]) -> int:
    """Of the next take-over. A job's first starts at the time, so that one of the same name before it does no harm."""
    if not rows:
        return int(runtime.wall()) % (1 << 22) * _VERSIONS_OF_A_RUN
    return (max(int(row[1]) for row in rows) // _VERSIONS_OF_A_RUN + 1) * _VERSIONS_OF_A_RUN
