"""JobSupervisor: carries out the jobs of this node.

It has one SrcExtractor and one DestApplier for each job that is carried out now, and the StoreKeeper. This is its
mailbox: whatever comes is looked up (which job, which run) and passed on to what carries it out. What tasks say comes
in by `task_mailbox.py`, what engines of cut-overs ask by `cutover_mailbox.py`, of comparisons by
`compare_mailbox.py`, what a cluster says by
`cluster_mailbox.py`, what is to be shown by `shown_mailbox.py`.

* `commands.py`: what clients ask. It is first stored in the job's record, so it survives the death of every process,
  this one's too; then it is carried out.
* `cutovers.py`: how a job is cut over. `comparisons.py`: how it is compared.
* `runs.py`: what a job does next, and what becomes of its runs.
* `journal.py`: what is stored of all that.

It owns no thread and no connection, because it forks its children. A write is answered when it is stored.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from thespian.actors import ChildActorExited

from udup.actors.cluster_mailbox import ClusterMailbox
from udup.actors.cluster_messages import JoinCluster, MayCarry
from udup.actors.commands import JobCommands
from udup.actors.compare_mailbox import CompareMailbox
from udup.actors.compare_messages import CompareTick
from udup.actors.comparisons import Comparisons
from udup.actors.comparisons import Parts as CompareParts
from udup.actors.cutover import CutoverCarrier
from udup.actors.cutover_mailbox import CutoverMailbox
from udup.actors.cutover_messages import CutoverTick
from udup.actors.cutovers import Cutovers
from udup.actors.cutovers import Parts as CutoverParts
from udup.actors.growing import Growing, GrowthTick
from udup.actors.guest_messages import LookAgain
from udup.actors.job import Job
from udup.actors.journal import RecordJournal
from udup.actors.keeper import NodeKeeper
from udup.actors.membership import AskNumber, Membership
from udup.actors.messages import (
    Accepted,
    Begin,
    Begun,
    Command,
    Drain,
    Drained,
    EndRuns,
    Flush,
    NextTurn,
    NodeSettings,
    Rejected,
    Rejection,
    Tick,
)
from udup.actors.nursery import use_nursery
from udup.actors.reaching import Reaching
from udup.actors.registry import ActorRegistry
from udup.actors.run_parts import OwnNumbers, Parts
from udup.actors.runs import JobRuns
from udup.actors.shown_mailbox import ShownMailbox
from udup.actors.starting import Starting
from udup.actors.store_messages import Loaded, NotSaved, OpenStore, Saved, StoreRefuses
from udup.actors.store_writer import StoreKeeper
from udup.actors.task_mailbox import TaskMailbox
from udup.actors.tasks import Tasks
from udup.actors.verifier import JobVerifier
from udup.actors.worker import ApplyWorker
from udup.base import runtime
from udup.base.errors import Failure, FailureKind, UdupError
from udup.base.identity import described
from udup.jobs import JobRecord, UnreadRecord, history
from udup.jobs.document.unknown import unknown_keys
from udup.jobs.signs import SIGNS
from udup.pipeline.transport.address import of_job
from udup.pipeline.transport.link import token_of

#: Seconds until what has happened to jobs is passed on, for all of them together.
_FLUSH_SECONDS = 0.4

#: Seconds until a StoreKeeper is tried once more, if none could be made.
_KEEPER_SECONDS = 1.0

#: Seconds until jobs that wait to be started are looked at again.
_TURN_SECONDS = 0.05


class JobSupervisor(TaskMailbox, CutoverMailbox, CompareMailbox, ClusterMailbox, ShownMailbox):
    role = "supervisor"

    def __init__(self) -> None:
        super().__init__()
        self._settings: NodeSettings | None = None
        self._actors = ActorRegistry(self.createActor, self.send)
        self._jobs: dict[str, Job] = {}
        self._unread: dict[str, str] = {}  # jobs that this version does not understand; why they may not be replaced
        self._journal = RecordJournal(self._jobs, self.tell_store, lambda: self.wake(_FLUSH_SECONDS, Flush()))
        self._starting = Starting(self._jobs, lambda: self.wake(_TURN_SECONDS, NextTurn()))
        self._commands: JobCommands | None = None  # until the store is open

    def wake(self, seconds: float, message: object) -> None:
        self.wakeupAfter(timedelta(seconds=seconds), message)

    # ---- The node ----

    def receiveMsg_Begin(self, message: Begin, sender: Any) -> None:  # noqa: N802 - Thespian's name
        if self._settings is None:
            self.configure(message.settings)
            use_nursery(self, message.settings.data_dir)
            SIGNS.clear()  # another supervisor's jobs ended with it
            self._settings = message.settings
            if message.settings.cluster is not None:
                self._membership = Membership(self, self._jobs, self._unread, self._journal, self._actors)
            self._tasks = Tasks(self._actors, self._actors.send, message.settings)
            if self._membership is not None:
                self._tasks.guests = self._membership.guests_abroad
            self._growing = Growing(self, self._jobs, self._journal)
            parts = Parts(
                settings=message.settings,
                actors=self._actors,
                tasks=self._tasks,
                journal=self._journal,
                starting=self._starting,
                purges=self,
                numbers=self._membership or OwnNumbers(),
                reaching=self._membership.reaching if self._membership is not None else Reaching(self, self._jobs),
                growing=self._growing,
                wake=self.wake,
                log=self.log,
            )
            self._runs = JobRuns(self._jobs, parts)
            cutover_parts = CutoverParts(self._actors, self._journal, self.send, self.wake)
            self._cutovers = Cutovers(self, self._jobs, cutover_parts)
            self._comparisons = Comparisons(
                self._jobs,
                CompareParts(
                    *(self._actors, self._journal, self._tasks, message.settings),
                    *(self.send, self.wake, self.log),
                ),
            )
            if self._membership is not None:
                self.open_keeper()
            self._open_store()
        self.send(sender, Begun(runtime.pid()))

    @property
    def settings(self) -> NodeSettings:
        assert self._settings is not None
        return self._settings

    def receiveMsg_Drain(self, message: Drain, sender: Any) -> None:  # noqa: N802 - Thespian's name
        """Every run ends at a transaction boundary; then the node ends everything."""
        self._journal.save_all()
        self._runs.drain_all(lambda: self.say_gone(lambda: self.send(sender, Drained())))
        if message.seconds:
            self.wake(message.seconds, EndRuns())

    # ---- The store ----

    def _open_store(self) -> None:
        """Make the StoreKeeper; again in a while if this machine cannot make a process now."""
        try:
            keeper = self._actors.get_or_create(StoreKeeper, StoreKeeper.role, "", self.settings)
        except Exception as error:
            self.log.exception("store_keeper_not_made", error=str(error))
            self.wake(_KEEPER_SECONDS, OpenStore())
            return
        self.send(keeper, OpenStore())
        self._journal.repeat()
        if self._membership is not None:
            self._membership.repeat()

    def tell_store(self, message: object) -> None:
        """Send an order; where nobody is there to take it, it is repeated to the next StoreKeeper."""
        if (keeper := self._actors.address(StoreKeeper.role, "")) is not None:
            self.send(keeper, message)

    def receiveMsg_Loaded(self, message: Loaded, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._journal.index = max(self._journal.index, message.index)
        self._journal.max_bytes = message.max_bytes
        if self._commands is not None:
            return  # another StoreKeeper; what is here is newer
        for record in message.records if self._membership is None else ():
            if isinstance(record, UnreadRecord):
                self.log.error("job_not_understood", job=record.id, error=record.status_description)
                self._unread[record.id] = record.status_description
                continue
            try:
                self._jobs[record.id] = self.new_job(record)
            except Exception as error:  # whatever is wrong with one job must not keep all others from being carried on
                known = isinstance(error, UdupError)
                self.log.error("job_not_understood", job=record.id, error=str(error), exc_info=not known)
                self._unread[record.id] = ""
                continue
            if unknown := unknown_keys(record.document):  # of an older version, which took them: the job goes on
                self.log.warning("job_has_unknown_keys", job=record.id, keys=unknown)
        self._commands = JobCommands(self, self._journal, self._jobs, message.gone, self._unread)
        for job in self._jobs.values() if self._membership is None else ():
            job.stored = job.record
        for job in list(self._jobs.values()) if self._membership is None else ():
            self._runs.guarded(job, lambda job=job: self._carry_on(job))  # type: ignore[misc]
        self.tell_keeper(MayCarry())
        self.log.info("jobs_loaded", jobs=len(self._jobs), not_understood=len(self._unread))

    def _carry_on(self, job: Job) -> None:
        """Go on with a job that was in the store."""
        job.stored = job.record
        if job.wanted:
            self._journal.save(job, history.node_started(job.record, runtime.wall_ns()))
        self._runs.reconcile(job)
        self._cutovers.carry_on(job, resumed=True)
        self._comparisons.carry_on(job)

    def receiveMsg_Saved(self, message: Saved, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        job_id = self._journal.saved(message.ticket, message.position, message.revision)
        if (job := self._jobs.get(job_id)) is not None and job.record.growth is not None:
            self.reconcile(job)  # whose next step waits for what is stored

    def receiveMsg_NotSaved(self, message: NotSaved, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        if self._membership is not None and self._membership.not_saved(message):
            return
        if self._journal.not_saved(message.job_id, message.ticket, message.why):
            self.log.error("record_not_stored", job=message.job_id, error=message.why)

    def receiveMsg_StoreRefuses(self, _message: StoreRefuses, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._journal.refused()

    # ---- Commands ----

    def receiveMsg_Command(self, message: Command, sender: Any) -> None:  # noqa: N802 - Thespian's name
        if self._commands is None:
            failure = Failure(FailureKind.TRANSIENT, "the job store is not open yet; try again in a moment")
            self.send(sender, Rejected(Rejection.NOT_OPEN, failure))
        elif self._membership is not None:
            self._membership.wishes.command(message, lambda answer: self.send(sender, answer))
        else:
            self.execute(message, lambda answer: self.send(sender, answer))

    def execute(self, command: Command, answer: Callable[[Accepted | Rejected], None]) -> None:
        """Carry out what was asked for."""
        assert self._commands is not None
        self._commands.execute(command, answer)

    def create_here(self, document: dict[str, Any], incarnation: str, then: Callable[[], None]) -> None:
        """Have this node store a job that a cut-over makes."""
        assert self._commands is not None
        self._commands.create(document, incarnation, then)

    @property
    def may_carry(self) -> bool:
        """Whether the job store is open."""
        return self._commands is not None

    def new_job(self, record: JobRecord) -> Job:
        """Return what a record becomes here; raise `UdupError` if this version does not understand the document."""
        spec = record.spec()
        settings = self.settings
        url = of_job(settings.nats_url, spec.nats_addr)
        own, peers = described(settings.data_dir), (self._jobs.keys(), self._unread)
        if (cluster := self._membership) is None:
            return Job(record, spec, url, settings.buffer_bytes, node=own, peers=peers, held_back=bool(record.part_of))
        hold, all_peers = cluster.new_hold(record.id), (*peers, cluster.known)
        job = Job(record, spec, url, settings.buffer_bytes, node=own, peers=all_peers, hold=hold)
        job.held_back = bool(record.part_of)
        return job

    def drop(self, job: Job) -> None:
        """Let go of a job that is not this node's any more: nothing of it is left here, and its record stays."""
        if self._jobs.get(job.id) is job:
            del self._jobs[job.id]
        self._runs.guarded(job, lambda: self._runs.end(job))
        self._cutovers.end(job)
        self._comparisons.end(job)
        self.stop_actors(job.id)
        SIGNS.dismiss(token_of(job.id))
        self._journal.drop(job.id)
        if self._membership is not None:
            self._membership.guests_here.dropped(job.id)

    def reconcile(self, job: Job) -> None:
        """Take the next step to what is wanted of the job."""
        self._runs.reconcile(job)
        self._comparisons.carry_on(job)

    def stop_actors(self, job_id: str) -> None:
        """End a job's processes, whatever they do."""
        self._tasks.crews.dismiss(job_id)
        self._actors.stop(job_id)

    def purged(self, job: Job) -> None:
        """The job's checkpoint is gone, and so may the job go."""
        if self._commands is not None:
            self._commands.purged(job)

    def purge_failed(self, job: Job, failure: Failure) -> None:
        """The job's checkpoint could not be removed."""
        if self._commands is not None:
            self._commands.purge_failed(job, failure)

    # ---- Time, and deaths ----

    def receiveMsg_WakeupMessage(self, message: Any, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        match message.payload:
            case Flush():
                self._journal.flush()
            case NextTurn():
                for waiting in self._starting.next():
                    self._runs.reconcile(waiting)
            case OpenStore():
                self._open_store()
            case EndRuns():
                self._runs.end_all()
            case JoinCluster():
                self.open_keeper()
            case AskNumber() as wake if self._membership is not None:
                self._membership.ask_again(wake)
            case LookAgain() as wake if self._membership is not None:
                self._membership.guests_abroad.look_again(wake)
            case GrowthTick() as tick:
                self._growing.tick(tick)
            case Tick() as tick:
                self._runs.tick(tick)
            case CutoverTick() as tick:
                self._cutovers.tick(tick)
            case CompareTick() as tick:
                self._comparisons.tick(tick)

    def receiveMsg_ChildActorExited(self, message: ChildActorExited, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        """An actor died (told twice when it ended orderly), or a process that several jobs share."""
        for place, pid in self._actors.died(message.childAddress):
            self._place_died(*place, pid)

    def _place_died(self, role: str, job_id: str, slot: int, pid: int) -> None:
        if role == StoreKeeper.role:
            self._store_died(pid)
            return
        if role == NodeKeeper.role:
            self._keeper_died(pid)
            return
        self.log.warning("actor_died", role=role, job=job_id, pid=pid)
        if self._membership is not None and self._membership.guests_here.died(role, job_id):
            return
        job = self._jobs.get(job_id)
        if role == CutoverCarrier.role:
            if job is not None:
                self._cutovers.died(job)
        elif role == JobVerifier.role:
            if job is not None:
                self._comparisons.died(job)
        elif role == ApplyWorker.role:
            self._worker_died(job, job_id, slot)
        elif job is not None and (run := job.run) is not None:
            self._runs.guarded(job, lambda: self._runs.actor_died(job, run, role))

    def _worker_died(self, job: Job | None, job_id: str, slot: int) -> None:
        self._tasks.crews.died(job_id, slot)
        if job is not None and (run := job.run) is not None:
            self._runs.guarded(job, lambda: self._tasks.worker_died(job, run, slot))

    def _store_died(self, pid: int) -> None:
        if self._runs.draining:
            return  # it is the end of the server
        self.log.warning("actor_died", role=StoreKeeper.role, job="", pid=pid)
        self._open_store()  # it takes orders when it has loaded what is stored

    def _keeper_died(self, pid: int) -> None:
        """Jobs that run go on; another keeper tells what this node owns."""
        if self._runs.draining:
            return
        self.log.warning("actor_died", role=NodeKeeper.role, job="", pid=pid)
        assert self._membership is not None
        self._membership.keeper_lost()
        self.open_keeper()
