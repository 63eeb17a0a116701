"""A cut-over loses nothing and leaves nothing behind, whatever fails or dies at whichever point."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import pytest

from tests.pipeline.cutover.small_cutover import JOB, TABLE, World
from udup.base.errors import UdupError, Unavailable
from udup.drivers.fake.server import Writers
from udup.pipeline.cutover import check, engine
from udup.pipeline.cutover.host import JobNow
from udup.pipeline.cutover.state import CutoverState, StepName

ALL = {"source_read_only": True, "enable_events": True, "reverse": True}


class Make(Protocol):
    def __call__(self, **options: Any) -> World: ...


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    monkeypatch.setattr(engine, "_FIRST_PAUSE", 0.002)
    monkeypatch.setattr(engine, "_LOOK_SECONDS", 0.002)
    monkeypatch.setattr(engine, "_LONGEST_PAUSE", 0.05)
    worlds: list[World] = []

    def made(**options: Any) -> World:
        worlds.append(World(**options))
        return worlds[-1]

    yield made
    for world in worlds:
        world.close()


def assert_cut_over(world: World) -> None:
    assert world.cutover.state is CutoverState.DONE, world.cutover
    assert world.is_level and world.stage == "completed"
    assert world.new.counters[TABLE] == 7
    assert not world.new.claims
    if world.cutover.options.enable_events:
        assert world.new.events == {("s", "nightly"): True, ("s", "never"): False}
    if world.cutover.options.reverse:
        assert world.old.writers is Writers.UDUP and not any(world.old.events.values())
        assert list(world.jobs) == [JOB, "shop-back"], "one way back"
        assert world.position_of_back == world.cutover.position == str(world.new.log.executed)


def assert_undone(world: World, found: Writers = Writers.ALL) -> None:
    assert world.cutover.state is CutoverState.UNDONE, world.cutover
    assert world.old.writers is found, "the source is as it was found"
    assert world.stage == "running" and list(world.jobs) == [JOB] and world.new.claims
    assert world.old.events[("s", "nightly")] and not any(world.new.events.values())
    assert "udup job cutover shop" in world.cutover.text


# ---- As it should be ----


def test_everything_that_was_asked_for_is_done_in_its_order(make: Make) -> None:
    world = make(**ALL)
    world.run_to_the_end()
    assert_cut_over(world)
    assert [step.state.value for step in world.cutover.steps] == ["done"] * 8
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


# ---- What fails before the switch ----


@pytest.mark.parametrize(
    "call",
    [
        *(f"source_gate.{name}" for name in ("look", "close", "unfinished", "events", "counters", "keeps")),
        *("target_gate.raise_counters", "target_gate.kept", "source.executed"),
    ],
)
@pytest.mark.parametrize("error", [UdupError("no"), RuntimeError("no")])
def test_an_error_before_the_switch_undoes_everything(make: Make, call: str, error: Exception) -> None:
    world = make(**ALL)
    world.points.fails[call] = [error]
    world.run_to_the_end()
    assert_undone(world)
    assert "no" in world.cutover.text


def test_an_error_in_the_middle_undoes_everything(make: Make) -> None:
    world = make(**ALL)
    world.points.before["target_gate.raise_counters"] = lambda: world.points.fails.update(
        {"source.executed": [UdupError("broken")]}
    )
    world.run_to_the_end()
    assert_undone(world)
    assert world.cutover.step(StepName.END).state.value == "failed"


def test_an_outage_while_it_becomes_level_is_waited_for(make: Make) -> None:
    world = make(**ALL, timeout_s=20)
    world.points.before["source_gate.close"] = lambda: world.points.fails.update(
        {"source_gate.unfinished": [Unavailable("away")], "target.executed": [Unavailable("away")]}
    )
    world.run_to_the_end()
    assert_cut_over(world)


def test_a_source_that_is_away_while_it_is_undone_is_waited_for(make: Make) -> None:
    world = make(**ALL)
    world.follows = False
    world.points.fails["source_gate.restore"] = [Unavailable("the source is away"), Unavailable("the source is away")]
    world.run_to_the_end()
    assert_undone(world)
    assert any(each.step(StepName.FREEZE).text == "the source is away" for each in world.history)


def test_an_undoing_that_is_refused_says_what_to_run_and_goes_on_when_asked_again(make: Make) -> None:
    world = make(**ALL)
    world.follows = False
    world.points.fails["source_gate.restore"] = [UdupError("the privilege is gone")]
    world.run_to_the_end()
    assert world.cutover.state is CutoverState.STOPPED and world.old.writers is Writers.NOBODY
    assert "the privilege is gone" in world.cutover.text and "open it for all" in world.cutover.text
    assert world.cutover.text.endswith("udup job cutover shop --abort")
    world.again()
    world.run_to_the_end()
    assert_undone(world)


def test_a_source_that_nobody_has_closed_is_refused_unless_somebody_gives_his_word(make: Make) -> None:
    world = make()
    world.run_to_the_end()
    assert_undone(world)
    assert "--source-read-only" in world.cutover.text and world.cutover.found is None
    closed = make()
    closed.old.writers = Writers.NOBODY
    closed.run_to_the_end()
    assert_cut_over(closed)
    given = make(writes_stopped=True)
    given.run_to_the_end()
    assert_cut_over(given)


def test_somebody_who_writes_in_spite_of_the_word_given_is_noticed_before_the_switch(make: Make) -> None:
    world = make(writes_stopped=True)
    world.points.before["target_gate.raise_counters"] = lambda: (world.write("late"), None)[1]
    world.run_to_the_end()
    assert_undone(world)
    assert "somebody still writes" in world.cutover.text


def test_a_source_that_was_opened_again_is_noticed_before_the_switch(make: Make) -> None:
    world = make(**ALL)

    def open_it() -> None:
        world.old.writers = Writers.ALL

    world.points.before["target_gate.raise_counters"] = open_it
    world.run_to_the_end()
    assert_undone(world)
    assert "is not read-only any more" in world.cutover.text


def _at_the_last_look(world: World, call: str, act: Callable[[], None]) -> None:
    """Have this happen right before the last look's first call of this name."""
    world.points.before["target_gate.raise_counters"] = lambda: world.points.before.update({call: act})


