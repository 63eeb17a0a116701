"""What actors say to each other: small frozen records. Rows never travel here.

`run` is the number of one attempt to carry out a job. Messages of another run than the present one are stale, and are
dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from udup.base.errors import Failure
from udup.cluster.node_of import NodeOfCluster
from udup.jobs.document.spec import DEFAULT_DATACENTER, DEFAULT_REGION
from udup.jobs.progress import TaskReport
from udup.jobs.start import DecidedStart
from udup.jobs.versions import POSTED
from udup.pipeline.apply.readiness import TargetReady
from udup.pipeline.apply.settings import ApplierSettings
from udup.pipeline.extract.settings import ExtractorSettings
from udup.pipeline.ports import Drivers, End, InPart, Scope, ServerInfo, SourceLook
from udup.store.sealing import Keyring


@dataclass(frozen=True)
class NodeSettings:
    """What the actors need to know of the node."""

    nats_url: str = field(repr=False)
    data_dir: str
    buffer_bytes: int
    log_level: str
    log_format: str
    retry_attempts: int
    backoff_max_s: int
    #: For the passwords in the job store.
    keys: Keyring = field(repr=False)
    #: Makes the ends of jobs.
    drivers: Drivers
    max_jobs: int = 500
    #: Jobs whose extractors, or appliers, may share a process.
    share_processes: int = 1
    #: Whether those of one source in one process read its log once.
    share_dumps: bool = False
    #: Of jobs that name none.
    region: str = DEFAULT_REGION
    datacenter: str = DEFAULT_DATACENTER
    #: This server in what it writes into the job store, new each time that it is started.
    writer: str = ""
    #: The job store is kept by other nodes, or by several.
    shared_store: bool = False
    #: What this node is among others; None: it is alone.
    cluster: NodeOfCluster | None = None


# ---- The node and its supervisor ----


@dataclass(frozen=True)
class Begin:
    """To the JobSupervisor, once: load the jobs and carry them out. Answered by `Begun`."""

    settings: NodeSettings


@dataclass(frozen=True)
class Begun:
    pid: int


@dataclass(frozen=True)
class Command:
    """What a client asks of a job. Answered by `Accepted` or `Rejected`."""


@dataclass(frozen=True)
class RegisterJob(Command):
    """`checked`: the JobModifyIndex of the document beside which the new one was checked, 0 if none was carried out.

    None: it is stored unchecked. `how` it came is kept with it. `start`: what its start means, as far as that was to be
    decided, `beside` which incarnation of the job; "" for none.
    """

    document: dict[str, Any] = field(repr=False)
    enforce_index: int | None
    checked: int | None = None
    how: str = POSTED
    start: DecidedStart | None = None
    beside: str = ""


@dataclass(frozen=True)
class DeleteJob(Command):
    """`purge`: its checkpoint goes as well; answered when that is done."""

    job_id: str
    purge: bool = False


@dataclass(frozen=True)
class PauseJob(Command):
    job_id: str


@dataclass(frozen=True)
class ResumeJob(Command):
    job_id: str


@dataclass(frozen=True)
class FinishJob(Command):
    """A migration that stays level until it is told to finish is told so."""

    job_id: str


@dataclass(frozen=True)
class BeginSkip(Command):
    """Note in the ledger that this transaction is being passed over; `Accepted.changed` is false if it says so already.

    Answered by `Rejected` unless the job has failed at it.
    """

    job_id: str
    gtid: str


@dataclass(frozen=True)
class EndSkip(Command):
    """`done`: the target has it, and the job goes on; or else it has refused."""

    job_id: str
    gtid: str
    done: bool


@dataclass(frozen=True)
class Accepted:
    """A write that is stored, or that had nothing to change (`index` 0)."""

    index: int
    job_id: str
    eval_id: str
    changed: bool = True


class Rejection(StrEnum):
    """Why a write was not taken."""

    NOT_OPEN = "not_open"  # the supervisor has not read the job store yet: it soon will have
    REFUSED = "refused"  # the failure's faults say what is wrong with it
    INDEX_CONFLICT = "index_conflict"  # the client enforced an index that is not the job's
    UNKNOWN_JOB = "unknown_job"
    NOT_NOW = "not_now"  # worth another try
    INTERNAL = "internal"  # an error in Udup itself


@dataclass(frozen=True)
class Rejected:
    """A write that is not stored, and why."""

    reason: Rejection
    failure: Failure


@dataclass(frozen=True)
class ListActors:
    """Answered by `Actors`."""


@dataclass(frozen=True)
class Place:
    """An actor that lives: `restarts` is how often its place was filled again, `busy` whether it works on something."""

    role: str
    job_id: str
    slot: int
    pid: int
    restarts: int
    busy: bool


@dataclass(frozen=True)
class Actors:
    actors: tuple[Place, ...]


@dataclass(frozen=True)
class AskAilments:
    """Answered by `Ailments`."""


@dataclass(frozen=True)
class Ailments:
    """What keeps the supervisor from its work, for people; empty when nothing does.

    `refused_s`: for how long NATS takes no writes of the StoreKeeper's, by its own account; 0 if it says nothing.
    """

    told: tuple[str, ...]
    refused_s: float = 0.0


@dataclass(frozen=True)
class Drain:
    """Stop everything at a transaction boundary. Answered by `Drained`.

    After so many seconds what still runs is ended at once, so that other nodes are told; 0: that is not needed.
    """

    seconds: float = 0.0


@dataclass(frozen=True)
class EndRuns:
    """A wake-up: the runs that are left have had their time."""


@dataclass(frozen=True)
class Drained:
    pass


# ---- The supervisor and its tasks ----


@dataclass(frozen=True)
class Introduce:
    """To a new actor with an engine: what it needs to know. Answered by `Hello`."""

    settings: NodeSettings
    job_id: str
    slot: int = 0


@dataclass(frozen=True)
class Hello:
    role: str
    job_id: str
    pid: int
    slot: int = 0


@dataclass(frozen=True)
class Probe:
    """To SrcExtractor: look at the source. Answered by `Probed` or `RunEnded`."""

    run: int
    end: End
    scope: Scope


@dataclass(frozen=True)
class Probed:
    run: int
    look: SourceLook


@dataclass(frozen=True)
class Extract:
    """To SrcExtractor: begin."""

    settings: ExtractorSettings

    @property
    def run(self) -> int:
        return self.settings.run


@dataclass(frozen=True)
class Apply:
    """To DestApplier: begin. Answered by `Ready` or `RunEnded`."""

    settings: ApplierSettings

    @property
    def run(self) -> int:
        return self.settings.run


@dataclass(frozen=True)
class Ready:
    """The target is ready to take the log from after this position, or a full copy (None).

    `stamps` and `source_uuid` tell the server that was followed before (`pipeline/stamps.py`). `snapshot` is what a
    destination of messages has of one, `snapshots` how many it has had, `in_part` what it has in part. `server` is the
    target's version, as its server says it. `ahead` and `prepared` as in `LogPlan`, `copied` as in `CopyResume`,
    `apart` as in `CheckpointState`.
    """

    run: int
    start_after: str | None
    info: ServerInfo
    stamps: str = ""
    source_uuid: str = ""
    snapshot: str = ""
    snapshots: int = 0
    in_part: InPart = field(default_factory=InPart)
    server: str = ""
    ahead: str = ""
    copied: str = ""
    apart: str = ""
    prepared: tuple[str, ...] | None = None

    @classmethod
    def of(cls, run: int, ready: TargetReady) -> Ready:
        told = ready.stamps, ready.source_uuid, ready.snapshot, ready.snapshots, ready.in_part, ready.server
        return cls(run, ready.start_after, ready.info, *told, ready.ahead, ready.copied, ready.apart, ready.prepared)


@dataclass(frozen=True)
class Progress:
    """What a task reports of its run, and when: seconds since the epoch."""

    role: str
    run: int
    report: TaskReport
    at: float


@dataclass(frozen=True)
class RunEnded:
    """An actor's part of a run has ended: by a failure, or because it was told to."""

    role: str
    run: int
    failure: Failure | None = None


