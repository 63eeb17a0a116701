"""How the values of each column type stand in a row image, in words that code is generated from.

A value is of one width, or has its length before it. `read` and `write` are Python expressions: of `{x}`, what `struct`
or a slice gave, to the value; and of `{v}`, the value, to what `struct` takes or the bytes behind the length. They are
written out into one function for a table (`reading.py`, `writing.py`): a call for each value would cost more than the
value. Where a value would be read of more bits than its type has, `check` is true of it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.remedies import UNKNOWN
from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType
from udup.drivers.mysql.mariadb.compression import inflated_value, stored_value
from udup.drivers.mysql.rows import decimals
from udup.drivers.mysql.rows.temporal import Date, DateTime, Time, Timestamp
from udup.drivers.mysql.rows.values import Geometry, Json, Vector

#: The collation of BINARY, VARBINARY and BLOB.
BINARY = 63

#: Codes of `struct` for a length of so many bytes; three are read as bytes.
LENGTH_CODES = {1: "B", 2: "H", 3: "3s", 4: "I"}

_SINGLE = struct.Struct("<f")


@dataclass(frozen=True)
class Shape:
    """`code` is that of `struct`, little-endian, of the value or of its length (`sized`); `width` its bytes.

    `longest` are the bytes of a sized value at most. `names` are what the expressions need. `kind` is the class of the
    values: those of others are not written, since a date is a number too, and a document bytes.
    """

    code: str
    width: int
    read: str = "{x}"
    write: str = "{v}"
    check: str = ""
    sized: bool = False
    longest: int = 0
    names: Mapping[str, object] = field(default_factory=dict)
    kind: type = int


def shape_of(column: ColumnDefinition) -> Shape:
    """Return the shape of a column's values; `Unsupported` if the definition does not say enough."""
    make = _SHAPES.get(column.kind)
    if make is None:
        raise Unsupported(f"values of type {column.kind.name} cannot be read by this version; {UNKNOWN}")
    return make(column)


def _is_unsigned(column: ColumnDefinition) -> bool:
    if column.unsigned is None:
        raise Unsupported(
            "the log does not say whether a number has a sign; upgrade the source to MySQL 8.0 or newer, or leave the"
            " table out (ReplicateIgnoreDb) in a job with another ID"
        )
    return column.unsigned


def is_binary(column: ColumnDefinition) -> bool:
    """Return whether a column of bytes has no character set; `Unsupported` if the log does not say."""
    if column.collation is None:
        raise Unsupported(
            "the log does not say in which character set a column is; upgrade the source to MySQL 8.0 or newer, or"
            " leave the table out (ReplicateIgnoreDb) in a job with another ID"
        )
    return column.collation == BINARY


# ---- Numbers ----


def _integer(code: str, width: int) -> Callable[[ColumnDefinition], Shape]:
    return lambda column: Shape(code.upper() if _is_unsigned(column) else code, width)


def _medium(column: ColumnDefinition) -> Shape:
    signed = not _is_unsigned(column)
    read = "F({x}, 'little', signed=True)" if signed else "F({x}, 'little')"
    return Shape("3s", 3, read, f"to_bytes({{v}}, 3, 'little', signed={signed})", names=_BYTES_NAMES)


def _year(_: ColumnDefinition) -> Shape:
    return Shape("B", 1, "{x} and {x} + 1900", "year_byte({v})", names={"year_byte": _year_byte})


def _year_byte(value: int) -> int:
    if value and not 1901 <= value <= 2155:
        raise ValueError("it is outside 1901 … 2155")
    return value and value - 1900


def _real(code: str, width: int) -> Callable[[ColumnDefinition], Shape]:
    """What is no number, or infinite, is never stored; the difference to itself is 0 for all others."""
    write = "single({v})" if code == "f" else "{v}"
    return lambda _: Shape(code, width, write=write, check="{v} - {v}", names={"single": _single}, kind=float)


def _single(value: float) -> float:
    """Return a value that four bytes hold exactly."""
    if _SINGLE.unpack(_SINGLE.pack(value))[0] != value:
        raise ValueError("a FLOAT does not hold all its digits")
    return value


def _decimal(column: ColumnDefinition) -> Shape:
    precision, scale = column.metadata
    if not scale <= precision <= decimals.PRECISION_MAX or scale > decimals.SCALE_MAX or not precision:
        raise Unsupported(f"a DECIMAL({precision}, {scale}) is in the log; {UNKNOWN}")
    tag = f"{precision}_{scale}"
    names = {f"decimal_{tag}": decimals.reader(precision, scale), f"pack_{tag}": decimals.packer(precision, scale)}
    width = decimals.width(precision, scale)
    return Shape(f"{width}s", width, f"decimal_{tag}({{x}})", f"pack_{tag}({{v}})", names=names, kind=Decimal)


def _bit(column: ColumnDefinition) -> Shape:
    bits = column.metadata[0] + 8 * column.metadata[1]
    width = (bits + 7) // 8
    return Shape(
        f"{width}s",
        width,
        "F({x}, 'big')",
        f"to_bytes(bounded({{v}}, {(1 << bits) - 1}), {width}, 'big')",
        f"{{v}} >> {bits}" if bits % 8 else "",
        names=_BYTES_NAMES,
    )


