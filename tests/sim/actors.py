"""Thespian in the simulated world: actors, each a process with a mailbox.

Messages keep their order between two actors. Mail for the dead vanishes. The parent is told of a death 7 to 31 ms
later, twice if the end was orderly. Children die with their parent. A new actor takes 5 to 30 ms to be forked.
"""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar

from thespian.actors import ActorExitRequest, ChildActorExited, WakeupMessage

from tests.sim.world import MS, US, Process, World

#: Messages that say nothing about a history.
_QUIET = frozenset({"Progress", "WatchMessage", "ShowProgress", "WakeupMessage", "Hello", "Introduce"})


class WatchMessage:
    """Thespian's name for: a watched descriptor is readable."""


class Address:
    def __init__(self, process: Process) -> None:
        self.process = process

    def __str__(self) -> str:
        return f"@{self.process.name}/{self.process.pid}"


class Cell:
    """An actor, its process and its mailbox."""

    def __init__(self, system: ActorWorld, kind: type, parent: Cell | None, node: str) -> None:
        self.system, self.parent = system, parent
        self.role = getattr(kind, "role", kind.__name__)
        self.process = Process(system.world, f"{self.role}{len(system.cells) + 1}", node)
        self.address = Address(self.process)
        self.children: list[Cell] = []
        self.mail: deque[tuple[object, Any]] = deque()
        self.exiting = False
        system.cells[self.process.pid] = self
        self.process.on_death.append(self._died)
        if parent is not None:
            parent.children.append(self)
        self._fiber = self.process.spawn(lambda: self._main(kind), "mailbox")

    def _main(self, kind: type) -> None:
        world = self.system.world
        world.block(world.between(f"fork {self.role}", 5 * MS, 30 * MS))
        actor = kind()
        while True:
            while not self.mail:
                world.park()
            message, sender = self.mail.popleft()
            self.exiting = self.exiting or isinstance(message, ActorExitRequest)
            self._note(message)
            actor.receiveMessage(message, sender)
            if self.exiting:
                self.process.kill()
                world.park()
            world.park(world.between(f"cpu {self.process.name}", 20 * US, 200 * US))

    def _note(self, message: object) -> None:
        name = type(message).__name__
        if name not in _QUIET:
            text = repr(message)[:150] if name in ("RunEnded", "StopRun", "Ready") else ""
            self.system.world.note(self.process.name, f"<- {name} {text}")

    def post(self, message: object, sender: Any) -> None:
        if self.process.alive:
            self.mail.append((message, sender))
            self._fiber.wake()

    def _died(self) -> None:
        for child in self.children:
            child.process.kill()  # PR_SET_PDEATHSIG
        parent, world = self.parent, self.system.world
        if parent is not None:
            for _ in range(2 if self.exiting else 1):
                notice = ChildActorExited(self.address)
                world.after(
                    world.between(f"sigchld {self.process.name}", 7 * MS, 31 * MS),
                    lambda notice=notice: parent.post(notice, parent.address),
                )


class ActorWorld:
    """`substitutes` are made in the place of the classes that the product asks for."""

    current: ClassVar[ActorWorld]

    def __init__(self, world: World, substitutes: dict[type, type]) -> None:
        self.world = world
        self.cells: dict[int, Cell] = {}
        self._substitutes = substitutes
        self._last: dict[tuple[int, int], int] = {}
        ActorWorld.current = self

    @property
    def here(self) -> Cell:
        return self.cells[self.world.process.pid]

    def create(self, kind: type) -> Address:
        me = self.here
        return Cell(self, self._substitutes.get(kind, kind), me, me.process.node).address

    def outside(self, kind: type, node: str) -> Cell:
        """An actor that nobody has made."""
        return Cell(self, self._substitutes.get(kind, kind), None, node)

    def send(self, to: Address, message: object) -> None:
        me, world = self.here, self.world
        key = (me.process.pid, to.process.pid)
        when = world.now + world.between(f"mail {me.process.name}>{to.process.name}", 200 * US, 3 * MS)
        self._last[key] = when = max(when, self._last.get(key, 0))
        cell, sender = self.cells[to.process.pid], me.address
        world.at(when, lambda: cell.post(message, sender))

    def wake_after(self, period: Any, payload: Any) -> None:
        cell = self.here
        delay = int(period.total_seconds() * 1_000_000) * US
        self.world.after(delay, lambda: cell.post(WakeupMessage(period, payload), cell.address))

    def rung(self, pid: int) -> None:
        cell = self.cells[pid]
        cell.post(WatchMessage(), cell.address)

    def living(self, role: str, node: str = "") -> list[Cell]:
        return [
            cell
            for cell in self.cells.values()
            if cell.process.alive and cell.role == role and node in ("", cell.process.node)
        ]


class SimActor:
    """Thespian's methods of an actor. To be put in front of the product's class."""

    def createActor(self, kind: type, *_: Any) -> Any:  # noqa: N802 - Thespian's name
        return ActorWorld.current.create(kind)

    def send(self, to: Any, message: object) -> None:
        ActorWorld.current.send(to, message)

    def wakeupAfter(self, period: Any, payload: Any = None) -> None:  # noqa: N802 - Thespian's name
        ActorWorld.current.wake_after(period, payload)


def simulated(kind: Any) -> type:
    return type(kind.__name__, (SimActor, kind), {"role": kind.role})
