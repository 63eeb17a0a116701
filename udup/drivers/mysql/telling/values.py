"""Values as a prepared statement gives them, turned into what stands in a row image where the two differ.

Dates and times come as 0, 4, 7 or 11 bytes of year 2, month, day, hour, minute, second and microseconds 4, a TIME as
0, 8 or 12 of sign, days 4 and the same; parts at the end that are zero are left out. DECIMAL comes as text.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cache

from udup.drivers.mysql.rows import decimals

#: Days whose numbers are kept at most.
_DAYS_MAX = 50_000

#: What one of a fraction's numbers counts in microseconds, by its bytes.
_FACTORS = (1_000_000, 10_000, 100, 1)

#: Months in a packed year, of which the first is month 0.
_MONTHS = 13

_EPOCH = date(1970, 1, 1).toordinal()
_DAY_SECONDS = 86400

_BYTES = (0, 1, 1, 2, 2, 3, 3, 4, 4, 4)


class _Days(dict[bytes, int]):
    """Numbers of days, by their four bytes."""

    def __init__(self, number: Callable[[int, int, int], int]) -> None:
        super().__init__()
        self._number = number

    def __missing__(self, day: bytes) -> int:
        if len(self) >= _DAYS_MAX:
            self.clear()
        found = self[day] = self._number(day[0] | day[1] << 8, day[2], day[3]) if day else 0
        return found


_dates = _Days(lambda year, month, day: year << 9 | month << 5 | day)
_packed_days = _Days(lambda year, month, day: ((year * _MONTHS + month) << 5 | day) << 17)
_seconds = _Days(lambda year, month, day: (date(year, month, day).toordinal() - _EPOCH) * _DAY_SECONDS)


def date_bytes(value: bytes) -> bytes:
    return _dates[value].to_bytes(3, "little")


@cache
def datetime_bytes(tail: int) -> Callable[[bytes], bytes]:
    """Return what makes a DATETIME whose fraction has so many bytes: the highest bit set, big-endian."""
    factor, bits, width = _FACTORS[tail], 8 * tail, 5 + tail
    top = 1 << 39

    def packed(value: bytes) -> bytes:
        number = _packed_days[value[:4]] | top
        if len(value) > 4:
            number |= value[4] << 12 | value[5] << 6 | value[6]
        number <<= bits
        if len(value) > 7:
            number |= int.from_bytes(value[7:11], "little") // factor
        return number.to_bytes(width, "big")

    return packed


@cache
def timestamp_bytes(tail: int) -> Callable[[bytes], bytes]:
    """Return what makes a TIMESTAMP of one in UTC: seconds since 1970, then the fraction, big-endian."""
    factor, zero = _FACTORS[tail], bytes(4 + tail)

    def packed(value: bytes) -> bytes:
        if not value:
            return zero
        seconds = _seconds[value[:4]]
        if len(value) > 4:
            seconds += value[4] * 3600 + value[5] * 60 + value[6]
        front = seconds.to_bytes(4, "big")
        if not tail:
            return front
        fraction = int.from_bytes(value[7:11], "little") // factor if len(value) > 7 else 0
        return front + fraction.to_bytes(tail, "big")

    return packed


@cache
def time_bytes(tail: int) -> Callable[[bytes], bytes]:
    """Return what makes a TIME: all of it below zero for a negative one, 0x800000 and zeros added, big-endian."""
    factor, bits, width = _FACTORS[tail], 8 * tail, 3 + tail
    top = 1 << 23 + bits

    def packed(value: bytes) -> bytes:
        if not value:
            return top.to_bytes(width, "big")
        hours = int.from_bytes(value[1:5], "little") * 24 + value[5]
        number = (hours << 12 | value[6] << 6 | value[7]) << bits
        if len(value) > 8:
            number |= int.from_bytes(value[8:12], "little") // factor
        return (top - number if value[0] else top + number).to_bytes(width, "big")

    return packed


@cache
def decimal_bytes(precision: int, scale: int) -> Callable[[bytes], bytes]:
    """Return what makes a DECIMAL of the server's text, which has all digits of the scale (`rows/decimals.py`)."""
    size, whole_digits = decimals.width(precision, scale), precision - scale
    top = 1 << 8 * size - 1
    groups = _groups(whole_digits, scale)

    def packed(text: bytes) -> bytes:
        negative = text[:1] == b"-"
        whole, _, fraction = (text[1:] if negative else text).partition(b".")
        digits = whole.zfill(whole_digits)[-whole_digits:] + fraction if whole_digits else fraction
        number = 0
        for start, end, bits in groups:
            number = number << bits | int(digits[start:end])
        return (top - 1 - number if negative else number | top).to_bytes(size, "big")

    return packed


def _groups(whole: int, scale: int) -> list[tuple[int, int, int]]:
    """Return where the digits stand that are kept together, and in how many bits."""
    sizes = ([whole % 9] if whole % 9 else []) + [9] * (whole // 9) + [9] * (scale // 9)
    sizes += [scale % 9] if scale % 9 else []
    places, at = [], 0
    for size in sizes:
        places.append((at, at + size, 8 * _BYTES[size]))
        at += size
    return places
