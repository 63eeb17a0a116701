"""What actors say to each other: small frozen records. Rows never travel here.

`run` is the number of one attempt to carry out a job; whatever comes from another run than the present one is old news
and is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from udup.errors import Fault
from udup.job import JobRecord
from udup.mysql.connection import Endpoint
from udup.mysql.facts import ServerFacts
from udup.mysql.selection import Selection
from udup.source.extractor import ExtractorSettings
from udup.target.applier import ApplierSettings
from udup.target.worker import WorkerSettings


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


# ---- The node and its supervisor ----


@dataclass(frozen=True)
class Begin:
    """To the JobSupervisor, once: load the jobs and carry them out. Answered by `Begun`."""

    settings: NodeSettings


@dataclass(frozen=True)
class Begun:
    pid: int


@dataclass(frozen=True)
class RegisterJob:
    document: dict[str, Any] = field(repr=False)
    enforce_index: int | None


@dataclass(frozen=True)
class DeleteJob:
    job_id: str


@dataclass(frozen=True)
class Accepted:
    """A write that is stored."""

    index: int
    job_id: str


@dataclass(frozen=True)
class Rejected:
    """A write that is not, and why: `kind` is the error's class."""

    kind: str
    text: str
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class ListActors:
    """Answered by `Actors`."""


@dataclass(frozen=True)
class Actors:
    """(role, job ID, pid) of every actor that lives."""

    actors: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class Drain:
    """Stop everything at a transaction boundary. Answered by `Drained`."""


@dataclass(frozen=True)
class Drained:
    pass


# ---- The supervisor and the StoreKeeper ----


@dataclass(frozen=True)
class OpenStore:
    settings: NodeSettings


@dataclass(frozen=True)
class Loaded:
    """All jobs, and the store's last index."""

    records: tuple[JobRecord, ...]
    index: int


@dataclass(frozen=True)
class Save:
    """Store a job; answered by `Saved` with the same ticket."""

    record: JobRecord
    ticket: int


@dataclass(frozen=True)
class Forget:
    """Remove a job; answered by `Saved` with the same ticket."""

    job_id: str
    ticket: int


@dataclass(frozen=True)
class Saved:
    ticket: int


@dataclass(frozen=True)
class ShowProgress:
    """For the API to show; may be lost."""

    job_id: str
    progress: dict[str, Any]


# ---- The supervisor and its tasks ----


@dataclass(frozen=True)
class Introduce:
    """To a new actor: what it needs to know. Answered by `Hello`."""

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
    """`faults` are those that only a look into the source's dictionary shows."""

    run: int
    facts: ServerFacts
    faults: tuple[Fault, ...]


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


@dataclass(frozen=True)
class Progress:
    role: str
    run: int
    values: dict[str, Any]


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
    """To the supervisor: the pids of a job's workers."""

    job_id: str
    pids: tuple[int, ...]


# ---- An engine's thread to its own actor ----


@dataclass(frozen=True)
class EngineEnded:
    run: int
    error: BaseException | None


@dataclass(frozen=True)
class Tick:
    """A wake-up that the supervisor asked for."""

    job_id: str
    run: int
