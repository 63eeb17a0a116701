"""Every case is carried, or refused, as it says: copied by a job that starts after it, applied by one that runs."""

from __future__ import annotations

import pytest

from tests.conformance.case import Case
from tests.conformance.conftest import Verdicts


@pytest.mark.timeout(600)  # a group's first test carries out all of the group
def test_case(verdicts: Verdicts, case: Case, phase: str) -> None:
    fault = verdicts.fault(case, phase)
    assert not fault, f"{case.topic}: {fault}"
