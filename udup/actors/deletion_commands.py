"""How jobs are deleted, alone or with what they keep at their target.

A job that is being deleted with its checkpoint stays listed until the checkpoint is gone, and is kept if that cannot
be removed: a checkpoint that is left behind without a word would let the next job of this ID begin in the middle.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from udup.actors.cutover_rules import check_no_cutover
from udup.actors.job import Job
from udup.actors.journal import RecordJournal
from udup.actors.messages import Accepted, DeleteJob, Rejected, Rejection
from udup.base import runtime
from udup.base.errors import Failure, Fault
from udup.jobs import DesiredState, history
from udup.jobs.allocation import MAX_EVALUATIONS, Evaluation
from udup.jobs.signs import SIGNS
from udup.pipeline.transport.link import token_of

Answer = Callable[[Accepted | Rejected], None]


class Host(Protocol):
    """What deletions need of the supervisor."""

    log: Any

    def reconcile(self, job: Job) -> None: ...
    def stop_actors(self, job_id: str) -> None: ...
    def forgotten(self, job: Job) -> None: ...


class DeletionCommands:
    """`jobs` are the supervisor's own; `gone` what stays of deleted ones; `unread` those that are not understood."""

    def __init__(
        self,
        host: Host,
        journal: RecordJournal,
        jobs: dict[str, Job],
        gone: tuple[Evaluation, ...],
        unread: dict[str, str],
    ) -> None:
        self._host = host
        self._journal = journal
        self._jobs = jobs
        self._gone = gone
        self._unread = unread

    def delete(self, command: DeleteJob, job: Job | None, answer: Answer) -> None:
        """Delete a job; None: there is none of its ID."""
        if job is not None:
            check_no_cutover(job.record, "delete")
        if job is None:
            self._delete_unknown(command.job_id, answer)
        elif command.purge:
            job.wanted_before, job.purge_for = job.record.desired, answer
            record = job.record.model_copy(update={"desired": DesiredState.STOP})
            self._journal.save(job, record, lambda: self._host.reconcile(job))
        else:
            self._forget(job, answer)

    def _delete_unknown(self, job_id: str, answer: Answer) -> None:
        """Answer a success as well. A job that is stored and was not understood is removed."""
        made = runtime.new_id()

        def accepted() -> None:
            answer(Accepted(self._journal.index, job_id, made))

        if job_id in self._unread:
            del self._unread[job_id]
            self._journal.forget(job_id, self._gone, accepted)
        else:
            accepted()

    def _forget(self, job: Job, answer: Answer) -> None:
        del self._jobs[job.id]
        job.end_run()
        self._host.stop_actors(job.id)
        SIGNS.dismiss(token_of(job.id))
        self._host.log.info("job_deleted", job=job.id)
        removed = self._journal.next_number
        numbers = {"job_modify_index": removed, "create_index": removed + 1, "modify_index": removed + 1}
        made = history.deregistered(job.record).model_copy(update=numbers)
        self._gone = (*self._gone, made)[-MAX_EVALUATIONS:]

        def forgotten() -> None:
            self._gone = self._journal.placed_gone(self._gone)
            self._host.forgotten(job)
            answer(Accepted(self._journal.index, job.id, made.id))

        behind = None if job.hold is None else job.hold.revision
        self._journal.forget(job.id, self._gone, forgotten, behind)

    def forget(self, job: Job) -> None:
        """Forget a job that has nothing on its target any more."""
        self._forget(job, _nobody)

    def purged(self, job: Job) -> None:
        """Forget a job whose checkpoint is gone."""
        self._forget(job, job.purge_for or _nobody)

    def purge_failed(self, job: Job, failure: Failure) -> None:
        """Keep the job, and carry it on if it was carried out before."""
        self._host.log.warning("purge_failed", job=job.id, kind=failure.kind.value, error=failure.text)
        answer, job.purge_for = job.purge_for or _nobody, None
        remedy = "fix that and try again, or delete the job without purge, which leaves its checkpoint on the target"
        fault = Fault("purge", f"job {job.id} was not deleted: {failure.text}", remedy)
        reason = Rejection.NOT_NOW if failure.kind.passes else Rejection.REFUSED
        self._journal.save(job, job.record.model_copy(update={"desired": job.wanted_before}))
        answer(Rejected(reason, Failure(failure.kind, str(fault), (fault,))))
        self._host.reconcile(job)


def _nobody(_answer: Accepted | Rejected) -> None:
    """Who asked was gone before the server was started again."""
