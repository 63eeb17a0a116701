"""Every case is applied, or refused, as it says, by a job that runs."""

from __future__ import annotations

import pytest

from tests.conformance.conftest import Verdicts
from udup.selftest.case import Case


@pytest.mark.timeout(600)  # a group's first test carries out all of the group
def test_an_applied_case(verdicts: Verdicts, phase: str, case: Case) -> None:
    fault = verdicts.fault(case, phase)
    assert not fault, f"{case.topic}: {fault}"
