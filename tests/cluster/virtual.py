"""Event loops of many nodes in one virtual time. Nothing in a keeper blocks, so no threads are needed for it."""

from __future__ import annotations

import asyncio
import heapq
import random
from asyncio import events
from collections import deque
from collections.abc import Callable
from typing import Any

#: Rounds of one loop at one moment: more is a task that never waits.
MOST_ROUNDS = 10_000


class Clock:
    """What happens when, for all; and chance, from streams with names."""

    def __init__(self, seed: int) -> None:
        self.seed, self.now, self.events = seed, 0.0, 0
        self._heap: list[tuple[float, int, Callable[[], object]]] = []
        self._number = 0
        self._streams: dict[str, Callable[[], float]] = {}

    def rand(self, stream: str) -> float:
        found = self._streams.get(stream)
        if found is None:
            found = self._streams[stream] = random.Random(f"{self.seed}/{stream}").random
        return found()

    def between(self, stream: str, low: float, high: float) -> float:
        return low + self.rand(stream) * (high - low)

    def at(self, when: float, call: Callable[[], object]) -> None:
        self._number += 1
        heapq.heappush(self._heap, (max(when, self.now), self._number, call))

    def after(self, delay: float, call: Callable[[], object]) -> None:
        self.at(self.now + delay, call)

    def run(self, until: float) -> None:
        heap = self._heap
        while heap and heap[0][0] <= until:
            self.now, _, call = heapq.heappop(heap)
            self.events += 1
            call()
        self.now = until


class NodeLoop(asyncio.AbstractEventLoop):
    """One process's loop: it can be frozen, and killed, at any time."""

    def __init__(self, clock: Clock, name: str) -> None:
        self._clock, self.name = clock, name
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._number = 0
        self._wakes_at = float("inf")
        self.alive = True
        self.frozen_until = 0.0
        self.crashes: list[str] = []
        self._tasks: list[asyncio.Task[Any]] = []

    # ---- From outside ----

    @property
    def works(self) -> bool:
        return self.alive and self.frozen_until <= self._clock.now

    def freeze(self, seconds: float) -> None:
        self.frozen_until = max(self.frozen_until, self._clock.now + seconds)

    def kill(self) -> None:
        self.alive = False

    def close(self) -> None:
        """Unwind what is left, when the history is over."""
        for task in self._tasks:
            if not task.done():
                coroutine: Any = task.get_coro()
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                coroutine.close()

    # ---- Rounds ----

    def _wake_at(self, when: float) -> None:
        if when < self._wakes_at:
            self._wakes_at = when
            self._clock.at(when, self._wake)

    def _wake(self) -> None:
        if not self.alive or self._clock.now < self._wakes_at:
            return
        self._wakes_at = float("inf")
        if self.frozen_until > self._clock.now:
            self._wake_at(self.frozen_until)
            return
        events._set_running_loop(self)
        try:
            self._rounds()
        finally:
            events._set_running_loop(None)
        if self._timers:
            self._wake_at(self._timers[0][0])

    def _rounds(self) -> None:
        for _ in range(MOST_ROUNDS):
            due = self._due()
            if due and self._clock.rand(f"order {self.name}") < 0.5:
                self._ready.extendleft(reversed(due))  # what came meanwhile may be seen before the timers or behind
            else:
                self._ready.extend(due)
            if not self._ready:
                return
            for _ in range(len(self._ready)):
                handle = self._ready.popleft()
                if not handle.cancelled() and self.alive:
                    handle._run()
        raise AssertionError(f"{self.name}: a task never waits")

    def _due(self) -> list[asyncio.Handle]:
        due: list[asyncio.Handle] = []
        while self._timers and (self._timers[0][0] <= self._clock.now or self._timers[0][2].cancelled()):
            handle = heapq.heappop(self._timers)[2]
            if not handle.cancelled():
                due.append(handle)
        return due

    # ---- What asyncio asks ----

    def time(self) -> float:
        return self._clock.now

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        self._wake_at(self._clock.now)
        return handle

    def call_later(self, delay: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:
        return self.call_at(self._clock.now + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._number += 1
        heapq.heappush(self._timers, (when, self._number, handle))
        self._wake_at(when)
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is dropped when its time comes."""

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: str | None = None, context: Any = None) -> asyncio.Task[Any]:
        task = asyncio.Task(coro, loop=self, name=name or "task", context=context)
        self._tasks.append(task)
        return task

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.crashes.append(f"{self.name}: {context.get('message')} {context.get('exception')!r}")
