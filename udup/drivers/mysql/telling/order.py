"""The order of a snapshot's rows: which are first and last, and which chunks are done with each record.

Several readers read at once, and a record goes out when it is known that it is not the last of its table, or that it
is. Nothing here reads or sends, and nothing waits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from udup.drivers.mysql.snapshot.chunks import Chunk
from udup.pipeline.records import SnapshotEnd, SnapshotRows
from udup.pipeline.selection.renames import Name

FIRST, FIRST_OF_TABLE = "first", "first_in_data_collection"
LAST, LAST_OF_TABLE = "last", "last_in_data_collection"
OTHER = "true"

#: Of two words for one row, the first of these.
_STRONGEST = (LAST, FIRST, LAST_OF_TABLE, FIRST_OF_TABLE, OTHER)


@dataclass(frozen=True)
class ReadRows:
    """Rows of a chunk; `before` come of it in other ones. `pieces` are their events, cut if they are one long row.

    `ends`: the chunk's last.
    """

    table: int
    chunk: int
    before: int
    rows: int
    pieces: Sequence[bytes]
    read_ms: int
    ends: bool


@dataclass(frozen=True)
class Place:
    """Where a snapshot stands in the log; `file` is "" where that is not known."""

    position: str
    file: str = ""
    offset: int = 0


@dataclass
class _Progress:
    """Of one table: what is planned, and which of its chunks are not read to their end, and not sent."""

    number: int = 0  # that the next chunk has
    rest: str = ""
    is_final: bool = False
    reading: set[int] = field(default_factory=set)
    unsent: dict[int, str] = field(default_factory=dict)
    has_begun: bool = False
    at: int | None = None  # the try in which it was read first, which every row that was sent is at least of

    @property
    def is_done(self) -> bool:
        return self.is_final and not self.unsent


@dataclass(frozen=True)
class Wanted:
    """What of a table is to be read: chunks of an earlier try, and the plan from a number and a condition on."""

    again: Sequence[Chunk]
    number: int
    rest: str
    is_planned: bool


class SnapshotOrder:
    """`planned` for each chunk, `add` for its rows, `done` when it is read; `end` when all are.

    What `add`, `done` and `end` yield is to be sent in this order. `state` is that of an earlier try, "" for none.
    """

    def __init__(
        self, number: int, tables: Sequence[Name], place: Place, *, incremental: bool = False, state: str = ""
    ) -> None:
        self._number, self._tables, self._place, self._incremental = number, tables, place, incremental
        self._progress = [_Progress() for _ in tables]
        self._held: dict[int, ReadRows] = {}
        self._last: ReadRows | None = None  # of the table that was complete last
        self._positions = [place.position]
        self._sent = False
        self._until = 0  # all tables before it are done
        self._state = ""
        if state:
            self._resume(json.loads(state))

    # ---- What is read ----

    def wanted(self, table: int) -> Wanted | None:
        """Return what of a table is to be read, None if it is done."""
        progress = self._progress[table]
        if progress.is_done:
            return None
        last = progress.number - 1
        again = [
            Chunk(table, number, where, final=progress.is_final and number == last, streamed=not where)
            for number, where in sorted(progress.unsent.items())
        ]
        return Wanted(again, progress.number, progress.rest, progress.is_final)

    def restart(self, table: int) -> None:
        """Have a table be read from its beginning."""
        before = self._progress[table]
        self._progress[table] = _Progress(has_begun=before.has_begun, at=before.at)

    def planned(self, chunk: Chunk) -> None:
        progress = self._progress[chunk.table]
        progress.reading.add(chunk.number)
        if progress.at is None:
            progress.at = len(self._positions) - 1
        if chunk.number >= progress.number:
            progress.number, progress.rest = chunk.number + 1, chunk.rest
            progress.is_final = chunk.final
            progress.unsent[chunk.number] = chunk.where
        self._state = ""

    def add(self, rows: ReadRows) -> Iterator[SnapshotRows]:
        """Yield what is known by these rows not to be the last."""
        last, self._last = self._last, None
        before = self._held.get(rows.table)
        self._held[rows.table] = rows
        if last is not None:
            yield from self._records(last, LAST_OF_TABLE)
        if before is not None:
            yield from self._records(before, OTHER)

    def done(self, chunk: Chunk, rows: int) -> Iterator[SnapshotRows]:
        """Note that a chunk is read to its end, and yield what is known by that."""
        progress = self._progress[chunk.table]
        progress.reading.discard(chunk.number)
        if not rows:
            self._close(chunk.table, chunk.number)
        held = None
        if progress.is_final and not progress.reading:
            held = self._held.pop(chunk.table, None)
        if held is not None:
            last, self._last = self._last, held
            if last is not None:
                yield from self._records(last, LAST_OF_TABLE)

    def end(self) -> Iterator[SnapshotRows | SnapshotEnd]:
        """Yield the last row of all, and that it was the last.

        The log is to be followed from the first try's position on: what that has sent has nothing behind it.
        """
        last, self._last = self._last, None
        if last is not None:
            yield from self._records(last, LAST)
        yield SnapshotEnd(self._number, self.position, self.state())

    def _records(self, rows: ReadRows, last: str) -> Iterator[SnapshotRows]:
        progress = self._progress[rows.table]
        first = FIRST if not self._sent else OTHER if progress.has_begun else FIRST_OF_TABLE
        if rows.rows == 1:
            first = last = min(first, last, key=_STRONGEST.index)
        for piece in rows.pieces[:-1]:
            yield self._record(rows, piece, 0, OTHER, OTHER)
        self._sent = progress.has_begun = True
        if rows.ends:
            self._close(rows.table, rows.chunk)
        yield self._record(rows, rows.pieces[-1], rows.rows, first, last)

    def _record(self, rows: ReadRows, events: bytes, count: int, first: str, last: str) -> SnapshotRows:
        place = self._place
        return SnapshotRows(
            events,
            self._number,
            rows.chunk,
            rows.before,
            count,
            first,
            last,
            place.file,
            place.offset,
            rows.read_ms,
            self.state(),
            self._incremental,
        )

    def _close(self, table: int, chunk: int) -> None:
        """Note that all of a chunk is sent."""
        self._progress[table].unsent.pop(chunk, None)
        while self._until < len(self._progress) and self._progress[self._until].is_done:
            self._until += 1
        self._state = ""

    # ---- What is kept ----

    @property
    def position(self) -> str:
        """Return the position from which the log is followed: that of the first try."""
        return self._positions[0]

    def state(self) -> str:
        """Return what is done by now, as text, to go on by, and to judge the log by (`judge.py`).

        `until` has the names of tables, and the try for all of those up to it that are behind the one before it.
        """
        if not self._state:
            until: list[tuple[Name, int]] = []
            for name, progress in zip(self._tables[: self._until], self._progress, strict=False):
                if until and until[-1][1] == (progress.at or 0):
                    until.pop()
                until.append((name, progress.at or 0))
            later = [table for table in range(self._until, len(self._tables)) if self._progress[table].number]
            done = [(self._tables[table], self._progress[table].at) for table in later if self._progress[table].is_done]
            begun = [self._kept(table) for table in later if not self._progress[table].is_done]
            kept = {"positions": self._positions, "until": until, "done": done, "open": begun}
            self._state = json.dumps(kept, separators=(",", ":"), ensure_ascii=False)
        return self._state

    def _kept(self, table: int) -> dict[str, object]:
        progress = self._progress[table]
        return {
            "table": self._tables[table],
            "number": progress.number,
            "rest": progress.rest,
            "final": progress.is_final,
            "chunks": sorted(progress.unsent.items()),
            "begun": progress.has_begun,
            "at": progress.at,
        }

    def _resume(self, kept: Any) -> None:
        """Take over what an earlier try has sent: of the tables up to the last that was done all but those open."""
        self._positions = [*kept["positions"], self._place.position]
        until = [(tuple(name), at) for name, at in kept["until"]]
        done = {tuple(name): at for name, at in kept["done"]}
        open_ = {tuple(each["table"]): each for each in kept["open"]}
        for name, progress in zip(self._tables, self._progress, strict=True):
            if (found := open_.get(name)) is not None:
                progress.number, progress.rest, progress.is_final = found["number"], found["rest"], found["final"]
                progress.unsent = dict(found["chunks"])
                progress.has_begun, progress.at = found["begun"], found["at"]
                continue
            at = done.get(name, next((at for last, at in until if name <= last), None))
            if at is not None:
                progress.number, progress.is_final, progress.has_begun, progress.at = 1, True, True, at
        self._sent = any(progress.has_begun for progress in self._progress)
        while self._until < len(self._progress) and self._progress[self._until].is_done:
            self._until += 1
