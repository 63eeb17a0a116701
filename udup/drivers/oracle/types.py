"""What a column of Oracle's becomes on a MySQL target: its type there, and its values, exactly or not at all.

| Oracle | MySQL | |
| --- | --- | --- |
| NUMBER(p), NUMBER(p,-s) | TINYINT … BIGINT up to 18 digits, DECIMAL(p) | |
| NUMBER(p,s) | DECIMAL(max(p,s),s) | s up to 30 |
| NUMBER, FLOAT | DECIMAL(65,30) | a value with more digits stops the job; DOUBLE would lose some of 38 |
| BINARY_FLOAT, BINARY_DOUBLE | FLOAT, DOUBLE | Inf and NaN stop the job |
| CHAR, VARCHAR2, NCHAR, NVARCHAR2 | VARCHAR, TEXT above 500 letters | a CHAR keeps its trailing blanks |
| RAW | VARBINARY | |
| DATE | DATETIME | it has a time of day |
| TIMESTAMP(n) | DATETIME(min(n,6)) | nanoseconds that are not 0 stop the job |
| … WITH TIME ZONE | VARCHAR(40) | `2024-02-29 13:14:15.000000000 +01:00`: moment and offset; a region's name is lost |
| … WITH LOCAL TIME ZONE | DATETIME, UTC | |
| INTERVAL | VARCHAR(32) | as Oracle prints it |
| CLOB, NCLOB, BLOB | LONGTEXT, LONGBLOB | in a copy alone |
| ROWID | VARCHAR(18) | |

Years before 1000 stop the job. An empty string is NULL in Oracle, so it is never one on the target.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType
from udup.drivers.mysql.rows.temporal import DateTime
from udup.drivers.mysql.rows.values import Value
from udup.drivers.oracle.literals import (
    WIDE,
    NoFit,
    decimal_of,
    of_calls,
    of_float,
    of_octets,
    of_text,
    of_texts,
    rounded,
    utf8,
    whole_number,
)
from udup.drivers.oracle.logminer.values import Literal
from udup.drivers.oracle.times import instant_text, interval_text, local_moment, moment

#: Collation numbers of a TABLE_MAP: utf8mb4_0900_bin, which compares as Oracle does by default, and no character set.
UTF8MB4, BINARY = 309, 63
COLLATION = "utf8mb4_0900_bin"

#: Digits behind the point, and bytes of VARCHAR2, at most.
_SCALE_MAX, _STRING_MAX = 30, 4000

_INTEGERS = (
    (3, "tinyint", ColumnType.TINY),
    (5, "smallint", ColumnType.SHORT),
    (7, "mediumint", ColumnType.INT24),
    (10, "int", ColumnType.LONG),
    (19, "bigint", ColumnType.LONGLONG),
)

#: Significant digits by which a text says which BINARY_FLOAT or BINARY_DOUBLE is meant.
_FLOAT_DIGITS = {4: 9, 8: 17}


@dataclass(frozen=True)
class OracleColumn:
    """A column as ALL_TAB_COLS has it; `length` in bytes, `letters` in characters."""

    name: str
    kind: str
    length: int = 0
    letters: int = 0
    precision: int | None = None
    scale: int | None = None
    nullable: bool = True
    virtual: bool = False
    hidden: bool = False


@dataclass(frozen=True)
class Mapped:
    """What a column becomes. `read` is the expression that a snapshot selects, `{c}` its name in quotes.

    `value` makes its value of what that gives or of the redo's literal; `bare`: a text of it needs no quotes.
    """

    data_type: str
    column_type: str
    definition: ColumnDefinition
    value: Callable[[Literal], Value]
    read: str = "{c}"
    bare: bool = False
    octets: int = 0
    is_lob: bool = False

    @property
    def charset(self) -> str | None:
        return "utf8mb4" if self.definition.collation == UTF8MB4 else None


def mapped(column: OracleColumn) -> Mapped:
    """Return what a column becomes; raise `NoFit` for a type that is not carried."""
    if column.virtual:
        raise NoFit("is computed by the source (a virtual column), which the redo does not have")
    if column.hidden:
        raise NoFit("is hidden: it was set unused, or belongs to an object type")
    kind = re.sub(r"\(\d+\)", "", column.kind)
    make = _KINDS.get(kind)
    if make is None:
        raise NoFit(f"is {column.kind}, which is not carried")
    return make(column)


def as_text(column: Mapped, name: str, nullable: bool) -> Mapped:
    """Return the column as a TEXT: a row of MySQL's has 65,535 bytes, and a TEXT counts little there."""
    definition = _definition(ColumnType.BLOB, b"\2", name, nullable, UTF8MB4)
    return Mapped("text", "text", definition, column.value, column.read, octets=65535)


