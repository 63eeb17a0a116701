"""Rows of MySQL's JSON and VECTOR columns as MariaDB keeps them: JSON is a text, VECTOR bytes of one length.

Only events of tables with such a column are taken apart; all others go through as they came. A document becomes the
text that MySQL prints, which is also what a copy brings. A partial update of JSON becomes an update with the whole
document, if the image before it has that. `documents.py` has the other way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.event import ROWS_EVENTS, EventType
from udup.drivers.mysql.binlog.split import headers
from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType, primary_key_parts
from udup.drivers.mysql.binlog.table_map import definition_bytes, table_id
from udup.drivers.mysql.columns.table_map import table_map_of
from udup.drivers.mysql.rows.codec import CODECS_MAX, RowCodec, RowCodecs, completed, make_room
from udup.drivers.mysql.rows.errors import Unfit
from udup.drivers.mysql.rows.events import RowsEvent
from udup.drivers.mysql.rows.values import Json, Row, Value, Vector

#: utf8mb4_bin, which MariaDB's JSON columns have; and that of bytes.
_JSON_COLLATION, _BINARY = 46, 63

#: Bytes of the length of a LONGTEXT's value, and of a number of a VECTOR.
_LONG, _ITEM = b"\x04", 4

_REWRITTEN = frozenset({ColumnType.JSON, ColumnType.VECTOR})


def as_on_mariadb(column: ColumnDefinition) -> ColumnDefinition:
    """Return a column of MySQL's as it is in a table of MariaDB's."""
    if column.kind is ColumnType.JSON:
        return replace(column, kind=ColumnType.BLOB, metadata=_LONG, collation=_JSON_COLLATION)
    if column.kind is ColumnType.VECTOR:
        if column.dimensions is None:
            raise Unsupported(
                "the log does not say how many numbers a VECTOR has; run on the source SET PERSIST"
                " binlog_row_metadata = 'FULL', and give the job another ID"
            )
        size = (column.dimensions * _ITEM).to_bytes(2, "little")
        return replace(column, kind=ColumnType.VARCHAR, metadata=size, collation=_BINARY, dimensions=None)
    return column


@dataclass(frozen=True)
class Codecs:
    """Of a table as it came, and as it goes on."""

    reader: RowCodec
    writer: RowCodec


class RowRewriting:
    """What is known of a session's TABLE_MAPs.

    `columns_of` says how a table's columns are on the target, `changed` how its rows are: another target has others.
    """

    def __init__(self) -> None:
        self._codecs = RowCodecs()
        self._made: dict[bytes, RowCodec | None] = {}  # by definition: what writes its rows, None for as they are

    def columns_of(self, table_map: bytes, *, has_crc: bool) -> Sequence[ColumnDefinition] | None:
        """Return a table's columns as they are on the target, None for all as they came."""
        columns = self.codec_of(table_map, has_crc=has_crc).table.columns
        return columns_there(columns) if any(column.kind in _REWRITTEN for column in columns) else None

    def codec_of(self, table_map: bytes, *, has_crc: bool) -> RowCodec:
        return self._codecs.of(table_map, has_crc=has_crc)

    def changed(self, rows: RowsEvent, codecs: Codecs) -> RowsEvent:
        """Return rows as the target keeps them."""
        return replace(rows, changes=[(_row(before), _row(after)) for before, after in completed(rows).changes])

    def rewritten(self, data: bytes, *, has_crc: bool) -> bytes:
        """Return whole events, which begin with the TABLE_MAPs that their rows need, as MariaDB takes them."""
        pieces: list[bytes] = []
        at = 0
        maps: dict[bytes, Codecs] = {}
        for kind, start, end in headers(data):
            if kind != EventType.TABLE_MAP and not (maps and kind in ROWS_EVENTS):
                continue
            event = data[start:end]
            made = (
                self._map(event, maps, has_crc=has_crc)
                if kind == EventType.TABLE_MAP
                else self._rows(event, maps, has_crc=has_crc)
            )
            if made is not event:
                pieces += [data[at:start], made]
                at = end
        return b"".join([*pieces, data[at:]]) if pieces else data

    def _map(self, event: bytes, maps: dict[bytes, Codecs], *, has_crc: bool) -> bytes:
        key = definition_bytes(event, has_crc=has_crc)
        maps.pop(table_id(event), None)
        if key in self._made and self._made[key] is None:
            return event
        columns = self.columns_of(event, has_crc=has_crc)
        if columns is None:
            make_room(self._made, CODECS_MAX)
            self._made[key] = None
            return event
        parts = primary_key_parts(event, has_crc=has_crc)
        made = table_map_of(event, columns, parts, has_crc=has_crc)
        writer = self._made.get(key)
        if writer is None:
            make_room(self._made, CODECS_MAX)
            writer = self._made[key] = self.codec_of(made, has_crc=has_crc)
        maps[table_id(event)] = Codecs(self.codec_of(event, has_crc=has_crc), writer)
        return made

    def _rows(self, event: bytes, maps: dict[bytes, Codecs], *, has_crc: bool) -> bytes:
        codecs = maps.get(table_id(event))
        if codecs is None:
            return event
        try:
            rows = self.changed(codecs.reader.read(event, has_crc=has_crc), codecs)
        except Unfit as error:
            raise error.beginning(f"{codecs.reader.table}: ") from error
        return codecs.writer.write(rows, has_crc=has_crc)


def _row(row: Row | None) -> Row | None:
    return None if row is None else tuple(map(_value, row))


def _value(value: Value) -> Value:
    if isinstance(value, Json):
        return value.text().encode()
    return bytes(value) if isinstance(value, Vector) else value


def columns_there(columns: Sequence[ColumnDefinition]) -> list[ColumnDefinition]:
    """Return a table's columns as they are on MariaDB."""
    return [as_on_mariadb(column) for column in columns]
