"""The source of a whole life: several tables, copies that go on with what is there, a log that notes cut.

What is decided is decided by the product: which statements are carried, cut or held (`QueryClassifier`), what notes
leave out (`AheadNotes`), what of a copy stays (`snapshot/resuming.py`). Only where rows and events come from is made.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import closing

from tests.sim.life import Tab, Truth, row_key
from tests.sim.scenario import Entry
from tests.sim.source import (
    BEGINNING,
    UUID,
    SimCopy,
    SimDrivers,
    SimLog,
    SimSource,
    Source,
    gtids,
    pack,
    recorded,
    rows_event,
    table_map,
)
from tests.sim.world import MS, US, World
from udup.base.errors import Held, Side, Transient
from udup.drivers.mysql.binlog.build import build
from udup.drivers.mysql.binlog.event import EventType
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import connect, scalar
from udup.drivers.mysql.client.seam import seam
from udup.drivers.mysql.ddl.query_action import Action
from udup.drivers.mysql.ddl.query_classifier import QueryClassifier
from udup.drivers.mysql.dictionary.catalog import Catalog, Column, Table
from udup.drivers.mysql.dictionary.copied_before import Resumable, decoded, encode_span
from udup.drivers.mysql.dictionary.details import CopyDetails
from udup.drivers.mysql.snapshot.copy import _tables
from udup.drivers.mysql.snapshot.resuming import decided, log_after, resumables
from udup.pipeline.ports import ChangeLog, CopyResume, End, LogPlan, Piece, Scope, SourceCopy
from udup.pipeline.positions import AheadNotes, AheadPart
from udup.pipeline.records import CopyPlan, CopyTotals, Definition, Part, Record, StartRows, Tables, Transaction

_KEY = Column("k", "int", "int", None, None, nullable=False, generated=False)
_VALUE = Column("v", "text", "text", "utf8mb4", "utf8mb4_bin", nullable=True, generated=False, octets=65535)

#: Bytes of a row by the source's estimate: copies are worth their notes.
_ROW_BYTES = 8 << 20


class LifeSource(Source):
    """`truth` has its tables at each position; what is behind `purged` transactions is not in its log any more."""

    def __init__(self, world: World, log: list[Entry]) -> None:
        super().__init__(world, log)
        self.truth = Truth(log)
        self.purged = 0
        self.resumed = 0  # copies that went on with what an earlier try had brought

    def executed(self) -> str:
        return self.position(self.there())

    def position(self, number: int) -> str:
        """Return its GTIDs with so many transactions, and with what a job without a copy begins behind."""
        return str(GtidSet.parse(BEGINNING) | GtidSet.parse(gtids(range(1, number + 1))))

    def there(self) -> int:
        """Return how many transactions it has executed."""
        return sum(entry["at"] <= self.world.now for entry in self.log)


def _source() -> LifeSource:
    source = Source.current
    assert isinstance(source, LifeSource)
    return source


def _table(name: str, tab: Tab) -> Table:
    create = (
        f"CREATE TABLE `{name}` (\n  `k` int NOT NULL,\n  `v` text,\n  PRIMARY KEY (`k`),\n  KEY `v` (`v`(9))\n)"
        f" ENGINE=InnoDB COMMENT='{tab.version}'"
    )
    return Table("s", name, (_KEY, _VALUE), ("k",), max(1, len(tab.rows)), _ROW_BYTES, create, "PRIMARY")


class LifeCopy(SimCopy):
    """The tables of a scope as of this moment, less what an earlier try has brought."""

    def __init__(self, scope: Scope, resumes: CopyResume | None) -> None:
        world, source = World.current, _source()
        world.block(world.between(f"snapshot {world.process.name}", 1 * MS, 30 * MS))
        number = source.there()
        position = source.position(number)
        self._tabs = {
            name: tab for name, tab in source.truth.states[number].items() if scope.selection.wants("s", name)
        }
        catalog = Catalog((), tuple(_table(name, tab) for name, tab in sorted(self._tabs.items())), ())
        found = resumables(catalog, catalog, logs_cascades=True)
        if resumes is not None and resumes.copied:
            found = decided(
                catalog, found, decoded(resumes.copied), catalog, position, gtids(range(1, source.purged + 1))
            )
        after, notes = log_after(catalog, found, position, scope.selection)
        if any(one.kept is not None for one in found):
            world.note("source", f"a copy goes on: {[(o.kept.name, o.kept.segments) for o in found if o.kept]}")
            source.resumed += 1
        details = CopyDetails(catalog, {}, resumables=found).encoded()
        self._plan = CopyPlan(_tables(catalog, found), details, position, after, notes.to_json())
        self._found = found
        self._chunks = list(self._cut(catalog, found))
        self._totals_of = {
            number: CopyTotals(
                number,
                sum(chunk[0] == number for chunk in self._chunks),
                sum(len(chunk[2]) for chunk in self._chunks if chunk[0] == number),
            )
            for number in range(len(catalog.tables))
        }
        self._left = {number: total.chunks for number, total in self._totals_of.items()}
        self._on_table: Callable[[CopyTotals], None]
        self._next, self._stopped = 0, False

    @property
    def names(self) -> list[str]:
        return sorted(self._tabs)

    def _cut(
        self, catalog: Catalog, found: tuple[Resumable, ...]
    ) -> Iterator[tuple[int, int, list[tuple[int, tuple[int, ...]]], str]]:
        """Yield chunks: table, number, rows, and from which key to which they are."""
        for number, (table, one) in enumerate(zip(catalog.tables, found, strict=True)):
            if one.kept is not None and one.kept.whole:
                continue
            chunk, there = 0, sorted(self._tabs[table.name].rows.items())
            for begin, end in one.gaps:
                rows = [(key, had) for key, had in there if (begin or (-1,)) < (key,) <= (end or (1 << 30,))]
                behind = begin
                for at in range(0, max(1, len(rows)), 2):
                    some, is_last = rows[at : at + 2], at + 2 >= len(rows)
                    up_to = end if is_last else (some[-1][0],)
                    yield number, chunk, some, encode_span((behind, up_to), exact=True)
                    chunk, behind = chunk + 1, up_to

    def read(self, reader: int, emit: Callable[[Piece], None]) -> None:
        world = World.current
        for number, total in self._totals_of.items():
            kept = self._found[number].kept
            if reader == 0 and not total.chunks and not (kept is not None and kept.whole):
                self._on_table(total)
        while self._next < len(self._chunks) and not self._stopped:
            (table, number, rows, span), self._next = self._chunks[self._next], self._next + 1
            world.block(world.between(f"chunk {world.process.name}/{reader}", 100 * US, 60 * MS))
            data = pack([(f"{self.names[table]}{key}", row) for key, row in rows])
            emit(Piece(table, number, False, 0, data[: len(data) // 2]))
            emit(Piece(table, number, True, len(rows), data[len(data) // 2 :], span=span))
            self._left[table] -= 1
            if not self._left[table]:
                self._on_table(self._totals_of[table])
        if self._stopped:
            raise Transient("the copy was stopped")

    def start(self, _start: StartRows, on_table: Callable[[CopyTotals], None]) -> None:
        self._on_table = on_table


class LifeLog(SimLog):
    """The log for a scope, by notes, beside another part of the job."""

    def __init__(self, source: SimSource, plan: LogPlan) -> None:
        super().__init__(source.endpoint, plan.start_after, "")
        self._notes = AheadNotes.of_json(plan.ahead, GtidSet.parse)
        self._part: AheadPart | None = None
        selection = plan.scope.selection
        self._classifier = QueryClassifier(selection, False, left_out=lambda: self._part, apart=plan.apart)
        self._selection = selection
        self._known: dict[str, int] = {}

    def __iter__(self) -> Iterator[Record | None]:
        try:
            yield from super().__iter__()
        except Held:
            yield from self._records.skipped()  # what lies in front of it is done
            raise

    def _records_of(self, entry: Entry) -> Iterator[Record]:
        records, number = self._records, entry["number"]
        if entry["rotate"]:
            yield from records.new_file()
        self._part = self._notes.of(UUID, number)
        made = list(self._statement(entry) if entry["kind"] == "statement" else self._rows(entry))
        if not made:
            records.skip(number)
            return
        yield from records.skipped()
        yield from made
        records.fence = False

    def _statement(self, entry: Entry) -> Iterator[Record]:
        body = struct.pack("<IIBHH", 1, 0, 1, 0, 0) + b"s\0" + entry["sql"].encode()
        event = build(EventType.QUERY, body, with_crc=False)
        decision = self._classifier.decide(event, False)
        if decision.action is Action.CARRY:
            self._known = {}
            yield Definition(recorded(entry, self._records.fence), decision.query or event, entry["sql"])

    def _rows(self, entry: Entry) -> Iterator[Record]:
        """What of a transaction's rows the tables of the scope lack."""
        source, part, number = _source(), self._part, entry["number"]
        tabs = source.truth.states[number]
        by_table: dict[str, list[str]] = {}
        for key in entry["keys"]:
            name, row = row_key(key)
            behind = None if part is None else part.rows_behind("s", name)
            gone = name not in tabs or not self._selection.wants("s", name)
            if not gone and (part is None or not part.leaves_out("s", name)) and (behind is None or behind.has((row,))):
                by_table.setdefault(name, []).append(key)
        if entry["kind"] == "skip" or not by_table:
            return
        maps = {name: table_map(tabs[name].version, name) for name in by_table}
        new = [maps[name] for name in by_table if self._known.get(name) != tabs[name].version]
        self._known |= {name: tabs[name].version for name in by_table}
        of, parts = recorded(entry, self._records.fence), entry["parts"] if entry["kind"] == "large" else 1
        events = b"".join(
            maps[name] + rows_event(tabs[name].version, number, parts, keys if turn == 0 else [], table=name)
            for turn in range(parts)
            for name, keys in by_table.items()
        )
        if parts == 1:
            yield Transaction(of, events, new)
            return
        cut = max(1, len(events) // parts)
        for part_number in range(parts):
            piece = events[part_number * cut : (part_number + 1) * cut]
            yield Part(of, part_number, False, piece, new if part_number == 0 else [])
        yield Part(of, parts, True, events[parts * cut :])


class LifeSimSource(SimSource):
    """The driver of such a source."""

    def tables(self, scope: Scope, copied: SourceCopy | None, *, tells: bool = False) -> Tables:
        with seam(Side.SOURCE, self.endpoint), closing(connect(self.endpoint)) as connection:
            uuid = str(scalar(connection, "SELECT @@global.server_uuid"))
        source = _source()
        now = source.truth.states[source.there()]
        names = copied.names if isinstance(copied, LifeCopy) else sorted(now)
        listed = [("s", each, "s", each) for each in names if scope.selection.wants("s", each)]
        return Tables(uuid, self.where, listed, copied is not None)

    def _snapshot(self, scope: Scope, resumes: CopyResume | None) -> SourceCopy:
        return LifeCopy(scope, resumes)

    def open_log(self, plan: LogPlan) -> ChangeLog:
        return LifeLog(self, plan)


class LifeDrivers(SimDrivers):
    def source(self, end: End) -> SimSource:
        return LifeSimSource(end.endpoint)
