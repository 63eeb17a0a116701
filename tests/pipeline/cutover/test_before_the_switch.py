"""What fails before the switch undoes everything: the source is as it was found, and the job goes on."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.pipeline.cutover.conftest import Make
from tests.pipeline.cutover.small_cutover import ALL, TABLE, World, assert_cut_over, assert_undone
from udup.base.errors import UdupError, Unavailable
from udup.drivers.fake.server import Writers
from udup.pipeline.cutover import asking
from udup.pipeline.cutover.state import CutoverState, StepName


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


def test_accounts_that_a_closed_source_lets_write_are_refused_unless_somebody_vouches_for_them(make: Make) -> None:
    world = make(**ALL)
    world.old.writes_on = ("'app'@'%'",)
    world.run_to_the_end()
    assert_undone(world)
    assert "'app'@'%'" in world.cutover.text and "--writes-stopped" in world.cutover.text
    assert world.cutover.found is None, "nothing was changed"
    vouched = make(**ALL, writes_stopped=True)
    vouched.old.writes_on = ("'app'@'%'",)
    vouched.run_to_the_end()
    assert_cut_over(vouched)
    assert "'app'@'%'" in vouched.cutover.step(StepName.CHECK).text
    assert "'app'@'%'" in vouched.cutover.step(StepName.FREEZE).text


def test_what_such_an_account_writes_in_spite_of_that_is_noticed_before_the_switch(make: Make) -> None:
    world = make(**ALL, writes_stopped=True)
    world.old.writes_on = ("'app'@'%'",)

    def writes() -> None:  # as only those can whom a closed server does not stop
        world.old.log.prepare("x6", lambda writing: writing.insert(TABLE, "late"))
        world.old.log.end("x6", commit=True)

    world.points.before["target_gate.raise_counters"] = writes
    world.run_to_the_end()
    assert_undone(world)
    assert "somebody still writes" in world.cutover.text and "although it is read-only" in world.cutover.text


@pytest.mark.parametrize("call", ["source_gate.close", "target_gate.raise_counters"])
def test_an_account_that_is_let_write_meanwhile_is_noticed_before_the_switch(make: Make, call: str) -> None:
    world = make(**ALL)
    world.points.before[call] = lambda: setattr(world.old, "writes_on", ("'app'@'%'",))
    world.run_to_the_end()
    assert_undone(world)
    assert "lets these accounts write although it is read-only: 'app'@'%'" in world.cutover.text


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
    assert f"once it is started again, unless you {keep}" in text and "open it for good" in text


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
    monkeypatch.setattr(asking.ask, "__kwdefaults__", {"seconds": 0.05})
    world = make(**ALL)
    silent = {"source_gate.unfinished": lambda: time.sleep(0.2)}
    world.points.before["source_gate.close"] = lambda: world.points.before.update(silent)
    world.run_to_the_end()
    assert_undone(world)
    assert "no answer within" in world.cutover.text
