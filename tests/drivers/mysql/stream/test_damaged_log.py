"""A binary log that is not what its lengths say: whatever comes, there is an event or an error, soon and in bounds."""

from __future__ import annotations

import random
import struct
import time
import uuid
from collections.abc import Callable
from contextlib import closing

import pytest

from tests.applied import run
from tests.fake_mysql import Conversation, FakeServer, decent, error, packet, serving
from tests.spoiled import spoil
from udup.base.errors import Refused, Transient, UdupError, Unavailable, Unsupported
from udup.drivers.mysql.binlog.build import build
from udup.drivers.mysql.binlog.event import CRC_SIZE, HEADER_SIZE, EventType, resized
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.binlog.payload import inner_events
from udup.drivers.mysql.binlog.table_map import table_name
from udup.drivers.mysql.ddl.query_classifier import QueryClassifier
from udup.drivers.mysql.stream import packets
from udup.drivers.mysql.stream import stream as stream_module
from udup.drivers.mysql.stream.assembly import Assembler
from udup.drivers.mysql.stream.stream import BinlogStream
from udup.pipeline.selection.renames import Renaming
from udup.pipeline.selection.selection import Selection
from udup.sandbox.server import MysqlServer

#: Seconds in which anything damaged must have come to its end.
SOON = 10.0

COM_BINLOG_DUMP_GTID = 0x1E

#: What the last row of the log holds.
LAST = "the-last-row"


def _source(dump: Callable[[Conversation], None]) -> FakeServer:
    """A source that treats a dump like this."""

    def answer(conversation: Conversation, command: bytes) -> None:
        if command[0] == COM_BINLOG_DUMP_GTID:
            conversation.number = 1
            dump(conversation)
            conversation.drain()
        else:
            decent(conversation, command)

    return FakeServer(serving(answer))


def _log_of(*packets: bytes) -> FakeServer:
    """A source whose dump is these packets' payloads, and no end."""
    return _source(lambda conversation: conversation.send(*packets))


def _read(server: FakeServer) -> list[bytes]:
    stream = BinlogStream(server.endpoint(), 900_302, GtidSet(), str(uuid.uuid4()))
    with closing(stream):
        return list(stream)


def _event(kind: int, body: bytes) -> bytes:
    return resized(build(kind, body, with_crc=True), has_crc=True)


def _saying(event: bytes, size: int) -> bytes:
    return event[:9] + struct.pack("<I", size) + event[13:]


HEARTBEAT = _event(EventType.HEARTBEAT, b"binlog.000001")
PAYLOAD = _event(EventType.TRANSACTION_PAYLOAD, b"\1\1\1" * 40)

PACKETS = {
    "an empty packet": b"",
    "an OK and nothing": b"\0",
    "half a header": b"\0" + HEARTBEAT[:10],
    "a header alone": b"\0" + HEARTBEAT[:HEADER_SIZE],
    "a request for a file": b"\xfb/etc/passwd",
    "no marker": HEARTBEAT,
    "a longer size": b"\0" + _saying(HEARTBEAT, 1 << 31),
    "a shorter size": b"\0" + _saying(HEARTBEAT, 3),
    "fields without end": b"\0" + PAYLOAD,
    "an error without text": b"\xff",
    "the end": b"\xfe\0\0\2\0",
}


@pytest.mark.parametrize("name", PACKETS)
def test_a_packet_that_holds_no_event_ends_the_stream(name: str) -> None:
    with _log_of(b"\0" + HEARTBEAT, PACKETS[name]) as server:
        begun = time.monotonic()
        with pytest.raises(Transient):
            _read(server)
        assert time.monotonic() - begun < SOON


@pytest.mark.parametrize(
    ("code", "kind", "told"),
    [
        (1053, Unavailable, "Server shutdown in progress"),
        (1227, Refused, "GRANT REPLICATION SLAVE ON"),
        (1236, Transient, "could not find the next event"),
        (9999, Transient, "something else"),
    ],
)
def test_an_error_in_the_place_of_an_event_means_what_its_number_says(
    code: int, kind: type[UdupError], told: str
) -> None:
    words = {
        1227: "Access denied; you need (at least one of) the REPLICATION SLAVE privilege(s) for this operation",
    }.get(code, told)
    with _log_of(b"\0" + HEARTBEAT, error(words, code)) as server, pytest.raises(UdupError) as found:
        _read(server)
    assert type(found.value) is kind
    assert told in str(found.value) and f"error {code}" in str(found.value)
    assert "refuses the binlog dump" in str(found.value)


def test_packets_out_of_their_order_end_the_stream() -> None:
    late = packet(b"\0" + HEARTBEAT, 2)
    with (
        _source(lambda conversation: conversation.raw(late)) as server,
        pytest.raises(Transient, match="number 2 where 1 is due"),
    ):
        _read(server)


def test_an_event_without_end_is_not_gathered_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "EVENT_MAX", 20 << 20)
    with (
        _log_of(*[(b"\0" + HEARTBEAT).ljust(0xFFFFFF, b"a")] * 3) as server,
        pytest.raises(Transient, match="an event of more than"),
    ):
        _read(server)


@pytest.mark.slow
def test_a_packet_that_trickles_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packets, "PACKET_SECONDS", 1.0)

    def dump(conversation: Conversation) -> None:
        for byte in packet(b"\0" + HEARTBEAT, 1):
            conversation.raw(bytes([byte]))
            time.sleep(0.1)

    with _source(dump) as server, pytest.raises(Transient, match="was not complete within 1 s"):
        _read(server)


