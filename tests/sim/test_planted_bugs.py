"""The simulation finds bugs of the kinds that it is for: each is planted, and must show within a number of seeds."""

from __future__ import annotations

import pytest

from tests.sim import scenario
from tests.sim.bugs import BUGS, planted
from tests.sim.history import run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_found(name: str) -> None:
    bug = BUGS[name]
    seeds = range(bug.first, bug.first + bug.seeds)
    with planted(name):
        found = next((seed for seed in seeds if run(scenario.make(bug.of, seed)).problem), 0)
    assert found, f"{bug.what}: nothing was found in {bug.seeds} histories"
    assert not run(scenario.make(bug.of, found)).problem
