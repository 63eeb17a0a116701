"""A job that has failed too often on one node is tried on another: each that could take it once, then it fails.

The node itself may be what is wrong: it may not reach a server that others reach. Which nodes have tried, and what each
has met, is in the job's key, so that it is known wherever the job comes to. It is forgotten when a run has applied
something, and when the job fails for good: then all may try again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import msgspec

from udup.cluster.begins import NotOurs
from udup.cluster.coordinator import Wanted
from udup.cluster.keeper import NodeKeeper
from udup.cluster.limits import Limits
from udup.cluster.owners import Owner
from udup.cluster.placement import Placed, place

#: Longest text of a node's failure in a job's key.
REASON_MAX = 400


class Elsewhere:
    """Of one node, `node`."""

    def __init__(
        self, node: str, keeper: NodeKeeper, wanted: Callable[[], Wanted | None], limits: Limits | None = None
    ) -> None:
        self._node, self._keeper, self._wanted = node, keeper, wanted
        self._limits = limits or Limits()

    async def give(self, job: str, token: int, reason: str) -> Mapping[str, str] | None:
        """Give a job that has failed here to a node that has not tried it; `Lost` follows.

        Return what the other nodes have met, where none is left that could take it; None where it was given, or is not
        this node's any more. Wait while the store is away.
        """
        while True:
            owner = self._keeper.owners.jobs.get(job)
            if owner is None or owner.node != self._node or owner.to:
                return None
            judgement, wanted = self._keeper.judgement(), self._wanted()
            if judgement is not None and wanted is not None:
                break
            await asyncio.sleep(self._limits.retry)
        failed = {**owner.failed, self._node: reason[:REASON_MAX]}
        wish = wanted.wishes.get(job)
        places = self._keeper.coordinator.places(judgement, wanted)
        left = {node: each for node, each in places.items() if node not in failed}
        is_pinned = wish is not None and (wish.dest.is_pinned or wish.src.is_pinned)
        found = None if wish is None or is_pinned or wish.ended else place(wish, left)
        if isinstance(found, Placed):
            await self._keeper.rewrite(job, token, lambda owner: _given(owner, found.node, failed))
            return None
        if not owner.failed:
            return {}
        got = await self._keeper.rewrite(job, token, _forgotten)
        return None if isinstance(got, NotOurs) else owner.failed

    async def forget(self, job: str, token: int) -> None:
        """A run of the job has applied something: whoever could not may try again."""
        await self._keeper.rewrite(job, token, _forgotten)


def _given(owner: Owner, node: str, failed: Mapping[str, str]) -> Owner:
    why = "it has failed too often on its node"
    return msgspec.structs.replace(owner.given(node), why=why, failed=dict(failed))


def _forgotten(owner: Owner) -> Owner:
    return msgspec.structs.replace(owner, failed={})
