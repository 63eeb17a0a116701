"""A set of transactions: of each source, the numbers. As text `alpha:1-3:7,beta:2`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self


class FakePosition:
    """Plain sets of numbers, so that what it says is right by its looks."""

    def __init__(self, transactions: Iterable[tuple[str, int]] = ()) -> None:
        self._numbers: dict[str, set[int]] = {}
        for source, number in transactions:
            self.add(source, number)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the set that a text names. `ValueError` if it is none."""
        made = cls()
        for part in filter(None, text.split(",")):
            source, *ranges = part.split(":")
            for each in ranges:
                first, _, last = each.partition("-")
                made._numbers.setdefault(source, set()).update(range(int(first), int(last or first) + 1))
        return made

    def add(self, source: str, number: int) -> None:
        self._numbers.setdefault(source, set()).add(number)

    def update(self, other: Self) -> None:
        for source, numbers in other._numbers.items():
            self._numbers.setdefault(source, set()).update(numbers)

    def copy(self) -> Self:
        made = type(self)()
        made.update(self)
        return made

    def of(self, source: str) -> Self:
        """Return the part that one source has numbered."""
        return type(self)((source, number) for number in self._numbers.get(source, ()))

    def contains(self, source: str, number: int) -> bool:
        return number in self._numbers.get(source, ())

    def __sub__(self, other: Self) -> Self:
        made = type(self)()
        for source, numbers in self._numbers.items():
            if left := numbers - other._numbers.get(source, set()):
                made._numbers[source] = left
        return made

    def __le__(self, other: Self) -> bool:
        return not self - other

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FakePosition) and self._numbers == other._numbers

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return bool(self._numbers)

    def __len__(self) -> int:
        return sum(map(len, self._numbers.values()))

    def __str__(self) -> str:
        return ",".join(":".join([source, *_ranges(self._numbers[source])]) for source in sorted(self._numbers))

    def __repr__(self) -> str:
        return f"FakePosition({self})"


def _ranges(numbers: set[int]) -> list[str]:
    ranges: list[str] = []
    first = last = -1
    for number in [*sorted(numbers), -1]:
        if number != last + 1 or number < 0:
            if first >= 0:
                ranges.append(str(first) if first == last else f"{first}-{last}")
            first = number
        last = number
    return ranges
