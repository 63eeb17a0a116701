"""What stands in a message for a value, said once more and slowly: of the values as `rows/` reads them."""

from __future__ import annotations

import json
import struct
from base64 import b64encode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType
from udup.drivers.mysql.rows.json_values import JsonTimestamp, JsonValue, Opaque
from udup.drivers.mysql.rows.temporal import Date, DateTime, Time, Timestamp
from udup.drivers.mysql.rows.values import Geometry, Json, Value, Vector
from udup.drivers.mysql.rowtext.options import Binary, Decimals, JsonForm, Times, UnsignedBigint, ValueOptions

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BINARY = 63


class NoForm(Exception):
    """A value that no text stands for."""


def shown(column: ColumnDefinition, value: Value, options: ValueOptions) -> object:
    """Return the value that JSON has."""
    if value is None:
        return None
    if isinstance(value, (Date, DateTime, Timestamp)):
        return _moment(column, value, options)
    if isinstance(value, Time):
        return _time(column, value, options)
    if isinstance(value, Decimal):
        return _decimal(value, options)
    if isinstance(value, float):
        return _single(value) if column.kind is ColumnType.FLOAT else value
    if isinstance(value, Vector):
        return [_single(each) for each in value.numbers()]
    if isinstance(value, Geometry):
        return {"wkb": _base64(value.wkb), "srid": value.srid or None}
    if isinstance(value, Json):
        return value.text() if options.json is JsonForm.DATABASE else _Document(legacy(value.tree()))
    if isinstance(value, bytes):
        return _bytes(value, options) if column.collation == _BINARY else _text(column, value)
    assert isinstance(value, int)
    return _number(column, value, options)


def _text(column: ColumnDefinition, value: bytes) -> str:
    return value.decode(_CODECS.get(column.collation or 0, "utf-8"), "replace")


#: Of the collations that were recorded, and are not UTF-8's.
_CODECS = {8: "latin-1", 54: "utf-16-be"}


class _Document:
    """A document, equal to every text of it."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, str):
            return False
        return _same(json.loads(other, parse_float=Decimal), self._value)

    def __repr__(self) -> str:
        return f"the document {self._value!r}"


def _same(found: object, wanted: object) -> bool:
    """Return whether what was read is that value; a double may be written with all of its digits."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and list(found) == list(wanted) and _same([*found.values()], [*wanted.values()])
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(_same, found, wanted))
    if isinstance(wanted, float):
        return isinstance(found, (int, Decimal)) and repr(float(found)) == repr(wanted)
    if isinstance(wanted, Decimal):
        return isinstance(found, (int, Decimal)) and Decimal(found) == wanted
    return type(found) is (type(wanted) if isinstance(wanted, (bool, str)) or wanted is None else int) and (
        found == wanted
    )


def legacy(value: JsonValue) -> object:
    if isinstance(value, dict):
        return {key: legacy(each) for key, each in value.items()}
    if isinstance(value, list):
        return [legacy(each) for each in value]
    if isinstance(value, JsonTimestamp):
        value = value.value
    if isinstance(value, (DateTime, Time)):
        text = value.text(6)
        return text.rstrip("0").rstrip(".")
    if isinstance(value, Date):
        return str(value)
    return _base64(value.data) if isinstance(value, Opaque) else value


def _base64(data: bytes) -> str:
    return b64encode(data).decode()


def _bytes(value: bytes, options: ValueOptions) -> str:
    if options.binary is Binary.HEX:
        return value.hex()
    return urlsafe_b64encode(value).decode() if options.binary is Binary.BASE64_URL_SAFE else _base64(value)


def _unscaled(number: int) -> str:
    size = 1
    while not -(1 << 8 * size - 1) <= number < 1 << 8 * size - 1:
        size += 1
    return _base64(number.to_bytes(size, "big", signed=True))


def _decimal(value: Decimal, options: ValueOptions) -> object:
    if options.decimals is Decimals.DOUBLE:
        return float(value)
    if options.decimals is Decimals.STRING:
        return format(value, "f")
    _, digits, _ = value.as_tuple()
    number = int("".join(map(str, digits)))
    return _unscaled(-number if value < 0 else number)


