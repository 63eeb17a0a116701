"""Compares a table by ranges of its key: digests first, and the rows where these differ.

The ranges are cut by the source's key and cover every key there can be: the first has no beginning and the last no end,
so a row that only the target has lies in one of them, be it before the source's first row or behind its last. Both
sides order the key alike (`Compared.ordered`), so a row lies in the same range on both; within a range rows are told by
the bytes of their keys, so that two that a collation takes for the same are two.

A range that is not equal is cut again, by the side that has more rows there, until few enough are left to be held side
by side: what is held does not grow with what differs.
"""

from __future__ import annotations

from collections.abc import Iterator

from udup.drivers.mysql.compare.both import DETAILED, Both
from udup.drivers.mysql.compare.side import RangeSum, Side
from udup.drivers.mysql.snapshot.chunks import Chunk, plan_chunks
from udup.drivers.mysql.snapshot.reader import release
from udup.pipeline.ports.compare import ColumnDifference, Kind, RowDifference

#: Rows of one side that are fetched at once, and those of a range that is looked for within a larger one.
ROWS_AT_ONCE, CUT_ROWS = 1000, 500


def compare_ranges(both: Both, chunk_rows: int | None, number: int, after: str) -> Iterator[Chunk]:
    """Compare the table behind `number` and `after` (as in `plan_chunks`); yield each chunk that is done."""
    source = both.source
    for chunk in plan_chunks(source.connection, 0, source.table, chunk_rows, number, after):
        release(source.connection)
        _compare(both, chunk.where)
        yield chunk


def _compare(both: Both, where: str) -> None:
    ours, theirs = both.ask(lambda side: side.sum(where))
    both.read(max(ours.rows, theirs.rows))
    if ours != theirs:
        _search(both, where, ours, theirs)


def _search(both: Both, where: str, ours: RangeSum, theirs: RangeSum) -> None:
    """Tell the rows that differ in a range."""
    if max(ours.rows, theirs.rows) <= ROWS_AT_ONCE:
        _hold_together(both, where)
        return
    longer = both.source if ours.rows >= theirs.rows else both.target
    for part in plan_chunks(longer.connection, 0, longer.table, CUT_ROWS, within=where):
        release(longer.connection)
        inside = f"{where} AND {part.where}" if where and part.where != where else where or part.where
        one, other = both.ask(lambda side, inside=inside: side.sum(inside))  # type: ignore[misc]
        both.pace.spend(max(one.rows, other.rows))
        if one != other:
            _search(both, inside, one, other)


def _hold_together(both: Both, where: str) -> None:
    ours, theirs = both.ask(lambda side: side.rows(where))
    if ours != theirs:
        both.look_steady()
    for key in sorted(ours.keys() | theirs.keys()):
        if ours.get(key) == theirs.get(key):
            continue
        kind = Kind.MISSING if key not in theirs else Kind.EXTRA if key not in ours else Kind.DIFFERS
        both.found(_difference(both, key, kind))


def _difference(both: Both, key: tuple[str, ...], kind: Kind) -> RowDifference:
    has_it: Side = both.target if kind is Kind.EXTRA else both.source
    columns: tuple[ColumnDifference, ...] = ()
    label = ", ".join(key)
    if both.differences < DETAILED:
        label = has_it.label(key)
        columns = _columns(both, key) if kind is Kind.DIFFERS else ()
    return RowDifference(*both.compared.name, label, kind, columns, key)


def _columns(both: Both, key: tuple[str, ...]) -> tuple[ColumnDifference, ...]:
    ours, theirs = both.ask(lambda side: side.values(key))
    return tuple(
        ColumnDifference(pair.source.name, one[1], other[1], pair.computed)
        for pair, one, other in zip(both.compared.pairs, ours, theirs, strict=True)
        if one[0] != other[0]
    )
