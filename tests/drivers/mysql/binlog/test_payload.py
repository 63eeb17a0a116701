"""A compressed transaction is the events that are in it, in whatever pieces it comes."""

from __future__ import annotations

import random
import tracemalloc

import pytest
import zstandard

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.build import build
from udup.drivers.mysql.binlog.event import EventType
from udup.drivers.mysql.binlog.payload import data_offset, inner_events

ZSTD, NONE = 0, 255
_DICE = random.Random(1)
EVENTS = [build(EventType.WRITE_ROWS, _DICE.randbytes(size), with_crc=False) for size in (10, 0, 5000, 200_000, 1)]
DATA = b"".join(EVENTS)


def _pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


@pytest.mark.parametrize("size", [7, 1000, 1 << 20])
def test_events_come_out_whole_however_they_are_cut(size: int) -> None:
    assert list(inner_events(_pieces(zstandard.compress(DATA), size), ZSTD)) == EVENTS
    assert list(inner_events(_pieces(DATA, size), NONE)) == EVENTS


def test_a_payload_that_breaks_off_is_refused() -> None:
    with pytest.raises(Unsupported, match="in the middle of an event"):
        list(inner_events([DATA[:-1]], NONE))


def test_a_frame_that_breaks_off_is_refused() -> None:
    compressed = zstandard.compress(DATA)
    with pytest.raises(Unsupported):
        list(inner_events([compressed[: len(compressed) // 2]], ZSTD))


def test_an_unknown_algorithm_is_refused_by_its_number() -> None:
    with pytest.raises(Unsupported, match="7"):
        list(inner_events([DATA], 7))


def test_the_fields_before_the_data_are_read_in_any_order() -> None:
    body = b"\x02\x01\x00" + b"\x03\x03\xfc\x00\x10" + b"\x01\x01\x05" + b"\x00" + b"12345"
    event = build(EventType.TRANSACTION_PAYLOAD, body, with_crc=True)
    offset, size, algorithm = data_offset(event)
    assert event[offset : offset + size] == b"12345" and algorithm == ZSTD


def test_memory_holds_a_piece_and_an_event_and_not_the_whole() -> None:
    """Equal rows compress to almost nothing; they must not come out at once."""
    event = build(EventType.WRITE_ROWS, bytes(8000), with_crc=False)
    compressed = zstandard.compress(event * 20_000)  # 160 MB
    assert len(compressed) < 64 << 10
    tracemalloc.start()
    count = sum(1 for _ in inner_events([compressed], ZSTD))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 20_000
    assert peak < 16 << 20
