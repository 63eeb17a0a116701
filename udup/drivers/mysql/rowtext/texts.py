"""Texts of single values, as the generated reader calls them: each gives what stands in JSON, quotes included."""

from __future__ import annotations

import struct
from base64 import urlsafe_b64encode
from binascii import b2a_base64
from collections.abc import Callable
from datetime import date
from functools import cache

from udup.base.errors import Unsupported
from udup.drivers.mysql.rows import decimals
from udup.drivers.mysql.rows.errors import damaged

_SINGLE = struct.Struct("<f")
_POINT = struct.Struct("<dd").unpack_from

#: The smallest FLOAT that has all its digits; below it six digits are more than there are.
_NORMAL_MIN = 1.1754943508222875e-38

#: SRID, byte order and type in front of a point's coordinates.
_POINT_OFFSET, _POINT_BYTES = 9, 25
_SRID_BYTES = 4


def base64_text(data: bytes) -> str:
    return f'"{b2a_base64(data, newline=False).decode()}"'


def base64_url_text(data: bytes) -> str:
    return f'"{urlsafe_b64encode(data).decode()}"'


def hex_text(data: bytes) -> str:
    return f'"{data.hex()}"'


def number_base64(number: int) -> str:
    """Return a whole number as Java's BigInteger has it: the fewest bytes, two's complement, big-endian."""
    width = (number if number >= 0 else ~number).bit_length() // 8 + 1
    return f'"{b2a_base64(number.to_bytes(width, "big", signed=True), newline=False).decode()}"'


def float_text(value: float) -> str:
    """Return the fewest digits that are this FLOAT."""
    if value - value:
        raise damaged("a FLOAT is no number")
    for digits in range(6 if abs(value) >= _NORMAL_MIN else 1, 10):
        short = float(f"{value:.{digits}g}")
        try:
            if _SINGLE.unpack(_SINGLE.pack(short))[0] == value:
                return repr(short)
        except OverflowError:  # rounded up beyond the largest
            continue
    raise damaged("a FLOAT has more digits than it can have")


def double_text(value: float) -> str:
    if value - value:
        raise damaged("a DOUBLE is no number")
    return repr(value)


@cache
def unscaled_reader(precision: int, scale: int) -> Callable[[bytes], int]:
    """Return the function that reads a packed DECIMAL as a whole number; `DamagedRows` if a group is too large."""
    groups = decimals._groups(precision, scale)
    sizes = [(decimals._BYTES[digits] * 8, digits) for digits in groups]
    top = 1 << sum(bits for bits, _ in sizes) - 1
    at, below = sum(bits for bits, _ in sizes), precision
    names: dict[str, object] = {"F": int.from_bytes, "damaged": damaged}
    lines, checks, parts = [], [], []
    for number, (bits, digits) in enumerate(sizes):
        at -= bits
        below -= digits
        lines.append(f" g{number} = n >> {at} & {(1 << bits) - 1}")
        checks.append(f"g{number} > {10**digits - 1}")
        parts.append(f"g{number} * {10**below}" if below else f"g{number}")
    source = [
        "def read(x):",
        " n = F(x, 'big')",
        f" below = n < {top}",
        f" n ^= {top - 1} if below else {top}",
        *lines,
        f" if {' or '.join(checks)}: raise damaged('a DECIMAL has more digits than it can have')",
        f" n = {' + '.join(parts)}",
        " return -n if below else n",
    ]
    exec("\n".join(source), names)
    read: Callable[[bytes], int] = names["read"]  # type: ignore[assignment]
    return read


def plain_decimal(unscaled: int, scale: int) -> str:
    """Return `-12.50`."""
    digits = str(abs(unscaled)).rjust(scale + 1, "0")
    text = f"{digits[:-scale]}.{digits[-scale:]}" if scale else digits
    return f"-{text}" if unscaled < 0 else text


def geometry_text(data: bytes) -> str:
    """Return the struct of SRID and WKB."""
    if len(data) < _SRID_BYTES:
        raise damaged("a geometry has no SRID")
    srid = int.from_bytes(data[:_SRID_BYTES], "little") or "null"
    return f'{{"wkb":{base64_text(data[_SRID_BYTES:])},"srid":{srid}}}'


def point_text(data: bytes) -> str:
    if len(data) != _POINT_BYTES:
        raise damaged("a POINT does not have the bytes of one")
    x, y = _POINT(data, _POINT_OFFSET)
    return f'{{"x":{double_text(x)},"y":{double_text(y)},{geometry_text(data)[1:]}'


def vector_text(data: bytes) -> str:
    if len(data) % 4:
        raise damaged(f"a VECTOR has {len(data)} bytes")
    return f"[{','.join(map(float_text, struct.unpack(f'<{len(data) // 4}f', data)))}]"


class SetTexts(dict[int, str]):
    """Texts of a SET's values, made when they are asked for."""

    def __init__(self, members: tuple[str, ...]) -> None:
        self._members = members

    def __missing__(self, bits: int) -> str:
        if bits >> len(self._members):
            raise damaged("a SET has more members than it can have")
        text = f'"{",".join(each for number, each in enumerate(self._members) if bits >> number & 1)}"'
        if len(self) < _KEPT_MAX:
            self[bits] = text
        return text


#: Values of a kind whose texts are kept.
_KEPT_MAX = 1 << 14


# ---- Dates and times ----

_EPOCH = date(1970, 1, 1).toordinal()
_NS_MAX = (1 << 63) - 1


