"""Every case is copied, or refused, as it says, by a job that starts after it."""

from __future__ import annotations

import pytest

from tests.conformance.conftest import Verdicts
from udup.selftest.case import Case


@pytest.mark.timeout(600)  # a group's first test carries out all of the group
def test_a_copied_case(verdicts: Verdicts, phase: str, case: Case) -> None:
    fault = verdicts.fault(case, phase)
    assert not fault, f"{case.topic}: {fault}"
