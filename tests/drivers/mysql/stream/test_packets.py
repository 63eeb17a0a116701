"""Events out of the packets of a dump: all of them, however the bytes come, and what is no event is told."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from tests.drivers.mysql.stream.dump import PACKET_MAX, PieceSocket, packets
from udup.base.endpoint import Endpoint
from udup.base.errors import Refused, Transient, UdupError, Unavailable
from udup.drivers.mysql.binlog.build import build
from udup.drivers.mysql.binlog.event import EventType, resized
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.stream import stream as module
from udup.drivers.mysql.stream.opening import HEARTBEAT_SECONDS
from udup.drivers.mysql.stream.packets import QUIET_SECONDS, QUIETS
from udup.drivers.mysql.stream.stream import BinlogStream

#: FORMAT_DESCRIPTIONs of logs with and without checksums.
WITH, WITHOUT = (
    resized(build(EventType.FORMAT_DESCRIPTION, bytes(97) + flag, with_crc=True), has_crc=True)
    for flag in (b"\1", b"\0")
)


def _stream(data: bytes, monkeypatch: pytest.MonkeyPatch, piece: int = 1 << 20) -> BinlogStream:
    connection: Any = SimpleNamespace(server_uuid="uuid", _sock=PieceSocket(data, piece))
    monkeypatch.setattr(module, "open_dump", lambda *_: (connection, None))
    return BinlogStream(Endpoint("here", 1, "u", ""), 1, GtidSet(), "")


def _events(found: Iterator[bytes]) -> tuple[list[bytes], UdupError]:
    """Return the events up to the error that ends them."""
    events = []
    try:
        for event in found:
            events.append(event)
    except UdupError as error:
        return events, error
    raise AssertionError("a dump that ends without an error")


def _made(kind: EventType, size: int) -> bytes:
    return resized(build(kind, bytes(size), with_crc=True), has_crc=True)


@pytest.mark.parametrize("piece", [1, 7, 1000, 1 << 20])
def test_all_events_come_however_the_bytes_do(monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    large = [_made(EventType.WRITE_ROWS, size) for size in ([17 << 20, PACKET_MAX - 24] if piece > 7 else [])]
    sent = [WITH, *(_made(EventType.XID, size) for size in range(300)), *large, _made(EventType.XID, 8)]
    stream = _stream(packets(b"\0" + event for event in sent), monkeypatch, piece)
    events, error = _events(iter(stream))
    assert events == sent
    assert isinstance(error, Unavailable) and "closed the connection" in str(error)


def test_it_has_more_until_the_last_event_that_has_arrived(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = [WITH, *(_made(EventType.XID, size) for size in range(3))]
    stream = _stream(packets(b"\0" + event for event in sent), monkeypatch)
    events = iter(stream)
    assert [(next(events), stream.has_more)[1] for _ in sent] == [True, True, True, False]


def test_a_clean_stop_in_a_log_without_checksums_is_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has nothing behind its header, and more may follow in the next file."""
    stop = build(EventType.STOP, b"", with_crc=False)
    sent = [WITHOUT, stop, WITHOUT, build(EventType.XID, bytes(8), with_crc=False)]
    assert len(stop) == 19
    assert _events(iter(_stream(packets(b"\0" + event for event in sent), monkeypatch)))[0] == sent


@pytest.mark.parametrize(
    ("payload", "kind", "says"),
    [
        (b"\0" + bytes(18), Transient, "no event"),
        (b"\x07" + _made(EventType.XID, 8), Transient, "no event"),
        (b"\0" + _made(EventType.XID, 8)[:-1] + b"\0", Transient, "wrong checksum"),
        (b"\0" + _made(EventType.XID, 8) + b"\0", Transient, "says it has"),
        (b"\xfe\0\0\2\0", Unavailable, "ended the binlog dump"),
        (b"\xff\xd4\x04#HY000the master has purged required logs", Refused, "purged"),
    ],
)
def test_what_is_no_event_is_told_behind_those_before_it(
    monkeypatch: pytest.MonkeyPatch, payload: bytes, kind: type[UdupError], says: str
) -> None:
    good = [WITH, _made(EventType.XID, 8)]
    data = packets([*(b"\0" + event for event in good), payload, b"\0" + _made(EventType.XID, 9)])
    events, error = _events(iter(_stream(data, monkeypatch)))
    assert events == good
    assert isinstance(error, kind) and says in str(error)


def test_a_packet_that_is_missing_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = [WITH, *(_made(EventType.XID, size) for size in (1, 2, 3))]
    data = packets(b"\0" + event for event in sent)
    lost = packets([b"\0" + WITH, b"\0" + sent[1]])
    damaged = lost + data[len(lost) + len(sent[2]) + 5 :]
    events, error = _events(iter(_stream(damaged, monkeypatch)))
    assert events == sent[:2]
    assert "number 4 where 3 is due" in str(error)


def test_memory_is_taken_only_for_what_comes() -> None:
    """In a process of its own, where nothing was freed that could be taken again."""
    program = (
        "import psutil\n"
        "from udup.drivers.mysql.stream.packets import READ_BYTES, PacketBuffer\n"
        "before = psutil.Process().memory_info().rss\n"
        "quiet = [PacketBuffer(None) for _ in range(100)]\n"
        "print((psutil.Process().memory_info().rss - before) / (len(quiet) * READ_BYTES))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert float(found) < 0.25


class _QuietSocket:
    """One on which nothing comes for a number of its time limits, and then this."""

    def __init__(self, limits: int, data: bytes) -> None:
        self.limits, self.data = limits, data

    def recv_into(self, room: Any) -> int:
        if self.limits:
            self.limits -= 1
            raise TimeoutError
        data, self.data = self.data, b""
        room[: len(data)] = data
        return len(data)


def _quiet(limits: int, monkeypatch: pytest.MonkeyPatch) -> tuple[list[float], list[bytes], UdupError]:
    connection: Any = SimpleNamespace(server_uuid="uuid", _sock=_QuietSocket(limits, packets([b"\0" + WITH])))
    monkeypatch.setattr(module, "open_dump", lambda *_: (connection, None))
    told: list[float] = []
    events, error = _events(iter(BinlogStream(Endpoint("here", 1, "u", ""), 1, GtidSet(), "", told.append)))
    return told, events, error


def test_a_source_that_says_nothing_is_told_long_before_it_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    told, events, _ = _quiet(QUIETS - 1, monkeypatch)
    assert [round(each, 1) for each in told] == [3.3, 6.7, 10.0, 13.3, 16.7]
    assert events == [WITH], "and it goes on when it comes back"
    told, events, error = _quiet(QUIETS, monkeypatch)
    assert isinstance(error, Unavailable) and "not even a heartbeat, for 20 s" in str(error)
    assert len(told) == QUIETS - 1 and not events
    assert HEARTBEAT_SECONDS * 2 < QUIET_SECONDS, "one heartbeat may be lost, and that of the next be late"