def _single(value: float) -> float:
    """Return the shortest number that is this FLOAT."""
    for digits in range(1, 18):
        short = float(f"{value:.{digits}g}")
        try:
            if struct.unpack("<f", struct.pack("<f", short))[0] == value:
                return short
        except OverflowError:
            continue
    raise AssertionError(value)


def _number(column: ColumnDefinition, value: int, options: ValueOptions) -> object:
    members = [_text(column, each) for each in column.members or ()]
    if column.kind is ColumnType.ENUM:
        return members[value - 1] if value else ""
    if column.kind is ColumnType.SET:
        return ",".join(each for number, each in enumerate(members) if value >> number & 1)
    if column.kind is ColumnType.BIT:
        bits = column.metadata[0] + 8 * column.metadata[1]
        return bool(value) if bits == 1 else _base64(value.to_bytes((bits + 7) // 8, "little"))
    if column.kind is ColumnType.LONGLONG and column.unsigned:
        if options.unsigned_bigint is UnsignedBigint.PRECISE:
            return _unscaled(value)
        return value - (1 << 64) if value >= 1 << 63 else value
    return value


# ---- Dates and times ----


def _moment(column: ColumnDefinition, value: Date | DateTime | Timestamp, options: ValueOptions) -> object:
    digits = column.metadata[0] if column.metadata else 0
    if isinstance(value, Timestamp):
        if not value:
            return None if column.nullable else "1970-01-01T00:00:00Z"
        return value.text(digits).replace(" ", "T") + "Z"
    date = value if isinstance(value, Date) else value.date
    clock = value.clock if isinstance(value, DateTime) else (0, 0, 0)
    year = date.year
    if options.adjust_years and year < 100:
        year += 2000 if year < 70 else 1900
    try:
        moment = datetime(year, date.month, date.day, *clock, tzinfo=UTC) if date.year else None
    except ValueError:
        moment = None
    return _shown(column, value, options, moment, digits)


def _shown(
    column: ColumnDefinition, value: Date | DateTime, options: ValueOptions, moment: datetime | None, digits: int
) -> object:
    iso = options.times is Times.ISOSTRING
    if isinstance(value, Date):
        if moment is None:
            return None if column.nullable else "1970-01-01Z" if iso else 0
        return f"{moment:%Y-%m-%d}Z".rjust(11, "0") if iso else (moment - _EPOCH).days
    if moment is None:
        return None if column.nullable else "1970-01-01T00:00:00Z" if iso else 0
    if iso:
        text = moment.replace(tzinfo=None).isoformat() + f".{value.microseconds:06d}"
        return text.rstrip("0").rstrip(".") + "Z"
    microseconds = (moment - _EPOCH) // timedelta(microseconds=1) + value.microseconds
    if options.times is Times.NANOSECONDS:
        fits = abs(microseconds * 1000) < 1 << 63
        return microseconds * 1000 if fits else _without_form(column)
    fine = options.times is Times.MICROSECONDS or (options.times is not Times.CONNECT and digits > 3)
    return microseconds if fine else microseconds // 1000


def _without_form(column: ColumnDefinition) -> None:
    """Return null where that can stand; `NoForm` if it cannot."""
    if not column.nullable:
        raise NoForm


def _time(column: ColumnDefinition, value: Time, options: ValueOptions) -> object:
    hours, minutes, seconds = value.clock
    microseconds = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + value.microseconds
    microseconds = -microseconds if value < 0 else microseconds
    within = 0 <= microseconds < 86_400_000_000
    if options.times is Times.CONNECT:
        return microseconds // 1000 if within else _without_form(column)
    if options.times is Times.ISOSTRING:
        if not within:
            return _without_form(column)
        return f"{value.text(6).rstrip('0').rstrip('.') if value.microseconds else value.text(0)}Z"
    if options.times is Times.NANOSECONDS:
        return microseconds * 1000
    return microseconds // 1000 if options.times is Times.ADAPTIVE and column.metadata[0] <= 3 else microseconds