def _days(year: int, month: int, day: int, adjust: bool) -> int | None:
    """Return days since 1970; None for a date that is none."""
    if not (year and month and day):
        return None
    if adjust and year < 100:
        year += 2000 if year < 70 else 1900
    try:
        return date(year, month, day).toordinal() - _EPOCH
    except ValueError:
        return None


class _Kept(dict[int, "int | None"]):
    """Days by a packed date, made when they are asked for; all go where there are too many."""

    def __init__(self, adjust: bool) -> None:
        self._adjust = adjust

    def kept(self, packed: int, days: int | None) -> int | None:
        if len(self) >= _KEPT_MAX:
            self.clear()
        self[packed] = days
        return days


class DateDays(_Kept):
    """By the three bytes of a DATE."""

    def __missing__(self, packed: int) -> int | None:
        return self.kept(packed, _days(packed >> 9, packed >> 5 & 15, packed & 31, self._adjust))


class DatetimeDays(_Kept):
    """By the 22 bits of a DATETIME that say its day; a year has thirteen months there."""

    def __missing__(self, packed: int) -> int | None:
        year, month = divmod(packed >> 5, 13)
        return self.kept(packed, _days(year, month, packed & 31, self._adjust))


class DaySeconds(dict[int, int]):
    """Seconds by the 17 bits of a time of day."""

    def __missing__(self, packed: int) -> int:
        hour, minute, second = packed >> 12, packed >> 6 & 63, packed & 63
        if hour > 23 or minute > 59 or second > 59:
            raise damaged("a DATETIME has a time that is none")
        seconds = self[packed] = hour * 3600 + minute * 60 + second
        return seconds


class DayTexts(dict[int, str]):
    """`2014-09-08` by days since 1970."""

    def __missing__(self, days: int) -> str:
        if len(self) >= _KEPT_MAX:
            self.clear()
        text = self[days] = date.fromordinal(days + _EPOCH).isoformat()
        return text


class ClockTexts(dict[int, str]):
    """`17:51:04` by seconds of a day."""

    def __missing__(self, seconds: int) -> str:
        text = self[seconds] = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
        return text


DAYS = {adjust: DateDays(adjust) for adjust in (False, True)}
DATETIME_DAYS = {adjust: DatetimeDays(adjust) for adjust in (False, True)}
DAY_SECONDS = DaySeconds()
DAY_TEXTS = DayTexts()
CLOCK_TEXTS = ClockTexts()


def fraction_text(microseconds: int) -> str:
    """Return `.78`, without zeros at its end; nothing for 0."""
    return f".{microseconds:06d}".rstrip("0") if microseconds else ""


def timestamp_text(seconds: int, microseconds: int, digits: int) -> str:
    if microseconds > 999_999:
        raise damaged("a TIMESTAMP has a fraction of more than a second")
    fraction = f".{microseconds:06d}"[: digits + 1] if digits else ""
    return f'"{DAY_TEXTS[seconds // 86400]}T{CLOCK_TEXTS[seconds % 86400]}{fraction}Z"'


def datetime_text(days: int, seconds: int, microseconds: int) -> str:
    return f'"{DAY_TEXTS[days]}T{CLOCK_TEXTS[seconds]}{fraction_text(microseconds)}Z"'


def checked_fraction(microseconds: int) -> int:
    if microseconds > 999_999:
        raise damaged("a DATETIME has a fraction of more than a second")
    return microseconds


def nanoseconds(microseconds: int, zero: str) -> int | str:
    """Return nanoseconds where 64 bits hold them: from 1677 to 2262."""
    if -_NS_MAX <= microseconds * 1000 <= _NS_MAX:
        return microseconds * 1000
    return _without_form(zero, f"the DATETIME of {microseconds} microseconds since 1970", "nanoseconds")


def _without_form(zero: str, value: str, mode: str) -> str:
    """Return what stands for a value that has no form here: null, where that can stand.

    `zero` is for a date that is none, and would be another date.
    """
    if zero != "null":
        raise Unsupported(
            f"{value} has no form with time.precision.mode {mode}, and its column is NOT NULL; take"
            " adaptive_time_microseconds or microseconds"
        )
    return zero


def time_microseconds(data: bytes) -> int:
    """Return the microseconds of a packed TIME: three bytes with 0x800000 added, and up to three of a fraction."""
    tail = len(data) - 3
    packed = int.from_bytes(data, "big") - (1 << 23 + 8 * tail)
    size = abs(packed)
    fraction = (size & (1 << 8 * tail) - 1) * _FACTORS[tail]
    clock = size >> 8 * tail
    minute, second = clock >> 6 & 63, clock & 63
    if minute > 59 or second > 59 or fraction > 999_999:
        raise damaged("a TIME is none")
    total = ((clock >> 12) * 3600 + minute * 60 + second) * 1_000_000 + fraction
    return -total if packed < 0 else total


#: What one of a fraction's numbers counts in microseconds, by its bytes.
_FACTORS = (1_000_000, 10_000, 100, 1)
_DAY = 86_400_000_000


def connect_time(data: bytes, zero: str) -> int | str:
    """Return milliseconds of a time of day; what is none has no value there."""
    found = time_microseconds(data)
    return found // 1000 if 0 <= found < _DAY else _beyond_a_day(found, zero, "connect")


def iso_time(data: bytes, zero: str) -> str:
    found = time_microseconds(data)
    if not 0 <= found < _DAY:
        return _beyond_a_day(found, zero, "isostring")
    return f'"{CLOCK_TEXTS[found // 1_000_000]}{fraction_text(found % 1_000_000)}Z"'


def _beyond_a_day(microseconds: int, zero: str, mode: str) -> str:
    return _without_form(zero, f"the TIME of {microseconds} microseconds, which is not within a day,", mode)
