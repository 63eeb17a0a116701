"""Histories in which a table has more than the job's position when it begins."""

from __future__ import annotations

import pytest

from tests.sim.batches import AT_A_TIME, assert_tested, hold

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.mark.parametrize("first", range(1, 101, AT_A_TIME))
def test_every_table_gets_what_it_lacks_and_nothing_twice(first: int) -> None:
    assert_tested("ahead", hold("ahead", first, AT_A_TIME))
