"""The supervisor's part in a cluster: it carries the jobs that this node owns, and no others.

A job comes by `Owned`: its record is read anew from the store, the job is made of that, and a first write of the record
proves that nothing newer is there. It goes by `Lost`, or when another is found to have written its record: its run ends
at once, its processes too, and nothing of it is stored any more. If it is still this node's then, it is read again.

A wish for a job of another node goes there. One for a job that nobody owns who lives, a new one above all, is stored
here: the job is held for as long as that takes, takes no step, and is left to whom it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from udup.actors.cluster_engine import Asked, Begun, Gone, Holding, Routed
from udup.actors.cluster_messages import (
    AnswerNode,
    BeginRun,
    GiveUp,
    HandOver,
    ReadRecord,
    RecordRead,
    Route,
)
from udup.actors.cutover_messages import StartCutover
from udup.actors.holding import Hold
from udup.actors.job import Job
from udup.actors.journal import RecordJournal
from udup.actors.messages import (
    Accepted,
    Command,
    DeleteJob,
    FinishJob,
    NodeSettings,
    PauseJob,
    RegisterJob,
    Rejected,
    Rejection,
    ResumeJob,
)
from udup.actors.store_messages import NotSaved
from udup.actors.wire_commands import answer_of, ask_of, command_of, job_of, said_in
from udup.base import runtime
from udup.base.errors import Failure, FailureKind, Fault, Refused, UdupError
from udup.cluster.asking import Answer as NodeAnswer
from udup.cluster.told import Leave, Lost, Owned
from udup.cluster.view import View
from udup.jobs import JobRecord, Stage, UnreadRecord, history

Say = Callable[[Accepted | Rejected], None]

#: Seconds until a number is asked for once more that was not granted, while the job is still this node's.
ASK_AGAIN_SECONDS = 1.0

#: Seconds for another node to answer, and where it asks a server in turn.
ANSWER_SECONDS, PURGE_SECONDS = 7.0, 24.0

#: What may be wished of a job that no node carries.
_WITHOUT_OWNER = (RegisterJob, PauseJob, ResumeJob, FinishJob)


@dataclass(frozen=True)
class AskNumber:
    """A wake-up: the job's next run may be asked for again."""

    job_id: str


class Host(Protocol):
    """What the membership needs of the supervisor."""

    log: Any

    @property
    def settings(self) -> NodeSettings: ...
    def tell_keeper(self, message: object) -> None: ...
    def tell_store(self, message: object) -> None: ...
    def wake(self, seconds: float, message: object) -> None: ...
    def new_job(self, record: JobRecord) -> Job: ...
    def drop(self, job: Job) -> None: ...
    def reconcile(self, job: Job) -> None: ...
    def carry_on_cutover(self, job: Job) -> None: ...
    def execute(self, command: Command, answer: Say) -> None: ...


@dataclass
class _Pending:
    job_id: str
    answer: Say
    command: Command
    is_here: bool = False  # it is being carried out here


