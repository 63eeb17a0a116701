"""TABLE_MAPs in MySQL's form: MariaDB counts GEOMETRY among the columns that have a character set, MySQL does not."""

from __future__ import annotations

from collections.abc import Iterator

from udup.drivers.mysql.binlog.event import CRC_SIZE, resized
from udup.drivers.mysql.binlog.lengths import integer
from udup.drivers.mysql.binlog.table_definition import (
    ColumnType,
    Optional,
    integers,
    optional_metadata,
    table_parts,
)

#: Types of MariaDB's with a character set; a STRING may be an ENUM or a SET, which are counted apart.
_CHARACTER = frozenset(
    {ColumnType.STRING, ColumnType.VARCHAR, ColumnType.VAR_STRING, ColumnType.BLOB, ColumnType.GEOMETRY}
    | {ColumnType.BLOB_COMPRESSED, ColumnType.VARCHAR_COMPRESSED}
)
_LISTED = frozenset({ColumnType.ENUM, ColumnType.SET})

#: Bytes of metadata of the types that stand in front of a STRING's, or are one.
_SIZES = {
    ColumnType.FLOAT: 1,
    ColumnType.DOUBLE: 1,
    ColumnType.VARCHAR: 2,
    ColumnType.VARCHAR_COMPRESSED: 2,
    ColumnType.BIT: 2,
    ColumnType.TIMESTAMP: 1,
    ColumnType.DATETIME: 1,
    ColumnType.TIME: 1,
    ColumnType.NEWDECIMAL: 2,
    ColumnType.BLOB: 1,
    ColumnType.BLOB_COMPRESSED: 1,
    ColumnType.VAR_STRING: 2,
    ColumnType.STRING: 2,
    ColumnType.GEOMETRY: 1,
}


def in_mysql_form(table_map: bytes, *, has_crc: bool) -> bytes:
    """Return the TABLE_MAP, with the character sets of other columns alone if it has GEOMETRY."""
    kinds, metadata, _, optional = table_parts(table_map, has_crc=has_crc)
    if ColumnType.GEOMETRY not in kinds or not optional:
        return table_map
    crc = CRC_SIZE if has_crc else 0
    head = table_map[: len(table_map) - crc - len(optional)]
    characters = list(_characters(kinds, metadata))
    changed = bytearray()
    for kind, value in optional_metadata(optional, 0):
        if kind in (Optional.DEFAULT_CHARSET, Optional.COLUMN_CHARSET):
            value = _without_geometry(kind, value, characters)
            kind = Optional.COLUMN_CHARSET
            if not value:
                continue
        changed += bytes([kind]) + integer(len(value)) + value
    return resized(head + bytes(changed) + bytes(crc), has_crc=has_crc)


def _characters(kinds: bytes, metadata: bytes) -> Iterator[int]:
    """Yield the types of the columns that have a character set."""
    at = 0
    for kind in kinds:
        if kind in _CHARACTER and not (kind == ColumnType.STRING and metadata[at] in _LISTED):
            yield kind
        at += _SIZES.get(ColumnType(kind), 0) if kind in ColumnType._value2member_map_ else 0


def _without_geometry(kind: int, value: bytes, characters: list[int]) -> bytes:
    """Return the collation of each of these columns but GEOMETRY."""
    numbers = integers(value)
    if kind == Optional.DEFAULT_CHARSET:
        default, pairs = numbers[0], numbers[1:]
        others = dict(zip(pairs[::2], pairs[1::2], strict=True))
        numbers = [others.get(place, default) for place in range(len(characters))]
    kept = [number for number, column in zip(numbers, characters, strict=True) if column != ColumnType.GEOMETRY]
    return b"".join(map(integer, kept))
