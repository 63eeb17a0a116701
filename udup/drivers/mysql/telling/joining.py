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

The rows of a table that is there already come again where that is wished. They stand at the same places, and nothing of
the log is left out: a row says what it is there, and whoever takes it as that has lost nothing and doubled nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, Protocol

import msgspec

from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import connect
from udup.drivers.mysql.rows.codec import RowCodecs
from udup.drivers.mysql.snapshot.names import read_base_tables, read_estimates
from udup.drivers.mysql.stream.known_tables import Judge
from udup.drivers.mysql.telling.judge import RowJudge
from udup.drivers.mysql.telling.ranges import START, Key
from udup.drivers.mysql.telling.reading import RowsReading, open_reading
from udup.drivers.mysql.telling.tries import SnapshotJudges
from udup.pipeline.ports import LogPlan, ReadingPlan
from udup.pipeline.records import CopyTable, Format, Joining, Part, Record, Skipped, SnapshotEnd, SnapshotRows
from udup.pipeline.selection.kept import kept_selection, only, selection_of
from udup.pipeline.selection.renames import Name
from udup.pipeline.selection.selection import Selection

#: Chunks of a part. The log waits while they are read.
PART_CHUNKS = 1

#: Records of a part that are read ahead of what takes them.
AHEAD = 8


@dataclass
class _Table:
    """How far a table has come (`judge.Read`). `tells_all`: some rows of a part that is the whole table were told.

    `again`: it has been there before, and its rows come again; its changes are told all the time.
    """

    name: Name
    key: tuple[str, ...] = ()
    upper: Key = START
    tells_all: bool = False
    is_done: bool = False
    chunk: int = 0
    again: bool = False

    @classmethod
    def of(cls, kept: Any) -> _Table:
        schema, table = kept["table"]
        return cls(
            (schema, table), tuple(kept["key"]), tuple(kept["upper"]), kept["all"], False, kept["chunk"], kept["again"]
        )

    def kept(self) -> dict[str, object]:
        return {
            "table": self.name,
            "key": self.key,
            "upper": self.upper,
            "all": self.tells_all,
            "chunk": self.chunk,
            "again": self.again,
        }

    def tells(self, key: Key, source: str, number: int) -> bool:
        return key <= self.upper

    def resumed(self, position: str) -> str:
        """Return the state from which the reading of the next part goes on (`order.py`)."""
        if not self.key or self.upper == START:
            return ""
        ranges = [[self.upper, 0], [None, None]]
        table = {"table": self.name, "number": self.chunk, "begun": True, "at": 0, "key": self.key, "ranges": ranges}
        chosen = kept_selection(Selection())
        return json.dumps({"selection": chosen, "positions": [position], "until": [], "done": [], "open": [table]})

    def note(self, state: str) -> None:
        """Note what a record's state says of the table."""
        found = json.loads(state)["open"]
        if not found:
            self.is_done = True
            return
        if "ranges" not in found[0]:
            self.key, self.tells_all = (), True
            return
        self.key, self.chunk = tuple(found[0]["key"]), found[0]["number"]
        gaps = [place for place, (_, at) in enumerate(found[0]["ranges"]) if at is None]
        self.upper = tuple(found[0]["ranges"][gaps[0] - 1][0]) if gaps and gaps[0] else START


