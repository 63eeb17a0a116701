"""The cases as tests. A case's first test carries out its whole group, so the verdicts of the others are there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conformance import CASES
from tests.conformance.case import PHASES, Case, read_cases
from tests.conformance.suite import Suite, groups, open_suite
from udup.sandbox.programs import MysqlPrograms

#: Another folder of cases, instead of the project's own.
FOLDER_VARIABLE = "UDUP_CONFORMANCE"


@dataclass
class Verdicts:
    """Faults by case and phase, found when the first of a group is asked for."""

    suite: Suite
    chosen: dict[str, list[Case]]
    _faults: dict[tuple[str, str], str] = field(default_factory=dict)

    def fault(self, case: Case, phase: str) -> str:
        if (case.name, phase) not in self._faults:
            group = next(each for each in groups(self.chosen[phase]) if case in each)
            for verdict in self.suite.run(group, phase):
                self._faults[verdict.case.name, phase] = verdict.fault
        return self._faults[case.name, phase]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if {"case", "phase"} <= set(metafunc.fixturenames):
        cases = read_cases(Path(os.environ.get(FOLDER_VARIABLE) or CASES))
        runs = [(case, phase) for phase in PHASES for case in cases if phase in case.phases]
        metafunc.parametrize(("case", "phase"), runs, ids=[f"{case}-{phase}" for case, phase in runs])


@pytest.fixture(scope="module")
def verdicts(request: pytest.FixtureRequest, programs: MysqlPrograms, server_folder: Path) -> Iterator[Verdicts]:
    """For the cases that this run has chosen, in the order of their names: a group is the same in every order."""
    chosen: dict[str, list[Case]] = {phase: [] for phase in PHASES}
    for item in request.session.items:
        parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        case, phase = parameters.get("case"), parameters.get("phase")
        if isinstance(case, Case) and isinstance(phase, str):
            chosen[phase].append(case)
    for cases in chosen.values():
        cases.sort(key=lambda case: case.name)
    with open_suite(programs, server_folder / "conformance") as suite:
        yield Verdicts(suite, chosen)
