"""Are two servers equal? Every definition as text, every row by a checksum that the servers compute themselves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from udup.base.endpoint import Endpoint
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import connect
from udup.drivers.mysql.client.facts import read_facts
from udup.drivers.mysql.compare.portable import Name
from udup.drivers.mysql.dictionary.catalog import Column
from udup.drivers.mysql.filters.table_filter import dictionary_condition
from udup.drivers.mysql.snapshot.schema import read_columns
from udup.pipeline.selection.selection import Selection
from udup.verify.definitions import Definitions, read_definitions
from udup.verify.positions import executed
from udup.verify.sums import TableSum, TableSums

#: Seconds between two looks at a server's progress.
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class TableVerdict:
    """One table on both sides; a side that has no such table, or another definition, has no sum."""

    table: tuple[str, str]
    source: TableSum | None
    target: TableSum | None
    compared: str = ""  # of a table that keeps its history, what of it was

    @property
    def equal(self) -> bool:
        return self.source is not None and self.source == self.target

    def __str__(self) -> str:
        name = ".".join(self.table) + (f" ({self.compared})" if self.compared else "")
        if self.source is None or self.target is None:
            return f"{name}: not comparable"
        if self.equal:
            return f"{name}: {self.source.rows} rows, equal"
        return f"{name}: {self.source.rows} rows on the source, {self.target.rows} on the target, not equal"


@dataclass(frozen=True)
class Difference:
    """One thing that is not the same, in plain words, and the schema that it is in. `counter` marks an AUTO_INCREMENT
    counter, which may differ for a good reason.
    """

    schema: str
    text: str
    counter: bool = False


@dataclass(frozen=True)
class Comparison:
    """`definitions` lists every difference that is not in the rows, in plain words."""

    definitions: tuple[str, ...]
    tables: tuple[TableVerdict, ...]

    @property
    def equal(self) -> bool:
        return not self.definitions and all(table.equal for table in self.tables)

    @property
    def rows(self) -> int:
        return sum(table.source.rows for table in self.tables if table.source)

    @property
    def different(self) -> tuple[TableVerdict, ...]:
        return tuple(table for table in self.tables if not table.equal)

    def report(self) -> str:
        """What differs, one thing a line; a single line when nothing does."""
        if self.equal:
            return f"equal: {len(self.tables)} tables, {self.rows} rows"
        return "\n".join([*self.definitions, *(str(table) for table in self.different)])


def compare(
    source: Endpoint, target: Endpoint, schemas: Iterable[str], selection: Selection | None = None
) -> Comparison:
    """Both servers' definitions and rows of these schemas; nobody may write to them meanwhile.

    `selection` is what a job carries: of a table with a row filter the target has to have the source's rows that pass,
    and no others. Without it whole tables are compared.
    """
    ours, theirs = _both_definitions(source, target, schemas)
    texts = [found.text for found in [*_differing(ours, theirs), *_too_far(ours, theirs)]]
    return Comparison(tuple(texts), tuple(_verdicts(source, target, ours, theirs, selection)))


def conditions(source: Endpoint, tables: Iterable[Name], selection: Selection | None) -> dict[Name, str]:
    """Return SQL of the source's rows that a job carries, by table, where these are not all of them.

    `Unsupported` for a row filter that is not carried out.
    """
    if selection is None or not selection.filters_rows:
        return {}
    with connect(source) as connection:
        folded = selection.folding(read_facts(connection).lower_case_table_names != 0)
        columns: dict[str, dict[str, tuple[Column, ...]]] = {}
        found: dict[Name, str] = {}
        for schema, table in tables:
            if not folded.wants(schema, table):
                continue
            if schema not in columns:
                columns[schema] = read_columns(connection, schema)
            condition = dictionary_condition(folded, schema, table, columns[schema].get(table, ()))
            if condition:
                found[schema, table] = condition
    return found


def compare_strictly(
    source: Endpoint, target: Endpoint, schemas: Iterable[str], selection: Selection | None = None
) -> list[Difference]:
    """Everything in which two servers differ, AUTO_INCREMENT counters too, each with the schema that it is in.

    `selection` as for `compare`.
    """
    ours, theirs = _both_definitions(source, target, schemas)
    verdicts = _verdicts(source, target, ours, theirs, selection)
    rows = [Difference(verdict.table[0], str(verdict)) for verdict in verdicts if not verdict.equal]
    return [*_differing(ours, theirs), *_differing_counters(ours, theirs), *rows]


def _both_definitions(source: Endpoint, target: Endpoint, schemas: Iterable[str]) -> tuple[Definitions, Definitions]:
    names = sorted(schemas)
    with ThreadPoolExecutor(2) as pool:
        left, right = pool.submit(_definitions, source, names), pool.submit(_definitions, target, names)
        return left.result(), right.result()


def _verdicts(
    source: Endpoint,
    target: Endpoint,
    ours: Definitions,
    theirs: Definitions,
    selection: Selection | None = None,
) -> list[TableVerdict]:
    common = [(schema, name) for schema, name in sorted(ours.tables.keys() & theirs.tables.keys())]
    chosen = conditions(source, common, selection)
    alike = ours.dialect == theirs.dialect
    with TableSums(source, signed_zeros=alike) as sources, TableSums(target, signed_zeros=alike) as targets:
        sums = []
        for table in common:
            history = table in ours.versioned & theirs.versioned
            left = sources.submit(table, chosen.get(table, ""), history=history)
            sums.append((left, targets.submit(table, history=history), _compared(table, ours, theirs)))
        return [
            TableVerdict(table, left.result(), right.result(), compared)
            for table, (left, right, compared) in zip(common, sums, strict=True)
        ]


def _compared(table: Name, ours: Definitions, theirs: Definitions) -> str:
    """Return what is compared of a table WITH SYSTEM VERSIONING, "" for others."""
    if table in ours.versioned & theirs.versioned:
        return "with its history"
    return "rows of today" if table in ours.versioned | theirs.versioned else ""


def _differing(ours: Definitions, theirs: Definitions) -> list[Difference]:
    """A thing's statement first; the dictionary's rows only of things whose statements are equal."""
    found: list[Difference] = []
    told: set[Name] = set()
    for kind, left, right in ours.pairs(theirs):
        unequal = [name for name in sorted(left.keys() | right.keys()) if left.get(name) != right.get(name)]
        found += [_difference(kind, name, left.get(name), right.get(name)) for name in unequal]
        told.update(unequal)
    for view, left, right in ours.views(theirs):
        unequal = [name for name in sorted((left.keys() | right.keys()) - told) if left.get(name) != right.get(name)]
        found += [_difference(view, name, left.get(name), right.get(name)) for name in unequal]
    enabled = sorted(theirs.enabled_events)
    return found + [Difference(name[0], f"EVENT {'.'.join(name)}: enabled on the target") for name in enabled]


def _difference(kind: str, name: Name, left: str | None, right: str | None) -> Difference:
    title = f"{kind} {'.'.join(name)}"
    if left is None:
        return Difference(name[0], f"{title}: only on the target")
    if right is None:
        return Difference(name[0], f"{title}: not on the target")
    source, target = _unlike(left, right)
    return Difference(name[0], f"{title}: source has {source!r}, target has {target!r}")


def _differing_counters(ours: Definitions, theirs: Definitions) -> list[Difference]:
    """Every AUTO_INCREMENT counter that is not the same."""
    return [
        Difference(
            name[0],
            f"AUTO_INCREMENT of {'.'.join(name)}: {ours.counters.get(name)} on the source,"
            f" {theirs.counters.get(name)} on the target",
            counter=True,
        )
        for name in sorted(ours.tables.keys() & theirs.tables.keys())
        if ours.counters.get(name) != theirs.counters.get(name)
    ]


def _too_far(ours: Definitions, theirs: Definitions) -> list[Difference]:
    """Counters that are ahead of the source's: rows that were inserted here. (Behind it is no fault: the source's
    moves with an insert that is rolled back, which is in no log.)
    """
    return [
        Difference(
            name[0],
            f"AUTO_INCREMENT of {'.'.join(name)}: {counter} on the target, beyond the source's",
            counter=True,
        )
        for name, counter in sorted(theirs.counters.items())
        if name in ours.tables and counter > ours.counters.get(name, 1)
    ]


def _unlike(left: str, right: str) -> tuple[str, str]:
    """The lines that only one of two texts has; the whole texts if they differ in the order alone."""
    ours, theirs = left.split("\n"), right.split("\n")
    source = "\n".join(line for line in ours if line not in theirs)
    target = "\n".join(line for line in theirs if line not in ours)
    return (source, target) if source or target else (left, right)


def _definitions(endpoint: Endpoint, schemas: list[str]) -> Definitions:
    with connect(endpoint) as connection:
        return read_definitions(connection, schemas)


def wait_level(
    source: Endpoint, applied: Callable[[], str], deadline: float, cancelled: threading.Event | None = None
) -> bool:
    """Whether what `applied` answers (a GTID set) reaches all that the source has now, within `deadline` seconds."""
    end = time.monotonic() + deadline
    stop = cancelled or threading.Event()
    with connect(source) as connection:
        wanted = executed(connection)
    while True:
        if wanted <= GtidSet.parse(applied()):
            return True
        if time.monotonic() > end or stop.wait(POLL_SECONDS):
            return False
