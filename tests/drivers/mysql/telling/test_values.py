"""Values of a prepared statement as row images: what the codec of rows writes for the same value."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType
from udup.drivers.mysql.rows.temporal import Date, DateTime, Time, Timestamp
from udup.drivers.mysql.rows.values import Value
from udup.drivers.mysql.rows.writing import compile_writer
from udup.drivers.mysql.telling import values

#: Bytes of a fraction, and the digits that take them at most.
TAILS = {0: 0, 1: 2, 2: 4, 3: 6}

_CLOCK = (st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
_DAY = (st.integers(0, 9999), st.integers(0, 12), st.integers(0, 31))


def _written(kind: ColumnType, metadata: bytes, value: Value) -> bytes:
    column = ColumnDefinition(kind, metadata, False, unsigned=False)
    [image] = compile_writer([column], [0])([(value,)], False)
    return image[1:]  # behind the bitmap of NULLs


def _sent(day: tuple[int, int, int], clock: tuple[int, int, int], microseconds: int) -> bytes:
    """Return a date and time as a server sends it: zeros at its end are left out."""
    date = day[0].to_bytes(2, "little") + bytes(day[1:])
    if microseconds:
        return date + bytes(clock) + microseconds.to_bytes(4, "little")
    return date + bytes(clock) if any(clock) else date if any(day) else b""


@given(st.tuples(*_DAY))
def test_dates_are_packed_whatever_the_calendar_says(day: tuple[int, int, int]) -> None:
    assert values.date_bytes(_sent(day, (0, 0, 0), 0)) == _written(ColumnType.DATE, b"", Date.of(*day))


@pytest.mark.parametrize("tail", TAILS)
@given(st.tuples(*_DAY), st.tuples(*_CLOCK), st.integers(0, 999_999))
def test_datetimes_are_packed(tail: int, day: tuple[int, int, int], clock: tuple[int, int, int], us: int) -> None:
    unit = 10 ** (6 - TAILS[tail])
    us = us // unit * unit
    made = values.datetime_bytes(tail)(_sent(day, clock, us))
    assert made == _written(ColumnType.DATETIME, bytes([TAILS[tail]]), DateTime.of(*day, *clock, us))


@pytest.mark.parametrize("tail", TAILS)
@given(st.integers(1, 2**31 - 1), st.integers(0, 999_999))
def test_timestamps_are_seconds_in_utc(tail: int, seconds: int, us: int) -> None:
    unit = 10 ** (6 - TAILS[tail])
    us = us // unit * unit
    value = Timestamp(seconds * 1_000_000 + us)
    shown = DateTime.parse(value.text(6))
    day = shown.date.year, shown.date.month, shown.date.day
    made = values.timestamp_bytes(tail)(_sent(day, shown.clock, us))
    assert made == _written(ColumnType.TIMESTAMP, bytes([TAILS[tail]]), value)


def test_a_zero_timestamp_is_zeros() -> None:
    assert values.timestamp_bytes(2)(b"") == bytes(6)


@pytest.mark.parametrize("tail", TAILS)
@given(st.integers(0, 838), st.tuples(*_CLOCK[1:]), st.integers(0, 999_999), st.booleans())
def test_times_are_packed_with_their_sign(tail: int, hours: int, rest: tuple[int, int], us: int, minus: bool) -> None:
    unit = 10 ** (6 - TAILS[tail])
    us = us // unit * unit
    sent = bytes([minus]) + (hours // 24).to_bytes(4, "little") + bytes([hours % 24, *rest])
    sent += us.to_bytes(4, "little") if us else b""
    if not (hours or any(rest) or us):
        sent = b""
    made = values.time_bytes(tail)(sent)
    assert made == _written(ColumnType.TIME, bytes([TAILS[tail]]), Time.of(hours, *rest, us, negative=minus))


@given(st.data())
def test_decimals_are_packed(data: st.DataObject) -> None:
    precision = data.draw(st.integers(1, 65))
    scale = data.draw(st.integers(0, min(precision, 30)))
    number = data.draw(st.integers(-(10**precision) + 1, 10**precision - 1))
    digits = str(abs(number)).rjust(scale + 1, "0")
    whole, fraction = digits[: len(digits) - scale], digits[len(digits) - scale :]
    text = "-" * (number < 0) + whole + "." * bool(scale) + fraction
    made = values.decimal_bytes(precision, scale)(text.encode())
    assert made == _written(ColumnType.NEWDECIMAL, bytes([precision, scale]), Decimal(text))
    assert values.decimal_bytes(precision, scale)(text.replace("-", "-00").encode()) == made  # ZEROFILL
