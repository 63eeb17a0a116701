"""Values as SQL that makes exactly them again, and conditions that are true of exactly them.

The SQL is ASCII, whatever the session's character set is. It is exact in a session with `time_zone = '+00:00'`, and
with a `sql_mode` that has `ALLOW_INVALID_DATES` and none of `NO_ZERO_DATE`, `NO_ZERO_IN_DATE` and `ANSI_QUOTES`.
Conditions are exact in every `sql_mode` with `anywhere`, and then an index is of no use for some values.
"""

from __future__ import annotations

from calendar import monthrange
from decimal import Decimal

from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType
from udup.drivers.mysql.rows.charsets import charset_of
from udup.drivers.mysql.rows.json_literal import json_expression
from udup.drivers.mysql.rows.shapes import BINARY
from udup.drivers.mysql.rows.temporal import Date, DateTime, Time, Timestamp
from udup.drivers.mysql.rows.values import ABSENT, Geometry, Json, JsonPatch, Value, Vector


def literal(column: ColumnDefinition, value: Value) -> str:
    """Return SQL to be assigned to a column of this definition.

    Raise `ValueError` for what is no value (absent, a partial document), `Unsupported` for a JSON document that no
    expression makes.
    """
    if value is None:
        return "NULL"
    if value is ABSENT or isinstance(value, JsonPatch):
        raise ValueError(f"{value!r} is no value")
    if isinstance(value, Json):
        return json_expression(value.tree())
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float):
        return _real(value)
    if isinstance(value, (DateTime, Time, Timestamp)):
        return f"'{value.text(column.metadata[0])}'"
    if isinstance(value, Date):
        return f"'{value}'"
    return str(value)


def _real(value: float) -> str:
    """Return a number that is read as a double, so that its sign stays where it is zero."""
    text = repr(value)
    return text if "e" in text else f"{text}e0"


#: Sets whose introducer warns in every statement, and the one that has the same bytes for the same letters.
_INTRODUCED_AS = {"utf8mb3": "utf8mb4"}


def condition(column: ColumnDefinition, name: str, value: Value, *, anywhere: bool = False, characters: int = 0) -> str:
    """Return a condition that is true of this value of a column alone; `name` is the column's, quoted.

    Where equal values may have other bytes (collations, JSON, the sign of zero), the bytes are compared as well; the
    comparison beside it lets an index be used.

    `anywhere`: the session's sql_mode may be any. One without ALLOW_INVALID_DATES, or with NO_ZERO_DATE, refuses a
    constant that is no day of the calendar where it is compared with a date (1525), strict or not; one with
    PAD_CHAR_TO_FULL_LENGTH reads a CHAR with blanks up to its length, `characters` (0: it is no CHAR).
    """
    if value is None:
        return f"{name} IS NULL"
    made = literal(column, value)
    if isinstance(value, Json):
        return f"({name} = {made} AND CAST({name} AS CHAR) = CAST({made} AS CHAR) COLLATE utf8mb4_bin)"
    if column.collation not in (None, BINARY) and column.kind not in (ColumnType.ENUM, ColumnType.SET):
        charset = charset_of(column.collation or 0)
        text = f"_{_INTRODUCED_AS.get(charset, charset)} {made}"
        if anywhere and characters:
            padded = f"RPAD({text}, {characters}, ' ')"
            return f"({name} IN ({text}, {padded}) AND CAST(TRIM(TRAILING ' ' FROM {name}) AS BINARY) = {made})"
        return f"({name} = {text} AND CAST({name} AS BINARY) = {made})"
    if isinstance(value, (Geometry, Vector)):
        return f"CAST({name} AS BINARY) = {made}"  # a VECTOR is not compared otherwise
    if column.kind is ColumnType.SET:
        return f"CAST({name} AS UNSIGNED) = {made}"  # compared as a double otherwise, which has 53 bits
    if isinstance(value, float) and not value:
        return f"({name} = 0 AND CAST({name} AS CHAR) {'' if str(value)[0] == '-' else 'NOT '}LIKE '-%')"
    if anywhere and isinstance(value, (Date, DateTime, Timestamp)) and not _is_a_day(value):
        return f"CAST({name} AS CHAR) = {made}"
    return f"{name} = {made}"


def _is_a_day(value: Date | DateTime | Timestamp) -> bool:
    """Return whether a value is a day of the calendar; zero and what has a part that is zero are none."""
    if isinstance(value, Timestamp):
        return bool(value)
    day = value.date if isinstance(value, DateTime) else value
    return day.year > 0 and 0 < day.month <= 12 and 0 < day.day <= monthrange(day.year, day.month)[1]
