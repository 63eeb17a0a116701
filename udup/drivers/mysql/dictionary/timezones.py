"""What a time zone means on a server: the moments in which its offset changes.

A zone's name says too little. SYSTEM is another one on every machine, and two servers may have loaded different
editions of the zone tables under one name. So each server is asked for the local time of moments from 1970 to 2038, all
that a TIMESTAMP can hold, and two zones are the same if their offsets change in the same moments by the same amounts.
One look costs a server 25 ms.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from udup.drivers.mysql.client.connection import Connection, query, scalar

#: From here on MySQL counts by WITH RECURSIVE. MariaDB does, up to a limit of its own.
_COUNTS = (8, 0, 1)

#: The first moment of TIMESTAMP, and its end. MariaDB takes 0 for no moment.
_FIRST = 1
_END = 1 << 31

_DAY = 86_400

#: No zone has changed its offset at another moment than a full quarter of an hour since 1972; where one did (Monrovia
#: in January of that year) the quarter is told.
_STEP = 900

_FIXED = re.compile(r"[+-]\d{2}:\d{2}")

#: Offsets that a server takes as a zone, in seconds.
_SMALLEST, _LARGEST = -(13 * 3600 + 59 * 60), 14 * 3600


def is_fixed(zone: str) -> bool:
    """Return whether it is an offset, such as +09:00, which every server takes for the same."""
    return _FIXED.fullmatch(zone) is not None


def zone_rules(connection: Connection, zone: str) -> str:
    """`0:3600,323917200:7200,…`: the offset (s) from each moment (s since 1970) on. Leaves the session in that zone.

    MySQL's errors pass; 1298 says that the server does not know the zone.
    """
    query(connection, "SET SESSION time_zone = %s", zone)
    first = int(scalar(connection, f"SELECT {_offset('s')} FROM (SELECT {_FIRST} s) moment"))
    days = _changes(connection, [0], _DAY, _END - _DAY)
    # The day before a sample that differs holds the change.
    changes = _changes(connection, [moment - _DAY for moment, _ in days], _STEP, _DAY) if days else []
    return _text([(0, first), *changes])


def _changes(connection: Connection, begins: list[int], step: int, seconds: int) -> list[tuple[int, int]]:
    """Return the moments whose offset is not that of one step before, with the offsets.

    Looked at are the moments that come one, two, … steps after each of `begins`, as far as `seconds` after it. Counting
    up and asking for two offsets each costs a server a tenth of what joined digits and a LAG do.
    """
    begun = " UNION ALL ".join(f"SELECT {begin} b" for begin in begins)
    if connection.is_mariadb or connection.version < _COUNTS:
        head, hint, steps = "", "", f"(SELECT {step} * i n FROM ({_numbers(seconds // step)}) counted) steps"
    else:
        head = (
            "WITH RECURSIVE steps (n) AS"
            f" (SELECT {step} UNION ALL SELECT n + {step} FROM steps WHERE n + {step} <= {seconds}) "
        )
        hint, steps = f"/*+ SET_VAR(cte_max_recursion_depth = {seconds // step + 1}) */ ", "steps"
    sql = (
        f"{head}SELECT {hint}s, {_offset('s')} FROM (SELECT b + n s FROM ({begun}) begins, {steps}) moments"
        f" WHERE {_offset('s')} <> {_offset(f'GREATEST(s - {step}, {_FIRST})')} ORDER BY s"
    )
    return [(int(moment), int(offset)) for moment, offset in query(connection, sql)]


def _numbers(last: int) -> str:
    """Return the SQL of the numbers i from 1 to `last`, by their digits."""
    digits = "(SELECT 0 d" + "".join(f" UNION ALL SELECT {digit}" for digit in range(1, 10)) + ")"
    places = range(len(str(last)))
    number = " + ".join(f"d{place}.d * {10**place}" for place in places)
    return (
        f"SELECT {number} i FROM {', '.join(f'{digits} d{place}' for place in places)}"
        f" WHERE {number} BETWEEN 1 AND {last}"
    )


def _offset(moment: str) -> str:
    """Return the SQL of the offset at a moment (s since 1970)."""
    return f"TIMESTAMPDIFF(SECOND, '1970-01-01', FROM_UNIXTIME({moment})) - {moment}"


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
