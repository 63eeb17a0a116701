"""A rows event taken apart: what stands in front of its rows, and the rows as changes."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace

from udup.drivers.mysql.binlog.event import CRC_SIZE, HEADER, HEADER_SIZE, ROWS_EVENTS, EventType, read_lenenc, resized
from udup.drivers.mysql.rows.errors import damaged
from udup.drivers.mysql.rows.values import Change

WRITES = frozenset({EventType.WRITE_ROWS, EventType.WRITE_ROWS_V1})
UPDATES = frozenset({EventType.UPDATE_ROWS, EventType.UPDATE_ROWS_V1, EventType.PARTIAL_UPDATE_ROWS})
DELETES = frozenset({EventType.DELETE_ROWS, EventType.DELETE_ROWS_V1})

#: Kinds whose events have no extra data.
_FIRST_VERSION = frozenset({EventType.WRITE_ROWS_V1, EventType.UPDATE_ROWS_V1, EventType.DELETE_ROWS_V1})

_U16 = struct.Struct("<H")

#: Bytes of the length of extra data, which counts itself.
_EXTRA_LENGTH = 2


@dataclass(frozen=True, slots=True)
class Front:
    """What stands in front of the rows, as it was logged. `header` is the common header of events.

    `before` and `after` are the bitmaps of the columns that the images have, None for an image that this kind does
    not have.
    """

    kind: EventType
    header: bytes
    table_id: bytes
    flags: int
    extra: bytes
    columns: int
    before: bytes | None
    after: bytes | None


@dataclass(frozen=True, slots=True)
class RowsEvent:
    """A rows event as values. `padded`: the bits that are left over in its bitmaps of NULLs are set (older servers)."""

    front: Front
    changes: list[Change]
    padded: bool = False

    @property
    def kind(self) -> EventType:
        return self.front.kind

    def of_kind(self, kind: EventType, changes: Sequence[Change]) -> RowsEvent:
        """Return an event of the same statement with other rows: `WRITE_ROWS`, `UPDATE_ROWS` or `DELETE_ROWS`.

        Which columns its images have, its rows say.
        """
        front = replace(self.front, kind=kind, before=None, after=None)
        if kind in _FIRST_VERSION:
            front = replace(front, extra=b"")
        return RowsEvent(front, list(changes), self.padded)


def parse_front(event: bytes, end: int) -> tuple[Front, int]:
    """Return what stands in front, and where the first row begins; `DamagedRows` if that is behind the end."""
    if end < HEADER_SIZE + 8 or event[4] not in ROWS_EVENTS:
        raise damaged("an event has no rows")
    kind = EventType(event[4])
    at = HEADER_SIZE + 8
    extra = b""
    if kind not in _FIRST_VERSION:
        size = _U16.unpack_from(event, at)[0]
        extra = event[at + _EXTRA_LENGTH : at + size]
        at += size
        if size < _EXTRA_LENGTH:
            raise damaged("the extra data of a rows event are shorter than their length")
    columns, at = read_lenenc(event, at)
    width = (columns + 7) // 8
    bitmaps = [event[at : at + width], event[at + width : at + 2 * width]]
    at += 2 * width if kind in UPDATES else width
    if at > end:
        raise damaged("a rows event ends in front of its rows")
    before, after = None if kind in WRITES else bitmaps[0], None
    if kind not in DELETES:
        after = bitmaps[kind in UPDATES]
    flags = _U16.unpack_from(event, HEADER_SIZE + 6)[0]
    table_id = event[HEADER_SIZE : HEADER_SIZE + 6]
    return Front(kind, event[:HEADER_SIZE], table_id, flags, extra, columns, before, after), at


def joined(front: Front, images: Sequence[bytes], *, has_crc: bool) -> bytes:
    """Return the event of these rows: with the size it has now, and a CRC if it is to have one."""
    timestamp, _, server_id, _, position, flags = HEADER.unpack(front.header)
    header = HEADER.pack(timestamp, front.kind, server_id, 0, position, flags)
    parts = [header, front.table_id, _U16.pack(front.flags)]
    if front.kind not in _FIRST_VERSION:
        parts += [_U16.pack(_EXTRA_LENGTH + len(front.extra)), front.extra]
    parts += [_counted(front.columns), front.before or b"", front.after or b"", *images]
    if has_crc:
        parts.append(bytes(CRC_SIZE))
    return resized(b"".join(parts), has_crc=has_crc)


def _counted(number: int) -> bytes:
    """Return a length-encoded number of columns, of which there are 4096 at most."""
    return bytes([number]) if number < 251 else b"\xfc" + _U16.pack(number)
