"""The stand-ins for everything in `udup/base/runtime.py`: a simulated process's time, chance, threads and doorbell."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, ClassVar

from tests.sim.loop import SimLoop
from tests.sim.threads import SimCondition, SimEvent, SimLock, SimPool, SimQueue, SimThread
from tests.sim.world import EPOCH, MS, US, S, World


def now() -> float:
    return World.current.now / S


def wall_ns() -> int:
    world = World.current
    return EPOCH + world.now + (world.fiber.process.skew if world.fiber is not None else 0)


def wall() -> float:
    return wall_ns() / S


def wall_us() -> int:
    return wall_ns() // 1000


def sleep(seconds: float) -> None:
    World.current.block(int(seconds * S))


def chance() -> float:
    return World.current.rand(f"chance {World.current.process.name}")


def new_id() -> str:
    world = World.current
    name = world.fiber.process.name if world.fiber is not None else "outside"
    return str(
        uuid.UUID(int=int(world.rand(f"id {name}") * (1 << 64)) << 64 | int(world.rand(f"id {name}") * (1 << 64)))
    )


def pid() -> int:
    return World.current.process.pid


def end_process(code: int) -> None:
    world = World.current
    world.note(world.process.name, f"ends itself ({code})")
    world.process.kill()
    world.park()


async def in_thread(function: Callable[..., Any], *args: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(None, partial(function, *args))


def run_loop(main: Coroutine[Any, Any, Any]) -> Any:
    return SimLoop(World.current).run_main(main)


class Doorbells:
    """One for each process: `on_ring` puts the message of a watched descriptor into its mailbox."""

    def __init__(self, on_ring: Callable[[int], None]) -> None:
        self._on_ring = on_ring
        self._rung: set[int] = set()

    def doorbell(self) -> int:
        return World.current.process.pid

    def ring(self, bell: int) -> None:
        world = World.current
        if bell not in self._rung:
            self._rung.add(bell)
            world.after(world.between(f"watch {world.process.name}", 100 * US, 3 * MS), lambda: self._on_ring(bell))

    def quiet(self, bell: int) -> None:
        if bell not in self._rung:
            raise BlockingIOError
        self._rung.discard(bell)


class Machine:
    """What belongs to the history that runs."""

    bells: ClassVar[Doorbells]


def stand_ins() -> dict[str, Any]:
    """What each name of `runtime` means in the simulation."""
    return {
        "Thread": SimThread,
        "Lock": SimLock,
        "Event": SimEvent,
        "Condition": SimCondition,
        "SimpleQueue": SimQueue,
        "Pool": SimPool,
        "now": now,
        "wall": wall,
        "wall_us": wall_us,
        "wall_ns": wall_ns,
        "sleep": sleep,
        "chance": chance,
        "idle_seconds": lambda: 0.0,
        "new_id": new_id,
        "pid": pid,
        "end_process": end_process,
        "doorbell": lambda: Machine.bells.doorbell(),
        "ring": lambda bell: Machine.bells.ring(bell),
        "quiet": lambda bell: Machine.bells.quiet(bell),
        "in_thread": in_thread,
        "run_loop": run_loop,
    }
