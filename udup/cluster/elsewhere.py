"""A job that has failed too often on one node is tried on another: each that could take it once, then it fails.

The node itself may be what is wrong: it may not reach a server that others reach. Which nodes have tried, and what each
has met, is in the job's key, so that it is known wherever the job comes to. It is forgotten when a run has applied
something, and when the job fails for good: then all may try again.

A job whose server is away from one node for long is tried on each other node as well, once in a round. It never fails
by that: where no node reaches the server, the job stays with the last one and is waited for without end. The next round
begins `ROUND_SECONDS` after the last move. These nodes are forgotten when the outage is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import msgspec

from udup.base import runtime
from udup.cluster.begins import NotOurs
from udup.cluster.coordinator import Wanted
from udup.cluster.keeper import NodeKeeper
from udup.cluster.limits import Limits
from udup.cluster.owners import Owner
from udup.cluster.placement import Placed, Wish, place

#: Longest text of a node's failure in a job's key.
REASON_MAX = 400

#: Seconds between the last move of a round, in which each node was tried once, and the next round.
ROUND_SECONDS = 600.0

#: Seconds until a node that found no other to try asks again, where no round is waited for.
ASK_AGAIN_SECONDS = 60.0


class Elsewhere:
    """Of one node, `node`."""

    def __init__(
        self,
        node: str,
        keeper: NodeKeeper,
        wanted: Callable[[], Wanted | None],
        limits: Limits | None = None,
        wall: Callable[[], float] = runtime.wall,
    ) -> None:
        self._node, self._keeper, self._wanted = node, keeper, wanted
        self._limits = limits or Limits()
        self._wall = wall

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
        found = place(wish, left) if wish is not None and _may_be_tried(wish) else None
        if isinstance(found, Placed):
            await self._keeper.rewrite(job, token, lambda owner: _given(owner, found.node, failed))
            return None
        if not owner.failed and not owner.away:
            return {}
        got = await self._keeper.rewrite(job, token, _forgotten)
        return None if isinstance(got, NotOurs) else owner.failed

    async def reach(self, job: str, token: int, reason: str) -> float | None:
        """Give a job whose server has been away from this node for long to one that has not tried it in this round.

        Return after how many seconds to ask again where there is none; None where it was given, or is not this node's
        any more. While nobody can judge who is there, nobody else is tried.
        """
        owner = self._keeper.owners.jobs.get(job)
        if owner is None or owner.node != self._node or owner.to:
            return None
        judgement, wanted = self._keeper.judgement(), self._wanted()
        if judgement is None or wanted is None:
            return ASK_AGAIN_SECONDS
        wish = wanted.wishes.get(job)
        if wish is None or not _may_be_tried(wish):
            return ROUND_SECONDS
        now, away = self._wall(), owner.away
        rests = ROUND_SECONDS - abs(now - owner.away_at)  # a clock that was set back must not stop it for long
        places = self._keeper.coordinator.places(judgement, wanted)
        others = {node: each for node, each in places.items() if node != self._node and node not in owner.failed}
        found = place(wish, {node: each for node, each in others.items() if node not in away})
        if not isinstance(found, Placed) and rests <= 0:
            found, away = place(wish, others), {}
        if not isinstance(found, Placed):
            return max(ASK_AGAIN_SECONDS, rests)
        to, met = found.node, {**away, self._node: reason[:REASON_MAX]}
        await self._keeper.rewrite(job, token, lambda owner: _sent(owner, to, met, now))
        return None

    async def forget(self, job: str, token: int, *, failures: bool = True) -> None:
        """A run of the job has applied something: whoever could not may try again.

        Without `failures` only an outage is over: nodes that did not reach a server may be tried in the next one.
        """
        await self._keeper.rewrite(job, token, _forgotten if failures else _reached)


def _may_be_tried(wish: Wish) -> bool:
    """Whether a job may be on any node, and is wanted."""
    return not (wish.dest.is_pinned or wish.src.is_pinned or wish.ended)


def _sent(owner: Owner, node: str, away: Mapping[str, str], now: float) -> Owner:
    why = "a server is away from its node"
    return msgspec.structs.replace(owner.given(node), why=why, away=dict(away), away_at=round(now, 3))


def _given(owner: Owner, node: str, failed: Mapping[str, str]) -> Owner:
    why = "it has failed too often on its node"
    return msgspec.structs.replace(owner.given(node), why=why, failed=dict(failed))


def _forgotten(owner: Owner) -> Owner:
    return msgspec.structs.replace(owner, failed={}, away={}, away_at=0.0)


def _reached(owner: Owner) -> Owner:
    return msgspec.structs.replace(owner, away={}, away_at=0.0)
