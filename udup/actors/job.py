"""One job as the supervisor carries it: its record, its present run, and what follows from both. No I/O here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from udup.actors.holding import Hold
from udup.actors.run import Phase, Run
from udup.base import runtime
from udup.base.errors import Failure, FailureKind, Fault, Side
from udup.jobs import DesiredState, EndWhen, JobProgress, JobRecord, JobSpec, JobType, Stage
from udup.jobs.outage import Heard, Outage
from udup.jobs.plan import plan_of_record
from udup.jobs.progress import TaskReport, WaitingFor, cause_of
from udup.jobs.signs import SIGNS
from udup.jobs.staleness import PATIENCE_SECONDS
from udup.pipeline.ownership import Known
from udup.pipeline.ports import Drivers, JobPlan
from udup.pipeline.transport import address
from udup.pipeline.transport.link import token_of

if TYPE_CHECKING:
    from udup.actors.messages import Accepted, Rejected

#: Seconds before the second try of a run; doubled with each, up to the node's `retry.backoff_max_s`.
FIRST_PAUSE = 0.2

#: Up to this much is added to a pause by chance, so that the jobs of a server that came back do not all come at once.
JITTER = 0.25

#: Tables at most that are remembered to be copied first.
COPIED_FIRST = 64

#: Seconds between two tries at most while a server or NATS is away, if the node's `retry.backoff_max_s` is not less.
LONGEST_WAIT = 15.0

#: Seconds within which one side says that the other is silent, or has more, of a job that was level.
CONTRADICTED_SECONDS = 5.0

#: Times in a row that a conflict is looked into transaction by transaction.
SERIAL_TRIES = 2


class Step(Enum):
    """The next step to what is wanted of a job."""

    NONE = "none"
    DRAIN = "drain"  # end the run
    PURGE = "purge"
    REST = "rest"  # it is not carried out now
    START = "start"
    LEAVE = "leave"  # another node gets it


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
    hold: Hold | None = None  # where there are several nodes: what this one may do with it
    retry_of: int | None = None  # the run that failed, while the pause after it lasts
    # In a row:
    failures: int = 0
    conflicts: int = 0
    superseded: int = 0
    serial: bool = False  # take transactions one by one, to find the one that fails
    copy_first: tuple[str, ...] = ()  # tables that changed while they were copied
    # The journal's:
    stored: JobRecord | None = None  # the record as it was last given to the store
    changed: bool = False  # something was noted in the record that is not worth a write of its own
    saved_at: float = 0.0
    #: What was heard last, also of earlier runs: it is shown while the next begins.
    progress: JobProgress = JobProgress()  # noqa: RUF009 - frozen
    told_last: bool = False  # the last run was drained, and has told all of it
    level_gtid: str | None = None  # what the source had when DestApplier last said that the target has all of it
    stale_views: tuple[str, ...] = ()
    waits: Mapping[Side, WaitingFor | None] = field(default_factory=dict)  # of the present run, as each side told last
    held_back: bool = False  # a side job that is not to run now
    #: Who waits for the purge, and what was wanted of the job before it.
    purge_for: Callable[[Accepted | Rejected], None] | None = None
    wanted_before: DesiredState = DesiredState.PAUSE

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def wanted(self) -> bool:
        """Whether it is to be carried out now."""
        return self.record.carried_out and not self.cut_over and not self.held_back

    @property
    def cut_over(self) -> bool:
        """Whether its target is the new server: everything of its source is there, and it ends."""
        return self.record.cutover is not None and self.record.cutover.switched

    def next_step(self) -> Step:
        """Return the next step to what is wanted of the job."""
        if self.run is not None:
            runs = self.run.phase in (Phase.STARTING, Phase.RUNNING)
            ends = self.run.outdated or self.run.completing or not self.wanted or self.leaves
            return Step.DRAIN if runs and ends else Step.NONE
        if self.hold is not None and not self.hold.is_ours:
            return Step.NONE
        if self.leaves:
            return Step.LEAVE
        if self.record.desired == DesiredState.STOP:
            return Step.PURGE
        if self.wanted and self.hold is not None and (self.hold.source_is_away or self.hold.gave_up):
            return Step.NONE
        return Step.START if self.wanted else Step.REST

    @property
    def leaves(self) -> bool:
        """Whether another node is to have it."""
        return self.hold is not None and self.hold.leaves

    @property
    def done(self) -> bool:
        """A migration that is to end and looks level, by its last report: a reason to ask the source."""
        drainable = self.run is not None and self.run.drainable
        return self.ends and drainable and self.progress.is_level

    @property
    def ends(self) -> bool:
        """Whether it ends as soon as it is level."""
        migrates = self.spec.type == JobType.MIGRATION
        may_end = migrates and self.record.growth is None  # else some of its tables are not there yet
        return may_end and (self.record.finish or self.spec.end_when is EndWhen.LEVEL)

    @property
    def has_its_copy(self) -> bool:
        """Whether it is a copy alone, and that is on the target: the run has nothing more to do."""
        return self.spec.copy_alone and self.wanted and self.run is not None and self.run.drainable

    @property
    def resumed_stage(self) -> Stage:
        """Where the job is when it is resumed: its run may not have heard of the pause at all, and goes on."""
        return self.run.stage if self.run is not None and self.goes_on else Stage.PENDING

    @property
    def goes_on(self) -> bool:
        """Whether a run is under way that has not heard of any end."""
        return self.run is not None and self.run.phase is Phase.RUNNING

    def replace(self, record: JobRecord, spec: JobSpec, nats_url: str, *, goes_on: bool = False) -> None:
        """Take another document for the same job; a run that goes on meanwhile is to be ended.

        `goes_on`: the document says nothing that the run goes by.
        """
        self.record, self.spec, self.nats_url = record, spec, nats_url
        if goes_on:
            return
        if self.run is not None:
            self.run.outdate()
        self.progress = record.progress
        self.copy_first = ()
        self.reset_attempts()

    def reset_attempts(self) -> None:
        """Give the job all its attempts again: somebody has looked at it."""
        self.failures = self.conflicts = self.superseded = 0
        self.serial = self.owned = False
        if self.hold is not None:
            self.hold.gave_up = False

    # ---- Runs ----

    def begin_run(self, number: int, phase: Phase = Phase.STARTING) -> Run:
        """Begin another attempt."""
        self.run, self.retry_of, self.level_gtid = Run(number, phase), None, None
        self.run.growth, self.run.plan = self.record.growth, self.plan
        self.run.source_node = "" if self.hold is None else self.hold.apart
        self.progress = self.progress.not_level()  # until this run says so itself
        self.told_last = False
        return self.run

    def end_run(self) -> None:
        if self.run is not None:
            self.run.end()
        self.run, self.waits = None, {}

    @property
    def plan(self) -> JobPlan:
        return plan_of_record(self.record, self.spec)

    def fence(self, run: Run) -> int:
        """Return the number by which the target tells the run from later ones: what the cluster has granted."""
        return run.number if self.hold is not None else 0

    @property
    def known(self) -> Known:
        return Known(self.node, frozenset().union(*self.peers))

    def start_faults(self, run: Run, drivers: Drivers) -> list[Fault]:
        """Return what speaks against starting this run, as far as both sides have answered in it."""
        target, start = run.target.info if run.target else None, self.record.start
        moved: list[Fault] = []
        if start is not None and run.source is not None and run.target is not None and not run.target.source_uuid:
            moved = start.faults_of_another(self.id, run.source.info)  # no checkpoint names a source yet
        return run.refusals + moved + drivers.start_faults(self.plan, run.source, target, run.start_after, self.known)

    def start(self, run: Run, drivers: Drivers) -> None:
        """Nothing speaks against the run: from now on it runs, and what its servers warn of is shown."""
        assert run.source is not None and run.target is not None
        needs_log = run.start_after is None and not self.spec.copy_alone  # what comes behind its copy is to be kept
        copy_warnings = run.source.copy_warnings if needs_log else ()
        run.server_warnings = (*drivers.warnings(self.plan, run.source.info, run.target.info), *copy_warnings)
        run.phase = Phase.RUNNING
        self.progress = self.progress.with_(warnings=self.warnings())
        if run.source.log_kept_s or self.progress.source_log_kept_s:
            self.progress = self.progress.with_(source_log_kept_s=run.source.log_kept_s)

    def run_is_lost(self) -> None:
        """Note that nothing more is heard of a run; until when it was current is told.

        That is when DestApplier noted last that it is level. A report that says the same as the one before is not
        sent, so a job that has no such note is taken to have been level until a moment ago: each side says at once
        when the other is silent or has more.
        """
        noted = SIGNS.refreshed(token_of(self.id), vars(self.progress))
        told, now = self.progress.with_(**noted), runtime.wall()
        is_recent = told.reported_at is not None and abs(now - told.reported_at) <= PATIENCE_SECONDS
        if told.is_level and is_recent and not noted:
            until = max(told.current_until or 0.0, round(now - CONTRADICTED_SECONDS, 3))
            told = told.with_(current_until=until)
        self.progress = told.not_level()

    def learn(self, failure: Failure) -> None:
        """Remember a table that changed while it was copied: the next copy reads it first."""
        if failure.kind is FailureKind.TRANSIENT and failure.table and failure.table not in self.copy_first:
            self.copy_first = (*self.copy_first, failure.table)[-COPIED_FIRST:]

    def pause_after(
        self, kind: FailureKind, attempts: int, longest_pause: float, *, proven: bool = False
    ) -> float | None:
        """Return seconds until the next attempt after a run failed, or None to give up.

        `attempts` is how many failures in a row the job may have; `proven`: the run had applied something before.
        What heals by time does not count, unless the job's own document sets a limit.
        """
        if proven:
            self.failures = self.conflicts = self.superseded = 0
        if kind.heals and self.spec.max_retries is None:
            waited = 0 if self.record.outage is None or proven else self.record.outage.attempts
            return _pause(waited + 1, min(longest_pause, LONGEST_WAIT))
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

    def outage_after(self, run: Run, failure: Failure, pause: float) -> Outage | None:
        """Return what the job waits for after a run failed, None if that is nothing which heals by time."""
        before, now = self.record.outage, runtime.wall()
        if before is None:
            if not failure.kind.heals:
                return None
            until = self.progress.current_until or self.record.progress.current_until
            before = Outage.begins(now, until)
        elif not failure.kind.passes:
            return None
        heard = Heard((failure, *(each for each in run.lost.values() if each != failure)), run.answered)
        return before.lasting(heard, now, pause, self._addresses)

    @property
    def _addresses(self) -> Mapping[Side, str]:
        """Where each side is, for people."""
        plan = self.plan
        ends = {Side.SOURCE: str(plan.source), Side.TARGET: str(plan.target)}
        return {**ends, Side.NATS: address.shown(self.nats_url)}

    def complete(self, executed: str | None) -> None:
        """Note that the target has all that the source had executed; None: it is not known what that was.

        Where the last run could not tell its end, since it or this server has died, it has come at least as far.
        """
        told = self.progress if self.progress.model_fields_set else self.record.progress
        self.progress = told.ended()
        if executed is not None:
            self.progress = self.progress.completed(executed)
            if not self.told_last:
                self.progress = self.progress.with_(applied_gtid=self.progress.source_gtid)

    # ---- What is shown ----

    @property
    def told(self) -> JobProgress:
        """Return what progress tells: what was heard last, and how often was tried what the job waits for."""
        outage = self.record.outage
        return self.progress if outage is None else self.progress.with_(reconnecting=outage.shown())

    def hear(self, report: TaskReport, reported_at: float | None, at: float | None = None) -> None:
        """Take what a task reports of the run; `reported_at` is told of the applier's, `at` of the extractor's."""
        if report.stale_views is not None and report.stale_views != self.stale_views:
            self.stale_views = report.stale_views
            self.progress = self.progress.with_(warnings=self.warnings())
        self.progress = self.progress.updated(report.progress)
        if report.waits:
            self.waits = {**self.waits, **report.waits}
            self.progress = self.progress.with_(waiting_for=cause_of(self.waits))
        self.progress = self.progress.warned([*self.copy_warnings(), *report.told])
        if reported_at is not None:
            self.progress = self.progress.with_(reported_at=round(reported_at, 3))
            self._hear_how_current(reported_at)
        elif at is not None:
            self._hear_what_source_has(report.progress.source_gtid, at)

    def _hear_how_current(self, at: float) -> None:
        """Note until when the target is current by what DestApplier has just said."""
        told = self.progress
        self.level_gtid = told.source_gtid if told.level else None
        if told.lag_ms is not None:
            self.progress = told.with_(current_until=round(at - told.lag_ms / 1000, 3))

    def _hear_what_source_has(self, executed: str | None, at: float) -> None:
        """Compare what the source has with what DestApplier said when it was level, which may be long ago.

        Its loop may stand still in a commit that the target does not answer; that the source has more, SrcExtractor
        knows. What the source has not added to, the target still has.
        """
        if self.level_gtid is None or not executed or at < (self.progress.reported_at or 0.0):
            return
        if executed == self.level_gtid:
            self.progress = self.progress.with_(level=True, lag_ms=0, current_until=round(at, 3))
        else:
            self.progress = self.progress.with_(level=False, lag_ms=None)

    def warnings(self) -> list[str]:
        """Return what does not keep the job from running, and should be known."""
        if self.run is None or self.run.server_warnings is None:
            return []
        own = [*self._filter_warnings(), *self._nothing_copied(self.run)]
        return [*self.run.server_warnings, *own, *self.stale_views, *self.copy_warnings()]

    def copy_warnings(self) -> list[str]:
        """Return what the job's copy took otherwise than the source has it; true for as long as the job lives."""
        told = self.progress.copy_warnings
        return list((self.record.progress.copy_warnings if told is None else told) or [])

    def _nothing_copied(self, run: Run) -> list[str]:
        """Return what is to be known of a copy alone that has found a checkpoint."""
        if not self.spec.copy_alone or run.start_after is None:
            return []
        purge = f"udup job delete --purge {self.id}"
        if self.spec.delivers:
            told = "no snapshot was made in this run: the sink has the job's position, so one was made before"
            return [f"{told}. To make another: {purge}, and post it again"]
        return [
            "nothing was copied in this run: the target has the job's checkpoint, so a copy was made before, or the job"
            f" has begun without one. To copy again: {purge}, and post it with DropTableIfExists"
        ]

    def _filter_warnings(self) -> list[str]:
        left_out = self.spec.sql_filter()
        if not left_out:
            return []
        return [f"SqlFilter leaves out {left_out}: the target differs from the source on purpose"]


def _pause(failures: int, longest: float) -> float:
    pause = min(FIRST_PAUSE * 2 ** min(failures - 1, 10), longest)
    return float(pause * (1 + runtime.chance() * JITTER))
