"""The first row that a rows event looks for, as far as people need it to find that row: its key.

Rows are not decoded on their way; this is for messages alone. Only types that keys are made of are known here: whole
numbers and text. The layout is that of MySQL's Rows_event: table id, flags, extra data with its length, the number of
columns, a bitmap of those that are present (two for an update), then for each row a bitmap of NULLs and the values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from udup.drivers.mysql.binlog.event import HEADER_SIZE, EventType, read_lenenc
from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType, parse_columns, primary_key

_UPDATES = frozenset({EventType.UPDATE_ROWS, EventType.UPDATE_ROWS_V1, EventType.PARTIAL_UPDATE_ROWS})
_DELETES = frozenset({EventType.DELETE_ROWS, EventType.DELETE_ROWS_V1})

#: Events that look for rows.
LOOKING_EVENTS = _UPDATES | _DELETES

_FIRST_VERSION = frozenset({EventType.UPDATE_ROWS_V1, EventType.DELETE_ROWS_V1})

_WIDTHS = {
    ColumnType.TINY: 1,
    ColumnType.SHORT: 2,
    ColumnType.INT24: 3,
    ColumnType.LONG: 4,
    ColumnType.LONGLONG: 8,
}

#: Characters of a value that are shown at most.
_SHOWN = 64


def first_key(table_map: bytes, rows: bytes, *, has_crc: bool) -> str:
    """Return the key, such as `id = 5`: the whole if the log says what it is, else the first column; "" if unknown.

    With a minimal row image only the key's columns are there, with binlog_row_metadata=FULL they are named.
    """
    columns = parse_columns(table_map, has_crc=has_crc)
    present, offset = _present(rows, len(columns))
    key = primary_key(table_map, has_crc=has_crc) or (present if len(present) < len(columns) else present[:1])
    values = dict(_values(columns, present, rows, offset))
    shown = [f"{columns[index].name or f'column {index + 1}'} = {values[index]}" for index in key if index in values]
    return ", ".join(shown)


def _present(rows: bytes, count: int) -> tuple[list[int], int]:
    """Return the columns of the image that is looked for, and where the first row begins."""
    offset = HEADER_SIZE + 8
    if rows[4] not in _FIRST_VERSION:
        offset += int.from_bytes(rows[offset : offset + 2], "little")
    offset = read_lenenc(rows, offset)[1]
    width = (count + 7) // 8
    present = [index for index in range(count) if rows[offset + index // 8] >> index % 8 & 1]
    return present, offset + width * (2 if rows[4] in _UPDATES else 1)


def _values(
    columns: Sequence[ColumnDefinition], present: Sequence[int], rows: bytes, offset: int
) -> Iterator[tuple[int, str]]:
    """Up to the first value of a type that is not known here."""
    nulls = offset
    offset += (len(present) + 7) // 8
    for place, index in enumerate(present):
        if rows[nulls + place // 8] >> place % 8 & 1:
            yield index, "NULL"
            continue
        column = columns[index]
        width = _WIDTHS.get(column.kind)
        if width is not None:
            yield index, str(int.from_bytes(rows[offset : offset + width], "little", signed=not column.unsigned))
            offset += width
            continue
        prefix = _length_bytes(column)
        if not prefix:
            return
        size = int.from_bytes(rows[offset : offset + prefix], "little")
        offset += prefix
        yield index, _text(rows[offset : offset + size])
        offset += size


def _length_bytes(column: ColumnDefinition) -> int:
    """Return the bytes of a text's length; 0 for what is no text."""
    if column.kind is ColumnType.VARCHAR:
        longest = int.from_bytes(column.metadata, "little")
    elif column.kind is ColumnType.STRING:
        # Two bits of the length are hidden, inverted, in the byte of the type.
        longest = ((column.metadata[0] & 0x30) ^ 0x30) << 4 | column.metadata[1]
    else:
        return 0
    return 1 if longest < 256 else 2


def _text(value: bytes) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = ""
    shown = repr(text) if text.isprintable() and (text or not value) else f"0x{value.hex()}"
    return shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "…"
