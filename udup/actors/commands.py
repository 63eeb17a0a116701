"""What clients ask of jobs: to register, delete, pause, resume, finish. Each is stored, answered, carried out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from udup.actors.compare_commands import CompareCommands
from udup.actors.compare_messages import StartCompare, StopCompare
from udup.actors.cutover_commands import CutoverCommands
from udup.actors.cutover_messages import AbortCutover, StartCutover
from udup.actors.cutover_rules import check_no_cutover
from udup.actors.deletion_commands import DeletionCommands
from udup.actors.documents import beside, check_same_document, start_of, with_room
from udup.actors.finishing import unfinishable
from udup.actors.growth_commands import goes_on, going_on, growth_by, side_record
from udup.actors.job import Job
from udup.actors.journal import RecordJournal
from udup.actors.messages import (
    Accepted,
    BeginSkip,
    Command,
    DeleteJob,
    EndSkip,
    FinishJob,
    NodeSettings,
    PauseJob,
    RegisterJob,
    Rejected,
    Rejection,
    ResumeJob,
)
from udup.actors.run import Phase
from udup.actors.skip_commands import SkipCommands
from udup.actors.table_commands import TableCommands
from udup.actors.table_messages import GiveUpTables, ReloadTables, WishSnapshot
from udup.actors.wire_commands import job_of
from udup.base import runtime
from udup.base.errors import Failure, Fault, Refused, Transient, UdupError
from udup.jobs import (
    DesiredState,
    IndexConflict,
    JobProgress,
    JobRecord,
    Stage,
    UnknownJob,
    accept,
    check_enforced_index,
    document_id,
    history,
)
from udup.jobs.allocation import Evaluation
from udup.jobs.differences import is_same
from udup.jobs.growth import SIDE, Growth
from udup.jobs.start import check_unchanged, has_another_target
from udup.jobs.versions import Posted
from udup.pipeline.cutover.host import NameTaken

Answer = Callable[[Accepted | Rejected], None]


class Host(Protocol):
    """What commands need of the supervisor: its settings, its log, and that it carries jobs out."""

    log: Any

    @property
    def settings(self) -> NodeSettings: ...
    def new_job(self, record: JobRecord) -> Job: ...
    def reconcile(self, job: Job) -> None: ...
    def stop_actors(self, job_id: str) -> None: ...
    def forgotten(self, job: Job) -> None: ...
    def retried(self, parent: Job) -> bool: ...
    def carry_on_cutover(self, job: Job) -> None: ...
    def end_cutover(self, job: Job) -> None: ...
    def carry_on_compare(self, job: Job) -> None: ...
    def end_compare(self, job: Job) -> None: ...


class JobCommands:
    """`jobs` are the supervisor's own; `gone` what stays of deleted ones; `unread` those that are not understood.

    Such a job can be deleted; another document takes its place only where its record is understood, `unread` is "".
    """

    def __init__(
        self,
        host: Host,
        journal: RecordJournal,
        jobs: dict[str, Job],
        gone: tuple[Evaluation, ...],
        unread: dict[str, str],
    ) -> None:
        self._host = host
        self._journal = journal
        self._jobs = jobs
        self._unread = unread
        self._cutovers = CutoverCommands(host, journal, jobs)
        self._compares = CompareCommands(host, journal, jobs)
        self._deletions = DeletionCommands(host, journal, jobs, gone, unread)
        self._tables = TableCommands(host, journal, self._save, self._carry_on)
        self._skips = SkipCommands(host, self._save, self._carry_on)

    def execute(self, command: Command, answer: Answer) -> None:
        """Answer `Accepted` when the command is stored, or `Rejected`."""
        try:
            if job_of(command).endswith(SIDE):
                raise UnknownJob("job not found")  # a job's own affair
            match command:
                case RegisterJob():
                    self._register(command, answer)
                case DeleteJob():
                    self._deletions.delete(command, self._unless_going(command.job_id), answer)
                case PauseJob():
                    self._pause(command.job_id, answer)
                case ResumeJob():
                    self._resume(command.job_id, answer)
                case FinishJob():
                    self._finish(command.job_id, answer)
                case ReloadTables():
                    self._tables.reload(self._known(command.job_id), command.tables, answer)
                case GiveUpTables():
                    self._tables.give_up(self._known(command.job_id), answer)
                case WishSnapshot():
                    self._tables.wish(self._known(command.job_id), command.tables, answer)
                case BeginSkip():
                    self._skips.begin(self._known(command.job_id), command.gtid, answer)
                case EndSkip():
                    self._skips.end(self._known(command.job_id), command.gtid, answer, done=command.done)
                case StartCutover():
                    self._cutovers.start(self._known(command.job_id), command.options, answer)
                case StartCompare():
                    self._compares.start(self._known(command.job_id), command.options, answer)
                case StopCompare():
                    self._compares.stop(self._known(command.job_id), answer)
                case AbortCutover():
                    self._cutovers.abort(self._known(command.job_id), answer)
        except UdupError as error:
            answer(Rejected(_reason(error), Failure.of(error)))
        except Exception as error:
            self._host.log.exception("command_failed", command=type(command).__name__)
            answer(Rejected(Rejection.INTERNAL, Failure.of(error)))

    def _known(self, job_id: str) -> Job:
        job = self._unless_going(job_id)
        self._check_read(job_id)
        if job is None:
            raise UnknownJob("job not found")
        return job

    def _check_read(self, job_id: str) -> None:
        """Raise `IndexConflict` for a job whose record this version cannot read, and so must not write."""
        if why := self._unread.get(job_id):
            raise IndexConflict(why)

    def _unless_going(self, job_id: str) -> Job | None:
        job = self._jobs.get(job_id)
        if job is not None and job.record.desired == DesiredState.STOP:
            raise Transient(f"job {job_id} is being deleted with its checkpoint; try again in a moment")
        return job

    def _save(self, job: Job, record: JobRecord, answer: Answer) -> None:
        """Store, answer, carry out: in this order, or a command might be forgotten on the way."""

        def stored() -> None:
            answer(Accepted(self._journal.index, job.id, record.evaluations[-1].id))
            if self._jobs.get(job.id) is job:
                self._host.reconcile(job)

        self._journal.save(job, record, stored)

    # ---- Registering ----

    def _register(self, command: RegisterJob, answer: Answer) -> None:
        job_id = document_id(command.document) or ""
        self._check_read(job_id)
        before = self._unless_going(job_id)
        if before is not None:
            check_no_cutover(before.record, "register")
        record = self._accepted(command, job_id, before.record if before else None)
        if before is not None:
            progress = before.record.progress.overlaid(before.progress)
            spec = record.spec()
            check_unchanged(spec, before.spec, before.id, progress)
            moves = has_another_target(spec, before.spec)
            kept = {"progress": JobProgress() if moves else progress.of_checkpoint()}
            growth = growth_by(spec, before.record, before.spec, progress)
            record = record.model_copy(update={**kept, "has_followed": before.record.has_begun and not moves})
            record = record.growing(growth)
        if before is not None and before.wanted:
            if is_same(record.document, before.record.document):
                if before.run is None or before.run.phase is not Phase.RUNNING:
                    before.reset_attempts()  # whoever posts it wants it here, and now
                self._save(before, history.registered_again(before.record), answer)
                return
            check_same_document(command, before.record)
        made = self._host.new_job(record)
        if before is not None and goes_on(before, record.document, record):
            before.replace(going_on(record, before.record), made.spec, made.nats_url, goes_on=True)
            self._save(before, before.record, answer)
            return
        if before is None:
            self._check_room()
            self._jobs[record.id] = job = made
        else:
            job = before
            job.replace(record, made.spec, made.nats_url)
            self._journal.show(job)  # nothing is known by the new document yet
        self._unread.pop(record.id, None)
        self._host.log.info("job_registered", job=record.id, name=made.spec.name, again=before is not None)
        self._save(job, record, answer)

    def _accepted(self, command: RegisterJob, job_id: str, stored: JobRecord | None) -> JobRecord:
        check_enforced_index(command.enforce_index, job_id, stored)
        settings = self._host.settings
        spec, document = accept(
            command.document,
            stored.document if stored else None,
            region=settings.region,
            datacenter=settings.datacenter,
            local=False,  # the request's own thread has looked at files, which may make whoever looks wait
        )
        start = start_of(spec, stored, command)
        index = self._journal.next_number
        record = JobRecord(
            id=spec.id,
            document=document,
            create_index=stored.create_index if stored else index,
            job_modify_index=index,
            incarnation=stored.incarnation if stored else runtime.new_id().replace("-", ""),
            restarts=stored.restarts if stored else 0,
            restart_history=stored.restart_history if stored else (),
            posted=Posted(time_ns=runtime.wall_ns(), how=command.how),
            start=start,
            skipped=stored.skipped if stored else (),
            wishes=stored.wishes if stored else (),
            comparison=stored.comparison if stored else None,
            **((stored.model_extra or {}) if stored else {}),
        )
        if stored is not None:
            record = beside(record, stored)
        return history.registered(with_room(record), stored, runtime.wall_ns())

    def _check_room(self) -> None:
        limit = self._host.settings.max_jobs
        if self._host.settings.cluster is not None:
            return  # who has room for it is found when it is placed
        if len(self._jobs) >= limit:
            problem = f"this server has {len(self._jobs)} jobs and takes no more"
            raise Refused([Fault("jobs.max", problem, f"delete one, or raise the server's setting jobs.max ({limit})")])

    # ---- Pause and resume ----

    def _pause(self, job_id: str, answer: Answer) -> None:
        job = self._known(job_id)
        record = job.record
        check_no_cutover(record, "pause")
        if record.desired == DesiredState.PAUSE or record.stage == Stage.COMPLETED:
            answer(Accepted(0, job_id, "", changed=False))
            return
        self._host.log.info("job_pauses", job=job_id)
        record = record.model_copy(update={"desired": DesiredState.PAUSE})
        self._save(job, history.pause_wanted(record, runtime.wall_ns()), answer)

    def _resume(self, job_id: str, answer: Answer) -> None:
        job = self._known(job_id)
        if job.wanted:
            retried = self._host.retried(job)
            answer(Accepted(0, job_id, "", changed=self._tried_now(job) or retried))
            return
        check_no_cutover(job.record, "resume")
        self._host.retried(job)
        self._carry_on(job, job.record, answer)

    def _tried_now(self, job: Job) -> bool:
        """Have a job that waits between two runs begin the next now; return whether it waited."""
        if job.run is not None or job.retry_of is None:
            return False
        self._host.log.info("job_tries_now", job=job.id)
        job.retry_of = None
        self._host.reconcile(job)
        return True

    def _carry_on(self, job: Job, record: JobRecord, answer: Answer) -> None:
        self._host.log.info("job_resumes", job=job.id)
        job.reset_attempts()
        update: dict[str, Any] = {"desired": DesiredState.RUN, "stage": job.resumed_stage, "status_description": ""}
        if not job.goes_on:
            # How far behind it was before says nothing of the run that comes.
            job.progress = job.progress.begun_again()
            update["progress"] = record.progress.begun_again()
            self._journal.show(job)
        self._save(job, history.resumed(record.model_copy(update=update), runtime.wall_ns()), answer)

    # ---- Finishing ----

    def _finish(self, job_id: str, answer: Answer) -> None:
        job = self._known(job_id)
        check_no_cutover(job.record, "finish")
        if job.record.finish or job.record.stage == Stage.COMPLETED:
            answer(Accepted(0, job_id, "", changed=False))
            return
        if fault := unfinishable(job):
            raise Refused([fault])
        self._host.log.info("job_finishes", job=job_id)
        self._save(job, history.finish_wanted(job.record), answer)

    # ---- A way back ----

    def create(self, document: dict[str, Any], incarnation: str, then: Callable[[], None]) -> None:
        """Register a job that a cut-over makes, once; `NameTaken` if there is another of its ID."""
        job_id = document_id(document) or ""
        there = self._jobs.get(job_id)
        if there is not None and there.record.incarnation == incarnation:
            then()
            return
        if there is not None or job_id in self._unread:
            raise NameTaken(f"there is a job {job_id} already")
        self._check_room()
        record = self._accepted(RegisterJob(document, None), job_id, None)
        record = record.model_copy(update={"incarnation": incarnation})
        self._jobs[record.id] = job = self._host.new_job(record)
        self._host.log.info("job_registered", job=record.id, name=job.spec.name, again=False)

        def stored() -> None:
            then()
            if self._jobs.get(job.id) is job:
                self._host.reconcile(job)

        self._journal.save(job, record, stored)

    # ---- A side job ----

    def create_side(self, parent: Job, growth: Growth, then: Callable[[], None]) -> None:
        """Store the side job of a job whose tables change, once; `NameTaken` if there is another of its ID."""
        there = self._jobs.get(growth.side)
        if there is not None and there.record.incarnation == growth.incarnation:
            then()
            return
        if there is not None or growth.side in self._unread:
            raise NameTaken(f"there is a job {growth.side!r} already")
        record = side_record(parent.record, growth, self._journal.next_number)
        self._jobs[record.id] = job = self._host.new_job(record)
        self._host.log.info("tables_begin", job=parent.id, side=job.id)
        self._journal.save(job, record, then)

    def forget_side(self, side: Job) -> None:
        """Remove the record of a side job that its job has taken in."""
        self._deletions.forget(side)

    # ---- Deleting ----

    def purged(self, job: Job) -> None:
        """Forget a job whose checkpoint is gone."""
        self._deletions.purged(job)

    def purge_failed(self, job: Job, failure: Failure) -> None:
        """Keep the job, and carry it on if it was carried out before."""
        self._deletions.purge_failed(job, failure)


def _reason(error: UdupError) -> Rejection:
    match error:
        case Refused():
            return Rejection.REFUSED
        case IndexConflict():
            return Rejection.INDEX_CONFLICT
        case UnknownJob():
            return Rejection.UNKNOWN_JOB
        case Transient():
            return Rejection.NOT_NOW
        case _:
            return Rejection.INTERNAL
