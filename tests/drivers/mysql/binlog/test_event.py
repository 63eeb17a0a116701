"""Events are known by their headers; what is changed in one leaves the rest alone."""

from __future__ import annotations

import zlib

import pytest

from udup.drivers.mysql.binlog.build import build
from udup.drivers.mysql.binlog.event import (
    CRC_SIZE,
    HEADER,
    HEADER_SIZE,
    STMT_END,
    EventType,
    checksum_is_right,
    ending_statement,
    ends_statement,
    has_checksums,
    read_lenenc,
    with_crc_room,
)

ROWS = build(EventType.WRITE_ROWS, b"\x01\0\0\0\0\0" + b"\0\0" + b"\x02\0" + b"row", with_crc=True)


@pytest.mark.parametrize("with_crc", [True, False])
def test_a_built_event_has_its_size_and_type_in_its_header(with_crc: bool) -> None:
    event = build(EventType.TABLE_MAP, b"body", with_crc=with_crc, server_id=7)
    _, kind, server_id, size, _, _ = HEADER.unpack(event[:HEADER_SIZE])
    assert (kind, server_id, size) == (EventType.TABLE_MAP, 7, len(event))
    assert len(event) == HEADER_SIZE + 4 + (CRC_SIZE if with_crc else 0)


def test_only_the_right_checksum_is_right() -> None:
    body = ROWS[:-CRC_SIZE]
    good = body + zlib.crc32(body).to_bytes(4, "little")
    assert checksum_is_right(good)
    for place in range(0, len(good), 5):
        bad = bytearray(good)
        bad[place] ^= 0x10
        assert not checksum_is_right(bytes(bad))


def test_room_for_a_checksum_is_made_and_counted() -> None:
    event = build(EventType.XID, b"12345678", with_crc=False)
    roomy = with_crc_room(event)
    assert roomy == build(EventType.XID, b"12345678", with_crc=True)


def test_the_end_of_a_statement_can_be_set_and_nothing_else_changes() -> None:
    assert not ends_statement(ROWS)
    ending = ending_statement(ROWS)
    assert ends_statement(ending)
    assert ending_statement(ending) == ending
    assert [place for place in range(len(ROWS)) if ROWS[place] != ending[place]] == [HEADER_SIZE + 6]
    assert ending[HEADER_SIZE + 6] == STMT_END


@pytest.mark.parametrize(("algorithm", "expected"), [(0, False), (1, True)])
def test_a_format_description_says_whether_checksums_follow(algorithm: int, expected: bool) -> None:
    event = build(EventType.FORMAT_DESCRIPTION, b"\x04\0" + bytes([algorithm]), with_crc=True)
    assert has_checksums(event) is expected


@pytest.mark.parametrize(
    ("data", "value", "length"),
    [
        (b"\x00", 0, 1),
        (b"\xfa", 250, 1),
        (b"\xfc\xfb\x00", 251, 3),
        (b"\xfd\x01\x02\x03", 0x030201, 4),
        (b"\xfe" + (1 << 40).to_bytes(8, "little"), 1 << 40, 9),
    ],
)
def test_length_encoded_integers_of_every_width(data: bytes, value: int, length: int) -> None:
    assert read_lenenc(b"??" + data + b"!", 2) == (value, 2 + length)