def _listed(column: ColumnDefinition) -> Shape:
    """Return the shape of ENUM and SET; what is no member is not read where the members are known."""
    width = column.metadata[0]
    known = len(column.members) if column.members is not None else None
    largest = (1 << 8 * width) - 1
    check = ""
    if known is not None:
        largest = known if column.kind is ColumnType.ENUM else (1 << known) - 1
        check = f"{{v}} > {largest}" if largest < (1 << 8 * width) - 1 else ""
    code = {1: "B", 2: "H", 4: "I", 8: "Q"}.get(width)
    if code is not None:
        return Shape(code, width, write=f"bounded({{v}}, {largest})", check=check, names=_BYTES_NAMES)
    write = f"to_bytes(bounded({{v}}, {largest}), {width}, 'little')"
    return Shape(f"{width}s", width, "F({x}, 'little')", write, check, names=_BYTES_NAMES)


def _bounded(value: int, largest: int) -> int:
    if not 0 <= value <= largest:
        raise ValueError(f"the largest number is {largest}")
    return value


# ---- Dates and times ----


def _date(_: ColumnDefinition) -> Shape:
    names = _BYTES_NAMES | {"Date": Date}
    return Shape("3s", 3, "Date(F({x}, 'little'))", "to_bytes({v}, 3, 'little')", names=names, kind=Date)


def _datetime(column: ColumnDefinition) -> Shape:
    """Return the shape of five bytes, the highest bit set, and the fraction behind them, all big-endian."""
    tail = _fraction_bytes(column)
    lost, factor = 24 - 8 * tail, _FACTORS[tail]
    top = 1 << 39 + 8 * tail
    if tail == 0:
        read = f"DateTime((F({{x}}, 'big') - {top}) << 24)"
    elif tail == 3:
        read = f"DateTime(F({{x}}, 'big') - {top})"
    else:
        mask = (1 << 8 * tail) - 1
        read = f"DateTime(((p := F({{x}}, 'big') - {top}) >> {8 * tail}) << 24 | (p & {mask}) * {factor})"
    cut = f"cut({{v}}, {lost}, {factor})" if lost else "{v}"
    write = f"to_bytes({cut} + {top}, {5 + tail}, 'big')"
    names = _BYTES_NAMES | {"DateTime": DateTime, "cut": _cut}
    return Shape(f"{5 + tail}s", 5 + tail, read, write, "{v} < 0", names=names, kind=DateTime)


def _time(column: ColumnDefinition) -> Shape:
    """Return the shape of three bytes with 0x800000 added, and the fraction: below zero all of it is."""
    tail = _fraction_bytes(column)
    lost, factor = 24 - 8 * tail, _FACTORS[tail]
    top = 1 << 23 + 8 * tail
    if tail == 0:
        read = f"Time((F({{x}}, 'big') - {top}) << 24)"
    elif tail == 3:
        read = f"Time(F({{x}}, 'big') - {top})"
    else:
        read = f"Time(signed_time(F({{x}}, 'big') - {top}, {8 * tail}, {factor}))"
    cut = f"cut({{v}}, {lost}, {factor})" if lost else "{v}"
    write = f"to_bytes({cut} + {top}, {3 + tail}, 'big')"
    names = {"Time": Time, "cut": _cut, "signed_time": _signed_time}
    return Shape(f"{3 + tail}s", 3 + tail, read, write, names=_BYTES_NAMES | names, kind=Time)


def _signed_time(packed: int, bits: int, factor: int) -> int:
    size = abs(packed)
    value = size >> bits << 24 | (size & (1 << bits) - 1) * factor
    return -value if packed < 0 else value


def _cut(value: int, lost: int, factor: int) -> int:
    """Return the packed number with fewer bits for its fraction; `ValueError` if that has more digits."""
    size = abs(int(value))
    fraction, rest = divmod(size & 0xFFFFFF, factor)
    if rest:
        raise ValueError("its fraction of a second has more digits")
    packed = size >> 24 << 24 - lost | fraction
    return -packed if value < 0 else packed


def _timestamp(column: ColumnDefinition) -> Shape:
    tail = _fraction_bytes(column)
    names = _BYTES_NAMES | {"Timestamp": Timestamp, "timestamp_bytes": _timestamp_bytes}
    write = f"timestamp_bytes({{v}}, {tail})"
    if not tail:
        return Shape("4s", 4, "Timestamp(F({x}, 'big') * 1000000)", write, names=names, kind=Timestamp)
    fraction = f"F({{x}}[4:], 'big') * {_FACTORS[tail]}" if tail < 3 else "F({x}[4:], 'big')"
    read = f"Timestamp(F({{x}}[:4], 'big') * 1000000 + {fraction})"
    return Shape(f"{4 + tail}s", 4 + tail, read, write, f"{fraction} > 999999", names=names, kind=Timestamp)


