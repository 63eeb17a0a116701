"""NATS between simulated nodes: beats that get lost with their links, and a bucket that a raft group keeps.

A link goes one way. The bucket's leader is one of the managers; while it is away (dead, frozen, cut off from a quorum)
nothing can be written, for as long as an election takes. One that is cut off answers questions for ten seconds as if
nothing had happened. An answer can be lost when the write is done, and a write can be done long after it was given up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.cluster.virtual import Clock, NodeLoop
from udup.cluster.ports import Change, LostRace, News, StoreAway

#: Seconds for which a leader that is cut off answers questions.
OLD_LEADER = 10.0

#: Turns of the loop from a socket that can be read to a subscription's callback.
HOPS = 4


@dataclass
class Server:
    """A node's nats-server. It dies and freezes with its machine, and not with the keeper's process alone."""

    name: str
    keeps_store: bool
    alive: bool = True
    frozen_until: float = 0.0
    applied: int = 0  # messages of the log that this replica has
    led_until: float = 0.0  # answers as a leader until then


@dataclass
class Network:
    """Who reaches whom, and the log."""

    clock: Clock
    servers: dict[str, Server] = field(default_factory=dict)
    cut: set[tuple[str, str]] = field(default_factory=set)
    log: list[tuple[str, bytes | None]] = field(default_factory=list)
    leader: str = ""
    elects: bool = False
    slow: float = 0.0  # seconds that writes take at most besides
    delays: dict[str, float] = field(default_factory=dict)  # of what a node writes
    refused: int = 0
    loses_acks: float = 0.0
    loses_news: float = 0.0
    loses_beats: float = 0.0
    heard_at: dict[tuple[str, str], float] = field(default_factory=dict)  # (from, to): when a beat came
    clients: dict[str, Client] = field(default_factory=dict)
    on_commit: Callable[[int, str, bytes | None, str, float], None] = lambda *_: None

    def works(self, name: str) -> bool:
        server = self.servers[name]
        return server.alive and server.frozen_until <= self.clock.now

    def reaches(self, one: str, other: str) -> bool:
        return (one, other) not in self.cut and self.works(one) and self.works(other)

    def both_ways(self, one: str, other: str) -> bool:
        return self.reaches(one, other) and self.reaches(other, one)

    # ---- Raft, as seen from outside ----

    @property
    def replicas(self) -> list[str]:
        return [name for name, server in self.servers.items() if server.keeps_store]

    def majority(self, name: str) -> bool:
        """Whether this replica, as leader, has a quorum behind it."""
        with_it = sum(other == name or self.both_ways(name, other) for other in self.replicas)
        return self.works(name) and with_it > len(self.replicas) // 2

    def watch(self) -> None:
        """Each 0.1 s: replicas catch up, a leader that has lost its quorum is missed, and another elected."""
        if self.leader and self.majority(self.leader):
            self.servers[self.leader].led_until = self.clock.now + OLD_LEADER
            for name in self.replicas:
                if name == self.leader or self.both_ways(self.leader, name):
                    self.servers[name].applied = len(self.log)
        elif not self.elects:
            self.elects = True
            at_once = len(self.replicas) == 1 or not self.leader
            self.clock.after(0.1 if at_once else self.clock.between("raft", 4, 9), self._elect)
        self.clock.after(0.1, self.watch)

    def _elect(self) -> None:
        self.elects = False
        able = [name for name in self.replicas if self.majority(name)]
        if able and not (self.leader and self.majority(self.leader)):
            self.leader = able[int(self.clock.rand("raft") * len(able))]
            self.servers[self.leader].applied = len(self.log)

    # ---- What a node's client does ----

    def write(self, node: str, key: str, data: bytes | None, last: int | None, revision: int | None) -> int | None:
        """Carry out a write that has arrived; None if nobody could."""
        if not (self.leader and self.majority(self.leader) and self.both_ways(node, self.leader)):
            return None
        if last is not None and last != len(self.log):
            raise LostRace
        if revision is not None and revision != self.revision(key):
            raise LostRace
        self.log.append((key, data))
        seq = len(self.log)
        self.servers[self.leader].applied = seq
        for client in self.clients.values():
            if self.reaches(self.leader, client.name) and self.clock.rand("news") >= self.loses_news:
                client.deliver_change(Change(key, data, seq))
        return seq

    def revision(self, key: str, upto: int | None = None) -> int:
        upto = len(self.log) if upto is None else upto
        return next((seq for seq in range(upto, 0, -1) if self.log[seq - 1][0] == key), 0)

    def reader(self, node: str) -> Server | None:
        """The replica that answers a question: the leader, or one that was, or for a direct get any."""
        able = [
            self.servers[name]
            for name in self.replicas
            if (name == self.leader or self.servers[name].led_until > self.clock.now) and self._asks(node, name)
        ]
        return able[int(self.clock.rand("reader") * len(able))] if able else None

    def _asks(self, node: str, name: str) -> bool:
        return self.works(name) if node == name else self.both_ways(node, name)


class Client:
    """Both seams, for one process of one node. A new one at each start."""

    def __init__(self, network: Network, name: str, loop: NodeLoop) -> None:
        self._network, self.name, self._loop = network, name, loop
        self._heard: Callable[[bytes], None] = lambda _: None
        self._changed: Callable[[Change], None] = lambda _: None
        network.clients[name] = self
        self._came = 0.0
        self.voters = False

    def listen(self, heard: Callable[[bytes], None], changed: Callable[[Change], None]) -> None:
        self._heard, self._changed = heard, changed

    def deliver_change(self, change: Change) -> None:
        """In order, as one connection brings them."""
        clock = self._network.clock
        self._came = max(self._came, clock.now + clock.between(f"way {self.name}", 0.0003, 0.004))
        clock.at(self._came, lambda: self._loop.call_soon(self._changed, change))

    async def send(self, data: bytes) -> None:
        network, clock = self._network, self._network.clock
        if not network.works(self.name):
            raise StoreAway("no server")
        for name, client in network.clients.items():
            if network.reaches(self.name, name) and clock.rand("beat") >= network.loses_beats:
                came = clock.now + clock.between(f"beat {self.name}", 0.0003, 0.01)
                clock.at(came, lambda client=client: client.deliver_beat(self.name, data))  # type: ignore[misc]

    def deliver_beat(self, sender: str, data: bytes) -> None:
        self._network.heard_at[sender, self.name] = self._network.clock.now
        self._in_turn(HOPS if self._loop.frozen_until > self._network.clock.now else 0, self._heard, data)

    def _in_turn(self, hops: int, call: Callable[[Any], None], what: Any) -> None:
        """Hand on what has come. A process that was frozen gets it some turns of its loop later, as from a socket."""
        if hops:
            self._loop.call_soon(self._in_turn, hops - 1, call, what)
        else:
            self._loop.call_soon(call, what)

    async def write(self, key: str, data: bytes | None, last: int) -> int:
        return await self._call(lambda: self._write(key, data, last, None))

    async def rewrite(self, key: str, data: bytes | None, revision: int) -> int:
        return await self._call(lambda: self._write(key, data, None, revision))

    def _write(self, key: str, data: bytes | None, last: int | None, revision: int | None) -> int | None:
        seq = self._network.write(self.name, key, data, last, revision)
        if seq is not None:
            self._network.on_commit(seq, key, data, self.name, self._sent)
        return seq

    async def news(self, after: int, made: str) -> News:
        def look() -> News | None:
            server = self._network.reader(self.name)
            if server is None:
                return None
            since = after if made else 0
            found = []
            for seq in range(since + 1, server.applied + 1):
                key, data = self._network.log[seq - 1]
                if self._network.revision(key, server.applied) == seq:
                    found.append(Change(key, data, seq))
            return News("one", max(server.applied, since), tuple(found))

        return await self._call(look, loses=0.0)

    async def newest(self, key: str) -> Change | None:
        def look() -> tuple[Change | None] | None:
            server = self._network.reader(self.name)
            if server is None:
                return None
            seq = self._network.revision(key, server.applied)
            return (Change(key, self._network.log[seq - 1][1], seq) if seq else None,)

        return (await self._call(look, loses=0.0))[0]

    async def _call(self, do: Callable[[], Any], loses: float | None = None) -> Any:
        """There, done at one moment, and back. Nobody may answer: the caller has a time limit."""
        network, clock = self._network, self._network.clock
        if not network.works(self.name):
            await asyncio.sleep(0.001)
            raise StoreAway("no server")
        future = self._loop.create_future()
        sent = clock.now
        slow = network.slow * clock.rand("slow") + network.delays.get(self.name, 0.0)

        def answer(result: Any, error: BaseException | None) -> None:
            if not future.done():
                future.set_exception(error) if error is not None else future.set_result(result)

        def arrive() -> None:
            self._sent, result, error = sent, None, None
            try:
                result = do()
            except LostRace as race:
                error = race
                network.refused += 1
            if result is None and error is None:
                return
            lost = network.loses_acks if loses is None else loses
            leader = network.leader
            if clock.rand("ack") >= lost and (leader == self.name or network.reaches(leader, self.name)):
                clock.after(clock.between("back", 0.0002, 0.002), lambda: self._loop.call_soon(answer, result, error))

        clock.after(clock.between("there", 0.0002, 0.002) + slow, arrive)
        return await future