class Membership:
    """`jobs` and `unread` are the supervisor's own."""

    def __init__(self, host: Host, jobs: dict[str, Job], unread: dict[str, str], journal: RecordJournal) -> None:
        self._host = host
        self._jobs, self._unread, self._journal = jobs, unread, journal
        self._owned: dict[str, Owned | Leave] = {}  # as it was told last
        self._ticket = 0
        self._pending: dict[int, _Pending] = {}
        self._revisions: dict[str, int] = {}  # of records that a wish is being carried out for
        self._when_gone: Callable[[], None] | None = None
        self.view: View | None = None
        #: All jobs of the cluster, and who owns them.
        self.known: dict[str, str] = {}

    # ---- What the keeper says ----

    def told(self, what: object) -> None:
        match what:
            case Owned() | Leave():
                self._owned[what.job] = what
                self._mine(what)
            case Lost():
                self._host.log.info("job_lost", job=what.job, node=what.node)
                self._owned.pop(what.job, None)
                self._unread.pop(what.job, None)
                self._drop(what.job, f"job {what.job} is node {what.node}'s now; try again")
            case Holding():
                for job_id in [each.id for each in self._jobs.values() if _is_ours(each)]:
                    if job_id not in what.jobs:
                        self.told(Lost(job_id))
                self._owned = {job: owned for job, owned in self._owned.items() if job in what.jobs}
            case Begun():
                self._begun(what)
            case View():
                self.view = what
                self.known.clear()
                self.known.update(what.owners)
            case Routed():
                self._routed(what)
            case Asked():
                self._asked(what)
            case Gone():
                if self._when_gone is not None:
                    self._when_gone()

    def _mine(self, what: Owned | Leave) -> None:
        job = self._jobs.get(what.job)
        if job is None:
            self._read(what.job)
        elif _is_ours(job):
            self._own(job, what)
            self._host.reconcile(job)

    def _own(self, job: Job, what: Owned | Leave) -> None:
        assert job.hold is not None
        job.hold.own(what.token, what.source if isinstance(what, Owned) else "")
        job.hold.leaves = isinstance(what, Leave)

    def _begun(self, what: Begun) -> None:
        job = self._jobs.get(what.job)
        if job is None or job.hold is None or not job.hold.asked or job.hold.token != what.token:
            return
        job.hold.asked = False
        if what.number:
            job.hold.granted = what.number
            self._host.reconcile(job)
            job.hold.granted = 0  # it proves something of this moment alone
        else:
            self._host.log.info("run_not_granted", job=what.job, why=what.why)
            self._host.wake(ASK_AGAIN_SECONDS, AskNumber(what.job))

    def ask_again(self, wake: AskNumber) -> None:
        if (job := self._jobs.get(wake.job_id)) is not None and _is_ours(job):
            self._host.reconcile(job)

    # ---- What runs need (`run_parts.Numbers`) ----

    def take(self, job: Job) -> int:
        hold = job.hold
        assert hold is not None
        if not (number := hold.take_number()) and not hold.asked:
            hold.asked = True
            self._host.tell_keeper(BeginRun(job.id, hold.token))
        return number

    def leave(self, job: Job) -> None:
        """Store what was noted of the job, then give it away."""
        hold = job.hold
        assert hold is not None
        if hold.given:
            return
        hold.given = True
        token = hold.token

        def stored() -> None:
            if self._jobs.get(job.id) is job and hold.leaves and hold.token == token:
                self._host.tell_keeper(HandOver(job.id, token))

        if job.changed:
            self._journal.save(job, job.record, stored)
        else:
            stored()

    # ---- Records ----

    def new_hold(self, job_id: str) -> Hold:
        """Return what this node has of a job that is made: nothing yet but the revision of its record."""
        return Hold(revision=self._revisions.get(job_id, 0))

    def _read(self, job_id: str) -> None:
        self._host.tell_store(ReadRecord(job_id))

    def repeat(self) -> None:
        """Ask another StoreKeeper for what the one before has not answered."""
        for job_id in self._owned:
            if job_id not in self._jobs and job_id not in self._unread:
                self._read(job_id)

    def read(self, message: RecordRead) -> None:
        if message.ticket:
            self._wish_read(message)
            return
        owned, job_id = self._owned.get(message.job_id), message.job_id
        if owned is None or job_id in self._jobs:
            return
        if message.record is None:
            self._host.tell_keeper(GiveUp(job_id, owned.token))  # it was deleted
            return
        self._revisions[job_id] = message.revision
        try:
            if (job := self._made(message.record)) is not None:
                self._own(job, owned)
                self._carry_on(job)
        finally:
            self._revisions.pop(job_id, None)

    def _made(self, record: JobRecord) -> Job | None:
        """Return the job of a record, None where this version does not understand it."""
        if isinstance(record, UnreadRecord):
            self._host.log.error("job_not_understood", job=record.id, error=record.status_description)
            self._unread[record.id] = record.status_description
            return None
        try:
            job = self._jobs[record.id] = self._host.new_job(record)
        except Exception as error:
            known = isinstance(error, UdupError)
            self._host.log.error("job_not_understood", job=record.id, error=str(error), exc_info=not known)
            self._unread[record.id] = ""
            return None
        self._unread.pop(record.id, None)
        job.stored = record
        return job

    def _carry_on(self, job: Job) -> None:
        """Go on with a job that has come. A run begins behind a write: what was read may have been old."""

        def proven() -> None:
            if self._jobs.get(job.id) is job:
                self._host.reconcile(job)
                self._host.carry_on_cutover(job)

        self._host.log.info("job_taken", job=job.id)
        if job.wanted:
            record = history.node_started(job.record, runtime.wall_ns())
            self._journal.save(job, self._with_reason(job, record), proven)
        else:
            proven()

    def _with_reason(self, job: Job, record: JobRecord) -> JobRecord:
        if job.hold is None or not job.hold.apart:
            return record
        return record.model_copy(
            update={
                "stage": Stage.PENDING,
                "status_description": f"task Src is to be on node {job.hold.apart}, and Dest on another: in this "
                "version one node carries out both; name the same node for both, or none",
            }
        )

    def taken(self, job_id: str) -> None:
        """Another has written the job's record: what is known of it here is worth nothing."""
        if job_id in self._jobs or job_id in self._owned:
            self._host.log.warning("record_written_elsewhere", job=job_id)
        self._drop(job_id, f"job {job_id} was changed by another node at the same time; try again")
        if job_id in self._owned:
            self._read(job_id)

    def not_saved(self, message: NotSaved) -> bool:
        """A record was not taken; whether that was all that there is to do."""
        job = self._jobs.get(message.job_id)
        if message.taken:
            self._journal.not_saved(message.job_id, message.ticket, message.why)
            self.taken(message.job_id)
        elif job is not None and not _is_ours(job):
            self._drop(message.job_id, message.why)
        else:
            return False
        return True

    def _drop(self, job_id: str, why: str) -> None:
        if (job := self._jobs.get(job_id)) is not None:
            self._host.drop(job)
        for ticket, pending in list(self._pending.items()):
            if pending.job_id == job_id and pending.is_here:
                del self._pending[ticket]
                pending.answer(_not_now(why))

    def forgotten(self, job: Job) -> None:
        """The job's record is removed: it is nobody's any more."""
        if job.hold is not None and job.hold.is_ours:
            self._host.tell_keeper(GiveUp(job.id, job.hold.token))

    # ---- Wishes ----

    def command(self, command: Command, answer: Say, *, of_node: Callable[[], None] | None = None) -> None:
        """Carry a wish out here or have the job's owner do so. `of_node` tells another node that asks: not here."""
        job_id = job_of(command)
        if (refusal := self._refusal(command)) is not None:
            answer(refusal)
        elif (job := self._jobs.get(job_id)) is not None and _is_ours(job):
            self._execute(command, job_id, answer)
        elif job is not None or (job_id in self._owned and job_id not in self._unread):
            answer(_not_open())  # it is being read, or a wish for it is being stored
        elif of_node is not None:
            of_node()
        elif not job_id or job_id in self._owned:
            self._execute(command, job_id, answer)
        else:
            self._ticket += 1
            self._pending[self._ticket] = _Pending(job_id, answer, command)
            seconds = PURGE_SECONDS if isinstance(command, DeleteJob) and command.purge else ANSWER_SECONDS
            ask = ask_of(command, self._node, self._host.settings.keys)
            self._host.tell_keeper(Route(self._ticket, ask, seconds))

    @property
    def _node(self) -> str:
        assert self._host.settings.cluster is not None
        return self._host.settings.cluster.node

    def _refusal(self, command: Command) -> Rejected | None:
        if self.view is None:
            return _not_open()
        if self.view.why_not:
            return _not_now(f"{_named(command)} is not taken now: {self.view.why_not}")
        if isinstance(command, StartCutover) and command.options.reverse:
            fault = Fault("reverse", "a way back is not made in a cluster in this version", "leave it out, and post it")
            return Rejected(Rejection.REFUSED, Failure.of(Refused([fault])))
        return None

    def _execute(self, command: Command, job_id: str, answer: Say) -> None:
        """Carry it out here; whoever waits is answered also when another turns out to have written the record."""
        self._ticket += 1
        ticket = self._ticket
        self._pending[ticket] = _Pending(job_id, answer, command, is_here=True)

        def answered(said: Accepted | Rejected) -> None:
            if self._pending.pop(ticket, None) is not None:
                answer(said)
            self._leave_alone(said.job_id if isinstance(said, Accepted) else job_id)

        self._host.execute(command, answered)

    def _leave_alone(self, job_id: str) -> None:
        """Hold a job no longer that a wish was stored for; who it is given to carries it out."""
        job = self._jobs.get(job_id)
        self._revisions.pop(job_id, None)
        if (
            job is None
            or _is_ours(job)
            or any(each.job_id == job_id and each.is_here for each in self._pending.values())
        ):
            return
        self._host.drop(job)
        if job_id in self._owned:
            self._read(job_id)

    def _routed(self, routed: Routed) -> None:
        pending = self._pending.get(routed.ticket)
        if pending is None:
            return
        if routed.answer is None and not routed.here and not routed.failed:
            self._host.tell_store(ReadRecord(pending.job_id, routed.ticket))  # nobody's who lives
            return
        del self._pending[routed.ticket]
        if routed.failed:
            pending.answer(_not_now(routed.failed))
        elif routed.answer is None:
            pending.answer(_not_open())  # this node's: it is being read
        else:
            said = said_in(routed.answer)
            pending.answer(said or _not_now(f"node {routed.node} has answered what this version does not understand"))

    def _wish_read(self, message: RecordRead) -> None:
        """Carry out a wish for a job that nobody owns who lives."""
        pending = self._pending.pop(message.ticket, None)
        if pending is None:
            return
        job_id, command = message.job_id, pending.command
        if job_id in self._jobs or job_id in self._owned:
            pending.answer(_not_open())
            return
        deletes = isinstance(command, DeleteJob) and not command.purge
        if message.record is not None and not deletes and not isinstance(command, _WITHOUT_OWNER):
            pending.answer(_not_now(f"no node carries job {job_id} out now, as this needs: {self._why(job_id)}"))
            return
        self._revisions[job_id] = message.revision
        if message.record is not None:
            self._made(message.record)
        self._execute(command, job_id, pending.answer)
        if job_id not in self._owned:
            self._unread.pop(job_id, None)

    def _why(self, job_id: str) -> str:
        why = self.view.reasons.get(job_id, "") if self.view is not None else ""
        return why or "it is about to be given to one; try again in a moment"

    def _asked(self, asked: Asked) -> None:
        """Another node asks for a client."""

        def answer(said: NodeAnswer) -> None:
            self._host.tell_keeper(AnswerNode(asked.number, said))

        command = command_of(asked.ask, self._host.settings.keys)
        if command is None:
            answer(answer_of(_not_now(f"node {self._node} has another version, and does not know {asked.ask.kind}")))
            return
        self.command(command, lambda said: answer(answer_of(said)), of_node=lambda: answer(NodeAnswer(not_owner=True)))

    # ---- The end ----

    def say_gone(self, then: Callable[[], None]) -> None:
        """Have `then` called when the others know that this node has ended its runs."""
        self._when_gone = then


def _is_ours(job: Job) -> bool:
    return job.hold is not None and job.hold.is_ours


def _named(command: Command) -> str:
    return type(command).__name__.removesuffix("Job").lower()


def _not_now(why: str) -> Rejected:
    return Rejected(Rejection.NOT_NOW, Failure(FailureKind.TRANSIENT, why))


def _not_open() -> Rejected:
    text = "this node is just taking the job, or is just reaching its cluster; try again in a moment"
    return Rejected(Rejection.NOT_OPEN, Failure(FailureKind.TRANSIENT, text))
