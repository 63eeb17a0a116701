"""A table as its TABLE_MAP describes it: what its rows events are read and written by."""

from __future__ import annotations

from dataclasses import dataclass

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.event import CRC_SIZE, HEADER_SIZE, EventType
from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, parse_columns, primary_key_parts
from udup.drivers.mysql.binlog.table_map import table_name
from udup.drivers.mysql.rows.errors import DAMAGE, damaged


@dataclass(frozen=True)
class KeyPart:
    """A column of the primary key; `prefix` are the characters of it that the key holds, 0 for all."""

    column: int
    prefix: int = 0


@dataclass(frozen=True)
class Table:
    """Names, columns in their order, and the primary key: empty if there is none, or the log does not say.

    Names of columns, members, visibility and the key are there with binlog_row_metadata=FULL on the source.
    """

    schema: str
    name: str
    columns: tuple[ColumnDefinition, ...]
    key: tuple[KeyPart, ...] = ()

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def key_columns(self) -> tuple[int, ...]:
        return tuple(part.column for part in self.key)

    def index_of(self, name: str) -> int | None:
        """Return a column's place by its name, whose case does not count; None if there is none, or no names."""
        wanted = name.lower()
        for index, column in enumerate(self.columns):
            if column.name is not None and column.name.lower() == wanted:
                return index
        return None

    def column_name(self, index: int) -> str:
        """Return a column's name for people."""
        name = self.columns[index].name if 0 <= index < len(self.columns) else None
        return name or f"column {index + 1}"


def parse_table(table_map: bytes, *, has_crc: bool) -> Table:
    """Return what a TABLE_MAP describes; `Unsupported` for unknown types, `DamagedRows` for bytes that are none."""
    if len(table_map) < HEADER_SIZE + (CRC_SIZE if has_crc else 0) or table_map[4] != EventType.TABLE_MAP:
        raise damaged("an event is no TABLE_MAP")
    try:
        names = table_name(table_map)
        columns = parse_columns(table_map, has_crc=has_crc)
        key = tuple(KeyPart(*part) for part in primary_key_parts(table_map, has_crc=has_crc))
    except Unsupported:
        raise
    except DAMAGE as error:
        raise damaged(f"a TABLE_MAP cannot be read ({type(error).__name__}: {error})") from error
    if any(part.column >= len(columns) for part in key):
        raise damaged(f"the TABLE_MAP of {names} has a key of columns that it has not")
    return Table(names.schema, names.table, columns, key)