def test_a_source_that_is_opened_while_the_last_look_waits_is_noticed(make: Make) -> None:
    """It was closed when it was looked at; it is started again while the end of a XA transaction is waited for."""
    world = make(**ALL, timeout_s=20)

    def opens() -> None:
        world.old.writers = Writers.ALL
        world.write("an application's")

    def ends() -> None:
        world.old.xa_begun.clear()
        world.points.before["source_gate.events"] = opens  # when it is level, and before the switch

    def begins() -> None:
        world.old.xa_begun.append("'x3' of session 9")
        world.points.before["source_gate.unfinished"] = ends

    _at_the_last_look(world, "source_gate.unfinished", begins)
    world.run_to_the_end()
    assert_undone(world)
    assert "is not read-only any more" in world.cutover.text


def test_a_transaction_that_commits_between_the_last_questions_is_waited_for(make: Make) -> None:
    world = make(**ALL, timeout_s=20)

    def commits() -> None:
        world.old.log.prepare("x4", lambda writing: writing.insert(TABLE, "last"))
        world.old.log.end("x4", commit=True)

    _at_the_last_look(world, "source_gate.unfinished", commits)
    world.run_to_the_end()
    assert_cut_over(world)
    assert world.cutover.executed == str(world.old.log.executed)


def test_a_source_that_never_rests_holds_the_switch_up_for_the_timeout_only(make: Make) -> None:
    world = make(**ALL, timeout_s=0.1)

    def executes() -> None:
        key = f"one more than {world.old.log.executed}"
        world.old.log.prepare("x5", lambda writing: writing.insert(TABLE, key))
        world.old.log.end("x5", commit=True)
        world.points.before["source_gate.events"] = executes  # whenever it is level again

    _at_the_last_look(world, "source_gate.unfinished", executes)
    world.run_to_the_end()
    assert_undone(world)
    assert "is not at rest within 0.1 s" in world.cutover.text


