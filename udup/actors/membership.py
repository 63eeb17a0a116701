"""The supervisor's part in a cluster: it carries the jobs that this node owns, and no others.

A job comes by `Owned`: its record is read anew from the store, the job is made of that, and a first write of the record
proves that nothing newer is there. It goes by `Lost`, or when another is found to have written its record: its run ends
at once, its processes too, and nothing of it is stored any more. If it is still this node's then, it is read again.
What clients wish is in `cluster_wishes.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from udup.actors.cluster_messages import (
    BeginRun,
    ForgetFailures,
    GiveUp,
    HandOver,
    ReadRecord,
    RecordRead,
    TryElsewhere,
)
from udup.actors.cluster_wishes import ClusterWishes, Say
from udup.actors.guests_abroad import GuestsAbroad
from udup.actors.guests_here import GuestsHere
from udup.actors.holding import Hold, is_ours
from udup.actors.job import Job
from udup.actors.journal import RecordJournal
from udup.actors.keeper_told import Asked, Begun, Gone, Holding, NobodyElse, NobodyReaches, Routed
from udup.actors.messages import (
    Command,
    NodeSettings,
)
from udup.actors.reaching import Reaching
from udup.actors.registry import ActorRegistry
from udup.actors.store_messages import NotSaved
from udup.actors.way_backs import WayBacks
from udup.base import runtime
from udup.base.errors import UdupError
from udup.cluster.guests import GuestLost, GuestOrdered, GuestOver, GuestSaid
from udup.cluster.owners import NOWHERE
from udup.cluster.told import Leave, Lost, Owned
from udup.cluster.view import View
from udup.jobs import JobRecord, Stage, UnreadRecord, history

#: Seconds until a number is asked for once more that was not granted, while the job is still this node's.
ASK_AGAIN_SECONDS = 1.0

#: Longest text of a job's StatusDescription.
_DESCRIPTION = 2000


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
    def carry_on_cutover(self, job: Job, *, resumed: bool = False) -> None: ...
    def execute(self, command: Command, answer: Say) -> None: ...
    def hear(self, message: object, sender: Any) -> None: ...
    def create_here(self, document: dict[str, Any], incarnation: str, then: Callable[[], None]) -> None: ...


class Membership:
    """`jobs` and `unread` are the supervisor's own."""

    def __init__(
        self, host: Host, jobs: dict[str, Job], unread: dict[str, str], journal: RecordJournal, actors: ActorRegistry
    ) -> None:
        self._host = host
        self._jobs, self._unread, self._journal = jobs, unread, journal
        self._owned: dict[str, Owned | Leave] = {}  # as it was told last
        self.revisions: dict[str, int] = {}  # of records that jobs are being made of
        self._failing: dict[str, Callable[[str], None]] = {}  # what is to be done if nobody else can try a job
        self._when_gone: Callable[[], None] | None = None
        self.view: View | None = None
        #: All jobs of the cluster, and who owns them.
        self.known: dict[str, str] = {}
        self.wishes = ClusterWishes(host, self, jobs, unread)
        self.guests_abroad = GuestsAbroad(host, jobs, journal, lambda: self.view)
        self.guests_here = GuestsHere(host, actors, jobs)
        self.reaching = Reaching(host, jobs)
        self.way_backs = WayBacks(host, self, jobs, self.wishes.leave_alone)

    @property
    def owned(self) -> Mapping[str, Owned | Leave]:
        """Return the jobs of this node as that was told last."""
        return self._owned

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
                for job_id in [each.id for each in self._jobs.values() if is_ours(each)]:
                    if job_id not in what.jobs:
                        self.told(Lost(job_id))
                self._owned = {job: owned for job, owned in self._owned.items() if job in what.jobs}
            case Begun():
                self._begun(what)
            case NobodyElse():
                self._nobody_else(what)
            case NobodyReaches():
                self.reaching.stays(what)
            case View():
                self.view = self.reaching.view = what
                self.known.clear()
                self.known.update(what.owners)
                self._look_at_sources()
            case Routed():
                self.wishes.routed(what)
            case Asked():
                self.wishes.asked(what)
            case GuestSaid():
                self.guests_abroad.said(what)
            case GuestLost():
                self.guests_abroad.lost(what)
            case GuestOrdered():
                self.guests_here.ordered(what)
            case GuestOver():
                self.guests_here.over(what)
            case Gone():
                if self._when_gone is not None:
                    self._when_gone()

    def _mine(self, what: Owned | Leave) -> None:
        self.guests_here.end(what.job)  # it was another node's
        job = self._jobs.get(what.job)
        if job is None:
            self.read_anew(what.job)
        elif is_ours(job):
            self._own(job, what)
            self._host.reconcile(job)

    def _own(self, job: Job, what: Owned | Leave) -> None:
        assert job.hold is not None
        job.hold.own(what.token, what.source if isinstance(what, Owned) else "")
        job.hold.leaves = isinstance(what, Leave)
        job.hold.tried = isinstance(what, Owned) and (what.tried or bool(what.away))
        job.hold.tried_away = isinstance(what, Owned) and bool(what.away)
        job.hold.source_is_away = self._is_away(job.hold.apart)
        if job.run is not None and isinstance(what, Owned) and job.run.source_node != what.source:
            job.run.outdate()  # its source is to be read on another node

    def _is_away(self, node: str) -> bool:
        """Whether a node, if any is named, is not heard."""
        if node == NOWHERE:
            return True
        seen = self.view.node(node) if node and self.view is not None else None
        return bool(node) and self.view is not None and (seen is None or not seen.is_here)

    def _look_at_sources(self) -> None:
        """Note of each job whose source is read on another node whether that is there: without it no run begins."""
        for job in list(self._jobs.values()):
            hold = job.hold
            if hold is not None and hold.apart and hold.source_is_away != (is_away := self._is_away(hold.apart)):
                hold.source_is_away = is_away
                self._host.reconcile(job)

    def keeper_lost(self) -> None:
        """The keeper is gone, and all that it knew of guests with it; jobs that have none go on."""
        self.guests_here.end_all()
        self.guests_abroad.keeper_lost(list(self._jobs.values()))

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
        if (job := self._jobs.get(wake.job_id)) is not None and is_ours(job):
            self._host.reconcile(job)

    # ---- What runs need (`run_parts.Numbers`) ----

    def take(self, job: Job) -> int:
        hold = job.hold
        assert hold is not None
        if hold.given_again:
            self._drop(job.id, f"job {job.id} was given to this node again, which reads it anew; try again")
            self.read_anew(job.id)
            return 0
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

        self._journal.save(job, job.record, stored)  # behind all that was to be stored before

    def elsewhere(self, job: Job, reason: str, fail: Callable[[str], None]) -> bool:
        """Store what has come of it here, then have the keeper give it to another node."""
        hold = job.hold
        if hold is None or not hold.is_ours:
            return False
        hold.gave_up, token = True, hold.token
        self._failing[job.id] = fail
        text = f"{reason}; another node is to try it"

        def stored() -> None:
            if self._jobs.get(job.id) is job and hold.gave_up and hold.token == token:
                self._host.tell_keeper(TryElsewhere(job.id, token, reason))

        self._host.log.warning("job_tried_elsewhere", job=job.id, error=reason)
        update = {"stage": Stage.PENDING, "status_description": text[:_DESCRIPTION]}
        self._journal.save(job, job.record.model_copy(update=update), stored)
        return True

    def _nobody_else(self, what: NobodyElse) -> None:
        fail, job = self._failing.pop(what.job, None), self._jobs.get(what.job)
        hold = job.hold if job is not None else None
        if job is None or hold is None or fail is None or not hold.gave_up or hold.token != what.token:
            return
        hold.gave_up = False
        if not job.wanted:
            self._host.reconcile(job)
            return
        called = (lambda node: node) if self.view is None else self.view.called
        fail("; ".join(f"on node {called(node)} before: {why}" for node, why in sorted(what.others.items())))

    def proven(self, job: Job) -> None:
        """Let all nodes try the job again if it fails once more."""
        if job.hold is not None and job.hold.tried:
            job.hold.tried = job.hold.tried_away = False
            self._host.tell_keeper(ForgetFailures(job.id, job.hold.token))

    # ---- Records ----

    def new_hold(self, job_id: str) -> Hold:
        """Return what this node has of a job that is made: nothing yet but the revision of its record."""
        return Hold(revision=self.revisions.get(job_id, 0), node=self._node)

    @property
    def _node(self) -> str:
        cluster = self._host.settings.cluster
        return cluster.node if cluster is not None else ""

    def read_anew(self, job_id: str) -> None:
        self._host.tell_store(ReadRecord(job_id))

    def repeat(self) -> None:
        """Ask another StoreKeeper for what the one before has not answered."""
        self.way_backs.repeat()
        for job_id in self._owned:
            if job_id not in self._jobs and job_id not in self._unread:
                self.read_anew(job_id)
        self.guests_here.repeat()

    def read(self, message: RecordRead) -> None:
        if message.ticket < 0:
            self.guests_here.record_read(message)
            self.way_backs.record_read(message)
            return
        if message.ticket:
            self.wishes.record_read(message)
            return
        owned, job_id = self._owned.get(message.job_id), message.job_id
        if owned is None or job_id in self._jobs:
            return
        if message.record is None:
            self._host.tell_keeper(GiveUp(job_id, owned.token))  # it was deleted
            return
        self.revisions[job_id] = message.revision
        try:
            if (job := self.made(message.record)) is not None:
                self._own(job, owned)
                self._carry_on(job)
        finally:
            self.revisions.pop(job_id, None)

    def made(self, record: JobRecord) -> Job | None:
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
                self._host.carry_on_cutover(job, resumed=True)

        self._host.log.info("job_taken", job=job.id)
        if job.wanted:
            assert job.hold is not None
            owned = self._owned.get(job.id)
            lost = isinstance(owned, Owned) and owned.lost
            record = history.node_started(self.reaching.told(job, owned), runtime.wall_ns(), job.hold.places, lost=lost)
            self._journal.save(job, record, proven)
        else:
            proven()

    def taken(self, job_id: str) -> None:
        """Another has written the job's record: what is known of it here is worth nothing."""
        if job_id in self._jobs or job_id in self._owned:
            self._host.log.warning("record_written_elsewhere", job=job_id)
        self._drop(job_id, f"job {job_id} was changed by another node at the same time; try again")
        if job_id in self._owned:
            self.read_anew(job_id)

    def not_saved(self, message: NotSaved) -> bool:
        """A record was not taken; whether that was all that there is to do."""
        job = self._jobs.get(message.job_id)
        if message.taken:
            self._journal.not_saved(message.job_id, message.ticket, message.why)
            self.taken(message.job_id)
            if message.job_id not in self._jobs:
                self._journal.drop(message.job_id)  # it was lost before the store said so: nothing ails this node
        elif job is not None and not is_ours(job):
            self._drop(message.job_id, message.why)
        else:
            return False
        return True

    def _drop(self, job_id: str, why: str) -> None:
        self._failing.pop(job_id, None)
        if (job := self._jobs.get(job_id)) is not None:
            self._host.drop(job)
        self.wishes.dropped(job_id, why)
        self.way_backs.dropped(job_id, why)

    def forgotten(self, job: Job) -> None:
        """The job's record is removed: it is nobody's any more."""
        if job.hold is not None and job.hold.is_ours:
            self._host.tell_keeper(GiveUp(job.id, job.hold.token))

    # ---- The end ----

    def say_gone(self, then: Callable[[], None]) -> None:
        """Have `then` called when the others know that this node has ended its runs."""
        self._when_gone = then
