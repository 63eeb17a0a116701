"""Are two servers equal? Every definition as text, every row by a checksum that the servers compute themselves.

A row's canonical form is, for each column, `N` for NULL or `<length>:<bytes>`, and the row's digest is SHA-256 of
that. A table is its number of rows, the XOR of all digests, and the sum of a part of each: without a primary key two
equal rows too many vanish from an XOR, not from the sum and the count. CHECKSUM TABLE is no use: it gives a NULL
column no byte, and combines CRC32 values of rows only.

What a column's bytes are, so that nothing hides behind a conversion:

* texts are their bytes in the column's own character set (SHOW CREATE TABLE says which one that is);
* FLOAT is widened to DOUBLE, whose text has 17 digits; as text FLOAT has six and hides differences;
* ENUM, SET and BIT are their numbers; TIMESTAMP is read in UTC; JSON is the server's normal text form, in which a
  DATETIME within a document cannot be told from its text;
* generated columns count as well: they are computed by each server on its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from udup.errors import UdupError
from udup.mysql.connection import Connection, Endpoint, connect, query, scalar
from udup.mysql.names import qualified, quote
from udup.sandbox.definitions import Definitions, read_definitions
from udup.sandbox.dictionary import Name

#: Statements that the comparison's sessions run first: plain texts, UTC, no padding, long CONCATs.
SESSION = (
    "SET NAMES utf8mb4",
    "SET time_zone = '+00:00', sql_mode = '', transaction_isolation = 'REPEATABLE-READ'",
)

#: Tables compared at once on each side.
TABLES_AT_ONCE = 2

#: Seconds between two looks at a server's progress.
POLL_SECONDS = 0.1

_NUMBERED = frozenset({"enum", "set", "bit"})
_LONG = frozenset({"mediumtext", "longtext", "mediumblob", "longblob", "json"})


@dataclass(frozen=True)
class TableSum:
    """A table's rows: how many, the XOR of their digests, the sum of a part of each."""

    rows: int
    xor: str
    total: int


@dataclass(frozen=True)
class TableVerdict:
    """One table on both sides; a side that has no such table, or another definition, has no sum."""

    table: tuple[str, str]
    source: TableSum | None
    target: TableSum | None

    @property
    def equal(self) -> bool:
        return self.source is not None and self.source == self.target

    def __str__(self) -> str:
        name = ".".join(self.table)
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


def compare(source: Endpoint, target: Endpoint, schemas: Iterable[str]) -> Comparison:
    """Both servers' definitions and rows of these schemas; nobody may write to them meanwhile."""
    ours, theirs = _both_definitions(source, target, schemas)
    texts = [found.text for found in [*_differing(ours, theirs), *_too_far(ours, theirs)]]
    return Comparison(tuple(texts), tuple(_verdicts(source, target, ours, theirs)))


def compare_strictly(source: Endpoint, target: Endpoint, schemas: Iterable[str]) -> list[Difference]:
    """Everything in which two servers differ, AUTO_INCREMENT counters too, each with the schema that it is in."""
    ours, theirs = _both_definitions(source, target, schemas)
    verdicts = _verdicts(source, target, ours, theirs)
    rows = [Difference(verdict.table[0], str(verdict)) for verdict in verdicts if not verdict.equal]
    return [*_differing(ours, theirs), *_differing_counters(ours, theirs), *rows]


def differences(ours: Definitions, theirs: Definitions) -> list[str]:
    """Every definition that one side lacks or has otherwise."""
    return [found.text for found in _differing(ours, theirs)]


def _both_definitions(source: Endpoint, target: Endpoint, schemas: Iterable[str]) -> tuple[Definitions, Definitions]:
    names = sorted(schemas)
    with ThreadPoolExecutor(2) as pool:
        left, right = pool.submit(_definitions, source, names), pool.submit(_definitions, target, names)
        return left.result(), right.result()


def _verdicts(source: Endpoint, target: Endpoint, ours: Definitions, theirs: Definitions) -> list[TableVerdict]:
    common = [(schema, name) for schema, name in sorted(ours.tables.keys() & theirs.tables.keys())]
    with _Sums(source) as sources, _Sums(target) as targets:
        sums = [(sources.submit(table), targets.submit(table)) for table in common]
        return [
            TableVerdict(table, left_sum.result(), right_sum.result())
            for table, (left_sum, right_sum) in zip(common, sums, strict=True)
        ]


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


def samples(source: Endpoint, target: Endpoint, table: tuple[str, str], limit: int = 10) -> list[tuple[str, ...]]:
    """Up to `limit` rows that are not the same on both sides, as (side, key or whole row …), for a diagnosis.

    Every row's digest is fetched from both servers, so this is for small tables.
    """
    sides = {"source": _digests(source, table), "target": _digests(target, table)}
    found: list[tuple[str, ...]] = []
    for side, other in (("source", "target"), ("target", "source")):
        for (digest, label), count in sides[side].items():
            extra = count - sides[other].get((digest, label), 0)
            if extra > 0 and len(found) < limit:
                found.append((side, *label))
    return found


