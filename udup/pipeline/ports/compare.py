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
class DefinitionDifference:
    """Something that is not defined on the target as the job means it to be there. For people, but for `counts`.

    `table` is the source's schema.table, or what the target calls it where the source has none; of a view, a routine,
    a trigger, an event its own. `what` tells the part, `index by_state`, "" for the whole. `source` and `target` are
    how it is defined on each, cut off where they are long. `counts`: the servers are not the same by it; else it is
    told, as something that the target alone has and that does no harm. `remedy` is what can be done.
    """

    table: str
    what: str
    kind: Kind
    source: str = ""
    target: str = ""
    counts: bool = True
    remedy: str = ""

    def __str__(self) -> str:
        told = f"{self.table}: {self.what}" if self.what else self.table
        match self.kind:
            case Kind.MISSING:
                return f"{told} is not on the target"
            case Kind.EXTRA:
                return f"{told} is only on the target"
            case Kind.DIFFERS:
                return f"{told}{'' if told.endswith(':') else ':'} source {self.source}, target {self.target}"


@dataclass(frozen=True)
class DefinitionsCompared:
    """The definitions of one round. `tables` are those that were asked for, () for all that there is of the job;
    `left_out` are tables (schema.table) of which nothing was compared.
    """

    found: tuple[DefinitionDifference, ...] = ()
    tables: tuple[str, ...] = ()
    left_out: frozenset[str] = frozenset()


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
    Where a definition differs, `definition` tells it, `counts` and `remedy` are as in `DefinitionDifference`, and there
    is no key.
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
    definition: str = ""
    counts: bool = True
    remedy: str = ""


@dataclass(frozen=True)
class ComparePlan:
    """What is compared: `tables` (`schema.table` on the source) of the job's, () for all of them.

    `repairs`: rows of the job's ledger are put right instead; `stands_still`: the job does,
    and whole tables are put right as the source has them now. `rows_per_second` bounds how fast rows are read of each
    side, 0 for no bound. `job` is whose notes on the target say which tables are ahead of it. `innodb`: tables without
    transactions are InnoDB tables there. `definitions` are compared too, but of tables that somebody else has made.
    """

    tables: tuple[str, ...] = ()
    rows_per_second: int = 0
    chunk_rows: int | None = None
    job: str = ""
    repairs: bool = False
    stands_still: bool = False
    innodb: bool = False
    definitions: bool = True


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
    """Who is told, on the comparing thread: of each difference, of each table's end, of rows that were compared, and
    once a round of the definitions.

    `kept`: what was told will not be told again, also if the comparison fails here and goes on later. `undone`: what
    was told since then will be, if it is still so.
    """

    difference: Callable[[RowDifference], object]
    table: Callable[[TableCompared], object]
    rows: Callable[[int], object] = lambda rows: None
    kept: Callable[[], object] = lambda: None
    definitions: Callable[[DefinitionsCompared], object] = lambda compared: None
    undone: Callable[[], object] = lambda: None


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

    def definitions(self, compared: DefinitionsCompared, position: str) -> None:
        """Keep in which definitions the two differ; what was not found again is no more."""

    def round_ended(self) -> None:
        """All tables of the job were told: differences of others, which the job has no more, are no more."""
        ...

    def page(self, after: str, limit: int) -> list[LedgerRow]:
        """Return so many rows behind one (`LedgerRow.at`, "" for the first). Of use without a round, to any thread."""
        ...

    def close(self) -> None: ...
