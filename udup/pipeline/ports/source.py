"""A server that is copied from and followed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from udup.pipeline.ports.values import (
    Beginning,
    ClockAnswer,
    LogPlace,
    LogPlan,
    Piece,
    Position,
    Recognised,
    Scope,
    SourceLook,
    StartPoint,
)
from udup.pipeline.records import (
    CopyPlan,
    CopyTable,
    CopyTotals,
    Record,
    SnapshotEnd,
    SnapshotRows,
    StartRows,
    Tables,
)
from udup.pipeline.waits import Waits


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

    def executed(self) -> Position:
        """Return what the source has executed, asked now on a fresh connection: what was committed before is in it."""
        ...

    def find_start(self, point: StartPoint) -> Beginning:
        """Return everything that comes before a place of the log, read now; `Refused` if the place is not there.

        What is not before it comes after it: no transaction is left out between the two.
        """
        ...

    def open_clock(self) -> SourceClock:
        """Return what asks the source for its time and what it has executed."""
        ...

    def tables(self, scope: Scope, copied: SourceCopy | None, *, tells: bool = False) -> Tables:
        """Return the tables that the job keeps current: those of a copy, or those that the source has now.

        `tells`: with what the reader of the source's records needs to know beside them (`RecordReader.note_tables`).
        """
        ...

    def open_copy(
        self, scope: Scope, *, readers: int, chunk_rows: int | None, waits: Waits | None = None
    ) -> SourceCopy:
        """Return a snapshot of everything in the scope, at one position; what it waits for is noted in `waits`."""
        ...

    def open_reading(
        self, scope: Scope, *, readers: int, chunk_rows: int | None, state: str, waits: Waits | None = None
    ) -> SnapshotReading:
        """Return a snapshot for a destination of messages: of everything in the scope that it has not got yet.

        `state` is that of the last record which it has got, "" for none.
        """
        ...

    def open_log(self, plan: LogPlan) -> ChangeLog:
        """Return the log after a position. It is not looked at before `ChangeLog.begin`."""
        ...


class SourceClock(Protocol):
    def read(self) -> ClockAnswer:
        """Return the source's time and its executed position, asked now."""
        ...

    def awaits_acknowledgement(self) -> bool:
        """Return whether commits stand still there until another server acknowledges them, asked now.

        They are in the log that is sent, and not executed yet.
        """
        ...

    def check_kept(self, position: str) -> None:
        """Raise `Refused` if the log after the position of a copy under way is not whole any more, asked now."""
        ...

    def close(self) -> None: ...


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


class SourceCopy(Protocol):
    """A snapshot that stands at one position."""

    @property
    def plan(self) -> CopyPlan: ...

    def start(self, start: StartRows, on_table: Callable[[CopyTotals], None]) -> None:
        """Prepare the readers; the target is ready.

        `on_table` is called once for each table, by any reader when it has read the table's end, and before that for
        tables without rows too, which nobody reads.
        """
        ...

    def read(self, reader: int, emit: Callable[[Piece], None]) -> None:
        """Read tables on this thread until none is left. Readers count from 0."""
        ...

    def stop(self) -> None:
        """Have all readers end, from any thread, and close the snapshot."""
        ...

    def close(self) -> None: ...


class SnapshotReading(Protocol):
    """A snapshot for a destination, which stands at one position and is read by several readers."""

    @property
    def position(self) -> str:
        """Return the position from which the log is followed: that of the first reading of this snapshot."""
        ...

    @property
    def tables(self) -> Sequence[CopyTable]:
        """Return what is to be read, by the job's names."""
        ...

    @property
    def state(self) -> str:
        """Return what has been emitted so far, as `SnapshotRows.state`."""
        ...

    def read(self, reader: int, emit: Callable[[SnapshotRows | SnapshotEnd], None]) -> None:
        """Read on this thread until nothing is left; `emit` may wait. Readers count from 0.

        Whoever reads the last rows emits the end.
        """
        ...

    def stop(self) -> None:
        """Have all readers end, from any thread."""
        ...

    def close(self) -> None: ...
