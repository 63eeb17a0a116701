"""What the API needs from the rest of the system: three small interfaces, given to it when it is built.

Reads come from the job store, so that they never wait for an actor; writes go through the supervisor. Both are called
from several web threads at once and must allow that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from udup.base.errors import Fault, UdupError
from udup.cluster.orders import Order, Ordered
from udup.jobs import JobRecord
from udup.jobs.allocation import Evaluation
from udup.jobs.document.inspecting import ServerAsked
from udup.jobs.estimates import Estimate, EstimatedAct
from udup.jobs.table_pages import Compared, TablesWanted
from udup.jobs.table_states import TableShown
from udup.pipeline.checks import Check, Outcome
from udup.pipeline.cutover.state import Options as CutoverOptions
from udup.pipeline.ports import Tail, TailRequest
from udup.pipeline.ports.compare import LedgerRow
from udup.pipeline.ports.inspect import Grants, Inspected, TableSize
from udup.pipeline.ports.rows import RowSeen
from udup.pipeline.verify.state import CompareOptions

__all__ = [
    "ActorInfo",
    "Check",
    "Consumer",
    "ConsumerCredentials",
    "Consumers",
    "JobControl",
    "JobReads",
    "LevelFound",
    "LevelQuestion",
    "NameTaken",
    "NotReady",
    "NotThere",
    "Outcome",
    "StillThere",
    "TablesFound",
    "WouldNotStart",
    "Written",
]


class NotReady(UdupError):
    """The node cannot answer in time, or not yet: worth another try later (503)."""


class NotThere(UdupError):
    """The job, actor, … that the request names does not exist (404). The text is what clients know: `job not found`."""


class StillThere(UdupError):
    """A node that is to be taken out of its cluster is there, or the others cannot do without it (409)."""


class NameTaken(UdupError):
    """Something of this name is there already, or as many as there may be (409)."""


class WouldNotStart(UdupError):
    """A new document by which a job could not start, or that asks for what has no effect (409).

    The job goes on as it was.
    """

    def __init__(self, job_id: str, faults: Sequence[Fault], command: str = "udup job run") -> None:
        """`command` is what was asked for, by which the command line does so."""
        self.faults = tuple(faults)
        many = "" if len(faults) == 1 else f", {len(faults)} faults"
        told = "\n".join(f"* {fault}" for fault in faults)
        super().__init__(
            f"job {job_id} goes on by the document that it has; the new one is refused{many}:\n{told}\n"
            f"To store it all the same, as for a change while a server is away: ?check=false, {command} --no-check"
        )


@dataclass(frozen=True)
class Written:
    """What a write did: the store's index after it, the job's ID, and an ID for the act itself.

    `changed` is false when nothing was to be done (a job paused twice); `index` is 0 then.
    `warning` is what is to be known of it.
    """

    index: int
    job_id: str
    eval_id: str
    changed: bool = True
    warning: str = ""


@dataclass(frozen=True)
class ActorInfo:
    """An actor of this node: what it is, for which job ("" for none), and its process.

    `state` is a word (`idle`, `running`), `started` seconds since the epoch, `restarts` how often its place was filled
    again, `rss` bytes of memory (0 when the process is gone).
    """

    role: str
    job_id: str
    pid: int
    slot: int = 0
    state: str = ""
    started: float = 0.0
    restarts: int = 0
    rss: int = 0


@dataclass(frozen=True)
class LevelFound:
    """Whether a job is level: sets as text, whole; "" where there is none, or where nobody could be asked.

    `ended`: it does not become level by itself, or ever, so waiting is of no use. `why` is empty when it is level.
    """

    level: bool
    wanted: str
    applied: str
    missing: str
    stage: str
    why: str
    ended: bool


@dataclass(frozen=True)
class TablesFound:
    """Some of a job's tables, in the order that was asked for; `next` is the name before the next ones, "" for no more.

    `total`, `states` and `groups` are of all its tables; `matching` are those that were asked for, of which these are
    the first behind `offset`. `sizes` and `compared` are of these, by name, where they are known. `since_us`: from when
    on changes are counted, 0 if that is not known; `problem` says why the target could not be asked, "" if it was.
    """

    tables: list[TableShown]
    next: str
    total: int
    states: dict[str, int]
    since_us: int = 0
    problem: str = ""
    matching: int = 0
    offset: int = 0
    groups: dict[str, int] = field(default_factory=dict)
    sizes: Mapping[str, TableSize] = field(default_factory=dict)
    compared: Mapping[str, Compared] = field(default_factory=dict)


class LevelQuestion(Protocol):
    """The question whether a job is level, for one request. It holds a connection to the target until it is closed."""

    def look(self) -> LevelFound:
        """Look at the target now. `NotThere` for a job that is gone, `NotReady` for a target that cannot be asked."""

    def close(self) -> None: ...


class JobControl(Protocol):
    """Writes. They return when the command is stored; that it is carried out shows in the job's stage.

    Raise `Refused` for a job that cannot be (400), `IndexConflict` for an index that no longer holds, and for a job
    whose cut-over is in the way (409),
    `WouldNotStart` for a document by which a job that is carried out could not go on (409), and `NotReady` or
    `Transient` when the system cannot take it now (503).
    """

    def register(self, document: dict[str, Any], enforce_index: int | None, *, check: bool = True) -> Written:
        """Create the job that `document` describes, or replace the one with its ID.

        The document is as posted, without a wrapper, unchecked: `udup.jobs.accept` checks it and puts stored passwords
        back. With `check`, one for a job that is carried out is held against both servers first, as a start would. One
        that says what the job's document says already leaves its run alone. With `enforce_index`,
        `udup.jobs.check_enforced_index` decides first, in the same step as the write.
        """

    def revert(self, job_id: str, number: int | None, *, check: bool = True) -> Written:
        """Give the job an earlier document back, as `register` would: that of this number, or the one before.

        `NotThere` for an unknown job or a document that is not kept.
        """

    def delete(self, job_id: str, *, purge: bool = False) -> Written:
        """Stop and forget a job; one that is not there is a success as well. `purge` removes its checkpoint too."""

    def pause(self, job_id: str) -> Written:
        """Stop a job at a transaction boundary, to be resumed. `NotThere` for an unknown one."""

    def resume(self, job_id: str) -> Written:
        """Carry on a paused or failed job. `NotThere` for an unknown one."""

    def finish(self, job_id: str) -> Written:
        """End a migration that stays level until it is told to. `NotThere`; `Refused` for one that cannot be ended."""

    def reload(self, job_id: str, tables: Sequence[str]) -> Written:
        """Load tables again, named as the source has them, while the job goes on for all others.

        `NotThere` for an unknown job, `Refused` for a subscription and for tables that the job does not have,
        `NotReady` while other tables of it are under way.
        """

    def give_up(self, job_id: str) -> Written:
        """Have a job go on without the tables that it gets or loads again; `changed` is false where there are none.

        `NotThere` for an unknown job, `NotReady` where they are nearly the job's own, `Refused` where no document
        chooses just those that it has meanwhile.
        """

    def snapshot(self, job_id: str, tables: Sequence[str]) -> Written:
        """Have a subscription deliver the rows of these tables once more, named as the source has them.

        `NotThere` for an unknown job, `Refused` for one that is no subscription or does not have them.
        """

    def ask_level(self, job_id: str, gtid: str | None) -> LevelQuestion:
        """Ask the source now what it has executed, unless `gtid` names what is wanted.

        `NotThere` for an unknown job, `NotReady` for a source that cannot be asked.
        """

    def tables(self, job_id: str, wanted: TablesWanted) -> TablesFound:
        """Return where tables of a job stand; the source is asked which there are.

        What is no page in the order of names is of a listing that is kept for some seconds, so that both servers are
        asked once for many pages.

        `NotThere` for an unknown job, `NotReady` for a source that cannot be asked.
        """

    def tail(self, job_id: str, wanted: TailRequest) -> Tail:
        """Return what reads the messages that a subscription has delivered; it holds a connection to the sink.

        `NotThere` for an unknown job, `Refused` for one that is no subscription and for what is not in the sink.
        """

    def settle(self, job_id: str, gtid: str, *, applied: bool) -> Written:
        """Say of the one transaction that the job stopped at whether its rows are on the target, and carry on.

        `NotThere` for an unknown job, `Refused` where that transaction is not in question.
        """

    def skip(self, job_id: str, gtid: str) -> Written:
        """Pass over the one transaction that the job stopped at, and carry on; the ledger says so for ever.

        `NotThere` for an unknown job, `IndexConflict` (409) where the job does not stand at it.
        """

    def cut_over(self, job_id: str, options: CutoverOptions) -> Written:
        """Begin a cut-over, or carry on one that has stopped; what comes of it is in the job's record.

        `NotThere` for an unknown job, `IndexConflict` for one that was cut over, `Refused` for a migration.
        """

    def compare(self, job_id: str, options: CompareOptions | None) -> Written:
        """Begin a comparison of the job's two servers; what comes of it is in the job's record. None ends it.

        `NotThere` for an unknown job, `IndexConflict` while one is under way, `Refused` for what is not compared.
        """

    def differences(self, job_id: str, after: str, limit: int) -> list[LedgerRow]:
        """Return so many rows of the job's ledger behind one (`LedgerRow.at`). `NotThere` for an unknown job."""

    def abort_cutover(self, job_id: str) -> Written:
        """Undo a cut-over, or give up what is left behind its switch.

        `NotThere` for an unknown job, `IndexConflict` for one that is all done.
        """

    def row(self, job_id: str, schema: str, table: str, key: str) -> RowSeen | None:
        """Return a row of the job's ledger as both servers have it now; None if the ledger has no such row.

        `NotThere` for an unknown job, `Refused` for a job that is not compared.
        """

    def estimate(self, job_id: str, act: EstimatedAct, tables: Sequence[str]) -> Estimate:
        """Return about how long something takes for tables of a job, [] for all. `NotThere` for an unknown job."""

    def inspect(self, asked: ServerAsked) -> Inspected:
        """Look at a server before there is a job. One that cannot be reached is an answer."""

    def grants(self, document: dict[str, Any], versions: tuple[str, str]) -> tuple[Grants, Grants]:
        """Return the statements that make the accounts of a job, as far as it is written yet.

        `versions` are of source and target; a server whose version is "" is asked for it. `Refused` for what is no job.
        """

    def validate(self, document: dict[str, Any]) -> list[Check]:
        """Look at both servers as a start would, and start nothing. `Refused` for a document that is no job."""

    def remove_manager(self, node: str) -> None:
        """Take a manager out of the cluster that is dead for good, by its ID; one that is not there is a success.

        `StillThere` if that cannot be.
        """

    def kill_actor(self, pid: int) -> None:
        """SIGKILL an actor of this node, as a drill. `NotThere` if no actor has that process."""

    def actor_stacks(self, pid: int) -> str:
        """The Python stacks of all threads of an actor. `NotThere` if no actor has that process."""

    def actors(self, node: str = "") -> list[ActorInfo]:
        """The actors that live now: of this node, or of another one, named by its ID. `NotReady` if that is away."""


