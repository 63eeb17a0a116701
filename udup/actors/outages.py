"""What a job does while a server, NATS or its machine is away: it waits without end, and its record says for what.

Which failures these are says `FailureKind.heals`; how long the pauses are, `Job.pause_after`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from udup.actors.job import Job
from udup.actors.journal import RecordJournal
from udup.actors.run import ROLE_OF_TASK, Phase, Run
from udup.base import runtime
from udup.base.causes import Cause, reason
from udup.base.errors import Failure, FailureKind, Side
from udup.base.remedies import for_job
from udup.jobs import JobRecord, TaskType, history, skipping
from udup.jobs.beginning_again import failure_of
from udup.jobs.curing import cure

#: Seconds that a refusal by one side waits for what the other has to say, so that all is told at once.
OTHER_SIDE_SECONDS = 5.0

#: Seconds that a run whose one side is away waits for what the other has to say: more than it takes to find out that a
#: server hangs. Without that other one no run begins anyway.
OTHER_SERVER_SECONDS = 15.0


def record_after(job: Job, run: Run, failure: Failure, tasks: Iterable[TaskType], pause: float, log: Any) -> JobRecord:
    """Return the job's record after a run that failed and is begun again after a pause."""
    pause_ns, now = int(pause * 1e9), runtime.wall_ns()
    if failure.kind is FailureKind.SUPERSEDED:
        return history.superseded(job.record, tasks, failure.text, pause_ns, now)
    outage = job.outage_after(run, failure, pause)
    if outage is None:
        record = job.record.model_copy(update={"outage": None})
        return history.run_failed(record, tasks, failure.text, pause_ns, now)
    if job.record.outage is None:
        log.warning("job_reconnecting", job=job.id, side=named(failure.side), error=failure.text)
    return history.waits(job.record, tasks, failure, outage, pause_ns, now)


def record_without(job: Job, log: Any) -> JobRecord:
    """Return the job's record when it follows or copies again: what it waited for is over."""
    outage = job.record.outage
    assert outage is not None
    seconds = round(runtime.wall() - outage.since, 1)
    log.info("job_reconnected", job=job.id, side=named(outage.side), seconds=seconds, attempts=outage.attempts)
    return history.back(job.record, runtime.wall_ns())


def waits(job: Job) -> bool:
    """Whether the job's tasks wait, for a server or for another owner, so that what it tries is not worth an event."""
    return job.record.outage is not None or job.superseded > 0


def is_another_try(before: JobRecord, after: JobRecord) -> bool:
    """Whether nothing is new but how often was tried, and when it is tried next: progress tells that without a write.

    Each time that the tries have doubled they are stored all the same, for a node that is started again.
    """
    if before.outage is None or after.outage is None:
        return False
    tries = {"attempts": after.outage.attempts, "next_try": after.outage.next_try}
    doubled = after.outage.attempts & (after.outage.attempts - 1) == 0
    return not doubled and after == before.model_copy(update={"outage": before.outage.model_copy(update=tries)})


def keep(job: Job, record: JobRecord, journal: RecordJournal) -> None:
    """Have the record stored, as soon as it is worth that."""
    if record.outage is not None and job.record.outage is None:
        journal.save(job, record)  # that it is not level any more must be seen at once
    elif is_another_try(job.record, record):
        job.record = record
    else:
        journal.note(job, record)


def log_ended(job: Job, run: Run, failure: Failure, pause: float, log: Any) -> None:
    """Log that a run has ended, by what, and when the next begins."""
    also = [each.text for each in run.lost.values() if each != failure]
    log.warning(
        "run_ended",
        job=job.id,
        run=run.number,
        kind=failure.kind.value,
        side=named(failure.side),
        error=failure.text,
        **({"also": also} if also else {}),
        again_in_s=round(pause, 3),
    )


def given_up(failure: Failure, failures: int) -> Failure:
    """Return why a job has failed whose run has; one that may be tried again was, often enough."""
    if not failure.kind.passes:
        return failure
    params = {"failures": failures, "error": failure.text, "side": named(failure.side)}
    text = f"given up after {failures} failures in a row, the last: {failure.text}"
    return replace(failure, text=text, reason=reason(Cause.TOO_MANY_RESTARTS, params))


def with_remedy(job: Job, failure: Failure) -> Failure:
    """Return a failure that ends a job, with what gets that going again."""
    if job.spec.delivers:
        return failure_of(job.id, failure)
    record = job.record
    failure = _typed(failure, record.part_of or job.id)
    cured = cure(record, job.spec, failure.contradicted)
    return skipping.with_commands(record.part_of or job.id, failure, cured, skips=not record.part_of)


def _typed(failure: Failure, job: str) -> Failure:
    """Return the same with the job's ID in its commands."""
    faults = tuple(replace(each, remedy=for_job(each.remedy, job)) for each in failure.faults)
    return replace(failure, text=for_job(failure.text, job), faults=faults)


def note_silent(run: Run) -> None:
    """Note in a run whose one side is away that the other one has not answered, if that is so."""
    for task in run.unheard:
        if task not in run.heard:  # who waits for a lock there, and says so, has a server that answers
            side = Side.SOURCE if task is TaskType.SRC else Side.TARGET
            text = f"the {side} did not answer in {OTHER_SERVER_SECONDS:.0f} s"
            run.lose(ROLE_OF_TASK[task], Failure(FailureKind.UNAVAILABLE, text, side=side))


def told_by(job: Job, run: Run) -> tuple[str, Failure]:
    """Return which role's failure is told as the run's, of those that its sides have met: a run's own first one.

    Within an outage that of the side which is shown already, so that two that are away do not take turns.
    """
    outage = job.record.outage
    lost = sorted(run.lost.items(), key=lambda each: outage is None or each[1].side is not outage.side)
    task, failure = lost[0]
    return ROLE_OF_TASK[task], failure


def no_answer(run: Run, seconds: float) -> Failure:
    """Return why a run ends that has waited for its servers, or for one of them, for as long as it may."""
    silent = run.silent_sides if run.phase is Phase.STARTING else (Side.TARGET,)
    who, side = (f"the {silent[0]}", silent[0]) if len(silent) == 1 else ("the servers", None)
    return Failure(FailureKind.UNAVAILABLE, f"{who} did not answer in {seconds:.0f} s", side=side)


def named(side: Side | None) -> str:
    """Return a side's word, "" where nobody knows."""
    return "" if side is None else side.value
