"""Is a text a GTID set? The grammar of MySQL's manual, "GTID Sets", with the tags of MySQL 8.3 and later:

    set      = source {"," source}
    source   = uuid ":" part {":" part}     with an interval at the end
    part     = interval | tag
    interval = n ["-" m]                    1 <= n <= m < 2^63 - 1
    tag      = 1 to 32 of a-z 0-9 _, not a digit first

White space around commas is what `SHOW` prints and people paste; it is removed.

Of MariaDB, "Global Transaction ID", as its positions are written; with the range of what is executed behind a gap:

    set      = part {"," part}
    part     = domain "-" server "-" n [":" m]
"""

from __future__ import annotations

import re

from udup.jobs.document.values import fault, shown, weak_text

#: MySQL's greatest transaction number (GNO_END - 1).
LAST_NUMBER = (1 << 63) - 2

EXAMPLE = "for example 3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5, or 0-1-42 of MariaDB"

_DOMAIN_PART = re.compile(r"([0-9]{1,10})-([0-9]{1,10})-([0-9]{1,19})(?::([0-9]{1,19}))?")
#: The greatest number of a domain or a server of MariaDB's.
_LAST_SERVER = (1 << 32) - 1

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_TAG = re.compile(r"[a-z_][a-z0-9_]{0,31}", re.IGNORECASE)
#: The GTID of one transaction.
ONE_GTID = (
    "^([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
    "(:[a-zA-Z_][a-zA-Z0-9_]{0,31})?:[1-9][0-9]{0,17}"
    "|[0-9]{1,10}-[0-9]{1,10}-[1-9][0-9]{0,17})$"
)

_INTERVAL = re.compile(r"([0-9]{1,19})(?:-([0-9]{1,19}))?")


def is_one_gtid(text: str) -> bool:
    return re.fullmatch(ONE_GTID[1:-1], text) is not None


def gtid_set(value: object) -> str:
    """The text without white space; empty stays empty (start with a full copy)."""
    text = re.sub(r"\s+", "", weak_text(value))
    for source in text.split(",") if text else []:
        if problem := _problem(source):
            raise fault(f"is not a GTID set: {problem}", EXAMPLE)
    return text


def _problem(source: str) -> str:
    """What is wrong with one source's part of the set, empty if nothing is."""
    if of_domain := _DOMAIN_PART.fullmatch(source):
        domain, server, first = (int(of_domain[place]) for place in (1, 2, 3))
        last = int(of_domain[4] or first)
        fits = max(domain, server) <= _LAST_SERVER and 1 <= first <= last <= LAST_NUMBER
        return "" if fits else f"{shown(source)} is not domain-server-number"
    uuid, *parts = source.split(":")
    if not _UUID.fullmatch(uuid):
        return f"{shown(uuid)} is not a server's UUID"
    if not parts:
        return f"{shown(source)} has no transaction numbers"
    for part in parts:
        if interval := _INTERVAL.fullmatch(part):
            first, last = int(interval[1]), int(interval[2] or interval[1])
            if not 1 <= first <= last <= LAST_NUMBER:
                return f"{shown(part)} is not a range of transaction numbers"
        elif not _TAG.fullmatch(part):
            return f"{shown(part)} is neither a range of transaction numbers nor a tag"
    return "" if _INTERVAL.fullmatch(parts[-1]) else f"the tag {shown(parts[-1])} has no transaction numbers"
