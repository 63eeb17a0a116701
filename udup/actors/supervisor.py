"""JobSupervisor: carries out the jobs of this node.

It has one SrcExtractor and one DestApplier for each job that is carried out now, and the StoreKeeper. A job is carried
out in *runs*: both tasks begin together from the checkpoint, and when either fails both end and a new run begins, after
a pause that grows. What a failure means follows from the error's class (`errors.py`).

Whatever is asked for is first stored as a wish in the job's record; `_settle` then brings it about, step by step: a run
that is no longer wanted, or goes by old settings, is *wound up* at a transaction boundary, and what comes next is
decided when it has ended. So a wish survives the death of every process, this one's too.

It owns no thread and no connection, because it forks its children. A write is answered when it is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from thespian.actors import ChildActorExited

from udup.actors.applier import DestApplier
from udup.actors.commands import Writes
from udup.actors.journal import Notes
from udup.actors.messages import (
    NOT_OPEN,
    Actors,
    Begin,
    Begun,
    Drain,
    Drained,
    Flush,
    Hello,
    ListActors,
    Loaded,
    NextTurn,
    NodeSettings,
    OpenStore,
    Place,
    Probed,
    Progress,
    Purged,
    Ready,
    Rejected,
    RunEnded,
    Saved,
    Tick,
    Wish,
    WorkersKnown,
)
from udup.actors.orders import Orders
from udup.actors.registry import Crew
from udup.actors.run_state import START_SECONDS, Job, tasks_at_fault
from udup.actors.shell import ShellActor
from udup.actors.starting import Starting
from udup.actors.store_writer import StoreKeeper
from udup.actors.tasks import Tasks
from udup.actors.worker import ApplyWorker
from udup.base import runtime
from udup.base.errors import Fault, Refused, Superseded, Transient, UdupError
from udup.base.identity import described
from udup.jobs import DesiredState, JobRecord, Stage, TaskType, history
from udup.pipeline.transport.address import of_job

#: Seconds that a refusal by the target waits for the source's, so that all is told at once.
_SOURCE_ANSWER_SECONDS = 5

#: Seconds for a run to reach a transaction boundary: a long statement, or a transaction of which only a part has come,
#: is broken off then, to be done again by the next run.
_DRAIN_SECONDS = 10

#: Seconds until what has happened to jobs is passed on, for all of them together.
_FLUSH_SECONDS = 0.4

#: Until jobs that wait to be started are looked at again.
_TURN = timedelta(seconds=0.1)

#: Longest text of a job's StatusDescription.
_DESCRIPTION = 2000


class JobSupervisor(ShellActor):
    role = "supervisor"

    def __init__(self) -> None:
        super().__init__()
        self._settings: NodeSettings | None = None
        self._crew = Crew(self.createActor, self.send)
        self._jobs: dict[str, Job] = {}
        self._unread: set[str] = set()  # jobs whose documents this version does not understand
        self._orders = Orders(self._tell_store)
        self._notes = Notes(self._jobs, self._orders, self._flush_soon, self._tell_store)
        self._starting = Starting(self._jobs, lambda: self.wakeupAfter(_TURN, NextTurn()))
        self._writes: Writes | None = None  # until the store is open
        self._tasks: Tasks
        self._drained_for: Any = None

    # ---- The node ----

    def receiveMsg_Begin(self, message: Begin, sender: Any) -> None:  # noqa: N802 - Thespian's name
        if self._settings is None:
            self.configure(message.settings)
            self._settings = message.settings
            self._tasks = Tasks(self._crew, self.send, message.settings)
            self._open_store()
        self.send(sender, Begun(runtime.pid()))

    @property
    def settings(self) -> NodeSettings:
        assert self._settings is not None
        return self._settings

    def _open_store(self) -> None:
        self.send(self._crew.hire(StoreKeeper, StoreKeeper.role, "", self.settings), OpenStore())

    def receiveMsg_Loaded(self, message: Loaded, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._notes.index = max(self._notes.index, message.index)
        if self._writes is not None:
            return  # another StoreKeeper; what is here is newer
        for record in message.records:
            try:
                self._jobs[record.id] = self.new_job(record)
            except UdupError as error:
                self.log.error("job_not_understood", job=record.id, error=str(error))
                self._unread.add(record.id)
        self._writes = Writes(self, self._notes, self._orders, self._jobs, message.gone, self._unread)
        for job in self._jobs.values():
            job.stored = job.record
            if job.wanted:
                self._notes.save(job, history.node_started(job.record, runtime.wall_ns()))
            self.settle(job)
        self.log.info("jobs_loaded", jobs=len(self._jobs), not_understood=len(self._unread))

    def new_job(self, record: JobRecord) -> Job:
        """`UdupError` if this version does not understand the document."""
        spec = record.spec()
        settings = self.settings
        url = of_job(settings.nats_url, spec.nats_addr)
        peers = (self._jobs.keys(), self._unread)
        return Job(record, spec, url, settings.buffer_bytes, node=described(settings.data_dir), peers=peers)

    # ---- The store ----

    def receiveMsg_Wish(self, message: Wish, sender: Any) -> None:  # noqa: N802 - Thespian's name
        if self._writes is None:
            self.send(sender, Rejected(NOT_OPEN, "the job store is not open yet; try again in a moment"))
        else:
            self._writes.carry_out(message, lambda answer: self.send(sender, answer))

    def _tell_store(self, message: object) -> None:
        self.send(self._crew.address(StoreKeeper.role, ""), message)

    def _flush_soon(self) -> None:
        self.wakeupAfter(timedelta(seconds=_FLUSH_SECONDS), Flush())

    def receiveMsg_Saved(self, message: Saved, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._orders.saved(message.ticket)

    # ---- What is wanted ----

    def settle(self, job: Job) -> None:
        """Take the next step to what is wanted of the job."""
        if self._drained_for is not None:
            self._answer_drained()
        elif job.running:
            if not job.draining and not job.purging and (job.outdated or job.completing or not job.wanted):
                self._wind_up(job)
        elif job.record.desired == DesiredState.STOP:
            self._purge(job)
        elif not job.wanted:
            self._rest(job)
        elif self._starting.admits(job):
            self._start(job)

    def _wind_up(self, job: Job) -> None:
        """End the run: at a transaction boundary, or at once where a copy would begin anew anyway."""
        if not job.drainable:
            self._tasks.stop(job)
            self.settle(job)
            return
        job.draining = True
        self._tasks.drain(job)
        self.wakeupAfter(timedelta(seconds=_DRAIN_SECONDS), Tick(job.id, job.run))

    def _wound_up(self, job: Job, kind: str, text: str) -> None:
        """The applier has ended. What it could not apply, the next run applies."""
        job.running = job.draining = False
        if kind:
            self.log.warning("run_ended_badly", job=job.id, run=job.run, kind=kind, error=text)
        if job.completing and not kind and self._drained_for is None:
            self._complete(job)
        elif job.completing and self._drained_for is None:
            self._end_run(job, kind, text, (), DestApplier.role)
        else:
            self.settle(job)

    def _complete(self, job: Job) -> None:
        self.log.info("job_completed", job=job.id)
        update = {"stage": Stage.COMPLETED, "status_description": "", "progress": job.progress}
        self._notes.save(job, history.completed(job.record.model_copy(update=update), runtime.wall_ns()))
        self.settle(job)

    def _rest(self, job: Job) -> None:
        """The job is not carried out now: it holds no process."""
        self._crew.dismiss(job.id)
        if job.record.desired == DesiredState.PAUSE and job.record.stage != Stage.PAUSED:
            self.log.info("job_paused", job=job.id)
            update = {"stage": Stage.PAUSED, "progress": job.progress or job.record.progress}
            self._notes.save(job, history.paused(job.record.model_copy(update=update), runtime.wall_ns()))

    def dismiss(self, job_id: str) -> None:
        """End its processes, whatever they do."""
        self._crew.dismiss(job_id)

    def _purge(self, job: Job) -> None:
        job.purging = True
        self.wakeupAfter(timedelta(seconds=START_SECONDS), Tick(job.id, self._tasks.purge(job)))

    def receiveMsg_Purged(self, message: Purged, sender: Any) -> None:  # noqa: N802 - Thespian's name
        job = self._job_of(sender, message.run)
        if job is not None and self._writes is not None:
            self._writes.purged(job)

    # ---- Runs ----

    def _start(self, job: Job) -> None:
        """Begin a run: both sides look at their servers, then `_decide`."""
        run = self._tasks.begin(job)
        self.log.info("run_begins", job=job.id, run=run, careful=job.careful)
        self._notes.note(job, history.started(job.record, runtime.wall_ns()))
        self.wakeupAfter(timedelta(seconds=START_SECONDS), Tick(job.id, run))

    def _job_of(self, sender: Any, run: int) -> Job | None:
        """The job whose present run this is."""
        place = self._crew.place_of(sender)
        job = self._jobs.get(place[1]) if place else None
        return job if job is not None and job.run == run and job.running else None

    def receiveMsg_Probed(self, message: Probed, sender: Any) -> None:  # noqa: N802 - Thespian's name
        job = self._job_of(sender, message.run)
        if job is not None:
            job.source, job.feeds = message.facts, message.feeds
            if not job.looks:
                job.faults += message.faults
            job.looks += 1
            self._decide(job)

    def receiveMsg_Ready(self, message: Ready, sender: Any) -> None:  # noqa: N802 - Thespian's name
        job = self._job_of(sender, message.run)
        if job is not None:
            job.target, job.start_after, job.target_answered = message.facts, message.start_after, True
            job.owned, job.stamps, job.source_uuid = True, message.stamps, message.source_uuid
            self._decide(job)

    def _decide(self, job: Job) -> None:
        """Start the extractor when both sides have answered and nothing speaks against it."""
        if job.source is None or not job.target_answered or job.extracting:
            return
        if not job.faults and job.must_look_again:
            job.source = None
            self._tasks.probe(job)
            return
        faults = job.all_faults()
        if faults:
            self._refuse(job, faults)
            return
        job.extracting = True
        job.progress["warnings"] = job.warnings()
        self._tasks.extract(job)

    def receiveMsg_RunEnded(self, message: RunEnded, sender: Any) -> None:  # noqa: N802 - Thespian's name
        job = self._job_of(sender, message.run)
        if job is None:
            return
        if job.draining:
            if message.role == DestApplier.role:
                self._wound_up(job, message.kind, message.text)
        elif message.kind == Refused.__name__ and not job.extracting and not job.purging:
            job.faults += message.faults
            job.target_answered = True
            self._decide(job)
            # A source that does not answer in time must not keep back what is known of the target.
            self.wakeupAfter(timedelta(seconds=_SOURCE_ANSWER_SECONDS), Tick(job.id, job.run))
        elif message.kind:
            self._end_run(job, message.kind, message.text, message.faults, message.role)

    def _end_run(self, job: Job, kind: str, text: str, faults: Sequence[Fault], role: str) -> None:
        """A run has failed: another one after a pause, or the job has failed."""
        if self._drained_for is not None:
            self._tasks.stop(job)
            self._answer_drained()
            return
        if job.purging:
            self._tasks.stop(job)
            assert self._writes is not None
            self._writes.purge_failed(job, kind, text)
            return
        tasks = tasks_at_fault(list(faults), role)
        limit = job.spec.max_retries
        attempts = self.settings.retry_attempts if limit is None else limit
        pause = job.pause_after(kind, attempts, self.settings.backoff_max_s)
        if pause is None:
            if kind == Transient.__name__:
                text = f"given up after {job.failures} failures in a row, the last: {text}"
            self._fail(job, kind, text, tasks)
            return
        self.log.warning("run_ended", job=job.id, run=job.run, kind=kind, error=text, again_in_s=round(pause, 3))
        self._tasks.stop(job)
        if job.progress:
            job.progress["level"] = False  # what the source does meanwhile nobody knows
            self._notes.stirred(job)
        noted = history.superseded if kind == Superseded.__name__ else history.run_failed
        self._notes.note(job, noted(job.record, tasks, text, int(pause * 1e9), runtime.wall_ns()))
        self.wakeupAfter(timedelta(seconds=max(pause, 0.01)), Tick(job.id, job.run))

    def _refuse(self, job: Job, faults: list[Fault]) -> None:
        self._fail(job, Refused.__name__, str(Refused(faults)), tasks_at_fault(faults, ""))

    def _fail(self, job: Job, kind: str, text: str, tasks: Sequence[TaskType]) -> None:
        self.log.error("job_failed", job=job.id, run=job.run, kind=kind, error=text)
        self._tasks.stop(job)
        update = {"stage": Stage.FAILED, "status_description": text[:_DESCRIPTION], "progress": job.progress}
        self._notes.save(job, history.given_up(job.record.model_copy(update=update), tasks, text, runtime.wall_ns()))
        self.settle(job)

    def receiveMsg_WakeupMessage(self, message: Any, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        tick = message.payload
        if isinstance(tick, Flush):
            self._notes.flush()
            return
        if isinstance(tick, NextTurn):
            for waiting in self._starting.next():
                self.settle(waiting)
            return
        job = self._jobs.get(tick.job_id) if isinstance(tick, Tick) else None
        if job is not None and job.run == tick.run:
            self._look_at(job)

    def _look_at(self, job: Job) -> None:
        """A time is over that the present run was given, or the pause after it."""
        if job.draining:
            self._tasks.stop(job)
            self._wound_up(job, Transient.__name__, f"no transaction boundary was reached in {_DRAIN_SECONDS} s")
        elif job.running and job.faults and not job.extracting:
            self._refuse(job, job.faults)  # the source has not answered meanwhile
        elif job.overdue:
            text = f"the servers did not answer in {START_SECONDS:.0f} s"
            self._end_run(job, Transient.__name__, text, (), "")
        else:
            self.settle(job)

    def receiveMsg_ChildActorExited(self, message: ChildActorExited, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        """A task died (told twice when it ended orderly)."""
        dead = self._crew.died(message.childAddress)
        if dead is None or self._drained_for is not None:
            return
        role, job_id, pid = dead
        self.log.warning("actor_died", role=role, job=job_id, pid=pid)
        if role == StoreKeeper.role:
            self._open_store()  # it takes orders when it has loaded what is stored
            self._orders.repeat()
            return
        job = self._jobs.get(job_id)
        if job is None or not job.running:
            return
        if not job.draining:
            self._end_run(job, Transient.__name__, f"the {role} died", (), role)
        elif role == DestApplier.role:
            self._wound_up(job, Transient.__name__, f"the {role} died")

    # ---- What is shown ----

    def receiveMsg_Progress(self, message: Progress, sender: Any) -> None:  # noqa: N802 - Thespian's name
        job = self._job_of(sender, message.run)
        if job is None:
            return
        values = dict(message.values)
        stage, warning = values.pop("stage", None), values.pop("warning", None)
        job.note_stale_views(values.pop("stale_views", job.stale_views))
        told = [*values.pop("told", ()), *([warning] if warning is not None else [])]
        job.progress.update({key: value for key, value in values.items() if value != "" or key not in job.progress})
        job.warn([*job.copy_warnings(), *told])
        if message.role == DestApplier.role:
            job.progress["reported_at"] = round(message.at, 3)
        self._notes.stirred(job)
        if job.draining or job.outdated:
            return  # what it has come to is of no interest any more
        job.proven = job.proven or stage == Stage.RUNNING or values.get("transactions", 0) > 0
        if values.get("careful") is False:
            job.careful = False
        if stage is not None:
            self._reached(job, Stage(stage))

    def _reached(self, job: Job, stage: Stage) -> None:
        job.stage = stage
        if stage != job.record.stage:
            self.log.info("stage", job=job.id, stage=stage.value)
            self._notes.save(job, job.record.model_copy(update={"stage": stage, "status_description": ""}))
        if job.done:
            job.completing = True
            self.settle(job)

    def receiveMsg_Hello(self, message: Hello, sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._crew.met(message, sender)

    def receiveMsg_WorkersKnown(self, message: WorkersKnown, sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._crew.met_workers(ApplyWorker.role, message.job_id, DestApplier.role, sender, message.workers)

    def receiveMsg_ListActors(self, _message: ListActors, sender: Any) -> None:  # noqa: N802 - Thespian's name
        own = Place(self.role, "", 0, runtime.pid(), 0, busy=True)
        self.send(sender, Actors((own, *self._crew.places(self._is_busy))))

    def _is_busy(self, job_id: str) -> bool:
        job = self._jobs.get(job_id)
        return not job_id or (job is not None and job.running)

    # ---- The end ----

    def receiveMsg_Drain(self, _message: Drain, sender: Any) -> None:  # noqa: N802 - Thespian's name
        """Every run ends at a transaction boundary; then the node ends everything."""
        self._drained_for = sender
        self._notes.save_all()
        for job in self._jobs.values():
            if job.running and not job.draining:
                self._wind_up(job)
        self._answer_drained()

    def _answer_drained(self) -> None:
        if not any(job.running for job in self._jobs.values()):
            self.send(self._drained_for, Drained())
