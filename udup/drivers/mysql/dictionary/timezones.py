"""What a time zone means on a server: the moments in which its offset changes.

A zone's name says too little. SYSTEM is another one on every machine, and two servers may have loaded different
editions of the zone tables under one name. So each server is asked for the local time of moments from 1970 to 2038, all
that a TIMESTAMP can hold, and two zones are the same if their offsets change in the same moments by the same amounts.
One look costs a server about a tenth of a second.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from udup.drivers.mysql.client.connection import Connection, query

#: The end of TIMESTAMP.
_END = 1 << 31

_DAY = 86_400

#: No zone has changed its offset at another moment than a full quarter of an hour since 1972; where one did (Monrovia
#: in January of that year) the quarter is told.
_STEP = 900

_FIXED = re.compile(r"[+-]\d{2}:\d{2}")

#: Offsets that a server takes as a zone, in seconds.
_SMALLEST, _LARGEST = -(13 * 3600 + 59 * 60), 14 * 3600

_DIGITS = "(SELECT 0 d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5"
_DIGITS += " UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)"

_OFFSET = "TIMESTAMPDIFF(SECOND, '1970-01-01', FROM_UNIXTIME(s)) - s"


def is_fixed(zone: str) -> bool:
    """Return whether it is an offset, such as +09:00, which every server takes for the same."""
    return _FIXED.fullmatch(zone) is not None


def zone_rules(connection: Connection, zone: str) -> str:
    """`0:3600,323917200:7200,…`: the offset (s) from each moment (s since 1970) on. Leaves the session in that zone.

    MySQL's errors pass; 1298 says that the server does not know the zone.
    """
    query(connection, "SET SESSION time_zone = %s", zone)
    days = f"SELECT (a.d + 10*b.d + 100*c.d + 1000*e.d + 10000*f.d) * {_DAY} s FROM "
    days += ", ".join(f"{_DIGITS} {alias}" for alias in "abcef")
    first, *changed = _changes(connection, f"{days} HAVING s < {_END}")
    if not changed:
        return _text([first])
    # The day before a sample that differs holds the change.
    steps = f"SELECT t.s - {_DAY} + {_STEP} * (a.d + 10*b.d) s FROM "
    steps += "(" + " UNION ALL ".join(f"SELECT {moment} s" for moment, _ in changed) + ") t, "
    steps += f"{_DIGITS} a, {_DIGITS} b WHERE a.d + 10*b.d <= {_DAY // _STEP}"
    return _text([first, *_changes(connection, steps)[1:]])


def _changes(connection: Connection, moments: str) -> list[tuple[int, int]]:
    """Return the first moment and those whose offset is not that of the one before, with the offsets."""
    sql = (
        f"SELECT s, o FROM (SELECT s, o, LAG(o) OVER (ORDER BY s) p FROM (SELECT s, {_OFFSET} o FROM ({moments}) m) n)"
        " z WHERE p IS NULL OR o <> p ORDER BY s"
    )
    return [(int(moment), int(offset)) for moment, offset in query(connection, sql)]


def _text(changes: list[tuple[int, int]]) -> str:
    return ",".join(f"{moment}:{offset}" for moment, offset in changes)


def _parsed(rules: str) -> list[tuple[int, int]]:
    return [(int(moment), int(offset)) for moment, _, offset in (each.partition(":") for each in rules.split(","))]


def zones_like(rules: str) -> Iterator[str]:
    """Yield zones that may have these rules, an offset first; by this machine's tables, so ask the server itself."""
    changes = _parsed(rules)
    if len(changes) == 1 and (fixed := _fixed(changes[0][1])):
        yield fixed
    for name in sorted(zoneinfo.available_timezones()):
        if "/" in name and _agrees(zoneinfo.ZoneInfo(name), changes):
            yield name


def _fixed(offset: int) -> str:
    """Return text such as +09:00; empty for an offset that is none."""
    if offset % 60 or not _SMALLEST <= offset <= _LARGEST:
        return ""
    hours, minutes = divmod(abs(offset) // 60, 60)
    return f"{'-' if offset < 0 else '+'}{hours:02d}:{minutes:02d}"


def _agrees(zone: zoneinfo.ZoneInfo, changes: list[tuple[int, int]]) -> bool:
    """Return whether the zone has each offset from its moment on, and up to the next one."""
    ends = [moment - 1 for moment, _ in changes[1:]] + [_END - 1]
    for (moment, offset), end in zip(changes, ends, strict=True):
        for second in (moment, end):
            if datetime.fromtimestamp(second, UTC).astimezone(zone).utcoffset() != timedelta(seconds=offset):
                return False
    return True
