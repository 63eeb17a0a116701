"""The seam between a transaction on the target and how rows get there: as events (BINLOG), or as statements.

`RowSession` says what belongs into one commit and in which order: the checkpoint's row first, the rows, what Udup keeps
about them. A `RowsPath` brings each of these to the server, on one connection. Both paths change the same row of the
checkpoint on the same condition, so a job may go on by the other one in its next run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from udup.pipeline.ports import RowCounts


@dataclass(frozen=True, slots=True)
class Mark:
    """The change of a slot's row in the checkpoint: `version` becomes `after`, and `gtids` what the row says."""

    job: bytes
    slot: int
    version: int
    after: int
    gtids: str


class RowStream(Protocol):
    """The events of one large transaction, in the transaction that is open."""

    @property
    def parts(self) -> int:
        """Return how many pieces have been taken."""
        ...

    def feed(self, data: bytes, context: bytes, *, last: bool) -> None:
        """Apply a piece that is cut anywhere; with the last, all that has come."""
        ...


class RowsPath(Protocol):
    """One connection. What a call leaves undone by an error is undone by a rollback.

    A `context` is the SET that rows need of which the target computes something, b"" for none. That a row was not found
    is an error of MySQL's (1032) on either path, that of the checkpoint too.
    """

    @property
    def format(self) -> bytes:
        """Return the FORMAT_DESCRIPTION of the events that come, b"" before the first."""
        ...

    @property
    def has_crc(self) -> bool:
        """Return whether events end in a CRC."""
        ...

    @property
    def applies_apart_whole(self) -> bool:
        """Return whether each transaction of `apply_apart` runs under its own GTID, which tells what was applied."""
        ...

    def write_by(self, format_description: bytes) -> None:
        """Take the FORMAT_DESCRIPTION of the events that follow."""
        ...

    def apply(self, mark: Mark, events: Sequence[bytes], context: bytes) -> None:
        """Change the checkpoint's row, apply the events, and commit."""
        ...

    def begin(self, mark: Mark) -> None:
        """Change the checkpoint's row, in a transaction that stays open."""
        ...

    def stream(self, *, commits: bool = False) -> RowStream:
        """Return what applies a large transaction's events; `commits`: each statement by itself."""
        ...

    def apply_apart(
        self, gtids: Sequence[str], transactions: Sequence[bytes], mark: Mark, ending: bytes, context: bytes
    ) -> Iterator[int]:
        """Apply transactions whose tables undo nothing, then `finish`; yield how many are applied.

        `gtids` are Udup's own for them.
        """
        ...

    def finish(self, mark: Mark, ending: bytes) -> None:
        """Change the checkpoint's row, run another statement of Udup's, and commit."""
        ...

    def run_create(self, mark: Mark, create: bytes, context: bytes) -> None:
        """Run the CREATE TABLE of a CREATE TABLE … SELECT, whose rows follow with this mark."""
        ...

    def undo(self) -> None:
        """Forget what has not been sent: what was open is rolled back."""
        ...

    def leave(self) -> None:
        """Leave every context: a statement of Udup's own follows, with values in it."""
        ...

    def note_own(self, changes: int) -> None:
        """Count so many rows of Udup's own tables, which other statements have changed."""
        ...

    def rows_written(self) -> RowCounts:
        """Return the rows that the connection has written, without Udup's own and those of CREATE TABLE … SELECT."""
        ...
