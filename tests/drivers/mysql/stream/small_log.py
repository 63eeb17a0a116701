"""A source's log in memory, in files, and dumps of it as a server sends them: each leaves out the GTIDs of its set."""

from __future__ import annotations

import itertools
import random
import struct
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from udup.base.errors import Unavailable
from udup.drivers.mysql.binlog.build import build
from udup.drivers.mysql.binlog.event import ARTIFICIAL, EventType, resized
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.stream.point import BEATS, GTIDS

A, B = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa", "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb"

HEAD = (EventType.ROTATE, EventType.FORMAT_DESCRIPTION, EventType.PREVIOUS_GTIDS)


def event(kind: int, body: bytes, at: int | None) -> bytes:
    """Return an event that stands at this offset; None: it stands nowhere."""
    made = resized(build(kind, body, with_crc=True), has_crc=True)
    if at is None:
        return resized(made[:13] + bytes(4) + ARTIFICIAL.to_bytes(2, "little") + made[19:], has_crc=True)
    return resized(made[:13] + struct.pack("<I", at + len(made)) + made[17:], has_crc=True)


BEAT = event(EventType.HEARTBEAT, b"b.1", None)


@dataclass
class _File:
    name: str
    before: GtidSet
    events: list[tuple[str, bytes]] = field(default_factory=list)  # each with the GTID of its transaction
    size: int = 4

    def add(self, gtid: str, kind: int, body: bytes) -> None:
        made = event(kind, body, self.size)
        self.events.append((gtid, made))
        self.size += len(made)


class SmallLog:
    """`write` and `rotate` add to it; `dump` reads it, also while it grows."""

    def __init__(self, server_uuid: str = A) -> None:
        self.server_uuid = server_uuid
        self.executed = GtidSet()
        self.files: list[_File] = []
        self.changed = threading.Condition()
        self.dumps = 0
        self._numbers = itertools.count(1)
        self._begin_file()

    def _begin_file(self) -> None:
        file = _File(f"b.{len(self.files) + 1}", self.executed.copy())
        file.add("", EventType.FORMAT_DESCRIPTION, bytes(97) + b"\1")
        file.add("", EventType.PREVIOUS_GTIDS, self.executed.encode())
        self.files.append(file)

    def rotate(self) -> None:
        with self.changed:
            self.files[-1].add("", EventType.ROTATE, struct.pack("<Q", 4) + f"b.{len(self.files) + 1}".encode())
            self._begin_file()
            self.changed.notify_all()

    def write(self, number: int, rows: int = 1, source: str = A) -> None:
        """Commit a transaction with so many rows events, all different."""
        with self.changed:
            file, gtid = self.files[-1], f"{source}:{number}"
            body = b"\0" + uuid.UUID(source).bytes + struct.pack("<Q", number) + b"\2" + struct.pack("<qq", 0, 1)
            file.add(gtid, EventType.GTID, body + next(self._numbers).to_bytes(7, "little"))
            for _ in range(rows):
                file.add(gtid, EventType.WRITE_ROWS, next(self._numbers).to_bytes(8, "little") * 4)
            file.add(gtid, EventType.XID, next(self._numbers).to_bytes(8, "little"))
            self.executed.add(source, number)
            self.changed.notify_all()

    def grow(self, chance: random.Random, numbers: Iterator[int]) -> None:
        """Add something by chance."""
        if chance.random() < 0.15:
            self.rotate()
        else:
            self.write(next(numbers), chance.choice((0, 1, 1, 2, 5)), chance.choice((A, A, B)))

    def dump(self, start_after: GtidSet) -> SmallDump:
        self.dumps += 1
        return SmallDump(self, start_after, self.dumps)

    def sent(self, start_after: GtidSet) -> list[bytes]:
        """Return all that a dump has to send now, without heartbeats."""
        dump, found = self.dump(start_after), []
        while dump.has_more:
            found.append(dump.next())
        return found


class SmallDump:
    """As a `BinlogStream`. It waits at the log's end, and sends a heartbeat when nothing comes for a moment."""

    def __init__(self, log: SmallLog, start_after: GtidSet, number: int) -> None:
        self.server_uuid, self.session_number = log.server_uuid, number
        self._log, self._start_after = log, start_after.copy()
        self._file = max(at for at, file in enumerate(log.files) if not at or file.before <= start_after)
        self._at = -1  # the ROTATE that the server makes up in front of each file
        self.closed = False

    def _seek(self) -> bytes | None:
        """Return the next event, None at the end."""
        while True:
            file = self._log.files[self._file]
            if self._at < 0:
                return event(EventType.ROTATE, struct.pack("<Q", 4) + file.name.encode(), None)
            if self._at < len(file.events):
                gtid, found = file.events[self._at]
                if not gtid or not GtidSet.parse(gtid) <= self._start_after:
                    return found
                self._at += 1
            elif self._file + 1 < len(self._log.files):
                self._file, self._at = self._file + 1, -1
            else:
                return None

    @property
    def has_more(self) -> bool:
        with self._log.changed:
            return self._seek() is not None

    def waits(self, seconds: float) -> bool:
        with self._log.changed:
            if self._seek() is None and not self.closed:
                self._log.changed.wait(seconds)
            return self._seek() is None

    def next(self) -> bytes:
        with self._log.changed:
            found = self._seek()
            assert found is not None
            self._at += 1
            return found

    def __iter__(self) -> Iterator[bytes]:
        while True:
            with self._log.changed:
                found = self._seek()
                if found is None and not self.closed:
                    self._log.changed.wait(0.002)
                    found = self._seek()
                if self.closed:
                    raise Unavailable("the source closed the connection")
                if found is not None:
                    self._at += 1
            yield BEAT if found is None else found

    def close(self) -> None:
        with self._log.changed:
            self.closed = True
            self._log.changed.notify_all()


class SmallNames:
    """Who stands in for which job; `others` are jobs that another node has by now."""

    def __init__(self) -> None:
        self.held: set[str] = set()
        self.others: set[str] = set()
        self.closed = False

    def take(self, replica: object, number: int) -> bool:
        uuid_of = replica.uuid  # type: ignore[attr-defined]
        if uuid_of not in self.others:
            self.held.add(uuid_of)
        return uuid_of in self.held

    def give_back(self, replica: object) -> None:
        self.held.discard(replica.uuid)  # type: ignore[attr-defined]

    def check(self) -> None:
        """It is there."""

    def close(self) -> None:
        self.closed = True


def is_beat(found: bytes) -> bool:
    return found[4] in BEATS


def begins(found: bytes) -> bool:
    return found[4] in GTIDS
