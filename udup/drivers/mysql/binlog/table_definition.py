"""What a TABLE_MAP event says about the columns of its table.

After the names: the number of columns, one type byte each, the types' metadata, a bitmap of the columns that may be
NULL, then optional metadata as (type, length, value). Every column is there, generated and invisible ones and a
generated primary key too (seen on 9.7). Signs and character sets are logged always, names, visibility, the members of
ENUM and SET and the primary key with binlog_row_metadata=FULL only. The format is that of MySQL's Table_map_event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.event import CRC_SIZE, HEADER_SIZE, read_lenenc
from udup.drivers.mysql.binlog.remedies import UNKNOWN, damaged


class ColumnType(IntEnum):
    """Types as they stand in a TABLE_MAP."""

    TINY = 1
    SHORT = 2
    LONG = 3
    FLOAT = 4
    DOUBLE = 5
    TIMESTAMP_OLD = 7
    LONGLONG = 8
    INT24 = 9
    DATE = 10
    TIME_OLD = 11
    DATETIME_OLD = 12
    YEAR = 13
    VARCHAR = 15
    BIT = 16
    TIMESTAMP = 17
    DATETIME = 18
    TIME = 19
    BLOB_COMPRESSED = 140  # MariaDB's, as the next
    VARCHAR_COMPRESSED = 141
    VECTOR = 242
    JSON = 245
    NEWDECIMAL = 246
    ENUM = 247  # in the metadata of STRING
    SET = 248  # in the metadata of STRING
    BLOB = 252
    VAR_STRING = 253
    STRING = 254
    GEOMETRY = 255


class Optional(IntEnum):
    """Kinds of optional metadata."""

    SIGNEDNESS = 1
    DEFAULT_CHARSET = 2
    COLUMN_CHARSET = 3
    COLUMN_NAME = 4
    SET_STR_VALUE = 5
    ENUM_STR_VALUE = 6
    GEOMETRY_TYPE = 7
    SIMPLE_PRIMARY_KEY = 8
    PRIMARY_KEY_WITH_PREFIX = 9
    ENUM_AND_SET_DEFAULT_CHARSET = 10
    ENUM_AND_SET_COLUMN_CHARSET = 11
    COLUMN_VISIBILITY = 12
    VECTOR_DIMENSIONALITY = 13


@dataclass(frozen=True)
class ColumnDefinition:
    """One column. `metadata` is the type's own (lengths, precision), None stands for what is not known.

    `collation` is a collation's number; `members` are in the column's character set.
    """

    kind: ColumnType
    metadata: bytes
    nullable: bool
    unsigned: bool | None = None
    collation: int | None = None
    name: str | None = None
    members: tuple[bytes, ...] | None = None
    geometry: int | None = None
    dimensions: int | None = None
    visible: bool | None = None


_METADATA_SIZES = {
    ColumnType.FLOAT: 1,
    ColumnType.DOUBLE: 1,
    ColumnType.VARCHAR: 2,
    ColumnType.BIT: 2,
    ColumnType.TIMESTAMP: 1,
    ColumnType.DATETIME: 1,
    ColumnType.TIME: 1,
    ColumnType.BLOB_COMPRESSED: 1,
    ColumnType.VARCHAR_COMPRESSED: 2,
    ColumnType.VECTOR: 1,
    ColumnType.JSON: 1,
    ColumnType.NEWDECIMAL: 2,
    ColumnType.BLOB: 1,
    ColumnType.VAR_STRING: 2,
    ColumnType.STRING: 2,
    ColumnType.GEOMETRY: 1,
}

NUMERIC = frozenset(
    {
        ColumnType.TINY,
        ColumnType.SHORT,
        ColumnType.INT24,
        ColumnType.LONG,
        ColumnType.LONGLONG,
        ColumnType.NEWDECIMAL,
        ColumnType.FLOAT,
        ColumnType.DOUBLE,
        ColumnType.YEAR,  # counted among them, and unsigned
    }
)
#: Those that a collation is logged for. VECTOR is counted among them (seen on 9.7), though it has none.
CHARACTER = frozenset(
    {ColumnType.STRING, ColumnType.VARCHAR, ColumnType.VAR_STRING, ColumnType.BLOB, ColumnType.VECTOR}
    | {ColumnType.BLOB_COMPRESSED, ColumnType.VARCHAR_COMPRESSED}
)


def parse_columns(table_map: bytes, *, has_crc: bool) -> tuple[ColumnDefinition, ...]:
    """Return the columns in their order; `Unsupported` for a type that this version does not know."""
    kinds, metadata, nulls, optional = table_parts(table_map, has_crc=has_crc)
    columns = list(_plain_columns(kinds, metadata, nulls))
    for kind, value in optional_metadata(optional, 0):
        fill = _FILLERS.get(kind)
        if fill is not None:
            fill(columns, value)
    return tuple(columns)


def primary_key(table_map: bytes, *, has_crc: bool) -> tuple[int, ...]:
    """Return the places of the primary key's columns; empty if there is none, or the log does not say (see above)."""
    return tuple(index for index, _ in primary_key_parts(table_map, has_crc=has_crc))


