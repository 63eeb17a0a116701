"""A node's keeper at work: on NATS, with the job store read for what is wanted, and with asks of and by other nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from nats.errors import Error as NatsError

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
from udup.cluster.orders import Order, Ordered, nothing
from udup.cluster.ports import Change, StoreAway
from udup.cluster.told import Carrying
from udup.cluster.view import View, look_around
from udup.cluster.visits import Visits
from udup.cluster.wishes import Wishes
from udup.store.batch import NoBatches
from udup.store.mirror import Mirror
from udup.store.store import JOBS_BUCKET

#: Seconds between two looks at the records, and between two views.
LOOK_SECONDS, VIEW_SECONDS = 0.4, 0.5

#: Views without news that are told all the same, so that their ages are known: one in so many.
VIEW_ANYWAY = 4

#: Seconds for which another node is asked again that does not own the job, or is not there; and between two times.
AGAIN_SECONDS, PAUSE_SECONDS = 5.0, 0.2

#: Seconds for an answer before the same is asked once more.
ASK_SECONDS = 2.0

_LOST = (NatsError, OSError, TimeoutError, asyncio.TimeoutError, NoBatches)


# ---- What is said beside `keeper.Told` ----


@dataclass(frozen=True)
class Holding:
    """These jobs are this node's, by the first reading of the bucket; what it carries besides, it has lost."""

    jobs: frozenset[str]


@dataclass(frozen=True)
class Begun:
    """A run of the job may begin, by this number; or not, `number` 0, and why."""

    job: str
    token: int
    number: int
    why: str = ""


@dataclass(frozen=True)
class Routed:
    """Where a wish belongs: the other node's `answer`; or `here`; or nobody's who lives, `node` had it last.

    `failed` says why it could not be found out, or that nobody knows whether it was heard.
    """

    ticket: int
    answer: Answer | None = None
    here: bool = False
    node: str = ""
    failed: str = ""


@dataclass(frozen=True)
class Asked:
    """Another node asks. `AnswerNode` of its number answers."""

    number: int
    ask: Ask


@dataclass(frozen=True)
class NobodyElse:
    """No node is left that could try a job which has failed here; `others`: what those that tried have met."""

    job: str
    token: int
    others: Mapping[str, str]


@dataclass(frozen=True)
class NobodyReaches:
    """No other node is to be tried now with a job whose server is away; `again_in`: seconds until to ask again."""

    job: str
    token: int
    again_in: float


@dataclass(frozen=True)
class OrderGiven:
    """What comes of an operator's order."""

    ticket: int
    ordered: Ordered


@dataclass(frozen=True)
class Gone:
    """This node has said that it is gone."""


@dataclass(frozen=True)
class AreYouThere:
    """Needs no answer: it is noted that it was handled (`pulse.py`)."""


@dataclass(frozen=True)
class Hangs:
    """The supervisor has handled nothing for so long: its process is to be ended."""

    seconds: float


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


class ClusterEngine:
    """`tell` hands on what is told. All but `run` is called on the loop of `run`."""

    def __init__(self, me: NodeOfCluster, url: str, tell: Callable[[object], None]) -> None:
        self._me, self._url, self._tell = me, url, tell
        self._limits = Limits()
        self._wishes = Wishes(self._limits.dead)
        self._carrying = Carrying(max=me.max_jobs, ready=False)
        self._beat = Beat(
            node=me.node, incarnation=runtime.new_id(), number=0, role=me.role, name=me.name,
            datacenter=me.datacenter, address=me.address, build=me.build, wire=(WIRE, WIRE),
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
        errand = Errand(ticket, ask, runtime.now(), seconds)
        while (routed := await self._try_route(errand)) is None:
            await asyncio.sleep(PAUSE_SECONDS)
            if runtime.now() > errand.until:
                routed = self._given_up(errand)
                break
        self._tell(routed)

    def _given_up(self, errand: Errand) -> Routed:
        """Return what is known of a wish that was not answered in time."""
        job = errand.ask.job
        if errand.heard_by:
            why = f"node {errand.heard_by}, which owned job {job}, has not answered: it may have heard the wish, or not"
            return Routed(errand.ticket, node=errand.heard_by, failed=why)
        node = self._owner_of(job)
        return Routed(errand.ticket, node=node, failed=f"node {node}, which owns job {job}, cannot be asked")

    def _owner_of(self, job: str) -> str:
        assert self._keeper is not None
        owner = self._keeper.owners.jobs.get(job)
        return owner.node if owner is not None else ""

    async def _try_route(self, errand: Errand) -> Routed | None:
        """Return where it belongs, None if that is to be looked at again.

        Who may have heard it is asked again, and does it once; nobody else is then.
        """
        keeper, ticket = self._keeper, errand.ticket
        assert keeper is not None
        if not keeper.owners.is_complete:
            return None
        node = self._owner_of(errand.ask.job)
        if errand.heard_by and node != errand.heard_by:
            return self._given_up(errand)
        if node == self._me.node:
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
