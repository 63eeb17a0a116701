"""A fake position is a set of transactions, and its text says which."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udup.drivers.fake.position import FakePosition

_SETS = st.sets(st.tuples(st.sampled_from(["alpha", "beta"]), st.integers(1, 12)))


@settings(max_examples=60, deadline=None)
@given(_SETS, _SETS)
def test_it_is_a_set(one: set[tuple[str, int]], other: set[tuple[str, int]]) -> None:
    first, second = FakePosition(one), FakePosition(other)
    assert FakePosition.parse(str(first)) == first
    assert (str(first) == str(second)) == (one == other)
    assert first - second == FakePosition(one - other)
    assert (first <= second) == (one <= other)
    assert (bool(first), len(first)) == (bool(one), len(one))
    union = first.copy()
    union.update(second)
    assert union == FakePosition(one | other) and first == FakePosition(one)
    assert all(first.contains(*each) == (each in one) for each in one | other)


def test_its_text_is_read_by_people() -> None:
    assert str(FakePosition.parse("beta:3,alpha:1-2:4:3")) == "alpha:1-4,beta:3"
    assert str(FakePosition()) == ""
    with pytest.raises(ValueError, match="invalid"):
        FakePosition.parse("alpha:x")
