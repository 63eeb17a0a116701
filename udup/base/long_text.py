"""What may be too long to be shown whole: sets of transactions, which may have megabytes as text, and names."""

from __future__ import annotations

from collections.abc import Sequence


def cut_set(text: str, most: int) -> str:
    """Return a set of transactions as it is shown: longer than that, cut behind one of its parts, with how long it is.

    Half a part would name other transactions than the set has.
    """
    if len(text) <= most:
        return text
    end = max(text.rfind(mark, 0, most) for mark in ",:")
    return f"{text[: end if end > 0 else most]} … ({len(text):,} characters in all)"


def some_of(names: Sequence[str], most: int) -> str:
    """Return names as people read them: so many at most, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
