"""The actors of a node: where they are, whose processes they are, how often they were replaced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from thespian.actors import ActorExitRequest

from udup.actors.messages import Hello, Introduce, NodeSettings, Place
from udup.actors.shared import Hosted, Hosts, ToTask

#: A place that is filled by one actor at a time: role, job ID ("" for none), slot (0 where there is only one).
_Place = tuple[str, str, int]


@dataclass
class _Filling:
    pid: int
    restarts: int = 0


class ActorRegistry:
    """Makes actors and finds them again. `create` and `send` are the supervisor's own."""

    def __init__(self, create: Callable[[type], Any], send: Callable[[Any, object], None]) -> None:
        self._create = create
        self._send = send
        self._hosts = Hosts(create, send)
        self._addresses: dict[_Place, Any] = {}
        # Addresses cannot be hashed, and comparing one with those of hundreds of jobs takes a millisecond.
        self._last_seen: dict[str, _Place] = {}
        self._fillings: dict[_Place, _Filling] = {}

    def get_or_create(
        self, kind: type, role: str, job_id: str, settings: NodeSettings, slot: int = 0, server: str = ""
    ) -> Any:
        """Return the actor of this role for this job; make it if there is none, where others of its `server` are."""
        place = (role, job_id, slot)
        if place not in self._addresses:
            self._addresses[place] = self._hosts.place(kind, job_id, settings, server) or self._create(kind)
            self.send(self._addresses[place], Introduce(settings, job_id, slot))
        return self._addresses[place]

    def address(self, role: str, job_id: str) -> Any:
        """Return where an actor is, None if there is no such actor."""
        return self._addresses.get((role, job_id, 0))

    def place_of(self, address: Any) -> _Place | None:
        """Return role, job and slot of an actor, None for one that was stopped or is not known."""
        name = str(address)
        place = self._last_seen.get(name)
        if place is not None and self._addresses.get(place) == address:
            return place
        self._last_seen.pop(name, None)
        found = next((place for place, known in self._addresses.items() if known == address), None)
        if found is not None:
            self._last_seen[name] = found
        return found

    def register(self, hello: Hello, sender: Any) -> None:
        """Note which process an actor is."""
        place = (hello.role, hello.job_id, hello.slot)
        if self._addresses.get(place) == sender:
            self._fillings.setdefault(place, _Filling(hello.pid)).pid = hello.pid

    def send(self, address: Any, message: object) -> None:
        """Send a message to an actor, also to one in a process that it shares."""
        if isinstance(address, Hosted):
            self._send(address.host, ToTask(address.job_id, message))
        else:
            self._send(address, message)

    def died(self, address: Any) -> list[tuple[_Place, int]]:
        """Forget who has ended with a process; return their places and the process, none for one that was stopped."""
        found = [self._died(each) for each in (address, *self._hosts.died(address))]
        return [each for each in found if each is not None]

    def _died(self, address: Any) -> tuple[_Place, int] | None:
        place = self.place_of(address)
        if place is None:
            return None
        del self._addresses[place]
        self._last_seen.pop(str(address), None)
        filling = self._fillings.setdefault(place, _Filling(0))
        pid, filling.pid = filling.pid, 0
        filling.restarts += 1
        return place, pid

    def stop(self, job_id: str, *, but: str = "") -> None:
        """End a job's actors, whatever they do, but the one of a role."""
        for place in [place for place in self._addresses if place[1] == job_id and place[0] != but]:
            self._end(place)
        for place in [place for place in self._fillings if place[1] == job_id and place[0] != but]:
            del self._fillings[place]

    def stop_one(self, role: str, job_id: str, slot: int = 0) -> None:
        """End the actor of a place, if there is one. How often it was replaced is known as long as the job lives."""
        place = (role, job_id, slot)
        if place in self._addresses:
            self._end(place)
        if place in self._fillings:
            self._fillings[place].pid = 0

    def _end(self, place: _Place) -> None:
        self._last_seen = {name: seen for name, seen in self._last_seen.items() if seen != place}
        address = self._addresses.pop(place)
        if isinstance(address, Hosted):
            self._hosts.end(address)
        else:
            self._send(address, ActorExitRequest())

    def places(self, is_busy: Callable[[str], bool]) -> list[Place]:
        """Return every actor that lives; `is_busy` says by the job whether it has something to do."""
        return [
            Place(role, job_id, slot, filling.pid, filling.restarts, is_busy(job_id))
            for (role, job_id, slot), filling in self._fillings.items()
            if filling.pid
        ]
