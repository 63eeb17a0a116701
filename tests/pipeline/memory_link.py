"""NATS in memory: real links over clients of one event loop, with whatever is to be lost or repeated on command.

A `Network` stands for the server, and its `open` takes the place of `Link.open`. As with nats-py, each subscription has
a queue and a task of its own, so that messages of different subjects overtake each other.
"""

from __future__ import annotations

import asyncio
import fnmatch
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from udup.base.errors import Transient
from udup.pipeline.transport.link import Link

What = Literal["drop", "dup", "reorder"]


@dataclass
class _Rule:
    what: What
    subject: str
    nth: int
    seen: int = 0

    def meets(self, subject: str) -> bool:
        if not fnmatch.fnmatch(subject, self.subject):
            return False
        self.seen += 1
        return self.seen == self.nth


@dataclass(frozen=True)
class _Message:
    data: bytes


@dataclass
class Network:
    """`published` counts messages by subject, `fired` names the rules that came to something.

    `watch` is called with each message before it is delivered.
    """

    published: dict[str, int] = field(default_factory=dict)
    fired: list[str] = field(default_factory=list)
    watch: Callable[[str, bytes], None] = lambda subject, data: None
    _lost: dict[str, asyncio.Future[None]] = field(default_factory=dict)
    _rules: list[_Rule] = field(default_factory=list)
    _queues: dict[str, list[asyncio.Queue[_Message]]] = field(default_factory=dict)
    _held: dict[str, list[_Message]] = field(default_factory=dict)

    async def open(self, url: str, name: str, sender: int = 0) -> Link:
        """As `Link.open`; `url` is not looked at."""
        lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lost[name] = lost
        client: Any = _Client(self)
        return Link(client, lost, **({"sender": sender} if sender else {}))

    def command(self, what: What, subject: str, nth: int = 1) -> None:
        """Lose, repeat, or hold back until the next one, the nth message from now on to subjects of this pattern."""
        self._rules.append(_Rule(what, subject, nth))

    def cut(self, name: str = "*") -> None:
        """Lose the links of this name."""
        for each, lost in self._lost.items():
            if fnmatch.fnmatch(each, name) and not lost.done():
                lost.set_exception(Transient("the connection to NATS in memory was lost"))

    # ---- For clients ----

    def subscribe(self, subject: str) -> asyncio.Queue[_Message]:
        queue: asyncio.Queue[_Message] = asyncio.Queue()
        self._queues.setdefault(subject, []).append(queue)
        return queue

    def unsubscribe(self, subject: str, queue: asyncio.Queue[_Message]) -> None:
        self._queues[subject].remove(queue)

    def deliver(self, subject: str, data: bytes) -> None:
        self.published[subject] = self.published.get(subject, 0) + 1
        self.watch(subject, data)
        met = [rule.what for rule in self._rules if rule.meets(subject)]
        self.fired += [f"{what} {subject}" for what in met]
        message, held = _Message(data), self._held.setdefault(subject, [])
        if "drop" in met:
            return
        if "reorder" in met:
            held.append(message)
            return
        messages = [message, *([message] if "dup" in met else []), *held]
        held.clear()
        for queue in self._queues.get(subject, []):
            for each in messages:
                queue.put_nowait(each)


class _Client:
    """What links use of a NATS client."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._readers: list[asyncio.Task[None]] = []

    async def publish(self, subject: str, data: bytes) -> None:
        self._network.deliver(subject, bytes(data))

    async def flush(self, timeout: int) -> None:
        await asyncio.sleep(0)

    async def subscribe(self, subject: str, cb: Callable[[_Message], Awaitable[None]], **limits: int) -> None:
        queue = self._network.subscribe(subject)
        self._readers.append(asyncio.create_task(self._read(subject, queue, cb)))

    async def _read(
        self, subject: str, queue: asyncio.Queue[_Message], cb: Callable[[_Message], Awaitable[None]]
    ) -> None:
        try:
            while True:
                await cb(await queue.get())
        finally:
            self._network.unsubscribe(subject, queue)

    async def close(self) -> None:
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
