"""JobSupervisor: carries out the jobs of this node.

It has one SrcExtractor and one DestApplier for each job that is wanted, and the StoreKeeper. A job is carried out in
*runs*: both tasks begin together from the checkpoint, and when either fails both end and a new run begins, after a
pause that grows. What a failure means follows from the error's class (`errors.py`).

It owns no thread and no connection, because it forks its children. What it answers to the API is what is stored: a
write is answered when the StoreKeeper has written it.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from thespian.actors import ActorExitRequest, ChildActorExited

from udup.actors.applier import DestApplier
from udup.actors.extractor import SrcExtractor
from udup.actors.jobs import START_SECONDS, Job
from udup.actors.messages import (
    Accepted,
    Actors,
    Apply,
    Begin,
    Begun,
    DeleteJob,
    Drain,
    Drained,
    Extract,
    Forget,
    Hello,
    Introduce,
    ListActors,
    Loaded,
    NodeSettings,
    OpenStore,
    Probe,
    Probed,
    Progress,
    Ready,
    RegisterJob,
    Rejected,
    RunEnded,
    Save,
    Saved,
    ShowProgress,
    StopRun,
    Tick,
    WorkersKnown,
)
from udup.actors.shell import ShellActor
from udup.actors.storekeeper import StoreKeeper
from udup.errors import Refused, Transient, UdupError
from udup.job import IndexConflict, JobRecord, Stage, accept, check_enforced_index, document_id
from udup.plane.address import of_job

#: Seconds that a refusal by the target waits for the source's, so that all is told at once.
_SOURCE_ANSWER_SECONDS = 5

#: Longest text of a job's StatusDescription.
_DESCRIPTION = 2000


class JobSupervisor(ShellActor):
    role = "supervisor"

    def __init__(self) -> None:
        super().__init__()
        self._settings: NodeSettings | None = None
        self._store: Any = None
        self._index = 0
        self._ticket = 0
        self._waiting: dict[int, tuple[Save | Forget, Callable[[], None]]] = {}
        self._jobs: dict[str, Job] = {}
        self._children: dict[tuple[str, str], Any] = {}
        self._pids: dict[tuple[str, str], int] = {}
        self._worker_pids: dict[str, tuple[int, ...]] = {}
        self._loaded = False
        self._drained_for: Any = None
        self._draining: set[str] = set()

    # ---- The node ----

    def receiveMsg_Begin(self, message: Begin, sender: Any) -> None:  # noqa: N802 - Thespian's name
        if self._settings is None:
            self.configure(message.settings)
            self._settings = message.settings
            self._open_store()
        self.send(sender, Begun(os.getpid()))

    def _open_store(self) -> None:
        assert self._settings is not None
        self._store = self.createActor(StoreKeeper)
        self.send(self._store, OpenStore(self._settings))

    def receiveMsg_Loaded(self, message: Loaded, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._index = max(self._index, message.index)
        if self._loaded:
            return  # another StoreKeeper; what is here is newer
        self._loaded = True
        for record in message.records:
            try:
                self._jobs[record.id] = self._new_job(record)
            except UdupError as error:
                self.log.error("job_not_understood", job=record.id, error=str(error))
                continue
            self._start(self._jobs[record.id])
        self.log.info("jobs_loaded", jobs=len(self._jobs))

    def _new_job(self, record: JobRecord) -> Job:
        assert self._settings is not None
        spec = record.spec()
        url = of_job(self._settings.nats_url, spec.nats_addr)
        return Job(record, spec, url, self._settings.buffer_bytes)

    # ---- Writes ----

    def receiveMsg_RegisterJob(self, message: RegisterJob, sender: Any) -> None:  # noqa: N802 - Thespian's name
        if not self._loaded:
            self.send(sender, Rejected(Transient.__name__, "the job store is not open yet; try again in a moment"))
            return
        try:
            record = self._accepted_record(message)
        except (Refused, IndexConflict) as error:
            faults = tuple(error.faults) if isinstance(error, Refused) else ()
            self.send(sender, Rejected(type(error).__name__, str(error), faults))
            return
        job = self._new_job(record)
        before = self._jobs.get(record.id)
        self._jobs[record.id] = job
        if before is not None:
            job.run, job.restarts = before.run, before.restarts
            self._stop_tasks(before)
        self.log.info("job_registered", job=record.id, name=job.spec.name)
        self._save(job, lambda: self._registered(job, sender))

    def _accepted_record(self, message: RegisterJob) -> JobRecord:
        job_id = document_id(message.document)
        stored = self._jobs.get(job_id) if job_id else None
        check_enforced_index(message.enforce_index, job_id or "", stored.record if stored else None)
        spec, document = accept(message.document, stored.record.document if stored else None)
        index = self._index + 1
        return JobRecord(
            id=spec.id,
            document=document,
            create_index=stored.record.create_index if stored else index,
            modify_index=index,
            job_modify_index=index,
            incarnation=stored.record.incarnation if stored else uuid.uuid4().hex,
        )

    def _registered(self, job: Job, sender: Any) -> None:
        self.send(sender, Accepted(self._index, job.id))
        if self._jobs.get(job.id) is job:
            self._start(job)

    def receiveMsg_DeleteJob(self, message: DeleteJob, sender: Any) -> None:  # noqa: N802 - Thespian's name
        job = self._jobs.pop(message.job_id, None)
        self._index += 1
        if job is None:
            self.send(sender, Accepted(self._index, message.job_id))
            return
        self._dismiss_tasks(job.id)
        self.log.info("job_deleted", job=job.id)
        index = self._index
        self._ask_store(lambda ticket: Forget(job.id, ticket), lambda: self.send(sender, Accepted(index, job.id)))

    def _save(self, job: Job, then: Callable[[], None] | None = None) -> None:
        self._index += 1
        changed = {"modify_index": self._index}
        if then is not None:
            changed["job_modify_index"] = self._index
            if not job.record.create_index or job.record.create_index == job.record.job_modify_index:
                changed["create_index"] = self._index
        job.record = job.record.model_copy(update=changed)
        self._ask_store(lambda ticket: Save(job.record, ticket), then or (lambda: None))

    def _ask_store(self, order: Callable[[int], Save | Forget], then: Callable[[], None]) -> None:
        self._ticket += 1
        wanted = order(self._ticket)
        self._waiting[self._ticket] = wanted, then
        self.send(self._store, wanted)

    def receiveMsg_Saved(self, message: Saved, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        waiting = self._waiting.pop(message.ticket, None)
        if waiting is not None:
            waiting[1]()

    # ---- Runs ----

    def _start(self, job: Job) -> None:
        """Begin a run: both sides look at their servers, then `_both_ready` decides."""
        if not job.wanted or job.running or self._drained_for is not None:
            return
        run = job.next_run()
        self.log.info("run_begins", job=job.id, run=run, careful=job.careful)
        self.send(self._child(job, SrcExtractor), Probe(run, job.spec.source_endpoint(), job.spec.selection()))
        self.send(self._child(job, DestApplier), Apply(job.applier_settings()))
        self.wakeupAfter(timedelta(seconds=START_SECONDS), Tick(job.id, run))

    def _child(self, job: Job, kind: type[SrcExtractor] | type[DestApplier]) -> Any:
        key = (kind.role, job.id)
        if key not in self._children:
            self._children[key] = self.createActor(kind)
            assert self._settings is not None
            self.send(self._children[key], Introduce(self._settings, job.id))
        return self._children[key]

    def _job_of(self, sender: Any, run: int) -> Job | None:
        """The job whose present run this is."""
        for (_, job_id), address in self._children.items():
            if address == sender:
                job = self._jobs.get(job_id)
                return job if job is not None and job.run == run and job.running else None
        return None

    def receiveMsg_Probed(self, message: Probed, sender: Any) -> None:  # noqa: N802 - Thespian's name
        job = self._job_of(sender, message.run)
        if job is not None:
            job.source = message.facts
            job.faults += message.faults
            self._decide(job)

    def receiveMsg_Ready(self, message: Ready, sender: Any) -> None:  # noqa: N802 - Thespian's name
        job = self._job_of(sender, message.run)
        if job is not None:
            job.target, job.start_after, job.target_answered = message.facts, message.start_after, True
            self._decide(job)

    def _decide(self, job: Job) -> None:
        """Start the extractor when both sides have answered and nothing speaks against it."""
        if job.source is None or not job.target_answered or job.extracting:
            return
        faults = job.all_faults()
        if faults:
            self._fail(job, Refused.__name__, str(Refused(faults)))
            return
        job.extracting = True
        job.progress["warnings"] = job.warnings()
        self.send(self._child(job, SrcExtractor), Extract(job.extractor_settings()))

    def receiveMsg_RunEnded(self, message: RunEnded, sender: Any) -> None:  # noqa: N802 - Thespian's name
        if not message.kind:
            self._task_stopped(sender)
            return
        job = self._job_of(sender, message.run)
        if job is None:
            return
        if message.kind == Refused.__name__ and not job.extracting:
            job.faults += message.faults
            job.target_answered = True
            self._decide(job)
            # A source that does not answer in time must not keep back what is known of the target.
            self.wakeupAfter(timedelta(seconds=_SOURCE_ANSWER_SECONDS), Tick(job.id, job.run))
            return
        self._end_run(job, message.kind, message.text)

    def _end_run(self, job: Job, kind: str, text: str) -> None:
        if self._drained_for is not None:
            return  # everything ends
        assert self._settings is not None
        limit = job.spec.max_retries
        attempts = self._settings.retry_attempts if limit is None else limit
        pause = job.note_failure(kind, text, attempts, self._settings.backoff_max_s)
        if pause is None:
            if kind == Transient.__name__:
                text = f"given up after {job.failures} failures in a row, the last: {text}"
            self._fail(job, kind, text)
            return
        self.log.warning("run_ended", job=job.id, run=job.run, kind=kind, error=text, again_in_s=pause)
        self._stop_tasks(job)
        job.restarts += 1
        self._show(job)
        self.wakeupAfter(timedelta(seconds=max(pause, 0.01)), Tick(job.id, job.run))

    def _fail(self, job: Job, kind: str, text: str) -> None:
        self.log.error("job_failed", job=job.id, run=job.run, kind=kind, error=text)
        self._stop_tasks(job)
        if not job.history or job.history[-1]["error"] != text:
            job.note_failure(kind, text, 0, 0)
        update = {"stage": Stage.FAILED, "status_description": text[:_DESCRIPTION]}
        job.record = job.record.model_copy(update=update)
        self._show(job)
        self._save(job)

    def _stop_tasks(self, job: Job) -> None:
        run, job.running = job.run, False
        for role in (SrcExtractor.role, DestApplier.role):
            address = self._children.get((role, job.id))
            if address is not None:
                self.send(address, StopRun(run))

    def _dismiss_tasks(self, job_id: str) -> None:
        for role in (SrcExtractor.role, DestApplier.role):
            address = self._children.pop((role, job_id), None)
            self._pids.pop((role, job_id), None)
            if address is not None:
                self.send(address, ActorExitRequest())
        self._worker_pids.pop(job_id, None)

    def receiveMsg_WakeupMessage(self, message: Any, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        tick = message.payload
        job = self._jobs.get(tick.job_id) if isinstance(tick, Tick) else None
        if job is None or job.run != tick.run:
            return
        if job.running and job.faults and not job.extracting:
            self._fail(job, Refused.__name__, str(Refused(job.faults)))  # the source has not answered meanwhile
        elif job.overdue:
            self._end_run(job, Transient.__name__, f"the servers did not answer in {START_SECONDS:.0f} s")
        else:
            self._start(job)

    def receiveMsg_ChildActorExited(self, message: ChildActorExited, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        """A task died (told twice when it ended orderly)."""
        if self._drained_for is not None:
            return
        if message.childAddress == self._store:
            self.log.warning("store_keeper_died")
            self._open_store()  # it takes orders when it has loaded what is stored
            for order, _ in self._waiting.values():
                self.send(self._store, order)
            return
        for (role, job_id), address in list(self._children.items()):
            if address == message.childAddress:
                del self._children[role, job_id]
                pid = self._pids.pop((role, job_id), 0)
                self.log.warning("task_died", role=role, job=job_id, pid=pid)
                owner = self._jobs.get(job_id)
                if owner is not None and owner.running:
                    self._end_run(owner, Transient.__name__, f"the {role} died")

    # ---- What is shown ----

    def receiveMsg_Progress(self, message: Progress, sender: Any) -> None:  # noqa: N802 - Thespian's name
        job = self._job_of(sender, message.run)
        if job is None:
            return
        values = dict(message.values)
        stage = values.pop("stage", None)
        job.progress.update({key: value for key, value in values.items() if value != "" or key not in job.progress})
        if stage is not None and stage != job.record.stage.value:
            self.log.info("stage", job=job.id, stage=stage)
            job.record = job.record.model_copy(update={"stage": Stage(stage), "status_description": ""})
            self._save(job)
        job.proven = job.proven or stage == Stage.RUNNING or values.get("transactions", 0) > 0
        if values.get("careful") is False:
            job.careful = False
        self._show(job)

    def _show(self, job: Job) -> None:
        if self._store is not None:
            self.send(self._store, ShowProgress(job.id, job.shown_progress()))

    def receiveMsg_Hello(self, message: Hello, sender: Any) -> None:  # noqa: N802 - Thespian's name
        if self._children.get((message.role, message.job_id)) == sender:
            self._pids[message.role, message.job_id] = message.pid

    def receiveMsg_WorkersKnown(self, message: WorkersKnown, sender: Any) -> None:  # noqa: N802 - Thespian's name
        if self._children.get((DestApplier.role, message.job_id)) == sender:  # not a task that was dismissed
            self._worker_pids[message.job_id] = message.pids

    def receiveMsg_ListActors(self, _message: ListActors, sender: Any) -> None:  # noqa: N802 - Thespian's name
        found = [(self.role, "", os.getpid())]
        found += [(role, job_id, pid) for (role, job_id), pid in self._pids.items()]
        found += [("worker", job_id, pid) for job_id, pids in self._worker_pids.items() for pid in pids]
        self.send(sender, Actors(tuple(found)))

    # ---- The end ----

    def receiveMsg_Drain(self, _message: Drain, sender: Any) -> None:  # noqa: N802 - Thespian's name
        """Extractors stop, appliers finish what is with the workers; then the node ends everything."""
        self._drained_for = sender
        for job in self._jobs.values():
            if job.running:
                extractor = self._children.get((SrcExtractor.role, job.id))
                applier = self._children.get((DestApplier.role, job.id))
                if extractor is not None:
                    self.send(extractor, StopRun(job.run))
                if applier is not None:
                    self._draining.add(job.id)
                    self.send(applier, StopRun(job.run, drain=True))
        self._answer_drained()

    def _task_stopped(self, sender: Any) -> None:
        if self._drained_for is None:
            return
        for (role, job_id), address in self._children.items():
            if address == sender and role == DestApplier.role:
                self._draining.discard(job_id)
        self._answer_drained()

    def _answer_drained(self) -> None:
        if not self._draining:
            self.send(self._drained_for, Drained())
