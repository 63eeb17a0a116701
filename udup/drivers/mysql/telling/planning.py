"""The chunks in which a snapshot reads what is wanted of a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from udup.drivers.mysql.client.connection import Connection
from udup.drivers.mysql.dictionary.catalog import Table
from udup.drivers.mysql.snapshot.chunks import Chunk, behind, plan_chunks, up_to
from udup.drivers.mysql.snapshot.reader import release
from udup.drivers.mysql.telling.order import Wanted
from udup.drivers.mysql.telling.ranges import END, START, Key


def chunks_of(
    planner: Connection, index: int, table: Table, wanted: Wanted, rows: int | None
) -> Iterator[tuple[Chunk, Key, Key]]:
    """Yield the chunks, found while they are asked for; each goes from behind the first key up to the second.

    The keys say something of tables only whose key is of whole numbers. No lock is held meanwhile.
    """
    for chunk in wanted.again:
        yield chunk, START, END
    if wanted.is_planned:
        return
    if not wanted.gaps:
        for chunk in plan_chunks(planner, index, table, rows, wanted.number, wanted.rest):
            release(planner)
            yield chunk, START, END
    number = wanted.number
    for place, (lower, upper) in enumerate(wanted.gaps, start=1):
        after = behind(table, _literals(lower)) if lower != START else ""
        within = up_to(table, _literals(upper)) if upper != END else ""
        begin = lower
        for chunk in plan_chunks(planner, index, table, rows, number, after, within):
            release(planner)
            end = upper if chunk.final else tuple(map(int, chunk.end))
            yield replace(chunk, final=chunk.final and place == len(wanted.gaps)), begin, end
            begin, number = end, chunk.number + 1


def _literals(key: Key) -> list[str]:
    return [str(int(value)) for value in key]
