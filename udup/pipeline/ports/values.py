"""What passes through the seams: positions, plans, what servers are found to be, claims, counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, Self

from udup.base.endpoint import Endpoint
from udup.base.errors import Fault
from udup.pipeline.ownership import Feed, Known, Owner
from udup.pipeline.ports.scope import Apart, Scope
from udup.pipeline.positions import AheadNotes
from udup.pipeline.records import (
    StartRows,
)
from udup.pipeline.selection.selection import Selection

if TYPE_CHECKING:
    from udup.pipeline.ports.delivery import DeliveryPlan


class Position(Protocol):
    """A set of transactions by what numbers them, as MySQL's GTID set; as text it can be kept and parsed again."""

    def add(self, source: str, number: int) -> None: ...
    def update(self, other: Self) -> None: ...
    def copy(self) -> Self: ...
    def contains(self, source: str, number: int) -> bool: ...
    def __sub__(self, other: Self) -> Self: ...
    def __le__(self, other: Self) -> bool: ...
    def __bool__(self) -> bool: ...
    def __len__(self) -> int: ...


class ServerInfo(Protocol):
    """What a driver has found out about its server; for others it is a thing to be handed back to the driver."""

    @property
    def address(self) -> str: ...
    @property
    def uuid(self) -> str:
        """What tells this server from every other."""
        ...

    @property
    def folds_names(self) -> bool:
        """Whether it keeps the names of tables in lower case."""
        ...

    @property
    def version_text(self) -> str:
        """Its version as it says it, "" where there is none: what the driver of the other end may go by."""
        ...


class ApplyMode(StrEnum):
    """How rows get to a target: as the events of the log, by statements, or as the account's privileges allow.

    `CONVERTED`: by statements that name the columns, to tables that may be others than the source's.
    """

    BY_PRIVILEGE = ""
    EVENTS = "events"
    STATEMENTS = "statements"
    CONVERTED = "converted"


@dataclass(frozen=True)
class End:
    """One end of a job: the name of its driver, where the server is, and how rows get there if it is the target.

    `delivery` is what a sink of messages is told. Its endpoint is for people, without a host for the node's own NATS.
    `settings`: what the driver of a source is told beside, by its own names.
    """

    driver: str
    endpoint: Endpoint
    apply_mode: ApplyMode = ApplyMode.BY_PRIVILEGE
    delivery: DeliveryPlan | None = field(default=None, hash=False)
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def address(self) -> str:
        """host:port, for people."""
        endpoint = self.endpoint
        return f"{endpoint.host}:{endpoint.port}" if endpoint.host else f"this node's {self.driver}"

    def __str__(self) -> str:
        if self.delivery is None:
            return str(self.endpoint)
        return f"{self.endpoint.user}@{self.address}" if self.endpoint.user else self.address


@dataclass(frozen=True)
class StartPoint:
    """Where in its source's log a job begins: with a transaction, at an offset of a file, or now if neither is said."""

    gtid: str = ""
    file: str = ""
    offset: int = 0

    def __str__(self) -> str:
        if self.gtid:
            return f"with {self.gtid}"
        return f"at {self.file}:{self.offset}" if self.file else "now"


@dataclass(frozen=True)
class Beginning:
    """What a `StartPoint` means: the position before it, and which server has said so.

    `awaited`: it names a transaction that the source has not executed yet.
    """

    position: str
    server_uuid: str
    awaited: bool = False


@dataclass(frozen=True)
class Join:
    """What a job takes in with its next take-over: the side job `side`, which stands still for good.

    `kept` is what the job itself has until then, `taken` what the side job has. What was joined before is joined.
    """

    side: str
    kept: Selection
    taken: Selection


@dataclass(frozen=True)
class Leaving:
    """What a job lets go of with its next take-over: it goes on with less than it had by the selection `before`.

    `before` is that selection's digest. `side`: the side job that loads again what is left, "" if nobody does: it
    drops what of that the source does not have any more. `incarnation` tells this time from others. `given_up`: a side
    job that is not wanted any more and does not run: nothing that was noted for it stays.
    """

    before: str
    side: str = ""
    incarnation: str = ""
    given_up: str = ""


@dataclass(frozen=True)
class JobPlan:
    """A job as the drivers know it: which servers, what of them, how.

    `start_at`: how it begins without a copy, as long as the position is not decided. `leaves`: the target may still
    have its checkpoint with more tables.
    """

    job: str
    source: End
    target: End
    scope: Scope
    start_after: str | None = None  # the job's own position: no full copy
    drop_existing: bool = False
    recompute: bool = False  # the copy takes what the target computes where the source has other values
    fill_existing: bool = False  # the copy fills tables that are there, and makes none
    start_at: StartPoint | None = None
    copy_alone: bool = False  # the log is not followed: nothing of it is needed
    leaves: Leaving | None = None
    join: Join | None = None


@dataclass(frozen=True)
class SourceLook:
    """A source before a start: what it is, what in its dictionary speaks against the job, what others write there.

    `copy_warnings`: what should be known if a full copy is made. `log_kept_s` is for how long it keeps its log by
    itself, 0 where that is for ever or not known.
    """

    info: ServerInfo
    faults: tuple[Fault, ...] = ()
    feeds: tuple[Feed, ...] = ()
    copy_warnings: tuple[str, ...] = ()
    log_kept_s: int = 0


@dataclass(frozen=True)
class CopyResume:
    """A copy that goes on if it can: `copied` is what the target has of one before (`TargetControl.copied`).

    A copy that is opened without this is whole, and no other can go on with it.
    """

    job: str
    copied: str = ""


