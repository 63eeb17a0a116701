"""What single tables of a job have come to: the rows that were changed, when last, and where each stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class RowsOfTable(NamedTuple):
    """Rows of one table, by its names on the target, that some transactions change.

    `uncounted` are events whose rows could not be counted. `last` is the place of the last transaction that has any.
    """

    schema: str
    table: str
    inserted: int
    updated: int
    deleted: int
    uncounted: int
    last: int


class LargeTally(Protocol):
    """Counts the rows of one transaction that comes in pieces, cut anywhere."""

    def feed(self, events: bytes) -> None: ...

    def counted(self) -> Sequence[RowsOfTable]:
        """Return what was counted; once, at the end."""
        ...


class RowTally(Protocol):
    """Counts rows by table. Called in the event loop, for what is committed or on its way to a worker."""

    def count(self, transactions: Sequence[bytes]) -> Sequence[RowsOfTable]:
        """Count what whole transactions change."""
        ...

    def begin_large(self) -> LargeTally: ...


class TableNames(NamedTuple):
    """A table's schema and name on the source, and on the target."""

    schema: str
    table: str
    target_schema: str
    target_table: str


@dataclass(frozen=True, slots=True)
class TableChange:
    """Rows of a table that were changed, by its names on the target, with the source's last transaction that did it.

    `uncounted` as in `RowsOfTable`: the numbers are the least that it can be. `changed_us`: when that transaction was
    committed on the source, in microseconds since the epoch, 0 where nobody knows.
    """

    schema: str
    table: str
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    uncounted: int = 0
    changed_us: int = 0
    gtid: str = ""


@dataclass(frozen=True)
class Ahead:
    """Tables that have more than their job's position: what they have, and which they are of those asked about."""

    position: str
    tables: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CopiedRows:
    """How many rows of a table a copy that has not ended has loaded, by its names on the source; `whole`: all."""

    schema: str
    table: str
    rows: int
    whole: bool


@dataclass(frozen=True)
class TablesOnTarget:
    """What a target keeps of a job's tables. `since_us`: from when on changes are counted, 0 if they never were.

    `copied` are those of a copy that is under way, as far as it could go on with them.

    `differing`: the tables of which rows differ by the ledger, by their names on the source, with how many.
    """

    since_us: int = 0
    changes: tuple[TableChange, ...] = ()
    ahead: tuple[Ahead, ...] = ()
    differing: tuple[tuple[str, str, int], ...] = ()
    copied: tuple[CopiedRows, ...] = ()

    def plus(self, later: TablesOnTarget, asked: int) -> TablesOnTarget:
        """Return this with what was answered about further tables; `asked` were asked about before them."""
        more = tuple(Ahead(each.position, tuple(at + asked for at in each.tables)) for each in later.ahead)
        copied = self.copied + later.copied
        return TablesOnTarget(later.since_us, self.changes + later.changes, self.ahead + more, later.differing, copied)
