"""The actors of a node: where they are, whose processes they are, how often they were replaced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from thespian.actors import ActorExitRequest

from udup.actors.messages import Hello, Introduce, NodeSettings, Place

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
        self._addresses: dict[tuple[str, str], Any] = {}
        # Addresses cannot be hashed, and comparing one with those of hundreds of jobs takes a millisecond.
        self._last_seen: dict[str, tuple[str, str]] = {}
        self._fillings: dict[_Place, _Filling] = {}

    def get_or_create(self, kind: type, role: str, job_id: str, settings: NodeSettings) -> Any:
        """Return the actor of this role for this job; make it if there is none."""
        key = (role, job_id)
        if key not in self._addresses:
            self._addresses[key] = self._create(kind)
            self._send(self._addresses[key], Introduce(settings, job_id))
        return self._addresses[key]

    def address(self, role: str, job_id: str) -> Any:
        """Return where an actor is, None if there is no such actor."""
        return self._addresses.get((role, job_id))

    def place_of(self, address: Any) -> tuple[str, str] | None:
        """Return role and job of an actor, None for one that was stopped or is not known."""
        name = str(address)
        key = self._last_seen.get(name)
        if key is not None and self._addresses.get(key) == address:
            return key
        self._last_seen.pop(name, None)
        found = next((key for key, known in self._addresses.items() if known == address), None)
        if found is not None:
            self._last_seen[name] = found
        return found

    def register(self, hello: Hello, sender: Any) -> None:
        """Note which process an actor is."""
        if self._addresses.get((hello.role, hello.job_id)) == sender:
            self._fill((hello.role, hello.job_id, 0), hello.pid)

    def register_workers(
        self, role: str, job_id: str, owner: str, sender: Any, workers: tuple[tuple[int, int], ...]
    ) -> None:
        """Note the processes of those that the actor of role `owner` has made for the job."""
        if self._addresses.get((owner, job_id)) != sender:
            return  # a late message of one that was stopped
        slots = dict(workers)
        for place in [place for place in self._fillings if place[:2] == (role, job_id)]:
            if place[2] not in slots:
                self._fillings[place].pid = 0  # dead, or no longer wanted
        for slot, pid in workers:
            self._fill((role, job_id, slot), pid)

    def _fill(self, place: _Place, pid: int) -> None:
        filling = self._fillings.setdefault(place, _Filling(pid))
        if filling.pid != pid:
            filling.restarts += 1
            filling.pid = pid

    def died(self, address: Any) -> tuple[str, str, int] | None:
        """Forget an actor that has ended; return its role, job and process, None if it was stopped on purpose."""
        key = self.place_of(address)
        if key is None:
            return None
        del self._addresses[key]
        self._last_seen.pop(str(address), None)
        filling = self._fillings.get((*key, 0))
        return *key, filling.pid if filling else 0

    def stop(self, job_id: str, *, but: str = "") -> None:
        """End a job's actors, whatever they do, but the one of a role; those that they have made end with them."""
        for key in [key for key in self._addresses if key[1] == job_id and key[0] != but]:
            self._end(key)
        for place in [place for place in self._fillings if place[1] == job_id and place[0] != but]:
            del self._fillings[place]

    def stop_one(self, role: str, job_id: str) -> None:
        """End the actor of this role, if there is one."""
        if (role, job_id) in self._addresses:
            self._end((role, job_id))
        self._fillings.pop((role, job_id, 0), None)

    def _end(self, key: tuple[str, str]) -> None:
        self._last_seen = {name: seen for name, seen in self._last_seen.items() if seen != key}
        self._send(self._addresses.pop(key), ActorExitRequest())

    def places(self, is_busy: Callable[[str], bool]) -> list[Place]:
        """Return every actor that lives; `is_busy` says by the job whether it has something to do."""
        return [
            Place(role, job_id, slot, filling.pid, filling.restarts, is_busy(job_id))
            for (role, job_id, slot), filling in self._fillings.items()
            if filling.pid
        ]