def primary_key_parts(table_map: bytes, *, has_crc: bool) -> tuple[tuple[int, int], ...]:
    """Return the same with the characters of each column that the key holds; 0 where it holds all of them."""
    for kind, value in optional_metadata(table_parts(table_map, has_crc=has_crc)[3], 0):
        if kind == Optional.SIMPLE_PRIMARY_KEY:
            return tuple((index, 0) for index in integers(value))
        if kind == Optional.PRIMARY_KEY_WITH_PREFIX:
            numbers = integers(value)
            return tuple(zip(numbers[::2], numbers[1::2], strict=True))
    return ()


def table_parts(table_map: bytes, *, has_crc: bool) -> tuple[bytes, bytes, bytes, bytes]:
    """Return the types, their metadata, the bitmap of what may be NULL, and the optional metadata."""
    event = table_map[:-CRC_SIZE] if has_crc else table_map
    offset = HEADER_SIZE + 8
    for _ in ("schema", "table"):
        offset += event[offset] + 2
    count, offset = read_lenenc(event, offset)
    kinds = event[offset : offset + count]
    size, offset = read_lenenc(event, offset + count)
    metadata = event[offset : offset + size]
    offset += size
    end = offset + (count + 7) // 8
    if end > len(event):
        raise _too_short()
    return kinds, metadata, event[offset:end], event[end:]


