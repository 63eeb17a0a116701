"""Messages from the threads that read the source to the event loop that has the link."""

from __future__ import annotations

import asyncio
from collections import deque

from udup.pipeline.transport.link import Link


class Outbox:
    """Messages from the reading threads to the event loop; one wake-up for many."""

    def __init__(self, link: Link, loop: asyncio.AbstractEventLoop) -> None:
        self._link = link
        self._loop = loop
        self._queue: deque[tuple[str, bytes]] = deque()
        self._wanted = asyncio.Event()
        self._woken = False

    def put(self, subject: str, data: bytes) -> None:
        """From any thread."""
        self._queue.append((subject, data))
        if not self._woken:
            self._woken = True
            self._loop.call_soon_threadsafe(self._wanted.set)

    async def run(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            self._woken = False  # before the queue is looked at: what is put from now on wakes again
            while self._queue:
                subject, data = self._queue[0]
                await self._link.publish(subject, data)
                self._queue.popleft()