@dataclass(frozen=True)
class InPart:
    """Transactions of which a destination has messages and that are not executed: they are to come again, the same.

    `gtids` is a position as text, `stamps` says when the last of them were committed.
    """

    gtids: str = ""
    stamps: str = ""


@dataclass(frozen=True)
class LogPlan:
    """Where a log is to be read from, and what for.

    `stamps` and `source_uuid` tell the server that was followed before (`pipeline/stamps.py`): by them it is recognised
    again. `tells`: records say what the log says of their events beside their bytes (`records.Transaction.told`);
    `by_values`: the job's rows get to the target as values, for which the log must say what the columns are;
    `snapshot` is what the destination has of a snapshot, whose rows are left out of the log where they were read later,
    and `snapshots` how many tries of one there were: tables that have come into the scope since come in one more.
    `wishes` are tables (`schema.table` on the source) whose rows are to come again, each time with its number.
    `in_part` are transactions behind `start_after` that the log must have. `target` is the target's version, in its
    server's words, "" for a destination of messages. `ahead` are notes, as `AheadNotes.to_json` writes them, of tables
    that the target has more of: that is left out of the log. `silent` is called, on the thread that reads, while the
    source says nothing, not even that there is nothing, with for how many seconds already. `apart`, called there too,
    says what the job is a part of by now: `Scope.apart` is as it was when the run began. `prepared` are the xids of XA
    transactions that the target has up to `start_after` without an end: it is told of those that the source has lost.
    None where nobody is to be told.
    """

    job: str
    scope: Scope
    start_after: str
    stamps: str = ""
    source_uuid: str = ""
    tells: bool = False
    by_values: bool = False
    snapshot: str = ""
    snapshots: int = 0
    chunk_rows: int | None = None
    wishes: tuple[tuple[int, tuple[str, ...]], ...] = ()
    in_part: InPart = field(default_factory=InPart)
    ahead: str = ""
    target: str = ""
    prepared: tuple[str, ...] | None = None
    silent: Callable[[float], None] = field(default=lambda _: None, compare=False, repr=False)
    apart: Callable[[], Apart | None] = field(default=lambda: None, compare=False, repr=False)


@dataclass(frozen=True)
class ReadingPlan:
    """A snapshot whose rows are told to a destination: `number` is its own among those of the job.

    `state` is what `records.SnapshotRows` of an earlier try said last: what that has sent to its end is left out.
    `alone`: the log behind it is not followed.
    """

    number: int = 1
    chunk_rows: int | None = None
    incremental: bool = False
    state: str = ""
    alone: bool = False


@dataclass(frozen=True)
class Recognised:
    """The server that is followed now: its UUID, the stamps by which it was recognised, and what could not be told."""

    server_uuid: str
    stamps: str
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class ClockAnswer:
    """A source's time (µs since the epoch) and its executed position, and which server has said so.

    Behind a proxy the next answer may be another server's.
    """

    now_us: int
    executed: str
    server_uuid: str


@dataclass(frozen=True, slots=True)
class LogPlace:
    """Where in its log the source is being read, for people."""

    file: str = ""
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows of a chunk of a table, as text or bytes that the target's driver understands.

    `rows` is told with the `last` piece of a chunk. `values`, `odd_dates` and `span` as in `records.CopyPiece`.
    """

    table: int
    chunk: int
    last: bool
    rows: int
    data: bytes
    values: bool = False
    odd_dates: bool = False
    span: str = ""


@dataclass(frozen=True)
class ControlSettings:
    """`slots`: rows of the checkpoint beside the base row. `known` is what this node knows of itself and its jobs.

    `incarnation` tells the job from others of its ID, "" if that is not known; `copy_alone`, `leaves` and `join` are
    the plan's, `apart` its scope's.
    """

    job: str
    owner: Owner
    selection: Selection
    slots: int
    start_after: str | None
    known: Known = Known()  # noqa: RUF009 - frozen
    incarnation: str = ""
    copy_alone: bool = False
    leaves: Leaving | None = None
    join: Join | None = None
    apart: Apart | None = None


@dataclass(frozen=True)
class CheckpointState:
    """A job's checkpoint as a run finds it.

    `mark` and `definitions` make the ID under which the next DDL runs once, `version` is what each slot's row begins
    with. `stamps` and `source_uuid` as in `LogPlan`. `written`: the target has it; if not, it is where the job is to
    begin, and `TargetControl.begin` writes it. `ahead` are notes of tables that have more than what is executed.
    `apart`: why the side job of `Join` could not be taken in, so that nothing was changed of either; "" else.
    `prepared` are the xids of XA transactions that have no end yet.
    """

    executed: Position
    mark: str
    definitions: int
    version: int
    stamps: str = ""
    source_uuid: str = ""
    written: bool = True
    ahead: AheadNotes = field(default_factory=AheadNotes)
    apart: str = ""
    prepared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowCounts:
    inserted: int = 0
    updated: int = 0
    deleted: int = 0

    def plus(self, other: RowCounts) -> RowCounts:
        return RowCounts(self.inserted + other.inserted, self.updated + other.updated, self.deleted + other.deleted)

    @property
    def total(self) -> int:
        return self.inserted + self.updated + self.deleted


@dataclass(frozen=True)
class TargetNotices:
    """What users should know: what was done otherwise than on the source, and views that are broken on both sides."""

    told: tuple[str, ...] = ()
    stale_views: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """What a commit writes into its slot's row of the checkpoint.

    `version` is the row's before it (one more after it), `gtids` what the row says then, `label` names the
    transactions for people.
    """

    version: int
    gtids: str
    label: str


@dataclass(frozen=True)
class LoadPlan:
    """`start` is told to the source, `instructions` to the loader of each worker."""

    start: StartRows
    instructions: bytes
