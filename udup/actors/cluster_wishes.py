"""What clients wish in a cluster: carried out here where the job is this node's, else by the node that owns it.

A wish for a job that nobody owns who lives, a new one above all, is stored here: the job is held for as long as that
takes, takes no step, and is left to whom it is given. The write has a condition, so that of two nodes that store at the
same time one is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from udup.actors.cluster_messages import AnswerNode, ReadRecord, RecordRead, Route
from udup.actors.heard_wishes import HeardWishes
from udup.actors.holding import is_ours
from udup.actors.job import Job
from udup.actors.keeper_told import Asked, Routed
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
from udup.actors.wire_commands import answer_of, ask_of, command_of, job_of, said_in
from udup.base import runtime
from udup.base.errors import Failure, FailureKind
from udup.cluster.asking import Answer as NodeAnswer
from udup.cluster.view import View
from udup.jobs import JobRecord

Say = Callable[[Accepted | Rejected], None]

#: Seconds for another node to answer, and where it asks a server in turn.
ANSWER_SECONDS, PURGE_SECONDS = 7.0, 24.0

#: What may be wished of a job that no node carries.
_WITHOUT_OWNER = (RegisterJob, PauseJob, ResumeJob, FinishJob)


class Host(Protocol):
    """What wishes need of the supervisor."""

    @property
    def settings(self) -> NodeSettings: ...
    def tell_keeper(self, message: object) -> None: ...
    def tell_store(self, message: object) -> None: ...
    def drop(self, job: Job) -> None: ...
    def execute(self, command: Command, answer: Say) -> None: ...


class Members(Protocol):
    """What they need to know of the cluster."""

    view: View | None
    #: Revisions of the records that wishes are being carried out for.
    revisions: dict[str, int]

    @property
    def owned(self) -> Mapping[str, object]: ...
    def made(self, record: JobRecord) -> Job | None: ...
    def read_anew(self, job_id: str) -> None: ...


@dataclass
class _Pending:
    job_id: str
    answer: Say
    command: Command
    is_here: bool = False  # it is being carried out here


class ClusterWishes:
    """`jobs` and `unread` are the supervisor's own."""

    def __init__(self, host: Host, members: Members, jobs: Mapping[str, Job], unread: dict[str, str]) -> None:
        self._host, self._members = host, members
        self._jobs, self._unread = jobs, unread
        self._ticket = 0
        self._pending: dict[int, _Pending] = {}
        self._since = runtime.now()
        self._heard = HeardWishes(lambda number, said: host.tell_keeper(AnswerNode(number, said)))

    def dropped(self, job_id: str, why: str) -> None:
        """Answer whoever waits for something to be done to a job that is not here any more."""
        for ticket, pending in list(self._pending.items()):
            if pending.job_id == job_id and pending.is_here:
                del self._pending[ticket]
                pending.answer(_not_now(why))

    def command(self, command: Command, answer: Say, *, of_node: Callable[[], None] | None = None) -> None:
        """Carry a wish out here or have the job's owner do so. `of_node` tells another node that asks: not here."""
        job_id = job_of(command)
        if (refusal := self._refusal(command)) is not None:
            answer(refusal)
        elif (job := self._jobs.get(job_id)) is not None and is_ours(job):
            self._execute(command, job_id, answer)
        elif job is not None or (job_id in self._members.owned and job_id not in self._unread):
            answer(_not_open())  # it is being read, or a wish for it is being stored
        elif not job_id or job_id in self._members.owned:
            self._execute(command, job_id, answer)
        elif of_node is not None:
            of_node()
        else:
            self._ticket += 1
            self._pending[self._ticket] = _Pending(job_id, answer, command)
            seconds = PURGE_SECONDS if isinstance(command, DeleteJob) and command.purge else ANSWER_SECONDS
            ask = ask_of(command, self._node, self._host.settings.keys, runtime.new_id())
            self._host.tell_keeper(Route(self._ticket, ask, seconds))

    @property
    def _node(self) -> str:
        assert self._host.settings.cluster is not None
        return self._host.settings.cluster.node

    def _refusal(self, command: Command) -> Rejected | None:
        if self._members.view is None:
            return _not_open()
        if self._members.view.why_not:
            return _not_now(f"{_named(command)} is not taken now: {self._members.view.why_not}")
        return None

    def _execute(self, command: Command, job_id: str, answer: Say) -> None:
        """Carry it out here; whoever waits is answered also when another turns out to have written the record."""
        self._ticket += 1
        ticket = self._ticket
        self._pending[ticket] = _Pending(job_id, answer, command, is_here=True)

        def answered(said: Accepted | Rejected) -> None:
            if self._pending.pop(ticket, None) is not None:
                answer(said)
            self.leave_alone(said.job_id if isinstance(said, Accepted) else job_id)

        self._host.execute(command, answered)

    def leave_alone(self, job_id: str) -> None:
        """Hold a job no longer that a wish was stored for; who it is given to carries it out."""
        job = self._jobs.get(job_id)
        self._members.revisions.pop(job_id, None)
        if (
            job is None
            or is_ours(job)
            or any(each.job_id == job_id and each.is_here for each in self._pending.values())
        ):
            return
        self._host.drop(job)
        if job_id in self._members.owned:
            self._members.read_anew(job_id)

    def routed(self, routed: Routed) -> None:
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

    def record_read(self, message: RecordRead) -> None:
        """Carry out a wish for a job that nobody owns who lives."""
        pending = self._pending.pop(message.ticket, None)
        if pending is None:
            return
        job_id, command = message.job_id, pending.command
        if job_id in self._jobs or job_id in self._members.owned:
            pending.answer(_not_open())
            return
        deletes = isinstance(command, DeleteJob) and not command.purge
        if message.record is not None and not deletes and not isinstance(command, _WITHOUT_OWNER):
            pending.answer(_not_now(f"no node carries job {job_id} out now, as this needs: {self._why(job_id)}"))
            return
        self._members.revisions[job_id] = message.revision
        if message.record is not None:
            self._members.made(message.record)
        self._execute(command, job_id, pending.answer)
        if job_id not in self._members.owned:
            self._unread.pop(job_id, None)

    def _why(self, job_id: str) -> str:
        why = self._members.view.reasons.get(job_id, "") if self._members.view is not None else ""
        return why or "it is about to be given to one; try again in a moment"

    def asked(self, asked: Asked) -> None:
        """Another node asks for a client; a wish that it asks for once more is done once."""
        if self._heard.is_known(asked):
            return
        if asked.ask.age > runtime.now() - self._since:
            why = f"node {self._node} was asked before its supervisor was started again, and may have done it, or not"
            self._host.tell_keeper(AnswerNode(asked.number, answer_of(_not_now(f"{why}: look at the job"))))
            return
        answer = self._heard.take(asked)
        command = command_of(asked.ask, self._host.settings.keys)
        if command is None:
            answer(answer_of(_not_now(f"node {self._node} has another version, and does not know {asked.ask.kind}")))
            return
        self.command(command, lambda said: answer(answer_of(said)), of_node=lambda: answer(NodeAnswer(not_owner=True)))


def _named(command: Command) -> str:
    return type(command).__name__.removesuffix("Job").lower()


def _not_now(why: str) -> Rejected:
    return Rejected(Rejection.NOT_NOW, Failure(FailureKind.TRANSIENT, why))


def _not_open() -> Rejected:
    text = "this node is just taking the job, or is just reaching its cluster; try again in a moment"
    return Rejected(Rejection.NOT_OPEN, Failure(FailureKind.TRANSIENT, text))