@dataclass(frozen=True)
class Consumer:
    """A user of the node's own NATS server, who may read and acknowledge what is in these streams, and nothing else.

    `missing` are those that are not there yet, `since` nanoseconds since the epoch.
    """

    name: str
    streams: tuple[str, ...]
    missing: tuple[str, ...]
    since: int


@dataclass(frozen=True)
class ConsumerCredentials:
    """How a new user gets in: the password, which is kept nowhere, and where to connect on this machine and others.

    `remote_address` is "" where nobody can from other machines.
    """

    consumer: Consumer
    password: str = field(repr=False)
    address: str
    remote_address: str


class Consumers(Protocol):
    """Who may read from the node's own JetStream. `NotReady` (503) where nats-server does not answer now."""

    def users(self) -> Sequence[Consumer]:
        """All of them, in the order of their names."""

    def add(self, name: str, streams: Sequence[str]) -> ConsumerCredentials:
        """Let a new user in. `NameTaken` for a name that is there, `Refused` for one that cannot be had.

        Streams need not be there yet.
        """

    def remove(self, name: str) -> None:
        """Let a user in no more, and end his connections. `NotThere` for an unknown one."""


class MoveOrders(Protocol):
    """Orders about where jobs are, in a cluster."""

    def give(self, order: Order) -> Ordered:
        """Have it stored; return what is to come of it.

        `NotThere` for an unknown node or job, `Refused` for what cannot be, `NotReady` while it cannot be stored.
        """


class JobReads(Protocol):
    """Reads."""

    def jobs(self, prefix: str) -> tuple[list[JobRecord], int]:
        """The jobs whose ID starts with `prefix`, in any order, and the index of the last change to any job."""

    def job(self, job_id: str) -> JobRecord | None:
        """One job, None if there is none with exactly this ID."""

    def evaluations(self) -> list[Evaluation]:
        """Those of deleted jobs; those of a job that is there are in its record."""

    def problems(self) -> list[str]:
        """Why the node cannot work now, for people; empty when it is ready."""

    def age(self) -> float:
        """Seconds for which jobs may have changed without being shown so, infinite before the store is read.

        Nobody is asked.
        """

    def last_problems(self) -> list[str]:
        """The same as it was found last: nobody is asked, so nobody is waited for."""
