"""What the API needs from the rest of the system: two small interfaces, given to it when it is built.

Reads come from the job store, so that they never wait for an actor; writes go through the supervisor. Both are called
from several web threads at once and must allow that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from udup.base.errors import UdupError
from udup.jobs import JobRecord
from udup.jobs.allocation import Evaluation
from udup.pipeline.checks import Check, Outcome
from udup.pipeline.cutover.state import Options as CutoverOptions

__all__ = ["ActorInfo", "Check", "JobControl", "JobReads", "NotReady", "NotThere", "Outcome", "Written"]


class NotReady(UdupError):
    """The node cannot answer in time, or not yet: worth another try later (503)."""


class NotThere(UdupError):
    """The job, actor, … that the request names does not exist (404). The text is what clients know: `job not found`."""


@dataclass(frozen=True)
class Written:
    """What a write did: the store's index after it, the job's ID, and an ID for the act itself.

    `changed` is false when nothing was to be done (a job paused twice); `index` is 0 then.
    """

    index: int
    job_id: str
    eval_id: str
    changed: bool = True


@dataclass(frozen=True)
class ActorInfo:
    """An actor of this node: what it is, for which job ("" for none), and its process.

    `state` is a word (`idle`, `running`), `started` seconds since the epoch, `restarts` how often its place was filled
    again, `rss` bytes of memory (0 when the process is gone).
    """

    role: str
    job_id: str
    pid: int
    slot: int = 0
    state: str = ""
    started: float = 0.0
    restarts: int = 0
    rss: int = 0


class JobControl(Protocol):
    """Writes. They return when the command is stored; that it is carried out shows in the job's stage.

    Raise `Refused` for a job that cannot be (400), `IndexConflict` for an index that no longer holds (409), and
    `NotReady` or `Transient` when the system cannot take it now (503).
    """

    def register(self, document: dict[str, Any], enforce_index: int | None) -> Written:
        """Create the job that `document` describes, or replace the one with its ID.

        The document is as posted, without a wrapper, unchecked: `udup.jobs.accept` checks it and puts stored passwords
        back. With `enforce_index`, `udup.jobs.check_enforced_index` decides first, in the same step as the write.
        """

    def delete(self, job_id: str, *, purge: bool = False) -> Written:
        """Stop and forget a job; one that is not there is a success as well. `purge` removes its checkpoint too."""

    def pause(self, job_id: str) -> Written:
        """Stop a job at a transaction boundary, to be resumed. `NotThere` for an unknown one."""

    def resume(self, job_id: str) -> Written:
        """Carry on a paused or failed job. `NotThere` for an unknown one."""

    def settle(self, job_id: str, gtid: str, *, applied: bool) -> Written:
        """Say of the one transaction that the job stopped at whether its rows are on the target, and carry on.

        `NotThere` for an unknown job, `Refused` where that transaction is not in question.
        """

    def cut_over(self, job_id: str, options: CutoverOptions) -> Written:
        """Begin a cut-over, or carry on one that has stopped; what comes of it is in the job's record.

        `NotThere` for an unknown job, `Refused` for one that was cut over.
        """

    def abort_cutover(self, job_id: str) -> Written:
        """Undo a cut-over. `NotThere` for an unknown job, `Refused` behind the switch."""

    def validate(self, document: dict[str, Any]) -> list[Check]:
        """Look at both servers as a start would, and start nothing. `Refused` for a document that is no job."""

    def kill_actor(self, pid: int) -> None:
        """SIGKILL an actor of this node, as a drill. `NotThere` if no actor has that process."""

    def actor_stacks(self, pid: int) -> str:
        """The Python stacks of all threads of an actor. `NotThere` if no actor has that process."""

    def actors(self) -> list[ActorInfo]:
        """The actors that live now."""


class JobReads(Protocol):
    """Reads."""

    def jobs(self, prefix: str) -> tuple[list[JobRecord], int]:
        """The jobs whose ID starts with `prefix`, in any order, and the index of the last change to any job."""

    def job(self, job_id: str) -> JobRecord | None:
        """One job, None if there is none with exactly this ID."""

    def evaluations(self) -> list[Evaluation]:
        """Those of deleted jobs; those of a job that is there are in its record."""

    def problems(self) -> list[str]:
        """Why the node cannot work now, for people; empty when it is ready."""
