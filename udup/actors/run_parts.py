"""What runs are carried out with (`runs.py`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from udup.actors.growing import Growing
from udup.actors.job import Job
from udup.actors.journal import RecordJournal
from udup.actors.messages import NodeSettings
from udup.actors.reaching import Reaching
from udup.actors.registry import ActorRegistry
from udup.actors.run import RunNumbers
from udup.actors.starting import Starting
from udup.actors.tasks import Tasks
from udup.base.errors import Failure


class Purges(Protocol):
    """Who is told how the removal of a checkpoint has ended."""

    def purged(self, job: Job) -> None: ...
    def purge_failed(self, job: Job, failure: Failure) -> None: ...


class Numbers(Protocol):
    """Where the numbers of runs come from."""

    def take(self, job: Job) -> int:
        """Return the number of a run that begins now; 0: it is asked for, and `reconcile` follows."""

    def leave(self, job: Job) -> None:
        """Give the job away, which has no run any more."""

    def elsewhere(self, job: Job, reason: str, fail: Callable[[str], None]) -> bool:
        """Have another node try a job whose run has ended; False where there is none.

        `fail` is called with what others have met if nobody is left to try it.
        """

    def proven(self, job: Job) -> None:
        """Note that a run of the job has applied something."""


class OwnNumbers:
    """Those of a node that is alone."""

    def __init__(self) -> None:
        self._numbers = RunNumbers()

    def take(self, _job: Job) -> int:
        return self._numbers.next()

    def leave(self, job: Job) -> None:
        raise AssertionError(f"there is no other node for job {job.id}")

    def elsewhere(self, _job: Job, _reason: str, _fail: Callable[[str], None]) -> bool:
        return False

    def proven(self, job: Job) -> None:
        """There is no other node."""


@dataclass(frozen=True)
class Parts:
    """What runs are carried out with. `wake` has a message come back after so many seconds."""

    settings: NodeSettings
    actors: ActorRegistry
    tasks: Tasks
    journal: RecordJournal
    starting: Starting
    purges: Purges
    numbers: Numbers
    reaching: Reaching
    growing: Growing
    wake: Callable[[float, object], None]
    log: Any
