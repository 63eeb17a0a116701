"""Where a stream of a MariaDB log goes on: of each domain the last transaction before the first gap.

What comes behind that and is executed comes again, and is left out here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from udup.drivers.mysql.binlog.gtid import GtidSet


@dataclass(frozen=True)
class ResumePlace:
    """The transaction of a domain after which it goes on; server 0: who wrote it is not known."""

    domain: int
    server: int
    number: int

    def __str__(self) -> str:
        return f"{self.domain}-{self.server}-{self.number}"


def resume_places(gtids: GtidSet) -> list[ResumePlace]:
    """Return the places of all domains of which something is executed without a gap before it."""
    found = []
    for domain, ranges in gtids.items():
        first, stop = ranges[0]
        if first == 1 and domain.isdecimal():
            found.append(ResumePlace(int(domain), gtids.writer(domain, stop - 1), stop - 1))
    return found


def connect_state(places: Iterable[ResumePlace]) -> str:
    """Return them as a server is told them (`@slave_connect_state`)."""
    return ",".join(map(str, places))
