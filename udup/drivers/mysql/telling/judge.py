"""A table that comes into a log that is followed already: which changes of its rows the destination is told of.

The table is read in chunks of its key, from its beginning on, each at a GTID set S that is known exactly and that holds
all that the log has told so far. Of each row image in the log behind that:

* one whose key no chunk has come to yet is left out: a chunk will bring it;
* one whose transaction is in the S of its key's chunk is left out: the chunk has brought it;
* any other is told.

The images before and after a change are judged each for itself. An update across the border so becomes an insert or a
delete, and what the destination gets is an exact succession for each row. Nothing is written to the source for that,
and nobody waits.

Chunks are told of (`brought`) in the place of the log in which their rows stand: between two transactions.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Protocol

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.filters.shaper import IMAGES_NEEDED, EventShaper, filled
from udup.drivers.mysql.rows.codec import RowCodec, completed
from udup.drivers.mysql.rows.values import Row
from udup.drivers.mysql.stream.damage import naming
from udup.drivers.mysql.telling.ranges import Key


class Read(Protocol):
    """Which keys of a table were read, and when."""

    @property
    def is_done(self) -> bool: ...
    def tells(self, key: Key, source: str, number: int) -> bool: ...


class Backfill:
    """How far a table was read. Its key, or what of it the chunks are cut by, are whole numbers."""

    def __init__(self) -> None:
        self._uppers: list[Key] = []
        self._sets: list[GtidSet | None] = []  # None: the log has told all that is in it
        self._end: GtidSet | None = None
        self._is_whole = False

    @property
    def is_done(self) -> bool:
        """Return whether the table is as any other by now: read, and the log is behind all chunks."""
        return self._is_whole and self._end is None and not self._uppers

    def brought(self, upper: Key | None, executed: GtidSet) -> None:
        """Note that the next chunk has come, with keys up to `upper`, read at this GTID set; None: the last chunk."""
        if self._is_whole or (upper is not None and self._uppers and upper <= self._uppers[-1]):
            raise ValueError(f"a chunk up to {upper} does not come behind the ones before it")
        if upper is None:
            self._is_whole, self._end = True, executed
        else:
            self._uppers.append(upper)
            self._sets.append(executed)

    def passed(self, position: GtidSet) -> None:
        """Note what the log has told by now. Chunks that were read at no more than that are forgotten."""
        self._sets = [None if each is not None and each <= position else each for each in self._sets]
        if self._end is not None and self._end <= position:
            self._end = None
        # Of chunks that follow each other and are all passed, the last one's end says all.
        followed = [*self._sets[1:], self._end if self._is_whole else GtidSet()]
        kept = [
            place
            for place, (own, behind) in enumerate(zip(self._sets, followed, strict=False))
            if own is not None or behind is not None
        ]
        self._uppers, self._sets = [self._uppers[at] for at in kept], [self._sets[at] for at in kept]

    def tells(self, key: Key, source: str, number: int) -> bool:
        """Return whether the destination is told of an image with this key, in this transaction."""
        at = bisect_left(self._uppers, key)
        if at == len(self._uppers) and not self._is_whole:
            return False
        executed = self._sets[at] if at < len(self._uppers) else self._end
        return executed is None or not executed.contains(source, number)


class RowJudge:
    """Judges the rows events of a table with one definition, of which parts were read at several positions."""

    def __init__(self, codec: RowCodec, backfill: Read, columns: Sequence[str]) -> None:
        """`columns` are those by which the table is cut; `Unsupported` if the log does not name them."""
        self._codec, self._backfill = codec, backfill
        self._events = EventShaper(codec, "a part of the table that was read already")
        self._places: list[int] = []
        for name in columns:
            place = codec.table.index_of(name)
            if place is None:
                raise Unsupported(
                    f"the log does not name column {name} of {codec.table}, which comes into the job by its key; SET"
                    " PERSIST binlog_row_metadata = 'FULL' on the source, and add the table again"
                )
            self._places.append(place)

    def shaped(self, event: bytes, source: str, number: int, *, has_crc: bool) -> list[bytes]:
        """Return the events to be kept instead: the same one, others, or none (as `filters/shaper.py` has them)."""
        if self._backfill.is_done:
            return [event]
        with naming(event):
            rows = self._codec.read(event, has_crc=has_crc)
            verdicts = [
                (
                    before is not None and self._tells(before, source, number),
                    after is not None and self._tells(filled(before, after), source, number),
                )
                for before, after in completed(rows).changes
            ]
            return self._events.shaped(event, rows, verdicts, has_crc=has_crc)

    def _tells(self, row: Row, source: str, number: int) -> bool:
        key: list[int] = []
        for place in self._places:
            value = row[place]
            if not isinstance(value, int):
                table = self._codec.table
                raise Unsupported(
                    f"rows of {table} were logged without {table.column_name(place)}, by which the table comes into the"
                    f" job; {IMAGES_NEEDED}, and add the table again"
                )
            key.append(value)
        return self._backfill.tells(tuple(key), source, number)
