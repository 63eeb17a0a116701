"""What fails behind the switch is tried again, or stops the cut-over with what is left to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.pipeline.cutover.conftest import Make
from tests.pipeline.cutover.small_cutover import ALL, JOB, assert_cut_over, assert_undone
from udup.base.errors import UdupError, Unavailable
from udup.pipeline.cutover.state import CutoverState, StepName
from udup.pipeline.ports import Scope
from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection

CALLS = ["target_gate.release", "target_gate.make", "target_gate.enable", "source_gate.open_for_udup"]


@pytest.mark.parametrize("call", CALLS)
def test_an_outage_after_the_switch_is_waited_for(make: Make, call: str) -> None:
    world = make(**ALL)
    world.points.fails[call] = [Unavailable("away"), Unavailable("away")]
    world.run_to_the_end()
    assert_cut_over(world)


@pytest.mark.parametrize("call", CALLS)
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


def test_triggers_are_made_when_the_job_has_ended_and_before_anybody_writes(make: Make) -> None:
    """Before, its rows would set them off; behind the position, the way back would bring them to the old server."""
    world = make(**ALL)
    world.points.before["target_gate.make"] = lambda: stages.append((world.stage, world.cutover.position))
    stages: list[tuple[str, str]] = []
    world.run_to_the_end()
    assert stages == [("completed", "")]
    assert world.cutover.step(StepName.TRIGGERS).text == "made on the target: s.audit"
    assert "triggers that the target gets: s.audit" in world.cutover.step(StepName.CHECK).text


def test_triggers_are_made_though_the_old_server_is_gone_by_then(make: Make) -> None:
    world = make(source_read_only=True)
    world.points.before["target_gate.release"] = world.old.triggers.clear
    world.run_to_the_end()
    assert set(world.new.triggers) == {("s", "audit"), ("s", "check")}


def test_a_trigger_that_is_refused_keeps_applications_away_and_says_so(make: Make) -> None:
    world = make(source_read_only=True)
    world.points.fails["target_gate.make"] = [UdupError("making the trigger s.audit: no such function")]
    world.run_to_the_end()
    assert world.cutover.state is CutoverState.STOPPED
    assert "triggers: making the trigger s.audit: no such function" in world.cutover.text
    assert "no application may write to omega yet" in world.cutover.text


def test_a_trigger_that_the_target_does_not_take_undoes_it_before_anything_is_changed(make: Make) -> None:
    world = make(source_read_only=True)
    world.new.refused_triggers.add("audit")
    world.run_to_the_end()
    assert_undone(world)
    assert "s.audit" in world.cutover.text and world.cutover.found is None, "the source was not touched"


def test_triggers_that_the_account_does_not_see_are_not_taken_for_none(make: Make) -> None:
    world = make(source_read_only=True)
    world.old.hides_triggers = True
    world.run_to_the_end()
    assert_undone(world)
    assert "does not see the triggers" in world.cutover.text and world.cutover.found is None


def test_triggers_that_the_account_does_not_see_any_more_undo_it(make: Make) -> None:
    """TRIGGER is taken away behind the check."""
    world = make(source_read_only=True)
    world.points.before["source_gate.close"] = lambda: setattr(world.old, "hides_triggers", True)
    world.run_to_the_end()
    assert_undone(world)
    assert "level: the account does not see the triggers" in world.cutover.text


def test_triggers_of_a_table_with_other_columns_are_told_and_not_made(make: Make) -> None:
    """The source's text would change other columns there, or none at all behind the switch."""
    world = make(source_read_only=True)
    table = NameRule("t", columns=(("a", "b"), ("b", "a")))
    world.plan = replace(world.plan, scope=Scope(Selection((SchemaRule("s", tables=(table,)),))))
    world.run_to_the_end()
    assert world.cutover.state is CutoverState.DONE
    assert set(world.new.triggers) == {("s", "check")}
    assert "audit" in world.cutover.step(StepName.CHECK).text
    assert world.cutover.step(StepName.TRIGGERS).text == "the target lacks none that the job brings"


def test_only_definitions_that_the_target_lacks_are_read(make: Make) -> None:
    """The source is closed meanwhile."""
    world = make(source_read_only=True)
    world.new.triggers = dict(world.old.triggers)
    world.run_to_the_end()
    assert "before source_gate.triggers" in world.points.names
    assert "before source_gate.defined" not in world.points.names
