"""Whatever goes wrong at whatever step, the job comes to its end, by errors of Udup's alone and with equal rows.

Some of all steps, spread over each phase; another some each time, by a seed that a failure tells and
`UDUP_FAULTS_SEED` repeats. `make faults` takes every step.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.sweep import Bench, Phase, Place, bench, places, sample
from udup.sandbox.programs import MysqlPrograms

#: Steps that are taken of each phase and place.
SAMPLES = {Phase.COPY: 2, Phase.START: 1, Phase.BUSY: 2, Phase.PURGE: 2}

SEED = int(os.environ.get("UDUP_FAULTS_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)


@pytest.fixture(scope="module")
def shared(programs: MysqlPrograms, server_folder: Path) -> Iterator[Bench]:
    with bench(programs, server_folder) as made:
        yield made


@pytest.mark.parametrize(
    ("phase", "place"),
    [(phase, place) for phase in Phase for place in places(phase)],
    ids=lambda value: value.value,
)
def test_a_job_stands_what_goes_wrong(shared: Bench, phase: Phase, place: Place) -> None:
    dice = random.Random(f"{SEED} {phase.value} {place.value}")
    for trial in sample(shared.steps(phase, place), SAMPLES[phase], phase, place, dice):
        try:
            print(shared.run(trial))
        except AssertionError as error:
            raise AssertionError(f"UDUP_FAULTS_SEED={SEED}: {error}") from error
