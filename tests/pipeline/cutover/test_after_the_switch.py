"""What fails behind the switch is tried again, or stops the cut-over with what is left to do."""

from __future__ import annotations

import pytest

from tests.pipeline.cutover.conftest import Make
from tests.pipeline.cutover.small_cutover import ALL, JOB, assert_cut_over
from udup.base.errors import UdupError, Unavailable
from udup.pipeline.cutover.state import CutoverState, StepName


@pytest.mark.parametrize("call", ["target_gate.release", "target_gate.enable", "source_gate.open_for_udup"])
def test_an_outage_after_the_switch_is_waited_for(make: Make, call: str) -> None:
    world = make(**ALL)
    world.points.fails[call] = [Unavailable("away"), Unavailable("away")]
    world.run_to_the_end()
    assert_cut_over(world)


@pytest.mark.parametrize("call", ["target_gate.release", "target_gate.enable", "source_gate.open_for_udup"])
@pytest.mark.parametrize("error", [UdupError("no privilege"), RuntimeError("no privilege")])
def test_what_time_does_not_heal_after_the_switch_stops_it_and_a_further_request_goes_on(
    make: Make, call: str, error: Exception
) -> None:
    world = make(**ALL)
    world.points.fails[call] = [error]
    world.run_to_the_end()
    assert world.cutover.state is CutoverState.STOPPED and world.cutover.switched and world.stage == "completed"
    assert "no privilege" in world.cutover.text and world.cutover.text.endswith("--reverse --timeout 0.03")
    world.again()
    world.run_to_the_end()
    assert_cut_over(world)


def test_what_the_old_source_executes_after_the_switch_is_told(make: Make) -> None:
    world = make(writes_stopped=True)
    world.points.before["target_gate.release"] = lambda: (world.write("too late"), None)[1]
    world.run_to_the_end()
    assert world.cutover.state is CutoverState.DONE
    assert "alpha:3" in world.cutover.step(StepName.POSITION).text


def test_a_name_that_was_taken_meanwhile_is_replaced_by_another(make: Make) -> None:
    world = make(**ALL)

    def take() -> None:
        world.jobs["shop-back"] = "somebody else's"

    world.points.before["target_gate.release"] = take
    world.run_to_the_end()
    assert world.cutover.way_back == "shop-back-2" and "shop-back-2" in world.jobs


def test_a_name_of_which_the_old_source_keeps_a_checkpoint_is_not_taken(make: Make) -> None:
    world = make(**ALL)
    world.old.jobs.rows["shop-back"] = world.new.jobs.rows[JOB]
    world.run_to_the_end()
    assert world.cutover.way_back == "shop-back-2"