def _timestamp_bytes(value: int, tail: int) -> bytes:
    seconds, microseconds = divmod(int(value), 1_000_000)
    fraction, rest = divmod(microseconds, _FACTORS[tail])
    if rest:
        raise ValueError("its fraction of a second has more digits")
    return seconds.to_bytes(4, "big") + fraction.to_bytes(tail, "big")


def _fraction_bytes(column: ColumnDefinition) -> int:
    digits = column.metadata[0]
    if digits > 6:
        raise Unsupported(f"a time with {digits} digits of a second is in the log; {UNKNOWN}")
    return (digits + 1) // 2


#: What one of a fraction's numbers counts in microseconds, by its bytes.
_FACTORS = (1_000_000, 10_000, 100, 1)


# ---- Bytes ----


def _varchar(column: ColumnDefinition) -> Shape:
    is_binary(column)
    longest = int.from_bytes(column.metadata, "little")
    width = 1 if longest < 256 else 2
    return Shape(LENGTH_CODES[width], width, sized=True, longest=longest, kind=bytes)


def _compressed(column: ColumnDefinition) -> Shape:
    """Return the shape of MariaDB's COMPRESSED columns, whose values are whole here."""
    is_binary(column)
    if column.kind is ColumnType.BLOB_COMPRESSED:
        width, longest = column.metadata[0], (1 << 8 * column.metadata[0]) - 1
    else:
        longest = int.from_bytes(column.metadata, "little")
        width = 1 if longest < 256 else 2
    names = {"inflated_value": inflated_value, "stored_value": stored_value}
    read, write = "inflated_value({x})", "stored_value({v})"
    return Shape(LENGTH_CODES[width], width, read, write, sized=True, longest=longest, names=names, kind=bytes)


def octets(column: ColumnDefinition) -> int:
    """Return the bytes of a CHAR or BINARY: two bits of them are hidden, inverted, in the byte of the type."""
    return ((column.metadata[0] & 0x30) ^ 0x30) << 4 | column.metadata[1]


def _char(column: ColumnDefinition) -> Shape:
    longest = octets(column)
    width = 1 if longest < 256 else 2
    if not is_binary(column):
        return Shape(LENGTH_CODES[width], width, sized=True, longest=longest, kind=bytes)
    return Shape(
        LENGTH_CODES[width],
        width,
        f"{{x}}.ljust({longest}, ZERO)",
        f"filled({{v}}, {longest}).rstrip(ZERO)",
        sized=True,
        longest=longest,
        names={"ZERO": b"\0", "filled": _filled},
        kind=bytes,
    )


def _filled(value: bytes, size: int) -> bytes:
    if len(value) != size:
        raise ValueError(f"a BINARY({size}) has {size} bytes")
    return value


def _blob(value: str) -> Callable[[ColumnDefinition], Shape]:
    """Return what makes the shape of bytes whose length has the width in the metadata; `value` makes the value."""

    def make(column: ColumnDefinition) -> Shape:
        width = column.metadata[0]
        if width not in LENGTH_CODES:
            raise Unsupported(f"a value's length takes {width} bytes in the log; {UNKNOWN}")
        if column.kind is ColumnType.BLOB:
            is_binary(column)
        longest = (1 << 8 * width) - 1
        code, kind = LENGTH_CODES[width], _VALUE_KINDS.get(column.kind, bytes)
        return Shape(code, width, value, sized=True, longest=longest, names=_VALUE_NAMES, kind=kind)

    return make


_BYTES_NAMES: dict[str, object] = {"F": int.from_bytes, "to_bytes": int.to_bytes, "bounded": _bounded}
_VALUE_KINDS = {ColumnType.JSON: Json, ColumnType.GEOMETRY: Geometry, ColumnType.VECTOR: Vector}
_VALUE_NAMES: Mapping[str, object] = {"Json": Json, "Geometry": Geometry, "Vector": Vector}

_SHAPES: dict[ColumnType, Callable[[ColumnDefinition], Shape]] = {
    ColumnType.TINY: _integer("b", 1),
    ColumnType.SHORT: _integer("h", 2),
    ColumnType.INT24: _medium,
    ColumnType.LONG: _integer("i", 4),
    ColumnType.LONGLONG: _integer("q", 8),
    ColumnType.FLOAT: _real("f", 4),
    ColumnType.DOUBLE: _real("d", 8),
    ColumnType.YEAR: _year,
    ColumnType.NEWDECIMAL: _decimal,
    ColumnType.BIT: _bit,
    ColumnType.ENUM: _listed,
    ColumnType.SET: _listed,
    ColumnType.DATE: _date,
    ColumnType.DATETIME: _datetime,
    ColumnType.TIME: _time,
    ColumnType.TIMESTAMP: _timestamp,
    ColumnType.VARCHAR: _varchar,
    ColumnType.VAR_STRING: _varchar,
    ColumnType.BLOB_COMPRESSED: _compressed,
    ColumnType.VARCHAR_COMPRESSED: _compressed,
    ColumnType.STRING: _char,
    ColumnType.BLOB: _blob("{x}"),
    ColumnType.JSON: _blob("Json({x})"),
    ColumnType.GEOMETRY: _blob("Geometry({x})"),
    ColumnType.VECTOR: _blob("Vector({x})"),
}
