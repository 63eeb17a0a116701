"""The simulation itself: the same seed gives the same history, and small scenarios that once failed hold."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.sim import scenario
from tests.sim.batches import hold, told, without_faults
from tests.sim.history import run
from tests.sim.scenario import CLASSES, Scenario
from tests.sim.shrink import shrink

_HISTORIES = sorted((Path(__file__).parent / "histories").glob("*.json"))


@pytest.mark.parametrize("of", CLASSES)
def test_a_few_of_each_class_hold(of: str) -> None:
    hold(of, 1, 4)


@pytest.mark.parametrize("path", _HISTORIES, ids=lambda path: path.stem)
def test_a_history_that_once_failed_holds(path: Path) -> None:
    kept = Scenario.from_json(path.read_text())
    outcome = run(kept)
    assert not outcome.problem, told(kept, outcome.problem)


def _digests(hash_seed: str) -> str:
    """As another Python process with another order of its sets comes to it."""
    program = (
        "from tests.sim.install import installed\nfrom tests.sim import scenario\nfrom tests.sim.history import run\n"
        "with installed():\n"
        f"    print([run(scenario.make(of, seed)).digest for of in {list(CLASSES)!r} for seed in (1, 2, 3)])"
    )
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=150, check=True
    )
    return done.stdout.strip()


@pytest.mark.slow
def test_the_same_seed_is_the_same_history_in_every_process() -> None:
    here = [run(scenario.make(of, seed)).digest for of in CLASSES for seed in (1, 2, 3)]
    assert _digests("1") == _digests("4711") == str(here)
    assert len(set(here)) == len(here)


def test_a_scenario_is_plain_data() -> None:
    made = scenario.make("two", 7)
    assert Scenario.from_json(made.to_json()) == made


@pytest.mark.parametrize("of", ["log", "copy"])
def test_without_faults_no_run_ends(of: str) -> None:
    for seed in range(1, 5):
        outcome = run(without_faults(of, seed))
        assert not outcome.problem, outcome.problem
        assert not any(name.startswith("ended ") for name in outcome.counts), outcome.counts


def test_a_fault_that_is_taken_away_moves_nobody_elses_chance() -> None:
    """What happens before the fault is the same without it."""
    made = without_faults("log", 3)
    fault = {"kind": "kill", "at": 2_000_000_000, "role": "extractor", "nth": 0}
    calm, struck = (run(replace(made, faults=faults), trace=True).trace for faults in ([], [fault]))
    until = next(at for at, who, _ in struck if who == "FAULT")
    assert [line for line in calm if line[0] < until] == [line for line in struck if line[0] < until]


@pytest.mark.slow
def test_shrinking_keeps_what_fails_and_little_else() -> None:
    """A source that forgets a row: the target is right, so the checks must say that it is not."""
    made = scenario.make("log", 2)
    lossy = [{**entry, "kind": "large", "parts": 0} if number == 5 else entry for number, entry in enumerate(made.log)]
    bad = replace(made, log=lossy, faults=made.faults)
    assert run(bad).problem
    small, tries = shrink(bad)
    assert len(small.log) <= 3 and not small.faults and tries < 150
    assert run(small).kind == run(bad).kind
