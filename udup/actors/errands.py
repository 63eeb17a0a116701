"""A wish on its way to the node that owns the job: who is asked, how often, and what is known if nobody answers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import msgspec

from udup.actors.keeper_told import Routed
from udup.base import runtime
from udup.cluster.asking import Answer, Ask, subject_of
from udup.cluster.keeper import NodeKeeper
from udup.cluster.nats_line import NatsLine
from udup.cluster.ports import StoreAway

#: Seconds for which another node is asked again that does not own the job, or is not there; and between two times.
AGAIN_SECONDS, PAUSE_SECONDS = 5.0, 0.2

#: Seconds for an answer before the same is asked once more.
ASK_SECONDS = 2.0


@dataclass
class Errand:
    """A wish on its way. `heard_by` was asked and has not answered; `asked_at` is when anybody was asked first."""

    ticket: int
    ask: Ask
    begun: float
    seconds: float
    heard_by: str = ""
    asked_at: float = 0.0

    @property
    def end(self) -> float:
        return self.begun + self.seconds

    @property
    def until(self) -> float:
        """Return until when it is tried: longer if it may have been heard."""
        return self.end if self.heard_by else self.begun + AGAIN_SECONDS


class Errands:
    """`me` is this node; `keeper` knows the owners, and other nodes are asked by `line`."""

    def __init__(self, me: str, keeper: NodeKeeper, line: NatsLine) -> None:
        self._me, self._keeper, self._line = me, keeper, line

    async def bring(self, errand: Errand) -> Routed:
        """Bring a wish to who owns the job; return what came of it."""
        while (routed := await self._try(errand)) is None:
            await asyncio.sleep(PAUSE_SECONDS)
            if runtime.now() > errand.until:
                return self._given_up(errand)
        return routed

    def _given_up(self, errand: Errand) -> Routed:
        """Return what is known of a wish that was not answered in time."""
        job = errand.ask.job
        if errand.heard_by:
            why = f"node {errand.heard_by}, which owned job {job}, has not answered: it may have heard the wish, or not"
            return Routed(errand.ticket, node=errand.heard_by, failed=why)
        node = self._owner_of(job)
        return Routed(errand.ticket, node=node, failed=f"node {node}, which owns job {job}, cannot be asked")

    def _owner_of(self, job: str) -> str:
        owner = self._keeper.owners.jobs.get(job)
        return owner.node if owner is not None else ""

    async def _try(self, errand: Errand) -> Routed | None:
        """Return where it belongs, None if that is to be looked at again.

        Who may have heard it is asked again, and does it once; nobody else is then.
        """
        keeper, ticket = self._keeper, errand.ticket
        if not keeper.owners.is_complete:
            return None
        node = self._owner_of(errand.ask.job)
        if errand.heard_by and node != errand.heard_by:
            return self._given_up(errand)
        if node == self._me:
            return Routed(ticket, here=True)
        if not node:
            return Routed(ticket)
        now = runtime.now()
        if not keeper.hearing.hears(node, now):
            judgement = keeper.judgement()
            is_dead = judgement is not None and node in judgement.dead
            return (self._given_up(errand) if errand.heard_by else Routed(ticket, node=node)) if is_dead else None
        data = await self._ask(errand, node, now)
        answer = None if data is None else Answer.decode(data)
        if answer is not None and answer.not_owner:
            errand.heard_by = ""  # and it has not done it
            return None
        return None if answer is None else Routed(ticket, answer, node=node)

    async def _ask(self, errand: Errand, node: str, now: float) -> bytes | None:
        """Return what a node answers, None if it did not: it may have heard it then, or nobody was there."""
        errand.asked_at = errand.asked_at or now
        ask = msgspec.structs.replace(errand.ask, age=now - errand.asked_at)
        seconds = min(ASK_SECONDS, max(errand.end - now, PAUSE_SECONDS))
        try:
            return await self._line.ask(subject_of(node), ask.encode(), seconds)
        except StoreAway:
            errand.heard_by = node
            return None
