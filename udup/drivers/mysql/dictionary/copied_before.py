"""What the target has of a copy that has not ended, as MySQL's two ends tell each other: text to the machine between.

A copy that begins again opens another snapshot, and goes on with what is there: tables that are complete stay, and of
a table whose primary key begins with integers each chunk of rows. What stays is as it was in the snapshot that it was
read from; what came since comes with the log (`pipeline/positions.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from udup.drivers.mysql.telling.ranges import END, START, Key, KeyRanges
from udup.pipeline.positions import Numbers, Range


class Segment(msgspec.Struct, frozen=True, array_like=True):
    """Rows from behind those of the segment before up to a key, None: all; read at a position, or still to be read.

    A key has the integers that the primary key begins with.
    """

    position: str
    up_to: Numbers | None = None
    read: bool = True


class Chunk(msgspec.Struct, frozen=True, array_like=True):
    """A chunk that is there: rows from behind one key up to another.

    `exact`: with all of those that begin with the last numbers; else the next chunk may have more of them, as one may
    that came before of those that begin with the first.
    """

    number: int
    behind: Numbers | None
    up_to: Numbers | None
    exact: bool


class CopiedTable(msgspec.Struct, frozen=True):
    """A table, by its name on the target.

    `definition` tells what it was made by. `whole`: it is complete, with its indexes. `stamps` tell the source.
    """

    schema: str
    name: str
    definition: str
    segments: tuple[Segment, ...]
    whole: bool = False
    rows: int = 0
    stamps: str = ""

    @property
    def is_read(self) -> bool:
        """Return whether all rows are there."""
        return all(each.read for each in self.segments)


class Resumable(msgspec.Struct, frozen=True, array_like=True):
    """What is to be noted of a table of a copy: nothing without a `definition`. `kept` is what of it stays.

    `key` are the columns of integers that its primary key begins with, if its chunks are noted one by one; `columns`
    their places in a row, `bits` those of each that is unsigned, 0 of others; `has_more`: the key has further columns.
    `is_summed`: what its servers compute is compared when all rows are there, so it stays as a whole or not at all.
    `is_tied`: rows change with others' by foreign keys, so it stays together with those tables. `has_keys`: it has
    foreign keys that change nothing, or is named by one.
    """

    definition: str = ""
    key: tuple[str, ...] = ()
    columns: tuple[int, ...] = ()
    bits: tuple[int, ...] = ()
    has_more: bool = False
    is_summed: bool = False
    is_tied: bool = False
    has_keys: bool = False
    kept: CopiedTable | None = None

    @property
    def gaps(self) -> list[Range]:
        """Return which rows are still to be read: from behind a key, up to another."""
        return [(None, None)] if self.kept is None else list(gaps(self.kept.segments))


def gaps(segments: Iterable[Segment]) -> Iterator[Range]:
    """Yield what is not read: from behind a key, up to another."""
    behind = None
    for each in segments:
        if not each.read:
            yield behind, each.up_to
        behind = each.up_to


def with_chunks(segments: Sequence[Segment], chunks: Iterable[Chunk]) -> tuple[Segment, ...]:
    """Return the segments of a table with the chunks that were loaded of what was still to be read."""
    at = next((each.position for each in segments if not each.read), "")
    positions = list(dict.fromkeys([at, *(each.position for each in segments)]))
    ranges = KeyRanges([(each.up_to, positions.index(each.position) if each.read else None) for each in segments])
    for behind, up_to in _joined(chunks):
        ranges.mark(behind, up_to, 0)
    return tuple(
        Segment(at if number is None else positions[number], _numbers(upper), number is not None)
        for upper, number in ranges.kept()
    )


def _joined(chunks: Iterable[Chunk]) -> Iterator[tuple[Key, Key]]:
    """Yield the ranges of which all rows are there."""
    runs: list[Chunk] = []
    for each in sorted(chunks, key=lambda chunk: chunk.number):
        last = runs[-1] if runs else None
        if last is not None and each.number == last.number + 1 and each.behind == last.up_to and not last.exact:
            runs[-1] = Chunk(each.number, last.behind, each.up_to, each.exact)
        else:
            runs.append(each)
    for each in runs:
        begin: Key = START if each.behind is None else each.behind
        end: Key = END if each.up_to is None else each.up_to
        if not each.exact:
            end = (*end[:-1], end[-1] - 1)
        if begin < end:
            yield begin, end


def _numbers(key: Sequence[float] | None) -> Numbers | None:
    return None if key is None else tuple(map(int, key))


def encode_span(chunk_range: Range, *, exact: bool) -> str:
    """Return what is noted of a chunk besides its number."""
    return json.dumps([*chunk_range, exact], separators=(",", ":"))


def decode_chunk(number: int, span: str) -> Chunk:
    behind, up_to, exact = json.loads(span)
    return Chunk(number, _numbers(behind), _numbers(up_to), bool(exact))


def encoded(tables: list[CopiedTable]) -> str:
    """Return text that `decoded` reads, "" for nothing."""
    return msgspec.json.encode(tables).decode() if tables else ""


def decoded(text: str) -> list[CopiedTable]:
    return _decode(text) if text else []


encode_segments = msgspec.json.Encoder().encode
decode_segments = msgspec.json.Decoder(tuple[Segment, ...]).decode
_decode = msgspec.json.Decoder(list[CopiedTable]).decode
