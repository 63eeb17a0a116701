"""Changes of Oracle's as events of MySQL's log: the form in which rows travel, whatever database they come from.

Each event of rows is a statement of its own, with its TABLE_MAP in front. No event has a CRC.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from udup.drivers.mysql.binlog.build import build
from udup.drivers.mysql.binlog.event import CRC_SIZE, HEADER, HEADER_SIZE, STMT_END, EventType
from udup.drivers.mysql.binlog.table_definition import CHARACTER, NUMERIC, Optional
from udup.drivers.mysql.rows.codec import RowCodec
from udup.drivers.mysql.rows.events import Front, RowsEvent
from udup.drivers.mysql.rows.table import parse_table
from udup.drivers.mysql.rows.values import Change
from udup.drivers.oracle.logminer.redo import Verb
from udup.drivers.oracle.tables import MappedTable
from udup.pipeline.selection.renames import Name

#: Rows of one event at most.
ROWS_MAX = 200

#: The version that a FORMAT_DESCRIPTION names, by which servers know how events are laid out.
_VERSION = b"8.0.36-udup-oracle"

#: Bytes behind the common header, of each kind of event from 1 on, as MySQL 8.0 writes them.
_POST_HEADERS = bytes.fromhex(
    "00 0d 00 08 00 00 00 00 04 00 04 00 00 00 62 00 04 1a 08 00 00 00 08 08 08 02 00 00 00 0a 0a 0a"
    " 2a 2a 00 12 34 00 0a 28 00"
)

_KINDS = {Verb.INSERT: EventType.WRITE_ROWS, Verb.UPDATE: EventType.UPDATE_ROWS, Verb.DELETE: EventType.DELETE_ROWS}

#: Status variables of a Query event: sql_mode, character sets, time zone, explicit_defaults_for_timestamp.
_SQL_MODE, _CHARSET, _TIME_ZONE, _EXPLICIT_DEFAULTS = 1, 4, 5, 16

#: STRICT_TRANS_TABLES, and utf8mb4_general_ci, which every server has.
_STRICT, _UTF8MB4_GENERAL = 1 << 21, 45


def format_description() -> bytes:
    """Return the FORMAT_DESCRIPTION of these events: without CRC, but for its own."""
    body = struct.pack("<H50sIB", 4, _VERSION, 0, HEADER_SIZE) + _POST_HEADERS + b"\0"
    size = HEADER_SIZE + len(body) + CRC_SIZE
    event = HEADER.pack(0, EventType.FORMAT_DESCRIPTION, 0, size, 0, 0) + body
    return event + zlib.crc32(event).to_bytes(CRC_SIZE, "little")


@dataclass(frozen=True)
class EventTable:
    """A table with its TABLE_MAP, under its name on the target; `number` tells it from others in a run."""

    mapped: MappedTable
    table_map: bytes
    codec: RowCodec

    @classmethod
    def of(cls, mapped: MappedTable, renamed: Name, number: int) -> EventTable:
        table_map = _table_map(mapped, renamed, number)
        return cls(mapped, table_map, RowCodec(parse_table(table_map, has_crc=False)))

    def rows_event(self, verb: Verb, changes: Sequence[Change]) -> bytes:
        """Return the event of these rows, which have every column; `Unfit` for a value that its column cannot hold."""
        table_id, kind = self.table_map[HEADER_SIZE : HEADER_SIZE + 6], _KINDS[verb]
        header = HEADER.pack(0, kind, 0, 0, 0, 0)
        front = Front(kind, header, table_id, STMT_END, b"", len(self.mapped.columns), None, None)
        return self.codec.write(RowsEvent(front, list(changes)), has_crc=False)


def events_of(changes: Iterable[tuple[EventTable, Verb, Change]]) -> Iterator[bytes]:
    """Yield the events of changes in their order; neighbours of one kind and table are in one event."""
    run: list[Change] = []
    last: tuple[EventTable, Verb] | None = None
    for table, verb, change in changes:
        if run and last is not None and (last != (table, verb) or len(run) >= ROWS_MAX):
            yield last[0].table_map + last[0].rows_event(last[1], run)
            run = []
        last = table, verb
        run.append(change)
    if run and last is not None:
        yield last[0].table_map + last[0].rows_event(last[1], run)


def query_event(schema: str, sql: str, seconds: int) -> bytes:
    """Return the Query event of a statement in a session of Udup's making: strict, UTF-8, UTC."""
    status = struct.pack("<BQ", _SQL_MODE, _STRICT)
    status += struct.pack("<BHHH", _CHARSET, _UTF8MB4_GENERAL, _UTF8MB4_GENERAL, _UTF8MB4_GENERAL)
    status += bytes([_TIME_ZONE, 6]) + b"+00:00" + bytes([_EXPLICIT_DEFAULTS, 1])
    name = schema.encode()
    body = struct.pack("<IIBHH", 0, 0, len(name), 0, len(status)) + status + name + b"\0" + sql.encode()
    event = build(EventType.QUERY, body, with_crc=False)
    return struct.pack("<I", seconds) + event[4:]


def _table_map(mapped: MappedTable, renamed: Name, number: int) -> bytes:
    columns = [each.definition for each in mapped.mapped.values()]
    names = b"".join(bytes([len(name)]) + name + b"\0" for name in (part.encode() for part in renamed))
    metadata = b"".join(column.metadata for column in columns)
    width = (len(columns) + 7) // 8
    nulls = sum(1 << place for place, column in enumerate(columns) if column.nullable).to_bytes(width, "little")
    body = number.to_bytes(6, "little") + b"\1\0" + names + _counted(len(columns))
    body += bytes(column.kind for column in columns) + _counted(len(metadata)) + metadata + nulls
    return build(EventType.TABLE_MAP, body + _optional(mapped), with_crc=False)


def _optional(mapped: MappedTable) -> bytes:
    """Return what a log with binlog_row_metadata = FULL says of the columns."""
    columns = [each.definition for each in mapped.mapped.values()]
    numbers = sum(column.kind in NUMERIC for column in columns)
    parts = [(Optional.SIGNEDNESS, bytes((numbers + 7) // 8))] if numbers else []
    if collations := [column.collation or 0 for column in columns if column.kind in CHARACTER]:
        parts.append((Optional.COLUMN_CHARSET, b"".join(map(_counted, collations))))
    named = (name.encode() for name in mapped.mapped)
    parts.append((Optional.COLUMN_NAME, b"".join(_counted(len(name)) + name for name in named)))
    if primary := mapped.table.primary:
        places = {name: place for place, name in enumerate(mapped.mapped)}
        parts.append((Optional.SIMPLE_PRIMARY_KEY, b"".join(_counted(places[name]) for name in primary)))
    return b"".join(bytes([kind]) + _counted(len(value)) + value for kind, value in parts)


def _counted(number: int) -> bytes:
    """Return a length-encoded integer."""
    if number < 251:
        return bytes([number])
    return b"\xfc" + number.to_bytes(2, "little") if number < 1 << 16 else b"\xfd" + number.to_bytes(3, "little")
