"""The source: its log, its rows at each position, and stand-ins for what reads a MySQL source.

A transaction of number n appends n to each of its rows, so that a row is its own history: order, repetition and loss
show by themselves, and no missing before-image ends a run before they do.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from tests.sim.scenario import Entry
from tests.sim.world import EPOCH, MS, US, Fiber, S, World
from udup.base.errors import Transient
from udup.drivers.mysql.binlog.event import STMT_END, EventType, build
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.dictionary.catalog import Catalog, Column, Table
from udup.drivers.mysql.snapshot.reader import Piece, TableTotal
from udup.drivers.mysql.stream.continuity import Continuity
from udup.pipeline.records import Beat, Definition, Format, Mark, Part, Record, Skipped, Transaction, XaEnd
from udup.pipeline.stamps import Stamps

UUID = "00000000-0000-0000-0000-000000000001"
#: What a job that does not copy begins after: an origin of its own.
BEGINNING = "00000000-0000-0000-0000-000000000002:1"

pack, unpack = msgspec.msgpack.encode, msgspec.msgpack.decode

_FORMAT = build(EventType.FORMAT_DESCRIPTION, b"\0" * 60 + b"\1", with_crc=True)
_FIRST_TABLE_ID = 200
#: Of the table whose rows nothing undoes. No DDL changes it.
_LOOSE_VERSION = 1000
_COLUMN = Column("k", "varchar", "varchar(9)", "utf8mb4", "utf8mb4_bin", nullable=False, generated=False, octets=36)


def gtids(numbers: Any) -> str:
    found = GtidSet()
    for number in numbers:
        found.add(UUID, number)
    return str(found)


def table_map(version: int, table: str = "t") -> bytes:
    """The id says how often the table was changed: a stand-in for its columns."""
    name = table.encode()
    body = (_FIRST_TABLE_ID + version).to_bytes(6, "little") + b"\1\0"
    body += b"\1s\0" + bytes([len(name)]) + name + b"\0" + b"\1\x0f" + b"\2\x24\0" + b"\0"
    return build(EventType.TABLE_MAP, body, with_crc=True)


def version_of(event: bytes) -> int:
    return int.from_bytes(event[19:25], "little") - _FIRST_TABLE_ID


def rows_event(version: int, number: int, parts: int, keys: list[str], pad: int = 0) -> bytes:
    body = (_FIRST_TABLE_ID + version).to_bytes(6, "little") + struct.pack("<HH", STMT_END, 2)
    return build(EventType.WRITE_ROWS, body + pack([number, parts, keys, b"x" * pad]), with_crc=True)


def ddl_event(number: int) -> bytes:
    sql = f"ALTER TABLE s.t COMMENT = '{number}'".encode()
    return build(EventType.QUERY, struct.pack("<IIBHH", 1, 0, 1, 0, 0) + b"s\0" + sql, with_crc=False)


class Source:
    """`current` is that of the history that runs."""

    current: Source

    def __init__(self, world: World, log: list[Entry]) -> None:
        self.world, self.log = world, log
        self.streams: list[SimStream] = []
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
        return [((EPOCH + self.world.now) // 1000, self.executed())]


# ---- Stand-ins for the snapshot ----


class SimBaseline:
    """Everything as of this moment; itself, its snapshot and its locked tables."""

    def __init__(self, *_: Any) -> None:
        world, source = World.current, Source.current
        world.block(world.between("snapshot", 1 * MS, 30 * MS))
        self.gtid_set = source.executed()
        at = GtidSet.parse(self.gtid_set)
        self.rows = sorted(source.rows_at(at).items())
        ddl = json.dumps([number for number in source.ddl if at.contains(UUID, number)])
        create = (
            f"CREATE TABLE `t` (\n  `k` varchar(9) NOT NULL COMMENT '{ddl}',\n  `v` text,\n  PRIMARY KEY (`k`),\n"
            "  KEY `v` (`v`(9))\n) ENGINE=InnoDB"
        )
        self.snapshot = self.locked = self
        self.catalog = Catalog((), (Table("s", "t", (_COLUMN,), ("k",), 1, 1, create, "PRIMARY"),), ())

    def close(self) -> None: ...


class SimReader:
    """Chunks of two rows each."""

    def __init__(self, snapshot: SimBaseline, _tables: Any, on_table: Callable[[TableTotal], None], *_: Any, **__: Any):
        rows = snapshot.rows
        self._chunks = [rows[at : at + 2] for at in range(0, len(rows), 2)]
        self._total = TableTotal(0, len(self._chunks), len(rows))
        self._next, self._on_table, self.failed, self._told = 0, on_table, False, False

    def stop(self) -> None:
        self.failed = True

    def run(self, _reader: int, emit: Callable[[Piece], None]) -> None:
        world = World.current
        while self._next < len(self._chunks) and not self.failed:
            number, self._next = self._next, self._next + 1
            world.block(world.between(f"chunk {number}", 100 * US, 40 * MS))
            data, rows = pack(self._chunks[number]), len(self._chunks[number])
            emit(Piece(0, number, 0, False, 0, data[: len(data) // 2]))
            emit(Piece(0, number, 1, True, rows, data[len(data) // 2 :]))
        if not self._told and not self.failed:
            self._told = True
            self._on_table(self._total)


# ---- Stand-ins for the log ----


def continuity(*_: Any) -> Continuity:
    return Continuity(UUID, Stamps())


class SimStream:
    """Events that name an entry of the log."""

    def __init__(self, _endpoint: Any, _server_id: int, start_after: GtidSet, _replica_uuid: str) -> None:
        world = World.current
        world.block(world.between("dump", 500 * US, 5 * MS))
        self.world, self.process = world, world.process
        self._log = Source.current.log
        self._at = 0
        self._after = start_after.copy()
        self._closed = False
        self._fiber: Fiber | None = None
        Source.current.streams.append(self)

    def close(self) -> None:
        self._closed = True
        if self._fiber is not None:
            self._fiber.wake()

    @property
    def has_more(self) -> bool:
        return self._at < len(self._log) and self._log[self._at]["at"] <= self.world.now

    def __iter__(self) -> Iterator[bytes]:
        world = self.world
        self._fiber = world.here
        yield _event(EventType.FORMAT_DESCRIPTION, 0)
        while True:
            if self._closed:
                raise Transient("the source's stream was lost")
            if self.has_more:
                entry = self._log[self._at]
                self._at += 1
                if not self._after.contains(UUID, entry["number"]):
                    world.block(world.between("read", 5 * US, 60 * US))
                    yield _event(EventType.GTID, entry["number"])
                elif entry["rotate"]:
                    yield _event(EventType.FORMAT_DESCRIPTION, 0)
                continue
            due = self._log[self._at]["at"] - world.now if self._at < len(self._log) else 1 * S
            if not world.park(min(due, 1 * S)) and due >= 1 * S:
                yield _event(EventType.HEARTBEAT, 0)


def _event(kind: int, number: int) -> bytes:
    return build(kind, pack(number), with_crc=False)


class SimAssembler:
    """Entries of the log become records, as the real one would make them."""

    def __init__(self) -> None:
        self._log = Source.current.log
        self._fence, self._has_format, self._version, self._knows_loose = True, False, -1, False
        self._skipped: list[int] = []

    def feed(self, data: bytes) -> Iterator[Record]:
        if data[4] == EventType.HEARTBEAT:
            yield from self.flush_skipped()
            yield Beat(0)
        elif data[4] == EventType.FORMAT_DESCRIPTION:
            yield from self._new_file()
        else:
            entry = self._log[unpack(data[19:]) - 1]
            if entry["rotate"]:
                yield from self._new_file()
            if entry["kind"] == "skip":
                self._skipped.append(entry["number"])
            else:
                yield from self.flush_skipped()
                yield from self._records(entry)
                self._fence = False

    def _records(self, entry: Entry) -> Iterator[Record]:
        number, version, keys = entry["number"], entry["version"], entry["keys"]
        at = (EPOCH + entry["at"]) // 1000
        mark = Mark(UUID, number, entry["needs"], entry["sequence"], at, self._fence, at)
        kind = entry["kind"]
        if kind == "ddl":
            self._version, self._knows_loose = -1, False
            yield Definition(mark, ddl_event(number), "ALTER TABLE s.t")
            return
        if kind in ("xa commit", "xa rollback"):
            yield XaEnd(mark, entry["xid"], kind == "xa commit")
            return
        if kind == "xa prepare":
            yield Transaction(
                mark, table_map(version) + rows_event(version, entry["as"], 1, keys), [], xid=entry["xid"]
            )
            return
        if kind == "loose":
            table = table_map(_LOOSE_VERSION, "loose")
            yield Transaction(
                mark, table + rows_event(_LOOSE_VERSION, number, 1, keys), [] if self._knows_loose else [table]
            )
            self._knows_loose = True
            return
        maps = [table_map(version)] if self._version != version else []
        self._version = version
        if kind == "tx":
            yield Transaction(mark, table_map(version) + rows_event(version, number, 1, keys, entry["pad"]), maps)
            return
        parts = entry["parts"]
        events = table_map(version)
        events += b"".join(rows_event(version, number, parts, keys if part == 0 else []) for part in range(parts))
        cut = max(1, len(events) // parts)  # anywhere
        for part in range(parts):
            yield Part(mark, part, False, events[part * cut : (part + 1) * cut], maps if part == 0 else [])
        yield Part(mark, parts, True, events[parts * cut :])

    def _new_file(self) -> Iterator[Record]:
        self._fence = True
        if not self._has_format:
            self._has_format = True
            yield from self.flush_skipped()
            yield Format(_FORMAT)

    def flush_skipped(self) -> Iterator[Record]:
        if self._skipped:
            yield Skipped(gtids(self._skipped), 0)
            self._skipped = []
