"""What a job does while a server, NATS or its machine is away: it waits without end, and its record says for what.

Which failures these are says `FailureKind.heals`; how long the pauses are, `Job.pause_after`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from udup.actors.job import Job
from udup.actors.run import Phase, Run
from udup.base import runtime
from udup.base.errors import Failure, FailureKind, Side
from udup.jobs import JobRecord, TaskType, history


def record_after(job: Job, failure: Failure, tasks: Iterable[TaskType], pause: float, log: Any) -> JobRecord:
    """Return the job's record after a run that failed and is begun again after a pause."""
    pause_ns, now = int(pause * 1e9), runtime.wall_ns()
    if failure.kind is FailureKind.SUPERSEDED:
        return history.superseded(job.record, tasks, failure.text, pause_ns, now)
    outage = job.outage_after(failure, pause)
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


def no_answer(run: Run, seconds: float) -> Failure:
    """Return why a run ends that has waited for its servers, or for one of them, for as long as it may."""
    silent = run.silent_sides if run.phase is Phase.STARTING else (Side.TARGET,)
    who, side = (f"the {silent[0]}", silent[0]) if len(silent) == 1 else ("the servers", None)
    return Failure(FailureKind.UNAVAILABLE, f"{who} did not answer in {seconds:.0f} s", side=side)


def named(side: Side | None) -> str:
    """Return a side's word, "" where nobody knows."""
    return "" if side is None else side.value
