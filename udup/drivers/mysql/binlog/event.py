"""The common header of binlog events, and what can be said of an event without decoding it.

Layout (19 bytes, little endian): timestamp 4, type 1, server id 4, size 4, end position 4, flags 2; with
binlog_checksum=CRC32 the last four bytes of the event are its CRC.
"""

from __future__ import annotations

import struct
import zlib
from enum import IntEnum

HEADER = struct.Struct("<IBIIIH")
HEADER_SIZE = HEADER.size
CRC_SIZE = 4

#: Header flag of an event that the server made up for this dump and that stands in no file.
ARTIFICIAL = 0x20

#: Bit 0 of a rows event's flags: the statement ends here and its tables are closed.
STMT_END = 0x0001

#: Bit 1: foreign keys are not looked at; bit 4 (MySQL 9.6): what they did is logged, as rows of the other tables.
NO_FOREIGN_KEY_CHECKS, FOREIGN_KEYS_LOGGED = 0x0002, 0x0010

#: Where a rows event's flags stand: after the header and the 6-byte table id.
ROWS_FLAGS_OFFSET = HEADER_SIZE + 6

#: Value of the checksum byte in a FORMAT_DESCRIPTION event, five bytes before its end.
CRC32_ALGORITHM = 1

#: The CRC of any bytes that end in their own CRC.
_CRC_OVER_ITSELF = 0x2144DF1C

_U16 = struct.Struct("<H")
_U32 = struct.Struct("<I")


class EventType(IntEnum):
    QUERY = 2
    STOP = 3
    ROTATE = 4
    INTVAR = 5
    RAND = 13
    USER_VAR = 14
    FORMAT_DESCRIPTION = 15
    XID = 16
    BEGIN_LOAD_QUERY = 17
    EXECUTE_LOAD_QUERY = 18
    TABLE_MAP = 19
    WRITE_ROWS_V1 = 23
    UPDATE_ROWS_V1 = 24
    DELETE_ROWS_V1 = 25
    INCIDENT = 26
    HEARTBEAT = 27
    IGNORABLE = 28
    ROWS_QUERY = 29
    WRITE_ROWS = 30
    UPDATE_ROWS = 31
    DELETE_ROWS = 32
    GTID = 33
    ANONYMOUS_GTID = 34
    PREVIOUS_GTIDS = 35
    XA_PREPARE = 38
    PARTIAL_UPDATE_ROWS = 39
    TRANSACTION_PAYLOAD = 40
    HEARTBEAT_V2 = 41
    GTID_TAGGED = 42


#: Events that carry rows, all of one layout at the front: table id, flags.
ROWS_EVENTS = frozenset(
    {
        EventType.WRITE_ROWS,
        EventType.UPDATE_ROWS,
        EventType.DELETE_ROWS,
        EventType.PARTIAL_UPDATE_ROWS,
        EventType.WRITE_ROWS_V1,
        EventType.UPDATE_ROWS_V1,
        EventType.DELETE_ROWS_V1,
    }
)


def checksum_is_right(event: bytes | memoryview) -> bool:
    """Return whether the CRC at the event's end is that of its bytes."""
    return zlib.crc32(event) == _CRC_OVER_ITSELF


def resized(event: bytes, *, has_crc: bool) -> bytes:
    """Return an event whose body was changed, with the size and the CRC that it has now."""
    sized = event[:9] + _U32.pack(len(event)) + event[13:]
    return sized[:-CRC_SIZE] + _U32.pack(zlib.crc32(sized[:-CRC_SIZE])) if has_crc else sized


def with_crc_room(event: bytes) -> bytes:
    """Return an event without CRC (out of a transaction payload) as one that has room for it."""
    return event[:9] + _U32.pack(len(event) + CRC_SIZE) + event[13:] + b"\0\0\0\0"


def ends_statement(event: bytes) -> bool:
    flags: int = _U16.unpack_from(event, ROWS_FLAGS_OFFSET)[0]
    return bool(flags & STMT_END)


def ending_statement(event: bytes) -> bytes:
    """Return the rows event with its end-of-statement flag set."""
    changed = bytearray(event)
    changed[ROWS_FLAGS_OFFSET] |= STMT_END
    return bytes(changed)


def without_cascades(event: bytes) -> bytes:
    """Return the rows event, with foreign keys off where all that they did on the source is logged besides.

    The target would follow them once more. After REPLACE of a parent row that is wrong: a source of MySQL 9.7 keeps
    the children and logs none, and whoever applies its delete takes them away (seen on a MySQL replica too).
    """
    return without_checks(event) if event[ROWS_FLAGS_OFFSET] & FOREIGN_KEYS_LOGGED else event


def without_checks(event: bytes) -> bytes:
    """Return the rows event with foreign keys off."""
    changed = bytearray(event)
    changed[ROWS_FLAGS_OFFSET] |= NO_FOREIGN_KEY_CHECKS
    return bytes(changed)


def has_checksums(format_description: bytes) -> bool:
    """Return whether the events after this FORMAT_DESCRIPTION end in a CRC (it always does itself)."""
    return format_description[-CRC_SIZE - 1] == CRC32_ALGORITHM


def server_version(format_description: bytes) -> str:
    """Return the text of the version of the server that wrote a log, as its FORMAT_DESCRIPTION says it."""
    start = HEADER_SIZE + 2
    return format_description[start : start + 50].split(b"\0")[0].decode("utf-8", "replace")


def read_lenenc(data: bytes, offset: int) -> tuple[int, int]:
    """Return a length-encoded integer of the client protocol: (value, offset behind it)."""
    first = data[offset]
    if first < 251:
        return first, offset + 1
    width = {252: 2, 253: 3, 254: 8}[first]
    return int.from_bytes(data[offset + 1 : offset + 1 + width], "little"), offset + 1 + width


def is_same_format(one: bytes, other: bytes) -> bool:
    """Return whether two FORMAT_DESCRIPTIONs say the same but for their times and positions."""
    return len(one) == len(other) and one[19:-CRC_SIZE] == other[19:-CRC_SIZE]


#: In a FORMAT_DESCRIPTION: binlog version 2, server version 50, then when the server began, 4 bytes.
_CREATED = HEADER_SIZE + 2 + 50


def server_began(format_description: bytes) -> bool:
    """Return whether this FORMAT_DESCRIPTION is of the first log file after the server's start; others say no time."""
    return any(format_description[_CREATED : _CREATED + 4])
