"""The source's time and SCN."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from udup.base.errors import Transient
from udup.drivers.oracle import statements
from udup.drivers.oracle.session import Session

#: The server's own time is whole quarters of an hour from UTC.
_QUARTER_US = 15 * 60 * 1_000_000


@dataclass(frozen=True, slots=True)
class SourceTime:
    """The SCN and the time (µs since the epoch) of one moment; `ahead_us`: the server's own time before UTC."""

    scn: int
    now_us: int
    ahead_us: int

    def utc(self, server_us: int) -> int:
        """Return a time of the server's own in UTC; 0 where none was told."""
        return server_us - self.ahead_us if server_us else 0


def source_time(session: Session) -> SourceTime:
    """Return both, asked now."""
    scn, utc, own = session.one(statements.CLOCK)
    try:
        now, there = _microseconds(str(utc)), _microseconds(str(own))
    except ValueError as error:
        raise Transient(f"the source {session.place} tells its time as {utc!r} and {own!r}") from error
    return SourceTime(int(scn), now, round((there - now) / _QUARTER_US) * _QUARTER_US)


def _microseconds(text: str) -> int:
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond
