"""Values as text: as the server prints them where it prints text, and for people where it sends bytes.

The text of numbers, dates and JSON is the server's own, to the byte, in a session in UTC. Two things a TABLE_MAP does
not say: the digits that a FLOAT(M,D) or DOUBLE(M,D) is printed with, and ZEROFILL.
"""

from __future__ import annotations

from decimal import Decimal

from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType
from udup.drivers.mysql.rows.charsets import charset_of, shown
from udup.drivers.mysql.rows.json_text import double_text, float_text
from udup.drivers.mysql.rows.shapes import BINARY
from udup.drivers.mysql.rows.temporal import DateTime, Time, Timestamp
from udup.drivers.mysql.rows.values import ABSENT, Geometry, Json, Value, Vector


def text_of(column: ColumnDefinition, value: Value) -> str:
    """Return a value for people to read; `NULL` and `(absent)` for what is none."""
    if value is None:
        return "NULL"
    if value is ABSENT:
        return "(absent)"
    if isinstance(value, Json):
        return value.text()
    if isinstance(value, Geometry):
        return f"SRID {value.srid}, WKB 0x{value.wkb.hex()}"
    if isinstance(value, Vector):
        return f"[{','.join(f'{number:.5e}' for number in value.numbers())}]"
    if isinstance(value, bytes):
        return _string(column, value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float):
        return float_text(value) if column.kind is ColumnType.FLOAT else double_text(value)
    if isinstance(value, (DateTime, Time, Timestamp)):
        return value.text(column.metadata[0])
    return _number(column, value)


def _string(column: ColumnDefinition, value: bytes) -> str:
    if column.collation is None or column.collation == BINARY:
        return f"0x{value.hex()}"
    return shown(value, charset_of(column.collation))


def _number(column: ColumnDefinition, value: int) -> str:
    if column.kind is ColumnType.YEAR:
        return f"{value:04d}"
    if column.kind is ColumnType.BIT:
        bits = column.metadata[0] + 8 * column.metadata[1]
        return f"b'{value:0{bits}b}'"
    if column.kind in (ColumnType.ENUM, ColumnType.SET) and column.members is not None:
        return ",".join(_string(column, member) for member in members_of(column, value))
    return str(value)


def members_of(column: ColumnDefinition, value: int) -> tuple[bytes, ...]:
    """Return the members of an ENUM's or SET's value, in the column's character set; none for the error value.

    Raise `ValueError` if the log does not say the members (binlog_row_metadata=MINIMAL), or for a number of no member.
    """
    if column.members is None:
        raise ValueError("the log does not say the members")
    if column.kind is ColumnType.ENUM:
        if not 0 <= value <= len(column.members):
            raise ValueError(f"there is no member {value}")
        return (column.members[value - 1],) if value else ()
    if value >> len(column.members):
        raise ValueError(f"there are no members {value:#b}")
    return tuple(member for place, member in enumerate(column.members) if value >> place & 1)
