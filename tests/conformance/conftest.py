"""The cases as tests, one file a phase: where processes share the tests, each phase has servers of its own.

A case's first test carries out its whole group, so the verdicts of the others are there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conformance.pairs import KINDS, NEWEST_PAIRS, SAME, Pair, chosen
from tests.conformance.servers import open_suite
from udup.sandbox.cache import silent
from udup.selftest import CASES
from udup.selftest.case import PHASES, Case, read_cases
from udup.selftest.choice import NOT_BY_STATEMENTS
from udup.selftest.suite import Suite, groups

#: Another folder of cases, instead of the project's own.
FOLDER_VARIABLE = "UDUP_CONFORMANCE"


@dataclass
class Verdicts:
    """Faults by phase and case, found when the first of a group is asked for. `chosen` are the cases of each phase."""

    suite: Suite
    chosen: Mapping[str, list[Case]]
    _faults: dict[tuple[str, str], str] = field(default_factory=dict)

    def fault(self, case: Case, phase: str) -> str:
        if (phase, case.name) not in self._faults:
            group = next(each for each in groups(self.chosen[phase]) if case in each)
            for verdict in self.suite.run(group, phase):
                self._faults[phase, verdict.case.name] = verdict.fault
        return self._faults[phase, case.name]


#: The file of the cases that are carried by statements.
MANAGED = "managed"


#: The file of each pair of servers that has one: `test_mysql_to_mariadb.py`.
_FILES = {
    "_to_".join(kind.split("-")[0] for kind in (pair.source, pair.target)): pair for pair in (SAME, *NEWEST_PAIRS)
}


def _phases(path: Path) -> tuple[str, ...]:
    """The phases of a file's tests: `test_copy.py` has one, that of a pair has both; () for other files."""
    name = path.stem.removeprefix("test_")
    if name in _FILES:
        return PHASES
    phase = "incremental" if name == MANAGED else name
    return (phase,) if phase in PHASES else ()


def _pair(path: Path) -> Pair:
    return _FILES.get(path.stem.removeprefix("test_"), SAME)


def _is_managed(path: Path) -> bool:
    return path.stem == f"test_{MANAGED}"


def _goes_by_statements(case: Case) -> bool:
    return case.name not in NOT_BY_STATEMENTS and not case.refusal


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    path = metafunc.definition.path
    phases, pair = _phases(path), _pair(path)
    if "case" not in metafunc.fixturenames or not phases:
        return
    cases = read_cases(Path(os.environ.get(FOLDER_VARIABLE) or CASES))
    cases = pair.cases(cases) if pair == SAME else chosen(pair, cases)
    if _is_managed(path):
        cases = [case for case in cases if _goes_by_statements(case)]
    found = [(phase, case) for phase in phases for case in cases if phase in case.phases]
    ids = [str(case) if len(phases) == 1 else f"{phase}-{case}" for phase, case in found]
    metafunc.parametrize(("phase", "case"), found, ids=ids)


@pytest.fixture(scope="module")
def verdicts(request: pytest.FixtureRequest, server_folder: Path) -> Iterator[Verdicts]:
    """For the cases that this run has chosen, in the order of their names: a group is the same in every order."""
    found: dict[str, list[Case]] = {phase: [] for phase in _phases(request.path)}
    for item in request.session.items:
        if isinstance(item, pytest.Function) and hasattr(item, "callspec") and item.path == request.path:
            case = item.callspec.params.get("case")
            if isinstance(case, Case):
                found[item.callspec.params["phase"]].append(case)
    for cases in found.values():
        cases.sort(key=lambda case: case.name)
    pair = _pair(request.path)
    folder = server_folder / f"conformance-{request.path.stem}"
    programs, of_target = KINDS[pair.source](silent), KINDS[pair.target](silent)
    with open_suite(programs, folder, of_target=of_target, managed=_is_managed(request.path)) as suite:
        yield Verdicts(suite, found)
