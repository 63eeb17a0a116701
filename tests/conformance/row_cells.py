"""A column's values on both sides of a comparison: as the source's server says them, and as the codec reads them.

The server is asked in a way that loses nothing: bytes in hexadecimal, a FLOAT as the double that it is, the number of
a member beside its name. Both sides become one Python value of the type that the column has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType
from udup.drivers.mysql.client.names import quote
from udup.drivers.mysql.rows.showing import members_of, text_of
from udup.drivers.mysql.rows.temporal import Date, DateTime, Time, Timestamp
from udup.drivers.mysql.rows.values import ABSENT, Json, JsonPatch, Value

#: Something to compare by: equal and of one type on both sides.
Cell = tuple[object, ...] | None


@dataclass(frozen=True)
class Column:
    """A column as the server's dictionary has it."""

    name: str
    data_type: str
    extra: str

    @property
    def is_generated(self) -> bool:
        return "GENERATED" in self.extra.replace("DEFAULT_GENERATED", "")

    @property
    def is_virtual(self) -> bool:
        return "VIRTUAL" in self.extra

    @property
    def expression(self) -> str:
        name = quote(self.name)
        if self.data_type in _HEXADECIMAL:
            return f"HEX(CAST({name} AS BINARY))"
        if self.data_type in ("enum", "set"):
            return f"CONCAT(CAST({name} AS UNSIGNED), ' ', HEX(CAST({name} AS BINARY)))"
        if self.data_type == "json":
            return f"HEX(CAST({name} AS CHAR CHARACTER SET utf8mb4))"
        if self.data_type in ("float", "double"):
            return f"{name} * 1e0"
        if self.data_type in ("bit", "year"):
            return f"{name} + 0"
        return f"CAST({name} AS CHAR)" if self.data_type in _TEMPORAL else name

    def cell_of(self, answer: str | None) -> Cell:
        """What the server has said."""
        if answer is None:
            return None
        if self.data_type in _HEXADECIMAL or self.data_type == "json":
            return (bytes.fromhex(answer),)
        if self.data_type in ("enum", "set"):
            number, name = answer.split(" ")
            return int(number), bytes.fromhex(name)
        if self.data_type in ("float", "double"):
            return (repr(float(answer)),)
        if self.data_type == "decimal":
            return (str(Decimal(answer)),)
        if self.data_type in _TEMPORAL:
            return _TEMPORAL[self.data_type](answer), answer
        return (int(answer),)


_TEXTS = {f"{size}{kind}" for kind in ("text", "blob") for size in ("tiny", "", "medium", "long")}
_GEOMETRIES = {f"{size}{kind}" for kind in ("point", "linestring", "polygon") for size in ("", "multi")}
_OTHER_GEOMETRIES = {"geometry", "geomcollection", "geometrycollection"}
_HEXADECIMAL = {"char", "varchar", "binary", "varbinary", "vector"} | _TEXTS | _GEOMETRIES | _OTHER_GEOMETRIES

_TEMPORAL: dict[str, Callable[[str], int]] = {
    "date": Date.parse,
    "datetime": DateTime.parse,
    "time": Time.parse,
    "timestamp": Timestamp.parse,
}


def cell_of(column: ColumnDefinition, value: Value) -> Cell:
    """The same of what the codec has read; `ABSENT` and patches are no cells."""
    if value is None:
        return None
    assert value is not ABSENT and not isinstance(value, JsonPatch)
    if isinstance(value, Json):
        return (value.text().encode(),)
    if column.kind in (ColumnType.ENUM, ColumnType.SET):
        assert isinstance(value, int)
        separator = ",".encode(_WIDE.get(column.collation or 0, "ascii"))
        return value, separator.join(members_of(column, value))
    if isinstance(value, (Date, DateTime, Time, Timestamp)):
        return value, text_of(column, value)
    if isinstance(value, bytes):
        return (bytes(value),)
    if isinstance(value, float):
        return (repr(value),)
    return (str(value),) if isinstance(value, Decimal) else (int(value),)


#: Collations of character sets whose comma has more than one byte.
_WIDE = (
    dict.fromkeys((35, 54, 55, 90, 159, *range(101, 125), *range(128, 152)), "utf-16-be")
    | dict.fromkeys((56, 62), "utf-16-le")
    | dict.fromkeys((60, 61, *range(160, 184)), "utf-32-be")
)
