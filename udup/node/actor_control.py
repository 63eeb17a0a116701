"""A look into the node's processes: which actors there are, their stacks, and the end of one as a drill."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from udup.actors.messages import Actors, ListActors, Place
from udup.base import stacks
from udup.node.neighbours import Neighbours
from udup.web.ports import ActorInfo, NotReady, NotThere

#: Seconds for the supervisor's answer.
ASK_SECONDS = 8.0

NO_ANSWER = "the supervisor does not answer now; try again in a moment"


class ActorControl:
    """`ask` puts a question to the supervisor; `supervisor_restarts` says how often that was started again."""

    neighbours: Neighbours | None = None  # where there are several nodes

    def __init__(self, ask: Callable[[object, float], Any], supervisor_restarts: Callable[[], int]) -> None:
        self._ask = ask
        self._supervisor_restarts = supervisor_restarts

    def actors(self, node: str = "") -> list[ActorInfo]:
        if node:
            if self.neighbours is None:
                raise NotReady("this node is alone")
            return self.neighbours.actors_of(node)
        return [_described(place, self._supervisor_restarts()) for place in self._places()]

    def kill_actor(self, pid: int) -> None:
        with self._actor(pid) as process:
            signal.pidfd_send_signal(process, signal.SIGKILL)

    def actor_stacks(self, pid: int) -> str:
        with self._actor(pid):
            return stacks.read(pid)

    @contextmanager
    def _actor(self, pid: int) -> Iterator[int]:
        """Yield a handle of an actor's process: taken first, so that it is the one that is listed, and no later one."""
        unknown = NotThere(f"no actor of this node has the process {pid}")
        try:
            handle = os.pidfd_open(pid)
        except (OSError, OverflowError, ValueError) as error:
            raise unknown from error
        try:
            if pid not in {place.pid for place in self._places()}:
                raise unknown
            yield handle
        except ProcessLookupError as error:
            raise unknown from error
        finally:
            os.close(handle)

    def _places(self) -> tuple[Place, ...]:
        answer = self._ask(ListActors(), ASK_SECONDS)
        if not isinstance(answer, Actors):
            raise NotReady(NO_ANSWER)
        return answer.actors


def _described(place: Place, supervisor_restarts: int) -> ActorInfo:
    started, rss = 0.0, 0
    try:
        process = psutil.Process(place.pid)
        started, rss = process.create_time(), process.memory_info().rss
    except psutil.NoSuchProcess:
        rss = 0  # it has died, and will be replaced
    return ActorInfo(
        role=place.role,
        job_id=place.job_id,
        pid=place.pid,
        slot=place.slot,
        state="running" if place.busy else "idle",
        started=started,
        restarts=supervisor_restarts if place.role == "supervisor" else place.restarts,
        rss=rss,
    )
