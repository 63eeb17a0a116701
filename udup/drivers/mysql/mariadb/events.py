"""MariaDB's own events: GTID and GTID_LIST, compressed rows and statements, the status variables of its Query events.

Layouts after MariaDB's `sql/log_event.h`, seen on 10.5, 10.11 and 11.8.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum, IntFlag

from udup.drivers.mysql.binlog.event import HEADER_SIZE, read_lenenc
from udup.drivers.mysql.binlog.split import EVENT_MAX
from udup.drivers.mysql.mariadb.modes import to_mysql

_U16 = struct.Struct("<H")
_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")
_GTID = struct.Struct("<QIB")  # number, domain, flags


class MariaEvent(IntEnum):
    """Types of events that MySQL does not have."""

    ANNOTATE_ROWS = 160
    BINLOG_CHECKPOINT = 161
    GTID = 162
    GTID_LIST = 163
    START_ENCRYPTION = 164
    QUERY_COMPRESSED = 165
    WRITE_ROWS_COMPRESSED_V1 = 166
    UPDATE_ROWS_COMPRESSED_V1 = 167
    DELETE_ROWS_COMPRESSED_V1 = 168
    WRITE_ROWS_COMPRESSED = 169
    UPDATE_ROWS_COMPRESSED = 170
    DELETE_ROWS_COMPRESSED = 171


class GtidFlag(IntFlag):
    """What a GTID event says of its transaction."""

    STANDALONE = 1
    GROUP_COMMIT = 2
    TRANSACTIONAL = 4
    MAY_RUN_IN_PARALLEL = 8
    WAITED = 16
    DDL = 32
    PREPARED_XA = 64
    COMPLETED_XA = 128


class ExtraFlag(IntFlag):
    """What the second byte of flags says, where there is one."""

    SEVERAL_ENGINES = 1
    START_ALTER = 2
    COMMIT_ALTER = 4
    ROLLBACK_ALTER = 8
    THREAD_ID = 16


@dataclass(frozen=True, slots=True)
class MariaGtid:
    """A GTID event. `commit_id` is 0 where it was committed alone; `xid` as XA COMMIT takes it, "" without."""

    domain: int
    server: int
    number: int
    flags: int
    commit_id: int = 0
    xid: str = ""
    extra: int = 0
    thread_id: int = 0

    @property
    def source(self) -> str:
        return f"{self.domain}-{self.server}"


def parse_gtid(body: bytes, server: int) -> MariaGtid:
    """Return what a GTID event's body, without its CRC, says; the server is in the event's header."""
    number, domain, flags = _GTID.unpack_from(body)
    offset, commit_id, xid = _GTID.size, 0, ""
    if flags & GtidFlag.GROUP_COMMIT:
        commit_id = _U64.unpack_from(body, offset)[0]
        offset += _U64.size
    if flags & (GtidFlag.PREPARED_XA | GtidFlag.COMPLETED_XA):
        xid, offset = _xid(body, offset)
    if offset < 6 + _GTID.size and not flags & GtidFlag.GROUP_COMMIT:
        offset = offset if any(body[offset:]) else len(body)  # filled up with zeros to an old length
    extra, thread_id = 0, 0
    if offset < len(body):
        extra, offset = body[offset], offset + 1
        offset += 1 if extra & ExtraFlag.SEVERAL_ENGINES else 0
        offset += _U64.size if extra & (ExtraFlag.COMMIT_ALTER | ExtraFlag.ROLLBACK_ALTER) else 0
        if extra & ExtraFlag.THREAD_ID:
            thread_id = _U32.unpack_from(body, offset)[0]
    return MariaGtid(domain, server, number, flags, commit_id, xid, extra, thread_id)


def _xid(body: bytes, offset: int) -> tuple[str, int]:
    form, gtrid, bqual = struct.unpack_from("<IBB", body, offset)
    middle = offset + 6 + gtrid
    data = body[offset + 6 : middle], body[middle : middle + bqual]
    return f"X'{data[0].hex()}',X'{data[1].hex()}',{form}", middle + bqual


def gtid_list(body: bytes) -> list[tuple[int, int, int]]:
    """Return domain, server and number of each last transaction before a file, out of a GTID_LIST's body."""
    count = _U32.unpack_from(body)[0] & 0x0FFFFFFF  # flags are above
    found = [struct.unpack_from("<IIQ", body, 4 + 16 * place) for place in range(count)]
    return [(domain, server, number) for domain, server, number in found]


