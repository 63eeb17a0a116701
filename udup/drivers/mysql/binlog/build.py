"""Events of Udup's own making: the only place that puts one together. The rows of Udup's own tables are written so."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from udup.drivers.mysql.binlog.event import CRC_SIZE, HEADER, HEADER_SIZE, STMT_END, EventType

#: Bytes of "extra data" in a rows event of the second version, when there are none besides their own length.
_NO_EXTRA_DATA = 2


@dataclass(frozen=True, slots=True)
class OwnColumn:
    """A column's type as a TABLE_MAP has it."""

    code: int
    metadata: bytes = b""


INT, BIGINT = OwnColumn(3), OwnColumn(8)

#: LONGBLOB and LONGTEXT: the metadata are the bytes of a value's length.
LONGBLOB = OwnColumn(252, b"\4")


def varchar(longest: int) -> OwnColumn:
    """Return the type of a VARCHAR of so many bytes at most; more than 255."""
    return OwnColumn(15, struct.pack("<H", longest))


def build(event_type: int, body: bytes, *, with_crc: bool, server_id: int = 0) -> bytes:
    """Return an event; its CRC is left zero, since BINLOG does not look at it."""
    size = HEADER_SIZE + len(body) + (CRC_SIZE if with_crc else 0)
    head = HEADER.pack(0, event_type, server_id, size, 0, 0)
    return head + body + (b"\0\0\0\0" if with_crc else b"")


def table_map(table_id: bytes, schema: str, table: str, columns: Sequence[OwnColumn], *, with_crc: bool) -> bytes:
    """Return a TABLE_MAP of columns that are never NULL."""
    names = b"".join(bytes([len(name)]) + name + b"\0" for name in (schema.encode(), table.encode()))
    types = bytes(column.code for column in columns)
    metadata = b"".join(column.metadata for column in columns)
    nullable = bytes((len(columns) + 7) // 8)
    body = table_id + b"\1\0" + names + bytes([len(types)]) + types + bytes([len(metadata)]) + metadata + nullable
    return build(EventType.TABLE_MAP, body, with_crc=with_crc)


def rows_event(kind: EventType, table_id: bytes, columns: int, present: bytes, rows: bytes, *, with_crc: bool) -> bytes:
    """Return a rows event that ends its statement.

    `present` has a bitmap for each image, of the columns that are in it; `rows` are the images, each with its bitmap of
    NULLs in front.
    """
    head = table_id + struct.pack("<HH", STMT_END, _NO_EXTRA_DATA) + bytes([columns]) + present
    return build(kind, head + rows, with_crc=with_crc)