def wait_level(
    source: Endpoint, applied: Callable[[], str], deadline: float, cancelled: threading.Event | None = None
) -> bool:
    """Whether what `applied` answers (a GTID set) reaches all that the source has now, within `deadline` seconds."""
    end = time.monotonic() + deadline
    stop = cancelled or threading.Event()
    with connect(source) as connection:
        wanted = scalar(connection, "SELECT @@GLOBAL.gtid_executed")
        while True:
            if scalar(connection, "SELECT GTID_SUBSET(%s, %s)", wanted, applied()):
                return True
            if time.monotonic() > end or stop.wait(POLL_SECONDS):
                return False


def _session(endpoint: Endpoint) -> Connection:
    connection = connect(endpoint)
    with connection.cursor() as cursor:
        for statement in SESSION:
            cursor.execute(statement)
    return connection


class _Sums:
    """One server's tables, summed by some threads that have a session each."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._pool = ThreadPoolExecutor(TABLES_AT_ONCE)
        self._sessions: SimpleQueue[Connection] = SimpleQueue()

    def __enter__(self) -> _Sums:
        return self

    def __exit__(self, *_error: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        while not self._sessions.empty():
            self._sessions.get().close()

    def submit(self, table: tuple[str, str]) -> Future[TableSum]:
        return self._pool.submit(self._sum, table)

    def _sum(self, table: tuple[str, str]) -> TableSum:
        session = _session(self._endpoint) if self._sessions.empty() else self._sessions.get()
        try:
            return _table_sum(session, self._endpoint, table)
        finally:
            self._sessions.put(session)


def _table_sum(connection: Connection, endpoint: Endpoint, table: tuple[str, str]) -> TableSum:
    digest = _digest(connection, table)
    rows, digested, xor, total = query(
        connection,
        f"SELECT COUNT(*), COUNT(d), HEX(COALESCE(BIT_XOR(UNHEX(d)), '')),"
        f" COALESCE(SUM(CAST(CONV(LEFT(d, 16), 16, 10) AS UNSIGNED)), 0)"
        f" FROM (SELECT {digest} AS d FROM {qualified(*table)}) AS digests",
    )[0]
    if rows != digested:
        raise UdupError(
            f"cannot compare {'.'.join(table)} on {endpoint}: {rows - digested} of its rows are too long for a"
            f" checksum -- raise max_allowed_packet on that server"
        )
    return TableSum(int(rows), str(xor), int(total))


def _digests(endpoint: Endpoint, table: tuple[str, str]) -> dict[tuple[str, tuple[str, ...]], int]:
    """How often each (digest, key) is there; without a primary key the row's columns stand for it."""
    with _session(endpoint) as connection:
        label = _key(connection, table) or [name for name, _ in _columns(connection, table)]
        shown = ", ".join(quote(name) for name in label)
        rows = query(connection, f"SELECT {_digest(connection, table)}, {shown} FROM {qualified(*table)}")
    counts: dict[tuple[str, tuple[str, ...]], int] = {}
    for digest, *values in rows:
        entry = (digest, tuple(str(value) for value in values))
        counts[entry] = counts.get(entry, 0) + 1
    return counts


def _digest(connection: Connection, table: tuple[str, str]) -> str:
    """The SQL expression of one row's digest."""
    parts = ", ".join(_canonical(name, kind) for name, kind in _columns(connection, table))
    return f"SHA2(CONCAT({parts}), 256)"


def _canonical(name: str, kind: str) -> str:
    """The SQL expression of one column's canonical bytes."""
    value = quote(name)
    if kind in _NUMBERED:
        text = f"CAST({value} + 0 AS CHAR)"
    elif kind == "float":
        text = f"CAST(CAST({value} AS DOUBLE) AS CHAR)"
    elif kind in _LONG:
        # The digest stands for a long value, so that CONCAT stays below max_allowed_packet.
        text = f"SHA2({value}, 256)"
    else:
        text = f"CAST({value} AS BINARY)"
    return f"IF({value} IS NULL, 'N', CONCAT(LENGTH({text}), ':', {text}))"


def _columns(connection: Connection, table: tuple[str, str]) -> list[tuple[str, str]]:
    rows: list[Any] = query(
        connection,
        "SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS"
        " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s ORDER BY ORDINAL_POSITION",
        *table,
    )
    return [(str(name), str(kind).lower()) for name, kind in rows]


def _key(connection: Connection, table: tuple[str, str]) -> list[str]:
    rows: list[Any] = query(
        connection,
        "SELECT COLUMN_NAME FROM information_schema.STATISTICS WHERE INDEX_NAME = 'PRIMARY'"
        " AND TABLE_SCHEMA = %s AND TABLE_NAME = %s ORDER BY SEQ_IN_INDEX",
        *table,
    )
    return [str(name) for (name,) in rows]