def _definition(
    kind: ColumnType, metadata: bytes, name: str, nullable: bool, collation: int | None = None
) -> ColumnDefinition:
    return ColumnDefinition(kind, metadata, nullable, unsigned=False, collation=collation, name=name)


# ---- Numbers ----


def _number(column: OracleColumn) -> Mapped:
    precision, scale = column.precision, column.scale
    if precision is None and scale is None:
        return _decimal(column, 65, 30)
    precision = 38 if precision is None else precision
    scale = scale or 0
    if scale > _SCALE_MAX:
        raise NoFit(f"is NUMBER({precision},{scale}), and MySQL has {_SCALE_MAX} digits behind the point at most")
    if scale > 0:
        return _decimal(column, max(precision, scale), scale)
    digits = precision - scale
    for limit, name, kind in _INTEGERS:
        if digits < limit:
            definition = _definition(kind, b"", column.name, column.nullable)
            return Mapped(name, name, definition, of_text(whole_number), _NUMBER_TEXT, bare=True)
    if digits > 65:
        raise NoFit(f"is NUMBER({precision},{scale}), and MySQL has 65 digits at most")
    return _decimal(column, digits, 0)


_NUMBER_TEXT = "TO_CHAR({c}, 'TM9')"


def _float(column: OracleColumn) -> Mapped:
    return _decimal(column, 65, 30)


def _decimal(column: OracleColumn, precision: int, scale: int) -> Mapped:
    unit = Decimal(1).scaleb(-scale)

    def value(text: str) -> Decimal:
        number = decimal_of(text)
        fitted = number.quantize(unit, context=WIDE) if number else unit * 0
        if fitted != number or len(fitted.as_tuple().digits) > precision:
            raise NoFit(f"{text} has more digits than DECIMAL({precision},{scale})")
        return fitted

    definition = _definition(ColumnType.NEWDECIMAL, bytes([precision, scale]), column.name, column.nullable)
    name = f"decimal({precision},{scale})"
    return Mapped("decimal", name, definition, of_text(value), _NUMBER_TEXT, bare=True)


def _real(width: int) -> Callable[[OracleColumn], Mapped]:
    name, kind = ("float", ColumnType.FLOAT) if width == 4 else ("double", ColumnType.DOUBLE)

    def value(given: str | float) -> float:
        if isinstance(given, float):
            number = given
        else:
            number = float(decimal_of(given))
            exact = Decimal(given) == Decimal(rounded(number, width))
            if not exact and len(decimal_of(given).as_tuple().digits) < _FLOAT_DIGITS[width]:
                raise NoFit(f"{given!r} has too few digits to say which {name} is meant")
            number = rounded(number, width)
        if number - number != 0:
            raise NoFit(f"{given!r} is no number that MySQL has")
        return number

    def make(column: OracleColumn) -> Mapped:
        return Mapped(name, name, _definition(kind, bytes([width]), column.name, column.nullable), of_float(value))

    return make


# ---- Texts and bytes ----


def _string(column: OracleColumn) -> Mapped:
    if column.length > _STRING_MAX:
        raise NoFit(f"has up to {column.length} bytes: extended strings (over {_STRING_MAX}) are not carried")
    return _varchar(column, column.letters or column.length)


def _varchar(column: OracleColumn, letters: int, value: Callable[[str], bytes] | None = None) -> Mapped:
    octets = 4 * letters
    definition = _definition(ColumnType.VARCHAR, octets.to_bytes(2, "little"), column.name, column.nullable, UTF8MB4)
    return Mapped("varchar", f"varchar({letters})", definition, of_texts(value or utf8), octets=octets)


def _raw(column: OracleColumn) -> Mapped:
    if column.length > _STRING_MAX:
        raise NoFit(f"has up to {column.length} bytes: extended RAW (over {_STRING_MAX}) is not carried")
    size = column.length.to_bytes(2, "little")
    definition = _definition(ColumnType.VARCHAR, size, column.name, column.nullable, BINARY)
    return Mapped("varbinary", f"varbinary({column.length})", definition, of_octets, octets=column.length)


