"""A sender keeps a slow line busy, and its queue short: what others send is not late."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable

import pytest

from udup.base import runtime
from udup.pipeline.transport.pace import FIRST, LEAST, MOST, Pace

MESSAGE = 20_000


class SlowLine:
    """Carries so many bytes a second, each after a delay; virtual time. `waits` is how long the queue was."""

    def __init__(self, rate: float, delay: float) -> None:
        self.rate, self.delay = rate, delay
        self.now, self.free_at, self.carried = 1000.0, 1000.0, 0
        self.waits: list[float] = []
        self._events: list[tuple[float, int, Callable[[], None]]] = []

    def send(self, size: int, then: Callable[[], None] | None = None) -> None:
        self.waits.append(max(0.0, self.free_at - self.now))
        self.free_at = max(self.free_at, self.now) + size / self.rate
        self.carried += size
        if then is not None:
            heapq.heappush(self._events, (self.free_at + 2 * self.delay, len(self.waits), then))

    def next(self) -> bool:
        if not self._events:
            return False
        self.now, _, act = heapq.heappop(self._events)
        act()
        return True


class Sender:
    """One that always has more; `run` lets time pass."""

    def __init__(self, line: SlowLine) -> None:
        self._line, self._pace = line, Pace()
        self._sending = asyncio.ensure_future(self._send())

    async def _send(self) -> None:
        while True:
            await self._pace.take(MESSAGE)
            self._line.send(MESSAGE)
            self._mark()

    def _mark(self) -> None:
        if (number := self._pace.mark()) is not None:
            self._line.send(60, lambda: self._back(number))

    def _back(self, number: int) -> None:
        self._pace.returned(number)
        self._mark()

    async def run(self, seconds: float) -> None:
        end = self._line.now + seconds
        while self._line.now < end:
            for _ in range(3):
                await asyncio.sleep(0)  # it goes as far as it may
            assert self._line.next(), "nothing is on the way, and the sender waits"

    async def end(self) -> None:
        self._sending.cancel()
        await asyncio.gather(self._sending, return_exceptions=True)


@pytest.mark.parametrize(("megabits", "delay"), [(10, 0.025), (10, 0.0005), (50, 0.025), (2, 0.1), (500, 0.0002)])
def test_a_line_is_kept_busy_and_its_queue_short(
    monkeypatch: pytest.MonkeyPatch, megabits: float, delay: float
) -> None:
    line = SlowLine(megabits * 1e6 / 8, delay)
    monkeypatch.setattr(runtime, "now", lambda: line.now)

    async def measured() -> float:
        sender = Sender(line)
        await sender.run(10 if megabits < 100 else 2)
        line.waits.clear()
        before, began = line.carried, line.now
        await sender.run(10 if megabits < 100 else 1)
        await sender.end()
        return (line.carried - before) / (line.now - began) / line.rate

    assert asyncio.run(measured()) > 0.8
    assert max(line.waits) < 0.6, "a node that is not heard for 3 s is held for dead"


def test_a_line_that_becomes_slow_has_a_short_queue_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    line = SlowLine(50e6 / 8, 0.01)
    monkeypatch.setattr(runtime, "now", lambda: line.now)

    async def measured() -> None:
        sender = Sender(line)
        await sender.run(5)
        line.rate = 5e6 / 8
        await sender.run(20)
        line.waits.clear()
        await sender.run(5)
        await sender.end()

    asyncio.run(measured())
    assert max(line.waits) < 0.6


def test_what_is_larger_than_all_that_may_be_on_the_way_goes_alone_and_a_tail_is_marked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runtime, "now", lambda: 1.0)

    async def large() -> None:
        pace = Pace()
        await asyncio.wait_for(pace.take(FIRST * 4), 1)
        assert pace.mark() == 1
        waits = asyncio.ensure_future(pace.take(10))
        await asyncio.sleep(0)
        assert not waits.done()
        pace.returned(1)
        await asyncio.wait_for(waits, 1)
        assert pace.mark() == 2, "nothing else tells that it has come"
        await pace.take(10)
        assert pace.mark() is None, "one is on the way"
        pace.returned(2)
        assert pace.mark() == 3
        pace.returned(3)
        assert pace.on_the_way == 0 and pace.mark() is None

    asyncio.run(large())
    assert LEAST < FIRST < MOST
