"""Time, chance and threads: everything that engines and actors take from their machine.

They import nothing else for it (a lint rule holds that), and call these by the module's name, `runtime.now()`. A
simulation replaces what is here, and runs the same code in virtual time, on one thread, from one seed.
"""

from __future__ import annotations

import asyncio
import os
import random as _random
import threading
import time
import uuid
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import uvloop

__all__ = [
    "Condition",
    "Empty",
    "Event",
    "Lock",
    "Pool",
    "Semaphore",
    "SimpleQueue",
    "Thread",
    "Timer",
    "chance",
    "doorbell",
    "end_process",
    "idle_seconds",
    "in_thread",
    "new_id",
    "now",
    "now_us",
    "pid",
    "quiet",
    "ring",
    "run_loop",
    "sleep",
    "wall",
    "wall_ns",
    "wall_us",
]

T = TypeVar("T")

Thread = threading.Thread
Lock = threading.Lock
Event = threading.Event
Condition = threading.Condition
Semaphore = threading.Semaphore
Timer = threading.Timer

#: A pool of threads with a size and a name. Whoever makes one shuts it down.
Pool = ThreadPoolExecutor


def now() -> float:
    """Return seconds on a clock that never goes back, for measuring how long something took."""
    return time.monotonic()


def now_us() -> int:
    """Return microseconds on the clock of `now`."""
    return int(now() * 1e6)


def wall() -> float:
    """Return seconds since the epoch."""
    return time.time()


def wall_us() -> int:
    """Return microseconds since the epoch."""
    return time.time_ns() // 1000


def wall_ns() -> int:
    """Return nanoseconds since the epoch."""
    return time.time_ns()


def sleep(seconds: float) -> None:
    """Block this thread."""
    time.sleep(seconds)


def idle_seconds() -> float:
    """Return for how long the machine's processors have had nothing to do, each taken for its part; 0 if unknown."""
    try:
        ticks = Path("/proc/stat").read_bytes().split(b"\n", 1)[0].split()[1:]
        return (int(ticks[3]) + int(ticks[4])) / os.sysconf("SC_CLK_TCK") / (os.cpu_count() or 1)
    except (OSError, ValueError, IndexError):
        return 0.0


def chance() -> float:
    """Return a number from 0 up to 1, by chance."""
    return _random.random()


def new_id() -> str:
    """Return a random UUID as text."""
    return str(uuid.uuid4())


def pid() -> int:
    """Return the number of this process."""
    return os.getpid()


def end_process(code: int) -> None:
    """End this process at once, without its `finally` blocks."""
    os._exit(code)


def doorbell() -> int:
    """Return a new descriptor that becomes readable when it is rung: it wakes an actor from another thread."""
    return os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)


def ring(bell: int) -> None:
    """Make it readable."""
    os.eventfd_write(bell, 1)


def quiet(bell: int) -> None:
    """Make it unreadable again. `BlockingIOError` if nobody has rung."""
    os.eventfd_read(bell)


def run_loop(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in an event loop of its own, on this thread, to its end."""
    result: T = uvloop.run(main)
    return result


async def in_thread(function: Callable[..., T], *args: Any) -> T:
    """Run a function that blocks in a thread, for as long as it takes, and return what it returns."""
    return await asyncio.to_thread(function, *args)
