"""Who is named as being in the way: the session for which the others wait in the end."""

from __future__ import annotations

import pytest

from udup.drivers.mysql.cutover.in_the_way import _roots


@pytest.mark.parametrize(
    ("holders", "waits", "named"),
    [
        ([1], [], {1: ""}),
        ([1], [(1, 2, "rows")], {2: "rows"}),
        ([1], [(1, 2, "rows"), (2, 3, "s.t")], {3: "s.t"}),
        ([1, 3], [(1, 2, "rows")], {2: "rows", 3: ""}),
        ([1, 2], [(1, 2, "rows")], {2: "rows"}),
        ([1], [(1, 2, "rows"), (1, 3, "s.t")], {2: "rows", 3: "s.t"}),
        ([1], [(7, 8, "rows")], {1: ""}),
        ([1], [(1, 2, "rows"), (2, 1, "s.t")], {1: ""}),
    ],
    ids=["runs", "waits", "waits of a waiter", "one of two", "both", "two", "another's", "a ring"],
)
def test_the_session_at_the_end_of_the_row_is_named(
    holders: list[int], waits: list[tuple[int, int, str]], named: dict[int, str]
) -> None:
    assert _roots(holders, waits) == named
