"""A cut-over loses nothing and leaves nothing behind, whatever dies at whichever point."""

from __future__ import annotations

from typing import Any

import pytest

from tests.pipeline.cutover.conftest import Make
from tests.pipeline.cutover.small_cutover import ALL, JOB, TABLE, World, assert_cut_over, assert_undone
from udup.drivers.fake.server import Writers
from udup.pipeline.cutover.state import CutoverState, StepName


def test_everything_that_was_asked_for_is_done_in_its_order(make: Make) -> None:
    world = make(**ALL)
    world.run_to_the_end()
    assert_cut_over(world)
    assert [step.state.value for step in world.cutover.steps] == ["done"] * 9
    assert "applications may write to omega" in world.cutover.text and "shop-back" in world.cutover.text


def test_what_was_not_asked_for_is_left_out(make: Make) -> None:
    world = make(source_read_only=True)
    world.run_to_the_end()
    assert_cut_over(world)
    assert (world.state_of(StepName.EVENTS), world.state_of(StepName.REVERSE)) == ("left out", "left out")
    assert world.old.writers is Writers.NOBODY and "s.nightly" in world.cutover.text


def test_a_dry_run_changes_nothing_and_tells_each_step(make: Make) -> None:
    world = make(**ALL, dry_run=True)
    world.run_to_the_end()
    assert world.cutover.state is CutoverState.DONE and not world.cutover.switched
    assert world.old.writers is Writers.ALL and TABLE not in world.new.counters and list(world.jobs) == [JOB]
    assert all(step.text for step in world.cutover.steps)
    assert world.cutover.text.endswith(
        "udup job cutover shop --source-read-only --enable-events --reverse --timeout 0.03"
    )


def test_what_is_found_is_kept_before_the_source_is_closed(make: Make) -> None:
    world = make(source_read_only=True)
    world.points.before["source_gate.close"] = lambda: kept.append(world.cutover)
    kept: list[Any] = []
    world.run_to_the_end()
    assert kept[0].found == {"writers": "all"} and kept[0].step(StepName.FREEZE).state.value == "doing"


# ---- Deaths ----


def _points(make: Make, **options: Any) -> int:
    world = make(**options)
    world.run_to_the_end()
    return world.points.passed


def test_a_death_at_any_point_leads_to_the_same_end(make: Make) -> None:
    total = _points(make, **ALL)
    assert total > 60
    for point in range(1, total + 1):
        world = make(**ALL)
        assert not world.run(point)
        world.run_to_the_end()
        assert_cut_over(world)


def test_two_deaths_lead_to_the_same_end(make: Make) -> None:
    total = _points(make, **ALL)
    for point in range(1, total + 1, 3):
        for second in (1, 2, 3, 5, 8):
            world = make(**ALL)
            assert not world.run(point)
            world.run(second)
            world.run_to_the_end()
            assert_cut_over(world)


@pytest.mark.parametrize("found", [Writers.ALL, Writers.UDUP, Writers.NOBODY])
def test_a_death_while_it_is_undone_leaves_the_source_as_it_was_found(make: Make, found: Writers) -> None:
    def failing() -> World:
        world = make(**ALL)
        world.old.writers = found
        world.follows = False  # so that it is never level
        return world

    for point in range(1, 500):  # how often it looks whether the target is level depends on the machine
        world = failing()
        lived = world.run(point)
        world.run_to_the_end()
        assert_undone(world, found)
        if lived:
            return
    raise AssertionError("it never ends")


def test_an_abort_at_any_point_undoes_it_before_the_switch_and_comes_too_late_after_it(make: Make) -> None:
    for point in range(1, _points(make, **ALL) + 1):
        world = make(**ALL)
        world.run(point)
        if not world.cutover.switched:
            world.abort = "somebody wants it"
            world.run_to_the_end()
            assert_undone(world)
            assert "somebody wants it" in world.cutover.text
        else:
            world.run_to_the_end()
            assert_cut_over(world)
