"""The definitions of a job's tables and what else it copies, compared within a round: no difference is told that is one
of the moment.

1. Once a round, when rows are about to be compared, everything is looked at as it is then. What is equal needs no more.
2. A table that differs may have been altered behind the snapshot of the source. It is read again on the target while
   that stands where the next snapshot does, and what differs then is told. Nothing waits for that where all is equal.
3. So are views, routines, triggers and events; and of them and of tables that the target alone has, what differs in the
   same way at both moments is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace

from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import Unsupported
from udup.drivers.mysql.client import patience
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, query
from udup.drivers.mysql.client.raw import shut_down
from udup.drivers.mysql.client.sessions import DICTIONARY
from udup.drivers.mysql.compare.objects import Others
from udup.drivers.mysql.compare.portable import PortableTable
from udup.drivers.mysql.compare.shapes import (
    Meant,
    Pairing,
    meant_by,
    read_portable_tables,
    read_there,
    shape_meant,
)
from udup.drivers.mysql.compare.table_parts import Shape
from udup.drivers.mysql.compare.unlike import Unlike
from udup.drivers.mysql.dictionary.catalog import Catalog
from udup.drivers.mysql.snapshot.schema import same_definition
from udup.pipeline.ports.compare import ComparePlan, DefinitionDifference, DefinitionsCompared, Kind
from udup.pipeline.positions import AheadNotes
from udup.pipeline.selection.renames import Name
from udup.pipeline.selection.selection import Selection

#: Seconds for which definitions are read while the target stands.
STANDING_SECONDS = 0.5

#: Snapshots under which a table was altered, after which it is told so.
ALTERED_TRIES = 5

#: Views, routines, triggers and events that are read meanwhile, and tables that are given other names; where there are
#: more they are read behind it.
MOST_STANDING, MOST_RENAMED = 1000, 500

#: Differences that are told of a round; where there are more, one says so.
MOST = 1000


class DefinitionComparison:
    """`prepare` and `read_standing` as snapshots are opened, then `read_source` and `compare`. Used by one thread."""

    def __init__(self, target: Endpoint, selection: Selection, plan: ComparePlan) -> None:
        self._endpoint = target
        self._selection, self._plan = selection, plan
        self._connection: Connection | None = None
        self._pairing: Pairing | None = None
        self._meant: dict[Name, Meant] = {}
        self._refused = ""
        self._others: Others | None = None
        self._there: list[DefinitionDifference] | None = None
        self._told: dict[Name, PortableTable] = {}
        self._standing: dict[Name, Shape | None] = {}
        self._begin_round()

    def _begin_round(self) -> None:
        self._looked = False
        self._suspects: set[Name] = set()
        self._tries: Counter[Name] = Counter()
        self._found: list[DefinitionDifference] = []
        self._before: list[DefinitionDifference] = []  # what is no table, and was found to differ
        self.is_over = not self._plan.definitions

    # ---- While the snapshots are opened ----

    def prepare(self, catalog: Catalog) -> None:
        """Take the source's definitions before its snapshot is opened."""
        self._others = None
        if self._suspects and self._pairing is not None:
            tables = (each for each in catalog.tables if (each.schema, each.name) in self._suspects)
            self._mean(replace(catalog, tables=tuple(tables), objects=(), sequences=()))
        if self._before and _is_quick(catalog, self._selection):
            self._others = self._prepared(catalog)

    def read_standing(self) -> None:
        """Read the tables in doubt, while the target stands where the snapshot of the source does."""
        self._standing = {}
        if self._suspects and self._pairing is not None:
            until = runtime.now() + STANDING_SECONDS
            self._standing = read_there(self._open(), self._meant.values(), self._pairing, until)
        self._there = self._others.found(self._open()) if self._others is not None else None

    # ---- When both are open ----

    def read_source(self, source: Connection) -> None:
        """Read of tables in doubt what the catalog does not say of them; the catalog is read behind it."""
        if self._suspects and self._pairing is not None:
            self._told = {} if self._pairing.alike else read_portable_tables(source, self._meant)

    def compare(self, source: Connection, catalog: Catalog, ahead: AheadNotes) -> DefinitionsCompared | None:
        """Return what differs, None as long as that is in doubt. Tables of these notes are of another moment.

        `catalog` was read behind the snapshots: where it says the same as that of before, so do they.
        """
        if self.is_over:
            return None
        names = [(each.schema, each.name) for each in catalog.tables]
        left_out = {name for name in names if any(each.group.wants(*name) for each in ahead)}
        if self._looked:
            self._confirm(catalog, left_out)
        else:
            self._look(source, catalog, left_out)
        if self._suspects or (self._before and not self._looked):
            self._looked = True
            return None
        self.is_over = True
        return DefinitionsCompared(tuple(self._cut()), self._plan.tables, frozenset(map(".".join, left_out)))

    def _mean(self, catalog: Catalog) -> Catalog | None:
        """Note how these tables are to be on the target; return all of it, None where a thing cannot be renamed."""
        assert self._pairing is not None, "look first"
        try:
            meant, there = meant_by(catalog, self._selection, self._pairing, innodb=self._plan.innodb)
        except Unsupported as error:
            self._meant, self._refused = {}, str(error)
            return None
        asked = set(self._plan.tables)
        chosen = (each for each in meant if not each.target.problem and (not asked or ".".join(each.name) in asked))
        self._meant = {each.name: each for each in chosen}
        return there

    def _look(self, source: Connection, catalog: Catalog, left_out: Collection[Name]) -> None:
        """Look at everything as it is now."""
        self._pairing = Pairing.of(source, self._open())
        if self._mean(catalog) is None:
            self._found.append(DefinitionDifference("definitions", "", Kind.DIFFERS, self._refused, "not compared"))
            return
        self._told = {} if self._pairing.alike else read_portable_tables(source, self._meant)
        theirs = read_there(self._open(), self._meant.values(), self._pairing)
        self._suspects = {name for name, shape in theirs.items() if any(self._unlike(name, shape))} - set(left_out)
        others = self._prepared(catalog)
        self._before = others.found(self._open()) if others is not None else []

    def _confirm(self, catalog: Catalog, left_out: Collection[Name]) -> None:
        """Tell of the tables that were read at the snapshots' moment, if the source has had them so throughout."""
        now = {(each.schema, each.name): same_definition(each) for each in catalog.tables}
        for name, shape in self._standing.items():
            if name in left_out or name not in now:
                self._suspects.discard(name)
            elif now[name] == same_definition(self._meant[name].source):
                self._suspects.discard(name)
                self._found += self._unlike(name, shape)
            else:
                self._altered(name)
        self._suspects &= now.keys() & self._meant.keys() - set(left_out)
        if self._before:
            if self._there is None and (others := self._prepared(catalog)) is not None:
                self._there = others.found(self._open())
            there = self._there or ()
            self._found += [each for each in self._before if each in there]
            self._before = []

    def _altered(self, name: Name) -> None:
        """A table was altered while the snapshots were opened: look again, but not for ever."""
        self._tries[name] += 1
        if self._tries[name] >= ALTERED_TRIES:
            self._suspects.discard(name)
            why = f"altered under each of {ALTERED_TRIES} snapshots"
            self._found.append(DefinitionDifference(".".join(name), "definition", Kind.DIFFERS, why, "not compared"))

    def _unlike(self, name: Name, theirs: Shape | None) -> Iterator[DefinitionDifference]:
        assert self._pairing is not None, "begin the source first"
        meant = self._meant[name]
        if not self._pairing.alike and name not in self._told:
            return  # dropped since it was listed
        ours = shape_meant(meant, self._pairing, self._told.get(name), self._selection)
        yield from Unlike(self._plan.job, meant).found(ours, theirs)

    def _prepared(self, catalog: Catalog) -> Others | None:
        """Return what is beside tables, None if it is not asked for, or cannot be renamed (as the tables say)."""
        assert self._pairing is not None, "look first"
        if self._plan.tables:
            return None
        try:
            meant, there = meant_by(catalog, self._selection, self._pairing, innodb=self._plan.innodb)
        except Unsupported:
            return None
        return Others(catalog, there, self._selection, self._pairing, frozenset(each.there for each in meant))

    def _cut(self) -> Iterable[DefinitionDifference]:
        found = sorted(self._found, key=lambda each: (not each.counts, each.table, each.what))
        if len(found) <= MOST:
            return found
        more = DefinitionDifference("definitions", "", Kind.DIFFERS, f"{len(found) - MOST} more differences", "…")
        return [*found[:MOST], more]

    # ---- Its life ----

    def round_over(self) -> None:
        """Begin again with the next snapshot."""
        self._begin_round()

    def _open(self) -> Connection:
        """Return a connection, another one where that of before has ended."""
        if self._connection is None or not self._connection.open:
            self._connection = connect(self._endpoint, DICTIONARY)
            query(self._connection, patience.SESSION)
        return self._connection

    def stop(self) -> None:
        """Have what is under way end, from any thread."""
        if self._connection is not None:
            shut_down(self._connection)

    def close(self) -> None:
        """End its connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(MySQLError, OSError):
                connection.close()


def _is_quick(catalog: Catalog, selection: Selection) -> bool:
    return len(catalog.objects) <= MOST_STANDING and (not selection.renames or len(catalog.tables) <= MOST_RENAMED)
