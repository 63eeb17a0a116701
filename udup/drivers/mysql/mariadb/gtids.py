"""MariaDB's GTIDs: `domain-server-number`, where the number belongs to the domain, whichever server wrote it.

A position names the last transaction of each domain: `0-1-42,1-2-7` stands for all of domain 0 up to 42 and of domain 1
up to 7. What is executed behind a gap is written as a range: `0-1-44:46` is 44 to 46, the last of them by server 1. A
server 0, which no server may be, stands where it is not known who wrote it.
"""

from __future__ import annotations

import re

#: A number that a BIGINT of MySQL's holds, as everything counts with; MariaDB's may have a bit more.
LAST_NUMBER = (1 << 63) - 2

#: The greatest number of a domain or a server.
_U32_MAX = 0xFFFFFFFF

#: Server of a transaction of which it is not known who wrote it.
UNKNOWN_SERVER = 0

_PART = re.compile(r"(\d{1,10})-(\d{1,10})-(\d{1,19})(?::(\d{1,19}))?")

#: Where MySQL's events have a server's UUID, a domain and a server behind these bytes: "MariaDB", as a UUID of version
#: 4 that nobody has by chance.
_MARK = b"MariaDB\0"


def parse_part(part: str) -> tuple[int, int, int, int] | None:
    """Return domain, server, and the first and the last number of one part of a set; None if it is not MariaDB's.

    ValueError says what is wrong with numbers that none can be.
    """
    found = _PART.fullmatch(part)
    if found is None:
        return None
    domain, server, number = int(found[1]), int(found[2]), int(found[3])
    first, last = (1, number) if found[4] is None else (number, int(found[4]))
    if max(domain, server) > _U32_MAX or not 1 <= first <= last <= LAST_NUMBER:
        raise ValueError(f"{part!r} is not domain-server-number[:number], with numbers from 1 up")
    return domain, server, first, last


def part_text(domain: str, server: int, first: int, last: int) -> str:
    """Return a range of numbers of a domain as text."""
    return f"{domain}-{server}-{last}" if first == 1 else f"{domain}-{server}-{first}:{last}"


def domain_of(source: str) -> str:
    """Return the domain of `domain-server`, or of a domain alone."""
    return source.partition("-")[0]


def server_of(source: str) -> int:
    """Return the server of `domain-server`; 0 of a domain alone."""
    return int(source.partition("-")[2] or UNKNOWN_SERVER)


def as_octets(domain: int, server: int) -> bytes:
    """Return what stands in an event of MySQL's form in the place of a server's UUID."""
    return _MARK + domain.to_bytes(4, "big") + server.to_bytes(4, "big")


def from_octets(octets: bytes) -> str | None:
    """Return `domain-server` out of a UUID's bytes, None of a UUID."""
    if octets[:8] != _MARK:
        return None
    return f"{int.from_bytes(octets[8:12], 'big')}-{int.from_bytes(octets[12:], 'big')}"
