"""Simulated nodes, each with the real NodeKeeper and a supervisor of a few lines; their target; and what must hold."""

from __future__ import annotations

import asyncio
import traceback
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from tests.cluster.fake_nats import Client, Network, Server
from tests.cluster.virtual import Clock, NodeLoop
from udup.cluster.beats import Beat, Role
from udup.cluster.begins import NotOurs
from udup.cluster.coordinator import KnownNode, Wanted
from udup.cluster.guest_words import WIRE
from udup.cluster.keeper import Host, NodeKeeper
from udup.cluster.limits import Limits
from udup.cluster.orders import is_order
from udup.cluster.owners import LEADER, Owner, Owners
from udup.cluster.placement import Wish
from udup.cluster.ports import Change
from udup.cluster.told import Carrying, Leave, Lost, Owned, Told

LIMITS = Limits()


class _Silent:
    """Thousands of lines of log take longer than the histories."""

    def __getattr__(self, level: str) -> Any:
        return lambda event, **values: None


class Violation(AssertionError):
    """Something that must never happen."""


@dataclass
class Target:
    """Fenced registers: a run takes a job over by its number, and the last one's number alone commits."""

    clock: Clock
    versions: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    committed: dict[str, tuple[float, str]] = field(default_factory=dict)
    taken: list[tuple[float, str, str]] = field(default_factory=list)

    def take(self, job: str, number: int, node: str) -> bool:
        if number <= self.versions[job]:
            return False
        self.versions[job] = number
        self.taken.append((self.clock.now, job, node))
        return True

    def commit(self, job: str, number: int, node: str) -> bool:
        if number != self.versions[job]:
            return False
        self.committed[job] = self.clock.now, node
        return True


class Node:
    """A machine: its server, and from time to time another process with keeper and supervisor."""

    def __init__(self, world: Cluster, name: str, role: Role, datacenter: str = "dc1") -> None:
        self.world, self.name, self.role, self.datacenter = world, name, role, datacenter
        self.starts = 0
        self.draining = self.hangs = False
        self.loop: NodeLoop | None = None
        self.start()

    @property
    def works(self) -> bool:
        return self.loop is not None and self.loop.works and self.world.network.works(self.name)

    def start(self) -> None:
        world = self.world
        self.starts += 1
        self.started_at, self.has_left = world.clock.now, False
        loop = self.loop = NodeLoop(world.clock, self.name)
        world.loops.append(loop)
        self.tokens: dict[str, int] = {}
        self.leaves: dict[str, Leave] = {}
        self.runs: dict[str, asyncio.Task[None]] = {}
        me = Beat(
            node=self.name,
            incarnation=f"{self.name}-{self.starts}",
            number=0,
            role=self.role,
            datacenter=self.datacenter,
            wire=(WIRE, WIRE),
        )
        client = Client(world.network, self.name, loop)
        host = Host(self._carrying, lambda: world.wanted, self._told, lambda: world.clock.now)
        self.keeper = NodeKeeper(me, world.voters, client, client, host, LIMITS)
        self.keeper._log = _Silent()
        client.listen(self.keeper.heard, self.keeper.changed)
        loop.create_task(self.keeper.run()).add_done_callback(self._ended)
        loop.create_task(self._look_for_deleted())

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.world.crashes.append(f"{self.name}: {''.join(traceback.format_exception(error))}")

    def _carrying(self) -> Carrying:
        return Carrying(len(self.tokens), 100, True, self.draining, hangs=self.hangs)

    # ---- Its supervisor ----

    def _told(self, told: Told) -> None:
        assert self.loop is not None
        if self.hangs:
            return  # its runs go on, and are shut out at the target
        if isinstance(told, Lost):
            self.tokens.pop(told.job, None)
            self.leaves.pop(told.job, None)
            self._end(told.job)
        elif isinstance(told, Owned):
            self.leaves.pop(told.job, None)
            self.tokens[told.job] = told.token
            if told.job not in self.runs:
                self.runs[told.job] = self.loop.create_task(self._work(told.job))
        elif isinstance(told, Leave):
            self.tokens[told.job] = told.token
            if told.job not in self.leaves:
                self.loop.create_task(self._leave(told.job))
            self.leaves[told.job] = told

    def _end(self, job: str) -> None:
        if (task := self.runs.pop(job, None)) is not None:
            task.cancel()

    async def _leave(self, job: str) -> None:
        await asyncio.sleep(self.world.clock.between("wind up", 0.05, 0.5))
        while job in self.leaves:  # told again meanwhile, it has another token
            self._end(job)
            token = self.tokens[job]
            await self.keeper.hand_over(job, token)
            if self.tokens.get(job) == token:
                self.leaves.pop(job, None)
        if job in self.tokens and job not in self.runs:  # it stays after all
            self.runs[job] = asyncio.get_running_loop().create_task(self._work(job))

    async def _look_for_deleted(self) -> None:
        while True:
            await asyncio.sleep(0.5)
            for job in [job for job in self.tokens if self.world.wanted.wishes[job].ended]:
                self._end(job)
                await self.keeper.forget(job, self.tokens[job])
                self.tokens.pop(job, None)

    async def leave(self) -> None:
        """As on SIGTERM: wind all runs up, say that the node is gone, and end."""
        self.tokens.clear()
        for job in list(self.runs):
            self._end(job)
        self.has_left = True
        await self.keeper.leave()
        await asyncio.sleep(0.05)
        self.world.kill(self.name, machine=False)

    async def _work(self, job: str) -> None:
        clock, target = self.world.clock, self.world.target
        while job in self.tokens:
            number = await self.keeper.begin(job, self.tokens[job])
            if isinstance(number, NotOurs):
                await asyncio.sleep(0.3)
                continue
            self.world.granted(self, job, number)
            if target.take(job, number, self.name):
                while target.commit(job, number, self.name):
                    await asyncio.sleep(0.4)
                    if clock.rand(f"run {self.name}") < self.world.runs_end:
                        break  # a run ends by itself, too
            await asyncio.sleep(1.0)


