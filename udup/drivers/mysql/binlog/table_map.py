"""A TABLE_MAP event: which table the rows events with its id belong to, and the same for a table of another name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from udup.drivers.mysql.binlog.event import HEADER_SIZE, EventType, resized
from udup.drivers.mysql.binlog.remedies import damaged
from udup.drivers.mysql.binlog.split import headers

#: After the header: table id 6, flags 2, then the names, each with its length before and a zero after it.
_NAMES_OFFSET = HEADER_SIZE + 8


#: Bytes of a name at most, 64 characters of four: its length is one byte up to here.
_LONGEST_NAME = 250


@dataclass(frozen=True, slots=True)
class TableName:
    schema: str
    table: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}"


def table_id(event: bytes) -> bytes:
    """Return the six bytes that tie a rows event to its TABLE_MAP."""
    return event[HEADER_SIZE : HEADER_SIZE + 6]


def table_name(event: bytes) -> TableName:
    """Return schema and table of a TABLE_MAP; identifiers are UTF-8 in the binary log."""
    length = event[_NAMES_OFFSET]
    schema_end = _NAMES_OFFSET + 1 + length
    schema = event[_NAMES_OFFSET + 1 : schema_end]
    table_start = schema_end + 2
    table_length = event[schema_end + 1]
    table_end = table_start + table_length
    table = event[table_start:table_end]
    if max(length, table_length) > _LONGEST_NAME or event[schema_end] or event[table_end]:
        # MySQL would read a longer length as one of several bytes, and find another table's names here.
        raise damaged("a TABLE_MAP holds a name that is none: the binary log is damaged")
    return TableName(schema.decode(), table.decode())


def behind_names(event: bytes) -> int:
    """Return where the count of a TABLE_MAP's columns stands."""
    schema_end = _NAMES_OFFSET + 1 + event[_NAMES_OFFSET]
    return schema_end + 3 + event[schema_end + 1]


def definition_bytes(event: bytes, *, has_crc: bool) -> bytes:
    """Return what identifies the definition: everything but header, table id and CRC."""
    return event[HEADER_SIZE + 6 : -4 if has_crc else None]


def with_names(event: bytes, schema: bytes, table: bytes, *, has_crc: bool) -> bytes:
    """Return the event as if the table had these names (at most 255 bytes each): sizes and CRC are made right."""
    schema_end = _NAMES_OFFSET + 1 + event[_NAMES_OFFSET]
    table_end = schema_end + 2 + event[schema_end + 1]
    names = bytes([len(schema)]) + schema + b"\0" + bytes([len(table)]) + table
    return resized(event[:_NAMES_OFFSET] + names + event[table_end:], has_crc=has_crc)


class TableMaps:
    """Finds the TABLE_MAPs in a stream of events that is cut anywhere, without holding other events."""

    def __init__(self) -> None:
        self._held = b""
        self._skip = 0  # bytes of an event that have not come yet

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield those that these bytes complete."""
        if self._held:
            data, self._held = self._held + data, b""
        at = self._skip
        for kind, start, end in headers(data, at):
            if kind == EventType.TABLE_MAP:
                if end > len(data):
                    break
                yield data[start:end]
            at = end
        self._held = data[at:]
        self._skip = max(at - len(data), 0)
