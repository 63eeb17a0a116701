"""A source and a target of MySQL's family, compared (`ports.Comparer`).

Both snapshots are opened here, each with one session; that they stand at the same transaction is brought about by
whoever calls. Behind each statement a session goes back to a savepoint, which gives up the table's metadata lock and
keeps the snapshot, so DDL waits for a chunk at most. A table that was altered since is no longer in the snapshot
(1412), or is not as the source has it there: it is compared in the next snapshot.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace

from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import Side as ErrorSide
from udup.base.errors import Transient, UdupError
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client import patience
from udup.drivers.mysql.client.connection import (
    Connection,
    MySQLError,
    connect,
    describe,
    error_code,
    is_transient,
    query,
)
from udup.drivers.mysql.client.raw import shut_down
from udup.drivers.mysql.client.seam import behind_the_seam, seam
from udup.drivers.mysql.client.sessions import SNAPSHOT
from udup.drivers.mysql.compare.both import Both, Pace, UnsteadyError
from udup.drivers.mysql.compare.definitions import DefinitionComparison
from udup.drivers.mysql.compare.multisets import compare_as_set
from udup.drivers.mysql.compare.ranges import compare_ranges
from udup.drivers.mysql.compare.side import Side
from udup.drivers.mysql.compare.tables import UNKNOWN, Compared, pair_tables, read_notes, read_servers, without_ahead
from udup.drivers.mysql.compare.unsettled import Unsettled
from udup.drivers.mysql.dictionary.catalog import Catalog, Column
from udup.drivers.mysql.snapshot.brief import open_briefly
from udup.drivers.mysql.snapshot.moment import start_all
from udup.drivers.mysql.snapshot.reader import CHANGED, release
from udup.drivers.mysql.snapshot.schema import read_catalog
from udup.drivers.mysql.snapshot.snapshot import Snapshot
from udup.pipeline.ports.compare import ComparePlan, CompareTold, TableCompared
from udup.pipeline.positions import AheadNotes
from udup.pipeline.selection.renames import Name
from udup.pipeline.selection.selection import Selection

#: Snapshots in a row in which a table was being altered, after which it is told as not compared.
ALTERED_TRIES = 3


@dataclass
class _Place:
    """Where the tables have got to: the table under way, and in it how many chunks are done and what is behind them, by
    which key. `altered` counts the snapshots that no longer had a table as it was.
    """

    done: set[Name]
    altered: Counter[Name] = field(default_factory=Counter)
    table: Name | None = None
    key: tuple[Column, ...] = ()
    number: int = 0
    after: str = ""
    rows: int = 0
    differences: int = 0


@behind_the_seam(ErrorSide.SOURCE)
class MySQLComparer:
    """`endpoint` is the source's; what goes wrong on the target says so by itself."""

    def __init__(self, source: Endpoint, target: Endpoint, selection: Selection, plan: ComparePlan) -> None:
        self.endpoint = source
        self._target = target
        self._selection = selection
        self._plan = plan
        self._place = _Place(set())
        self._stopped = runtime.Event()
        self._pool = runtime.Pool(1, thread_name_prefix="compare")
        self._definitions = DefinitionComparison(target, selection, plan)
        self._unsettled = Unsettled()
        self._names: tuple[Name, ...] | None = None
        self._alters = 0
        self._snapshot: Snapshot | None = None
        self._theirs: Connection | None = None

    def prepare(self) -> None:
        """Read which tables there are: with many of them it takes longer than anything may be held."""
        with connect(self.endpoint) as asking:
            self._alters = count_alters(asking)
            catalog = read_catalog(asking, self._selection)
        self._names = names_of(catalog)
        with seam(ErrorSide.TARGET, self._target):
            self._definitions.prepare(catalog)

    def open_source(self) -> str:
        """Open a snapshot of the source and return its GTID set."""
        assert self._names is not None, "prepare first"
        self._end_snapshots()
        self._snapshot = open_briefly(self.endpoint, 1, self._names)
        with seam(ErrorSide.TARGET, self._target):
            self._theirs = connect(self._target, SNAPSHOT)  # now, as the target stands still later
        return self._snapshot.gtid_set

    def open_target(self) -> None:
        """Begin a transaction on the target that sees what it has now."""
        assert self._theirs is not None, "open the source first"
        with seam(ErrorSide.TARGET, self._target):
            start_all([self._theirs])
            self._definitions.read_standing()

    def compare(self, told: CompareTold, seconds: float) -> bool:
        """Compare for so long from where it has stopped; return whether the last table's end was reached.

        The definitions are read behind the snapshots: of a table that was altered in between these say so (1412).
        """
        assert self._snapshot is not None and self._theirs is not None and self._names is not None, "open both first"
        (ours,), theirs = self._snapshot.connections, self._theirs
        for connection in (ours, theirs):
            query(connection, patience.SESSION)
            query(connection, "SAVEPOINT udup")
        with connect(self.endpoint) as asking:
            self._definitions.read_source(asking)
            catalog = read_catalog(asking, self._selection)
            ahead = self._ahead(theirs)
            self._compare_definitions(asking, catalog, ahead, told)
        pairs = pair_tables(known(catalog, self._names), self._selection, ours, theirs, self._plan.tables)
        pairs = without_ahead(pairs, ahead)
        for connection in (ours, theirs):
            release(connection)
        servers = read_servers(ours, theirs)
        ends_at = runtime.now() + seconds
        pace = Pace(self._plan.rows_per_second, self._stopped)
        for compared in self._to_do(pairs):
            both = Both(
                compared,
                Side(ours, compared, servers, is_source=True),
                Side(theirs, compared, servers, is_source=False),
                told,
                pace,
                self._pool,
                lambda: self._look_steady(ours),
            )
            if not self._compare(both, ends_at):
                return False
            if runtime.now() >= ends_at and self._to_do(pairs):
                return False
        if self._to_do(pairs) or not self._definitions.is_over:
            return False
        self._place = _Place(set())
        self._definitions.round_over()
        return True

    def _compare_definitions(self, source: Connection, catalog: Catalog, ahead: AheadNotes, told: CompareTold) -> None:
        with seam(ErrorSide.TARGET, self._target):
            found = self._definitions.compare(source, catalog, ahead)
        if found is not None:
            told.definitions(found)
            told.kept()

    def _ahead(self, theirs: Connection) -> AheadNotes:
        """Return the notes of tables that stand elsewhere than the snapshot of the source, by that of the target."""
        assert self._snapshot is not None, "open the source first"
        if not self._plan.job:
            return AheadNotes()
        return read_notes(theirs, self._plan.job).merged(GtidSet.parse(self._snapshot.gtid_set))

    def _to_do(self, pairs: list[Compared]) -> list[Compared]:
        """Return the tables that are not done, that which is under way first."""
        left = [pair for pair in pairs if pair.name not in self._place.done]
        return sorted(left, key=lambda pair: pair.name != self._place.table)

    def _compare(self, both: Both, ends_at: float) -> bool:
        """Compare a table; return False if its end was not reached in time."""
        place, compared = self._place, both.compared
        if place.table != compared.name or place.key != compared.key_columns:
            self._place = place = _Place(place.done, place.altered, compared.name, compared.key_columns)
        both.rows, both.differences = place.rows, place.differences
        problem, altered = compared.problem, compared.may_pass
        try:
            if problem and problem != UNKNOWN:
                both.source.look()  # whether it is still what the snapshot has
            elif problem:
                pass  # there is none
            elif compared.unsettled:
                return self._compare_unsettled(both)
            elif not self._rows(both, ends_at):
                return False
        except (MySQLError, UdupError) as error:
            problem, altered = _problem(error), _is_altered(error)
        if altered and place.altered[compared.name] + 1 < ALTERED_TRIES:
            place.altered[compared.name] += 1
            both.told.undone()
            return True  # it is still to be done
        self._tell_table(both, problem)
        return True

    def _compare_unsettled(self, both: Both) -> bool:
        """Compare a table whose rows are in no snapshot, in one go."""
        place, name = self._place, both.compared.name
        self._place = _Place(place.done, place.altered, name, place.key)
        both.rows = both.differences = 0
        problem = self._unsettled.compare(both, lambda: self._rows(both, math.inf))
        if problem is None:
            both.told.undone()
            return True  # it is read again
        self._tell_table(both, problem)
        return True

    def _tell_table(self, both: Both, problem: str) -> None:
        name = both.compared.name
        both.told.table(TableCompared(*name, both.rows, both.differences, problem, both.unsearched))
        self._place = _Place({*self._place.done, name}, self._place.altered)
        both.told.kept()

    def _rows(self, both: Both, ends_at: float) -> bool:
        place = self._place
        if not both.compared.ordered:
            compare_as_set(both)
            return True
        for chunk in compare_ranges(both, self._plan.chunk_rows, place.number, place.after):
            if not chunk.final:
                place.number, place.after = chunk.number + 1, chunk.rest
                place.rows, place.differences = both.rows, both.differences
                both.told.kept()
                if runtime.now() >= ends_at:
                    return False
        return True

    def _look_steady(self, ours: Connection) -> None:
        """Raise `UnsteadyError` if an ALTER, TRUNCATE or RENAME has begun since before the snapshot was opened.

        TRUNCATE is not always told by 1412, and an exchange or drop of a partition never is: the snapshot then shows
        the rows that came, or none (seen with MySQL 9.7). Only the source tells; the target has it from there.
        """
        if count_alters(ours) != self._alters:
            raise UnsteadyError("rows differ, and tables were altered on the source since its snapshot was opened")

    def stop(self) -> None:
        """Have what is under way end, from any thread."""
        self._stopped.set()
        for connection in (*(self._snapshot.connections if self._snapshot else ()), self._theirs):
            if connection is not None:
                shut_down(connection)
        self._definitions.stop()

    def close(self) -> None:
        """End both snapshots, and the comparer."""
        self._end_snapshots()
        self._definitions.close()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _end_snapshots(self) -> None:
        if self._snapshot is not None:
            self._snapshot.close()
        if self._theirs is not None:
            with suppress(MySQLError, OSError):
                self._theirs.close()
        self._snapshot = self._theirs = None


