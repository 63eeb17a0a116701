"""Which try of a snapshot has sent which keys of a table whose key is of whole numbers."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import TypeAlias

#: The values of the key's columns, in the key's order. Nothing lies before `START`, nothing behind `END`.
Key: TypeAlias = tuple[float, ...]

START: Key = ()
END: Key = (math.inf,)

#: A range as it is kept: the key up to which it goes, None for the last, and the try; None: not sent by any.
Kept: TypeAlias = tuple[Sequence[int] | None, int | None]


class KeyRanges:
    """Follow each other from `START` to `END`; each goes from behind the one before up to its own last key."""

    def __init__(self, kept: Sequence[Kept] = ((None, None),)) -> None:
        self._uppers: list[Key] = [END if upper is None else tuple(upper) for upper, _ in kept]
        self._tries: list[int | None] = [at for _, at in kept]

    @property
    def is_whole(self) -> bool:
        """Return whether all was sent."""
        return None not in self._tries

    @property
    def tries(self) -> set[int]:
        """Return the tries that have sent anything."""
        return {at for at in self._tries if at is not None}

    def at(self, key: Key) -> int | None:
        """Return the try that has sent this key's range."""
        return self._tries[bisect_left(self._uppers, key)]

    def mark(self, lower: Key, upper: Key, at: int) -> None:
        """Note that a try has sent all behind `lower` up to `upper`."""
        made: list[tuple[Key, int | None]] = []
        begin = START
        for end, old in zip(self._uppers, self._tries, strict=True):
            if begin < lower:
                made.append((min(end, lower), old))
            if max(begin, lower) < min(end, upper):
                made.append((min(end, upper), at))
            if max(begin, upper) < end:
                made.append((end, old))
            begin = end
        self._uppers, self._tries = [], []
        for end, each in made:
            if self._tries and self._tries[-1] == each:
                self._uppers[-1] = end
            else:
                self._uppers.append(end)
                self._tries.append(each)

    def gaps(self) -> Iterator[tuple[Key, Key]]:
        """Yield what was not sent: behind the first key, up to the second."""
        begin = START
        for end, at in zip(self._uppers, self._tries, strict=True):
            if at is None:
                yield begin, end
            begin = end

    def as_one(self) -> KeyRanges:
        """Return the same as if one try had sent all of it: the first."""
        made = KeyRanges()
        begin = START
        for end, at in zip(self._uppers, self._tries, strict=True):
            if at is not None:
                made.mark(begin, end, 0)
            begin = end
        return made

    def kept(self) -> list[tuple[Key | None, int | None]]:
        """Return them as they are kept."""
        return [(None if upper == END else upper, at) for upper, at in zip(self._uppers, self._tries, strict=True)]
