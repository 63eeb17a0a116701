"""What a task reports of a run: what that says of the job, in what is shown and in its record."""

from __future__ import annotations

from udup.actors.job import Job
from udup.actors.messages import Progress
from udup.actors.outages import record_without
from udup.actors.run import APPLIER, TASK_OF_ROLE, Phase, Run
from udup.actors.run_parts import Parts
from udup.jobs import Stage, history


def take_report(job: Job, run: Run, message: Progress, parts: Parts) -> Stage | None:
    """Note what a task reports; return the stage that the run has reached by that, if it says so and is to go on."""
    report = message.report
    run.heard.add(TASK_OF_ROLE[message.role])
    run.held = report.held or run.held
    if message.role == APPLIER:
        job.hear(report, message.at)
    else:
        job.hear(report, None, message.at)
    parts.journal.progress_changed(job)
    if run.phase is Phase.DRAINING or run.outdated:
        return None  # what it has come to is of no interest any more
    if report.proves_the_run and not run.proven:
        run.proven = True
        parts.numbers.proven(job)
    if job.record.failing and report.shows_recovery:
        parts.journal.save(job, history.recovered(job.record))
    if report.progress.careful is False:
        job.serial = False
    if job.record.outage is not None and run.is_back(report):
        parts.journal.save(job, record_without(job, parts.log))
        parts.reaching.reached(job)
    return report.stage


def keep_stage(job: Job, stage: Stage, parts: Parts) -> None:
    """Store a stage that the job was not in before."""
    parts.log.info("stage", job=job.id, stage=stage.value)
    follows = job.record.has_followed or stage in (Stage.CATCHING_UP, Stage.RUNNING)
    update = {"stage": stage, "status_description": "", "has_followed": follows}
    parts.journal.save(job, job.record.model_copy(update=update))
