"""Tables that come into a log that is followed: their rows are read while it goes on, and each stands exactly in it.

A table's rows are read in parts of its key, each in a snapshot at a GTID set S that is known exactly. The log goes on
until it has told all that is in S; then, between two transactions, the part's rows are told, and the log goes on. No
transaction outside of S can have been told by then: S is all that the log holds at a moment without commits.

Meanwhile what the log has of the table is judged by the key alone: up to the last key that was told it is told, behind
that it is left out, as a later part brings it. So for each row there is an exact succession. The position at which rows
are told holds their S, so nothing of it need be kept: only how far the table has come.

A table whose key is not of whole numbers is one part, and all that the log has of it before is left out. If a run dies
within that part, some of its rows are told: from then on all changes are, and the rows come again. A row may be told
twice then, with what it is at that moment, and its changes behind it.

Which tables join: the state names the selection that the job had (`pipeline/selection/kept.py`). What the present one
chooses and that one does not, and what is on the source as the log begins to be followed, joins. A table that is made
later is in the log from its first row on.

What a table is called and how it is defined follows the log: `joining_tables.py`.

The rows of a table that is there already come again where that is wished. They stand at the same places, and nothing of
the log is left out: a row says what it is there, and whoever takes it as that has lost nothing and doubled nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any, Protocol

import msgspec

from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.binlog.query import parse_query
from udup.drivers.mysql.client.connection import connect
from udup.drivers.mysql.ddl.classify import classify_query
from udup.drivers.mysql.ddl.query_action import Action, Decide, QueryDecision
from udup.drivers.mysql.ddl.statement import Statement
from udup.drivers.mysql.rows.codec import RowCodecs
from udup.drivers.mysql.snapshot.names import read_base_tables, read_estimates
from udup.drivers.mysql.stream.known_tables import Judge
from udup.drivers.mysql.telling.joining_tables import JoiningTable, JoiningTables, JoinJudge
from udup.drivers.mysql.telling.reading import RowsReading, open_rows
from udup.drivers.mysql.telling.tries import SnapshotJudges
from udup.pipeline.ports import LogPlan, ReadingPlan
from udup.pipeline.records import (
    CopyTable,
    Definition,
    Format,
    Joining,
    Part,
    Record,
    Skipped,
    SnapshotEnd,
    SnapshotRows,
)
from udup.pipeline.selection.kept import kept_selection, only, selection_of
from udup.pipeline.selection.renames import Name
from udup.pipeline.selection.selection import Selection

#: Chunks of a part. The log waits while they are read.
PART_CHUNKS = 1

#: Records of a part that are read ahead of what takes them.
AHEAD = 8


class _BothJudges:
    """What two judges let pass."""

    def __init__(self, first: Judge, second: Judge) -> None:
        self._first, self._second = first, second

    def shaped(self, event: bytes, source: str, number: int, *, has_crc: bool) -> list[bytes]:
        """Return the events to be kept instead."""
        passed = self._first.shaped(event, source, number, has_crc=has_crc)
        return [made for each in passed for made in self._second.shaped(each, source, number, has_crc=has_crc)]


class Between(Protocol):
    """What makes records of the log (`stream/assembly.py`)."""

    @property
    def format(self) -> bytes: ...
    def flush_skipped(self) -> Iterator[Record]: ...


class Joined:
    """`note` each record of the log; `step` between two transactions.

    `kept` is the state as it was found, and is brought forward. `judges` are for the tables that do not join.
    """

    def __init__(self, endpoint: Endpoint, plan: LogPlan, kept: dict[str, Any], judges: SnapshotJudges | None) -> None:
        self._endpoint, self._plan, self._kept, self._judges = endpoint, plan, kept, judges
        self._executed = GtidSet.parse(plan.start_after)
        self._tables = JoiningTables(kept, plan.scope.selection)
        self._reading: RowsReading | None = None
        self._read_of: JoiningTable | None = None
        self._read_as = ("", "")
        self._statement: Statement | None = None
        self._has_changed = False
        self._read_at = GtidSet()
        self._codecs = RowCodecs()
        self._read_next = 0.0
        self._estimates: dict[Name, int] = {}
        self._told: list[Name] = []

    def begin(self) -> str:
        """Find out which of the tables on the source join. Return the state if that makes it another, else ""."""
        selection = self._plan.scope.selection
        now = kept_selection(selection)
        known = selection_of(self._kept.get("selection", now), folds=selection.folds)
        state = self._find(selection, known, now)
        self._estimate()
        return state

    def _estimate(self) -> None:
        """Have the source tell about how many rows the tables have."""
        if self._tables.open:
            with closing(connect(self._endpoint)) as connection:
                self._estimates = read_estimates(connection, [each.name for each in self._tables.open])

    def _find(self, selection: Selection, known: Selection, now: Any) -> str:
        """Add the tables that join or come again; return as `begin`."""
        wishes = [each for each in self._plan.wishes if each[0] > self._kept.get("wish", 0)]
        if self._kept.get("selection") == now and not wishes:
            return ""
        with closing(connect(self._endpoint)) as connection:
            there = read_base_tables(connection, selection)
        for name in sorted(there):
            if not known.wants(*name):
                self._tables.add(JoiningTable(name))
        self._kept["selection"] = now
        for number, names in wishes:
            for name in there:
                if ".".join(name) in names and self._tables.find(name) is None:
                    self._tables.add(JoiningTable(name, again=True))
            self._kept["wish"] = number
        return self._state()

    def joining(self) -> Joining | None:
        """Return which tables are read now, None where that was told."""
        names = [each.name for each in self._tables.open]
        if names == self._told:
            return None
        self._told = names
        renamed = self._plan.scope.selection.renamed_table
        return Joining([CopyTable(*renamed(*each), ".".join(each), self._estimates.get(each, 0)) for each in names])

    @property
    def is_at_work(self) -> bool:
        """Return whether any table is not there whole yet."""
        return bool(self._tables.open) or self._tables.has_rest

    def judge(self, schema: str, table: str, table_map: bytes, *, has_crc: bool) -> Judge | None:
        """Return the judge of a table."""
        behind = None if self._judges is None else self._judges.judge(schema, table, table_map, has_crc=has_crc)
        if (found := self._tables.find((schema, table))) is None:
            return behind
        own = JoinJudge(found, table_map, self._codecs)
        return own if behind is None else _BothJudges(own, behind)

    def watching(self, decide: Decide, *, fold_names: bool) -> Decide:
        """Return the same decisions, and notice by them what becomes of the tables that join."""

        def watched(event: bytes, has_crc: bool) -> QueryDecision:
            decision = decide(event, has_crc)
            if decision.action in (Action.CARRY, Action.SKIP) and self.is_at_work:
                statement = classify_query(parse_query(event, has_crc=has_crc), fold_names=fold_names)
                if decision.action is Action.CARRY:
                    self._statement = statement  # until its record comes, which says its GTID
                else:
                    self._has_changed |= self._tables.changed_by(statement, "")
            return decision

        return watched

    def changed(self, record: Record) -> str:
        """Return the state that holds from this record on, if that makes it another, else ""."""
        if isinstance(record, Skipped):
            return ""  # what was passed over stands in it
        changed, self._has_changed = self._has_changed, False
        if isinstance(record, Definition) and self._statement is not None:
            changed |= self._tables.changed_by(self._statement, record.id.gtid)
            self._statement = None
        return self._state() if changed else ""

    def step(self, log: Between, has_more: Callable[[], bool]) -> Iterator[Record]:
        """Yield rows where they are due: when the log has come to where a part was read."""
        while self.is_at_work:
            if self._reading is None:
                if has_more() and runtime.now() < self._read_next:
                    return
                self._open()
            for record in log.flush_skipped():
                self.note(record)
                yield record
            if not self._read_at <= self._executed:
                return
            if self._read_of is None:
                yield self._named()
                self._estimate()
            elif self._read_of.is_done or self._read_of.name != self._read_as:
                self.close()  # it was dropped or renamed before the snapshot, and the log has said so
                continue
            else:
                yield from self._rows(self._read_of)
            if (told := self.joining()) is not None:
                yield told
            if log.format:
                yield Format(log.format)

    def note(self, record: Record) -> None:
        """Note what the log has told."""
        if not self.is_at_work:
            return
        if isinstance(record, Skipped):
            self._executed.update(GtidSet.parse(record.gtids))
        elif (of := getattr(record, "id", None)) is not None and not (isinstance(record, Part) and not record.last):
            self._executed.add(of.source, of.number)

    def _open(self) -> None:
        """Open the snapshot of the next part; of all tables where their names are not known."""
        plan, state = self._plan, ""
        holder = f"{plan.scope.holder} joining" if plan.scope.holder else ""  # a snapshot of the job may stand beside
        scope = replace(plan.scope, holder=holder)
        self._read_of = table = None if self._tables.has_rest else self._tables.open[0]
        if table is not None:
            self._read_as = table.name
            scope = replace(scope, selection=only(scope.selection, *table.name))
            state = table.resumed(str(self._executed))
        reading = open_rows(
            self._endpoint,
            scope,
            ReadingPlan(plan.snapshots + 1, plan.chunk_rows, incremental=True, state=state),
            readers=1,
            chunks_max=PART_CHUNKS,
        )
        self._reading, self._read_at = reading, GtidSet.parse(reading.stands_at)

    def _named(self) -> Record:
        """Return what is kept when the log is where the names of all tables are known."""
        assert self._reading is not None
        self._tables.name_rest(self._reading.tables)
        self.close()
        return SnapshotEnd(0, "", self._state())

    def _rows(self, table: JoiningTable) -> Iterator[Record]:
        """Yield the part's rows, and what is kept of it."""
        reading = self._reading
        assert reading is not None
        whole, begun = False, runtime.now()
        for record in _read_by_thread(reading):
            if isinstance(record, SnapshotEnd):
                whole = reading.is_whole
            elif isinstance(record, SnapshotRows):
                table.note(record.state)
                if table.is_done:
                    self._tables.end(table)
                yield msgspec.structs.replace(record, state=self._state(), first="true", last="true")
            else:
                yield record
        self.close()
        if whole and not table.is_done:
            self._tables.end(table)
            yield SnapshotEnd(0, "", self._state())
        # A log that has more to tell gets as much time as the parts.
        self._read_next = 2 * runtime.now() - begun

    def _state(self) -> str:
        self._tables.keep()
        return json.dumps(self._kept, separators=(",", ":"), ensure_ascii=False)

    def close(self) -> None:
        """End the reading, from any thread."""
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.stop()


def _read_by_thread(reading: RowsReading) -> Iterator[Record]:
    """Yield what a reading emits, read a little ahead."""
    records: runtime.SimpleQueue[Record | BaseException | None] = runtime.SimpleQueue()
    room = runtime.Semaphore(AHEAD)

    def emit(record: Record) -> None:
        room.acquire()
        records.put(record)

    def read() -> None:
        try:
            reading.read(0, emit)
        except BaseException as error:  # noqa: BLE001 - raised where the records are taken
            records.put(error)
        else:
            records.put(None)

    thread = runtime.Thread(target=read, name="read-part", daemon=True)
    thread.start()
    try:
        while (found := records.get()) is not None:
            if isinstance(found, BaseException):
                raise found
            room.release()
            yield found
    finally:
        reading.stop()
        for _ in range(AHEAD):
            room.release()
        thread.join()