def _clob(column: OracleColumn) -> Mapped:
    definition = _definition(ColumnType.BLOB, b"\4", column.name, column.nullable, UTF8MB4)
    return Mapped("longtext", "longtext", definition, of_texts(utf8, is_lob=True), octets=(1 << 32) - 1, is_lob=True)


def _blob(column: OracleColumn) -> Mapped:
    definition = _definition(ColumnType.BLOB, b"\4", column.name, column.nullable, BINARY)
    return Mapped("longblob", "longblob", definition, of_octets, octets=(1 << 32) - 1, is_lob=True)


# ---- Dates and times ----


def _date(column: OracleColumn) -> Mapped:
    return _datetime(column, 0, of_calls(frozenset({"TO_DATE"}), moment), "TO_CHAR({c}, 'SYYYY-MM-DD HH24:MI:SS')")


def _timestamp(column: OracleColumn) -> Mapped:
    return _datetime(column, _fraction(column), of_calls(frozenset({"TO_TIMESTAMP"}), moment), _STAMP_TEXT)


def _fraction(column: OracleColumn) -> int:
    return min(6 if column.scale is None else column.scale, 6)


_STAMP_TEXT = "TO_CHAR({c}, 'SYYYY-MM-DD HH24:MI:SS.FF9')"


def _zoned(column: OracleColumn) -> Mapped:
    made = _varchar(column, 40)
    value = of_calls(frozenset({"TO_TIMESTAMP_TZ"}), instant_text)
    read = "TO_CHAR({c}, 'SYYYY-MM-DD HH24:MI:SS.FF9 TZH:TZM')"
    return Mapped(made.data_type, made.column_type, made.definition, value, read, octets=made.octets)


def _local(column: OracleColumn) -> Mapped:
    """Its text says an offset, or it is not known which moment is meant."""
    value = of_calls(frozenset({"TO_TIMESTAMP_TZ"}), local_moment)
    read = "TO_CHAR(SYS_EXTRACT_UTC({c}), 'SYYYY-MM-DD HH24:MI:SS.FF9') || ' +00:00'"
    return _datetime(column, _fraction(column), value, read)


def _datetime(column: OracleColumn, digits: int, value: Callable[[Literal], Value], read: str) -> Mapped:
    definition = _definition(ColumnType.DATETIME, bytes([digits]), column.name, column.nullable)
    name = f"datetime({digits})" if digits else "datetime"
    return Mapped("datetime", name, definition, _with_digits(value, digits), read)


def _with_digits(value: Callable[[Literal], Value], digits: int) -> Callable[[Literal], Value]:
    """Refuse a fraction that the column has no digits for."""
    unit = 10 ** (6 - digits)

    def fitted(literal: Literal) -> Value:
        found = value(literal)
        if isinstance(found, DateTime) and found.microseconds % unit:
            raise NoFit(f"{found} has more than {digits} digits of a second")
        return found

    return fitted


def _interval(function: str) -> Callable[[OracleColumn], Mapped]:
    def make(column: OracleColumn) -> Mapped:
        made = _varchar(column, 32)
        value = of_calls(frozenset({function}), interval_text)
        return Mapped(made.data_type, made.column_type, made.definition, value, "TO_CHAR({c})", octets=made.octets)

    return make


def _rowid(column: OracleColumn) -> Mapped:
    made = _varchar(column, 18)
    return Mapped(made.data_type, made.column_type, made.definition, made.value, "ROWIDTOCHAR({c})", octets=made.octets)


_KINDS: dict[str, Callable[[OracleColumn], Mapped]] = {
    "NUMBER": _number,
    "FLOAT": _float,
    "BINARY_FLOAT": _real(4),
    "BINARY_DOUBLE": _real(8),
    "CHAR": _string,
    "NCHAR": _string,
    "VARCHAR2": _string,
    "NVARCHAR2": _string,
    "RAW": _raw,
    "CLOB": _clob,
    "NCLOB": _clob,
    "BLOB": _blob,
    "DATE": _date,
    "TIMESTAMP": _timestamp,
    "TIMESTAMP WITH TIME ZONE": _zoned,
    "TIMESTAMP WITH LOCAL TIME ZONE": _local,
    "INTERVAL DAY TO SECOND": _interval("TO_DSINTERVAL"),
    "INTERVAL YEAR TO MONTH": _interval("TO_YMINTERVAL"),
    "ROWID": _rowid,
}
