"""Cases from the newest MariaDB to the newest MySQL."""

from __future__ import annotations

import pytest

from tests.conformance.conftest import Verdicts
from udup.selftest.case import Case

pytestmark = pytest.mark.usefixtures("newest_mariadb")


@pytest.mark.timeout(600)  # a group's first test carries out all of the group
def test_a_case_from_mariadb_to_mysql(verdicts: Verdicts, phase: str, case: Case) -> None:
    fault = verdicts.fault(case, phase)
    assert not fault, f"{case.topic}: {fault}"
