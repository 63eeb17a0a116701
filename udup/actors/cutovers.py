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
from udup.base.errors import Failure, Fault, Refused, UdupError
from udup.jobs import DesiredState, JobRecord, Stage, parse_job
from udup.jobs.document.way_back import way_back
from udup.jobs.plan import plan_of
from udup.pipeline.cutover.host import CutoverSettings, JobNow, NameTaken
from udup.pipeline.cutover.names import abort_command, command, way_back_names
from udup.pipeline.cutover.state import Cutover, CutoverState, Options
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
        address = self._parts.actors.get_or_create(CutoverCarrier, role, job.id, settings)
        self._parts.send(address, CarryOn(_settings(job, cutover, attempt, resumed=resumed)))

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
            self._end(job)

    def _end(self, job: Job) -> None:
        """It is over: its process ends, whatever it waits for."""
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
                self._end(job)
            if switches and self._jobs.get(job.id) is job:
                self._host.log.info("cutover_switched", job=job.id)
                self._host.reconcile(job)

        self._parts.journal.save(job, job.record.model_copy(update={"cutover": kept}), then)

    def _create(self, job: Job, cutover: Cutover, answer: Callable[..., None]) -> None:
        document = way_back(job.record.document, cutover.way_back, cutover.position)
        self._host.create_job(document, cutover.way_back_incarnation, answer)


def _settings(job: Job, cutover: Cutover, attempt: int, *, resumed: bool) -> CutoverSettings:
    back: JobPlan | None = None
    faults: tuple[Fault, ...] = ()
    if cutover.options.reverse:
        try:
            name = cutover.way_back or next(way_back_names(job.id))
            back = plan_of(parse_job(way_back(job.record.document, name, cutover.position)))
        except Refused as refused:
            faults = tuple(refused.faults)
    return CutoverSettings(attempt, job.plan, job.known, cutover, back, faults, resumed)


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
    return JobNow(record.stage.value, follows, problem, ended, abort)


# ---- What clients ask ----


def asked(record: JobRecord, options: Options) -> Cutover | None:
    """Return the cut-over that a request begins or carries on, None if one is under way; `Refused` if none can be.

    What has stopped goes on with what it was asked for when it began.
    """
    before = record.cutover
    if before is not None and before.is_active:
        return None
    if before is not None and before.goes_on:
        return before.with_(state=CutoverState.RUNNING if before.switched else CutoverState.UNDOING)
    if before is not None and before.switched:
        problem = f"job {record.id} was cut over already"
        back = f"udup job cutover {before.way_back}" if before.way_back else f"udup job cutover {record.id} --show"
        raise Refused([Fault("Job", problem, f"cut over back by the job of its way back: {back}")])
    return Cutover.asked(options)


def aborted(record: JobRecord) -> Cutover | None:
    """Return the cut-over that is to be undone, None if there is nothing to undo; `Refused` behind the switch."""
    cutover = record.cutover
    if cutover is not None and cutover.switched:
        carry_on = f"carry it on: {command(record.id, cutover.options)}"
        back = f"cut over back: udup job cutover {cutover.way_back}" if cutover.way_back else "it cannot be undone"
        remedy = carry_on if cutover.goes_on else back
        raise Refused([Fault("Job", f"job {record.id} is cut over: its target is the new server", remedy)])
    if cutover is None or not cutover.goes_on:
        return None
    if cutover.state is CutoverState.STOPPED:
        return cutover.with_(state=CutoverState.UNDOING)
    return cutover.with_(abort="somebody has asked for its end")


def check_no_cutover(record: JobRecord, doing: str) -> None:
    """Raise `Refused` where a cut-over forbids what is asked: `pause`, `resume`, `finish`, `delete` or `register`."""
    cutover = record.cutover
    if cutover is None:
        return
    if cutover.is_active and not (doing == "delete" and cutover.undoing_is_held_up):
        remedy = f"wait for its end, or undo it: {abort_command(record.id)}"
        raise Refused([Fault("Job", f"job {record.id} is being cut over", remedy)])
    if cutover.switched and doing in ("resume", "register"):
        problem = f"job {record.id} was cut over: its source is the old server now, and would overwrite the new one"
        remedy = f"if it shall follow the old server again nevertheless, delete it first: udup job delete {record.id}"
        raise Refused([Fault("Job", problem, remedy)])
    if cutover.state is CutoverState.STOPPED and doing == "register":
        remedy = f"carry it on: {command(record.id, cutover.options)}"
        raise Refused([Fault("Job", f"the cut-over of job {record.id} has stopped", remedy)])
