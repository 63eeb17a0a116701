"""The seams of the machine: what a source and a target are to it, whatever database is behind them.

`drivers/registry.py` has the one object that makes them (`Drivers`), and is all that knows which exist. It is handed to
the node's actors with their settings, and they hand the driver's parts to the engines.

Methods block unless they are `async`; engines call them on threads of their own. Whatever goes wrong is raised as one
of `base/errors.py`; no driver's own error passes a seam.

A seam lies at the log, the session and the copy: one call a group of transactions costs nothing, one an event would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from udup.base.endpoint import Endpoint
from udup.base.errors import Fault
from udup.pipeline.checks import Check
from udup.pipeline.ownership import Feed, Known, Owner
from udup.pipeline.records import (
    Context,
    CopyPlan,
    CopyTotals,
    Definition,
    Group,
    GroupPart,
    MarkedGroup,
    Part,
    Record,
    StartRows,
    Tables,
    Transaction,
    XaEnd,
)
from udup.pipeline.selection.selection import Selection
from udup.pipeline.selection.sqlfilter import SqlFilter

# ---- Positions ------------------------------------------------------------------------------------------------------


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


# ---- What a job is to a driver --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class End:
    """One end of a job: the name of its driver, and where the server is."""

    driver: str
    endpoint: Endpoint

    def __str__(self) -> str:
        return str(self.endpoint)


@dataclass(frozen=True)
class Scope:
    """What a job carries of its source.

    `kept_users`: accounts that stay as they are, None if the job carries none. `innodb`: tables without transactions
    become InnoDB tables. `fold_names`: the source keeps names in lower case (known when it was looked at).
    """

    selection: Selection
    sql_filter: SqlFilter = SqlFilter()  # noqa: RUF009 - frozen
    kept_users: frozenset[str] | None = None
    innodb: bool = False
    fold_names: bool = False


@dataclass(frozen=True)
class JobPlan:
    """A job as the drivers know it: which servers, what of them, how."""

    job: str
    source: End
    target: End
    scope: Scope
    start_after: str | None = None  # the job's own position: no full copy
    drop_existing: bool = False
    recompute: bool = False  # the copy takes what the target computes where the source has other values


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


@dataclass(frozen=True)
class SourceLook:
    """A source before a start: what it is, what in its dictionary speaks against the job, what others write there."""

    info: ServerInfo
    faults: tuple[Fault, ...] = ()
    feeds: tuple[Feed, ...] = ()


class Drivers(Protocol):
    """Makes the ends of jobs. Travels to actors by pickling, so it holds no connection."""

    def source(self, end: End) -> Source: ...

    def target(self, end: End) -> Target: ...

    def start_faults(
        self, plan: JobPlan, source: SourceLook | None, target: ServerInfo | None, start_after: str | None, known: Known
    ) -> list[Fault]:
        """Return what speaks against starting, as far as both sides were seen; `start_after` is the checkpoint's.

        That no job can run between these two drivers is a fault like any other here; the others raise `Refused`.
        """
        ...

    def warnings(self, plan: JobPlan, source: ServerInfo, target: ServerInfo) -> list[str]:
        """Return what does not keep the job from running and should be known."""
        ...

    def validate(self, plan: JobPlan, known: Known) -> list[Check]:
        """Return every check that a start would make, and more; nothing is written."""
        ...


# ---- Source ---------------------------------------------------------------------------------------------------------


class Source(Protocol):
    """A server that is copied from and followed."""

    @property
    def where(self) -> str:
        """Who and where, for people: `repl@10.0.0.1:3306`."""
        ...

    def position(self, text: str) -> Position:
        """Return a position that was kept as text."""
        ...

    def look(self, scope: Scope) -> SourceLook: ...

    def open_clock(self) -> SourceClock:
        """Return what asks the source for its time and what it has executed."""
        ...

    def tables(self, scope: Scope, copied: SourceCopy | None) -> Tables:
        """Return the tables that the job keeps current: those of a copy, or those that the source has now."""
        ...

    def open_copy(self, scope: Scope, *, readers: int, chunk_rows: int | None) -> SourceCopy:
        """Return a snapshot of everything in the scope, at one position."""
        ...

    def open_log(self, plan: LogPlan) -> ChangeLog:
        """Return the log after a position. It is not looked at before `ChangeLog.begin`."""
        ...


class SourceClock(Protocol):
    def read(self) -> tuple[int, str]:
        """Return the source's time (µs since the epoch) and its executed position, asked now."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class LogPlan:
    """Where a log is to be read from, and what for.

    `stamps` and `source_uuid` tell the server that was followed before (`pipeline/stamps.py`): by them it is recognised
    again.
    """

    job: str
    scope: Scope
    start_after: str
    stamps: str = ""
    source_uuid: str = ""


@dataclass(frozen=True)
class Recognised:
    """The server that is followed now: its UUID, the stamps by which it was recognised, and what could not be told."""

    server_uuid: str
    stamps: str
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class LogPlace:
    """Where in its log the source is being read, for people."""

    file: str = ""
    offset: int = 0


