"""Who may start now: a server that comes back with hundreds of jobs begins a few at a time, not all of them at once.

Beginning a run forks processes and opens connections. Measured with 100 jobs on two busy cores: begun all at once they
were so slow that some were given up after two minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from udup.actors.job import Job
from udup.base import runtime

#: Jobs that may be starting at a time, and seconds after which one that waits for its servers does not count any more.
_AT_A_TIME, _COUNTED_SECONDS = 8, 5.0


class Starting:
    """`wake` asks for a call of `next` in a moment."""

    def __init__(self, jobs: Mapping[str, Job], wake: Callable[[], None]) -> None:
        self._jobs = jobs
        self._wake = wake
        self._waiting: dict[str, None] = {}  # in the order of their coming
        self._awaited = False

    def admits(self, job: Job) -> bool:
        """Return whether a job may begin a run now; else it has its turn later."""
        if self._room() > 0:
            self._waiting.pop(job.id, None)
            return True
        self._waiting.setdefault(job.id)
        self._wake_once()
        return False

    def _wake_once(self) -> None:
        if not self._awaited:
            self._awaited = True
            self._wake()

    def next(self) -> list[Job]:
        """Return those whose turn it is. What has become of them meanwhile is for the caller to look at."""
        self._awaited = False
        turn = list(self._waiting)[: self._room()]
        for job_id in turn:
            del self._waiting[job_id]
        if self._waiting:
            self._wake_once()
        return [self._jobs[job_id] for job_id in turn if job_id in self._jobs]

    def _room(self) -> int:
        now = runtime.now()
        starting = sum(
            job.run is not None and job.run.is_starting and now - job.run.began < _COUNTED_SECONDS
            for job in self._jobs.values()
        )
        return _AT_A_TIME - starting
