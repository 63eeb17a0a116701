"""Histories in which the log is followed."""

from __future__ import annotations

import pytest

from tests.sim.batches import assert_tested, hold


@pytest.mark.parametrize("first", [1, 101, 201, 301])
def test_nothing_is_lost_doubled_torn_or_out_of_order(first: int) -> None:
    counts = hold("log", first, 100)
    assert_tested("log", counts, 100)
