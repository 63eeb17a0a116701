"""What the supervisor and the StoreKeeper say to each other."""

from __future__ import annotations

from dataclasses import dataclass

from udup.jobs import JobProgress, JobRecord
from udup.jobs.allocation import Evaluation
from udup.jobs.fitting import STORED_MAX


@dataclass(frozen=True)
class OpenStore:
    """To the StoreKeeper, once. Answered by `Loaded`."""


@dataclass(frozen=True)
class Loaded:
    """All jobs, the store's last index, the evaluations of deleted jobs, and the bytes that NATS takes of a record."""

    records: tuple[JobRecord, ...]
    index: int
    gone: tuple[Evaluation, ...]
    max_bytes: int = STORED_MAX


@dataclass(frozen=True)
class Save:
    """Store a job; answered by `Saved` or `NotSaved` with the same ticket."""

    record: JobRecord
    ticket: int
    #: Somebody waits for it: it is in the node's own file as well before it is answered.
    awaited: bool = True
    #: Where several nodes write: the revision that it replaces, as far as the supervisor knew when it was ordered.
    behind: int | None = None


@dataclass(frozen=True)
class Forget:
    """Remove a job, and keep these evaluations of deleted jobs; answered by `Saved` with the same ticket."""

    job_id: str
    gone: tuple[Evaluation, ...]
    ticket: int
    behind: int | None = None


@dataclass(frozen=True)
class Saved:
    """`position` is where the store has it, by which its indexes are made (`jobs/numbers.py`); `revision` its own."""

    ticket: int
    position: int = 0
    revision: int = 0


@dataclass(frozen=True)
class NotSaved:
    """The store never takes this one: it is dropped, and the others go on. `taken`: another has written the record."""

    job_id: str
    ticket: int
    why: str
    taken: bool = False


@dataclass(frozen=True)
class StoreRefuses:
    """NATS has not taken a write just now; it is tried again."""

    why: str


@dataclass(frozen=True)
class ShowProgress:
    """For the API to show, by job ID; may be lost."""

    progress: dict[str, JobProgress]


@dataclass(frozen=True)
class HideProgress:
    """The job is another node's, which shows it from now on."""

    job_id: str
