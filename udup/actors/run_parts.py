"""What runs are carried out with (`runs.py`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from udup.actors.job import Job
from udup.actors.journal import RecordJournal
from udup.actors.messages import NodeSettings
from udup.actors.registry import ActorRegistry
from udup.actors.starting import Starting
from udup.actors.tasks import Tasks
from udup.base.errors import Failure


class Purges(Protocol):
    """Who is told how the removal of a checkpoint has ended."""

    def purged(self, job: Job) -> None: ...
    def purge_failed(self, job: Job, failure: Failure) -> None: ...


@dataclass(frozen=True)
class Parts:
    """What runs are carried out with. `wake` has a message come back after so many seconds."""

    settings: NodeSettings
    actors: ActorRegistry
    tasks: Tasks
    journal: RecordJournal
    starting: Starting
    purges: Purges
    wake: Callable[[float, object], None]
    log: Any
