"""Virtual time, processes and threads. One OS thread; each simulated thread is a greenlet.

Whatever would wait in the kernel (a socket, a lock, a timer, a join) parks its fiber here. The hub takes the next event
of one heap, ordered by virtual nanosecond and number. Chance comes from named streams, so that taking one fault away
leaves all other decisions as they were.
"""

from __future__ import annotations

import hashlib
import heapq
import random
import sys
import traceback
from asyncio import events as asyncio_events
from asyncio import tasks as asyncio_tasks
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from greenlet import GreenletExit, getcurrent, greenlet

if TYPE_CHECKING:
    from tests.sim.loop import SimLoop

US, MS, S = 1_000, 1_000_000, 1_000_000_000
EPOCH = 1_700_000_000 * S

#: Events of one history at most: more is a livelock.
MOST_STEPS = 3_000_000

#: From 3.14 on the current task belongs to the thread; before, to its loop.
_swap_current_task = getattr(asyncio_tasks, "_swap_current_task", None) if sys.version_info >= (3, 14) else None


class Killed(GreenletExit):
    """The process of this fiber is gone: nothing that it does from now on has any effect."""


class Livelock(Exception):
    """The history does not end."""


class World:
    current: ClassVar[World]  # the one that runs

    def __init__(self, seed: int, *, trace: bool = False) -> None:
        self.seed, self.now, self.steps = seed, 0, 0
        self._heap: list[tuple[int, int, Callable[[], object]]] = []
        self._number = 0
        self._streams: dict[str, Callable[[], float]] = {}
        self._digest = hashlib.blake2b(digest_size=8)
        self._pids = 100
        self.hub = getcurrent()
        self.fiber: Fiber | None = None
        self.processes: list[Process] = []
        self.loops: list[SimLoop] = []
        self.over = False
        self.trace: list[tuple[int, str, str]] | None = [] if trace else None
        self.crashes: list[str] = []
        World.current = self

    # ---- Chance: `Random(text).random()` alone, whose sequence Python promises to keep ----

    def rand(self, stream: str) -> float:
        found = self._streams.get(stream)
        if found is None:
            found = self._streams[stream] = random.Random(f"{self.seed}/{stream}").random
        return found()

    def between(self, stream: str, low: int, high: int) -> int:
        return low + int(self.rand(stream) * (high - low))

    # ---- Time ----

    def at(self, when: int, call: Callable[[], object]) -> None:
        self._number += 1
        heapq.heappush(self._heap, (max(when, self.now), self._number, call))

    def after(self, delay: int, call: Callable[[], object]) -> None:
        self.at(self.now + delay, call)

    def run(self, until: int, done: Callable[[], bool]) -> bool:
        """Let events happen; whether `done` became true."""
        heap = self._heap
        while heap:
            if heap[0][0] > until:
                self.now = until
                return False
            self.now, _, call = heapq.heappop(heap)
            self.steps += 1
            call()
            if done():
                return True
            if self.steps > MOST_STEPS:
                raise Livelock(f"livelock: {self.steps} events, and no end")
        return False

    def note(self, who: str, what: str) -> None:
        """It belongs to the history: equal histories say the same."""
        self._digest.update(f"{self.now} {who} {what}\n".encode())
        if self.trace is not None:
            self.trace.append((self.now, who, what))

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()

    def next_pid(self) -> int:
        self._pids += 1
        return self._pids

    def end(self) -> None:
        """Unwind every fiber and coroutine that is left, so that no finalizer runs in another history."""
        self.over = True
        for process in self.processes:
            process.alive = False
            for fiber in process.fibers:
                fiber.finish()
        for loop in self.loops:
            loop.unwind()
        asyncio_events._set_running_loop(None)

    # ---- For code in fibers ----

    @property
    def process(self) -> Process:
        assert self.fiber is not None, "called outside of a process"
        return self.fiber.process

    @property
    def here(self) -> Fiber:
        assert self.fiber is not None, "called outside of a process"
        return self.fiber

    def park(self, timeout: int | None = None) -> bool:
        """Wait to be woken; False if the time is over instead."""
        return self.here.park(timeout)

    def block(self, duration: int) -> None:
        end = self.now + duration
        while self.now < end:
            self.park(end - self.now)


