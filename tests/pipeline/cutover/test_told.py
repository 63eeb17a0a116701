"""What a cut-over says: who may write where, what is left to do, and with which command."""

from __future__ import annotations

import pytest

from tests.pipeline.cutover.conftest import Make
from tests.pipeline.cutover.small_cutover import ALL, JOB, World, assert_cut_over, assert_undone
from udup.base.errors import UdupError, Unavailable
from udup.drivers.fake.server import Writers
from udup.pipeline.cutover import check, texts
from udup.pipeline.cutover.host import JobNow
from udup.pipeline.cutover.state import Cutover, CutoverState, StepName, StepState, shortened


def test_applications_may_write_as_soon_as_the_position_is_noted_and_it_is_told_then(make: Make) -> None:
    world = make(**ALL)
    world.points.fails["target_gate.enable"] = [UdupError("no privilege")]
    world.run_to_the_end()
    assert world.cutover.state is CutoverState.STOPPED and "applications may write to omega" in world.cutover.text
    assert "applications may write to omega now" in world.cutover.step(StepName.POSITION).text
    told = next(each for each in world.history if each.step(StepName.POSITION).state.value == "done")
    assert "applications may write to omega now" in told.told and told.is_active


def test_a_step_behind_the_switch_that_waits_says_how_what_is_left_is_given_up(make: Make) -> None:
    world = make(**ALL)
    world.points.fails["source_gate.open_for_udup"] = [Unavailable("the old source is away")]
    world.run_to_the_end()
    waiting = [each.told for each in world.history if each.step(StepName.REVERSE).text.startswith("the old source")]
    assert waiting and all("udup job cutover shop --abort" in each for each in waiting)
    assert_cut_over(world)


def test_a_job_that_waits_for_its_server_is_refused_with_what_it_waits_for(make: Make) -> None:
    world = make(**ALL, timeout_s=600)
    world.waits, world.stage = "it waits for its target, 40 s by now: Connection refused", "pending"
    world.run_to_the_end()
    assert world.cutover.state is CutoverState.UNDONE
    assert "does not follow its source now: it waits for its target" in world.cutover.text
    assert "Connection refused" in world.cutover.text


