"""What a column's default, as the data dictionary has it, looks like in a message."""

from __future__ import annotations

from json.encoder import encode_basestring as quoted

from udup.drivers.mysql.rows.temporal import Date, DateTime
from udup.drivers.mysql.rowtext.ops import ColumnProgram, TextOp
from udup.drivers.mysql.rowtext.texts import (
    DATETIME_DAYS,
    DAY_SECONDS,
    DAYS,
    datetime_text,
    number_base64,
    timestamp_text,
)

_TEXTS = frozenset({TextOp.TEXT_UTF8, TextOp.TEXT_BYTES, TextOp.TEXT_OTHER, TextOp.ENUM, TextOp.SET})


def default_text(column: ColumnProgram, default: str) -> str | None:
    """Return the text of a default; None for one that is an expression, or of a type whose defaults are not shown."""
    try:
        return _text(column, default)
    except (ValueError, ArithmeticError):
        return None


def _text(column: ColumnProgram, default: str) -> str | None:
    match column.op:
        case TextOp.INT | TextOp.YEAR:
            return str(int(default))
        case TextOp.UNSIGNED_BASE64:
            return number_base64(int(default))
        case TextOp.BOOLEAN:
            return "true" if default not in ("0", "b'0'") else "false"
        case TextOp.FLOAT | TextOp.FLOAT_WIDE | TextOp.DOUBLE | TextOp.DECIMAL_DOUBLE:
            return repr(float(default))
        case TextOp.DECIMAL_STRING:
            return quoted(default)
        case TextOp.DECIMAL_BASE64:
            return number_base64(int(default.replace(".", "")))
        case op if op in _TEXTS:
            return quoted(default)
    return _date(column, default)


def _date(column: ColumnProgram, default: str) -> str | None:
    if column.op is TextOp.DATE_DAYS:
        days = DAYS[column.adjust][int(Date.parse(default))]
        return None if days is None else str(days)
    if column.op not in _DATETIMES:
        return None
    value = DateTime.parse(default)
    days = DATETIME_DAYS[column.adjust][value >> 41]
    if days is None:
        return None
    seconds = DAY_SECONDS[value >> 24 & 0x1FFFF]
    if column.op is TextOp.DATETIME_ISO:
        return datetime_text(days, seconds, value.microseconds)
    if column.op is TextOp.TIMESTAMP_ISO:
        return timestamp_text(days * 86400 + seconds, value.microseconds, column.digits)
    microseconds = (days * 86400 + seconds) * 1_000_000 + value.microseconds
    return str(microseconds // 1000 if column.op is TextOp.DATETIME_MS else microseconds)


_DATETIMES = frozenset({TextOp.DATETIME_MS, TextOp.DATETIME_US, TextOp.DATETIME_ISO, TextOp.TIMESTAMP_ISO})
