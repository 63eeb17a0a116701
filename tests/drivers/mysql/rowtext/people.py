"""A table of people, and what is told of a row that is inserted into a table."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.drivers.mysql.rows.definitions import front
from udup.drivers.mysql.binlog.event import EventType
from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType
from udup.drivers.mysql.rows.codec import RowCodec
from udup.drivers.mysql.rows.events import RowsEvent
from udup.drivers.mysql.rows.table import KeyPart, Table
from udup.drivers.mysql.rows.values import Row
from udup.drivers.mysql.rowtext.facts import ColumnFacts
from udup.drivers.mysql.rowtext.options import (
    ValueOptions,
    parse_options,
)
from udup.drivers.mysql.rowtext.program import program_of
from udup.drivers.mysql.rowtext.table_text import GeneratedTableText

UTF8MB4, LATIN1 = 255, 8


def column(
    name: str, kind: ColumnType, metadata: bytes = b"", nullable: bool = True, **more: object
) -> ColumnDefinition:
    return ColumnDefinition(kind, metadata, nullable, name=name, **more)  # type: ignore[arg-type]


ID = column("id", ColumnType.LONG, nullable=False, unsigned=False)
NAME = column("name", ColumnType.VARCHAR, b"\x28\0", collation=UTF8MB4)  # VARCHAR(10)
NOTE = column("note", ColumnType.BLOB, b"\2", collation=UTF8MB4)
STATE = column("state", ColumnType.ENUM, b"\1", collation=UTF8MB4, members=(b"new", b"paid"))
BIG = column("big", ColumnType.LONGLONG, unsigned=True)
PEOPLE = Table("shop", "people", (ID, NAME, NOTE, STATE, BIG), (KeyPart(0),))


def told(
    table: Table, row: Row, options: ValueOptions, facts: Mapping[str, ColumnFacts] | None = None
) -> tuple[object, dict[str, object]]:
    """Return key and image of an inserted row."""
    event = RowCodec(table).write(RowsEvent(front(EventType.WRITE_ROWS), [(None, row)]), has_crc=True)
    (found,) = GeneratedTableText(table, program_of(table, options, facts), has_crc=True).rows(event)
    assert found.after is not None
    return found.key and json.loads(found.key), json.loads(found.after)


def shown(options: Mapping[str, str], row: Row, table: Table = PEOPLE, *, quirks: bool = False) -> dict[str, object]:
    return told(table, row, parse_options(options, quirks=quirks))[1]


ANNA: Row = (1, "Ånna".encode(), b"some text", 2, 2**64 - 1)
