"""What a job's record says when the job is completed, paused or failed: no run of it is left, or begins by itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from udup.actors.job import Job
from udup.actors.journal import RecordJournal
from udup.base import runtime
from udup.base.errors import Failure
from udup.jobs import JobProgress, Stage, TaskType, history

#: Longest text of a job's StatusDescription.
_DESCRIPTION = 2000


class Outcomes:
    """Stores them by the journal."""

    def __init__(self, journal: RecordJournal, log: Any) -> None:
        self._journal = journal
        self._log = log

    def completed(self, job: Job, executed: str | None) -> None:
        """Store that the target has all of it: `executed`, where that is known."""
        self._log.info("job_completed", job=job.id)
        job.complete(executed)
        self._journal.show(job)
        update = {"stage": Stage.COMPLETED, "status_description": "", "progress": job.progress, "finish": False}
        self._journal.save(job, history.completed(job.record.model_copy(update=update), runtime.wall_ns()))

    def paused(self, job: Job) -> None:
        """Store that the job rests."""
        self._log.info("job_paused", job=job.id)
        update = {"stage": Stage.PAUSED, "progress": _told_last(job)}
        self._journal.save(job, history.paused(job.record.model_copy(update=update), runtime.wall_ns()))

    def failed(self, job: Job, failure: Failure, tasks: Iterable[TaskType]) -> None:
        """Store that the job has failed, and which tasks of it."""
        text = failure.text[:_DESCRIPTION]
        update = {"stage": Stage.FAILED, "status_description": text, "progress": _told_last(job)}
        record = history.given_up(job.record.model_copy(update=update), tasks, failure, runtime.wall_ns())
        self._journal.save(job, record)


def _told_last(job: Job) -> JobProgress:
    """Return what the job's record says of its progress, which has ended: what was heard last."""
    job.progress = job.progress.ended()
    return job.progress if job.progress.model_fields_set else job.record.progress
