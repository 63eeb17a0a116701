"""The life of cut-overs, as the supervisor has it: it owns the record, the job's end and the way back's beginning.

An engine (`pipeline/cutover/engine.py`) takes the steps in an actor of its own; whatever it wants kept is stored here
before it is answered. Only here is decided between the switch and an abort: whichever is stored first holds. The switch
is in the job's record, and a job that is cut over is not wanted any more (`Job.wanted`): so `JobRuns` drains and ends
it, now or after any death. An engine that dies is followed by another, which goes on from the record.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from udup.actors.cutover import CutoverCarrier
from udup.actors.cutover_messages import (
    Answered,
    AskJob,
    AskTaken,
    CarryOn,
    CreateWayBack,
    CutoverEnded,
    CutoverTick,
    Keep,
    Question,
)
from udup.actors.job import Job
from udup.actors.journal import RecordJournal
from udup.actors.messages import NodeSettings
from udup.actors.registry import ActorRegistry
from udup.base import runtime
from udup.base.errors import Failure, FailureKind, Fault, Refused, UdupError
from udup.jobs import DesiredState, JobRecord, Stage, accept
from udup.jobs.document.way_back import way_back
from udup.jobs.plan import plan_of
from udup.pipeline.cutover.host import CutoverSettings, JobNow, NameTaken
from udup.pipeline.cutover.names import way_back_names
from udup.pipeline.cutover.state import Cutover, CutoverState
from udup.pipeline.ports import JobPlan

#: Seconds until another engine follows one that has died, the first time and at most.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 15.0


class Jobs(Protocol):
    """What cut-overs need of the supervisor beside the record."""

    log: Any

    @property
    def settings(self) -> NodeSettings: ...
    def reconcile(self, job: Job) -> None: ...
    def create_job(self, document: dict[str, Any], incarnation: str, then: Callable[[], None]) -> None:
        """Register a job, once; `NameTaken` if there is another one of its ID. `then` is called when it is stored."""
        ...


@dataclass(frozen=True)
class Parts:
    """`send` gives a message to an actor, `wake` has one come back after so many seconds."""

    actors: ActorRegistry
    journal: RecordJournal
    send: Callable[[Any, object], None]
    wake: Callable[[float, object], None]


class Cutovers:
    """`jobs` and `unread` are the supervisor's own."""

    def __init__(self, host: Jobs, jobs: Mapping[str, Job], unread: Collection[str], parts: Parts) -> None:
        self._host = host
        self._jobs = jobs
        self._unread = unread
        self._parts = parts
        self._attempts: dict[str, int] = {}  # of the engines that live, by job
        self._deaths: dict[str, int] = {}  # in a row
        self._last_attempt = 0

    # ---- Engines ----

    def carry_on(self, job: Job, *, resumed: bool = False) -> None:
        """Have an engine carry on the job's cut-over, unless one does or it is over; `resumed`: the one before died."""
        cutover = job.record.cutover
        lives = job.id in self._attempts and self._parts.actors.address(CutoverCarrier.role, job.id) is not None
        if cutover is None or not cutover.is_active or lives:
            return
        self._last_attempt = max(self._last_attempt + 1, runtime.wall_ns() // 1_000_000)
        attempt = self._attempts[job.id] = self._last_attempt
        self._host.log.info("cutover_carried_on", job=job.id, attempt=attempt, state=cutover.state.value)
        role, settings = CutoverCarrier.role, self._host.settings
        try:
            message = CarryOn(self._settings_of(job, cutover, attempt, resumed=resumed))
            self._parts.send(self._parts.actors.get_or_create(CutoverCarrier, role, job.id, settings), message)
        except Exception:
            self._host.log.exception("cutover_engine_not_made", job=job.id)
            self.died(job)

    def ended(self, job: Job, message: CutoverEnded) -> None:
        """An engine has ended: all is done, or another one follows."""
        if self._attempts.get(job.id) != message.attempt:
            return
        if message.failure is not None:
            self._host.log.error("cutover_engine_failed", job=job.id, error=message.failure.text)
        self.died(job)

    def died(self, job: Job) -> None:
        """The actor has died, or its engine has ended."""
        attempt = self._attempts.pop(job.id, 0)
        if job.record.cutover is not None and job.record.cutover.is_active:
            deaths = self._deaths[job.id] = self._deaths.get(job.id, 0) + 1
            pause = min(_FIRST_PAUSE * 2 ** min(deaths - 1, 10), _LONGEST_PAUSE)
            self._parts.wake(pause, CutoverTick(job.id, attempt))
        else:
            self.end(job)

    def end(self, job: Job) -> None:
        """End its process, whatever that waits for: it is over, or given up."""
        self._attempts.pop(job.id, None)
        self._deaths.pop(job.id, None)
        self._parts.actors.stop_one(CutoverCarrier.role, job.id)

    def tick(self, tick: CutoverTick) -> None:
        job = self._jobs.get(tick.job_id)
        if job is not None:
            self.carry_on(job, resumed=True)

    # ---- What engines ask ----

    def question(self, job: Job, sender: Any, question: Question) -> None:
        """Answer an engine; that of an attempt that is over gets none."""
        if self._attempts.get(job.id) != question.attempt:
            return

        def answer(**said: Any) -> None:
            self._parts.send(sender, Answered(question.attempt, question.number, **said))

        try:
            match question:
                case Keep():
                    self._keep(job, question.cutover, answer)
                case AskJob():
                    answer(job=job_now(job))
                case AskTaken():
                    answer(is_taken=question.job_id in self._jobs or question.job_id in self._unread)
                case CreateWayBack():
                    self._create(job, question.cutover, answer)
        except NameTaken as taken:
            answer(taken=str(taken))
        except UdupError as error:
            answer(failure=Failure.of(error))
        except Exception as error:
            self._host.log.exception("cutover_question_failed", job=job.id)
            answer(failure=Failure.of(error))

    def _keep(self, job: Job, cutover: Cutover, answer: Callable[..., None]) -> None:
        stored = job.record.cutover
        if stored is None or stored.id != cutover.id:
            raise UdupError(f"job {job.id} has another cut-over now")
        if stored.switched and not cutover.switched:
            raise UdupError(f"the cut-over of job {job.id} is switched already")
        if stored.state is CutoverState.UNDOING and cutover.state is CutoverState.RUNNING:
            raise UdupError(f"the cut-over of job {job.id} is being undone")
        if not stored.switched and cutover.state is CutoverState.RUNNING:
            now = job_now(job)
            if why := now.abort or (now.problem if cutover.switched else ""):
                answer(abort=why)
                return
        switches = cutover.switched and not stored.switched
        kept = cutover.with_(abort=stored.abort)
        self._deaths.pop(job.id, None)
        attempt = self._attempts[job.id]

        def then() -> None:
            answer()
            if not kept.is_active and self._attempts.get(job.id) == attempt:
                self.end(job)
            if switches and self._jobs.get(job.id) is job:
                self._host.log.info("cutover_switched", job=job.id)
                self._host.reconcile(job)

        self._parts.journal.save(job, job.record.model_copy(update={"cutover": kept}), then)

    def _create(self, job: Job, cutover: Cutover, answer: Callable[..., None]) -> None:
        document = way_back(job.record.document, cutover.way_back, cutover.position)
        self._host.create_job(document, cutover.way_back_incarnation, answer)

    def _settings_of(self, job: Job, cutover: Cutover, attempt: int, *, resumed: bool) -> CutoverSettings:
        back: JobPlan | None = None
        faults: tuple[Fault, ...] = ()
        if cutover.options.reverse:
            name = cutover.way_back or next(way_back_names(job.id))
            try:
                back = self._plan_of_way_back(job.record, name, cutover.position)
            except Refused as refused:
                faults = tuple(refused.faults)
            except Exception as error:
                self._host.log.exception("cutover_without_way_back", job=job.id)
                faults = (Fault("Job", f"its way back cannot be made: {error}", "leave --reverse out"),)
            limit, there = self._host.settings.max_jobs, self._jobs.get(cutover.way_back)
            is_made = there is not None and there.record.incarnation == cutover.way_back_incarnation
            if not is_made and len(self._jobs) >= limit:
                problem = f"this server has {len(self._jobs)} jobs, and takes none for the way back"
                remedy = f"delete one, or raise the server's setting jobs.max ({limit})"
                faults = (*faults, Fault("jobs.max", problem, remedy))
        skipped = tuple(each.gtid for each in job.record.skipped)
        number = job.hold.token if job.hold is not None else 0
        return CutoverSettings(attempt, job.plan, job.known, cutover, back, faults, resumed, skipped, number)

    def _plan_of_way_back(self, record: JobRecord, name: str, position: str) -> JobPlan:
        """Return it as it will be registered; `Refused` for a document that an older version took and this does not."""
        settings = self._host.settings
        document = way_back(record.document, name, position)
        spec, _ = accept(document, region=settings.region, datacenter=settings.datacenter, local=False)
        return plan_of(spec)


def job_now(job: Job) -> JobNow:
    """Return how a job is, as its cut-over's engine wants to know it."""
    record = job.record
    problem = ""
    if record.desired == DesiredState.STOP:
        problem = f"job {job.id} is being deleted"
    elif record.stage == Stage.FAILED:
        problem = f"job {job.id} has failed: {record.status_description}"
    elif record.desired == DesiredState.PAUSE:
        problem = f"job {job.id} is paused"
    follows = not problem and job.wanted and job.run is not None and job.run.drainable
    ended = record.stage == Stage.COMPLETED and job.run is None
    abort = record.cutover.abort if record.cutover is not None and not record.cutover.switched else ""
    return JobNow(record.stage.value, follows, problem, ended, abort, _waits(record))


def _waits(record: JobRecord) -> str:
    """Return what the job waits for that time heals, "" for nothing."""
    outage = record.outage
    if outage is None:
        return ""
    if outage.kind is FailureKind.CONTENDED:
        what = "a lock"
    else:
        what = "a server" if outage.side is None else f"its {outage.side.value}"
    return f"it waits for {what}, {runtime.wall() - outage.since:.0f} s by now: {outage.why}"
