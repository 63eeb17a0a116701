"""All cases between every two kinds of servers: where a run has all of them (`make test-servers`)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conformance.conftest import FOLDER_VARIABLE
from tests.conformance.pairs import KINDS, Pair, other_pairs
from tests.conformance.servers import open_suite
from udup.sandbox.cache import silent
from udup.selftest import CASES
from udup.selftest.case import PHASES, read_cases


@pytest.mark.other_servers
@pytest.mark.pairs
@pytest.mark.not_always
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("pair", other_pairs() or [None], ids=str)
def test_all_cases_of_a_pair(server_folder: Path, pair: Pair) -> None:
    cases = pair.cases(read_cases(Path(os.environ.get(FOLDER_VARIABLE) or CASES)))
    programs, of_target = KINDS[pair.source](silent), KINDS[pair.target](silent)
    folder = server_folder / f"conformance-{pair.source}-{pair.target}"
    with open_suite(programs, folder, of_target=of_target) as suite:
        verdicts = [verdict for phase in PHASES for verdict in suite.run(cases, phase)]
    faults = [f"{verdict.case} ({verdict.phase}): {verdict.fault}" for verdict in verdicts if verdict.fault]
    assert not faults, "\n".join([f"{len(faults)} of {len(verdicts)}", *faults])