class ChangeLog(Protocol):
    """The source's log as records, in its order. `begin`, then iterate, both on one thread; `close` from any."""

    def begin(self) -> Recognised:
        """Check that the log is the one that was read before, and open it."""
        ...

    def __iter__(self) -> Iterator[Record | None]:
        """Yield records; None whenever nothing more has come yet: what was yielded may be sent. Ends by an error."""
        ...

    @property
    def place(self) -> LogPlace:
        """Behind the last record."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows of a chunk of a table, as text or bytes that the target's driver understands.

    `rows` is told with the `last` piece of a chunk. `values` and `odd_dates` as in `records.CopyPiece`.
    """

    table: int
    chunk: int
    last: bool
    rows: int
    data: bytes
    values: bool = False
    odd_dates: bool = False


class SourceCopy(Protocol):
    """A snapshot that stands at one position."""

    @property
    def plan(self) -> CopyPlan: ...

    def start(self, start: StartRows, on_table: Callable[[CopyTotals], None]) -> None:
        """The target is ready; `on_table` is called with each table that was read to its end."""
        ...

    def read(self, reader: int, emit: Callable[[Piece], None]) -> None:
        """Read tables on this thread until none is left. Readers count from 0."""
        ...

    def stop(self) -> None:
        """Have all readers end, from any thread, and close the snapshot."""
        ...

    def close(self) -> None: ...


# ---- Target ---------------------------------------------------------------------------------------------------------


class Target(Protocol):
    """A server that is written to."""

    @property
    def where(self) -> str: ...

    def position(self, text: str) -> Position:
        """Return a position of the source that was kept as text on the target."""
        ...

    def open_control(self, settings: ControlSettings) -> TargetControl:
        """Return DestApplier's side of the target; it does not connect yet."""
        ...

    def open_session(self, job: str, slot: int) -> ApplySession:
        """Connect a worker's session, which has row `slot` of the checkpoint."""
        ...

    def open_loader(self, job: str, slot: int, instructions: bytes) -> RowLoader:
        """Return what loads a worker's share of a copy; `instructions` come from `CopyWriter.make_tables`."""
        ...

    def purge(self, job: str) -> None:
        """Remove all that the target keeps about the job. What it has replicated stays."""
        ...

    def settle(self, job: str, gtid: str, *, applied: bool) -> None:
        """Answer the question whether a transaction of tables without transactions was applied."""
        ...


@dataclass(frozen=True)
class ControlSettings:
    """`slots`: rows of the checkpoint beside the base row. `known` is what this node knows of itself and its jobs."""

    job: str
    owner: Owner
    selection: Selection
    slots: int
    start_after: str | None
    known: Known = Known()  # noqa: RUF009 - frozen


@dataclass(frozen=True)
class CheckpointState:
    """A job's checkpoint as a run finds it.

    `mark` and `definitions` make the ID under which the next DDL runs once, `version` is what each slot's row begins
    with. `stamps` and `source_uuid` as in `LogPlan`.
    """

    executed: Position
    mark: str
    definitions: int
    version: int
    stamps: str = ""
    source_uuid: str = ""


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


class TargetControl(Protocol):
    """DestApplier's side of the target: its own connection, the checkpoint's base row, barriers, what rows need.

    Its `async` methods do their work on one thread, so that they follow each other.
    """

    async def connect(self) -> ServerInfo:
        """Connect, and refuse (`Refused`) a target that cannot be one before anything is changed there."""
        ...

    async def take_over(self) -> CheckpointState | None:
        """Fence off every other run of the job; return from where to go on, None for a full copy."""
        ...

    async def successor(self) -> str:
        """Return who has taken the job over from this run, "" if nobody has or nobody can tell."""
        ...

    async def advance(self, executed: str, definitions: int, stamps: str, source_uuid: str) -> None:
        """Write the base row; `Superseded` if another run has taken over."""
        ...

    async def claim_tables(self, tables: Tables) -> None:
        """Claim them for the job; `Refused` if another job keeps one of them current."""
        ...

    def open_copy(self, plan: CopyPlan, *, workers: int, drop_existing: bool, recompute: bool) -> CopyWriter:
        """Return what makes a full copy's tables and objects."""
        ...

    async def finish_copy(self, position: str) -> CheckpointState:
        """The copy is whole: write the first checkpoint, in one transaction with the end of the copy's notes."""
        ...

    @property
    def rules(self) -> RowRules: ...

    async def check_tables(self, gtid: str, maps: Sequence[bytes]) -> bool:
        """Compare tables with what their first rows say of them; errors name the transaction.

        Return whether tables were found that `RowRules.runs_alone` has not known before.
        """
        ...

    async def prelude(self, label: str, context: int, records: Sequence[Transaction]) -> bytes:
        """Return what a session must be set to for these transactions' rows, "" for nothing.

        They have one `context`, or none (0), as `RowRules.context_of` has told of each.
        """
        ...

    def begin_large(self) -> LargeRules:
        """Return what the parts of one large transaction need."""
        ...

    async def run_definition(self, record: Definition, own_gtid: str) -> None:
        """Run DDL, exactly once under this ID of Udup's."""
        ...

    async def claim_created(self, gtid: str, create: bytes) -> None:
        """Claim the table of a CREATE TABLE … SELECT, before it is made."""
        ...

    async def open_inline(self) -> InlineSession:
        """Return DestApplier's own session, which has the last slot."""
        ...

    async def end_prepared(self, claim: Claim, record: XaEnd) -> None:
        """Commit or roll back a prepared transaction that was kept, on the inline session."""
        ...

    async def set_format(self, event: bytes) -> None:
        """The events that the inline session and `check_tables` get from now on are written by this."""
        ...

    def notices(self) -> TargetNotices: ...

    def abort(self) -> None:
        """End everything that is under way; no thread is left when it returns."""
        ...


