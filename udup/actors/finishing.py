"""Whether a job can be told to finish, and what to do where it cannot."""

from __future__ import annotations

from udup.actors.job import Job
from udup.base.errors import Fault
from udup.jobs import DesiredState, EndWhen, JobType, Stage


def unfinishable(job: Job) -> Fault | None:
    """Return why the job cannot be told to finish, None if it can."""
    if job.spec.copy_alone:
        problem = f"job {job.id} ends by itself as soon as its copy is on the target"
        return Fault("finish", problem, f"wait for it: udup job status {job.id} --watch")
    if job.spec.type != JobType.MIGRATION:
        problem = f"job {job.id} follows its source without end; a migration can be finished"
        return Fault("finish", problem, f"pause it: udup job pause {job.id}, or delete it: udup job delete {job.id}")
    if job.spec.end_when is not EndWhen.FINISHED:
        problem = f"job {job.id} ends by itself as soon as it is level"
        remedy = f'wait for it: udup job status {job.id} --watch; "EndWhen": "finished" keeps a migration level instead'
        return Fault("finish", problem, remedy)
    if job.record.stage == Stage.FAILED:
        problem = f"job {job.id} has failed: {job.record.status_description}"
        return Fault("finish", problem, f"fix that, then: udup job resume {job.id}, and finish it again")
    if job.record.desired == DesiredState.PAUSE:
        return Fault("finish", f"job {job.id} is paused", f"resume it first: udup job resume {job.id}")
    return None
