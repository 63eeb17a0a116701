"""The order of a snapshot's rows: which are first and last, and what is done with each record.

Several readers read at once, and a record goes out when it is known that it is not the last of its table, or that it
is. Nothing here reads or sends, and nothing waits.

What is done is kept with each record (`state`), so that a snapshot that was cut goes on:

* Of a table whose key is of whole numbers it is kept up to which key each chunk was sent, and by which try: a later
  try reads what is missing, and the log behind it leaves out, key by key, what was read (`judge.py`). Every row comes
  once, and its changes follow it exactly.
* Of another table whole chunks are kept, as conditions. What was sent of an open chunk comes again, with the number of
  a later snapshot, and the table's log from the first try on: a message that comes again says what was true then, and
  each row ends as it is on the source. To leave out what the later try has read would be less: a row that was sent and
  that went before that try would stay for ever, as nothing tells of it.
* A table without a key, or without transactions, is read again from its beginning, in the same way.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from udup.drivers.mysql.snapshot.chunks import Chunk
from udup.drivers.mysql.telling.ranges import END, START, Key, KeyRanges
from udup.pipeline.records import SnapshotEnd, SnapshotRows
from udup.pipeline.selection.kept import kept_selection, selection_of
from udup.pipeline.selection.renames import Name
from udup.pipeline.selection.selection import Selection

_EVERYTHING = Selection()

FIRST, FIRST_OF_TABLE = "first", "first_in_data_collection"
LAST, LAST_OF_TABLE = "last", "last_in_data_collection"
OTHER = "true"

#: Of two words for one row, the first of these.
_STRONGEST = (LAST, FIRST, LAST_OF_TABLE, FIRST_OF_TABLE, OTHER)


@dataclass(frozen=True)
class ReadRows:
    """Rows of a chunk; `before` come of it in other ones. `pieces` are their events, cut if they are one long row.

    `ends`: the chunk's last. `last`: the key of the last row, of a table whose key is of whole numbers.
    """

    table: int
    chunk: int
    before: int
    rows: int
    pieces: Sequence[bytes]
    read_ms: int
    ends: bool
    last: Key = ()


@dataclass(frozen=True)
class Place:
    """Where a snapshot stands in the log; `file` is "" where that is not known. `stamps`: `recognising.py`."""

    position: str
    file: str = ""
    offset: int = 0
    stamps: str = ""


@dataclass
class _Progress:
    """Of one table: what is planned, and which of its chunks are not read to their end, and not sent.

    `key` are the columns of a key of whole numbers, and `ranges` what was sent of it.
    """

    number: int = 0  # that the next chunk has
    rest: str = ""
    is_final: bool = False
    reading: set[int] = field(default_factory=set)
    unsent: dict[int, str] = field(default_factory=dict)
    has_begun: bool = False
    at: int | None = None  # the try that has sent first, which every row that was sent is at least of
    key: Sequence[str] = ()
    ranges: KeyRanges = field(default_factory=KeyRanges)
    bounds: dict[int, tuple[Key, Key]] = field(default_factory=dict)  # of the chunks of this try, behind what is sent

    @property
    def is_done(self) -> bool:
        return self.ranges.is_whole if self.key else self.is_final and not self.unsent

    @property
    def is_split(self) -> bool:
        """Return whether the log is to be judged by the ranges, as several tries have sent them."""
        return bool(self.key) and len(self.ranges.tries) > 1

    def sent(self, chunk: int, last: Key, at: int, *, ends: bool) -> None:
        """Note that a try has sent a chunk up to a key, or to its end."""
        if self.at is None:
            self.at = at
        if self.key:
            lower, upper = self.bounds[chunk]
            until = upper if ends else last
            self.ranges.mark(lower, until, at)
            self.bounds[chunk] = until, upper
        if ends:
            self.unsent.pop(chunk, None)
            self.bounds.pop(chunk, None)


@dataclass(frozen=True)
class Wanted:
    """What of a table is to be read: chunks of an earlier try, and the plan from a number and a condition on.

    `gaps`: the ranges of its key instead, each behind its first key and up to its second.
    """

    again: Sequence[Chunk]
    number: int
    rest: str
    is_planned: bool
    gaps: Sequence[tuple[Key, Key]] = ()


class SnapshotOrder:
    """`planned` for each chunk, `add` for its rows, `done` when it is read; `end` when all are.

    What `add`, `done` and `end` yield is to be sent in this order. `state` is that of an earlier try, "" for none.
    `keys` has the columns of each table's key where it is of whole numbers; `selection` chooses the tables, and `sign`
    tells their definitions from others (`log_instead.py`).
    """

    def __init__(
        self,
        number: int,
        tables: Sequence[Name],
        place: Place,
        *,
        incremental: bool = False,
        state: str = "",
        keys: Mapping[Name, Sequence[str]] = {},
        selection: Selection = _EVERYTHING,
        sign: str = "",
    ) -> None:
        self._sign = sign
        self._selection, self._chosen = selection, kept_selection(selection)
        self._number, self._tables, self.place, self._incremental = number, tables, place, incremental
        self._progress = [_Progress(key=keys.get(name, ())) for name in tables]
        self._held: dict[int, ReadRows] = {}
        self._last: ReadRows | None = None  # of the table that was complete last
        self._positions = [place.position]
        self._sent = False
        self._until = 0  # all tables before it are done
        self._done: list[tuple[Name, int]] = []  # of those, the last of each row of tables that one try has read
        self._begun: set[int] = set()  # tables from there on of which something was sent
        self._split: set[int] = set()  # tables that are done, by several tries
        self._state = ""
        if state:
            self._resume(json.loads(state))

    # ---- What is read ----

    def wanted(self, table: int) -> Wanted | None:
        """Return what of a table is to be read, None if it is done."""
        progress = self._progress[table]
        if progress.is_done:
            return None
        if progress.key:
            return Wanted((), progress.number, "", is_planned=False, gaps=list(progress.ranges.gaps()))
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

    def planned(self, chunk: Chunk, lower: Key = START, upper: Key = END) -> None:
        """Note that a chunk is to be read, which goes from behind one key up to another."""
        progress = self._progress[chunk.table]
        progress.reading.add(chunk.number)
        progress.bounds[chunk.number] = lower, upper
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
            self._note_sent(chunk.table, chunk.number, START, ends=True)
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
        held, self._held = list(self._held.values()), {}
        for rows in held:  # of tables of which a part is read
            yield from self._records(rows, OTHER)
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
        self._note_sent(rows.table, rows.chunk, rows.last, ends=rows.ends)
        yield self._record(rows, rows.pieces[-1], rows.rows, first, last)

    def _record(self, rows: ReadRows, events: bytes, count: int, first: str, last: str) -> SnapshotRows:
        place = self.place
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

    def _note_sent(self, table: int, chunk: int, last: Key, *, ends: bool) -> None:
        progress = self._progress[table]
        progress.sent(chunk, last, len(self._positions) - 1, ends=ends)
        self._note_progress(table)
        if progress.key or ends:
            self._state = ""

    def _note_progress(self, table: int) -> None:
        progress = self._progress[table]
        if progress.at is not None:
            self._begun.add(table)
        if progress.is_done and progress.is_split:
            self._split.add(table)
        while self._until < len(self._progress) and (found := self._progress[self._until]).is_done:
            if self._done and self._done[-1][1] == (found.at or 0):
                self._done.pop()
            self._done.append((self._tables[self._until], found.at or 0))
            self._begun.discard(self._until)
            self._until += 1

    # ---- What is kept ----

    @property
    def position(self) -> str:
        """Return the position from which the log is followed: that of the first try."""
        return self._positions[0]

    @property
    def newest_before(self) -> str:
        """Return the position of the last try before this one, "" if there was none."""
        return self._positions[-2] if len(self._positions) > 1 else ""

    def state(self) -> str:
        """Return what is done by now, as text, to go on by, and to judge the log by (`judge.py`).

        `until` has the names of tables, and the try for all of those up to it that are behind the one before it.
        """
        if not self._state:
            later = [(self._tables[at], self._progress[at]) for at in sorted(self._begun) if at >= self._until]
            kept = {
                "selection": self._chosen,
                "tables": self._sign,
                "positions": self._positions,
                "until": self._done,
                "done": [(name, each.at) for name, each in later if each.is_done],
                "open": [_kept(name, each) for name, each in later if not each.is_done],
            }
            if self.place.stamps:
                kept["stamps"] = self.place.stamps
            if self._split:
                kept["split"] = [_kept(self._tables[at], self._progress[at]) for at in sorted(self._split)]
            self._state = json.dumps(kept, separators=(",", ":"), ensure_ascii=False)
        return self._state

    def _resume(self, kept: Any) -> None:
        """Take over what an earlier try has sent: of the tables up to the last that was done all but those open."""
        self._positions = [*kept["positions"], self.place.position]
        self._sign = kept.get("tables", "")
        until = [(tuple(name), at) for name, at in kept["until"]]
        done = {tuple(name): at for name, at in kept["done"]}
        open_ = {tuple(each["table"]): each for each in (*kept["open"], *kept.get("split", ()))}
        before = selection_of(kept["selection"], folds=self._selection.folds)
        for name, progress in zip(self._tables, self._progress, strict=True):
            if not before.wants(*name):
                continue
            if (found := open_.get(name)) is not None:
                _take_over(progress, found)
                continue
            at = done.get(name, next((at for last, at in until if name <= last), None))
            if at is not None:
                progress.number, progress.is_final, progress.has_begun, progress.at = 1, True, True, at
                progress.ranges.mark(START, END, at)
        self._sent = any(progress.has_begun for progress in self._progress)
        for table in range(len(self._tables)):
            self._note_progress(table)


def _kept(name: Name, progress: _Progress) -> dict[str, object]:
    kept: dict[str, object] = {
        "table": name,
        "number": progress.number,
        "begun": progress.has_begun,
        "at": progress.at,
    }
    if progress.key:
        return kept | {"key": progress.key, "ranges": progress.ranges.kept()}
    return kept | {"rest": progress.rest, "final": progress.is_final, "chunks": sorted(progress.unsent.items())}


def _take_over(progress: _Progress, kept: Any) -> None:
    """Go on with a table; from its beginning where its key is another by now."""
    progress.has_begun, progress.at = kept["begun"], kept["at"]
    key, progress.key = progress.key, kept.get("key", ())
    if progress.key:
        ranges = KeyRanges(kept["ranges"])
        if list(progress.key) == list(key) or ranges.is_whole:
            progress.number, progress.ranges = kept["number"], ranges
        else:
            progress.key = ()
        return
    progress.number, progress.rest, progress.is_final = kept["number"], kept["rest"], kept["final"]
    progress.unsent = dict(kept["chunks"])
