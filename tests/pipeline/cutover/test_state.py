"""A cut-over that is kept in a job's record can be read by a later version."""

from __future__ import annotations

import json

import pytest

from tests.pipeline.cutover.conftest import Make
from tests.pipeline.cutover.small_cutover import assert_cut_over
from udup.pipeline.cutover.state import Cutover, CutoverState, Options, StepName, StepState


def _of_an_earlier_version(cutover: Cutover) -> Cutover:
    """Return it as one that did not know the step `triggers` has kept it."""
    kept = json.loads(cutover.model_dump_json())
    kept["steps"] = [step for step in kept["steps"] if step["name"] != "triggers"]
    return Cutover.model_validate_json(json.dumps(kept))


@pytest.mark.parametrize(
    ("done", "state"),
    [
        (StepName.COUNTERS, StepState.WAITING),
        (StepName.END, StepState.WAITING),
        (StepName.POSITION, StepState.LEFT_OUT),
    ],
)
def test_a_step_that_an_earlier_version_did_not_know_is_taken_if_it_is_still_to_come(
    done: StepName, state: StepState
) -> None:
    cutover = Cutover.asked(Options(source_read_only=True))
    for name in StepName:
        cutover = cutover.noted(name, StepState.DONE)
        if name is done:
            break
    read = _of_an_earlier_version(cutover)
    assert [step.name for step in read.steps] == list(StepName)
    assert read.step(StepName.TRIGGERS).state is state


def test_one_that_is_over_has_nothing_left_to_do() -> None:
    cutover = Cutover.asked(Options(dry_run=True)).with_(state=CutoverState.DONE)
    assert _of_an_earlier_version(cutover).step(StepName.TRIGGERS).state is StepState.LEFT_OUT


def test_one_that_an_earlier_version_has_begun_is_carried_to_its_end(make: Make) -> None:
    world = make(source_read_only=True)
    world.cutover = _of_an_earlier_version(world.cutover)
    world.run_to_the_end()
    assert_cut_over(world)
