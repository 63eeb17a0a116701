"""The two tasks of a job, as the supervisor commands them: begin, extract, drain, stop, purge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from udup.actors.applier import DestApplier
from udup.actors.crews import Crews
from udup.actors.extractor import SrcExtractor
from udup.actors.guests_abroad import GuestsAbroad
from udup.actors.job import Job
from udup.actors.level_messages import AskExecuted, Reach
from udup.actors.messages import Apply, Extract, NodeSettings, Probe, Purge, StopRun
from udup.actors.registry import ActorRegistry
from udup.actors.run import Run
from udup.actors.task_settings import applier_settings, extractor_settings
from udup.actors.worker_messages import WorkerFailed
from udup.base.errors import Failure, FailureKind, Side
from udup.jobs.signs import SIGNS
from udup.pipeline.transport.link import token_of

_Task = type[SrcExtractor] | type[DestApplier]


class Tasks:
    """Sends a job's run to its two actors, which it has made when they are needed."""

    #: In a cluster: the SrcExtractors that are on other nodes.
    guests: GuestsAbroad | None = None

    def __init__(self, actors: ActorRegistry, send: Callable[[Any, object], None], settings: NodeSettings) -> None:
        self._actors = actors
        self._send = send
        self._settings = settings
        self.crews = Crews(actors, send, settings)

    def begin(self, job: Job, run: Run) -> None:
        """Have both sides look at their servers."""
        self.probe(job, run)
        SIGNS.admit(token_of(job.id))
        self._send(self._get_or_create(DestApplier, job), Apply(applier_settings(job, run)))

    def probe(self, job: Job, run: Run) -> None:
        """Have the source looked at."""
        if (guests := self._guests_of(run)) is not None:
            self._actors.stop_one(SrcExtractor.role, job.id)  # of a run before, when its source was read here
            guests.look(job, run)
            return
        plan = job.plan
        self._send(self._get_or_create(SrcExtractor, job), Probe(run.number, plan.source, plan.scope))

    def extract(self, job: Job, run: Run) -> None:
        """Begin to read: both sides are ready."""
        if (guests := self._guests_of(run)) is not None:
            guests.extract(job, run)
        else:
            self._tell(SrcExtractor, job, Extract(extractor_settings(job, run)))

    def ask_executed(self, job: Job, run: Run) -> None:
        """Have the source asked what it has executed."""
        if (guests := self._guests_of(run)) is not None:
            guests.ask_executed(job, run)
        else:
            self._tell(SrcExtractor, job, AskExecuted(run.number))

    def tell_extractor(self, job: Job, message: object) -> None:
        self._tell(SrcExtractor, job, message)

    def tell_applier(self, job: Job, message: object) -> None:
        self._tell(DestApplier, job, message)

    def reach(self, job: Job, run: Run, executed: str) -> None:
        """Have the applier say when all of that is in the target."""
        self._tell(DestApplier, job, Reach(run.number, executed))

    def drain(self, job: Job, run: Run) -> None:
        """Read no further; the applier ends at a transaction boundary, and says so."""
        self._stop_extractor(job, run)
        self._tell(DestApplier, job, StopRun(run.number, drain=True))

    def stop(self, job: Job, run: Run) -> None:
        """End what both sides do for the run, now."""
        self.crews.dismiss(job.id)
        self._stop_extractor(job, run)
        self._tell(DestApplier, job, StopRun(run.number))

    def _stop_extractor(self, job: Job, run: Run) -> None:
        if (guests := self._guests_of(run)) is not None:
            guests.stop(job, run)
        self._tell(SrcExtractor, job, StopRun(run.number))

    def _guests_of(self, run: Run) -> GuestsAbroad | None:
        """Return whom to tell of a run whose source is read on another node, None of all others."""
        return self.guests if run.source_node else None

    def worker_failed(self, job: Job, run: Run, failure: Failure | None) -> None:
        """Tell the applier that a worker of the run has failed: it says what that means."""
        if failure is not None:
            self._tell(DestApplier, job, WorkerFailed(run.number, failure, died=False))

    def worker_died(self, job: Job, run: Run, slot: int) -> None:
        """Tell the applier that a worker's process is gone."""
        failure = Failure(FailureKind.TRANSIENT, f"ApplyWorker {slot} died", side=Side.NODE)
        self._tell(DestApplier, job, WorkerFailed(run.number, failure, died=True))

    def purge(self, job: Job, run: Run) -> None:
        """Have the job's checkpoint removed, and nothing else."""
        self._send(self._get_or_create(DestApplier, job), Purge(run.number, job.plan.target, job.id, job.fence(run)))

    def _get_or_create(self, kind: _Task, job: Job) -> Any:
        server = str(job.plan.source) if kind is SrcExtractor else ""
        return self._actors.get_or_create(kind, kind.role, job.id, self._settings, 0, server)

    def _tell(self, kind: _Task, job: Job, message: object) -> None:
        address = self._actors.address(kind.role, job.id)
        if address is not None:
            self._send(address, message)
