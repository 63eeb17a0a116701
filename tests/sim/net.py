"""NATS in the simulated world: one server a node, in memory, and a client with the face of nats-py's.

Below `Link`, so that its numbers, its splitting and its flushes are the product's own. What a client writes reaches
the server in order, and what the server sends to a client reaches that in order; each subscription has a queue of its
own at the receiver, so the order *between* subjects is not kept there. As in nats-py, commands wait a moment until they
are written, and PING overtakes them. A connection may be lost; between two clients of one server no message vanishes
silently or comes twice, so `drop` and `dup` belong to scenarios of several nodes alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

from nats.errors import ConnectionClosedError
from nats.errors import TimeoutError as NatsTimeoutError

from tests.sim.world import MS, US, Process, S, World
from udup.pipeline.transport.link import _HEAD, Joiner

Deliver = Callable[[bytes], None]
Call = Callable[[], Awaitable[None]]


class Broker:
    """`fate` says what becomes of a message, `on_message` looks at each that was published, whole."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.clients: list[NatsClient] = []
        self.subscriptions: dict[str, list[tuple[NatsClient, Deliver]]] = {}
        self.down_until: dict[str, int] = {}  # by node
        self.fate: Callable[[str, str], str] = lambda sender, subject: ""
        self.on_message: Callable[[str, str, bytes], None] = lambda node, subject, data: None

    def go_down(self, node: str, until: int) -> None:
        """A node's NATS ends, and is started again then."""
        self.down_until[node] = until
        for client in self.clients:
            if client.open_ and client.owner.node == node:
                client.lose()

    def publish(self, sender: NatsClient, subject: str, data: bytes) -> None:
        """The server has got a message."""
        for client, deliver in list(self.subscriptions.get(subject, ())):
            if client.owner.node != sender.owner.node:
                continue  # each node has a NATS of its own
            fate = self.fate(sender.owner.name, subject)
            if fate == "drop":
                continue
            delay = self.world.between(f"slow net {sender.owner.name}", 1 * MS, 300 * MS) if fate == "slow" else 0
            for _ in range(2 if fate == "dup" else 1):
                client.comes(lambda deliver=deliver: deliver(data), delay)


class NatsClient:
    """The face of `nats.aio.client.Client`, as far as `Link` uses it."""

    broker: Broker  # of the history that runs

    def __init__(self, owner: Process, on_end: list[Call]) -> None:
        self.owner = owner
        self.broker = NatsClient.broker
        self.loop = asyncio.get_running_loop()
        self.open_ = True
        self._on_end = on_end
        self._pending: deque[Callable[[], None]] = deque()  # commands that are not written yet
        self._written_at = self._comes_at = 0
        self._pumps: list[asyncio.Future[None]] = []
        self._joiners: dict[str, Joiner] = {}
        self._pongs: deque[asyncio.Future[None]] = deque()
        self.broker.clients.append(self)
        owner.on_death.append(self.cut_off)

    @property
    def is_closed(self) -> bool:
        return not self.open_

    # ---- The way to the server and back ----

    def _leg(self) -> int:
        return self.broker.world.between(f"net {self.owner.name}", 10 * US, 200 * US)

    def _write(self, arrive: Callable[[], None]) -> None:
        """What is written now reaches the server in order, if the connection lives so long."""
        world = self.broker.world
        self._written_at = when = max(self._written_at, world.now + self._leg())
        world.at(when, lambda: arrive() if self.open_ else None)

    def _command(self, arrive: Callable[[], None]) -> None:
        """A command waits until the flusher has its turn."""
        self._pending.append(arrive)
        if len(self._pending) == 1:
            self.loop.call_soon(self._write_pending)

    def _write_pending(self) -> None:
        while self._pending and self.open_:
            self._write(self._pending.popleft())

    def comes(self, take: Callable[[], None], delay: int = 0) -> None:
        """What the server sends reaches the client in order; `take` is called there, in its loop."""
        world = self.broker.world
        self._comes_at = when = max(self._comes_at, world.now + self._leg() + delay)

        def read() -> None:
            if self.open_ and self.owner.alive and not self.loop.is_closed():
                self.loop.call_soon_threadsafe(take)

        world.at(when, read)

    def cut_off(self) -> None:
        """The server forgets the connection."""
        self.open_ = False
        for subject, found in self.broker.subscriptions.items():
            self.broker.subscriptions[subject] = [each for each in found if each[0] is not self]

    def lose(self) -> None:
        """A fault: the connection breaks, and the client notices."""
        self.cut_off()
        if self.owner.alive and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._tell_end)

    def _tell_end(self) -> None:
        async def tell() -> None:
            for call in self._on_end:
                await call()

        if not self.loop.is_closed():
            self._pumps.append(asyncio.ensure_future(tell(), loop=self.loop))

    # ---- The client's face ----

    async def close(self) -> None:
        while self._pending and self.open_:
            self._write(self._pending.popleft())
        await asyncio.sleep(0)
        if self.open_:
            self._write(self.cut_off)  # behind what it has sent
        for pump in self._pumps:
            pump.cancel()
        for call in self._on_end:
            await call()

    async def publish(self, subject: str, data: bytes) -> None:
        if not self.open_:
            raise ConnectionClosedError
        message = bytes(data)
        joiner = self._joiners.setdefault(subject, Joiner())
        if (whole := joiner.add(message[_HEAD.size :])) is not None:
            self.broker.on_message(self.owner.node, subject, whole)
        self._command(lambda: self.broker.publish(self, subject, message))

    async def flush(self, timeout: float) -> None:
        if not self.open_:
            raise ConnectionClosedError
        pong: asyncio.Future[None] = self.loop.create_future()
        self._write(lambda: self.comes(lambda: pong.done() or pong.set_result(None)))  # ahead of what is pending
        self._write_pending()
        try:
            await asyncio.wait_for(pong, timeout)
        except TimeoutError:
            raise NatsTimeoutError from None

    async def subscribe(self, subject: str, cb: Callable[[Any], Awaitable[None]], **_: object) -> None:
        if not self.open_:
            raise ConnectionClosedError
        queue: asyncio.Queue[bytes] = asyncio.Queue()

        async def pump() -> None:
            while True:
                await cb(SimpleNamespace(data=await queue.get()))

        self._pumps.append(asyncio.ensure_future(pump()))
        self._command(
            lambda: self.broker.subscriptions.setdefault(subject, []).append((self, queue.put_nowait)),
        )


async def connect(_server: str, *, disconnected_cb: Call, closed_cb: Call, **_: object) -> NatsClient:
    """In the place of `nats.connect`."""
    world = World.current
    await asyncio.sleep(world.between(f"connect {world.process.name}", 100 * US, 2 * MS) / S)
    if world.now < NatsClient.broker.down_until.get(world.process.node, 0):
        raise ConnectionRefusedError("connection refused")
    return NatsClient(world.process, [disconnected_cb, closed_cb])
