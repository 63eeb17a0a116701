"""A server that is copied from and followed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from udup.pipeline.ports.scope import Scope
from udup.pipeline.ports.values import (
    Beginning,
    ClockAnswer,
    CopyResume,
    LogPlace,
    LogPlan,
    Piece,
    Position,
    ReadingPlan,
    Recognised,
    SourceLook,
    StartPoint,
)
from udup.pipeline.records import (
    CopyPlan,
    CopyTotals,
    Record,
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
        self,
        scope: Scope,
        *,
        readers: int,
        chunk_rows: int | None,
        waits: Waits | None = None,
        resumes: CopyResume | None = None,
    ) -> SourceCopy:
        """Return a snapshot of everything in the scope, at one position; what it waits for is noted in `waits`.

        With `resumes` what an earlier try has brought may stay: the plan says what, and from where the log is read.
        """
        ...

    def open_reading(
        self, scope: Scope, plan: ReadingPlan, *, readers: int, waits: Waits | None = None
    ) -> SnapshotReading:
        """Return a snapshot of the rows in the scope, at one position, for a destination that is told of them."""
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
        tables without rows too, which nobody reads; never for those that the plan says to be whole.
        """
        ...

    def read(self, reader: int, emit: Callable[[Piece], None]) -> None:
        """Read tables on this thread until none is left. Readers count from 0."""
        ...

    def ahead(self) -> str:
        """Return by which notes the log is read, once all rows are: the plan's, and of what may have overtaken them."""
        ...

    def stop(self) -> None:
        """Have all readers end, from any thread, and close the snapshot."""
        ...

    def close(self) -> None: ...


class SnapshotReading(Protocol):
    """A snapshot that stands at one position, whose rows are records in the form of the source's log."""

    @property
    def position(self) -> str:
        """Return the position from which the log is followed: that of the first reading of this snapshot."""
        ...

    @property
    def state(self) -> str:
        """Return what has been emitted so far, as `SnapshotRows.state`."""
        ...

    @property
    def tables(self) -> list[tuple[str, str]]:
        """The schema and name of each table on the source, in the order in which they are read."""
        ...

    def read(self, reader: int, emit: Callable[[Record], None]) -> None:
        """Read on this thread until nothing is left. Readers count from 0, and all of them are to read.

        `emit` is called by one reader at a time, and may block. It gets the `Format` of the rows, of a snapshot's first
        try `SnapshotDefinition`s where the source tells how its tables are made, then `SnapshotRows`,
        and `SnapshotEnd` from the reader that returns last. The rows of a chunk come in their order. A row that is
        too long for a record comes in several that follow each other, cut anywhere; `rows` is 0 but for the last.
        """
        ...

    def stop(self) -> None:
        """Have all readers end, from any thread, and close the snapshot."""
        ...

    def close(self) -> None: ...
