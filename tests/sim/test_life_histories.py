"""Histories in which tables come into a job, leave it, are loaded again, and are exchanged meanwhile."""

from __future__ import annotations

import pytest

from tests.sim.batches import hold
from tests.sim.scenario import CLASSES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

#: Histories of one test, each of which has several jobs and copies; of those, how often something must have happened.
_AT_A_TIME, _JOINS, _RESUMED, _HELD = 40, 20, 3, 1


@pytest.mark.parametrize("first", [1])
def test_every_table_is_as_on_the_source_where_its_checkpoint_says(first: int) -> None:
    counts = hold("life", first, _AT_A_TIME)
    assert all(counts[f"log {kind}"] for kind in ("tx", "large", "statement", "skip")), counts
    assert sum(counts[f"fault {kind}"] for kind in CLASSES["life"].kinds) > _AT_A_TIME, counts
    assert counts["joined"] >= _JOINS and counts["copies that went on"] >= _RESUMED, counts
    assert counts["held"] >= _HELD, counts
