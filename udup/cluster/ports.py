"""What the cluster needs of NATS: two seams, which a simulation has in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from udup.base.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Change:
    """A value of the bucket, and its number among all that were ever written there. `data` is None for a removal."""

    key: str
    data: bytes | None
    seq: int


@dataclass(frozen=True, slots=True)
class News:
    """What the bucket has behind a number.

    `changes` are in order of their numbers; who knows what was before and takes these knows all up to `last`. `made`
    tells this bucket from another that had its name.
    """

    made: str
    last: int
    changes: tuple[Change, ...]


class LostRace(Exception):
    """A write came behind another that its writer did not know of. Nothing was written."""


class StoreAway(Unavailable):
    """The store did not answer: a write may be done, or be done later, or never."""


class OwnersStore(Protocol):
    """The bucket `udup_owners`."""

    async def write(self, key: str, data: bytes | None, last: int) -> int:
        """Write a key (None removes it) if nothing in the whole bucket is newer than `last`. Return the number."""

    async def rewrite(self, key: str, data: bytes | None, revision: int) -> int:
        """Write a key if its last value has this number. Return the new one."""

    async def news(self, after: int, made: str) -> News:
        """Return what there is behind `after`, or all there is where the bucket is not the one called `made`."""

    async def newest(self, key: str) -> Change | None:
        """Return the last value of a key."""


class BeatLine(Protocol):
    """The subject of the beats. What is sent there reaches every node that can be reached, or does not."""

    async def send(self, data: bytes) -> None: ...
