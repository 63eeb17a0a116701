"""Compares a table as a set in which a row may be several times: one without a key, or whose key the two sides order
otherwise.

Each side is read once, and tells what the rows of each *bucket* come to: those whose digests begin alike. The rows of
buckets that differ are read in a further pass, as many buckets as can be held side by side. A table that differs
everywhere would be read again for each of them: after some passes the rest is counted, not told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from udup.drivers.mysql.compare.both import Both
from udup.drivers.mysql.compare.side import RangeSum
from udup.pipeline.ports.compare import Kind, RowDifference

#: Rows of a bucket, by the estimate; bits of a bucket's number at most.
BUCKET_ROWS, MOST_BITS = 500, 16

#: Rows that are held side by side, and how often a table is read again for those that differ.
HELD_ROWS, PASSES = 20_000, 10

_NONE = RangeSum(0)

#: By identity and digest: how often, and the row for people.
_Rows = dict[tuple[str, str], tuple[int, str]]


def compare_as_set(both: Both) -> None:
    """Compare the whole table."""
    bits, ours, theirs = _buckets(both)
    unlike = {
        bucket: max(ours.get(bucket, _NONE).rows, theirs.get(bucket, _NONE).rows)
        for bucket in sorted(ours.keys() | theirs.keys())
        if ours.get(bucket, _NONE) != theirs.get(bucket, _NONE)
    }
    for number, buckets in enumerate(_together(unlike)):
        if number == PASSES:
            both.look_steady()
            both.unsearched += sum(rows for bucket, rows in unlike.items() if bucket >= buckets[0])
            return
        one, other = both.ask(lambda side, buckets=buckets: side.rows_of(buckets, bits))  # type: ignore[misc]
        both.pace.spend(both.rows)
        if one != other:
            both.look_steady()
        for difference in _differences(both, one, other):
            both.found(difference)


def _buckets(both: Both) -> tuple[int, dict[int, RangeSum], dict[int, RangeSum]]:
    """Return by how many bits the rows are told apart, and what both sides have."""
    bits = _bits(both.source.table.rows_estimate)
    while True:
        ours, theirs = both.ask(lambda side, bits=bits: side.buckets(bits))  # type: ignore[misc]
        rows = max(sum(each.rows for each in side.values()) for side in (ours, theirs))
        both.read(rows)
        if ours == theirs or _bits(rows) <= bits + 2:
            return bits, ours, theirs
        bits = _bits(rows)


def _bits(rows: int) -> int:
    return min(MOST_BITS, (rows // BUCKET_ROWS).bit_length())


def _together(unlike: dict[int, int]) -> Iterator[list[int]]:
    """Yield buckets of so many rows together, at least one."""
    gathered: list[int] = []
    rows = 0
    for bucket, count in unlike.items():
        if gathered and rows + count > HELD_ROWS:
            yield gathered
            gathered, rows = [], 0
        gathered.append(bucket)
        rows += count
    if gathered:
        yield gathered


def _differences(both: Both, ours: _Rows, theirs: _Rows) -> Iterator[RowDifference]:
    """Yield what is missing and too much. Of a table with a key, the two of one key are a row with other values."""
    missing, extra = _less(ours, theirs), _less(theirs, ours)
    keyed = bool(both.compared.keys)
    changed = {i for i, _ in missing} & {i for i, _ in extra} if keyed else set()
    for kind, rows in ((Kind.MISSING, missing), (Kind.EXTRA, extra)):
        for (identity, _), (count, label) in sorted(rows.items()):
            if identity not in changed:
                yield RowDifference(*both.compared.name, label, kind, place=(identity,), count=count)
            elif kind is Kind.MISSING:
                yield RowDifference(*both.compared.name, label, Kind.DIFFERS, place=(identity,))


def _less(rows: _Rows, others: _Rows) -> _Rows:
    """Return what rows there are more often than others, and how much more often."""
    counts = Counter({each: count for each, (count, _) in rows.items()})
    counts.subtract({each: count for each, (count, _) in others.items() if each in rows})
    return {each: (count, rows[each][1]) for each, count in counts.items() if count > 0}
