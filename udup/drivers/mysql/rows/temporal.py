"""Dates and times as the server's own packed numbers.

They are whole numbers that sort, and are equal, as the server's values do, and no calendar has a say: zero dates,
31 February, the year 0 and a TIME of -838 hours each have their number. Made from a row's bytes they cost one
conversion; what people read is made when it is asked for.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Self

_MICROSECONDS = 1_000_000
_FRACTION_BITS = 24
_FRACTION = (1 << _FRACTION_BITS) - 1

#: A year has thirteen months in a packed number, of which the first is month 0.
_MONTHS = 13

_ZERO_TIMESTAMP = "0000-00-00 00:00:00"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_CLOCK = re.compile(r"(-?)(\d{2,3}):(\d\d):(\d\d)(?:\.(\d{1,6}))?")


def _with_fraction(text: str, microseconds: int, digits: int) -> str:
    return f"{text}.{microseconds:06d}"[: len(text) + 1 + digits] if digits else text


class Date(int):
    """DATE: `year << 9 | month << 5 | day`."""

    __slots__ = ()

    @classmethod
    def of(cls, year: int, month: int, day: int) -> Self:
        return cls(year << 9 | month << 5 | day)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the value of `YYYY-MM-DD`; `ValueError` for another text."""
        found = _DATE.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no date")
        return cls.of(*map(int, found.groups()))

    @property
    def year(self) -> int:
        return self >> 9

    @property
    def month(self) -> int:
        return self >> 5 & 15

    @property
    def day(self) -> int:
        return self & 31

    def at_midnight(self) -> DateTime:
        """Return the DATETIME that the server compares it as."""
        return DateTime.of(self.year, self.month, self.day)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}-{self.day:02d}"

    def __repr__(self) -> str:
        return f"Date('{self}')"


class DateTime(int):
    """DATETIME: `((year * 13 + month) << 22 | day << 17 | hour << 12 | minute << 6 | second) << 24 | microseconds`."""

    __slots__ = ()

    @classmethod
    def of(
        cls, year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0, microseconds: int = 0
    ) -> Self:
        days = (year * _MONTHS + month) << 5 | day
        return cls((days << 17 | hour << 12 | minute << 6 | second) << _FRACTION_BITS | microseconds)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the value of `YYYY-MM-DD hh:mm:ss[.ffffff]`; `ValueError` for another text."""
        date, _, clock = text.partition(" ")
        found = _DATE.fullmatch(date), _CLOCK.fullmatch(clock)
        if found[0] is None or found[1] is None or found[1][1]:
            raise ValueError(f"{text!r} is no date and time")
        hour, minute, second = (int(found[1][number]) for number in (2, 3, 4))
        year, month, day = (int(found[0][number]) for number in (1, 2, 3))
        return cls.of(year, month, day, hour, minute, second, _microseconds(found[1][5]))

    @property
    def date(self) -> Date:
        days = self >> 41
        year, month = divmod(days >> 5, _MONTHS)
        return Date.of(year, month, days & 31)

    @property
    def clock(self) -> tuple[int, int, int]:
        """Hour, minute and second."""
        packed = self >> _FRACTION_BITS
        return packed >> 12 & 31, packed >> 6 & 63, packed & 63

    @property
    def microseconds(self) -> int:
        return self & _FRACTION

    def text(self, digits: int) -> str:
        """Return it as the server prints a DATETIME of so many digits."""
        hour, minute, second = self.clock
        return _with_fraction(f"{self.date} {hour:02d}:{minute:02d}:{second:02d}", self.microseconds, digits)

    def __str__(self) -> str:
        return self.text(6 if self.microseconds else 0)

    def __repr__(self) -> str:
        return f"DateTime('{self}')"


class Time(int):
    """TIME: `(hours << 12 | minutes << 6 | seconds) << 24 | microseconds`, below zero for a negative one."""

    __slots__ = ()

    @classmethod
    def of(cls, hours: int, minutes: int, seconds: int, microseconds: int = 0, *, negative: bool = False) -> Self:
        packed = (hours << 12 | minutes << 6 | seconds) << _FRACTION_BITS | microseconds
        return cls(-packed if negative else packed)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the value of `[-]hh[h]:mm:ss[.ffffff]`; `ValueError` for another text."""
        found = _CLOCK.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no time")
        hours, minutes, seconds = (int(found[number]) for number in (2, 3, 4))
        return cls.of(hours, minutes, seconds, _microseconds(found[5]), negative=bool(found[1]))

    @property
    def clock(self) -> tuple[int, int, int]:
        """Hours, minutes and seconds, without the sign."""
        packed = abs(int(self)) >> _FRACTION_BITS
        return packed >> 12, packed >> 6 & 63, packed & 63

    @property
    def microseconds(self) -> int:
        return abs(int(self)) & _FRACTION

    def text(self, digits: int) -> str:
        """Return it as the server prints a TIME of so many digits."""
        hours, minutes, seconds = self.clock
        sign = "-" if self < 0 else ""
        return _with_fraction(f"{sign}{hours:02d}:{minutes:02d}:{seconds:02d}", self.microseconds, digits)

    def __str__(self) -> str:
        return self.text(6 if self.microseconds else 0)

    def __repr__(self) -> str:
        return f"Time('{self}')"


class Timestamp(int):
    """TIMESTAMP: microseconds since 1970 in UTC; 0 is the zero timestamp."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the value of what a session in UTC is shown; `ValueError` for another text."""
        if text.partition(".")[0] == _ZERO_TIMESTAMP:
            return cls(0)
        value = DateTime.parse(text)
        date, clock = value.date, value.clock
        moment = datetime(date.year, date.month, date.day, *clock, tzinfo=UTC) - _EPOCH
        return cls((moment.days * 86400 + moment.seconds) * _MICROSECONDS + value.microseconds)

    @property
    def microseconds(self) -> int:
        return self % _MICROSECONDS

    def text(self, digits: int) -> str:
        """Return it as the server prints a TIMESTAMP of so many digits in a session in UTC."""
        if not self:
            return _with_fraction(_ZERO_TIMESTAMP, 0, digits)
        seconds, microseconds = divmod(int(self), _MICROSECONDS)
        moment = _EPOCH + timedelta(seconds=seconds)
        return _with_fraction(f"{moment:%Y-%m-%d %H:%M:%S}", microseconds, digits)

    def __str__(self) -> str:
        return self.text(6 if self.microseconds else 0)

    def __repr__(self) -> str:
        return f"Timestamp('{self}')"


def _microseconds(digits: str | None) -> int:
    return int(digits.ljust(6, "0")) if digits else 0
