"""NATS in the simulated world: one server a node, in memory.

What one connection publishes reaches another in order. Each subscription has a queue of its own at the receiver, so the
order *between* subjects is not kept there. A connection may be lost; between two clients of one server no message
vanishes silently or comes twice, so `drop` and `dup` belong to scenarios of several nodes alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tests.sim.world import MS, US, Process, S, World
from udup.base.errors import Transient

Deliver = Callable[[bytes], None]


class Broker:
    """`fate` says what becomes of a message, `on_message` looks at each that is published."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.links: list[SimLink] = []
        self.subscriptions: dict[str, list[tuple[SimLink, Deliver]]] = {}
        self._last: dict[tuple[int, int], int] = {}
        self.fate: Callable[[str, str], str] = lambda sender, subject: ""
        self.on_message: Callable[[str, bytes], None] = lambda subject, data: None

    def publish(self, sender: SimLink, subject: str, data: bytes) -> None:
        self.on_message(subject, data)
        for link, deliver in list(self.subscriptions.get(subject, ())):
            if link.owner.node != sender.owner.node:
                continue  # each node has a NATS of its own
            fate = self.fate(sender.owner.name, subject)
            if fate == "drop":
                continue
            for _ in range(2 if fate == "dup" else 1):
                self._send(sender, link, deliver, data, slow=fate == "slow")

    def _send(self, sender: SimLink, link: SimLink, deliver: Deliver, data: bytes, *, slow: bool) -> None:
        world = self.world
        delay = world.between(f"net {sender.owner.name}>{link.owner.name}", 20 * US, 400 * US)
        if slow:
            delay += world.between("slow net", 1 * MS, 300 * MS)
        key = (sender.number, link.number)
        self._last[key] = when = max(self._last.get(key, 0), world.now + delay)
        world.at(when, lambda: deliver(data) if link.open_ and link.owner.alive else None)


class SimLink:
    """The face of `pipeline.transport.link.Link`."""

    broker: Broker  # of the history that runs

    def __init__(self, owner: Process) -> None:
        self.owner = owner
        self.broker = SimLink.broker
        self.number = len(self.broker.links)
        self.loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[None] = self.loop.create_future()
        self.open_ = True
        self._pumps: list[asyncio.Future[None]] = []
        self.broker.links.append(self)
        owner.on_death.append(self.cut_off)

    @staticmethod
    async def open(_url: str, _name: str) -> SimLink:
        world = World.current
        await asyncio.sleep(world.between("connect", 100 * US, 2 * MS) / S)
        return SimLink(world.process)

    def cut_off(self) -> None:
        """The server forgets the connection."""
        self.open_ = False
        for subject, found in self.broker.subscriptions.items():
            self.broker.subscriptions[subject] = [each for each in found if each[0] is not self]

    def lose(self) -> None:
        """A fault: the connection breaks, and the client notices."""
        self.cut_off()

        def tell() -> None:
            if not self.lost.done():
                self.lost.set_exception(Transient("the connection to NATS was lost"))

        if self.owner.alive and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(tell)

    async def close(self) -> None:
        self.lost.cancel()
        self.cut_off()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.sleep(0)

    async def publish(self, subject: str, data: bytes) -> None:
        if not self.open_:
            raise Transient("cannot publish to NATS: closed")
        self.broker.publish(self, subject, bytes(data))

    async def flush(self) -> None:
        await asyncio.sleep(self.broker.world.between("flush", 50 * US, 500 * US) / S)
        if not self.open_:
            raise Transient("NATS does not answer")

    async def subscribe(self, subject: str, handler: Callable[[bytes], Awaitable[None]]) -> None:
        queue: asyncio.Queue[bytes] = asyncio.Queue()

        async def pump() -> None:
            while True:
                data = await queue.get()
                if self.lost.done():
                    continue
                try:
                    await handler(data)
                except Exception as error:  # noqa: BLE001 - as the real link
                    if not self.lost.done():
                        self.lost.set_exception(error)

        def deliver(data: bytes) -> None:
            if not self.loop.is_closed():
                self.loop.call_soon_threadsafe(queue.put_nowait, data)

        self._pumps.append(asyncio.ensure_future(pump()))
        self.broker.subscriptions.setdefault(subject, []).append((self, deliver))