class Process:
    """What dies and freezes as one. `on_death` is the outside world's: sockets that the kernel closes."""

    def __init__(self, world: World, name: str, node: str) -> None:
        self.world, self.name, self.node = world, name, node
        self.alive = True
        self.frozen_until = 0
        self.skew = 0  # of its wall clock, in nanoseconds
        self.fibers: list[Fiber] = []
        self.on_death: list[Callable[[], object]] = []
        self.pid = world.next_pid()
        world.processes.append(self)

    def spawn(self, run: Callable[[], Any], name: str) -> Fiber:
        fiber = Fiber(self, run, name)
        self.fibers.append(fiber)
        fiber.wake()
        return fiber

    def freeze(self, duration: int) -> None:
        """As SIGSTOP, for so long: connections and locks stay."""
        self.frozen_until = max(self.frozen_until, self.world.now + duration)

    def kill(self) -> None:
        if self.alive:
            self.alive = False
            for call in self.on_death:
                call()


class Fiber:
    """A thread of a process."""

    def __init__(self, process: Process, run: Callable[[], Any], name: str) -> None:
        self.process, self.name, self.world = process, name, process.world
        self.done = False
        self.joiners: list[Fiber] = []
        self._run = run
        self._greenlet = greenlet(self._main, self.world.hub)
        self._wait = 0
        self._woken = self._waking = False
        self._parked = True
        self._stream = f"wake {process.name}"

    def _main(self) -> None:
        try:
            self._run()
        except GreenletExit:
            pass
        except Exception as error:  # noqa: BLE001 - told as a violation
            text = "".join(traceback.format_exception(error))
            self.world.crashes.append(f"exception: {self.process.name}/{self.name}: {text}")
        finally:
            self.done = True
            for joiner in self.joiners:
                joiner.wake()

    def wake(self) -> None:
        if not self._waking and not self.done:
            self._waking = True
            self.world.after(self.world.between(self._stream, 1 * US, 30 * US), self._resume)

    def _resume(self) -> None:
        if self.done or not self.process.alive:
            return
        if self.process.frozen_until > self.world.now:
            self.world.at(self.process.frozen_until, self._resume)
            return
        self._waking = False
        self._switch(woken=True)

    def _expired(self, wait: int) -> None:
        if self.done or not self.process.alive or wait != self._wait or not self._parked or self._waking:
            return
        if self.process.frozen_until > self.world.now:
            self.world.at(self.process.frozen_until, lambda: self._expired(wait))
            return
        self._switch(woken=False)

    def _switch(self, *, woken: bool) -> None:
        self._woken = woken
        self._wait += 1
        self._parked = False
        self.world.fiber = self
        self._greenlet.switch()
        self.world.fiber = None

    def park(self, timeout: int | None = None) -> bool:
        world = self.world
        if world.over or not self.process.alive:
            raise Killed
        self._parked = True
        if timeout is not None:
            wait = self._wait
            world.after(timeout, lambda: self._expired(wait))
        loop = asyncio_events._get_running_loop()
        swaps = loop is not None and _swap_current_task is not None
        task = _swap_current_task(loop, None) if swaps else None  # type: ignore[misc]
        asyncio_events._set_running_loop(None)
        world.hub.switch()
        asyncio_events._set_running_loop(loop)
        if swaps:
            _swap_current_task(loop, task)  # type: ignore[misc]
        if world.over or not self.process.alive:
            raise Killed
        return self._woken

    def finish(self) -> None:
        """Unwind it, its effects ignored."""
        if self._greenlet and not self.done:
            self.world.fiber = self
            self._greenlet.throw(Killed)
            self.world.fiber = None
