"""Histories in which a second node has the same job."""

from __future__ import annotations

import pytest

from tests.sim.batches import assert_tested, hold


@pytest.mark.parametrize("first", [1, 51, 101])
def test_nothing_is_lost_doubled_torn_or_out_of_order(first: int) -> None:
    counts = hold("two", first, 50)
    assert_tested("two", counts, 50)
