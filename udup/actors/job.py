"""One job as the supervisor carries it: its record, its present run, and what follows from both. No I/O here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING

from udup.actors.run import Phase, Run
from udup.base import runtime
from udup.base.errors import FailureKind, Fault
from udup.jobs import DesiredState, JobProgress, JobRecord, JobSpec, JobType, Stage
from udup.jobs.plan import plan_of
from udup.jobs.progress import TaskReport
from udup.pipeline.apply.settings import ApplierSettings
from udup.pipeline.extract.settings import ExtractorSettings
from udup.pipeline.ownership import Known, Owner
from udup.pipeline.ports import Drivers, JobPlan
from udup.pipeline.transport.flow import Windows

if TYPE_CHECKING:
    from udup.actors.messages import Accepted, Rejected

#: Seconds before the second try of a run; doubled with each, up to the node's `retry.backoff_max_s`.
FIRST_PAUSE = 0.2

#: Up to this much is added to a pause by chance, so that the jobs of a server that came back do not all come at once.
JITTER = 0.25

#: Times in a row that a conflict is looked into transaction by transaction.
SERIAL_TRIES = 2


class Step(Enum):
    """The next step to what is wanted of a job."""

    NONE = "none"
    DRAIN = "drain"  # end the run
    PURGE = "purge"
    REST = "rest"  # it is not carried out now
    START = "start"


@dataclass
class Job:
    """`run` is None while nothing is attempted."""

    record: JobRecord
    spec: JobSpec
    nats_url: str = field(repr=False)
    buffer_bytes: int
    node: str = ""  # for people: where this is
    peers: Sequence[Collection[str]] = field(default=(), repr=False)  # the IDs of all jobs of this node
    #: Tells this supervisor's runs of the job from those of every other, of a copy of this node's folder as well.
    token: str = field(default_factory=lambda: runtime.new_id().replace("-", ""))
    owned: bool = False  # a run has taken the job over since somebody asked for it: from then on not by force
    run: Run | None = None
    retry_of: int | None = None  # the run that failed, while the pause after it lasts
    # In a row:
    failures: int = 0
    conflicts: int = 0
    superseded: int = 0
    serial: bool = False  # take transactions one by one, to find the one that fails
    # The journal's:
    stored: JobRecord | None = None  # the record as it was last given to the store
    changed: bool = False  # something was noted in the record that is not worth a write of its own
    saved_at: float = 0.0
    #: What was heard last, also of earlier runs: it is shown while the next begins.
    progress: JobProgress = JobProgress()  # noqa: RUF009 - frozen
    stale_views: tuple[str, ...] = ()
    #: Who waits for the purge, and what was wanted of the job before it.
    purge_for: Callable[[Accepted | Rejected], None] | None = None
    wanted_before: DesiredState = DesiredState.PAUSE

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def wanted(self) -> bool:
        """Whether it is to be carried out now."""
        over = self.cut_over or self.record.stage in (Stage.FAILED, Stage.COMPLETED)
        return self.record.desired == DesiredState.RUN and not over

    @property
    def cut_over(self) -> bool:
        """Whether its target is the new server: everything of its source is there, and it ends."""
        return self.record.cutover is not None and self.record.cutover.switched

    def next_step(self) -> Step:
        """Return the next step to what is wanted of the job."""
        if self.run is not None:
            runs = self.run.phase in (Phase.STARTING, Phase.RUNNING)
            ends = self.run.outdated or self.run.completing or not self.wanted
            return Step.DRAIN if runs and ends else Step.NONE
        if self.record.desired == DesiredState.STOP:
            return Step.PURGE
        return Step.START if self.wanted else Step.REST

    @property
    def done(self) -> bool:
        """A migration that has everything which its source has executed."""
        drainable = self.run is not None and self.run.drainable
        return self.spec.type == JobType.MIGRATION and drainable and self.progress.is_level

    @property
    def resumed_stage(self) -> Stage:
        """Where the job is when it is resumed: its run may not have heard of the pause at all, and goes on."""
        return self.run.stage if self.run is not None and self.run.phase is Phase.RUNNING else Stage.PENDING

    def replace(self, record: JobRecord, spec: JobSpec, nats_url: str) -> None:
        """Take another document for the same job; a run that goes on meanwhile is to be ended."""
        self.record, self.spec, self.nats_url = record, spec, nats_url
        if self.run is not None:
            self.run.outdate()
        self.progress = JobProgress()
        self.reset_attempts()

    def reset_attempts(self) -> None:
        """Give the job all its attempts again: somebody has looked at it."""
        self.failures = self.conflicts = self.superseded = 0
        self.serial = self.owned = False

    # ---- Runs ----

    def begin_run(self, number: int, phase: Phase = Phase.STARTING) -> Run:
        """Begin another attempt."""
        self.run, self.retry_of = Run(number, phase), None
        self.progress = self.progress.not_level()  # until this run says so itself
        return self.run

    def end_run(self) -> None:
        if self.run is not None:
            self.run.end()
        self.run = None

    @property
    def plan(self) -> JobPlan:
        return plan_of(self.spec)

    @property
    def known(self) -> Known:
        return Known(self.node, frozenset().union(*self.peers))

    def applier_settings(self, run: Run) -> ApplierSettings:
        spec, plan = self.spec, self.plan
        return ApplierSettings(
            nats_url=self.nats_url,
            job=self.id,
            run=run.number,
            end=plan.target,
            workers=spec.parallel_workers,
            known=self.known,
            owner=Owner(self.token, self.node, by_force=not self.owned),
            selection=plan.scope.selection,
            start_after=plan.start_after,
            drop_existing=plan.drop_existing,
            window_messages=spec.channel_size,
            serial=self.serial,
            recompute=plan.recompute,
        )

    def extractor_settings(self, run: Run) -> ExtractorSettings:
        spec, plan = self.spec, self.plan
        folds = run.folds_names
        return ExtractorSettings(
            nats_url=self.nats_url,
            job=self.id,
            run=run.number,
            end=plan.source,
            scope=replace(plan.scope, selection=plan.scope.selection.folding(folds), fold_names=folds),
            start_after=run.start_after,
            stamps=run.target.stamps if run.target else "",
            source_uuid=run.target.source_uuid if run.target else "",
            workers=spec.parallel_workers,
            windows=Windows.of(self.buffer_bytes, spec.parallel_workers),
            window_messages=spec.channel_size,
            message_bytes=spec.msg_bytes_limit,
            chunk_rows=spec.chunk_size,
        )

    def start_faults(self, run: Run, drivers: Drivers) -> list[Fault]:
        """Return what speaks against starting this run, as far as both sides have answered in it."""
        target = run.target.info if run.target else None
        return run.refusals + drivers.start_faults(self.plan, run.source, target, run.start_after, self.known)

    def start(self, run: Run, drivers: Drivers) -> None:
        """Nothing speaks against the run: from now on it runs, and what its servers warn of is shown."""
        assert run.source is not None and run.target is not None
        run.server_warnings = tuple(drivers.warnings(self.plan, run.source.info, run.target.info))
        run.phase = Phase.RUNNING
        self.progress = self.progress.with_(warnings=self.warnings())

    def pause_after(
        self, kind: FailureKind, attempts: int, longest_pause: float, *, proven: bool = False
    ) -> float | None:
        """Return seconds until the next attempt after a run failed, or None to give up.

        `attempts` is how many failures in a row the job may have; `proven`: the run had applied something before.
        """
        if proven:
            self.failures = self.conflicts = self.superseded = 0
        if kind is FailureKind.SUPERSEDED:
            self.superseded += 1
            return _pause(self.superseded, longest_pause)
        self.failures += 1
        if kind is FailureKind.CONFLICT:
            self.conflicts += 1
            self.serial = True
            return 0.0 if self.conflicts <= SERIAL_TRIES else None
        if not kind.passes or self.failures > attempts:
            return None
        return _pause(self.failures, longest_pause)

    # ---- What is shown ----

    def hear(self, report: TaskReport, reported_at: float | None) -> None:
        """Take what a task reports of the run; `reported_at` is told of the applier's."""
        if report.stale_views is not None and report.stale_views != self.stale_views:
            self.stale_views = report.stale_views
            self.progress = self.progress.with_(warnings=self.warnings())
        self.progress = self.progress.updated(report.progress)
        self.progress = self.progress.warned([*self.copy_warnings(), *report.told])
        if reported_at is not None:
            self.progress = self.progress.with_(reported_at=round(reported_at, 3))

    def warnings(self) -> list[str]:
        """Return what does not keep the job from running, and should be known."""
        if self.run is None or self.run.server_warnings is None:
            return []
        return [*self.run.server_warnings, *self._filter_warnings(), *self.stale_views, *self.copy_warnings()]

    def copy_warnings(self) -> list[str]:
        """Return what the job's copy took otherwise than the source has it; true for as long as the job lives."""
        told = self.progress.copy_warnings
        return list((self.record.progress.copy_warnings if told is None else told) or [])

    def _filter_warnings(self) -> list[str]:
        left_out = self.spec.sql_filter()
        if not left_out:
            return []
        return [f"SqlFilter leaves out {left_out}: the target differs from the source on purpose"]


def _pause(failures: int, longest: float) -> float:
    pause = min(FIRST_PAUSE * 2 ** min(failures - 1, 10), longest)
    return float(pause * (1 + runtime.chance() * JITTER))
