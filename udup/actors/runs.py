"""Carries jobs out in runs: what the supervisor does when a job is to take its next step, and when a task reports.

A job is carried out in *runs*: both tasks begin together from the checkpoint, and when either fails both end and a new
run begins, after a pause that grows. What a failure means follows from its kind (`base/errors.py`).

What is asked of a job is in its record; `reconcile` brings it about, step by step. A run that is no longer wanted, or
goes by old settings, is *drained*: it ends at a transaction boundary, and what comes next is decided when it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from udup.actors.completion import ANSWER_SECONDS, Completion
from udup.actors.growing import starts_unsaved
from udup.actors.job import Job, Step
from udup.actors.messages import Progress, Ready, RunEnded, Tick, Wake
from udup.actors.outages import (
    OTHER_SERVER_SECONDS,
    OTHER_SIDE_SECONDS,
    given_up,
    keep,
    log_ended,
    no_answer,
    note_silent,
    record_after,
    told_by,
    waits,
    with_remedy,
)
from udup.actors.outcomes import Outcomes
from udup.actors.reports import keep_stage, take_report
from udup.actors.run import APPLIER, CUTOVER_ROLE, Next, Phase, Run, tasks_at_fault
from udup.actors.run_parts import Parts
from udup.actors.server_end import ServerEnd
from udup.base import runtime
from udup.base.errors import Failure, FailureKind, Fault, Refused, Side
from udup.jobs import DesiredState, Stage, TaskType, history
from udup.pipeline.ports import SourceLook

#: Seconds that both sides may take until the run is under way, and a target to remove a checkpoint.
START_SECONDS = 120.0

#: Seconds for a run to reach a transaction boundary: a long statement, or a transaction of which only a part has come,
#: is broken off then, to be done again by the next run.
DRAIN_SECONDS = 10.0


class JobRuns:
    """`jobs` are the supervisor's own."""

    def __init__(self, jobs: Mapping[str, Job], parts: Parts) -> None:
        self._jobs = jobs
        self._parts = parts
        self._completion = Completion(parts.tasks, self._wake, parts.log)
        self._end = ServerEnd(jobs)
        self._outcomes = Outcomes(parts.journal, parts.log)

    def guarded(self, job: Job, step: Callable[[], None]) -> None:
        """Do something for one job. If that meets an error in Udup itself, this job fails, and no other."""
        try:
            step()
        except Exception as error:
            self._parts.log.exception("job_step_failed", job=job.id)
            self._failed_inside(job, Failure.of_machine(error))

    def _failed_inside(self, job: Job, failure: Failure) -> None:
        if job.run is not None and job.run.phase is Phase.PURGING:
            self._purge_failed(job, job.run, failure)
        elif job.wanted and self._jobs.get(job.id) is job:
            if job.run is not None:
                self._run_failed(job, job.run, failure)
            else:
                self._fail(job, failure, tuple(TaskType))
        elif job.run is not None:
            self._stop(job, job.run)

    # ---- The next step ----

    def reconcile(self, job: Job) -> None:
        """Take the next step to what is wanted of the job."""
        self.guarded(job, lambda: self._take_step(job))

    def _take_step(self, job: Job) -> None:
        if self._end.wanted:
            self._end.answer_if_drained()
            return
        match job.next_step():
            case Step.DRAIN:
                self._drain(job)
            case Step.PURGE:
                self._purge(job)
            case Step.REST:
                self._rest(job)
            case Step.START if not starts_unsaved(job, self._parts.journal) and self._parts.starting.admits(job):
                self._start(job)
            case Step.LEAVE:
                self._parts.numbers.leave(job)
            case Step.NONE:
                self._completion.ask_if_done(job)
        self._parts.growing.noticed(job)

    def _drain(self, job: Job) -> None:
        """End the run: at a transaction boundary, or at once where a copy would begin again anyway."""
        run = job.run
        assert run is not None
        if run.drainable:
            run.phase = Phase.DRAINING
            self._wake(DRAIN_SECONDS, job, run, Wake.DRAIN_OVERDUE)
            self._parts.tasks.drain(job, run)
        else:
            self._stop(job, run)
            self._take_step(job)

    def _drained(self, job: Job, run: Run, failure: Failure | None) -> None:
        """The applier has ended. What it could not apply, the next run applies."""
        self._parts.tasks.crews.dismiss(job.id)
        job.end_run()
        job.told_last = failure is None
        if failure is not None:
            self._parts.log.warning(
                "run_ended_badly", job=job.id, run=run.number, kind=failure.kind.value, error=failure.text
            )
        if not run.completing or self._end.wanted:
            self._take_step(job)
        elif failure is None:
            self._complete(job, run.source_executed)
        else:
            self._run_failed(job, run, failure, APPLIER)

    def _complete(self, job: Job, executed: str | None) -> None:
        """`executed`: what the source had when the target was seen to have all of it."""
        self._outcomes.completed(job, executed)
        self._take_step(job)

    def _rest(self, job: Job) -> None:
        """The job is not carried out now: it holds no process."""
        job.retry_of = None
        self._parts.actors.stop(job.id, but=CUTOVER_ROLE)
        if job.cut_over and job.record.stage != Stage.COMPLETED:
            self._complete(job, job.record.cutover.executed if job.record.cutover else None)
            return
        if job.record.desired == DesiredState.PAUSE and job.record.stage != Stage.PAUSED:
            self._outcomes.paused(job)

    def _purge(self, job: Job) -> None:
        if not (number := self._parts.numbers.take(job)):
            return
        run = job.begin_run(number, Phase.PURGING)
        self._parts.tasks.purge(job, run)
        self._wake(START_SECONDS, job, run, Wake.PURGE_OVERDUE)

    def purged(self, job: Job) -> None:
        """The checkpoint is gone."""
        job.end_run()
        self._parts.purges.purged(job)

    def _purge_failed(self, job: Job, run: Run, failure: Failure) -> None:
        self._stop(job, run)
        self._parts.purges.purge_failed(job, failure)

    # ---- A run begins ----

    def _start(self, job: Job) -> None:
        """Begin a run: both sides look at their servers, then `_decide`."""
        if not (number := self._parts.numbers.take(job)):
            return
        run = job.begin_run(number)
        self._parts.tasks.begin(job, run)
        self._parts.log.info("run_begins", job=job.id, run=run.number, careful=job.serial)
        if not waits(job):
            self._parts.journal.note(job, history.started(job.record, runtime.wall_ns()))
        self._wake(START_SECONDS, job, run, Wake.START_OVERDUE)

    def source_seen(self, job: Job, run: Run, look: SourceLook) -> None:
        run.source_seen(look)
        self._decide(job, run)

    def target_ready(self, job: Job, run: Run, ready: Ready) -> None:
        job.owned = True
        run.target_ready(ready)
        if not self._parts.growing.heard(job, run, ready):
            self._decide(job, run)

    def _decide(self, job: Job, run: Run) -> None:
        """Start to extract when both sides have answered and nothing speaks against it."""
        match run.next_step():
            case Next.LOOK_AGAIN:
                run.look_again()
                self._parts.tasks.probe(job, run)
            case Next.CHECK:
                self._start_or_refuse(job, run)
            case Next.GIVE_UP:
                self._give_up_start(job, run)

    def _start_or_refuse(self, job: Job, run: Run) -> None:
        if faults := self._known_faults(job, run):
            self._refuse(job, faults)
            return
        job.start(run, self._parts.settings.drivers)
        if job.superseded and job.record.outage is None:  # it has the job again
            self._parts.journal.note(job, history.started(job.record, runtime.wall_ns()))
        self._parts.tasks.extract(job, run)

    def _refuse(self, job: Job, faults: Sequence[Fault]) -> None:
        self._fail(job, Failure.of(Refused(faults)), tasks_at_fault(faults))

    def _give_up_start(self, job: Job, run: Run) -> None:
        """Begin another run later: a server is away, or both are. What a side has refused no waiting heals."""
        if faults := self._known_faults(job, run):
            self._refuse(job, faults)
            return
        role, failure = told_by(job, run)
        self._run_failed(job, run, failure, role)

    # ---- A run ends ----

    def ended(self, job: Job, run: Run, message: RunEnded) -> None:
        """A task says that its part of the run has ended."""
        failure = message.failure
        if run.phase is Phase.DRAINING:
            if message.role == APPLIER:
                self._drained(job, run, failure)
        elif failure is None:
            return  # it was told to end
        elif failure.kind.heals and run.may_refuse:
            run.lose(message.role, failure)
            self._decide(job, run)
            if job.run is run:
                self._wake(OTHER_SERVER_SECONDS, job, run, Wake.OTHER_SIDE_SILENT)
        elif failure.kind is FailureKind.REFUSED and run.may_refuse:
            run.refused(message.role, failure.faults)
            self._decide(job, run)
            if job.run is run:  # the other side has not answered
                self._wake(OTHER_SIDE_SECONDS, job, run, Wake.OTHER_SIDE_SILENT)
        elif failure.kind is FailureKind.TRANSIENT and run.may_refuse and run.lost:
            self._give_up_start(job, run)  # a server is away: by that the run has ended, and it counts for nothing
        else:
            self._run_failed(job, run, failure, message.role)

    def actor_died(self, job: Job, run: Run, role: str) -> None:
        failure = Failure(FailureKind.TRANSIENT, f"the {role} died", side=Side.NODE)
        if run.may_refuse and run.lost:
            self._give_up_start(job, run)
        elif run.phase is not Phase.DRAINING:
            self._run_failed(job, run, failure, role)
        elif role == APPLIER:
            self._drained(job, run, failure)

    def _run_failed(self, job: Job, run: Run, failure: Failure, role: str = "") -> None:
        """A run has failed: begin another one after a pause, or the job has failed."""
        if self._end.wanted:
            self._stop(job, run)
            self._end.answer_if_drained()
            return
        if run.phase is Phase.PURGING:
            self._purge_failed(job, run, failure)
            return
        if self._parts.growing.learns(job, run, failure) or self._parts.growing.loads_again(job, failure):
            self._stop(job, run)
            self._take_step(job)
            return
        failure = self._parts.growing.passing(job, failure)
        job.learn(failure)
        tasks = tuple(run.lost) or tasks_at_fault(failure.faults, role)
        limit, settings = job.spec.max_retries, self._parts.settings
        attempts = settings.retry_attempts if limit is None else limit
        pause = job.pause_after(failure.kind, attempts, settings.backoff_max_s, proven=run.proven)
        if pause is None:
            self._give_up(job, run, given_up(failure, job.failures), tasks)
            return
        log_ended(job, run, failure, pause, self._parts.log)
        self._stop(job, run)
        self._retry_after(job, run, pause, failure, tasks)

    def _give_up(self, job: Job, run: Run, failure: Failure, tasks: tuple[TaskType, ...]) -> None:
        """Have another node try what passes, where there are several; else the job has failed."""

        def fail(others: str) -> None:
            text = f"{failure.text}; {others}" if others else failure.text
            self.guarded(job, lambda: self._fail(job, replace(failure, text=text), tasks, run))

        if failure.kind.passes and self._parts.numbers.elsewhere(job, failure.text, fail):
            self._stop(job, run)
            job.run_is_lost()
        else:
            self._fail(job, failure, tasks, run)

    def _retry_after(self, job: Job, run: Run, pause: float, failure: Failure, tasks: Iterable[TaskType]) -> None:
        job.retry_of = run.number
        job.run_is_lost()
        keep(job, record_after(job, run, failure, tasks, pause, self._parts.log), self._parts.journal)
        self._parts.reaching.note(job, run)
        if job.told.model_fields_set:  # else what was shown before stands, and its age is told
            self._parts.journal.progress_changed(job)
        self._wake(max(pause, 0.01), job, run, Wake.RETRY)

    def _fail(self, job: Job, failure: Failure, tasks: Iterable[TaskType], run: Run | None = None) -> None:
        number = ended.number if (ended := job.run or run) else 0
        failure = with_remedy(job, failure)
        self._parts.log.error("job_failed", job=job.id, run=number, kind=failure.kind.value, error=failure.text)
        if job.run is not None:
            self._stop(job, job.run)
        self._outcomes.failed(job, failure, tasks)
        self._take_step(job)

    def _stop(self, job: Job, run: Run) -> None:
        """The run is over, whatever its tasks do."""
        self._parts.tasks.stop(job, run)
        job.end_run()

    def end(self, job: Job) -> None:
        """End whatever run there is, at once: the job is another node's."""
        if job.run is not None:
            self._stop(job, job.run)

    def _wake(self, seconds: float, job: Job, run: Run, wake: Wake) -> None:
        self._parts.wake(seconds, Tick(job.id, run.number, wake))

    def tick(self, tick: Tick) -> None:
        """A time is over that a run was given, or the pause after it."""
        job = self._jobs.get(tick.job_id)
        if job is None:
            return
        if tick.wake is Wake.RETRY:
            if job.run is None and job.retry_of == tick.run and not self._parts.reaching.asks(job):
                self.reconcile(job)
            return
        run = job.run
        if run is not None and run.number == tick.run and run.is_late(tick.wake):
            self.guarded(job, lambda: self._late(job, run, tick.wake))

    def _late(self, job: Job, run: Run, wake: Wake) -> None:
        match wake:
            case Wake.DRAIN_OVERDUE:
                text = f"no transaction boundary was reached in {DRAIN_SECONDS:.0f} s"
                self._parts.tasks.stop(job, run)
                self._drained(job, run, Failure(FailureKind.TRANSIENT, text))
            case Wake.START_OVERDUE | Wake.OTHER_SIDE_SILENT if faults := self._known_faults(job, run):
                self._refuse(job, faults)
            case Wake.START_OVERDUE | Wake.OTHER_SIDE_SILENT if run.lost:
                note_silent(run)
                self._give_up_start(job, run)
            case Wake.ANSWER_OVERDUE:
                text = f"the source did not say in {ANSWER_SECONDS:.0f} s what it has executed"
                self._run_failed(job, run, Failure(FailureKind.TRANSIENT, text))
            case _:
                self._run_failed(job, run, no_answer(run, START_SECONDS))

    def _known_faults(self, job: Job, run: Run) -> list[Fault]:
        return job.start_faults(run, self._parts.settings.drivers)

    # ---- What is shown ----

    def progress(self, job: Job, run: Run, message: Progress) -> None:
        """A task reports."""
        if (stage := take_report(job, run, message, self._parts)) is not None:
            self._reached(job, run, stage)
        self._parts.growing.noticed(job)

    def _reached(self, job: Job, run: Run, stage: Stage) -> None:
        run.stage = stage
        if job.has_its_copy:
            run.completing = True
            self._take_step(job)
            return
        if stage != job.record.stage:
            keep_stage(job, stage, self._parts)
        self._completion.ask_if_done(job)

    def source_executed(self, job: Job, run: Run, executed: str) -> None:
        """The source says what it has executed."""
        self._completion.source_answered(job, run, executed)

    def target_has_reached(self, job: Job, run: Run) -> None:
        """The target has all of that."""
        if self._completion.target_has_it(job, run):
            self._take_step(job)

    # ---- The end ----

    def drain_all(self, when_drained: Callable[[], None]) -> None:
        """End every run at a transaction boundary, begin no other, and call `when_drained` once that is so."""
        self._end.begin(when_drained)
        for job in self._jobs.values():
            if job.run is not None and job.run.phase is not Phase.DRAINING:
                self.guarded(job, lambda job=job: self._drain(job))  # type: ignore[misc]
        self._end.answer_if_drained()

    def end_all(self) -> None:
        """End at once what has not come to a boundary; the next run does it again."""
        for job in list(self._jobs.values()):
            self.guarded(job, lambda job=job: self.end(job))  # type: ignore[misc]
        self._end.answer_if_drained()

    @property
    def draining(self) -> bool:
        """Whether the server ends."""
        return self._end.wanted
