"""How much one sender has on a line between two nodes at a time, so that what else goes there is not kept waiting.

A window (`flow.py`) bounds what the receiver has not done with: megabytes, which a slow line carries for half a minute.
All that goes from node to node shares that one connection, so beats would come late and a node that lives would be held
for dead. So behind each piece goes a mark, which the other side sends back at once: what was sent before it has crossed
the line. The time that it took says how long the line's queue is, and by that the sender has more on the way, or less.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from udup.base import runtime

#: Bytes on the way at least and at first; and at most: what 1 Gbit/s carries in a quarter of a second.
LEAST, FIRST, MOST = 32 << 10, 128 << 10, 32 << 20

#: Seconds that a queue may add to the line's own delay: less than the time between two beats.
QUEUE_SECONDS = 0.25

#: A mark goes behind so many bytes, of what may be on the way: a sixteenth.
_MARKS = 16


@dataclass(frozen=True)
class _Mark:
    """`size` bytes went since the one before; with them so many were on the way."""

    number: int
    sent: float
    size: int
    on_the_way: int


class Pace:
    """Of one sender, on one loop. `take` before something is sent, `returned` when a mark came back."""

    def __init__(self) -> None:
        self.limit = FIRST
        self.on_the_way = 0
        self._marks: deque[_Mark] = deque()
        self._since = self._number = 0  # bytes since the last mark, and its number
        self._own = float("inf")  # the shortest delay: the line's own
        self._room = asyncio.Event()
        self._was_full = False
        self._grown_at = float("-inf")

    async def take(self, size: int) -> None:
        """Wait until so much more may be on the way. Something larger than all that may goes alone."""
        while self.on_the_way and self.on_the_way + size > self.limit:
            self._was_full = True
            self._room.clear()
            await self._room.wait()
        self.on_the_way += size
        self._since += size

    def mark(self) -> int | None:
        """Return the number of the mark that is to be sent now; None if there is none."""
        if not self._since or (self._marks and self._since * _MARKS < self.limit):
            return None
        self._number += 1
        self._marks.append(_Mark(self._number, runtime.now(), self._since, self.on_the_way))
        self._since = 0
        return self._number

    def returned(self, number: int) -> None:
        """Note that a mark came back, and with it all before it."""
        now, mark = runtime.now(), None
        while self._marks and self._marks[0].number <= number:
            mark = self._marks.popleft()
            self.on_the_way -= mark.size
        if mark is not None:
            self._adapt(mark, now)
        self._room.set()

    def _adapt(self, mark: _Mark, now: float) -> None:
        """Have half of the queue that may be, by the speed that a mark shows; more, once a round, if there is none."""
        delay = max(now - mark.sent, 1e-6)
        self._own = min(self._own, delay)
        queued = delay - self._own
        if queued > QUEUE_SECONDS:
            if mark.on_the_way <= LEAST:
                self._own = delay  # it is no queue of this sender's: the line has become another
            wanted = int(mark.on_the_way * (self._own + QUEUE_SECONDS / 2) / delay)
            self.limit = max(LEAST, min(self.limit, wanted))
        elif self._was_full and queued < QUEUE_SECONDS / 2 and mark.sent >= self._grown_at:
            self.limit = min(MOST, self.limit + self.limit // 4)
            self._was_full, self._grown_at = False, now
