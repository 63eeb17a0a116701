"""Bytes that were changed on their way, by a generator that begins the same each time."""

from __future__ import annotations

import random
from collections.abc import Sequence


def spoil(data: bytes, chance: random.Random, *, changes: Sequence[int], values: Sequence[int], longest: int) -> bytes:
    """Return `data` with bytes changed, left out and doubled, at one of so many places.

    `values` are bytes that mean something where they are found, `longest` is above how many are doubled.
    """
    spoilt = bytearray(data)
    for _ in range(chance.choice(changes)):
        if not spoilt:
            break
        place = chance.randrange(len(spoilt))
        match chance.randrange(4):
            case 0:
                spoilt[place] = chance.choice(values)
            case 1:
                spoilt[place] = chance.randrange(256)
            case 2:
                del spoilt[place:]
            case 3:
                spoilt[place:place] = spoilt[: chance.randrange(longest)]
    return bytes(spoilt)