def count_alters(source: Connection) -> int:
    """Return how many statements a server has begun that may change rows without a snapshot's knowledge."""
    names = "'Com_alter_table', 'Com_truncate', 'Com_rename_table'"
    return sum(int(count) for _, count in query(source, f"SHOW GLOBAL STATUS WHERE Variable_name IN ({names})"))


def read_names(endpoint: Endpoint, selection: Selection) -> tuple[Name, ...]:
    """Return the tables of a job's source."""
    with connect(endpoint) as asking:
        return names_of(read_catalog(asking, selection))


def names_of(catalog: Catalog) -> tuple[Name, ...]:
    """Return the tables of a catalog."""
    return tuple((table.schema, table.name) for table in catalog.tables)


def known(catalog: Catalog, names: Collection[Name]) -> Catalog:
    """Return it without the tables that came behind these: their rows may not be the snapshot's."""
    known = set(names)
    return replace(catalog, tables=tuple(each for each in catalog.tables if (each.schema, each.name) in known))


def _problem(error: MySQLError | UdupError) -> str:
    """Return why one table cannot be compared now; raise what is not the table's."""
    if isinstance(error, MySQLError) and error_code(error) in CHANGED:
        return f"its definition changed since the snapshot was opened ({describe(error)})"
    if isinstance(error, Transient) or (
        isinstance(error, MySQLError) and (is_transient(error) or not error_code(error))
    ):
        raise error
    return describe(error) if isinstance(error, MySQLError) else str(error)


def _is_altered(error: MySQLError | UdupError) -> bool:
    return isinstance(error, UnsteadyError) or (isinstance(error, MySQLError) and error_code(error) in CHANGED)
