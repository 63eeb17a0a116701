"""Messages from the threads that read the source to the event loop that has the link."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from udup.pipeline.transport.link import Link, Subjects
from udup.pipeline.transport.pace import Pace

#: Bytes of a mark's number.
_MARK_BYTES = 8


@dataclass(frozen=True)
class Paced:
    """Where marks go and come back, and what they tell."""

    subjects: Subjects
    pace: Pace


class Outbox:
    """Messages from the reading threads to the event loop; one wake-up for many.

    `paced`: they go to another node, over a line that is not to be kept busy for long.
    """

    def __init__(self, link: Link, loop: asyncio.AbstractEventLoop, paced: Paced | None = None) -> None:
        self._link = link
        self._loop = loop
        self._paced = paced
        self._queue: deque[tuple[str, bytes]] = deque()
        self._wanted = asyncio.Event()
        self._woken = False

    async def open(self) -> None:
        """Listen for marks that come back."""
        if self._paced is not None:
            await self._link.subscribe(self._paced.subjects.marks_back, self._on_mark)

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
                if self._paced is not None:
                    await self._paced.pace.take(len(data))
                await self._link.publish(subject, data)
                self._queue.popleft()
                await self._mark()

    async def _mark(self) -> None:
        if self._paced is not None and (number := self._paced.pace.mark()) is not None:
            await self._link.publish(self._paced.subjects.marks, number.to_bytes(_MARK_BYTES))

    async def _on_mark(self, data: bytes) -> None:
        assert self._paced is not None
        self._paced.pace.returned(int.from_bytes(data))
        await self._mark()  # what has gone since has none yet
