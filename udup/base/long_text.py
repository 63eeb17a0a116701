"""Sets of transactions may have megabytes as text, and are shown whole nowhere."""

from __future__ import annotations


def cut_set(text: str, most: int) -> str:
    """Return a set of transactions as it is shown: longer than that, cut behind one of its parts, with how long it is.

    Half a part would name other transactions than the set has.
    """
    if len(text) <= most:
        return text
    end = max(text.rfind(mark, 0, most) for mark in ",:")
    return f"{text[: end if end > 0 else most]} … ({len(text):,} characters in all)"
