"""What the source's log has of tables: their TABLE_MAPs, and the images of their rows, one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.source_log import Logged
from udup.drivers.mysql.binlog.event import EventType
from udup.drivers.mysql.binlog.table_map import definition_bytes, table_id, table_name
from udup.drivers.mysql.rows.codec import RowCodecs
from udup.drivers.mysql.rows.events import parse_front
from udup.drivers.mysql.rows.values import Row
from udup.drivers.mysql.rows.writing import compile_writer

Name = tuple[str, str]


@dataclass
class InLog:
    """By table: what its TABLE_MAP says behind the table's number, and its rows' images, in the log's order."""

    maps: dict[Name, bytes] = field(default_factory=dict)
    images: dict[Name, list[bytes]] = field(default_factory=lambda: defaultdict(list))


def read_events(events: Iterable[bytes], codecs: RowCodecs | None = None) -> InLog:
    """Take the events of inserts or deletes apart; they end in a CRC."""
    codecs = codecs or RowCodecs()
    found = InLog()
    known: dict[bytes, bytes] = {}
    for event in events:
        if event[4] == EventType.TABLE_MAP:
            known[table_id(event)] = event
            found.maps[_name(event)] = definition_bytes(event, has_crc=True)
        elif event[4] in (EventType.DELETE_ROWS, EventType.WRITE_ROWS):
            table_map = known[table_id(event)]
            found.images[_name(table_map)] += _images(table_map, event, codecs)
    return found


def of_log(logged: Iterable[Logged]) -> InLog:
    return read_events(each.event for each in logged)


def _name(table_map: bytes) -> Name:
    name = table_name(table_map)
    return name.schema, name.table


def _images(table_map: bytes, event: bytes, codecs: RowCodecs) -> list[bytes]:
    codec = codecs.of(table_map, has_crc=True)
    rows = codec.read(event, has_crc=True)
    places = range(len(codec.table.columns))
    values: list[Row] = [before or after or () for before, after in rows.changes]
    images = compile_writer(codec.table.columns, places)(values, rows.padded)
    end = len(event) - 4
    assert b"".join(images) == event[parse_front(event, end)[1] : end], "the rows were not taken apart as they are"
    return images
