"""A set that is too long to be shown is cut behind one of its parts."""

from __future__ import annotations

import pytest

from udup.base.long_text import cut_set


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("a:1-5,b:7", "a:1-5,b:7"),
        ("a:1-5,b:17-19", "a:1-5,b … (13 characters in all)"),
        ("a:1-5:17-19:30", "a:1-5 … (14 characters in all)"),
        ("no mark at all", "no mark a … (14 characters in all)"),
    ],
)
def test_a_long_set_says_how_long_it_is(text: str, shown: str) -> None:
    assert cut_set(text, 9) == shown
