"""Which family a server is of, and its version, as its greeting and VERSION() say it."""

from __future__ import annotations

import re

Version = tuple[int, int, int]

#: What MariaDB puts in front of its version in the greeting, for replicas of long ago.
_FOR_OLD_REPLICAS = "5.5.5-"

_NUMBERS = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


def is_mariadb(text: str) -> bool:
    """Return whether a version's text is MariaDB's, as `11.8.9-MariaDB-log`."""
    return "mariadb" in text.lower()


def version_of(text: str) -> Version:
    """Return the numbers of a version's text; (0, 0, 0) of one that has none."""
    if is_mariadb(text):
        text = text.removeprefix(_FOR_OLD_REPLICAS)
    found = _NUMBERS.match(text)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else (0, 0, 0)
