"""What clients ask of a cut-over, and of its job meanwhile: what is begun, carried on, undone, given up, refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.actors.conftest import running
from tests.actors.small_cutovers import OPTIONS, begun, carrier, stored, switched
from tests.actors.small_world import World
from udup.actors.cutover_messages import AbortCutover, AskJob, Keep, StartCutover
from udup.actors.messages import (
    Accepted,
    DeleteJob,
    FinishJob,
    PauseJob,
    RegisterJob,
    Rejected,
    Rejection,
    ResumeJob,
)
from udup.pipeline.cutover.state import CutoverState, Options, StepName, StepState


def test_an_abort_that_is_stored_first_keeps_the_switch_from_being_made(world: World) -> None:
    engine = begun(world)
    assert world.ask(AbortCutover("j")).changed
    assert engine.ask(AskJob).job.abort  # type: ignore[union-attr]
    answer = engine.ask(Keep, switched(world, engine.settings.cutover))
    assert answer.abort and not stored(world).switched
    undoing = engine.settings.cutover.with_(state=CutoverState.UNDOING)
    assert engine.ask(Keep, undoing).failure is None and stored(world).abort
    assert world.stage("j") == "running"


def test_an_abort_behind_the_switch_gives_up_what_is_left_and_says_what(world: World) -> None:
    engine = begun(world)
    engine.ask(Keep, switched(world, engine.settings.cutover))
    assert world.ask(AbortCutover("j")).changed
    engine.tell(Keep(engine.settings.attempt, 99, switched(world, engine.settings.cutover).with_(text="too late")))
    world.reaches("j", "completed")
    world.run(30)
    given_up = stored(world)
    assert given_up.state is CutoverState.STOPPED and given_up.switched and world.living == []
    assert "the abort came after the switch, so nothing was undone" in given_up.text
    plan = world.job("j").plan
    assert f"source {plan.source} stays read-only" in given_up.text and f"write to {plan.target} yet" in given_up.text
    assert "Left to do: check, freeze, level, counters, end, triggers, position, reverse" in given_up.text
    assert "udup job cutover j --source-read-only --reverse" in given_up.text
    assert given_up.step(StepName.END).state is StepState.WAITING
    assert not world.ask(AbortCutover("j")).changed, "it is given up already"
    assert world.ask(StartCutover("j", OPTIONS)).changed, "and may be taken up again"
    again = carrier(world).settings.cutover
    assert again.state is CutoverState.RUNNING and not again.text, "what was left to do is being done"


def test_an_abort_that_comes_when_every_step_is_done_gives_nothing_up(world: World) -> None:
    engine = begun(world)
    cutover = switched(world, engine.settings.cutover)
    for step in cutover.steps:
        cutover = cutover.noted(step.name, StepState.DONE)
    engine.ask(Keep, cutover)
    assert not world.ask(AbortCutover("j")).changed
    assert stored(world).state is CutoverState.RUNNING, "its engine says what has come of it"


def test_what_was_given_up_after_the_position_says_that_applications_may_write(world: World) -> None:
    engine = begun(world)
    cutover = switched(world, engine.settings.cutover)
    for name in StepName:
        if name is not StepName.REVERSE and cutover.step(name).state is not StepState.LEFT_OUT:
            cutover = cutover.noted(name, StepState.DONE)
    engine.ask(Keep, cutover.noted(StepName.REVERSE, StepState.DOING, "the old source is away"))
    world.ask(AbortCutover("j"))
    world.until(lambda: stored(world).state is CutoverState.STOPPED)
    assert "pplications may write" in stored(world).text and "Left to do: reverse" in stored(world).text
    assert "the old source is away" in stored(world).step(StepName.REVERSE).text


@pytest.mark.parametrize("purge", [False, True])
def test_a_job_that_is_cut_over_may_be_deleted_whatever_is_left_to_do(world: World, purge: bool) -> None:
    engine = begun(world)
    engine.ask(Keep, switched(world, engine.settings.cutover))
    for command in (PauseJob("j"), ResumeJob("j"), FinishJob("j"), RegisterJob(world.document("j"), None)):
        answer = world.ask(command)
        assert isinstance(answer, Rejected) and answer.reason is Rejection.INDEX_CONFLICT
        assert "--abort" not in answer.failure.text and "udup job delete j" in answer.failure.text
    assert isinstance(world.ask(DeleteJob("j", purge=purge)), Accepted)
    world.until(world.is_empty)


def test_one_that_is_all_done_is_not_given_up(world: World) -> None:
    engine = begun(world)
    engine.ask(Keep, switched(world, engine.settings.cutover).with_(state=CutoverState.DONE, way_back="j-back"))
    answer = world.ask(AbortCutover("j"))
    assert isinstance(answer, Rejected) and answer.reason is Rejection.INDEX_CONFLICT
    assert "udup job cutover j-back" in answer.failure.text


def test_a_job_whose_source_cannot_be_opened_again_may_be_deleted(world: World) -> None:
    engine = begun(world)
    undoing = engine.settings.cutover.with_(state=CutoverState.UNDOING, found={"a": "b"})
    engine.ask(Keep, undoing)
    assert isinstance(world.ask(DeleteJob("j")), Rejected)
    engine.ask(Keep, undoing.noted(StepName.FREEZE, StepState.DOING, "the source is away"))
    world.ask(DeleteJob("j"))
    world.until(world.is_empty)


def test_one_that_has_stopped_goes_on_with_what_it_was_asked_for(world: World) -> None:
    engine = begun(world)
    engine.ask(Keep, switched(world, engine.settings.cutover))
    last = stored(world).with_(state=CutoverState.STOPPED, text="no privilege")
    engine.ask(Keep, last)
    engine.ends()
    world.run(10)
    world.start()
    world.run(10)
    assert world.child_of("cutover", "j") is None, "it waits for somebody"
    assert world.ask(StartCutover("j", Options())).changed
    assert carrier(world).settings.cutover == last.with_(state=CutoverState.RUNNING, text="")


def test_one_that_could_not_be_undone_goes_on_undoing(world: World) -> None:
    engine = begun(world)
    stopped = {"state": CutoverState.STOPPED, "found": {"a": "b"}, "reason": "not level", "text": "open it by hand"}
    engine.ask(Keep, engine.settings.cutover.with_(**stopped))
    engine.ends()
    world.run(10)
    assert world.ask(AbortCutover("j")).changed
    goes_on = carrier(world).settings.cutover
    assert (goes_on.state, goes_on.text) == (CutoverState.UNDOING, "not level")


@pytest.mark.parametrize("command", [PauseJob("j"), FinishJob("j"), DeleteJob("j"), DeleteJob("j", purge=True)])
def test_while_one_is_under_way_its_job_is_left_alone(world: World, command: Any) -> None:
    begun(world)
    for each in (command, RegisterJob(world.document("j"), None)):
        answer = world.ask(each)
        assert isinstance(answer, Rejected) and "udup job cutover j --abort" in answer.failure.text
        assert answer.reason is Rejection.INDEX_CONFLICT
    assert world.stage("j") == "running"


def test_a_job_that_runs_while_it_is_cut_over_runs_already(world: World) -> None:
    begun(world)
    answer = world.ask(ResumeJob("j"))
    assert isinstance(answer, Accepted) and not answer.changed


@pytest.mark.parametrize("behind", [False, True])
def test_a_dry_run_carries_nothing_on(world: World, behind: bool) -> None:
    engine = begun(world)
    dry = Options(dry_run=True)
    under_way = world.ask(StartCutover("j", dry))
    assert isinstance(under_way, Rejected) and "is under way" in under_way.failure.text
    assert "udup job cutover j --show" in under_way.failure.text
    last = switched(world, engine.settings.cutover) if behind else engine.settings.cutover.with_(found={"a": "b"})
    engine.ask(Keep, last)
    engine.ask(Keep, last.with_(state=CutoverState.STOPPED))
    engine.ends()
    world.run(10)
    before = stored(world)
    answer = world.ask(StartCutover("j", dry))
    assert isinstance(answer, Rejected) and answer.reason is Rejection.INDEX_CONFLICT
    assert "has stopped" in answer.failure.text and "udup job cutover j --show" in answer.failure.text
    on = "udup job cutover j --source-read-only --reverse" if behind else "udup job cutover j --abort"
    assert answer.failure.text.endswith(on)
    world.run(10)
    assert stored(world) == before and world.child_of("cutover", "j") is None


def test_a_dry_run_that_is_asked_for_twice_is_one(world: World) -> None:
    begun(world, Options(dry_run=True))
    answer = world.ask(StartCutover("j", Options(dry_run=True)))
    assert isinstance(answer, Accepted) and not answer.changed


@pytest.mark.parametrize(("end_when", "remedy"), [("finished", "udup job finish j"), ("level", "udup job status j")])
def test_a_migration_is_refused_with_what_ends_it(world: World, end_when: str, remedy: str) -> None:
    answer = world.ask(RegisterJob(world.document("j", "migration") | {"EndWhen": end_when}, None))
    assert isinstance(answer, Accepted), answer
    answer = world.ask(StartCutover("j", OPTIONS))
    assert isinstance(answer, Rejected) and answer.reason is Rejection.REFUSED
    assert "is a migration" in answer.failure.text and remedy in answer.failure.text
    assert world.stored["j"].cutover is None


def test_a_job_that_was_cut_over_is_not_resumed_nor_replaced_and_can_be_deleted(world: World) -> None:
    engine = begun(world)
    engine.ask(Keep, switched(world, engine.settings.cutover))
    world.reaches("j", "completed")
    engine.ask(Keep, stored(world).with_(state=CutoverState.DONE))
    engine.ends()
    world.run(5)
    for command in (
        AbortCutover("j"),
        ResumeJob("j"),
        RegisterJob(world.document("j"), None),
        StartCutover("j", OPTIONS),
    ):
        answer = world.ask(command)
        assert isinstance(answer, Rejected) and "cut over" in answer.failure.text
    world.ask(DeleteJob("j"))
    world.until(world.is_empty)
    running(world)


def test_a_dry_run_leaves_the_job_as_it_is(world: World) -> None:
    engine = begun(world, Options(dry_run=True))
    engine.ask(Keep, engine.settings.cutover.with_(state=CutoverState.DONE))
    engine.ends()
    world.run(5)
    assert world.stage("j") == "running" and world.ask(PauseJob("j")).changed