@dataclass(frozen=True)
class TargetNotices:
    """What users should know: what was done otherwise than on the source, and views that are broken on both sides."""

    told: tuple[str, ...] = ()
    stale_views: tuple[str, ...] = ()


class RowRules(Protocol):
    """What rows need on this target besides their bytes. Called in the event loop: nothing here waits."""

    def note_context(self, context: Context) -> None: ...

    def note_format(self, event: bytes) -> None:
        """The records that come after this are written by this FORMAT_DESCRIPTION; see `TargetControl.set_format`."""
        ...

    def keep(self, record: Transaction) -> bytes:
        """Return the events that keep a prepared transaction on the target until its end comes."""
        ...

    def context_of(self, record: Transaction) -> int:
        """Return the number of the context that the transaction's rows need, 0 for none."""
        ...

    def runs_alone(self, events: bytes) -> bool:
        """Return whether these rows must not share a commit: their tables undo nothing."""
        ...

    def marked(self, record: Transaction | Part) -> str:
        """Return the tables without transactions of one that runs alone, "" if it has none; see `MarkedGroup`."""
        ...


class LargeRules(Protocol):
    """What the parts of one large transaction need, in their order."""

    def add(self, part: Part) -> Part:
        """Take the next part; return it as it is to be sent."""
        ...

    async def prelude(self, part: Part, *, marked: bool) -> bytes:
        """Look at the tables of a part that is about to be sent; return what the session must be set to for it."""
        ...


@dataclass(frozen=True, slots=True)
class Claim:
    """What a commit writes into its slot's row of the checkpoint.

    `version` is the row's before it (one more after it), `gtids` what the row says then, `label` names the
    transactions for people.
    """

    version: int
    gtids: str
    label: str


class InlineSession(Protocol):
    """A session for small groups, used in the event loop: it waits for a lock for a moment only (`Contended`)."""

    def apply(self, claim: Claim, events: Sequence[bytes], prelude: bytes) -> None: ...
    def rollback(self) -> None: ...
    def rows_written(self) -> RowCounts: ...


class ApplySession(Protocol):
    """A worker's session. Whatever it raises, nothing of the order is in the target.

    After `Contended` from `apply` the same groups may be tried again, after `rollback`.
    """

    def apply(self, groups: Sequence[Group]) -> None:
        """Commit groups that follow each other as one."""
        ...

    def apply_part(self, part: GroupPart) -> None:
        """Apply a part of a large transaction; it is committed with the last."""
        ...

    def apply_marked(self, group: MarkedGroup) -> None: ...
    def set_format(self, event: bytes) -> None: ...
    def rollback(self) -> None: ...

    @property
    def in_large_transaction(self) -> bool: ...

    def rows_written(self) -> RowCounts:
        """Return the rows that the session has written since it began."""
        ...

    def abandon(self) -> None:
        """End the connection from any thread: whatever is open is rolled back by the server."""
        ...


class RowLoader(Protocol):
    def load(self, pieces: Iterator[Piece]) -> int:
        """Load one chunk, in a transaction of its own, and return the number of its rows."""
        ...

    def abandon(self) -> None: ...


@dataclass(frozen=True)
class LoadPlan:
    """`start` is told to the source, `instructions` to the loader of each worker."""

    start: StartRows
    instructions: bytes


class CopyWriter(Protocol):
    """Makes what a full copy needs besides its rows. Each method may run on any thread, several at a time."""

    def make_tables(self) -> LoadPlan:
        """Refuse, or make room and make the tables; and try once what comes after the rows."""
        ...

    def finish_table(self, table: int, totals: CopyTotals) -> None:
        """All rows of a table are there: compare what the server computed, build indexes."""
        ...

    def finish_tables(self) -> None:
        """All tables are complete: what refers from one to another."""
        ...

    def make_objects(self) -> None: ...

    @property
    def warnings(self) -> Sequence[str]: ...

    @property
    def told(self) -> Sequence[str]: ...

    def abort(self) -> None:
        """End what is under way, from any thread."""
        ...