def test_events_that_would_run_on_both_servers_are_refused(make: Make) -> None:
    world = make(writes_stopped=True, enable_events=True)
    world.run_to_the_end()
    assert_undone(world)
    assert "s.nightly" in world.cutover.text and "leave --enable-events out" in world.cutover.text


@pytest.mark.parametrize("change", ["scheduler", "closed", "none", "not asked"])
def test_events_that_run_on_one_server_only_are_not(make: Make, change: str) -> None:
    world = make(writes_stopped=True, enable_events=change != "not asked")
    world.old.runs_events = change != "scheduler"
    if change == "closed":
        world.old.writers = Writers.NOBODY
    elif change == "none":
        world.old.events.clear()
        world.new.events[("s", "nightly")] = True
    world.run_to_the_end()
    assert world.cutover.state is CutoverState.DONE, world.cutover


@pytest.mark.parametrize(("reverse", "keep"), [(True, "keep it closed for all but Udup"), (False, "keep it closed")])
def test_that_a_restart_opens_the_old_source_is_told_with_what_keeps_it_closed(
    make: Make, reverse: bool, keep: str
) -> None:
    world = make(source_read_only=True, reverse=reverse)
    world.run_to_the_end()
    text = world.cutover.text
    assert f"once it is started again, unless you run {keep}" in text and "open it for good" in text


def test_a_prepared_transaction_is_listed_and_refused(make: Make) -> None:
    world = make(**ALL)
    world.old.log.prepare("x1", lambda writing: writing.insert(TABLE, "b"))
    world.run_to_the_end()
    assert_undone(world)
    assert "prepared x1" in world.cutover.text and world.cutover.found is None


def test_a_transaction_that_could_still_be_prepared_on_the_closed_source_holds_it_up(make: Make) -> None:
    world = make(**ALL)
    world.points.before["source_gate.close"] = lambda: world.old.xa_begun.append("'x2' of session 9")
    world.run_to_the_end()
    assert_undone(world)
    assert "'x2' of session 9" in world.cutover.text


def test_whoever_keeps_the_source_from_being_closed_is_named(make: Make) -> None:
    world = make(**ALL)
    world.old.closing_waits_for = "session 7"
    world.run_to_the_end()
    assert_undone(world)
    assert "session 7" in world.cutover.text


def test_a_job_that_fails_meanwhile_ends_it(make: Make) -> None:
    world = make(**ALL)

    def fails() -> None:
        world.problem = "the job has failed: duplicate key"

    world.points.before["source_gate.close"] = fails
    world.run_to_the_end()
    assert_undone(world)
    assert "duplicate key" in world.cutover.text


@pytest.mark.parametrize("call", ["source_gate.close", "target_gate.raise_counters"])
def test_a_store_that_is_away_keeps_the_source_closed_for_the_timeout_only(make: Make, call: str) -> None:
    """The source is opened although nothing can be kept, and comes first: the store is away until then."""
    world = make(**ALL)

    def goes_away() -> None:
        closed: list[bool] = []

        def is_away() -> bool:
            closed.append(world.old.writers is Writers.NOBODY)
            return closed[-1] or True not in closed

        world.store_is_away = is_away

    world.points.before[call] = goes_away
    world.run_to_the_end()
    assert_undone(world)
    assert "the job store did not take it" in world.cutover.text


def test_a_source_that_does_not_answer_is_not_waited_for_without_end(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.CutoverEngine._ask, "__kwdefaults__", {"seconds": 0.05})
    world = make(**ALL)
    silent = {"source_gate.unfinished": lambda: time.sleep(0.2)}
    world.points.before["source_gate.close"] = lambda: world.points.before.update(silent)
    world.run_to_the_end()
    assert_undone(world)
    assert "no answer within" in world.cutover.text


# ---- What fails after the switch ----


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


# ---- What is told ----


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