# ---- Compressed events ----


def inflated(data: bytes) -> bytes:
    """Return what was compressed: a byte with 0x80, the kind (0: zlib) and how many bytes of length follow."""
    head = data[0]
    if not head & 0x80 or head & 0x70:
        raise ValueError("a compressed event of an unknown kind")
    start = 1 + (head & 7)
    size = int.from_bytes(data[1:start], "big")
    if size > EVENT_MAX:
        raise ValueError(f"a compressed event says that it has {size} bytes")
    unpacker = zlib.decompressobj()
    found = unpacker.decompress(data[start:], size + 1)
    if len(found) != size or not unpacker.eof:
        raise ValueError(f"a compressed event is not of the {size} bytes that it says")
    return found


def rows_offset(event: bytes, *, is_update: bool, has_extra: bool) -> int:
    """Return where a rows event's images begin: behind the count of columns and the bitmaps."""
    offset = HEADER_SIZE + 8
    if has_extra:
        offset += _U16.unpack_from(event, offset)[0]
    columns, offset = read_lenenc(event, offset)
    return offset + (columns + 7) // 8 * (2 if is_update else 1)


# ---- Status variables of Query events ----

#: Bytes behind the code of a status variable; a function of what follows where it says its length itself.
_FIXED = {0: 4, 1: 8, 3: 4, 4: 6, 7: 2, 8: 2, 9: 8, 10: 4, 13: 3, 128: 3, 129: 8}
_FLAGS, _SQL_MODE, _GTID_FLAGS, _COLLATIONS = 0, 1, 130, 131

#: Bit of the flags that says explicit_defaults_for_timestamp, for which MySQL has a variable of its own.
_EXPLICIT_DEFAULTS, _EXPLICIT_DEFAULTS_BIT = 16, 1 << 24

#: MariaDB's microseconds, which MySQL has under another number.
_HRNOW, _MICROSECONDS = 128, 13

#: Not passed on: what MySQL does not have.
_OWN = frozenset({129, _GTID_FLAGS, _COLLATIONS})


def status_to_mysql(status: bytes) -> bytes:
    """Return a Query event's status variables as MySQL would write them.

    What is not known goes on as it is, with all behind it: whoever reads it says so, if it is read at all.
    """
    out, offset = bytearray(), 0
    while offset < len(status):
        code = status[offset]
        end = _end_of(status, offset)
        if end is None or end > len(status):
            return bytes(out) + status[offset:]
        if code == _SQL_MODE:
            out += status[offset : offset + 1] + _U64.pack(to_mysql(_U64.unpack_from(status, offset + 1)[0]))
        elif code == _FLAGS:
            is_explicit = bool(_U32.unpack_from(status, offset + 1)[0] & _EXPLICIT_DEFAULTS_BIT)
            out += status[offset:end] + bytes([_EXPLICIT_DEFAULTS, is_explicit])
        elif code == _HRNOW:
            out += bytes([_MICROSECONDS]) + status[offset + 1 : end]
        elif code not in _OWN:
            out += status[offset:end]
        offset = end
    return bytes(out)


def _end_of(status: bytes, offset: int) -> int | None:
    """Return where the variable at an offset ends, None if that is not known."""
    code, start = status[offset], offset + 1
    try:
        if code in _FIXED:
            return start + _FIXED[code]
        if code in (5, 6):
            return start + 1 + status[start]
        if code == 2:
            return start + 2 + status[start]
        if code == 11:
            host = start + 1 + status[start]
            return host + 1 + status[host]
        if code == 12:
            return _end_of_schemas(status, start)
        if code == _GTID_FLAGS:
            both = ExtraFlag.COMMIT_ALTER | ExtraFlag.ROLLBACK_ALTER
            return start + 1 + (8 if status[start] & both else 0)
        if code == _COLLATIONS:
            return start + 1 + 4 * status[start]
    except (IndexError, struct.error):
        return None
    return None


def _end_of_schemas(status: bytes, start: int) -> int:
    end = start + 1
    for _ in range(0 if status[start] == 254 else status[start]):
        end = status.index(b"\0", end) + 1
    return end
