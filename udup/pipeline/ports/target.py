"""A server that is written to: its control, the sessions that apply, the copy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from udup.pipeline.orders import Group, GroupPart, MarkedGroup
from udup.pipeline.ports.tables import RowTally, TableChange, TableNames, TablesOnTarget
from udup.pipeline.ports.values import (
    CheckpointState,
    Claim,
    ControlSettings,
    LoadPlan,
    Piece,
    Position,
    RowCounts,
    ServerInfo,
    TargetNotices,
)
from udup.pipeline.records import (
    Context,
    CopyPlan,
    CopyTotals,
    Definition,
    Part,
    Tables,
    Transaction,
    XaEnd,
)
from udup.pipeline.waits import SessionWait


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

    def executed(self, job: str) -> Position | None:
        """Return what of the source is in the target by the job's checkpoint, read now; it locks nothing.

        None as long as there is no checkpoint, and while a full copy has not ended.
        """
        ...

    def look_at_tables(self, job: str, side: str, names: Sequence[TableNames]) -> TablesOnTarget:
        """Return what the target keeps of these tables of a job, and of its `side` job if there is one.

        Read now; it locks nothing.
        """
        ...

    def open_checkpoint(self, job: str) -> CheckpointReader:
        """Connect what reads the job's checkpoint again and again, for whoever waits for it; it locks nothing."""
        ...

    def open_session(self, job: str, slot: int) -> ApplySession:
        """Connect a worker's session, which has row `slot` of the checkpoint."""
        ...

    def open_loader(self, job: str, slot: int, instructions: bytes) -> RowLoader:
        """Return what loads a worker's share of a copy; `instructions` come from `CopyWriter.make_tables`.

        `Superseded` if the copy is another run's by now, or has ended.
        """
        ...

    def purge(self, job: str, number: int = 0) -> None:
        """Remove all that the target keeps about the job. What it has replicated stays.

        `number` as in `Owner`: a run of before it does not begin the job again.
        """
        ...

    def settle(self, job: str, gtid: str, *, applied: bool) -> None:
        """Answer the question whether a transaction of tables without transactions was applied."""
        ...

    def skip(self, job: str, gtid: str, kept: str) -> bool:
        """Put a transaction that was not applied into the job's checkpoint: no later run applies it.

        Fenced as a take-over is, so that nothing of an earlier run is applied after it. `kept`: see `UdupError.kept`.
        Return False if it is in the target already: nothing is changed then. Raise `Refused` for a job without a
        checkpoint, `Unavailable` while another run has the job.
        """
        ...


class CheckpointReader(Protocol):
    def executed(self) -> Position | None:
        """Return what `Target.executed` does, read now."""
        ...

    def close(self) -> None: ...


class TargetControl(Protocol):
    """DestApplier's side of the target: its own connection, the checkpoint's base row, barriers, what rows need.

    `connect` comes first, then `take_over`, then `open_inline` when the workers have their sessions; everything else
    comes after these, in any order. The `async` methods do their work on one thread, so that they follow each other.
    """

    async def connect(self) -> ServerInfo:
        """Connect, and refuse (`Refused`) a target that cannot be one before anything is changed there."""
        ...

    async def take_over(self) -> CheckpointState | None:
        """Fence off every other run of the job; return from where to go on, None for a full copy.

        A job that begins without a copy has no checkpoint yet: what speaks against its start is not known here.
        `Refused` if its checkpoint says that it began otherwise than its document has it now.
        """
        ...

    async def begin(self, position: str, source_uuid: str) -> CheckpointState:
        """Nothing speaks against the start of a job that makes no copy: write its first checkpoint.

        It names the source, and keeps a note of how the job began (`pipeline/start_note.py`).
        """
        ...

    async def successor(self) -> str:
        """Return who has taken the job over from this run, "" if nobody has or nobody can tell."""
        ...

    async def check(self, *, apart: bool = False) -> None:
        """Ask whether the target is there and takes changes; `Unavailable` if not. It changes nothing.

        It takes its turn behind what was called before. `apart`: on a connection of its own, while something is under
        way that does not end; only whether the target answers at all counts then.
        """
        ...

    async def advance(
        self, executed: str, definitions: int, stamps: str, source_uuid: str, changes: Sequence[TableChange] = ()
    ) -> None:
        """Write the base row; `Superseded` if another run has taken over.

        `changes` are added to what is kept of these tables, in the same transaction.
        """
        ...

    async def claim_tables(self, tables: Tables) -> None:
        """Claim them for the job; `Refused` if another job keeps one of them current."""
        ...

    def open_copy(
        self,
        plan: CopyPlan,
        *,
        workers: int,
        drop_existing: bool,
        recompute: bool,
        fill_existing: bool = False,
        incarnation: str = "",
    ) -> CopyWriter:
        """Return what makes a full copy's tables and objects.

        `fill_existing`: it makes no tables, but fills those that are there and empty; `Refused` names all others. One
        that a copy of this very job (`incarnation` is its registration) has begun to fill is emptied first.
        """
        ...

    @property
    def copied(self) -> str:
        """What the target has of a copy that has not ended, as `take_over` has found it, in the drivers' words."""
        ...

    async def finish_copy(self, position: str, source_uuid: str, ahead: str = "") -> CheckpointState:
        """The copy is whole: write the first checkpoint, in one transaction with the end of the copy's notes.

        `ahead` are notes of tables that have more than the position (`LogPlan`). It names the source and the beginning
        as that of `begin` does.
        """
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
        """Commit or roll back a prepared transaction that was kept, on the inline session.

        No worker does it, so it tries again by itself while a row is locked, and raises `Contended` in the end only.
        """
        ...

    async def set_format(self, event: bytes) -> None:
        """The events that the inline session and `check_tables` get from now on are written by this."""
        ...

    async def look_at_waits(self) -> tuple[SessionWait, ...]:
        """Return what the job's sessions wait for on the target now, those that wait alone.

        Asked on a connection of its own, never on one that may wait, within a few seconds. Nothing it meets is an
        error: what the account may not see is told as far as it is known, with a hint.
        """
        ...

    def notices(self) -> TargetNotices: ...

    def abort(self) -> None:
        """End everything that is under way; no thread is left when it returns."""
        ...


class RowRules(Protocol):
    """What rows need on this target besides their bytes. Called in the event loop: nothing here waits."""

    def note_context(self, context: Context) -> None: ...

    def note_format(self, event: bytes) -> None:
        """The records that come after this are written by this FORMAT_DESCRIPTION; see `TargetControl.set_format`."""
        ...

    def keep(self, record: Transaction) -> bytes:
        """Return the events that keep a prepared transaction on the target until its end comes."""
        ...

    @property
    def tally(self) -> RowTally:
        """What counts rows by table: of transactions that are committed, and of large ones as they come."""
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
        """Look at the tables of a part that is about to be sent; return what the session must be set to for it.

        `part` is what `add` has returned, not what it was given.
        """
        ...


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
        """Commit groups that follow each other as one: the version of each is one more than that of the one before."""
        ...

    def apply_part(self, part: GroupPart) -> None:
        """Apply a part of a large transaction; it is committed with the last."""
        ...

    def apply_marked(self, group: MarkedGroup) -> None:
        """Apply transactions whose tables undo nothing, one by one, each noted as it is done.

        Never raises `Contended`: what is applied stays, so the same order must not come again.
        """
        ...

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
