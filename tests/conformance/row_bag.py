"""Rows of a table, counted, and found by what is known of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from udup.drivers.mysql.rows.values import ABSENT

Cells = tuple[object, ...]


class RowBag:
    """Some cells of a row may be `ABSENT`: those are equal to anything."""

    def __init__(self, rows: Iterable[Cells] = ()) -> None:
        self._count: Counter[Cells] = Counter(rows)
        self._indexes: dict[tuple[int, ...], dict[Cells, set[Cells]]] = {}
        self._unsure = {row for row in self._count if ABSENT in row}

    def __len__(self) -> int:
        return self._count.total()

    def add(self, row: Cells) -> None:
        self._count[row] += 1
        for places, index in self._indexes.items():
            index[_at(places, row)].add(row)
        if ABSENT in row:
            self._unsure.add(row)

    def remove(self, row: Cells) -> None:
        self._count[row] -= 1
        if self._count[row] > 0:
            return
        del self._count[row]
        for places, index in self._indexes.items():
            index[_at(places, row)].discard(row)
        self._unsure.discard(row)

    def find(self, wanted: Cells) -> Cells | None:
        """A row that is this one as far as both are known; None if there is none."""
        if wanted in self._count:
            return wanted
        places = tuple(place for place, cell in enumerate(wanted) if cell is not ABSENT)
        if len(places) < len(wanted):
            found = self._index(places).get(_at(places, wanted))
            if found:
                return next(iter(found))
        return next((row for row in self._unsure if _may_be(row, wanted)), None)

    def differences(self, other: RowBag) -> tuple[Counter[Cells], Counter[Cells]]:
        """What is here and not there, and there and not here. The other's rows are known in full."""
        here, there = self._count - other._count, other._count - self._count
        unsure = [row for row in here.elements() if row in self._unsure]
        left = RowBag(there.elements())
        for row in unsure:
            same = left.find(row)
            if same is not None:
                left.remove(same)
                here[row] -= 1
        return +here, left._count

    def _index(self, places: tuple[int, ...]) -> dict[Cells, set[Cells]]:
        index = self._indexes.get(places)
        if index is None:
            index = self._indexes[places] = defaultdict(set)
            for row in self._count:
                index[_at(places, row)].add(row)
        return index


def _at(places: tuple[int, ...], row: Cells) -> Cells:
    return tuple(row[place] for place in places)


def _may_be(row: Cells, wanted: Cells) -> bool:
    return all(a is ABSENT or b is ABSENT or a == b for a, b in zip(row, wanted, strict=True))
