"""The cases by statements: the job's account has what Amazon RDS grants, and a cut-over makes the triggers.

All of them are incremental: a full copy is the same there. What is not carried, and why, is in `NOT_BY_STATEMENTS`.
"""

from __future__ import annotations

import pytest

from tests.conformance.conftest import Verdicts
from udup.selftest.case import Case


@pytest.mark.timeout(600)  # a group's first test carries out all of the group
def test_a_case_by_statements(verdicts: Verdicts, phase: str, case: Case) -> None:
    fault = verdicts.fault(case, phase)
    assert not fault, f"{case.topic}: {fault}"
