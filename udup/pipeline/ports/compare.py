"""Comparing a source and a target exactly: both as of the same transaction, row by row where they are not equal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    """How a row differs: the target lacks it, has it too much, or has it with other values."""

    MISSING = "missing"
    EXTRA = "extra"
    DIFFERS = "differs"


@dataclass(frozen=True)
class ColumnDifference:
    """A column's value on both sides, cut off where it is long, for people; None is NULL.

    `computed`: the target computes it by itself, so that no row of the source's can put it right.
    """

    name: str
    source: str | None
    target: str | None
    computed: bool = False


@dataclass(frozen=True)
class RowDifference:
    """A row that is not the same on both sides. Table and columns have the source's names.

    `key` is what the row is told by, for people; of a table without a key, its values. `place` tells the row to the
    driver. `count` is how often a row of a table without a key is missing, or too much.
    """

    schema: str
    table: str
    key: str
    kind: Kind
    columns: tuple[ColumnDifference, ...] = ()
    place: tuple[str, ...] = ()
    count: int = 1

    @property
    def computed(self) -> bool:
        """Return whether the rows differ in nothing but what the target computes."""
        return bool(self.columns) and all(column.computed for column in self.columns)


@dataclass(frozen=True)
class TableCompared:
    """A table that was compared to its end, or could not be: `problem` says why.

    `unsearched`: so many rows at least are not equal beyond those that were told.
    """

    schema: str
    table: str
    rows: int = 0
    differences: int = 0
    problem: str = ""
    unsearched: int = 0


@dataclass(frozen=True)
class LedgerRow:
    """A row of the ledger as it is shown. `at` is its place among them. Times are milliseconds since 1970.

    `repaired` is 0 for one that was not; `before` and `after` are what it was on the target, and is; None for no row.
    """

    at: str
    schema: str
    table: str
    key: str
    kind: str
    count: int
    computed: bool
    columns: tuple[str, ...]
    first_seen: int
    last_seen: int
    position: str
    repaired: int = 0
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True)
class ComparePlan:
    """What is compared: `tables` (`schema.table` on the source) of the job's, () for all of them.

    `repairs`: rows of the job's ledger are put right instead; `stands_still`: the job does,
    and whole tables are put right as the source has them now. `rows_per_second` bounds how fast rows are read of each
    side, 0 for no bound. `job` is whose notes on the target say which tables are ahead of it.
    """

    tables: tuple[str, ...] = ()
    rows_per_second: int = 0
    chunk_rows: int | None = None
    job: str = ""
    repairs: bool = False
    stands_still: bool = False


class Comparer(Protocol):
    """Compares a job's two ends. `prepare`, `open_source`, `open_target`, then `compare`; again from the first, or
    `close`.

    Where it stopped within the tables is kept between two snapshots.
    """

    def prepare(self) -> None:
        """Do what may take long before the job is held for the snapshots."""
        ...

    def open_source(self) -> str:
        """Open a snapshot of the source and return the position at which it stands."""
        ...

    def open_target(self) -> None:
        """Open a snapshot of the target, which stands where the source's does as long as this takes."""
        ...

    def compare(self, told: CompareTold, seconds: float) -> bool:
        """Compare for so long, from where it has stopped; return whether the last table's end was reached.

        A table that has no key is read in one go, however long that takes.
        """
        ...

    def stop(self) -> None:
        """Have what is under way end, from any thread."""
        ...

    def close(self) -> None:
        """End both snapshots."""
        ...


@dataclass(frozen=True)
class CompareTold:
    """Who is told, on the comparing thread: of each difference, of each table's end, of rows that were compared.

    `kept`: what was told will not be told again, also if the comparison fails here and goes on later.
    """

    difference: Callable[[RowDifference], object]
    table: Callable[[TableCompared], object]
    rows: Callable[[int], object] = lambda rows: None
    kept: Callable[[], object] = lambda: None


class Ledger(Protocol):
    """Where differences are kept until they are no more. Called by one thread."""

    def begin(self, comparison: str) -> None:
        """Begin a round, which this tells from the others."""
        ...

    def note(self, difference: RowDifference, position: str) -> None:
        """Keep a difference that was found between two snapshots at this position."""
        ...

    def table_ended(self, table: TableCompared) -> None:
        """A table was compared to its end: differences of it that were not found again are no more."""
        ...

    def round_ended(self) -> None:
        """All tables of the job were told: differences of others, which the job has no more, are no more."""
        ...

    def page(self, after: str, limit: int) -> list[LedgerRow]:
        """Return so many rows behind one (`LedgerRow.at`, "" for the first). Of use without a round, to any thread."""
        ...

    def close(self) -> None: ...