@dataclass(frozen=True)
class StopRun:
    """To a task: end the run, at a transaction boundary if `drain`. Answered by `RunEnded` without a failure."""

    run: int
    drain: bool = False


@dataclass(frozen=True)
class Purge:
    """To DestApplier: remove the job's checkpoint from the target. Answered by `Purged` or `RunEnded`."""

    run: int
    end: End
    job: str
    number: int = 0  # as in `Owner`


@dataclass(frozen=True)
class Purged:
    run: int


# ---- An engine's thread to its own actor ----


@dataclass(frozen=True)
class EngineEnded:
    run: int
    failure: Failure | None


# ---- Wake-ups that the supervisor asks for ----


class Wake(StrEnum):
    """What a `Tick` was asked for. It acts on nothing else."""

    RETRY = "retry"  # the pause after a run that failed is over
    START_OVERDUE = "start overdue"  # both sides should have answered by now
    OTHER_SIDE_SILENT = "other side silent"  # one side has refused, and the other was given a moment to say its part
    DRAIN_OVERDUE = "drain overdue"  # the run should have reached a transaction boundary by now
    ANSWER_OVERDUE = "answer overdue"  # the source should have said what it has executed by now
    PURGE_OVERDUE = "purge overdue"  # the checkpoint should have been removed by now


@dataclass(frozen=True)
class Tick:
    """A wake-up about one run; `RETRY`: about the run whose failure the pause follows."""

    job_id: str
    run: int
    wake: Wake


@dataclass(frozen=True)
class Flush:
    """Store what has happened to the jobs."""


@dataclass(frozen=True)
class NextTurn:
    """Start jobs that wait for their turn."""