class Cluster:
    def __init__(self, seed: int, roles: list[tuple[str, Role, str]], wishes: list[Wish]) -> None:
        self.clock = Clock(seed)
        self.network = Network(self.clock)
        self.target = Target(self.clock)
        self.runs_end = 0.005  # the chance of a run to end by itself, each 0.4 s
        self.loops: list[NodeLoop] = []
        self.crashes: list[str] = []
        self.voters = sum(role.votes for _, role, _ in roles)
        self.wanted = Wanted(
            {wish.job: wish for wish in wishes}, 1, {name: KnownNode(name, name, dc) for name, _, dc in roles}
        )
        for name, role, _ in roles:
            self.network.servers[name] = Server(name, role.votes)
        self.network.on_commit = self._committed
        self.truth = Owners()
        self.truth.is_complete = True
        self.commits: dict[int, tuple[float, str]] = {}
        self.counts: dict[str, int] = defaultdict(int)
        self._continuous: dict[tuple[str, str], float] = {}
        self.nodes = {name: Node(self, name, role, dc) for name, role, dc in roles}
        for client in self.network.clients.values():
            self._note_beats(client)
        self.network.watch()

    def close(self) -> None:
        for loop in self.loops:
            loop.close()

    # ---- Faults ----

    def kill(self, name: str, *, machine: bool = True) -> None:
        node = self.nodes[name]
        if node.loop is not None:
            node.loop.kill()
        if machine:
            self.network.servers[name].alive = False
            self.network.servers[name].led_until = 0

    def restart(self, name: str) -> None:
        self.network.servers[name].alive = True
        loop = self.nodes[name].loop
        if loop is None or not loop.alive:
            self.nodes[name].start()
            self._note_beats(self.network.clients[name])

    def freeze(self, name: str, seconds: float, *, machine: bool = True) -> None:
        loop = self.nodes[name].loop
        if loop is not None:
            loop.freeze(seconds)
        if machine:
            self.network.servers[name].frozen_until = self.clock.now + seconds

    def wish(self, *changed: Wish) -> None:
        """Have jobs wanted, or not any more."""
        wishes = {**self.wanted.wishes, **{wish.job: wish for wish in changed}}
        self.wanted = Wanted(wishes, self.wanted.version + 1, self.wanted.nodes)

    # ---- What must hold ----

    def _note_beats(self, client: Client) -> None:
        """Note how long beats have come to each node without a gap."""
        network, deliver = self.network, client.deliver_beat

        def noted(sender: str, data: bytes) -> None:
            before = network.heard_at.get((sender, client.name), -1.0)
            if self.clock.now - before > LIMITS.dead - 0.5:
                self._continuous[sender, client.name] = self.clock.now
            deliver(sender, data)

        client.deliver_beat = noted  # type: ignore[method-assign]

    def granted(self, node: Node, job: str, number: int) -> None:
        """A run may begin: the store has said so just now, for this node, and for nobody else behind it."""
        when, writer = self.commits[number]
        if writer != node.name:
            raise Violation(f"{node.name} got number {number} of {job}, which {writer} has written")
        if self.clock.now - when > LIMITS.store + 0.01:
            raise Violation(f"{node.name} got number {number} of {job}, {self.clock.now - when:.1f} s old")

    def _committed(self, seq: int, key: str, data: bytes | None, writer: str, sent: float) -> None:
        self.commits[seq] = self.clock.now, writer
        before_leader = self.truth.leader
        before = dict(self.truth.jobs)
        job = self.truth.take(Change(key, data, seq))
        if is_order(key):
            self.counts["ordered"] += 1
            return
        if key == LEADER:
            self.counts["leaders"] += 1
            self._check_decision(writer, sent, before_leader)
            return
        was, now = before.get(job), self.truth.jobs.get(job)
        if now is None:
            if was is not None and not self.wanted.wishes[job].ended:
                raise Violation(f"{writer} removed {job}, which is wanted")
            if was is not None and writer not in (was.node, before_leader):
                raise Violation(f"{writer} removed {job} of {was.node}")
            self.counts["removed"] += 1
            return
        if now.run or (
            was is not None and was.node == writer and (was.to == now.node or writer in {*now.failed, *now.away})
        ):
            self._check_own(writer, was, now)
            return
        if writer != before_leader:
            raise Violation(f"{writer} places {job}, and the leader is {before_leader}")
        taken = was is not None and was.node != now.node
        self.counts["taken" if taken else "given" if was is None else "marked"] += 1
        self._check_decision(writer, sent, was.node if was is not None and taken else "")

    def _check_own(self, writer: str, was: Owner | None, now: Owner) -> None:
        if was is None or was.node != writer:
            raise Violation(f"{writer} begins or hands over {now.job}, which {was and was.node} owns")
        if now.run and now.node != writer:
            raise Violation(f"{writer} begins {now.job} for {now.node}")
        self.counts["begun" if now.run else "handed over"] += 1

    def _check_decision(self, by: str, sent: float, victim: str) -> None:
        """Nobody decides without a quorum, and nobody loses a job who is heard."""
        heard = self.network.heard_at
        voters = [name for name, node in self.nodes.items() if node.role.votes]
        quorum = len(voters) // 2 + 1
        near = [name for name in voters if name == by or heard.get((name, by), -9.0) > sent - LIMITS.dead - 0.05]
        if len(near) < quorum:
            raise Violation(f"{by} decides at {sent:.2f} with {near}")
        if not victim or self.nodes[victim].has_left or self.nodes[victim].hangs:
            return
        if max(sent - LIMITS.dead + 0.1, self.nodes[victim].started_at) < heard.get((victim, by), -9.0) < sent - 0.02:
            raise Violation(f"false take-over at {sent:.2f}: {by} had heard {victim}")
        loud = [name for name in voters if name != victim and self._hears_all_along(victim, name, sent)]
        if len(voters) - len(loud) - (victim in voters) < quorum:
            raise Violation(f"false take-over at {sent:.2f}: {by} from {victim}, which {loud} have heard all along")

    def _hears_all_along(self, sender: str, receiver: str, when: float) -> bool:
        since = self._continuous.get((sender, receiver), 1e9)
        last = self.network.heard_at.get((sender, receiver), -9.0)
        since = max(since, self.nodes[sender].started_at)
        return since < when - 2 * LIMITS.dead - 1 and last > when - LIMITS.dead + 0.5

    def check_rest(self) -> None:
        """All are there and reach each other, for long enough: each job works where it belongs."""
        crashes = self.crashes + [crash for loop in self.loops for crash in loop.crashes]
        if crashes:
            raise Violation(crashes[0])
        for job, wish in self.wanted.wishes.items():
            owner = self.truth.jobs.get(job)
            if wish.ended:
                if owner is not None:
                    raise Violation(f"{job} is deleted, and {owner.node} owns it")
                continue
            when, node = self.target.committed.get(job, (-1.0, ""))
            if owner is None or node != owner.node or when < self.clock.now - 2.5:
                raise Violation(f"{job} ({owner}) was carried last at {when:.1f} by {node}")
            if wish.dest.node_id and not wish.failover and owner.node != wish.dest.node_id:
                raise Violation(f"{job} is on {owner.node}, and names {wish.dest.node_id}")
            drains = {name for name, each in self.nodes.items() if each.draining} | set(self.truth.orders.drains)
            able = [name for name, each in self.nodes.items() if name not in drains and each.role is not Role.WITNESS]
            if not wish.dest.node_id and owner.node in drains and able:
                raise Violation(f"{job} is still on {owner.node}, which drains")
