"""How a node begins a run of a job that it owns: by writing the job's key again, on the condition that nobody else has.

The acknowledgement proves by a quorum that the job was this node's at that moment; a read would prove nothing, since a
leader of the store that is cut off answers for ten seconds. Its number is the run's, and the token that fences off
whoever comes from before. A run that has begun needs nothing more of the store.

An acknowledgement that was lost is not a lost job: what is found there names who wrote it. The write is repeated behind
it then, so that the proof is of the present.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from udup.base.errors import Side
from udup.cluster.limits import Limits
from udup.cluster.owners import Owner, Owners, key_of
from udup.cluster.ports import Change, LostRace, OwnersStore, StoreAway

T = TypeVar("T")


@dataclass(frozen=True)
class Copy:
    """This node's copy of the bucket, and how a change gets into it: with all that follows from it."""

    owners: Owners
    take: Callable[[Change], None]


@dataclass(frozen=True)
class NotOurs:
    """The job may not be begun here, and why: for the log."""

    reason: str


class Begins:
    """`take` brings what was written or found into this node's copy of the bucket; `now` never goes back."""

    def __init__(
        self, node: str, incarnation: str, copy: Copy, store: OwnersStore, now: Callable[[], float], limits: Limits
    ) -> None:
        self._node, self._incarnation = node, incarnation
        self._owners, self._take = copy.owners, copy.take
        self._store, self._now = store, now
        self._limits = limits
        self._count = 0
        #: The token that was told last with a job's ownership: one before it is of an ownership that has ended.
        self.told: dict[str, int] = {}

    def is_own(self, owner: Owner) -> bool:
        """Whether this node wrote it, since it was started, to begin a run."""
        return owner.run.partition(":")[0] == self._incarnation

    async def begin(self, job: str, token: int) -> int | NotOurs:
        """Return the number of a new run; `token` is what was told with the ownership. Wait while the store is away."""
        self._count += 1
        run = f"{self._incarnation}:{self._count}"
        return await self._rewrite(job, token, lambda owner: msgspec.structs.replace(owner, run=run))

    async def hand_over(self, job: str, token: int) -> int | NotOurs:
        """Give a job that is to move to the node that gets it; its run here has ended."""

        def given(owner: Owner) -> Owner:
            left = {node: why for node, why in owner.failed.items() if node != owner.to}  # it is to try again
            return msgspec.structs.replace(owner.given(owner.to), failed=left)

        return await self._rewrite(job, token, given, leaving=True)

    async def rewrite(self, job: str, token: int, make: Callable[[Owner], Owner]) -> int | NotOurs:
        """Write another value of a job that is this node's, and does not go elsewhere. Wait while the store is away."""
        return await self._rewrite(job, token, make)

    async def forget(self, job: str, token: int) -> int | NotOurs:
        """Remove the key of a job that is deleted; its run here has ended."""
        return await self._rewrite(job, token, None)

    async def _rewrite(
        self, job: str, token: int, make: Callable[[Owner], Owner] | None, *, leaving: bool = False
    ) -> int | NotOurs:
        while True:
            owner = self._owners.jobs.get(job)
            if why := self._is_not_ours(job, owner, token, leaving=leaving, removing=make is None):
                return NotOurs(why)
            assert owner is not None
            revision = self._owners.revision(job)
            data = make(owner).encode() if make is not None else None
            try:
                number = await self._write(job, data, revision)
            except LostRace:
                if not await self._look(job, revision):
                    await asyncio.sleep(self._limits.retry)
            except StoreAway:
                await asyncio.sleep(self._limits.retry)
            else:
                self._take(Change(key_of(job), data, number))
                return number

    def _is_not_ours(self, job: str, owner: Owner | None, token: int, *, leaving: bool, removing: bool) -> str:
        """Return why this node may not write a job's key, "" if it may."""
        if owner is None:
            return "nobody owns it"
        if owner.node != self._node:
            return f"node {owner.node} owns it"
        if leaving and not owner.to:
            return "it is not to move any more"
        if owner.to and not leaving and not removing:
            return f"it is to move to node {owner.to}"
        if token < self.told.get(job, 0):
            return "it was given to this node again since"
        return ""

    async def _write(self, job: str, data: bytes | None, revision: int) -> int:
        sent = self._now()
        number = await in_time(self._store.rewrite(key_of(job), data, revision), self._limits.store)
        if self._now() - sent > self._limits.store:
            raise StoreAway("the answer of the store is old: this process was paused meanwhile")
        return number

    async def _look(self, job: str, revision: int) -> bool:
        """Find what is there in place of what was expected; whether that is known now."""
        try:
            found = await in_time(self._store.newest(key_of(job)), self._limits.store)
        except StoreAway:
            return False
        if found is not None:
            self._take(found)
        return self._owners.revision(job) != revision


async def in_time(call: Awaitable[T], seconds: float) -> T:
    """Return what a call of the store returns; `StoreAway` if it takes longer."""
    try:
        async with asyncio.timeout(seconds):
            return await call
    except TimeoutError as error:
        raise StoreAway(f"the store of the cluster did not answer within {seconds:g} s").of(Side.NATS) from error
