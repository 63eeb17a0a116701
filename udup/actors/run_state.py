"""One job as the supervisor carries it: its state and what comes next, as plain bookkeeping without any actor."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from udup.base import runtime
from udup.base.errors import Conflict, Fault, Superseded, Transient
from udup.drivers.mysql.checks.pair import check_pair, ring_faults, warn_pair
from udup.drivers.mysql.checks.source import check_source, warn_source
from udup.drivers.mysql.checks.target import warn_target
from udup.drivers.mysql.client.facts import ServerFacts
from udup.jobs import DesiredState, JobRecord, JobSpec, JobType, Stage, TaskType
from udup.pipeline.apply.settings import ApplierSettings
from udup.pipeline.extract.settings import ExtractorSettings
from udup.pipeline.ownership import Feed, Known, Owner
from udup.pipeline.ports import End, Scope
from udup.pipeline.transport.flow import Windows

#: Seconds before the second try of a run; doubled with each, up to the node's `retry.backoff_max_s`.
FIRST_PAUSE = 0.2

#: Up to this much is added to a pause by chance, so that the jobs of a server that came back do not all come at once.
JITTER = 0.25

#: Seconds that both sides may take until the run is under way.
START_SECONDS = 120.0

#: Times in a row that a conflict is looked into transaction by transaction.
CAREFUL_TRIES = 2

#: Which task a role works for.
TASK_OF_ROLE = {"extractor": TaskType.SRC, "applier": TaskType.DEST, "worker": TaskType.DEST}


#: Marks a field of `Job` that belongs to one run: no run finds it as the one before has left it.
_OF_RUN = {"of_run": True}


@dataclass
class Job:
    """`run` is 0 while nothing is attempted. What the tasks have said so far belongs to that run."""

    record: JobRecord
    spec: JobSpec
    nats_url: str = field(repr=False)
    buffer_bytes: int
    node: str = ""  # for people: where this is
    peers: Sequence[Collection[str]] = field(default=(), repr=False)  # the IDs of all jobs of this node
    #: Tells this supervisor's runs of the job from those of every other, of a copy of this node's folder as well.
    token: str = field(default_factory=lambda: runtime.new_id().replace("-", ""))
    owned: bool = False  # a run has taken the job over since somebody asked for it: from then on not by force
    superseded: int = 0  # times in a row
    stored: JobRecord | None = None  # the record as it was last given to the store
    changed: bool = False  # something was noted in the record that is not worth a write of its own
    saved_at: float = 0.0
    run: int = 0
    running: bool = False
    purging: bool = False  # the run removes the checkpoint
    failures: int = 0
    conflicts: int = 0
    careful: bool = False
    extracting: bool = field(default=False, metadata=_OF_RUN)
    draining: bool = field(default=False, metadata=_OF_RUN)  # the run is coming to an end at a transaction boundary
    outdated: bool = field(default=False, metadata=_OF_RUN)  # the run goes by settings that were replaced
    completing: bool = field(default=False, metadata=_OF_RUN)  # a migration that is level: with this run it is done
    stage: Stage = field(default=Stage.PENDING, metadata=_OF_RUN)  # how far this run has come
    began: float = field(default_factory=lambda: runtime.now(), metadata=_OF_RUN)
    proven: bool = field(default=False, metadata=_OF_RUN)  # the run has applied something: failures are counted anew
    source: ServerFacts | None = field(default=None, metadata=_OF_RUN)
    target: ServerFacts | None = field(default=None, metadata=_OF_RUN)
    feeds: tuple[Feed, ...] = field(default=(), metadata=_OF_RUN)
    looks: int = field(default=0, metadata=_OF_RUN)  # at the source
    start_after: str | None = field(default=None, metadata=_OF_RUN)  # what the target's checkpoint says
    stamps: str = field(default="", metadata=_OF_RUN)  # when its last transactions were committed
    source_uuid: str = field(default="", metadata=_OF_RUN)  # the server that they were read from
    target_answered: bool = field(default=False, metadata=_OF_RUN)
    faults: list[Fault] = field(default_factory=list, metadata=_OF_RUN)
    #: What was heard last, also of earlier runs: it is shown while the next begins.
    progress: dict[str, Any] = field(default_factory=dict)
    stale_views: list[str] = field(default_factory=list)
    #: Who waits for the purge, and what was wanted of the job before it.
    purge_for: Any = None
    wanted_before: DesiredState = DesiredState.PAUSE

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def wanted(self) -> bool:
        """Whether it is to be carried out now."""
        return self.record.desired == DesiredState.RUN and self.record.stage not in (Stage.FAILED, Stage.COMPLETED)

    @property
    def drainable(self) -> bool:
        """Whether the run applies the log, so that it can be ended at a transaction boundary."""
        return self.running and self.extracting and self.stage in (Stage.CATCHING_UP, Stage.RUNNING)

    @property
    def done(self) -> bool:
        """A migration that has everything which its source has executed."""
        level = bool(self.progress.get("level"))
        return self.spec.type == JobType.MIGRATION and self.drainable and level

    def replace(self, record: JobRecord, spec: JobSpec, nats_url: str) -> None:
        """Another document for the same job; a run that goes on meanwhile is to be ended."""
        self.record, self.spec, self.nats_url = record, spec, nats_url
        self.outdated = self.running
        self.completing = False
        self.progress = {}
        self.count_anew()

    def count_anew(self) -> None:
        """Somebody has looked at the job: it is given all its attempts again."""
        self.failures = self.conflicts = self.superseded = 0
        self.careful = self.owned = False

    def next_run(self) -> int:
        """Begin another attempt. Its number is the time, so that it is new even after all else was forgotten."""
        self.run = max(self.run + 1, runtime.wall_ns() // 1_000_000)
        self.running = True
        for each in fields(self):
            if "of_run" in each.metadata:
                made = each.default if each.default_factory is MISSING else each.default_factory()
                setattr(self, each.name, made)
        if self.progress:
            self.progress = {**self.progress, "level": False}  # until this run says so itself
        return self.run

    def applier_settings(self) -> ApplierSettings:
        spec = self.spec
        return ApplierSettings(
            nats_url=self.nats_url,
            job=self.id,
            run=self.run,
            end=End(spec.target.driver, spec.target_endpoint()),
            workers=spec.parallel_workers,
            known=self.known,
            owner=Owner(self.token, self.node, by_force=not self.owned),
            selection=spec.selection(),
            start_after=spec.gtid or None,
            drop_existing=spec.drop_table_if_exists,
            window_messages=spec.channel_size,
            serial=self.careful,
            recompute=spec.recompute,
        )

    def extractor_settings(self) -> ExtractorSettings:
        spec = self.spec
        return ExtractorSettings(
            nats_url=self.nats_url,
            job=self.id,
            run=self.run,
            end=End(spec.source.driver, spec.source_endpoint()),
            scope=Scope(
                spec.selection().folding(self._folds), spec.sql_filter(), spec.kept_users(), spec.innodb, self._folds
            ),
            start_after=self.start_after,
            stamps=self.stamps,
            source_uuid=self.source_uuid,
            workers=spec.parallel_workers,
            windows=self._windows(),
            window_messages=spec.channel_size,
            message_bytes=spec.msg_bytes_limit,
            chunk_rows=spec.chunk_size,
        )

    @property
    def _folds(self) -> bool:
        """Whether the source keeps names in lower case."""
        return self.source is not None and self.source.lower_case_table_names != 0

    def _windows(self) -> Windows:
        return Windows.of(self.buffer_bytes, self.spec.parallel_workers)

    @property
    def must_look_again(self) -> bool:
        """Whether what is known of the source may be older than the checkpoint that the target has answered with.

        Another owner, or a run before, may have applied since what the source executed after it was looked at.
        """
        return self.target_answered and self.start_after is not None and self.source is not None and self.looks < 2

    @property
    def known(self) -> Known:
        return Known(self.node, frozenset().union(*self.peers))

    def all_faults(self) -> list[Fault]:
        """What speaks against starting, on both sides and between them, as far as both have answered."""
        faults = list(self.faults)
        if self.source is not None:
            faults += check_source(self.source, self.spec.selection(), self.start_after, starting=True)
        if self.source is not None and self.target is not None:
            faults += ring_faults(self.feeds, self.id, self.source, self.target, self.known)
            faults += check_pair(self.source, self.target, innodb=self.spec.innodb)
        return faults

    @property
    def overdue(self) -> bool:
        """Both sides should have answered by now."""
        return self.running and not self.extracting and runtime.now() - self.began >= START_SECONDS

    def warn(self, told: Iterable[str]) -> None:
        """What a run says of itself is shown beside what was known at its start."""
        shown = self.progress.get("warnings", [])
        if new := [each for each in dict.fromkeys(told) if each not in shown]:
            self.progress["warnings"] = [*shown, *new]

    def warnings(self) -> list[str]:
        """What does not keep the job from running, and should be known."""
        if self.source is None or self.target is None:
            return []
        found = warn_source(self.source) + warn_target(self.target) + warn_pair(self.source, self.target)
        return [str(each) for each in found] + self._warn_filter() + self.stale_views + self.copy_warnings()

    def copy_warnings(self) -> list[str]:
        """What the job's copy took otherwise than the source has it; true for as long as the job lives."""
        return list({**self.record.progress, **self.progress}.get("copy_warnings", []))

    def note_stale_views(self, views: list[str]) -> None:
        """What the target says of views that are broken, as they are on the source."""
        if views != self.stale_views:
            self.stale_views = views
            self.progress["warnings"] = self.warnings()

    def _warn_filter(self) -> list[str]:
        left_out = self.spec.sql_filter()
        if not left_out:
            return []
        return [f"SqlFilter leaves out {left_out}: the target differs from the source on purpose"]

    def pause_after(self, kind: str, attempts: int, longest_pause: float) -> float | None:
        """Seconds until the next attempt after a failure, or None to give up. `attempts` counts failures in a row."""
        if self.proven:
            self.failures = self.conflicts = self.superseded = 0
        if kind == Superseded.__name__:
            self.superseded += 1
            return _pause(self.superseded, longest_pause)
        self.failures += 1
        if kind == Conflict.__name__:
            self.conflicts += 1
            self.careful = True
            return 0.0 if self.conflicts <= CAREFUL_TRIES else None
        if kind != Transient.__name__ or self.failures > attempts:
            return None
        return _pause(self.failures, longest_pause)


def _pause(failures: int, longest: float) -> float:
    pause = min(FIRST_PAUSE * 2 ** min(failures - 1, 10), longest)
    return float(pause * (1 + runtime.chance() * JITTER))


def tasks_at_fault(faults: list[Fault], role: str) -> tuple[TaskType, ...]:
    """Whose fault it is: the tasks that the faults name, else the one that the role works for, else both."""
    named = tuple(task for task in TaskType if any(fault.where.split(" ")[0] == task for fault in faults))
    if named:
        return named
    return (TASK_OF_ROLE[role],) if role in TASK_OF_ROLE else tuple(TaskType)
