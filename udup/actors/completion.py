"""Completes migrations: one that looks level is asked about, and is complete when the answer is in the target.

What a task reports may be seconds old, so `level` in a report is a reason to ask and nothing more:

    level --AskExecuted--> SrcExtractor asks the source now --SourceExecuted--> Reach --> DestApplier
    complete <--drain-- HasReached <-- all of that is executed there <-------------------------'

What the source commits after the question is not waited for, so a busy source does not keep the migration from its end.
The question belongs to the run: whatever dies on the way ends that, and the next run asks again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from udup.actors.job import Job
from udup.actors.messages import Wake
from udup.actors.run import Phase, Question, Run
from udup.actors.tasks import Tasks

#: Seconds for the source's answer. A connection has limits of its own, which are shorter and say more.
ANSWER_SECONDS = 120.0


class Completion:
    """`wake` has `Wake.ANSWER_OVERDUE` come back for the run after so many seconds."""

    def __init__(self, tasks: Tasks, wake: Callable[[float, Job, Run, Wake], None], log: Any) -> None:
        self._tasks = tasks
        self._wake = wake
        self._log = log

    def ask_if_done(self, job: Job) -> None:
        """Ask the source what it has executed if the job is to end and looks level, once in a run."""
        run = job.run
        if run is None or not job.done or run.question is not Question.NONE:
            return
        self._log.info("migration_looks_level", job=job.id, run=run.number)
        run.question = Question.ASKED
        self._tasks.ask_executed(job, run)
        self._wake(ANSWER_SECONDS, job, run, Wake.ANSWER_OVERDUE)

    def source_answered(self, job: Job, run: Run, executed: str) -> None:
        """Have DestApplier say when it has executed all of that."""
        if run.question is not Question.ASKED:
            return
        run.question, run.source_executed = _next(job, run, Question.ANSWERED), executed
        if run.question is Question.ANSWERED:
            self._tasks.reach(job, run, executed)

    def target_has_it(self, job: Job, run: Run) -> bool:
        """Return whether the job is complete with this run: it is to be drained."""
        if run.question is not Question.ANSWERED:
            return False
        run.question = _next(job, run, Question.ANSWERED)
        run.completing = run.question is Question.ANSWERED
        return run.completing


def _next(job: Job, run: Run, question: Question) -> Question:
    """Return what becomes of the question: a job that is paused or has another document is asked again, if ever.

    A run whose job is resumed before it has heard of the pause goes on, and so must be free to ask.
    """
    goes_on = run.phase is Phase.RUNNING and not run.outdated and job.wanted
    return question if goes_on else Question.NONE
