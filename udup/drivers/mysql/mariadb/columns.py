"""Columns of a MariaDB target's dictionary, so that they can be compared with those of a TABLE_MAP."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType
from udup.drivers.mysql.client.connection import Connection, scalar
from udup.drivers.mysql.mariadb.collations import Server
from udup.drivers.mysql.mariadb.history import ROW_END, ROW_START
from udup.drivers.mysql.mariadb.numbers import collation_name

if TYPE_CHECKING:
    from udup.drivers.mysql.apply.column_check import TargetColumn

#: Types of MariaDB's own as the log has them: a type of bytes, and how many.
_BYTES = {"uuid": ("binary", 16), "inet6": ("binary", 16), "inet4": ("binary", 4)}

_DATA_TYPE, _OCTETS = 1, 3

#: In a COLUMN_TYPE, in a comment that MariaDB alone reads.
_COMPRESSED = " COMPRESSED*/"

_KIND = "SELECT TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
_OWN_PERIOD = (
    "SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    " AND GENERATION_EXPRESSION IN ('ROW START', 'ROW END')"
)

#: Numbers of collations in both families: what the one does not know, the other may.
_FAMILIES = (Server(is_mariadb=True, version=(11, 8, 0)), Server(is_mariadb=False, version=(9, 7, 0)))

#: Above all numbers that a server has.
_BY_NAME = 1 << 20


def as_bytes(row: Sequence[Any]) -> tuple[Any, ...]:
    """Return a row of information_schema with a type of MariaDB's own as the bytes that it is in a row."""
    values = list(row)
    data_type = str(values[_DATA_TYPE])
    if data_type in _BYTES:
        values[_DATA_TYPE], values[_OCTETS] = _BYTES[data_type]
    elif data_type == "vector":
        values[_DATA_TYPE] = "varbinary"
    return tuple(values)


def as_logged(column: TargetColumn) -> TargetColumn:
    """Return a column as a log has it: one that is COMPRESSED is of a type of its own."""
    kind, metadata = column.definition.kind, column.definition.metadata
    if _COMPRESSED not in column.column_type.upper():
        return column
    if kind is ColumnType.BLOB:
        kind = ColumnType.BLOB_COMPRESSED
    elif kind is ColumnType.VARCHAR:
        kind = ColumnType.VARCHAR_COMPRESSED
        metadata = (int.from_bytes(metadata, "little") + 1).to_bytes(2, "little")
    return replace(column, definition=replace(column.definition, kind=kind, metadata=metadata))


def hidden_columns(connection: Connection, schema: str, table: str) -> Iterator[tuple[Any, ...]]:
    """Yield the rows that information_schema lacks: the period of a table WITH SYSTEM VERSIONING that names none."""
    kind = scalar(connection, _KIND, schema, table)
    if kind == "SYSTEM VERSIONED" and not scalar(connection, _OWN_PERIOD, schema, table):
        for name in (ROW_START, ROW_END):
            yield name, "timestamp", "timestamp(6)", None, None, None, 6, "NO", None, None, None, 1, 0, None, ""


def compared_by_name(
    ours: Sequence[ColumnDefinition], theirs: Sequence[TargetColumn]
) -> tuple[dict[int, str], list[TargetColumn]]:
    """Return character sets by the numbers of collations, and the target's columns with such numbers.

    MariaDB's dictionary has no numbers of its newest collations, and old ones do not know MySQL's.
    """
    charsets = {number: name for each in ours if (number := each.collation) and (name := _charset(number))}
    numbered: list[TargetColumn] = []
    for place, each in enumerate(theirs):
        if each.charset is None:
            numbered.append(each)
            if each.definition.collation is not None:
                charsets[each.definition.collation] = "binary"
        else:
            number = _BY_NAME + place
            charsets[number] = _of_today(each.charset)
            numbered.append(replace(each, definition=replace(each.definition, collation=number)))
    return charsets, numbered


def _charset(number: int) -> str:
    """Return the character set of a collation by its number, "" if it is not known."""
    found = next((name for family in _FAMILIES if (name := collation_name(number, family))), "")
    return _of_today(found.split("_")[0])


def _of_today(charset: str) -> str:
    return "utf8mb3" if charset.lower() == "utf8" else charset.lower()
