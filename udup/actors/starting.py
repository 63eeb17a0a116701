"""Who may start now: a server that comes back with hundreds of jobs begins a few at a time, not all of them at once.

Beginning a run forks processes and opens connections. Measured with 100 jobs on two busy cores: begun all at once they
were so slow that some were given up after two minutes. A few at a time keep the machine at work, unless they wait for
their servers: then more may begin, and as soon as the machine has no rest any more it is a few again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from udup.actors.job import Job
from udup.base import runtime

#: Jobs that may be starting at a time on a machine that is at work, and on any.
AT_A_TIME, AT_MOST = 8, 64

#: Part of the machine that lies idle where those that start wait for others.
IDLE_SHARE = 0.2

#: Seconds after which one that waits for its servers does not count any more.
_COUNTED_SECONDS = 5.0


class Starting:
    """`wake` asks for a call of `next` in a moment."""

    def __init__(self, jobs: Mapping[str, Job], wake: Callable[[], None]) -> None:
        self._jobs = jobs
        self._wake = wake
        self._waiting: dict[str, None] = {}  # in the order of their coming
        self._awaited = False
        self._places = AT_A_TIME
        self._since = 0.0, 0.0  # when the wake was asked for, and how long the machine had been idle then

    def admits(self, job: Job) -> bool:
        """Return whether a job may begin a run now; else it has its turn later."""
        if self._room() > 0 or (job.hold is not None and (job.hold.asked or job.hold.granted)):
            self._waiting.pop(job.id, None)
            return True
        self._waiting.setdefault(job.id)
        self._wake_once()
        return False

    def _wake_once(self) -> None:
        if not self._awaited:
            self._awaited = True
            self._since = runtime.now(), runtime.idle_seconds()
            self._wake()

    def next(self) -> list[Job]:
        """Return those whose turn it is. What has become of them meanwhile is for the caller to look at."""
        self._awaited = False
        self._adapt()
        turn = list(self._waiting)[: max(0, self._room())]
        for job_id in turn:
            del self._waiting[job_id]
        if self._waiting:
            self._wake_once()
        else:
            self._places = AT_A_TIME
        return [self._jobs[job_id] for job_id in turn if job_id in self._jobs]

    def _adapt(self) -> None:
        """Have more places while all are taken and the machine does little, and fewer when it is at work."""
        began, idle = self._since
        passed = runtime.now() - began
        if passed <= 0:
            return
        if (runtime.idle_seconds() - idle) / passed < IDLE_SHARE:
            self._places = AT_A_TIME
        elif self._room() <= 0:
            self._places = min(AT_MOST, self._places + AT_A_TIME)

    def _room(self) -> int:
        now = runtime.now()
        starting = sum(_counts(job, now) for job in self._jobs.values())
        return self._places - starting


def _counts(job: Job, now: float) -> bool:
    if job.run is None:
        return job.hold is not None and job.hold.asked
    return job.run.is_starting and now - job.run.began < _COUNTED_SECONDS
