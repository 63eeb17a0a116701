"""An asyncio event loop in virtual time, one for each simulated process that runs one.

Its ready queue is first in, first out, as every asyncio loop's: code may rely on that. What differs between histories
is when things come, and who else runs meanwhile: after each round the loop gives the world a little time, as a CPU
would.
"""

from __future__ import annotations

import asyncio
import heapq
import warnings
import weakref
from asyncio import events as asyncio_events
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from tests.sim.threads import SimPool
from tests.sim.world import US, Fiber, S, World

#: Threads that the default pool of a loop has on a machine of four cores.
_DEFAULT_THREADS = 8

#: Times that a coroutine is closed at the end of a history: one may await in a `finally`.
_CLOSES = 20


class SimLoop(asyncio.AbstractEventLoop):
    def __init__(self, world: World) -> None:
        self._world = world
        self._process = world.process
        self._fiber: Fiber = world.here
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[int, int, asyncio.TimerHandle]] = []
        self._number = 0
        self._stopping = self._closed = self._idle = False
        self._pool = SimPool(_DEFAULT_THREADS, "default")
        self._made: weakref.WeakKeyDictionary[asyncio.Task[Any], int] = weakref.WeakKeyDictionary()
        world.loops.append(self)

    def run_main(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """As `asyncio.run`: whatever tasks and threads are left are ended before it returns."""
        asyncio_events._set_running_loop(self)
        try:
            main = self.create_task(coroutine)
            main.add_done_callback(lambda _task: self.stop())
            while not self._stopping:
                self._round()
            self._cancel_all(main)
            self._pool.shutdown()
            return main.result()
        finally:
            asyncio_events._set_running_loop(None)
            self._closed = True

    def _cancel_all(self, main: asyncio.Task[Any]) -> None:
        """In the order in which they were made, which the set of all tasks does not keep."""
        left = [task for task in asyncio.all_tasks(self) if task is not main]
        left.sort(key=lambda task: self._made.get(task, 0))
        for task in left:
            task.cancel()
        self._stopping = False
        while not all(task.done() for task in left):
            self._round()

    def unwind(self) -> None:
        """When the history is over, and not whenever the garbage collector comes."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "coroutine .* was never awaited")  # what a `finally` began here
            for task in asyncio.all_tasks(self):
                _close(task.get_coro())

    def _round(self) -> None:
        world, timers, ready = self._world, self._timers, self._ready
        while timers and (timers[0][2]._cancelled or timers[0][0] <= world.now):  # type: ignore[attr-defined]
            handle = heapq.heappop(timers)[2]
            if not handle.cancelled():
                ready.append(handle)
        if not ready:
            self._idle = True
            world.park(timers[0][0] - world.now if timers else None)
            self._idle = False
            return
        for _ in range(len(ready)):
            handle_ = ready.popleft()
            if not handle_.cancelled():
                handle_._run()
        if not self._stopping:
            world.park(world.between(f"cpu {self._process.name}", 2 * US, 40 * US))

    def stop(self) -> None:
        self._stopping = True

    def time(self) -> float:
        return self._world.now / S

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        if self._idle:
            self._fiber.wake()
        return handle

    def call_soon_threadsafe(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:
        if self._closed:
            raise RuntimeError("Event loop is closed")
        return self.call_soon(callback, *args, context=context)

    def call_later(self, delay: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._number += 1
        heapq.heappush(self._timers, (round(when * S), self._number, handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is dropped when its time comes."""

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: str | None = None, context: Any = None, **more: Any) -> asyncio.Task[Any]:
        self._number += 1  # asyncio's own counter of names goes on from history to history
        task = asyncio.Task(coro, loop=self, name=name or f"t{self._number}", context=context, **more)
        self._made[task] = self._number
        return task

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        future = self.create_future()
        pool: SimPool = executor if executor is not None else self._pool

        def ended(result: Any, error: BaseException | None) -> None:
            def settle() -> None:
                if not future.done():
                    future.set_exception(error) if error is not None else future.set_result(result)

            if not self._closed:
                self.call_soon_threadsafe(settle)

        def cancelled(done: asyncio.Future[Any]) -> None:
            if done.cancelled():
                pool.forget(job)  # what has begun goes on, as a thread does

        job = pool.submit_call(lambda: func(*args), ended)
        future.add_done_callback(cancelled)
        return future

    def is_running(self) -> bool:
        return not self._closed

    def is_closed(self) -> bool:
        return self._closed

    def get_debug(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """What nobody has looked at. Tasks that the garbage collector finds say so whenever it comes."""
        if not self._world.over and "destroyed" not in str(context.get("message")):
            self._world.note(self._process.name, f"asyncio: {context.get('message')} {context.get('exception')!r}")


def _close(coroutine: Any) -> None:
    for _ in range(_CLOSES):
        try:
            coroutine.close()
            break
        except RuntimeError:
            continue
        except BaseException:  # noqa: BLE001 - nobody is left to be told
            break
