"""What clients ask of comparisons: to begin one, and to end it. Each is stored, answered, carried out."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from udup.actors.job import Job
from udup.actors.journal import RecordJournal
from udup.actors.messages import Accepted, Rejected
from udup.base.errors import Fault, Refused
from udup.jobs import IndexConflict, JobRecord
from udup.jobs.words import DesiredState, Driver, Stage
from udup.pipeline.verify.state import CompareOptions, CompareState, Comparison

Answer = Callable[[Accepted | Rejected], None]


class Host(Protocol):
    """What they need of the supervisor: its log, and that an engine carries a comparison on or ends."""

    log: Any

    def carry_on_compare(self, job: Job) -> None: ...
    def end_compare(self, job: Job) -> None: ...


class CompareCommands:
    """`jobs` are the supervisor's own."""

    def __init__(self, host: Host, journal: RecordJournal, jobs: Mapping[str, Job]) -> None:
        self._host = host
        self._journal = journal
        self._jobs = jobs

    def start(self, job: Job, options: CompareOptions, answer: Answer) -> None:
        if faults := _faults(job.record, options):
            raise Refused(faults)
        if options.repair and job.run is None and not job.wanted:
            options = _standing_still(job.record, options)
        elif not job.wanted and not options.continuous:
            raise Refused([_not_running(job.record)])
        before = job.record.comparison
        then = None
        if before is not None and before.is_active:
            if not options.repair or not before.options.continuous:
                raise _under_way(job.id, before.options)
            then = before.options  # goes on behind the repair
            self._host.end_compare(job)
        document = before.document if before is not None else None
        self._keep(job, Comparison.asked(options, then).model_copy(update={"document": document}), answer)

    def stop(self, job: Job, answer: Answer) -> None:
        comparison = job.record.comparison
        if comparison is None or not comparison.is_active:
            answer(Accepted(0, job.id, "", changed=False))
            return
        self._host.end_compare(job)
        self._keep(job, comparison.over(CompareState.STOPPED, "somebody has asked for its end"), answer)

    def _keep(self, job: Job, comparison: Comparison, answer: Answer) -> None:
        def stored() -> None:
            answer(Accepted(self._journal.index, job.id, comparison.id))
            if self._jobs.get(job.id) is job:
                self._host.carry_on_compare(job)

        self._host.log.info("compare_asked", job=job.id, state=comparison.state.value)
        self._journal.save(job, job.record.model_copy(update={"comparison": comparison}), stored)


def _standing_still(record: JobRecord, options: CompareOptions) -> CompareOptions:
    if record.desired != DesiredState.RUN or record.stage is not Stage.FAILED:
        raise Refused([_not_running(record)])
    if not options.tables:
        raise Refused([Fault("Tables", f"job {record.id} has stopped", "name the table at which it has stopped")])
    return options.model_copy(update={"stands_still": True})


def _not_running(record: JobRecord) -> Fault:
    if record.stage is Stage.COMPLETED:
        problem = f"job {record.id} is completed: nobody follows its source any more"
        return Fault("Job", problem, "compare a job while it follows its source, before its end")
    job, told = shlex.quote(record.id), "does not run now"
    if record.desired == DesiredState.PAUSE:
        told = "is paused"
    elif record.stage is Stage.FAILED:
        return Fault("Job", f"job {record.id} has failed", f"udup job status {job} says what has it go on")
    return Fault("Job", f"job {record.id} {told}", f"have it go on: udup job resume {job}")


def _under_way(job: str, options: CompareOptions) -> IndexConflict:
    problem = f"a {'repair' if options.repair else 'comparison'} of job {job} is under way"
    remedy = f"wait for its end, or end it: udup job compare {shlex.quote(job)} --stop"
    return IndexConflict.by(Fault("Compare", problem, remedy))


def _faults(record: JobRecord, options: CompareOptions) -> list[Fault]:
    """Return why a job cannot be compared while it runs: nobody follows its source, or no database is its target."""
    spec = record.spec()
    if spec.delivers:
        return [Fault("Job", f"job {record.id} is a subscription: messages are not compared", "compare another job")]
    if spec.source.driver != Driver.MYSQL:
        return [Fault("Job", f"a source of {spec.source.driver} is not compared", "compare a job from MySQL")]
    if spec.copy_alone:
        problem = f"job {record.id} is a copy alone, and its target has nothing of what the source has written since"
        return [Fault("Job", problem, "post it without SkipIncrementalCopy, and compare it when it follows its source")]
    if spec.sql_filter():
        problem = f"job {record.id} leaves changes out on purpose ({spec.sql_filter()}), so its target differs"
        return [Fault("SqlFilter", problem, "compare a job without SqlFilter")]
    selections = (spec.selection(), spec.selection().folding(True))
    wrong = [name for name in options.tables if not any(each.wants_named(name) for each in selections)]
    return [Fault("Tables", f"the job has no table {name}", "write schema.table, as on the source") for name in wrong]
