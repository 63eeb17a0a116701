"""The simulation finds bugs of the kinds that it is for: each is planted, and must show within a number of seeds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sim import scenario
from tests.sim.bugs import BUGS, planted
from tests.sim.history import run
from tests.sim.scenario import Scenario

HISTORIES = Path(__file__).parent / "histories"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_found(name: str) -> None:
    bug = BUGS[name]
    made = (scenario.make(bug.of, seed) for seed in range(bug.first, bug.first + bug.seeds))
    if bug.history:
        made = iter([Scenario.from_json((HISTORIES / f"{bug.history}.json").read_text())])
    with planted(name):
        found = next((each for each in made if run(each).problem), None)
    assert found is not None, f"{bug.what}: nothing was found in {bug.seeds} histories"
    assert not run(found).problem