class _JoinJudge:
    """Judges what the log has of a table with one definition."""

    def __init__(self, table: _Table, table_map: bytes, codecs: RowCodecs) -> None:
        self._table, self._table_map, self._codecs = table, table_map, codecs
        self._judge: RowJudge | None = None

    def shaped(self, event: bytes, source: str, number: int, *, has_crc: bool) -> list[bytes]:
        """Return the events to be kept instead."""
        table = self._table
        if table.is_done or table.tells_all or table.again:
            return [event]
        if table.upper == START:
            return []
        if self._judge is None:
            self._judge = RowJudge(self._codecs.of(self._table_map, has_crc=has_crc), table, table.key)
        return self._judge.shaped(event, source, number, has_crc=has_crc)


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
        self._tables: list[_Table] = []
        self._reading: RowsReading | None = None
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
        tables = [_Table.of(each) for each in self._kept.get("joins", ())]
        self._tables = [each for each in tables if selection.wants(*each.name)]
        state = self._find(selection, known, now)
        if self._tables:
            with closing(connect(self._endpoint)) as connection:
                self._estimates = read_estimates(connection, [each.name for each in self._tables])
        return state

    def _find(self, selection: Selection, known: Selection, now: Any) -> str:
        """Add the tables that join or come again; return as `begin`."""
        wishes = [each for each in self._plan.wishes if each[0] > self._kept.get("wish", 0)]
        if self._kept.get("selection") == now and not wishes:
            return ""
        with closing(connect(self._endpoint)) as connection:
            there = read_base_tables(connection, selection)
        found = {each.name for each in self._tables}
        self._tables += [_Table(name) for name in sorted(there) if not known.wants(*name) and name not in found]
        self._kept["selection"] = now
        for number, names in wishes:
            found = {each.name for each in self._tables}
            wished = [name for name in there if ".".join(name) in names and name not in found]
            self._tables += [_Table(name, again=True) for name in wished]
            self._kept["wish"] = number
        return self._state()

    def joining(self) -> Joining | None:
        """Return which tables are read now, None where that was told."""
        names = [each.name for each in self._tables]
        if names == self._told:
            return None
        self._told = names
        renamed = self._plan.scope.selection.renamed_table
        return Joining([CopyTable(*renamed(*each), ".".join(each), self._estimates.get(each, 0)) for each in names])

    @property
    def is_at_work(self) -> bool:
        """Return whether any table is not there whole yet."""
        return bool(self._tables)

    def judge(self, schema: str, table: str, table_map: bytes, *, has_crc: bool) -> Judge | None:
        """Return the judge of a table."""
        for each in self._tables:
            if each.name == (schema, table):
                return _JoinJudge(each, table_map, self._codecs)
        return None if self._judges is None else self._judges.judge(schema, table, table_map, has_crc=has_crc)

    def step(self, log: Between, has_more: Callable[[], bool]) -> Iterator[Record]:
        """Yield rows where they are due: when the log has come to where a part was read."""
        while self._tables:
            if self._reading is None:
                if has_more() and runtime.now() < self._read_next:
                    return
                self._open()
            for record in log.flush_skipped():
                self.note(record)
                yield record
            if not self._read_at <= self._executed:
                return
            yield from self._rows()
            if (told := self.joining()) is not None:
                yield told
            if log.format:
                yield Format(log.format)

    def note(self, record: Record) -> None:
        """Note what the log has told."""
        if not self._tables:
            return
        if isinstance(record, Skipped):
            self._executed.update(GtidSet.parse(record.gtids))
        elif (of := getattr(record, "id", None)) is not None and not (isinstance(record, Part) and not record.last):
            self._executed.add(of.source, of.number)

    def _open(self) -> None:
        """Open the snapshot of the next part."""
        table, plan = self._tables[0], self._plan
        scope = replace(plan.scope, selection=only(plan.scope.selection, *table.name))
        state = table.resumed(str(self._executed))
        reading = open_reading(
            self._endpoint,
            scope,
            ReadingPlan(plan.snapshots + 1, plan.chunk_rows, incremental=True, state=state),
            readers=1,
            chunks_max=PART_CHUNKS,
        )
        self._reading, self._read_at = reading, GtidSet.parse(reading.stands_at)

    def _rows(self) -> Iterator[Record]:
        """Yield the part's rows, and what is kept of it."""
        table, reading = self._tables[0], self._reading
        assert reading is not None
        whole, begun = False, runtime.now()
        for record in _read_by_thread(reading):
            if isinstance(record, SnapshotEnd):
                whole = reading.is_whole
            elif isinstance(record, SnapshotRows):
                table.note(record.state)
                if table.is_done:
                    self._tables = [each for each in self._tables if each is not table]
                yield msgspec.structs.replace(record, state=self._state(), first="true", last="true")
            else:
                yield record
        self.close()
        if whole and not table.is_done:
            table.is_done = True
            self._tables = [each for each in self._tables if each is not table]
            yield SnapshotEnd(0, "", self._state())
        # A log that has more to tell gets as much time as the parts.
        self._read_next = 2 * runtime.now() - begun

    def _state(self) -> str:
        self._kept["joins"] = [each.kept() for each in self._tables]
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
