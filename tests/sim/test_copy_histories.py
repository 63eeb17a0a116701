"""Histories in which a full copy comes first."""

from __future__ import annotations

import pytest

from tests.sim.batches import assert_tested, hold


@pytest.mark.parametrize("first", [1, 101])
def test_nothing_is_lost_doubled_torn_or_out_of_order(first: int) -> None:
    counts = hold("copy", first, 100)
    assert_tested("copy", counts, 100)
