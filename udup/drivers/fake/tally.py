"""Rows that a fake server's log changes, by table; and what a fake target keeps of that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from udup.base import runtime
from udup.drivers.fake.changes import Change, Op, Splitter, decode
from udup.pipeline.ownership import TableName
from udup.pipeline.ports.tables import LargeTally, RowsOfTable, TableChange

_PLACES = {Op.INSERT: 0, Op.UPDATE: 1, Op.DELETE: 2}


class _Counts:
    def __init__(self) -> None:
        self._found: dict[TableName, list[int]] = {}

    def add(self, changes: Iterable[Change], last: int) -> None:
        for change in changes:
            if change.op in _PLACES:
                counts = self._found.setdefault(change.table, [0, 0, 0, 0])
                counts[_PLACES[change.op]] += 1
                counts[3] = last

    def rows(self) -> list[RowsOfTable]:
        return [
            RowsOfTable(*name, inserted, updated, deleted, 0, last)
            for name, (inserted, updated, deleted, last) in self._found.items()
        ]


class _Large:
    def __init__(self) -> None:
        self._splitter, self._counts = Splitter(), _Counts()

    def feed(self, events: bytes) -> None:
        self._counts.add(self._splitter.feed(events), 0)

    def counted(self) -> Sequence[RowsOfTable]:
        return self._counts.rows()


class FakeTally:
    """`RowTally` of `pipeline/ports/`."""

    def count(self, transactions: Sequence[bytes]) -> Sequence[RowsOfTable]:
        counts = _Counts()
        for place, events in enumerate(transactions):
            counts.add(decode(events), place)
        return counts.rows()

    def begin_large(self) -> LargeTally:
        return _Large()


class KeptChanges:
    """What is kept of each job's tables. Under the server's lock."""

    def __init__(self) -> None:
        self.since_us: dict[str, int] = {}
        self._kept: dict[str, dict[TableName, TableChange]] = {}

    def begin(self, job: str, *, anew: bool = False) -> None:
        """Begin to count, if that is not done already."""
        if anew:
            self.forget(job)
        self.since_us.setdefault(job, int(runtime.wall() * 1e6))

    def forget(self, job: str) -> None:
        self.since_us.pop(job, None)
        self._kept.pop(job, None)

    def add(self, job: str, changes: Iterable[TableChange]) -> None:
        kept = self._kept.setdefault(job, {})
        for each in changes:
            before = kept.get((each.schema, each.table), TableChange(each.schema, each.table))
            later = max(before, each, key=lambda change: change.changed_us)
            kept[each.schema, each.table] = TableChange(
                each.schema,
                each.table,
                before.inserted + each.inserted,
                before.updated + each.updated,
                before.deleted + each.deleted,
                before.uncounted + each.uncounted,
                later.changed_us,
                later.gtid,
            )

    def of(self, job: str) -> dict[TableName, TableChange]:
        return dict(self._kept.get(job, {}))
