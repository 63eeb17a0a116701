"""A TABLE_MAP event: which table the rows events with its id belong to."""

from __future__ import annotations

from dataclasses import dataclass

from udup.binlog.event import HEADER_SIZE

#: After the header: table id 6, flags 2, then the names, each with its length before and a zero after it.
_NAMES_OFFSET = HEADER_SIZE + 8


@dataclass(frozen=True, slots=True)
class TableName:
    schema: str
    table: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}"


def table_id(event: bytes) -> bytes:
    """The six bytes that tie a rows event to its TABLE_MAP."""
    return event[HEADER_SIZE : HEADER_SIZE + 6]


def table_name(event: bytes) -> TableName:
    """Schema and table of a TABLE_MAP; identifiers are UTF-8 in the binary log."""
    length = event[_NAMES_OFFSET]
    schema_end = _NAMES_OFFSET + 1 + length
    schema = event[_NAMES_OFFSET + 1 : schema_end]
    table_start = schema_end + 2
    table = event[table_start : table_start + event[schema_end + 1]]
    return TableName(schema.decode(), table.decode())


def definition_bytes(event: bytes, *, has_crc: bool) -> bytes:
    """What identifies the definition: everything but header, table id and CRC."""
    return event[HEADER_SIZE + 6 : -4 if has_crc else None]