def test_a_job_whose_run_is_about_to_begin_is_waited_for(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make(**ALL, timeout_s=20)
    world.stage = "catching_up"
    looks: list[JobNow] = []
    ask = world.job

    async def job() -> JobNow:
        world.stage = "running" if len(looks) == 2 else world.stage
        looks.append(await ask())
        return looks[-1]

    monkeypatch.setattr(world, "job", job)
    world.run_to_the_end()
    assert_cut_over(world)
    assert [look.follows for look in looks[:3]] == [False, False, True]


def test_a_job_that_waits_for_its_server_while_it_is_to_become_level_says_so(make: Make) -> None:
    world = make(**ALL)
    world.follows = False
    world.points.before["source_gate.close"] = lambda: setattr(world, "waits", "it waits for its target")
    world.run_to_the_end()
    assert_undone(world)
    assert "not level within" in world.cutover.text and "it waits for its target" in world.cutover.text


def test_transactions_that_were_passed_over_are_told_by_the_check_and_at_the_end(make: Make) -> None:
    world = make(**ALL)
    world.skipped = ("alpha:1",)
    world.run_to_the_end()
    assert_cut_over(world)
    lacks = "a transaction was passed over on purpose, so the target lacks it: alpha:1"
    assert lacks in world.cutover.step(StepName.CHECK).text and lacks in world.cutover.text
    dry = make(**ALL, dry_run=True)
    dry.skipped = ("alpha:1", "alpha:2")
    dry.run_to_the_end()
    assert "2 transactions were passed over" in dry.cutover.step(StepName.CHECK).text


@pytest.mark.parametrize(("most", "of_what"), [(3, "executed take 9 bytes"), (9, "enabled events take")])
def test_what_is_too_large_to_be_kept_is_refused_while_nothing_is_changed(
    make: Make, monkeypatch: pytest.MonkeyPatch, most: int, of_what: str
) -> None:
    monkeypatch.setattr(check, "KEPT_MAX", most)
    world = make(**ALL)
    world.write("b")
    world.run_to_the_end()
    assert_undone(world)
    assert of_what in world.cutover.text and world.cutover.found is None


# ---- What was undone ----


def test_after_an_abort_nothing_is_said_to_be_fixed(make: Make) -> None:
    world = make(**ALL)
    world.points.before["source_gate.close"] = lambda: setattr(world, "abort", "somebody wants it")
    world.run_to_the_end()
    assert_undone(world)
    assert "fixed" not in world.cutover.text
    again = "udup job cutover shop --source-read-only --enable-events --reverse --timeout 0.03"
    assert world.cutover.text.endswith(
        f"The source alpha is as it was found, and job shop goes on. To cut over all the same: {again}"
    )


def test_after_a_failure_there_is_something_to_fix_though_somebody_wanted_its_end_later(make: Make) -> None:
    world = make(**ALL)
    world.follows = False
    world.points.before["source_gate.restore"] = lambda: setattr(world, "abort", "somebody wants it")
    world.run_to_the_end()
    assert_undone(world)
    assert "not level within" in world.cutover.text
    assert "Once that is fixed: udup job cutover shop" in world.cutover.text


def test_a_job_that_has_failed_is_not_said_to_go_on(make: Make) -> None:
    world = make(**ALL)
    world.points.before["source_gate.close"] = lambda: setattr(world, "problem", "the job has failed: duplicate key")
    world.run_to_the_end()
    assert_undone(world)
    assert "goes on" not in world.cutover.text and "Once that is fixed" in world.cutover.text


def test_a_dry_run_that_has_failed_is_tried_again_as_a_dry_run(make: Make) -> None:
    world = make(dry_run=True)
    world.run_to_the_end()
    assert world.cutover.state is CutoverState.UNDONE
    assert world.cutover.text.endswith("Once that is fixed: udup job cutover shop --timeout 0.03 --dry-run")
    assert "Nothing was changed on the source, and job shop goes on" in world.cutover.text


# ---- Who may write ----


def test_a_target_that_lets_no_application_write_is_not_said_to(make: Make) -> None:
    """The first server is left closed for all but Udup, and is the target of the way back."""
    world = make(**ALL)
    world.new.writers = Writers.UDUP
    world.run_to_the_end()
    assert_cut_over(world)
    position = next(each for each in world.history if each.step(StepName.POSITION).state.value == "done")
    for text in (world.cutover.text, position.told, position.step(StepName.POSITION).text):
        assert "applications may write to omega as soon as open it was run there" in text
        assert "omega now" not in text and "lets no application" not in text


def test_what_opens_the_target_is_not_told_once_it_is_open(make: Make) -> None:
    world = make(**ALL)
    world.new.writers = Writers.UDUP
    world.points.before["source_gate.open_for_udup"] = lambda: setattr(world.new, "writers", Writers.ALL)
    world.run_to_the_end()
    assert_cut_over(world)
    assert "applications may write to omega now" in world.cutover.text and "open it was run" not in world.cutover.text


def test_one_that_stops_before_the_position_says_that_nobody_may_write_yet(make: Make) -> None:
    world = make(**ALL)
    world.points.fails["target_gate.release"] = [UdupError("no privilege")]
    world.run_to_the_end()
    assert world.cutover.state is CutoverState.STOPPED
    assert "no application may write to omega yet" in world.cutover.text and "nothing is undone" in world.cutover.text


def test_what_was_left_to_do_is_not_told_while_it_is_done(make: Make) -> None:
    world = make(**ALL)
    world.points.fails["source_gate.open_for_udup"] = [UdupError("no privilege")]
    world.run_to_the_end()
    assert "Left to do are reverse" in world.cutover.text
    before = len(world.history)
    world.again()
    world.run_to_the_end()
    assert_cut_over(world)
    assert all("eft to do" not in each.told and "omega" in each.told for each in world.history[before:])


# ---- What an abort behind the switch leaves ----


def _given_up_at(world: World, name: StepName, text: str = "") -> Cutover:
    """Return it as an abort finds it that comes while this step is being done."""
    world.run_to_the_end()
    found = next(each for each in world.history if each.step(name).state is StepState.DOING)
    return texts.given_up(found.noted(name, StepState.DOING, text), JOB, "alpha", "omega")


def test_an_abort_right_behind_the_switch_says_so_and_what_is_left(make: Make) -> None:
    world = make(**ALL)
    given_up = _given_up_at(world, StepName.END)
    assert given_up.state is CutoverState.STOPPED
    assert given_up.text == (
        "the abort came after the switch, so nothing was undone: job shop is cut over. The source alpha stays"
        " read-only; this opens it, and what is written there does not come to omega any more: open it for all."
        " No application may write to omega yet: the step position says when."
        " Left to do: end, triggers, position, events, reverse. To carry that on: udup job cutover shop"
        " --source-read-only --enable-events --reverse --timeout 0.03; to leave it at that: udup job delete shop"
        ". With it go the definitions of the triggers that omega does not have yet (s.audit): make them there"
        " before applications write"
    )
    end = given_up.step(StepName.END)
    assert end.state is StepState.WAITING and "the switch is made" in end.text
    world.cutover = given_up
    world.again()
    world.run_to_the_end()
    assert_cut_over(world)


def test_an_abort_behind_the_position_says_that_applications_may_write(make: Make) -> None:
    given_up = _given_up_at(make(**ALL), StepName.REVERSE, f"the old source is away{texts.give_up_text(JOB)}")
    assert "Applications may write to omega now. Left to do: reverse." in given_up.text
    assert given_up.step(StepName.REVERSE).text.endswith("the old source is away"), "it is given up already"


def test_an_abort_where_the_target_is_closed_says_what_opens_it(make: Make) -> None:
    world = make(**ALL)
    world.new.writers = Writers.UDUP
    given_up = _given_up_at(world, StepName.EVENTS)
    assert "Applications may write to omega as soon as open it was run there" in given_up.text


def test_a_source_that_udup_has_not_closed_is_not_said_to_be_read_only(make: Make) -> None:
    given_up = _given_up_at(make(writes_stopped=True), StepName.END)
    assert "The source alpha is as it was found" in given_up.text and "read-only" not in given_up.text


def test_a_text_that_was_cut_shows_it() -> None:
    assert shortened("x" * 30, 30) == "x" * 30
    assert shortened("x" * 31, 30) == "x" * 28 + " …"
