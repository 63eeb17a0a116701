"""How a node carries out what an operator orders: one write, at whichever node is asked, and what is to come of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from udup.cluster.beats import Judgement, Role
from udup.cluster.coordinator import Wanted, placed
from udup.cluster.keeper import NodeKeeper
from udup.cluster.limits import Limits
from udup.cluster.orders import (
    MOVES,
    Drain,
    DrainNode,
    MoveJob,
    Moves,
    Order,
    Ordered,
    Rebalance,
    drain_key,
    nothing,
)
from udup.cluster.placement import Place, Placed, Waits, Wish, place, rebalance
from udup.cluster.ports import StoreAway

#: Times that an order is decided again where another was written at the same time.
TRIES = 5


class Ordering:
    """`wall` is the wall clock: deadlines are told to other nodes by it."""

    def __init__(
        self, keeper: NodeKeeper, wanted: Callable[[], Wanted | None], wall: Callable[[], float], limits: Limits
    ) -> None:
        self._keeper, self._wanted, self._wall, self._limits = keeper, wanted, wall, limits

    async def carry_out(self, order: Order) -> Ordered:
        """Write an order; return what follows from it, or why it cannot be."""
        for _ in range(TRIES):
            judgement, wanted = self._keeper.judgement(), self._wanted()
            if judgement is None or wanted is None or not self._keeper.owners.is_complete:
                why = self._keeper.reason("") or "this node is just reaching its cluster"
                return nothing(failed=f"{why}; try again in a moment")
            try:
                if (done := await self._one(order, judgement, wanted)) is not None:
                    return done
            except StoreAway as away:
                return nothing(failed=f"the order may be stored, or not: {away}. Look, and give it again")
            await asyncio.sleep(self._limits.again)
        return nothing(failed="others give orders at the same time; try again in a moment")

    async def _one(self, order: Order, judgement: Judgement, wanted: Wanted) -> Ordered | None:
        """Return the answer; None where another order was written first."""
        match order:
            case DrainNode():
                return await self._drain(order, judgement, wanted)
            case Rebalance():
                moves = self._balance(judgement, wanted)
                if not moves or order.dry_run:
                    return Ordered(moves, {})
                return Ordered(moves, {}) if await self._move(moves) else None
            case MoveJob():
                if (why := self._why_not(order, judgement, wanted)) is not None:
                    return why
                moves = {order.job: order.node}
                return Ordered(moves, {}) if await self._move(moves) else None

    # ---- A node drains ----

    async def _drain(self, order: DrainNode, judgement: Judgement, wanted: Wanted) -> Ordered | None:
        orders, node = self._keeper.owners.orders, order.node
        if _is_witness(node, judgement):
            return nothing(refused=f"node {node} is a witness, and carries no jobs")
        is_known = node in self._keeper.coordinator.places(judgement, wanted) or node in orders.drains
        if not is_known:
            return nothing(unknown="node not found")
        if order.enable is not None:
            hurry_at = self._wall() + max(order.seconds, 0.001) if order.seconds is not None else 0.0
            data = Drain(drains=node, hurry_at=hurry_at).encode() if order.enable else None
            changes = order.enable or node in orders.drains
            if changes and not await self._keeper.order(drain_key(node), data):
                return None
            self._keeper.beat_now()
        return self.outlook(node, judgement, wanted, is_hurried=order.seconds is not None and order.seconds <= 0)

    def outlook(self, node: str, judgement: Judgement, wanted: Wanted, *, is_hurried: bool = False) -> Ordered:
        """Return where the jobs of a node go, and why some stay; nothing of one that does not drain."""
        keeper = self._keeper
        goes: dict[str, str] = {}
        stays: dict[str, str] = {}
        if node not in keeper.owners.orders.drains:
            return Ordered(goes, stays)
        if is_hurried:
            wanted = Wanted(wanted.wishes, wanted.version, wanted.nodes, wanted.hurried | {node})
        places = keeper.coordinator.places(judgement, wanted)
        for job, owner in sorted(keeper.owners.jobs.items()):
            wish = wanted.wishes.get(job)
            if wish is None or wish.ended or node not in (owner.node, owner.source):
                continue
            if owner.node != node:
                found = placed(wish, places, owner.node, owner, node)
                if isinstance(found, Placed) and found.source != node:
                    goes[job] = found.source or found.node
                else:
                    stays[job] = f"its source is read here: {_why_it_stays(wish, found)}"
                continue
            found = placed(wish, places, node, owner)
            if owner.to:
                goes[job] = owner.to
            elif isinstance(found, Placed) and found.node != node:
                goes[job] = found.node
            else:
                stays[job] = _why_it_stays(wish, found)
        return Ordered(goes, stays, drains=True)

    # ---- Jobs move ----

    def _balance(self, judgement: Judgement, wanted: Wanted) -> dict[str, str]:
        owners = self._keeper.owners
        now = {job: owners.orders.moves.get(job) or owner.to or owner.node for job, owner in owners.jobs.items()}
        wishes = {
            job: replace(wish, avoid=wish.avoid | owners.jobs[job].failed.keys()) if job in owners.jobs else wish
            for job, wish in wanted.wishes.items()
        }
        moves = rebalance(wishes, now, self._keeper.coordinator.places(judgement, wanted))
        return {move.job: move.to for move in moves if now[move.job] != move.to}

    def _why_not(self, order: MoveJob, judgement: Judgement, wanted: Wanted) -> Ordered | None:
        """Return why a job cannot move to a node, None if it can."""
        wish, owner = wanted.wishes.get(order.job), self._keeper.owners.jobs.get(order.job)
        places = self._keeper.coordinator.places(judgement, wanted)
        if wish is None or wish.ended:
            return nothing(unknown="job not found")
        if order.node not in places:
            return nothing(unknown="node not found")
        if _is_witness(order.node, judgement):
            return nothing(refused=f"node {order.node} is a witness, and carries no jobs")
        if owner is None or owner.node not in judgement.here:
            return nothing(failed=f"no node that lives carries job {order.job} now; it is given to one by itself")
        if owner.node == order.node:
            return Ordered({}, {order.job: "it is there"})
        if wish.copying:
            text = f"job {order.job} is in a full copy, which would begin again"
            return nothing(refused=f"{text}; move it when that is done")
        return _why_not_there(wish, places, order.node)

    async def _move(self, moves: Mapping[str, str]) -> bool:
        now = self._keeper.owners.orders.moves
        return await self._keeper.order(MOVES, Moves(moves={**now, **moves}).encode())


def _is_witness(node: str, judgement: Judgement) -> bool:
    beat = judgement.here.get(node)
    return beat is not None and beat.role is Role.WITNESS


def _why_not_there(wish: Wish, places: Mapping[str, Place], node: str) -> Ordered | None:
    there = places[node]
    if there.is_draining:
        return nothing(refused=f"node {there.called} drains; choose another, or end that first")
    found = place(wish, {node: there}, node)
    if isinstance(found, Waits):
        return nothing(refused=f"job {wish.job} cannot be on node {there.called}: {found.reason}")
    if not there.is_ready:
        return nothing(failed=f"node {there.called} is not ready; try again in a moment")
    # As a job that comes, which one that is there already is not.
    found = place(wish, {node: there})
    return nothing(refused=f"job {wish.job} cannot go: {found.reason}") if isinstance(found, Waits) else None


def _why_it_stays(wish: Wish, found: Placed | Waits) -> str:
    if isinstance(found, Waits):
        return found.reason
    if (wish.dest.is_pinned or wish.src.is_pinned) and not wish.failover:
        return "its document names this node, without Failover"
    if wish.copying:
        return "it is in a full copy, which would begin again elsewhere: it goes when that is done, or at the deadline"
    return "its document wants it here"
