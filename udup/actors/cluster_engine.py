"""A node's keeper at work: on NATS, with the job store read for what is wanted, and with asks of and by other nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any

from nats.errors import Error as NatsError

from udup.actors.errands import Errand, Errands
from udup.actors.keeper_told import (
    AreYouThere,
    Asked,
    Begun,
    Gone,
    Hangs,
    Holding,
    NobodyElse,
    NobodyReaches,
    OrderGiven,
    Routed,
)
from udup.actors.pulse import END_SECONDS, HANGS_SECONDS, PULSE, PulseWatch
from udup.actors.pulse import LOOK_SECONDS as PULSE_SECONDS
from udup.base import logs, runtime
from udup.cluster.asking import Answer, Ask, subject_of
from udup.cluster.beats import Beat
from udup.cluster.begins import NotOurs
from udup.cluster.elsewhere import Elsewhere
from udup.cluster.guest_words import WIRE
from udup.cluster.keeper import Host, NodeKeeper
from udup.cluster.limits import Limits
from udup.cluster.nats_line import NatsLine
from udup.cluster.node_of import NodeOfCluster
from udup.cluster.ordering import Ordering
from udup.cluster.orders import Order, nothing
from udup.cluster.ports import Change, StoreAway
from udup.cluster.told import Carrying
from udup.cluster.view import View, look_around
from udup.cluster.visits import Visits
from udup.cluster.wishes import Wishes
from udup.jobs.record import FORMAT
from udup.store.batch import NoBatches
from udup.store.mirror import Mirror
from udup.store.store import JOBS_BUCKET

#: Seconds between two looks at the records, and between two views.
LOOK_SECONDS, VIEW_SECONDS = 0.4, 0.5

#: Views without news that are told all the same, so that their ages are known: one in so many.
VIEW_ANYWAY = 4

_LOST = (NatsError, OSError, TimeoutError, asyncio.TimeoutError, NoBatches)


class ClusterEngine:
    """`tell` hands on what is told. All but `run` is called on the loop of `run`."""

    def __init__(self, me: NodeOfCluster, url: str, tell: Callable[[object], None]) -> None:
        self._me, self._url, self._tell = me, url, tell
        self._limits = Limits()
        self._wishes = Wishes(self._limits.dead)
        self._carrying = Carrying(max=me.max_jobs, ready=False)
        self._beat = Beat(
            node=me.node, incarnation=runtime.new_id(), number=0, role=me.role, name=me.name,
            datacenter=me.datacenter, address=me.address, build=me.build, wire=(WIRE, WIRE), format=FORMAT,
        )  # fmt: skip
        self._keeper: NodeKeeper | None = None
        self.visits = Visits(me.node, self._limits, tell)
        self._line: NatsLine
        self._tasks: asyncio.TaskGroup
        self._held = False
        self._answers: dict[int, Callable[[bytes], None]] = {}
        self._asked = 0
        self._view: tuple[View, int] = (View(), 0)
        self._watch = PulseWatch(PULSE.at(), runtime.now())
        self._log = logs.logger("keeper", node=me.node)

    async def run(self) -> None:
        """Do it all, until it is cancelled."""
        self._line = line = await self._connected()
        host = Host(self._now_carrying, lambda: self._wishes.wanted, self._told, runtime.now)
        self._keeper = keeper = NodeKeeper(self._beat, self._me.voters, line, line, host, self._limits)
        await line.listen(keeper.heard, self._changed)
        await line.serve(subject_of(self._me.node), self._on_ask)
        await self.visits.open(line, keeper.owners)
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                for part in (keeper.run(), self._look(line), self._show(), self._watch_supervisor(), self.visits.run()):
                    tasks.create_task(part)
        finally:
            with suppress(*_LOST):
                await asyncio.wait_for(line.close(), 1)

    def _changed(self, change: Change) -> None:
        assert self._keeper is not None
        if change.data is None:
            self._wishes.removed(change.key)
        self._keeper.changed(change)

    async def _connected(self) -> NatsLine:
        while True:
            try:
                return await NatsLine.open(self._url, "udup keeper", self._me.role)
            except StoreAway:
                await asyncio.sleep(self._limits.retry)

    def _now_carrying(self) -> Carrying:
        jobs = sum(1 for _ in self._keeper.owners.of_node(self._me.node)) if self._keeper is not None else 0
        return replace(self._carrying, jobs=jobs)

    def _told(self, told: object) -> None:
        self._tell(told)

    # ---- What the supervisor asks ----

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        if self._keeper is None:
            work.close()  # asked again when this one has said what it holds
        else:
            self._tasks.create_task(work)

    def ready(self, *, draining: bool = False) -> None:
        """Say in beats that jobs may be given to this node, or that it drains."""
        self._carrying = replace(self._carrying, ready=True, draining=draining)
        if self._keeper is not None:
            self._keeper.beat_now()

    def begin(self, job: str, token: int) -> None:
        """Ask for a run's number; answered by `Begun`."""
        self._do(self._begin(job, token))

    async def _begin(self, job: str, token: int) -> None:
        assert self._keeper is not None
        got = await self._keeper.begin(job, token)
        self._tell(Begun(job, token, 0, got.reason) if isinstance(got, NotOurs) else Begun(job, token, got))

    def hand_over(self, job: str, token: int) -> None:
        """Give a job away whose run has ended; `Lost` follows."""
        self._do(self._done(self._keeper.hand_over(job, token), job) if self._keeper else _nothing())

    def forget(self, job: str, token: int) -> None:
        """Give up a job that is deleted; `Lost` follows."""
        self._do(self._done(self._keeper.forget(job, token), job) if self._keeper else _nothing())

    def try_elsewhere(self, job: str, token: int, reason: str) -> None:
        """Have another node try a job: `Lost` follows, or `NobodyElse` answers."""
        self._do(self._try_elsewhere(job, token, reason))

    async def _try_elsewhere(self, job: str, token: int, reason: str) -> None:
        others = await self._elsewhere().give(job, token, reason)
        if others is not None:
            self._tell(NobodyElse(job, token, dict(others)))

    def _elsewhere(self) -> Elsewhere:
        assert self._keeper is not None
        return Elsewhere(self._me.node, self._keeper, lambda: self._wishes.wanted, self._limits)

    def reach_elsewhere(self, job: str, token: int, reason: str) -> None:
        """Have another node try a job whose server is away from here: `Lost` follows, or `NobodyReaches` answers."""
        self._do(self._reach_elsewhere(job, token, reason))

    async def _reach_elsewhere(self, job: str, token: int, reason: str) -> None:
        again_in = await self._elsewhere().reach(job, token, reason)
        if again_in is not None:
            self._tell(NobodyReaches(job, token, again_in))

    def forget_failures(self, job: str, token: int, *, failures: bool) -> None:
        """Let all nodes try a job again; without `failures` those from which a server was away."""
        self._do(self._elsewhere().forget(job, token, failures=failures) if self._keeper else _nothing())

    async def _done(self, work: Coroutine[Any, Any, int | NotOurs], job: str) -> None:
        got = await work
        if isinstance(got, NotOurs):
            self._log.info("job_was_not_given_up", job=job, why=got.reason)

    def leave(self) -> None:
        """Say that this node is gone; answered by `Gone`."""
        if self._keeper is None:
            self._tell(Gone())
        self._do(self._leave())

    async def _leave(self) -> None:
        assert self._keeper is not None
        await self._keeper.leave()
        self._tell(Gone())

    def order(self, ticket: int, order: Order) -> None:
        """Carry out an operator's order; answered by `OrderGiven`."""
        if self._keeper is None:
            text = "this node has not reached its cluster yet; try again in a moment"
            self._tell(OrderGiven(ticket, nothing(failed=text)))
        self._do(self._order(ticket, order))

    async def _order(self, ticket: int, order: Order) -> None:
        assert self._keeper is not None
        ordering = Ordering(self._keeper, lambda: self._wishes.wanted, runtime.wall, self._limits)
        ordered = await ordering.carry_out(order)
        self._log.info("order", order=order, goes=dict(ordered.goes), stays=dict(ordered.stays), failed=ordered.failed)
        self._tell(OrderGiven(ticket, ordered))

    # ---- Wishes for jobs of other nodes ----

    def route(self, ticket: int, ask: Ask, seconds: float) -> None:
        """Bring a wish to who owns the job; answered by `Routed`."""
        if self._keeper is None:
            self._tell(Routed(ticket, failed="this node has not reached its cluster yet; try again in a moment"))
        self._do(self._route(ticket, ask, seconds))

    async def _route(self, ticket: int, ask: Ask, seconds: float) -> None:
        assert self._keeper is not None
        errands = Errands(self._me.node, self._keeper, self._line)
        self._tell(await errands.bring(Errand(ticket, ask, runtime.now(), seconds)))

    def _on_ask(self, data: bytes, answer: Callable[[bytes], None]) -> None:
        if (ask := Ask.decode(data)) is not None:
            self._asked += 1
            self._answers[self._asked] = answer
            self._tell(Asked(self._asked, ask))

    def answer(self, number: int, answer: Answer) -> None:
        """Answer another node."""
        if (send := self._answers.pop(number, None)) is not None:
            send(answer.encode())

    # ---- Loops ----

    async def _look(self, line: NatsLine) -> None:
        """Read the job store; make the bucket of owners when that has begun, and say what this node holds."""
        mirror = line.mirror(JOBS_BUCKET)
        assert self._keeper is not None
        while True:
            with suppress(StoreAway, *_LOST):
                await self._read(mirror)
                if self._wishes.wanted is not None:
                    await self._make_bucket(line)
                if self._keeper.owners.is_complete and not self._held:
                    self._held = True
                    self._tell(Holding(frozenset(self._keeper.owners.of_node(self._me.node))))
            await asyncio.sleep(LOOK_SECONDS)

    async def _make_bucket(self, line: NatsLine) -> None:
        """Make the bucket of owners where it is not there: at the start, and when somebody has removed it.

        Its numbers begin behind all that are known: a target knows them, and refuses runs with lower ones.
        """
        assert self._keeper is not None
        contact = self._keeper.contact()
        if self._me.replicas and (contact is None or contact > self._limits.dead):
            first = max(runtime.wall_ns() // 1_000_000, self._keeper.owners.last + 1)
            await line.make(self._me.replicas, first)

    async def _read(self, mirror: Mirror) -> None:
        assert self._keeper is not None
        await mirror.refresh()
        self._wishes.take(mirror.values, self._keeper.owners)
        self._wishes.hear(self._keeper.hearing, runtime.now(), runtime.wall())

    async def _show(self) -> None:
        assert self._keeper is not None
        while True:
            view = look_around(self._keeper, self._beat, self._wishes.wanted, runtime.now())
            told, left = self._view
            if left <= 0 or replace(view, contact=None) != replace(told, contact=None):
                self._tell(view)
                self._view = view, VIEW_ANYWAY
            else:
                self._view = told, left - 1
            await asyncio.sleep(VIEW_SECONDS)

    async def _watch_supervisor(self) -> None:
        """Say in beats that the supervisor hangs, so that others take its jobs; then have its process ended."""
        while True:
            if self._watch.asks:
                self._tell(AreYouThere())
            await asyncio.sleep(PULSE_SECONDS)
            silent = self._watch.look(PULSE.at(), runtime.now())
            if (hangs := silent >= HANGS_SECONDS) != self._carrying.hangs:
                self._log.error("supervisor_hangs" if hangs else "supervisor_works_again", seconds=round(silent))
                self._carrying = replace(self._carrying, hangs=hangs)
                if self._keeper is not None:
                    self._keeper.beat_now()
            if silent >= END_SECONDS:
                self._tell(Hangs(silent))

    def asked_supervisor(self) -> None:
        """A question to the supervisor has been sent."""
        self._watch.asked()


async def _nothing() -> None:
    """Nobody is there yet who could do it."""
