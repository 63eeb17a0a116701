"""What may be too long to be shown whole: sets of transactions, which may have megabytes as text, and names."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: MariaDB's sets, whose parts are `domain-server-number`; behind a colon there ends a range.
_DOMAINS = re.compile(r"\d{1,10}-\d{1,10}-\d")


def cut_set(text: str, most: int) -> str:
    """Return a set of transactions as it is shown: longer than that, cut behind one of its parts, with how long it is.

    Half a part would name other transactions than the set has.
    """
    if len(text) <= most:
        return text
    marks = "," if _DOMAINS.match(text) else ",:"
    end = max(text.rfind(mark, 0, most) for mark in marks)
    return f"{text[: end if end > 0 else most]} … ({len(text):,} characters in all)"


def some_of(names: Sequence[str], most: int) -> str:
    """Return names as people read them: so many at most, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
