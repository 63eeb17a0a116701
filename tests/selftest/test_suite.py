"""Which case is at fault when a job of many has failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from udup.base.endpoint import Endpoint
from udup.selftest.case import Case
from udup.selftest.suite import Suite, Trial, _JobFailed
from udup.selftest.verdict import Outcome, Verdict

SERVER = Endpoint("db", 3306, "root", "x")


def _cases(count: int) -> list[Case]:
    return [Case(Path("x.sql"), f"topic/case_{number}", "", ("copy",), ()) for number in range(count)]


@dataclass
class _Tried(Suite):
    """`reason` says why a trial's job fails, None if it does not."""

    reason: Callable[[Trial], _JobFailed | None] = lambda _: None
    trials: list[int] = field(default_factory=list)

    def _tried(self, cases: Sequence[Case], phase: str) -> Any:
        trial = Trial(self, cases, phase, f"c{len(self.trials)}")
        self.trials.append(len(cases))
        failure = self.reason(trial)
        return [Verdict(case, phase) for case in cases] if failure is None else (trial, failure)


def _suite(reason: Callable[[Trial], _JobFailed | None]) -> _Tried:
    unused: Any = None
    return _Tried(SERVER, SERVER, unused, (SERVER, SERVER), reason=reason)


def test_a_case_that_the_reason_names_is_set_apart() -> None:
    cases = _cases(12)
    culprit = cases[1]  # the name of whose schema others begin with

    def reason(trial: Trial) -> _JobFailed | None:
        found = culprit in trial.cases
        return _JobFailed(f"table `{trial.schema[culprit]}`.`t` cannot", Outcome.REFUSED) if found else None

    suite = _suite(reason)
    verdicts = {each.case: each for each in suite.run(cases, "copy")}
    assert verdicts.pop(culprit).outcome is Outcome.REFUSED
    assert {each.outcome for each in verdicts.values()} == {Outcome.EQUAL}
    assert suite.trials == [12, 11]


def test_a_case_is_found_that_the_reason_does_not_name() -> None:
    cases = _cases(16)
    suite = _suite(lambda trial: _JobFailed("it hangs") if cases[5] in trial.cases else None)
    verdicts = {each.case: each for each in suite.run(cases, "copy")}
    assert verdicts.pop(cases[5]).fault == "the job stopped: it hangs"
    assert {each.outcome for each in verdicts.values()} == {Outcome.EQUAL}
    assert len(suite.trials) == 9


def test_a_reason_that_lies_in_no_case_is_found_by_two_more_jobs() -> None:
    suite = _suite(lambda _: _JobFailed("no room"))
    verdicts = suite.run(_cases(16), "copy")
    assert {each.fault for each in verdicts} == {"the job stops whatever its cases: no room"}
    assert {each.outcome for each in verdicts} == {Outcome.FAILED}
    assert suite.trials == [16, 8, 8]
