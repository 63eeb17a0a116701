"""Histories in which messages vanish or come twice."""

from __future__ import annotations

import pytest

from tests.sim.batches import assert_tested, hold


@pytest.mark.parametrize("first", [1])
def test_nothing_is_lost_doubled_torn_or_out_of_order(first: int) -> None:
    counts = hold("cluster", first, 100)
    assert_tested("cluster", counts, 100)