@pytest.mark.parametrize("size", [0, HEADER_SIZE - 1, 0xFFFFFFFF])
def test_an_event_inside_a_compressed_transaction_that_lies_about_its_size_is_refused(size: int) -> None:
    inside = _saying(HEARTBEAT, size)
    with pytest.raises(Transient, match=f"says it has {size} bytes"):
        list(inner_events(iter([inside]), 255))


# ---- The events of a real log, spoilt ----


def _logged(source: MysqlServer, schema: str) -> list[bytes]:
    """Events of every kind that a job reads: definitions, rows, a compressed transaction taken apart, XA."""
    before = run(
        source.endpoint,
        f"CREATE DATABASE {schema}",
        f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, a JSON, b VARCHAR(100), c ENUM('x', 'y'), d DECIMAL(20, 4))",
        f"INSERT INTO {schema}.t VALUES (1, '[1]', 'b', 'x', 1.5), (2, NULL, NULL, NULL, NULL)",
        f"UPDATE {schema}.t SET b = REPEAT('c', 90)",
        f"DELETE FROM {schema}.t",
        f"ALTER TABLE {schema}.t ADD e DATETIME(6)",
        f"XA START '{schema}'",
        f"INSERT INTO {schema}.t (id) VALUES (6)",
        f"XA END '{schema}'",
        f"XA PREPARE '{schema}'",
        f"XA COMMIT '{schema}'",
        "SET SESSION binlog_transaction_compression = ON",
        f"INSERT INTO {schema}.t (id, b) VALUES (5, '{LAST}')",
    )
    events: list[bytes] = []
    with closing(BinlogStream(source.endpoint, 900_303, before, str(uuid.uuid4()))) as stream:
        for event in stream:
            events.append(event)
            if event[4] == EventType.XID and any(LAST.encode() in each for each in events[-3:]):
                break
    assert {EventType.QUERY, EventType.TABLE_MAP, EventType.WRITE_ROWS, EventType.XA_PREPARE} <= {e[4] for e in events}
    return events


def _spoilt(event: bytes, chance: random.Random) -> bytes:
    """Bytes behind the header changed, left out or doubled; size and checksum are right again."""
    values = [0, 1, 0x7F, 0x80, 0xFB, 0xFC, 0xFE, 0xFF]
    body = spoil(event[HEADER_SIZE:-CRC_SIZE], chance, changes=[1, 1, 2, 6], values=values, longest=30)
    return resized(event[:HEADER_SIZE] + body + event[-CRC_SIZE:], has_crc=True)


def _assembler() -> Assembler:
    selection = Selection()
    renaming = Renaming(selection)
    return Assembler(selection, QueryClassifier(selection, False, renaming).decide, renaming)


def test_no_change_of_any_event_leads_to_anything_but_records_or_an_error(source: MysqlServer, schema: str) -> None:
    """By a generator that begins the same each time; one event of the log is spoilt at a time."""
    events = _logged(source, schema)
    chance = random.Random("damaged log")
    refused = 0
    begun = time.monotonic()
    for turn in range(40 * len(events)):
        spoilt = turn % len(events)
        assembler = _assembler()
        try:
            for place, event in enumerate(events[: spoilt + 3]):
                for _ in assembler.feed(_spoilt(event, chance) if place == spoilt else event):
                    pass
        except UdupError:
            refused += 1
    assert refused > len(events)
    assert time.monotonic() - begun < 60


def test_an_event_that_ends_too_early_is_told_with_its_type() -> None:
    short = _event(EventType.GTID, b"\0\1\2")
    with pytest.raises(Unsupported, match=r"an event of type 33 of 26 bytes cannot be read .* mysqlbinlog"):
        list(_assembler().feed(short))


# ---- Events in which MySQL would find another table than Udup ----


def _format_description(lengths: dict[int, int], header: int = HEADER_SIZE) -> bytes:
    standard = {EventType.TABLE_MAP: 8, **dict.fromkeys((23, 24, 25), 8), **dict.fromkeys((30, 31, 32, 39), 10)}
    all_of_them = bytes((standard | lengths).get(kind, 0) for kind in range(1, 43))
    front = struct.pack("<H50sIB", 4, b"8.4.0", 0, header)
    return _event(EventType.FORMAT_DESCRIPTION, front + all_of_them + b"\1")


@pytest.mark.parametrize("kind", [EventType.TABLE_MAP, EventType.WRITE_ROWS, EventType.DELETE_ROWS_V1])
def test_a_log_whose_events_are_laid_out_in_another_way_is_refused(kind: EventType) -> None:
    with pytest.raises(Unsupported, match=f"{kind.name} events begin with 6 bytes"):
        list(_assembler().feed(_format_description({kind: 6})))
    with pytest.raises(Unsupported, match="headers of another length"):
        list(_assembler().feed(_format_description({}, header=27)))
    assert list(_assembler().feed(_format_description({})))


@pytest.mark.parametrize(
    "names",
    [
        b"\xfc\2\0" + b"ok\0\2ok\0" + b"x" * 300,  # MySQL reads the length as two bytes behind the first
        b"\2ok\0\xfc" + b"x" * 300,
        b"\2okx\2ok\0",  # no end of the schema's name
        b"\2ok\0\2okx",
    ],
)
def test_names_that_mysql_would_read_in_another_way_are_refused(names: bytes) -> None:
    with pytest.raises(Unsupported, match="a name that is none"):
        table_name(_event(EventType.TABLE_MAP, b"\1\0\0\0\0\0\1\0" + names + bytes(10)))
    assert str(table_name(_event(EventType.TABLE_MAP, b"\1\0\0\0\0\0\1\0\2ok\0\1t\0" + bytes(10)))) == "ok.t"
