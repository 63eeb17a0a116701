"""One file of a binary log as a source sends it: every event counted, whatever is in it; what is damaged is told."""

from __future__ import annotations

import random
import struct
import uuid

import pytest

from tests.drivers.mysql.stream.dump import PACKET_MAX, PieceSocket, packets
from tests.spoiled import spoil
from udup.base.endpoint import Endpoint
from udup.base.errors import Transient, UdupError
from udup.drivers.mysql.binlog.build import build
from udup.drivers.mysql.binlog.event import ARTIFICIAL, EventType, resized
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.stream.log_file import END, LogEvent, _Reading
from udup.drivers.mysql.stream.packets import PacketBuffer

A = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"

#: The end of a dump that waits for nothing.
EOF = b"\xfe\0\0\2\0"


def _event(kind: int, body: bytes, at: int | None) -> bytes:
    """Return an event that stands at this offset; None: it stands nowhere."""
    made = resized(build(kind, body, with_crc=True), has_crc=True)
    if at is None:
        flags = ARTIFICIAL.to_bytes(2, "little")
        return resized(made[:13] + bytes(4) + flags + made[19:], has_crc=True)
    return resized(made[:13] + struct.pack("<I", at + len(made) & 0xFFFFFFFF) + made[17:], has_crc=True)


class _File:
    """A file that is written event by event; `packets` is how a source sends it."""

    def __init__(self, at: int = 4) -> None:
        self.at = at
        self.payloads: list[bytes] = [b"\0" + _event(EventType.ROTATE, struct.pack("<Q", 4) + b"b.1", None)]
        self.add(EventType.FORMAT_DESCRIPTION, bytes(97) + b"\1")
        self.add(EventType.PREVIOUS_GTIDS, GtidSet.parse(f"{A}:1-4").encode())

    def add(self, kind: int, body: bytes) -> int:
        start = self.at
        event = _event(kind, body, start)
        self.payloads.append(b"\0" + event)
        self.at += len(event)
        return start

    def transaction(self, number: int, *sizes: int) -> int:
        """Commit a transaction with events of so many bytes; return where it stands."""
        body = b"\0" + uuid.UUID(A).bytes + struct.pack("<Q", number) + b"\2" + struct.pack("<qq", 0, 1) + bytes(14)
        start = self.add(EventType.GTID, body)
        for size in sizes:
            self.add(EventType.WRITE_ROWS, bytes(size))
        self.add(EventType.XID, bytes(8))
        return start

    def packets(self, *more: bytes) -> bytes:
        return packets((*self.payloads, *more))


def _read(data: bytes, *, piece: int = 1 << 20) -> list[LogEvent]:
    buffer = PacketBuffer(PieceSocket(data, piece))
    return list(_Reading(Endpoint("here", 1, "u", ""), "b.1", buffer).events())


def _gtids(events: list[LogEvent]) -> dict[int, str]:
    return {event.start: str(event.gtid) for event in events if event.gtid is not None}


@pytest.mark.parametrize("piece", [1, 7, 100, 1 << 20])
def test_transactions_are_found_where_they_stand_however_the_bytes_come(piece: int) -> None:
    file = _File()
    wanted = {file.transaction(number, *[50] * (number % 5)): f"{A}:{number}" for number in range(5, 40)}
    events = _read(file.packets(EOF), piece=piece)
    assert _gtids(events) == wanted
    assert [event.before for event in events if event.before is not None] == [GtidSet.parse(f"{A}:1-4")]
    assert events[-1] == LogEvent(END, file.at, file.at), "a file that is written to ends where it ends now"


def test_large_events_are_counted_and_not_kept() -> None:
    file = _File()
    wanted = {file.transaction(5, 17 << 20): f"{A}:5", file.transaction(6): f"{A}:6"}
    exact = PACKET_MAX - 1 - 19 - 4  # an event that fills a packet to its last byte: an empty one follows
    wanted |= {file.transaction(7, exact): f"{A}:7", file.transaction(8): f"{A}:8"}
    assert _gtids(_read(file.packets(EOF))) == wanted


def test_offsets_go_beyond_what_an_event_can_say_of_itself() -> None:
    file = _File()
    buffer_at = (1 << 32) - 300
    reading = _Reading(Endpoint("here", 1, "u", ""), "b.1", PacketBuffer(PieceSocket(b"")))
    file.at = reading._at = buffer_at
    file.payloads.clear()
    wanted = {file.transaction(number, 100): f"{A}:{number}" for number in range(5, 9)}
    reading._packets = PacketBuffer(PieceSocket(file.packets(EOF)))
    assert _gtids(list(reading.events())) == wanted and max(wanted) > 1 << 32


@pytest.mark.parametrize("kind", [EventType.ROTATE, EventType.STOP])
def test_what_ends_a_file_ends_the_reading(kind: EventType) -> None:
    file = _File()
    file.transaction(5)
    ending = file.add(kind, struct.pack("<Q", 4) + b"b.2" if kind == EventType.ROTATE else b"")
    end = file.at
    following = _event(EventType.ROTATE, struct.pack("<Q", 4) + b"b.2", None)
    events = _read(file.packets(b"\0" + following))
    assert [(event.kind, event.start) for event in events[-2:]] == [(kind, ending), (END, end)]


def test_the_next_file_is_not_this_one_where_a_crash_has_left_this_without_an_end() -> None:
    file = _File()
    file.transaction(5)
    end = file.at
    events = _read(file.packets(b"\0" + _event(EventType.ROTATE, struct.pack("<Q", 4) + b"b.2", None)))
    assert events[-1] == LogEvent(END, end, end)


def test_an_error_of_the_source_is_told() -> None:
    refusal = b"\xff" + struct.pack("<H", 1236) + b"#HY000Could not find first log file name"
    with pytest.raises(UdupError, match=r"does not give its file b\.1: .*1236"):
        _read(_File().packets(refusal))


def test_an_event_that_does_not_stand_where_it_says_is_told() -> None:
    file = _File()
    file.transaction(5, 60)
    del file.payloads[4]  # a rows event is missing
    file.transaction(6)
    with pytest.raises(Transient, match="sent what is no event at"):
        _read(file.packets(EOF))


def test_whatever_comes_it_is_read_or_told_and_no_gtid_is_made_up() -> None:
    file = _File()
    wanted = {file.transaction(number, 30, 40): f"{A}:{number}" for number in range(5, 12)}
    good = file.packets(EOF)
    chance = random.Random(7)
    told = 0
    for _ in range(3000):
        try:
            found = _gtids(_read(spoil(good, chance, changes=(1, 2, 5), values=(0, 1, 0xFE, 0xFF), longest=60)))
        except UdupError:
            told += 1
            continue
        assert set(found.values()) <= set(wanted.values())
    assert told > 1000
