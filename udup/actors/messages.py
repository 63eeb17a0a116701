"""What actors say to each other: small frozen records. Rows never travel here.

`run` is the number of one attempt to carry out a job; whatever comes from another run than the present one is old news
and is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from udup.base.endpoint import Endpoint
from udup.base.errors import Fault
from udup.drivers.mysql.client.facts import ServerFacts
from udup.jobs import JobRecord
from udup.jobs.allocation import Evaluation
from udup.jobs.document.spec import DEFAULT_DATACENTER, DEFAULT_REGION
from udup.pipeline.apply.settings import ApplierSettings, WorkerSettings
from udup.pipeline.extract.settings import ExtractorSettings
from udup.pipeline.ownership import Feed
from udup.pipeline.selection.selection import Selection
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
    max_jobs: int = 500
    #: Of jobs that name none.
    region: str = DEFAULT_REGION
    datacenter: str = DEFAULT_DATACENTER


# ---- The node and its supervisor ----


@dataclass(frozen=True)
class Begin:
    """To the JobSupervisor, once: load the jobs and carry them out. Answered by `Begun`."""

    settings: NodeSettings


@dataclass(frozen=True)
class Begun:
    pid: int


@dataclass(frozen=True)
class Wish:
    """What a client asks of a job. Answered by `Accepted` or `Rejected`."""


@dataclass(frozen=True)
class RegisterJob(Wish):
    document: dict[str, Any] = field(repr=False)
    enforce_index: int | None


@dataclass(frozen=True)
class DeleteJob(Wish):
    """`purge`: its checkpoint goes as well; answered when that is done."""

    job_id: str
    purge: bool = False


@dataclass(frozen=True)
class PauseJob(Wish):
    job_id: str


@dataclass(frozen=True)
class ResumeJob(Wish):
    job_id: str


@dataclass(frozen=True)
class Accepted:
    """A write that is stored, or that had nothing to change (`index` 0)."""

    index: int
    job_id: str
    eval_id: str
    changed: bool = True


#: The `kind` of a rejection by a supervisor that has not read the job store yet: it soon will have.
NOT_OPEN = "NotOpen"


@dataclass(frozen=True)
class Rejected:
    """A write that is not, and why: `kind` is the error's class, or NOT_OPEN."""

    kind: str
    text: str
    faults: tuple[Fault, ...] = ()


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
class Drain:
    """Stop everything at a transaction boundary. Answered by `Drained`."""


@dataclass(frozen=True)
class Drained:
    pass


# ---- The supervisor and the StoreKeeper ----


@dataclass(frozen=True)
class OpenStore:
    """To the StoreKeeper, once. Answered by `Loaded`."""


@dataclass(frozen=True)
class Loaded:
    """All jobs, the store's last index, and the evaluations of deleted jobs."""

    records: tuple[JobRecord, ...]
    index: int
    gone: tuple[Evaluation, ...]


@dataclass(frozen=True)
class Save:
    """Store a job; answered by `Saved` with the same ticket."""

    record: JobRecord
    ticket: int


@dataclass(frozen=True)
class Forget:
    """Remove a job, and keep these evaluations of deleted jobs; answered by `Saved` with the same ticket."""

    job_id: str
    gone: tuple[Evaluation, ...]
    ticket: int


@dataclass(frozen=True)
class Saved:
    ticket: int


@dataclass(frozen=True)
class ShowProgress:
    """For the API to show, by job ID; may be lost."""

    progress: dict[str, dict[str, Any]]


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
    endpoint: Endpoint
    selection: Selection


@dataclass(frozen=True)
class Probed:
    """`faults` are those that only a look into the source's dictionary shows; `feeds`, tables that other jobs write."""

    run: int
    facts: ServerFacts
    faults: tuple[Fault, ...]
    feeds: tuple[Feed, ...] = ()


@dataclass(frozen=True)
class Extract:
    """To SrcExtractor: begin."""

    settings: ExtractorSettings


@dataclass(frozen=True)
class Apply:
    """To DestApplier: begin. Answered by `Ready` or `RunEnded`."""

    settings: ApplierSettings


@dataclass(frozen=True)
class Ready:
    """The target is ready to take the log from after this set, or a full copy (None)."""

    run: int
    start_after: str | None
    facts: ServerFacts
    stamps: str = ""
    source_uuid: str = ""


@dataclass(frozen=True)
class Progress:
    """What a task says of its run, and when: seconds since the epoch."""

    role: str
    run: int
    values: dict[str, Any]
    at: float


@dataclass(frozen=True)
class RunEnded:
    """An engine ended; `kind` is the error's class, empty for an end that was asked for."""

    role: str
    run: int
    kind: str
    text: str
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class StopRun:
    """To a task: end the run, at a transaction boundary if `drain`. Answered by `RunEnded` with an empty kind."""

    run: int
    drain: bool = False


@dataclass(frozen=True)
class Purge:
    """To DestApplier: remove the job's checkpoint from the target. Answered by `Purged` or `RunEnded`."""

    run: int
    endpoint: Endpoint
    job: str


@dataclass(frozen=True)
class Purged:
    run: int


# ---- DestApplier and its workers ----


@dataclass(frozen=True)
class Work:
    """To an ApplyWorker: begin. Answered by `WorkerReady` or `RunEnded`."""

    settings: WorkerSettings


@dataclass(frozen=True)
class WorkerReady:
    run: int
    slot: int


@dataclass(frozen=True)
class WorkersKnown:
    """To the supervisor: slot and pid of each of a job's workers."""

    job_id: str
    workers: tuple[tuple[int, int], ...]


# ---- An engine's thread to its own actor ----


@dataclass(frozen=True)
class EngineEnded:
    run: int
    error: BaseException | None


@dataclass(frozen=True)
class Tick:
    """A wake-up that the supervisor asked for: look what has become of this run."""

    job_id: str
    run: int


@dataclass(frozen=True)
class Flush:
    """A wake-up that the supervisor asked for: store what has happened to the jobs."""


@dataclass(frozen=True)
class NextTurn:
    """A wake-up that the supervisor asked for: start jobs that wait for their turn."""
