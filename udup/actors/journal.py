"""What happens to jobs on its way to the job store: at once where somebody waits for it, else gathered for a moment.

A job that comes and goes must not flood the store, and a hundred jobs that report must not be a hundred messages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from udup.actors.messages import ShowProgress
from udup.actors.orders import Orders, Then
from udup.actors.run_state import Job
from udup.base import runtime
from udup.jobs import JobRecord, history

#: The index before the first write of a new server, as clients know it: the first job has 6, its evaluation 7.
FIRST_INDEX = 5

#: Seconds between two writes of a record for nothing but what has happened.
_WRITE_SECONDS = 1.0


class Notes:
    """`wake` asks for a call of `flush` in a moment; `show` gives progress to the StoreKeeper."""

    def __init__(
        self, jobs: Mapping[str, Job], orders: Orders, wake: Callable[[], None], show: Callable[[ShowProgress], None]
    ) -> None:
        self._jobs = jobs
        self._orders = orders
        self._wake = wake
        self._show = show
        self._awaited = False
        self._stirred: set[str] = set()  # whose progress is new
        #: The last that was given to a write.
        self.index = FIRST_INDEX

    def save(self, job: Job, record: JobRecord, then: Then | None = None) -> int:
        """Store a job's new record at once; the index of the write."""
        job.record, self.index = history.numbered(record, job.stored, self.index + 1)
        job.stored, job.changed, job.saved_at = job.record, False, runtime.now()
        self._orders.save(job.record, then)
        return self.index

    def note(self, job: Job, record: JobRecord) -> None:
        """Something has happened: to be stored soon."""
        job.record, job.changed = record, True
        self._flush_soon()

    def stirred(self, job: Job) -> None:
        """Its progress has changed: to be shown soon."""
        self._stirred.add(job.id)
        self._flush_soon()

    def _flush_soon(self) -> None:
        if not self._awaited:
            self._awaited = True
            self._wake()

    def flush(self) -> None:
        """One message with the progress of all jobs, and each record that has changed and was not written just now."""
        self._awaited = False
        progress = {job_id: self._jobs[job_id].progress for job_id in self._stirred if job_id in self._jobs}
        self._stirred.clear()
        if progress:
            self._show(ShowProgress(progress))
        for job in self._jobs.values():
            if job.changed and runtime.now() - job.saved_at >= _WRITE_SECONDS:
                self.save(job, job.record)
            elif job.changed:
                self._flush_soon()

    def save_all(self) -> None:
        """At the end: everything that was to be stored soon."""
        for job in self._jobs.values():
            if job.changed:
                self.save(job, job.record)
