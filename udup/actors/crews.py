"""The ApplyWorkers of all jobs: made when DestApplier has work for them, ended when it has none.

The supervisor makes them, since it owns no thread and no connection that a fork would hand on. What DestApplier says it
wants is the whole of it each time, so an order that is repeated changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from udup.actors.job import Job
from udup.actors.messages import NodeSettings
from udup.actors.registry import ActorRegistry
from udup.actors.run import Run
from udup.actors.worker import ApplyWorker
from udup.actors.worker_messages import Work
from udup.pipeline.apply.crew import Seat
from udup.pipeline.apply.settings import WorkerSettings

_ROLE = ApplyWorker.role


class Crews:
    """`send` gives a message to an actor."""

    def __init__(self, actors: ActorRegistry, send: Callable[[Any, object], None], settings: NodeSettings) -> None:
        self._actors = actors
        self._send = send
        self._settings = settings
        self._seats: dict[str, dict[int, tuple[int, Seat]]] = {}  # by job and slot: the run, and who is wanted there

    def staff(self, job: Job, run: Run, wanted: tuple[Seat, ...]) -> None:
        """Have just these workers for the run: make who is missing, end who is not wanted any more."""
        seats = self._seats.setdefault(job.id, {})
        there = {seat.slot: (run.number, seat) for seat in wanted}
        for slot in [slot for slot, taken in seats.items() if there.get(slot) != taken]:
            del seats[slot]
            self._actors.stop_one(_ROLE, job.id, slot)
        for slot, (number, seat) in there.items():
            if slot not in seats:
                worker = self._actors.get_or_create(ApplyWorker, _ROLE, job.id, self._settings, slot)
                seats[slot] = number, seat
                end = job.plan.target
                self._send(worker, Work(WorkerSettings(job.nats_url, job.id, run.number, slot, seat.number, end)))

    def dismiss(self, job_id: str) -> None:
        """End all workers of a job."""
        for slot in self._seats.pop(job_id, {}):
            self._actors.stop_one(_ROLE, job_id, slot)

    def died(self, job_id: str, slot: int) -> None:
        """Note that a worker's process is gone."""
        self._seats.get(job_id, {}).pop(slot, None)
