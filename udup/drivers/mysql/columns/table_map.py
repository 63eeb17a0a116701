"""A TABLE_MAP of some columns of another one, in an order and under names of their own.

Types and what may be NULL come from the bytes of the source's; the optional metadata are written again, each kind that
the source has logged. The primary key goes along where all of it is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from udup.drivers.mysql.binlog.event import CRC_SIZE, HEADER, HEADER_SIZE, resized
from udup.drivers.mysql.binlog.lengths import bits, counted, integer
from udup.drivers.mysql.binlog.table_definition import (
    CHARACTER,
    LISTED,
    NUMERIC,
    ColumnDefinition,
    ColumnType,
    Optional,
    parse_columns,
    primary_key_parts,
)

_KEPT_NAMES = HEADER_SIZE + 8

#: What a VECTOR has in the place of a collation.
_BINARY = 63


def mapped_table_map(event: bytes, places: Sequence[int], names: Sequence[str], *, has_crc: bool) -> bytes:
    """Return the TABLE_MAP of the columns at these places, called so."""
    columns = parse_columns(event, has_crc=has_crc)
    chosen = [replace(columns[place], name=name) for place, name in zip(places, names, strict=True)]
    key = [(places.index(place), prefix) for place, prefix in _key(event, places, has_crc=has_crc)]
    return table_map_of(event, chosen, key, has_crc=has_crc)


def table_map_of(
    event: bytes, chosen: Sequence[ColumnDefinition], key: Sequence[tuple[int, int]], *, has_crc: bool
) -> bytes:
    """Return the TABLE_MAP of the same table with these columns, and with a primary key of these parts."""
    end = _KEPT_NAMES
    for _ in ("schema", "table"):
        end += event[end] + 2
    types = bytes(_code(column) for column in chosen)
    metadata = b"".join(_metadata(column) for column in chosen)
    nulls = sum(1 << place for place, column in enumerate(chosen) if column.nullable)
    body = event[HEADER_SIZE:end] + counted(types) + counted(metadata)
    body += nulls.to_bytes((len(chosen) + 7) // 8, "little") + _optional(chosen, key)
    header = HEADER.pack(*HEADER.unpack(event[:HEADER_SIZE]))
    return resized(header + body + bytes(CRC_SIZE if has_crc else 0), has_crc=has_crc)


def _key(event: bytes, places: Sequence[int], *, has_crc: bool) -> tuple[tuple[int, int], ...]:
    """Return the parts of the primary key, none if one of its columns is left out."""
    parts = primary_key_parts(event, has_crc=has_crc)
    return parts if all(place in places for place, _ in parts) else ()


def _code(column: ColumnDefinition) -> int:
    return ColumnType.STRING if column.kind in LISTED else column.kind


def _metadata(column: ColumnDefinition) -> bytes:
    """Return the type's metadata; those of ENUM and SET have the type in front."""
    return bytes([column.kind]) + column.metadata if column.kind in LISTED else column.metadata


def _optional(columns: Sequence[ColumnDefinition], key: Sequence[tuple[int, int]]) -> bytes:
    parts = []

    def add(kind: Optional, value: bytes) -> None:
        if value:
            parts.append(bytes([kind]) + counted(value))

    numbers = [column for column in columns if column.kind in NUMERIC]
    if all(column.unsigned is not None for column in numbers):
        add(Optional.SIGNEDNESS, bits([bool(column.unsigned) for column in numbers]))
    for kind, kinds in ((Optional.COLUMN_CHARSET, CHARACTER), (Optional.ENUM_AND_SET_COLUMN_CHARSET, LISTED)):
        texts = [column for column in columns if column.kind in kinds]
        if all(column.collation is not None or column.kind is ColumnType.VECTOR for column in texts):
            add(kind, b"".join(integer(column.collation or _BINARY) for column in texts))
    if all(column.name is not None for column in columns):
        add(Optional.COLUMN_NAME, b"".join(counted((column.name or "").encode()) for column in columns))
    for kind, type_ in ((Optional.SET_STR_VALUE, ColumnType.SET), (Optional.ENUM_STR_VALUE, ColumnType.ENUM)):
        listed = [column.members for column in columns if column.kind is type_]
        if None not in listed:
            add(kind, b"".join(integer(len(each or ())) + b"".join(map(counted, each or ())) for each in listed))
    shapes = [column.geometry for column in columns if column.kind is ColumnType.GEOMETRY]
    if None not in shapes:
        add(Optional.GEOMETRY_TYPE, b"".join(integer(each or 0) for each in shapes))
    if any(prefix for _, prefix in key):
        add(Optional.PRIMARY_KEY_WITH_PREFIX, b"".join(integer(number) for part in key for number in part))
    else:
        add(Optional.SIMPLE_PRIMARY_KEY, b"".join(integer(place) for place, _ in key))
    if all(column.visible is not None for column in columns):
        add(Optional.COLUMN_VISIBILITY, bits([bool(column.visible) for column in columns]))
    sizes = [column.dimensions for column in columns if column.kind is ColumnType.VECTOR]
    if None not in sizes:
        add(Optional.VECTOR_DIMENSIONALITY, b"".join(integer(each or 0) for each in sizes))
    return b"".join(parts)
