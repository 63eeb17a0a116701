"""The source: its log, its rows at each position, and stand-ins for what reads a MySQL source.

A transaction of number n appends n to each of its rows, so that a row is its own history: order, repetition and loss
show by themselves, and no missing before-image ends a run before they do.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import msgspec

from tests.sim.scenario import Entry
from tests.sim.world import EPOCH, MS, US, Fiber, S, World
from udup.base.endpoint import Endpoint
from udup.base.errors import Fault, Side, Transient
from udup.drivers.mysql.binlog.build import build
from udup.drivers.mysql.binlog.event import STMT_END, EventType
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client import facts
from udup.drivers.mysql.client.connection import connect, query, scalar
from udup.drivers.mysql.client.seam import seam
from udup.drivers.mysql.dictionary.catalog import Catalog, Column, Table
from udup.drivers.mysql.dictionary.details import CopyDetails
from udup.drivers.mysql.source import MySQLSource
from udup.drivers.mysql.target import MySQLTarget
from udup.pipeline.checks import Check
from udup.pipeline.ports import (
    ApplyMode,
    ChangeLog,
    CopyResume,
    End,
    LogPlace,
    LogPlan,
    Piece,
    Recognised,
    Scope,
    SourceCopy,
    SourceLook,
)
from udup.pipeline.positions import AheadNotes
from udup.pipeline.records import (
    CommitOrder,
    CopyPlan,
    CopyTable,
    CopyTotals,
    Definition,
    Format,
    Part,
    Record,
    Skipped,
    StartRows,
    Tables,
    Transaction,
    TransactionId,
    XaEnd,
)
from udup.pipeline.waits import Waits

UUID = "00000000-0000-0000-0000-000000000001"
#: What a job that does not copy begins after: an origin of its own.
BEGINNING = "00000000-0000-0000-0000-000000000002:1"

pack, unpack = msgspec.msgpack.encode, msgspec.msgpack.decode

_FORMAT = build(EventType.FORMAT_DESCRIPTION, b"\0" * 60 + b"\1", with_crc=True)
_FIRST_TABLE_ID = 200
#: Tables, whose number is a part of the id.
_TABLES = ("t", "loose", "u", "v", "p", "q", "x")
#: Of the table whose rows nothing undoes. No DDL changes it.
_LOOSE_VERSION = 1000
_COLUMN = Column("k", "varchar", "varchar(9)", "utf8mb4", "utf8mb4_bin", nullable=False, generated=False, octets=36)


def gtids(numbers: Any) -> str:
    found = GtidSet()
    for number in numbers:
        found.add(UUID, number)
    return str(found)


def _id(version: int, table: str) -> bytes:
    return (_FIRST_TABLE_ID + version * len(_TABLES) + _TABLES.index(table)).to_bytes(6, "little")


def table_map(version: int, table: str = "t") -> bytes:
    """The id says how often the table was changed: a stand-in for its columns."""
    name, body = table.encode(), _id(version, table) + b"\1\0"
    body += b"\1s\0" + bytes([len(name)]) + name + b"\0" + b"\1\x0f" + b"\2\x24\0" + b"\0"
    return build(EventType.TABLE_MAP, body, with_crc=True)


def version_of(event: bytes) -> int:
    return (int.from_bytes(event[19:25], "little") - _FIRST_TABLE_ID) // len(_TABLES)


def rows_event(version: int, number: int, parts: int, keys: list[str], pad: int = 0, table: str = "t") -> bytes:
    body = _id(version, table) + struct.pack("<HH", STMT_END, 2)
    return build(EventType.WRITE_ROWS, body + pack([number, parts, keys, b"x" * pad]), with_crc=True)


def ddl_event(number: int) -> bytes:
    sql = f"ALTER TABLE s.t COMMENT = '{number}'".encode()
    return build(EventType.QUERY, struct.pack("<IIBHH", 1, 0, 1, 0, 0) + b"s\0" + sql, with_crc=False)


class Source:
    """`current` is that of the history that runs."""

    current: Source

    def __init__(self, world: World, log: list[Entry]) -> None:
        self.world, self.log = world, log
        self.streams: list[SimLog] = []
        self.history: dict[str, tuple[int, ...]] = {}
        self.written: list[int] = []  # numbers that must show in the target's rows
        self.ddl: list[int] = []
        ends = {entry["xid"]: entry["number"] for entry in log if entry["kind"] in ("xa commit", "xa rollback")}
        for entry in log:
            if entry["kind"] in ("tx", "large", "loose", "xa commit"):
                self.written.append(entry["number"])
                for key in entry["keys"]:
                    self.history[key] = (*self.history.get(key, ()), entry["number"])
            elif entry["kind"] == "xa prepare":
                entry["as"] = ends.get(entry["xid"], 0)
            elif entry["kind"] == "ddl":
                self.ddl.append(entry["number"])
        Source.current = self

    def executed(self) -> str:
        return gtids(entry["number"] for entry in self.log if entry["at"] <= self.world.now)

    def rows_at(self, executed: GtidSet, *, loose: bool = False) -> dict[str, tuple[int, ...]]:
        """The rows of a server that has executed this, in the one table or the other."""
        found = {}
        for key, history in self.history.items():
            if (key[0] == "m") == loose and (
                value := tuple(number for number in history if executed.contains(UUID, number))
            ):
                found[key] = value
        return found

    def answer(self, what: str) -> list[Any]:
        if what == "uuid":
            return [(UUID,)]
        return [((EPOCH + self.world.now) // 1000, self.executed(), UUID)]


# ---- In the place of the driver's snapshot ----


class SimCopy:
    """Everything as of this moment, in chunks of two rows each (`ports.SourceCopy`)."""

    def __init__(self) -> None:
        world, source = World.current, Source.current
        world.block(world.between(f"snapshot {world.process.name}", 1 * MS, 30 * MS))
        executed = source.executed()
        at = GtidSet.parse(executed)
        rows = sorted(source.rows_at(at).items())
        ddl = json.dumps([number for number in source.ddl if at.contains(UUID, number)])
        create = (
            f"CREATE TABLE `t` (\n  `k` varchar(9) NOT NULL COMMENT '{ddl}',\n  `v` text,\n  PRIMARY KEY (`k`),\n"
            "  KEY `v` (`v`(9))\n) ENGINE=InnoDB"
        )
        catalog = Catalog((), (Table("s", "t", (_COLUMN,), ("k",), 1, 1, create, "PRIMARY"),), ())
        self._plan = CopyPlan(
            [CopyTable("s", "t", "", len(rows), len(rows) << 20)], CopyDetails(catalog, {}).encoded(), executed
        )
        self._chunks = [rows[at : at + 2] for at in range(0, len(rows), 2)]
        self._totals = CopyTotals(0, len(self._chunks), len(rows))
        self._on_table: Callable[[CopyTotals], None]
        self._next, self._stopped, self._told = 0, False, False

    @property
    def plan(self) -> CopyPlan:
        return self._plan

    def start(self, _start: StartRows, on_table: Callable[[CopyTotals], None]) -> None:
        self._on_table = on_table

    def ahead(self) -> str:
        return self._plan.ahead

    def stop(self) -> None:
        self._stopped = True

    def close(self) -> None: ...

    def read(self, reader: int, emit: Callable[[Piece], None]) -> None:
        world = World.current
        while self._next < len(self._chunks) and not self._stopped:
            number, self._next = self._next, self._next + 1
            world.block(world.between(f"chunk {world.process.name}/{reader}", 100 * US, 40 * MS))
            data, rows = pack(self._chunks[number]), len(self._chunks[number])
            emit(Piece(0, number, False, 0, data[: len(data) // 2]))
            emit(Piece(0, number, True, rows, data[len(data) // 2 :]))
        if self._stopped:
            raise Transient("the copy was stopped")
        if not self._told:
            self._told = True
            self._on_table(self._totals)


# ---- In the place of the driver's log ----


class SimLog:
    """The log from a position on (`ports.ChangeLog`)."""

    def __init__(self, endpoint: Endpoint, start_after: str, ahead: str = "") -> None:
        self.endpoint = endpoint
        self._after = GtidSet.parse(start_after)
        self._notes = AheadNotes.of_json(ahead, GtidSet.parse)
        self._log = Source.current.log
        self._at = 0
        self._closed = False
        self._fiber: Fiber | None = None
        self._records = _Records()
        self.process = World.current.process

    def begin(self) -> Recognised:
        world = World.current
        with seam(Side.SOURCE, self.endpoint), closing(connect(self.endpoint)) as connection:
            query(connection, "SELECT @@global.server_uuid")
        world.block(world.between(f"dump {world.process.name}", 500 * US, 5 * MS))
        Source.current.streams.append(self)
        return Recognised(UUID, "")

    @property
    def place(self) -> LogPlace:
        return LogPlace("sim", self._at)

    def close(self) -> None:
        self._closed = True
        if self._fiber is not None:
            self._fiber.wake()

    def _has_more(self, now: int) -> bool:
        return self._at < len(self._log) and self._log[self._at]["at"] <= now

    def __iter__(self) -> Iterator[Record | None]:
        world, records = World.current, self._records
        self._fiber = world.here
        yield from records.new_file()
        while True:
            if self._closed:
                raise Transient("the source's stream was lost")
            if self._has_more(world.now):
                entry = self._log[self._at]
                self._at += 1
                if not self._after.contains(UUID, entry["number"]):
                    world.block(world.between(f"read {self.process.name}", 5 * US, 60 * US))
                    yield from self._records_of(entry)
                elif entry["rotate"]:
                    yield from records.new_file()
            else:
                due = self._log[self._at]["at"] - world.now if self._at < len(self._log) else 1 * S
                if world.park(min(due, 1 * S)) or due < 1 * S:
                    continue
            if not self._has_more(world.now):
                yield from records.skipped()
                yield None

    def _records_of(self, entry: Entry) -> Iterator[Record]:
        return self._records.of(entry, has_it=self._notes.ahead(UUID, entry["number"], "s", "t"))


def recorded(entry: Entry, fence: bool) -> TransactionId:
    """Return what the log says of a transaction."""
    at = (EPOCH + entry["at"]) // 1000
    return TransactionId(UUID, entry["number"], CommitOrder(entry["needs"], entry["sequence"], at, fence, at))


class _Records:
    """Entries of the log become records, as the driver would make them."""

    def __init__(self) -> None:
        self.fence, self._has_format, self._version, self._knows_loose = True, False, -1, False
        self._skipped: list[int] = []

    def of(self, entry: Entry, *, has_it: bool = False) -> Iterator[Record]:
        """`has_it`: the first table has its part of it already."""
        if entry["rotate"]:
            yield from self.new_file()
        if entry["kind"] == "skip" or (has_it and entry["kind"] in ("tx", "large", "ddl")):
            self._skipped.append(entry["number"])
        else:
            yield from self.skipped()
            yield from self._written({**entry, "keys": []} if has_it and entry["kind"] == "xa prepare" else entry)
            self.fence = False

    def skip(self, number: int) -> None:
        """It has nothing for the job."""
        self._skipped.append(number)

    def new_file(self) -> Iterator[Record]:
        self.fence = True
        if not self._has_format:
            self._has_format = True
            yield from self.skipped()
            yield Format(_FORMAT)

    def skipped(self) -> Iterator[Record]:
        if self._skipped:
            yield Skipped(gtids(self._skipped), 0)
            self._skipped = []

    def _written(self, entry: Entry) -> Iterator[Record]:
        number, version, keys = entry["number"], entry["version"], entry["keys"]
        of, kind = recorded(entry, self.fence), entry["kind"]
        if kind == "ddl":
            self._version, self._knows_loose = -1, False
            yield Definition(of, ddl_event(number), "ALTER TABLE s.t")
            return
        if kind in ("xa commit", "xa rollback"):
            yield XaEnd(of, entry["xid"], kind == "xa commit")
            return
        if kind == "xa prepare":
            events = table_map(version) + rows_event(version, entry["as"], 1, keys) if keys else b""
            yield Transaction(of, events, [], xid=entry["xid"])
            return
        if kind == "loose":
            table = table_map(_LOOSE_VERSION, "loose")
            rows = rows_event(_LOOSE_VERSION, number, 1, keys, table="loose")
            yield Transaction(of, table + rows, [] if self._knows_loose else [table])
            self._knows_loose = True
            return
        maps = [table_map(version)] if self._version != version else []
        self._version = version
        if kind == "tx":
            yield Transaction(of, table_map(version) + rows_event(version, number, 1, keys, entry["pad"]), maps)
            return
        parts = entry["parts"]
        events = table_map(version)
        events += b"".join(rows_event(version, number, parts, keys if part == 0 else []) for part in range(parts))
        cut = max(1, len(events) // parts)  # anywhere
        for part in range(parts):
            yield Part(of, part, False, events[part * cut : (part + 1) * cut], maps if part == 0 else [])
        yield Part(of, parts, True, events[parts * cut :])


# ---- The driver ----


class SimSource(MySQLSource):
    """A MySQL source with a simulated dictionary, snapshot and log; its connections and its clock are the driver's."""

    def look(self, scope: Scope) -> SourceLook:
        with seam(Side.SOURCE, self.endpoint), closing(connect(self.endpoint)) as connection:
            return SourceLook(facts.read_facts(connection))

    def tables(self, scope: Scope, copied: SourceCopy | None, *, tells: bool = False) -> Tables:
        with seam(Side.SOURCE, self.endpoint), closing(connect(self.endpoint)) as connection:
            uuid = str(scalar(connection, "SELECT @@global.server_uuid"))
        return Tables(uuid, self.where, [("s", "t", "s", "t")], copied is not None)

    def open_copy(
        self,
        scope: Scope,
        *,
        readers: int,
        chunk_rows: int | None,
        waits: Waits | None = None,
        resumes: CopyResume | None = None,
    ) -> SourceCopy:
        with seam(Side.SOURCE, self.endpoint), closing(connect(self.endpoint)) as connection:
            query(connection, "SELECT @@global.server_uuid")
        return self._snapshot(scope, resumes)

    def _snapshot(self, _scope: Scope, _resumes: CopyResume | None) -> SourceCopy:
        return SimCopy()

    def open_log(self, plan: LogPlan) -> ChangeLog:
        return SimLog(self.endpoint, plan.start_after, plan.ahead)


@dataclass(frozen=True)
class SimDrivers:
    """`Drivers` of `pipeline/ports.py`: the source is simulated, the target is the driver's over a simulated server."""

    def source(self, end: End) -> SimSource:
        return SimSource(end.endpoint)

    def target(self, end: End) -> MySQLTarget:
        return MySQLTarget(end.endpoint, ApplyMode.EVENTS)

    def delivers(self, _end: End) -> bool:
        return False

    def start_faults(self, *_: object) -> list[Fault]:
        return []

    def warnings(self, *_: object) -> list[str]:
        return []

    def validate(self, *_: object) -> list[Check]:
        return []
