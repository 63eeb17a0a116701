"""Moments and intervals as Oracle prints them by the formats that Udup's sessions set, and as MySQL keeps them."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import datetime, timedelta

from udup.drivers.mysql.rows.temporal import DateTime

#: ` 2024-02-29 13:14:15.123456789 +01:00`: a blank or a minus (BC) in front, fraction and offset may be missing.
_MOMENT = re.compile(r"([ -]?)(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?: ([+-])(\d\d):(\d\d))?")

#: `+000000002 10:20:30.000000000`, `+02-03`.
_DAY_TO_SECOND = re.compile(r"([+-])(\d{1,9}) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?")
_YEAR_TO_MONTH = re.compile(r"([+-])(\d{1,9})-(\d\d)")

#: The first year that MySQL's DATETIME is defined for.
_FIRST_YEAR = 1000


class OddTime(ValueError):
    """A moment that is not understood, or that the target cannot hold."""


def _matched(text: str) -> re.Match[str]:
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise OddTime(f"{text!r} is no moment as the session's format has it")
    year, month, day, hour, minute, second = (int(found[place]) for place in range(2, 8))
    if found[1] == "-" or year < _FIRST_YEAR:
        raise OddTime(f"{text!r} is before the year {_FIRST_YEAR}, where MySQL's DATETIME begins")
    if not 1 <= month <= 12 or not 1 <= day <= monthrange(year, month)[1] or hour > 23 or minute > 59 or second > 59:
        raise OddTime(f"{text!r} is no moment")
    return found


def _of(found: re.Match[str]) -> DateTime:
    fraction = (found[8] or "").ljust(9, "0")
    if fraction[6:].strip("0"):
        raise OddTime(f"{found[0]!r} has nanoseconds, and MySQL has microseconds")
    year, month, day, hour, minute, second = (int(found[place]) for place in range(2, 8))
    return DateTime.of(year, month, day, hour, minute, second, int(fraction[:6]))


def moment(text: str) -> DateTime:
    """Return a DATE or TIMESTAMP; it has no offset."""
    found = _matched(text)
    if found[9]:
        raise OddTime(f"{text!r} has an offset where none is expected")
    return _of(found)


def instant_text(text: str) -> bytes:
    """Return a TIMESTAMP WITH TIME ZONE as it is kept: always with nine digits and its offset."""
    found = _matched(text)
    if not found[9]:
        raise OddTime(f"{text!r} says no offset")
    fraction = (found[8] or "").ljust(9, "0")
    shown = f"{found[2]}-{found[3]}-{found[4]} {found[5]}:{found[6]}:{found[7]}.{fraction}"
    return f"{shown} {found[9]}{found[10]}:{found[11]}".encode()


def local_moment(text: str) -> DateTime:
    """Return a moment with an offset as the DATETIME that it is in UTC."""
    found = _matched(text)
    if not found[9]:
        raise OddTime(f"{text!r} says no offset, so which moment is meant is not known")
    there = _of(found)
    offset = timedelta(hours=int(found[10]), minutes=int(found[11])) * (-1 if found[9] == "-" else 1)
    date, (hour, minute, second) = there.date, there.clock
    utc = datetime(date.year, date.month, date.day, hour, minute, second) - offset
    if utc.year < _FIRST_YEAR:
        raise OddTime(f"{text!r} is before the year {_FIRST_YEAR} in UTC")
    return DateTime.of(utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second, there.microseconds)


def interval_text(text: str) -> bytes:
    """Return an interval as it is kept: without leading zeros of its first field, always with nine digits."""
    if found := _DAY_TO_SECOND.fullmatch(text):
        fraction = (found[6] or "").ljust(9, "0")
        return f"{found[1]}{int(found[2])} {found[3]}:{found[4]}:{found[5]}.{fraction}".encode()
    if found := _YEAR_TO_MONTH.fullmatch(text):
        return f"{found[1]}{int(found[2])}-{found[3]}".encode()
    raise OddTime(f"{text!r} is no interval as Oracle prints it")
