"""Histories by the number, for tests: all must hold, and what they are made of must have happened."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from tests.sim import scenario
from tests.sim.history import run
from tests.sim.scenario import CLASSES, START_CALLS, Scenario
from tests.sim.shrink import shrink

#: Seconds to make a scenario that fails smaller, and lines of its trace that are shown.
_SHRINK_SECONDS, _LINES = 20.0, 40

#: Histories of one test.
AT_A_TIME = 50

#: Of those: times at least that each kind of fault has met something, that a fault has met DDL, and a take-over; and
#: that other things happened.
_EACH_KIND, _AT_DDL, _AT_TAKE_OVER, _COMMITS, _ENDS = 1, 1, 1, 750, 5


def hold(of: str, first: int, count: int) -> Counter[str]:
    """Carry out histories of a class; what happened in them. Fails with the first that does not hold, made smaller."""
    counts: Counter[str] = Counter()
    for seed in range(first, first + count):
        outcome = run(scenario.make(of, seed))
        assert not outcome.problem, told(scenario.make(of, seed), outcome.problem)
        counts += outcome.counts
    return counts


def told(failing: Scenario, problem: str) -> str:
    """What is wrong, the smallest scenario that shows it, to be kept in `histories/`, and the end of its trace."""
    small, _ = shrink(failing, _SHRINK_SECONDS)
    trace = run(small, trace=True).trace[-_LINES:]
    lines = "\n".join(f"{at / 1e6:12.3f} ms  {who:12} {what}" for at, who, what in trace)
    return f"seed {failing.seed} ({failing.of}): {problem}\n{small.to_json()}\n{lines}"


def assert_tested(of: str, counts: Counter[str]) -> None:
    """A fault that meets nothing is no test."""
    met = {kind: counts[f"fault {kind}"] for kind in CLASSES[of].kinds}
    assert all(number >= _EACH_KIND for number in met.values()), met
    take_overs = sum(counts[f"at {call}"] for call in START_CALLS)
    assert counts["at DDL"] >= _AT_DDL and take_overs >= _AT_TAKE_OVER, counts
    ends = sum(number for name, number in counts.items() if name.startswith("ended "))
    assert counts["commits"] >= _COMMITS and ends >= _ENDS, counts
    assert all(counts[f"log {kind}"] for kind in ("tx", "large", "ddl", "skip")), counts


def without_faults(of: str, seed: int) -> Scenario:
    return replace(scenario.make(of, seed), faults=[], second=None)
