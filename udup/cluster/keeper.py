"""One node's part in the cluster: it beats, listens, keeps a copy of who owns what, and decides if it leads.

A plain class for an event loop of its own, in a process that does little else: whoever delays its loop for a second
makes the node look paused, to itself and soon to others. It tells its host what jobs it owns, and is asked before a run
begins. Nothing that it holds is lost with the store: a run that has begun goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from udup.base import logs
from udup.cluster.beats import Beat, Hearing, Judgement, Role
from udup.cluster.begins import Begins, Copy, NotOurs, in_time
from udup.cluster.coordinator import Coordinator, Wanted
from udup.cluster.limits import Limits
from udup.cluster.owners import Owner, Owners, is_down
from udup.cluster.ports import BeatLine, Change, LostRace, OwnersStore, StoreAway
from udup.cluster.told import Carrying, Leave, Lost, Owned, Paused, Removed, Told, Twin, Younger


@dataclass(frozen=True)
class Host:
    """What the keeper is told by its node, and tells it.

    `wanted` gives what jobs are wanted, None while that is not known; `now` is a clock that never goes back.
    """

    carrying: Callable[[], Carrying]
    wanted: Callable[[], Wanted | None]
    tell: Callable[[Told], None]
    now: Callable[[], float]


class Bell:
    """Wakes one who waits, or the next who does."""

    def __init__(self) -> None:
        self._rung = False
        self._waiter: asyncio.Future[None] | None = None

    def ring(self) -> None:
        self._rung = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self, seconds: float) -> None:
        """Return when it rings, or has since the last time, or after so many seconds."""
        if not self._rung:
            loop = asyncio.get_running_loop()
            waiter = self._waiter = loop.create_future()
            timer = loop.call_later(seconds, _end, waiter)
            try:
                await waiter
            finally:
                timer.cancel()
        self._rung = False


def _end(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


class NodeKeeper:
    """`me` is what this node's beats say that stays the same. Run `run` on one loop, and ask on that."""

    def __init__(
        self, me: Beat, voters: int, line: BeatLine, store: OwnersStore, host: Host, limits: Limits | None = None
    ) -> None:
        self._me, self._line, self._store, self._host = me, line, store, host
        self._limits = limits = limits or Limits()
        self.owners = Owners()
        self.hearing = Hearing(me.node, me.role, voters, limits, host.now())
        self.coordinator = Coordinator(me.node, me.role, self.owners, limits)
        self._begins = Begins(me.node, me.incarnation, Copy(self.owners, self.take), store, host.now, limits)
        self._held: dict[str, Told] = {}
        self._number = 0
        self._beat_now, self._look_now, self._decide_now = Bell(), Bell(), Bell()
        self._heard: frozenset[str] = frozenset()
        self._twins: tuple[str, ...] = ()
        self._is_twin = self._is_removed = False
        self._confirmed: float | None = None
        self._log = logs.logger("keeper", node=me.node)

    # ---- What the node asks ----

    async def run(self) -> None:
        """Do it all, until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for part in (self._clock, self._beat, self._look, self._decide):
                tasks.create_task(part())

    async def begin(self, job: str, token: int) -> int | NotOurs:
        """Return the number of a run that begins now: higher than every one before. Wait while the store is away."""
        return await self._begins.begin(job, token)

    async def hand_over(self, job: str, token: int) -> int | NotOurs:
        """Give a job away as `Leave` has asked, its run having ended."""
        return await self._begins.hand_over(job, token)

    async def forget(self, job: str, token: int) -> int | NotOurs:
        """Remove the ownership of a job that is deleted, its run having ended."""
        return await self._begins.forget(job, token)

    async def rewrite(self, job: str, token: int, make: Callable[[Owner], Owner]) -> int | NotOurs:
        """Write another value of a job that is this node's, and does not go elsewhere."""
        return await self._begins.rewrite(job, token, make)

    async def order(self, key: str, data: bytes | None) -> bool:
        """Write an order of an operator; False: another was written first, and is known now. Raise `StoreAway`."""
        revision = self.owners.orders.revisions.get(key, 0)
        try:
            number = await in_time(self._store.rewrite(key, data, revision), self._limits.store)
        except LostRace:
            await self.look()
            return False
        self.take(Change(key, data, number))
        return True

    def beat_now(self) -> None:
        """Tell all nodes at once what `Host.carrying` says: it drains, or is ready."""
        self._beat_now.ring()

    async def leave(self) -> None:
        """Say that this node is gone, all its runs having ended: others need not wait for its silence.

        A twin says nothing: of its ID another one is there.
        """
        if not self._is_twin:
            await self._send(gone=True)

    def judgement(self) -> Judgement | None:
        """Return who is there; None while this node may not judge."""
        known = self.coordinator.known(self._host.wanted())
        return self.hearing.judge(self._own_beat(), known, self._host.now())

    def reason(self, job: str) -> str:
        """Return why a job waits, for its StatusDescription; "" if it does not."""
        judgement, wanted = self.judgement(), self._host.wanted()
        if judgement is None:
            hearing = self.hearing
            return f"this node waits to hear {hearing.quorum} of {hearing.voters} managers; see that they run"
        if wanted is None:
            return ""
        return self.coordinator.reason(job, judgement, wanted)

    def contact(self) -> float | None:
        """Return how many seconds ago the store has last answered, None if it never has."""
        return None if self._confirmed is None else self._host.now() - self._confirmed

    def knows_leader(self) -> bool:
        """Whether there is a coordinator that is heard, and the store was there just now."""
        contact, leader = self.contact(), self.owners.leader
        is_heard = leader == self._me.node or self.hearing.hears(leader, self._host.now())
        return bool(leader) and is_heard and contact is not None and contact < self._limits.dead

    # ---- What NATS brings ----

    def heard(self, data: bytes) -> None:
        """Take a beat; this node's own are passed over."""
        beat = Beat.decode(data)
        if beat is None or not beat.node:
            return
        if self._me.incarnation in beat.twins and not self._is_twin:
            self._is_twin = True
            self._host.tell(Younger(self._me.node))
        if beat.node != self._me.node:
            self.hearing.hear(beat, self._host.now())
        elif beat.incarnation != self._me.incarnation:
            self._tell_twins((*self._twins, self._me.node))

    def changed(self, change: Change) -> None:
        """Take what the bucket has republished."""
        self._confirmed = self._host.now()
        self.take(change)
        if self.owners.is_behind(change.seq):
            self._look_now.ring()

    def take(self, change: Change) -> None:
        """Bring a change into the copy, and tell what follows from it."""
        if job := self.owners.take(change):
            self._follow(job)
        self._decide_now.ring()

    # ---- Loops ----

    async def _clock(self) -> None:
        """Ask nothing of anybody: what delays this loop is a pause of this process."""
        while True:
            now = self._host.now()
            if paused := self.hearing.tick(now):
                self._log.warning("node_was_paused", seconds=round(paused, 1))
                self._host.tell(Paused(paused))
            heard = frozenset(self.hearing.heard(now))
            if self._heard - heard:
                self._beat_now.ring()  # others wait for this node's vote
            self._heard = heard
            self._tell_twins(self.hearing.twins(now))
            self._heed_removal()
            await asyncio.sleep(self._limits.tick)

    async def _beat(self) -> None:
        while True:
            await self._send()
            await self._beat_now.wait(self._limits.beat)

    async def _look(self) -> None:
        """Once a second, and when a gap shows that something was missed; not twice at once."""
        while True:
            with suppress(StoreAway):
                await self.look()
            await asyncio.sleep(self._limits.tick)
            await self._look_now.wait(self._limits.look)

    async def look(self) -> None:
        """Find what was missed. Raise `StoreAway`."""
        owners = self.owners
        asked = self._host.now()
        news = await in_time(self._store.news(owners.last, owners.made), self._limits.store)
        self._confirmed = asked
        is_another = bool(owners.made) and news.made != owners.made
        if is_another:
            self._log.error("owners_bucket_is_another", made=news.made, was=owners.made)
        for job in owners.take_news(news):
            self._follow(job)
        self._decide_now.ring()

    async def _decide(self) -> None:
        while True:
            await self._decide_now.wait(await self.step())

    async def step(self) -> float:
        """Make one decision, and one write for it; return for how many seconds to wait then, if nothing happens."""
        if self._me.role is not Role.MANAGER:
            return self._limits.look
        judgement = self.judgement()
        write = None if judgement is None else self.coordinator.decide(judgement, self._host.wanted())
        if write is None:
            return self._limits.tick
        owners = self.owners
        layout, data = owners.layout, write.encode()
        try:
            number = await in_time(self._store.write(write.key, data, owners.last), self._limits.store)
        except LostRace:
            return self._limits.again  # what came first is seen, and makes the plan stale if anything follows from it
        except StoreAway:
            return self._limits.tick  # it may be written all the same, and is seen then
        self._confirmed = self._host.now()
        self.take(Change(write.key, data, number))
        self.coordinator.written(write, layout)
        self._log.info("owner_written", key=write.key, owner=write.order or write.owner, taken_from=write.taken_from)
        return self._limits.tick

    # ---- What follows ----

    def _follow(self, job: str) -> None:
        """Tell the node what has changed for it."""
        owner, revision = self.owners.jobs.get(job), self.owners.revision(job)
        if owner is None or owner.node != self._me.node:
            self._begins.told.pop(job, None)
            if self._held.pop(job, None) is not None:
                self._host.tell(Lost(job, owner.node if owner is not None else ""))
            return
        if self._begins.is_own(owner) and job in self._held:
            return  # a run of ours that begins
        told: Told = (
            Leave(job, revision, owner.to, owner.why)
            if owner.to
            else Owned(
                job,
                revision,
                owner.source,
                owner.previous,
                owner.why,
                tried=bool(owner.failed),
                away=tuple(sorted(owner.away.items())),
                # By why it was taken: that the other node is silent may be known elsewhere first.
                lost=owner.why == is_down(owner.previous) and not self.hearing.has_left(owner.previous),
            )
        )
        self._begins.told[job], self._held[job] = revision, told
        self._host.tell(told)

    def _heed_removal(self) -> None:
        record = self.owners.orders.nodes.get(self._me.node)
        if record is not None and record.removed and not self._is_removed:
            self._is_removed = True
            self._host.tell(Removed())

    def _tell_twins(self, twins: tuple[str, ...]) -> None:
        for node in set(twins) - set(self._twins):
            self._log.error("two_nodes_have_one_id", id=node)
            self._host.tell(Twin(node))
        self._twins = twins

    def _own_beat(self) -> Beat:
        carrying, now = self._host.carrying(), self._host.now()
        judges = self._me.role.votes and self.hearing.judges(now)
        return msgspec.structs.replace(
            self._me,
            number=self._number,
            jobs=carrying.jobs,
            max=carrying.max,
            ready=carrying.ready and not carrying.hangs,
            hangs=carrying.hangs,
            draining=carrying.draining,
            hurry=carrying.hurry,
            judges=judges,
            hears=self.hearing.heard(now) if judges else (),
            twins=self.hearing.younger_twins(now),
        )

    async def _send(self, *, gone: bool = False) -> None:
        self._number += 1
        with suppress(StoreAway):
            await self._line.send(msgspec.structs.replace(self._own_beat(), gone=gone).encode())
