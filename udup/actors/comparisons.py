"""The life of comparisons, as the supervisor has it: it owns the record, and knows the job's present run.

An engine (`pipeline/verify/verifier.py`) compares in an actor of its own, beside the run. What it asks of the run's two
tasks goes through here, and so do their answers; where there is no run it is told so at once, and tries again. An
engine that dies, or goes with its job's processes (a pause), is followed by another one as long as the record wants a
comparison: it begins its round again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from udup.actors.compare_messages import (
    AskRun,
    CompareEnded,
    CompareJob,
    CompareProgress,
    CompareTick,
    MarkAnswer,
    MarkOrder,
    RunSaid,
)
from udup.actors.job import Job
from udup.actors.journal import RecordJournal
from udup.actors.messages import NodeSettings
from udup.actors.registry import ActorRegistry
from udup.actors.run import Run
from udup.actors.tasks import Tasks
from udup.actors.verifier import JobVerifier
from udup.base import runtime
from udup.jobs import DesiredState, JobRecord, Stage
from udup.pipeline.ports import JobPlan
from udup.pipeline.ports.compare import ComparePlan
from udup.pipeline.selection.selection import Selection
from udup.pipeline.verify.rounds import GiveUp, HoldLog, ReadTo, StandAt
from udup.pipeline.verify.settings import VerifySettings
from udup.pipeline.verify.state import CompareState, Comparison

#: Seconds until it is looked again whether a comparison is to be carried on.
_AGAIN_SECONDS = 5.0

#: Deaths of its engine in a row, without a word in between, after which a comparison is given up.
_DEATHS = 5


@dataclass(frozen=True)
class Parts:
    """`send` gives a message to an actor, `wake` has one come back after so many seconds."""

    actors: ActorRegistry
    journal: RecordJournal
    tasks: Tasks
    settings: NodeSettings
    send: Callable[[Any, object], None]
    wake: Callable[[float, object], None]
    log: Any


class Comparisons:
    """`jobs` are the supervisor's own."""

    def __init__(self, jobs: Mapping[str, Job], parts: Parts) -> None:
        self._jobs = jobs
        self._parts = parts
        self._attempts: dict[str, int] = {}  # of the engines that live, by job
        self._deaths: dict[str, int] = {}
        self._given: dict[str, Selection] = {}  # what these compare
        self._last_attempt = 0
        self._ticking: set[str] = set()  # jobs that are looked at again in a while

    # ---- Engines ----

    def carry_on(self, job: Job) -> None:
        """Have an engine carry the job's comparison on, unless one does, it is over, or the job follows nothing now."""
        comparison = job.record.comparison
        wishes = job.wanted and self._wishes_another(job)
        if not wishes and (comparison is None or not comparison.is_active):
            return
        if job.id not in self._ticking:
            self._ticking.add(job.id)
            self._parts.wake(_AGAIN_SECONDS, CompareTick(job.id))
        follows = job.wanted and job.run is not None and job.run.drainable
        if wishes and follows:
            self._as_the_document_says(job)
        comparison = job.record.comparison
        if comparison is None or not comparison.is_active:
            return
        lives = job.id in self._attempts and self._parts.actors.address(JobVerifier.role, job.id) is not None
        if comparison.options.stands_still:
            if not lives and job.run is not None:
                self._keep(job, comparison.over(CompareState.FAILED, "the job was resumed before its table was right"))
                return
        elif not follows and self._rests(job, comparison, lives=lives):
            return
        if lives or not (job.run is None if comparison.options.stands_still else follows):
            return
        self._last_attempt = max(self._last_attempt + 1, runtime.wall_ns() // 1_000_000)
        attempt = self._attempts[job.id] = self._last_attempt
        self._parts.log.info("compare_carried_on", job=job.id, attempt=attempt)
        try:
            actor = self._parts.actors.get_or_create(JobVerifier, JobVerifier.role, job.id, self._parts.settings)
            order = _order(job, job.run, comparison, attempt)
            self._given[job.id] = order.plan.scope.selection
            self._parts.send(actor, order)
        except Exception:
            self._parts.log.exception("verifier_not_made", job=job.id)
            self.died(job)

    def _rests(self, job: Job, comparison: Comparison, *, lives: bool) -> bool:
        """Tell what a comparison waits for whose job follows nothing now; end one that would wait for somebody.

        Return whether it is over. What goes on and on, or is in the job's document, waits for the job however long.
        `lives`: it has an engine, which tells by itself.
        """
        told = _why_not(job.record)
        waits = comparison.options.continuous or comparison.of_document
        if job.record.stage is Stage.COMPLETED or (job.record.stage is Stage.FAILED and not waits):
            self.end(job)
            self._keep(job, comparison.over(CompareState.FAILED, f"{told}: udup job status {job.id} says more"))
            return True
        if told and comparison.text != told and not lives:
            self._keep(job, comparison.model_copy(update={"text": told}))
        return False

    def _wishes_another(self, job: Job) -> bool:
        """Return whether the job's document says another thing than when a comparison was last begun by it."""
        comparison = job.record.comparison
        begun = comparison.document if comparison is not None else None
        return not job.record.part_of and job.spec.verify.options() != begun

    def _as_the_document_says(self, job: Job) -> None:
        """Begin the comparison that the job's document wants, once for what it says; end one that it wanted before."""
        wanted, comparison = job.spec.verify.options(), job.record.comparison
        if comparison is not None and comparison.is_active:
            if not comparison.of_document:
                return  # when that is over
            self.end(job)
            self._keep(job, comparison.over(CompareState.STOPPED, "the job's document wants another one now"))
        if wanted is not None:
            update = {"document": wanted, "of_document": True}
            self._keep(job, Comparison.asked(wanted).model_copy(update=update))
        elif (over := job.record.comparison) is not None:
            self._keep(job, over.model_copy(update={"document": None}))

    def tick(self, tick: CompareTick) -> None:
        self._ticking.discard(tick.job_id)
        job = self._jobs.get(tick.job_id)
        if job is not None:
            self.carry_on(job)

    def ended(self, job: Job, message: CompareEnded) -> None:
        """An engine has ended: all was compared, or it could not be."""
        if self._attempts.get(job.id) != message.attempt:
            return
        comparison = job.record.comparison
        if comparison is not None and comparison.is_active and message.failure is not None:
            self._parts.log.warning("compare_failed", job=job.id, error=message.failure.text)
            self._keep(job, comparison.over(CompareState.FAILED, message.failure.text))
        self.end(job)
        self._go_on(job)

    def _go_on(self, job: Job) -> None:
        """Begin the continuous comparison again that a repair has ended."""
        comparison = job.record.comparison
        if comparison is not None and not comparison.is_active and comparison.then is not None and job.wanted:
            update = {"document": comparison.document, "of_document": comparison.then == comparison.document}
            self._keep(job, Comparison.asked(comparison.then).model_copy(update=update))
            self.carry_on(job)

    def died(self, job: Job) -> None:
        """The actor has died: another one follows, but not without end."""
        self._attempts.pop(job.id, None)
        comparison = job.record.comparison
        if comparison is None or not comparison.is_active or not job.wanted:
            return
        deaths = self._deaths[job.id] = self._deaths.get(job.id, 0) + 1
        if deaths >= _DEATHS:
            self._keep(job, comparison.over(CompareState.FAILED, f"its process has died {deaths} times"))
            self.end(job)
            self._go_on(job)

    def end(self, job: Job) -> None:
        """End its process."""
        self._attempts.pop(job.id, None)
        self._given.pop(job.id, None)
        self._deaths.pop(job.id, None)
        self._parts.actors.stop_one(JobVerifier.role, job.id)

    # ---- What is said ----

    def progress(self, job: Job, message: CompareProgress) -> None:
        """Note how far it is; a comparison that is over is stored at once."""
        comparison = job.record.comparison
        if self._attempts.get(job.id) != message.attempt or comparison is None or not comparison.is_active:
            return
        self._deaths.pop(job.id, None)
        self._keep(job, comparison.at(message.progress))

    def _keep(self, job: Job, comparison: Comparison) -> None:
        if comparison == job.record.comparison:
            return
        record: JobRecord = job.record.model_copy(update={"comparison": comparison})
        if comparison.is_active:
            self._parts.journal.note(job, record)
        else:
            self._parts.journal.save(job, record)

    def ask_run(self, job: Job, sender: Any, message: AskRun) -> None:
        """Pass a question on to a task of the present run."""
        if self._attempts.get(job.id) != message.attempt:
            return
        question, run = message.question, job.run
        if run is None or not run.drainable:
            if not isinstance(question, GiveUp):
                self._parts.send(sender, RunSaid(message.attempt, lost="the job does not follow its source now"))
            return
        if run.source_node:
            why = "the job's Src task is on another node than its Dest task, from where it cannot be compared"
            self._parts.send(sender, RunSaid(message.attempt, lost=why))
            return
        order = MarkOrder(run.number, question)
        if isinstance(question, StandAt) and self._given.get(job.id) != _folded(job, run).scope.selection:
            # A table that grows, or has grown in, is another run's: one that knows the present tables goes on.
            self._parts.log.info("compare_begins_again", job=job.id, why="the job has other tables now")
            self.end(job)
            self.carry_on(job)
            return
        if isinstance(question, (HoldLog, ReadTo, GiveUp)):
            self._parts.tasks.tell_extractor(job, order)
        if not isinstance(question, (HoldLog, ReadTo)):
            self._parts.tasks.tell_applier(job, order)

    def answered(self, job: Job, _run: Run, message: MarkAnswer) -> None:
        """Pass a task's answer on."""
        attempt, actor = self._attempts.get(job.id), self._parts.actors.address(JobVerifier.role, job.id)
        if attempt is not None and actor is not None:
            self._parts.send(actor, RunSaid(attempt, message.answer))


def _why_not(record: JobRecord) -> str:
    """Return why a job follows nothing now, "" if it is about to."""
    if record.desired == DesiredState.PAUSE:
        return "the job is paused"
    match record.stage:
        case Stage.FAILED:
            return "the job has failed"
        case Stage.COMPLETED:
            return "the job is completed"
        case Stage.COPYING:
            return "the job copies its tables"
    return "" if record.outage is None else "the job reconnects"


def _order(job: Job, run: Run | None, comparison: Comparison, attempt: int) -> CompareJob:
    options = comparison.options
    settings = VerifySettings(job.id, comparison.id, continuous=options.continuous, first_round=comparison.round)
    settings = replace(settings, whole=not options.tables)
    compared = ComparePlan(options.tables, options.rows_per_second, job=job.id, repairs=options.repair)
    plan = _folded(job, run)
    compared = replace(
        compared,
        stands_still=options.stands_still,
        innodb=plan.scope.innodb,
        definitions=not plan.fill_existing,
    )
    return CompareJob(attempt, settings, plan, compared)


def _folded(job: Job, run: Run | None) -> JobPlan:
    """Return the job with names as its source compares them."""
    plan = job.plan
    if run is None:
        return plan
    selection = plan.scope.selection.folding(run.folds_names)
    return replace(plan, scope=replace(plan.scope, selection=selection))
