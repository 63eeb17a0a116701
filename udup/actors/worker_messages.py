"""What JobSupervisor, DestApplier and ApplyWorkers say to each other of the workers of a run."""

from __future__ import annotations

from dataclasses import dataclass

from udup.base.errors import Failure
from udup.pipeline.apply.crew import Seat
from udup.pipeline.apply.settings import WorkerSettings


@dataclass(frozen=True)
class Staffed:
    """To the supervisor: the workers that the run wants from now on, none but these."""

    run: int
    seats: tuple[Seat, ...]


@dataclass(frozen=True)
class WorkerFailed:
    """To DestApplier: a worker of its run has failed, or its process has died."""

    run: int
    failure: Failure
    died: bool


@dataclass(frozen=True)
class Work:
    """To an ApplyWorker: begin. It says over NATS when it listens; answered by `RunEnded` if it fails."""

    settings: WorkerSettings

    @property
    def run(self) -> int:
        return self.settings.run