def _plain_columns(kinds: bytes, metadata: bytes, nulls: bytes) -> Iterator[ColumnDefinition]:
    at = 0
    for index, number in enumerate(kinds):
        try:
            kind = ColumnType(number)
        except ValueError as error:
            raise Unsupported(
                f"column {index + 1} has type {number}, which this version does not know; {UNKNOWN}"
            ) from error
        size = _METADATA_SIZES.get(kind, 0)
        own = metadata[at : at + size]
        at += size
        if kind is ColumnType.STRING and own[0] in (ColumnType.ENUM, ColumnType.SET):
            kind, own = ColumnType(own[0]), own[1:]
        yield ColumnDefinition(kind, own, bool(nulls[index // 8] >> index % 8 & 1))


def optional_metadata(event: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
    """Yield kinds and values of what follows the columns."""
    while offset < len(event):
        kind = event[offset]
        size, offset = read_lenenc(event, offset + 1)
        if offset + size > len(event):
            raise _too_short()
        yield kind, event[offset : offset + size]
        offset += size


def _too_short() -> Unsupported:
    return damaged("a TABLE_MAP ends before what it says is in it")


def _of(columns: list[ColumnDefinition], kinds: frozenset[ColumnType]) -> list[int]:
    return [index for index, column in enumerate(columns) if column.kind in kinds]


def _fill_signs(columns: list[ColumnDefinition], value: bytes) -> None:
    """Yield a bit for each numeric column, the highest first."""
    for number, index in enumerate(_of(columns, NUMERIC)):
        unsigned = bool(value[number // 8] >> (7 - number % 8) & 1)
        columns[index] = replace(columns[index], unsigned=unsigned)


def _default_charset(kinds: frozenset[ColumnType]) -> Callable[[list[ColumnDefinition], bytes], None]:
    """Return a default, then (position among these columns, collation) for those that have another."""

    def fill(columns: list[ColumnDefinition], value: bytes) -> None:
        default, *pairs = integers(value)
        others = dict(zip(pairs[::2], pairs[1::2], strict=True))
        for number, index in enumerate(_of(columns, kinds)):
            _set_collation(columns, index, others.get(number, default))

    return fill


def _column_charsets(kinds: frozenset[ColumnType]) -> Callable[[list[ColumnDefinition], bytes], None]:
    def fill(columns: list[ColumnDefinition], value: bytes) -> None:
        for index, collation in zip(_of(columns, kinds), integers(value), strict=True):
            _set_collation(columns, index, collation)

    return fill


def _set_collation(columns: list[ColumnDefinition], index: int, collation: int) -> None:
    if columns[index].kind is not ColumnType.VECTOR:
        columns[index] = replace(columns[index], collation=collation)


def _fill_names(columns: list[ColumnDefinition], value: bytes) -> None:
    offset = 0
    for index, column in enumerate(columns):
        text, offset = _text(value, offset)
        columns[index] = replace(column, name=text.decode())


def _members(kind: ColumnType) -> Callable[[list[ColumnDefinition], bytes], None]:
    def fill(columns: list[ColumnDefinition], value: bytes) -> None:
        offset = 0
        for index in _of(columns, frozenset({kind})):
            count, offset = read_lenenc(value, offset)
            members = []
            for _ in range(count):
                text, offset = _text(value, offset)
                members.append(text)
            columns[index] = replace(columns[index], members=tuple(members))

    return fill


def _fill_geometry(columns: list[ColumnDefinition], value: bytes) -> None:
    for index, geometry in zip(_of(columns, frozenset({ColumnType.GEOMETRY})), integers(value), strict=True):
        columns[index] = replace(columns[index], geometry=geometry)


def _fill_dimensions(columns: list[ColumnDefinition], value: bytes) -> None:
    for index, size in zip(_of(columns, frozenset({ColumnType.VECTOR})), integers(value), strict=True):
        columns[index] = replace(columns[index], dimensions=size)


def _fill_visibility(columns: list[ColumnDefinition], value: bytes) -> None:
    """Take a bit for each column, the highest first."""
    for index, column in enumerate(columns):
        columns[index] = replace(column, visible=bool(value[index // 8] >> (7 - index % 8) & 1))


def integers(value: bytes) -> list[int]:
    """Return the packed integers of a value."""
    numbers = []
    offset = 0
    while offset < len(value):
        number, offset = read_lenenc(value, offset)
        numbers.append(number)
    return numbers


def _text(value: bytes, offset: int) -> tuple[bytes, int]:
    size, offset = read_lenenc(value, offset)
    if offset + size > len(value):
        raise _too_short()
    return value[offset : offset + size], offset + size


LISTED = frozenset({ColumnType.ENUM, ColumnType.SET})

_FILLERS: dict[int, Callable[[list[ColumnDefinition], bytes], None]] = {
    Optional.SIGNEDNESS: _fill_signs,
    Optional.DEFAULT_CHARSET: _default_charset(CHARACTER),
    Optional.COLUMN_CHARSET: _column_charsets(CHARACTER),
    Optional.COLUMN_NAME: _fill_names,
    Optional.SET_STR_VALUE: _members(ColumnType.SET),
    Optional.ENUM_STR_VALUE: _members(ColumnType.ENUM),
    Optional.GEOMETRY_TYPE: _fill_geometry,
    Optional.ENUM_AND_SET_DEFAULT_CHARSET: _default_charset(LISTED),
    Optional.ENUM_AND_SET_COLUMN_CHARSET: _column_charsets(LISTED),
    Optional.COLUMN_VISIBILITY: _fill_visibility,
    Optional.VECTOR_DIMENSIONALITY: _fill_dimensions,
}
