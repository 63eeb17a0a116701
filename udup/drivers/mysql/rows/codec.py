"""The codec of one table: its events as values, and values as its events.

`codecs.of(table_map)` gives the codec of a TABLE_MAP. `codec.read(event)` takes a rows event apart, `codec.write` puts
one together; `write(read(event))` is the event, byte for byte. Partial updates of JSON are only read: `completed` makes
of one an update that can be written.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import TypeVar

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.event import CRC_SIZE, EventType
from udup.drivers.mysql.binlog.table_map import definition_bytes
from udup.drivers.mysql.rows.errors import DAMAGE, Unfit, damaged
from udup.drivers.mysql.rows.events import DELETES, WRITES, Front, RowsEvent, joined, parse_front
from udup.drivers.mysql.rows.reading import ReadRows, compile_reader
from udup.drivers.mysql.rows.table import Table, parse_table
from udup.drivers.mysql.rows.values import ABSENT, Change, Json, JsonPatch, Row
from udup.drivers.mysql.rows.writing import WriteRows, compile_writer

#: TABLE_MAPs whose codecs are kept, and functions of a codec: with MINIMAL images every set of columns has its own.
CODECS_MAX = 1024
FUNCTIONS_MAX = 256

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class RowCodec:
    """Reads and writes the rows events of one table. `Unsupported` if the log does not say enough about it."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._readers: dict[tuple[int, bytes | None, bytes | None], ReadRows] = {}
        self._writers: dict[bytes, WriteRows] = {}

    def read(self, event: bytes, *, has_crc: bool) -> RowsEvent:
        """Return the event as values.

        Raise `DamagedRows` for bytes that are no rows of the table, `Unsupported` for a type that cannot be read.
        """
        end = len(event) - CRC_SIZE if has_crc else len(event)
        try:
            front, at = parse_front(event, end)
            if front.columns != len(self.table.columns):
                raise damaged(f"a rows event has {front.columns} columns where there are {len(self.table.columns)}")
            if at == end and not _any(front.before) and not _any(front.after):
                return RowsEvent(front, [self._all_absent(front)])
            changes = self._reader(front)(event, at, end)
        except Unsupported as error:
            raise error.beginning(f"rows of {self.table}: ") from error
        except DAMAGE as error:
            raise damaged(f"rows of {self.table} cannot be read ({type(error).__name__}: {error})") from error
        return RowsEvent(front, changes, bool(changes) and self._is_padded(front, changes[0], event, at))

    def write(self, event: RowsEvent, *, has_crc: bool) -> bytes:
        """Return the event's bytes. Raise `Unfit` for a value that its column does not hold exactly."""
        if event.kind == EventType.PARTIAL_UPDATE_ROWS:
            raise Unfit(f"{self.table}: a partial update of JSON is not written; {_WHOLE_DOCUMENTS}")
        front = self._with_bitmaps(event)
        befores = [before for before, _ in event.changes if before is not None]
        afters = [after for _, after in event.changes if after is not None]
        if {len(befores), len(afters)} - {0, len(event.changes)}:
            raise ValueError("the changes of an event have the same images")
        try:
            images = self._images(front.before, befores, event.padded)
            written = self._images(front.after, afters, event.padded)
        except Unfit as error:
            raise error.beginning(f"{self.table}: ").of_column(error.column, error.value) from error
        if images and written:
            images = [each for pair in zip(images, written, strict=True) for each in pair]
        return joined(front, images or written, has_crc=has_crc)

    def _reader(self, front: Front) -> ReadRows:
        def make() -> ReadRows:
            before, after = self._present(front.before), self._present(front.after)
            partial = front.kind == EventType.PARTIAL_UPDATE_ROWS
            if not before and not after:
                raise damaged("a rows event has rows of no columns")
            return compile_reader(self.table.columns, before, after, partial=partial)

        return _kept(self._readers, (front.kind, front.before, front.after), make, FUNCTIONS_MAX)

    def _images(self, bitmap: bytes | None, rows: Sequence[Row], padded: bool) -> list[bytes]:
        if bitmap is None:
            return []

        def make() -> WriteRows:
            return compile_writer(self.table.columns, self._present(bitmap) or ())

        return _kept(self._writers, bitmap, make, FUNCTIONS_MAX)(rows, padded)

    def _present(self, bitmap: bytes | None) -> tuple[int, ...] | None:
        """Return the columns that an image has."""
        if bitmap is None:
            return None
        return tuple(index for index in range(len(self.table.columns)) if bitmap[index // 8] >> index % 8 & 1)

    def _with_bitmaps(self, event: RowsEvent) -> Front:
        """Return the front with the bitmaps of columns, as the first row has them where the event says none."""
        front = replace(event.front, columns=len(self.table.columns))
        every: Row = (None,) * len(self.table.columns)
        before, after = event.changes[0] if event.changes else (every, every)
        if front.kind not in WRITES and front.before is None:
            front = replace(front, before=_bitmap(before))
        if front.kind not in DELETES and front.after is None:
            front = replace(front, after=_bitmap(after))
        return front

    def _all_absent(self, front: Front) -> Change:
        """Return what a row of no columns says: MINIMAL images are so where nothing but defaults was inserted."""
        row: Row = (ABSENT,) * len(self.table.columns)
        return None if front.before is None else row, None if front.after is None else row

    def _is_padded(self, front: Front, first: Change, event: bytes, at: int) -> bool:
        """Return whether the bits that are left over in the first row's bitmaps of NULLs are set."""
        before, after = self._count(front.before), self._count(front.after)
        if before % 8:
            return bool(event[at + before // 8] >> before % 8)
        if after % 8 == 0 or front.kind == EventType.PARTIAL_UPDATE_ROWS:
            return False
        if first[0] is not None:
            at += len(self._images(front.before, [first[0]], False)[0])
        return bool(event[at + after // 8] >> after % 8)

    def _count(self, bitmap: bytes | None) -> int:
        return len(self._present(bitmap) or ())


class RowCodecs:
    """Codecs by their TABLE_MAP's bytes, so that the same definition has one codec whatever its number is."""

    def __init__(self) -> None:
        self._codecs: dict[bytes, RowCodec] = {}

    def of(self, table_map: bytes, *, has_crc: bool) -> RowCodec:
        """Return the codec of a TABLE_MAP; `Unsupported` for one that cannot be read."""
        key = definition_bytes(table_map, has_crc=has_crc)
        return _kept(self._codecs, key, lambda: RowCodec(parse_table(table_map, has_crc=has_crc)), CODECS_MAX)


def _kept(kept: dict[K, V], key: K, make: Callable[[], V], most: int) -> V:
    """Return what is kept under a key, made where it is missing; the oldest goes where there are too many."""
    found = kept.get(key)
    if found is None:
        found = make()
        make_room(kept, most)
        kept[key] = found
    return found


def make_room(kept: dict[K, V], most: int) -> None:
    """Have the oldest go where one more would be too many."""
    if len(kept) >= most:
        del kept[next(iter(kept))]


_WHOLE_DOCUMENTS = (
    "set binlog_row_value_options = '' and binlog_row_image = 'FULL' on the source, then give the job another ID"
)


def completed(event: RowsEvent) -> RowsEvent:
    """Return a partial update as an update with whole documents; any other event as it is.

    Raise `Unfit` if the image before does not have a document that is changed in part.
    """
    if event.kind != EventType.PARTIAL_UPDATE_ROWS:
        return event
    changes = [(before, _completed(before, after)) for before, after in event.changes]
    return event.of_kind(EventType.UPDATE_ROWS, changes)


def _completed(before: Row | None, after: Row | None) -> Row:
    if before is None or after is None:
        raise ValueError("an update has both images")
    return tuple(
        _document(old, new) if isinstance(new, JsonPatch) else new for old, new in zip(before, after, strict=True)
    )


def _document(old: object, patch: JsonPatch) -> Json:
    if not isinstance(old, Json):
        raise Unfit(f"the log has a part of a JSON document and not what stood there; {_WHOLE_DOCUMENTS}")
    return patch.apply(old)


def _any(bitmap: bytes | None) -> bool:
    return bitmap is not None and any(bitmap)


def _bitmap(row: Row | None) -> bytes:
    """Return the bitmap of the columns that a row has; what is left over is set where it has all (seen on 9.7)."""
    if row is None:
        raise ValueError("a change does not have the images of its kind of event")
    bits = sum(1 << index for index, value in enumerate(row) if value is not ABSENT)
    width = (len(row) + 7) // 8
    return (bits if ABSENT in row else (1 << 8 * width) - 1).to_bytes(width, "little")
