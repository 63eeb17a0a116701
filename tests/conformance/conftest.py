"""The cases as tests, one file a phase: where processes share the tests, each phase has servers of its own.

A case's first test carries out its whole group, so the verdicts of the others are there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conformance.servers import open_suite
from udup.sandbox.programs import MysqlPrograms
from udup.selftest import CASES
from udup.selftest.case import PHASES, Case, read_cases
from udup.selftest.choice import NOT_BY_STATEMENTS
from udup.selftest.suite import Suite, groups

#: Another folder of cases, instead of the project's own.
FOLDER_VARIABLE = "UDUP_CONFORMANCE"


@dataclass
class Verdicts:
    """Faults by case in one phase, found when the first of a group is asked for."""

    suite: Suite
    phase: str
    chosen: list[Case]
    _faults: dict[str, str] = field(default_factory=dict)

    def fault(self, case: Case) -> str:
        if case.name not in self._faults:
            group = next(each for each in groups(self.chosen) if case in each)
            for verdict in self.suite.run(group, self.phase):
                self._faults[verdict.case.name] = verdict.fault
        return self._faults[case.name]


#: The file of the cases that are carried by statements.
MANAGED = "managed"


def _phase(path: Path) -> str:
    """The phase of a file's tests: `test_copy.py`."""
    name = path.stem.removeprefix("test_")
    return "incremental" if name == MANAGED else name


def _is_managed(path: Path) -> bool:
    return path.stem == f"test_{MANAGED}"


def _goes_by_statements(case: Case) -> bool:
    return case.name not in NOT_BY_STATEMENTS and not case.refusal


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    phase = _phase(metafunc.definition.path)
    if "case" in metafunc.fixturenames and phase in PHASES:
        cases = read_cases(Path(os.environ.get(FOLDER_VARIABLE) or CASES))
        if _is_managed(metafunc.definition.path):
            cases = [case for case in cases if _goes_by_statements(case)]
        metafunc.parametrize("case", [case for case in cases if phase in case.phases], ids=str)


@pytest.fixture(scope="module")
def verdicts(request: pytest.FixtureRequest, programs: MysqlPrograms, server_folder: Path) -> Iterator[Verdicts]:
    """For the cases that this run has chosen, in the order of their names: a group is the same in every order."""
    phase = _phase(request.path)
    chosen: list[Case] = []
    for item in request.session.items:
        case = (
            item.callspec.params.get("case")
            if isinstance(item, pytest.Function) and hasattr(item, "callspec")
            else None
        )
        if isinstance(case, Case) and item.path == request.path:
            chosen.append(case)
    chosen.sort(key=lambda case: case.name)
    managed = _is_managed(request.path)
    folder = server_folder / f"conformance-{MANAGED if managed else phase}"
    with open_suite(programs, folder, managed=managed) as suite:
        yield Verdicts(suite, phase, chosen)
