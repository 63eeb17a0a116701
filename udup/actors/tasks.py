"""The two tasks of a job, as the supervisor commands them: begin, extract, drain, stop, purge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from udup.actors.applier import DestApplier
from udup.actors.extractor import SrcExtractor
from udup.actors.messages import Apply, Extract, NodeSettings, Probe, Purge, StopRun
from udup.actors.registry import Crew
from udup.actors.run_state import Job

_Task = type[SrcExtractor] | type[DestApplier]


class Tasks:
    """`settings` are known from the supervisor's beginning on."""

    def __init__(self, crew: Crew, send: Callable[[Any, object], None], settings: NodeSettings) -> None:
        self._crew = crew
        self._send = send
        self._settings = settings

    def begin(self, job: Job) -> int:
        """A new run: both sides look at their servers."""
        run = job.next_run()
        self.probe(job)
        self._send(self._hire(DestApplier, job), Apply(job.applier_settings()))
        return run

    def probe(self, job: Job) -> None:
        """Look at the source."""
        probe = Probe(job.run, job.spec.source_endpoint(), job.spec.selection())
        self._send(self._hire(SrcExtractor, job), probe)

    def extract(self, job: Job) -> None:
        """Both sides are ready."""
        self._tell(SrcExtractor, job, Extract(job.extractor_settings()))

    def drain(self, job: Job) -> None:
        """The source is read no further; the applier ends at a transaction boundary, and says so."""
        self._tell(SrcExtractor, job, StopRun(job.run))
        self._tell(DestApplier, job, StopRun(job.run, drain=True))

    def stop(self, job: Job) -> None:
        """The run is over."""
        job.running = job.draining = False
        for kind in (SrcExtractor, DestApplier):
            self._tell(kind, job, StopRun(job.run))

    def purge(self, job: Job) -> int:
        """A run that removes the job's checkpoint, and nothing else."""
        run = job.next_run()
        self._send(self._hire(DestApplier, job), Purge(run, job.spec.target_endpoint(), job.id))
        return run

    def _hire(self, kind: _Task, job: Job) -> Any:
        return self._crew.hire(kind, kind.role, job.id, self._settings)

    def _tell(self, kind: _Task, job: Job, message: object) -> None:
        address = self._crew.address(kind.role, job.id)
        if address is not None:
            self._send(address, message)
