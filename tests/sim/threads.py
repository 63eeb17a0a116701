"""Threads, pools, locks and queues of simulated processes, with the faces of the standard library's."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from greenlet import GreenletExit

from tests.sim.world import Fiber, S, World


def _deadline(timeout: float | None) -> int | None:
    return None if timeout is None else World.current.now + int(timeout * S)


class _Job:
    def __init__(self, call: Callable[[], Any], ended: Callable[[Any, BaseException | None], None]) -> None:
        self.call, self.ended = call, ended


class SimPool:
    """As ThreadPoolExecutor, for `run_in_executor`."""

    def __init__(self, max_workers: int = 1, thread_name_prefix: str = "") -> None:
        self._most, self._name = max_workers, thread_name_prefix
        self._queue: deque[_Job] = deque()
        self._busy = self._threads = 0
        self._idle: list[Fiber] = []
        self._waiting: list[Fiber] = []
        self._world = World.current
        self._shut = False

    def submit_call(self, call: Callable[[], Any], ended: Callable[[Any, BaseException | None], None]) -> _Job:
        if self._shut:
            raise RuntimeError("cannot schedule new futures after shutdown")
        job = _Job(call, ended)
        self._queue.append(job)
        if self._idle:
            self._idle.pop().wake()
        elif self._threads < self._most:
            self._threads += 1
            self._world.process.spawn(self._work, f"{self._name}_{self._threads}")
        return job

    def forget(self, job: _Job) -> None:
        if job in self._queue:
            self._queue.remove(job)

    def _work(self) -> None:
        world = self._world
        while True:
            while not self._queue:
                self._idle.append(world.here)
                world.park()
                if world.here in self._idle:
                    self._idle.remove(world.here)
            job = self._queue.popleft()
            self._busy += 1
            try:
                result, error = job.call(), None
            except GreenletExit:
                raise
            except BaseException as caught:  # noqa: BLE001 - as a pool does: whoever waits is told
                result, error = None, caught
            finally:
                self._busy -= 1
            job.ended(result, error)
            del result, error
            for fiber in self._waiting:
                fiber.wake()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        world = self._world
        self._shut = True
        if cancel_futures:
            self._queue.clear()
        while wait and (self._busy or self._queue) and not world.over:
            self._waiting.append(world.here)
            world.park()
            self._waiting.remove(world.here)


class SimThread:
    def __init__(
        self, target: Callable[..., Any], args: tuple[Any, ...] = (), name: str = "", daemon: bool = False
    ) -> None:
        self._target, self._args, self._name = target, args, name
        self._fiber: Fiber | None = None

    def start(self) -> None:
        self._fiber = World.current.process.spawn(lambda: self._target(*self._args), self._name)

    def is_alive(self) -> bool:
        return self._fiber is not None and not self._fiber.done

    def join(self, timeout: float | None = None) -> None:
        world, end = World.current, _deadline(timeout)
        while self.is_alive() and (end is None or world.now < end):
            assert self._fiber is not None
            self._fiber.joiners.append(world.here)
            world.park(None if end is None else end - world.now)


class SimLock:
    def __init__(self) -> None:
        self._held = False
        self._waiting: deque[Fiber] = deque()

    def acquire(self, blocking: bool = True) -> bool:
        world = World.current
        while self._held:
            if not blocking:
                return False
            self._waiting.append(world.here)
            world.park()
        self._held = True
        return True

    def release(self) -> None:
        self._held = False
        if self._waiting:
            self._waiting.popleft().wake()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class SimCondition(SimLock):
    def __init__(self) -> None:
        super().__init__()
        self._sleeping: list[Fiber] = []

    def wait(self, timeout: float | None = None) -> bool:
        world = World.current
        fiber = world.here
        self._sleeping.append(fiber)
        self.release()
        try:
            woken = world.park(None if timeout is None else int(timeout * S))
        finally:
            if fiber in self._sleeping:
                self._sleeping.remove(fiber)
        self.acquire()
        return woken

    def notify(self, n: int = 1) -> None:
        for fiber in self._sleeping[:n]:
            fiber.wake()
        del self._sleeping[:n]

    def notify_all(self) -> None:
        self.notify(len(self._sleeping))


class SimEvent:
    def __init__(self) -> None:
        self._set = False
        self._waiting: list[Fiber] = []

    def set(self) -> None:
        self._set = True
        for fiber in self._waiting:
            fiber.wake()

    def clear(self) -> None:
        self._set = False

    def is_set(self) -> bool:
        return self._set

    def wait(self, timeout: float | None = None) -> bool:
        world, end = World.current, _deadline(timeout)
        while not self._set and (end is None or world.now < end):
            self._waiting.append(world.here)
            world.park(None if end is None else end - world.now)
            self._waiting.remove(world.here)
        return self._set


class SimQueue:
    """As SimpleQueue."""

    def __init__(self) -> None:
        self._items: deque[Any] = deque()
        self._waiting: deque[Fiber] = deque()

    def put(self, item: Any) -> None:
        self._items.append(item)
        if self._waiting:
            self._waiting.popleft().wake()

    def get(self) -> Any:
        world = World.current
        while not self._items:
            self._waiting.append(world.here)
            world.park()
        return self._items.popleft()
