"""Histories with some messages that vanish or come twice, among other faults."""

from __future__ import annotations

import pytest

from tests.sim.batches import AT_A_TIME, assert_tested, hold

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.mark.parametrize("first", range(1, 101, AT_A_TIME))
def test_nothing_is_lost_doubled_torn_or_out_of_order(first: int) -> None:
    assert_tested("cluster", hold("cluster", first, AT_A_TIME))
