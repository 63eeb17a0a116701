"""Histories in which faults are many and long, documents are posted again, checkpoints removed."""

from __future__ import annotations

import pytest

from tests.sim.batches import assert_tested, hold


@pytest.mark.parametrize("first", [1, 51, 101])
def test_nothing_is_lost_doubled_torn_or_out_of_order(first: int) -> None:
    counts = hold("rough", first, 50)
    assert_tested("rough", counts, 50)
