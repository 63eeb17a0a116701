"""The life of a cut-over: what its engine wants kept is stored, the switch ends its job, a dead engine has a successor.

The real supervisor, in virtual time; the engine asks what each test has it ask.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.actors.conftest import post, running
from tests.actors.small_cutovers import OPTIONS, begun, carrier, stored, switched, with_way_back
from tests.actors.small_world import World, transient
from udup.actors.cutover import CutoverCarrier
from udup.actors.cutover_messages import AskJob, Keep, StartCutover
from udup.actors.messages import (
    PauseJob,
)
from udup.actors.registry import ActorRegistry
from udup.base.errors import Failure, FailureKind, Side
from udup.jobs import Stage
from udup.jobs.skipped import SkippedTransaction
from udup.pipeline.cutover.state import CutoverState, StepName, StepState


def test_it_is_stored_then_answered_then_carried_on(world: World) -> None:
    engine = begun(world)
    assert stored(world) == engine.settings.cutover and stored(world).options == OPTIONS
    assert engine.settings.back is not None and engine.settings.plan.job == "j"
    now = engine.ask(AskJob).job
    assert now is not None and now.follows and now.stage == "running"
    assert not world.ask(StartCutover("j", OPTIONS)).changed, "one is under way"


def test_what_an_engine_wants_kept_is_stored_before_it_is_answered(world: World) -> None:
    engine = begun(world)
    kept = engine.settings.cutover.noted(StepName.FREEZE, StepState.DOING, found={"a": "b"})
    assert engine.ask(Keep, kept).failure is None
    assert stored(world) == kept


def test_the_switch_ends_the_job_at_a_transaction_boundary_and_its_engine_lives_on(world: World) -> None:
    engine = begun(world)
    assert not engine.ask(AskJob).job.ended  # type: ignore[union-attr]
    engine.ask(Keep, switched(world, engine.settings.cutover))
    world.reaches("j", "completed")
    world.run(2)
    assert world.living == [("cutover", "j")] and len(world.runs["j"]) == 1
    assert engine.ask(AskJob).job.ended  # type: ignore[union-attr]


@pytest.mark.parametrize("role", ["extractor", "applier"])
def test_a_task_that_dies_at_the_switch_begins_no_other_run(world: World, role: str) -> None:
    world.script("j").drains = "never"
    engine = begun(world)
    engine.ask(Keep, switched(world, engine.settings.cutover))
    world.kill(world.child_of(role, "j"))
    world.reaches("j", "completed")
    world.run(60)
    assert len(world.runs["j"]) == 1


def test_a_job_that_was_between_two_runs_at_the_switch_begins_no_other(world: World) -> None:
    engine = begun(world)
    world.kill(world.child_of("applier", "j"))
    world.until(lambda: world.job("j").run is None)
    engine.ask(Keep, switched(world, engine.settings.cutover))
    world.reaches("j", "completed")
    world.run(60)
    assert len(world.runs["j"]) == 1


def test_a_supervisor_that_dies_after_the_switch_ends_the_job_when_it_comes_back(world: World) -> None:
    engine = begun(world)
    engine.ask(Keep, switched(world, engine.settings.cutover))
    runs = len(world.runs["j"])
    world.start()
    world.reaches("j", "completed")
    again = carrier(world)
    assert again.settings.resumed and again.settings.cutover.switched
    assert len(world.runs["j"]) == runs, "nothing of the old source is applied any more"


def test_nothing_goes_back_behind_the_switch(world: World) -> None:
    engine = begun(world)
    engine.ask(Keep, switched(world, engine.settings.cutover))
    answer = engine.ask(Keep, engine.settings.cutover.with_(state=CutoverState.UNDOING))
    assert answer.failure is not None and stored(world).switched


def test_what_is_being_undone_goes_forward_no_more(world: World) -> None:
    engine = begun(world)
    first = engine.settings.cutover
    engine.ask(Keep, first.with_(state=CutoverState.UNDOING))
    assert engine.ask(Keep, first).failure is not None and engine.ask(Keep, switched(world, first)).failure is not None
    assert stored(world).state is CutoverState.UNDOING and world.stage("j") == "running"


def test_a_job_that_has_failed_is_not_switched(world: World) -> None:
    world.script("j").run_ends = Failure(FailureKind.DIVERGENCE, "duplicate key")
    engine = begun(world)
    world.reaches("j", "failed")
    now = engine.ask(AskJob).job
    assert now is not None and "duplicate key" in now.problem and not now.follows
    assert "duplicate key" in engine.ask(Keep, switched(world, engine.settings.cutover)).abort
    assert world.stage("j") == "failed" and not stored(world).switched


def test_a_job_that_is_between_two_runs_does_not_follow(world: World) -> None:
    engine = begun(world)
    world.script("j").look = transient()
    world.kill(world.child_of("applier", "j"))
    world.until(lambda: world.job("j").run is None)
    now = engine.ask(AskJob).job
    assert now is not None and not now.follows and not now.problem


def test_an_engine_that_dies_is_followed_by_another_that_goes_on_from_the_record(world: World) -> None:
    engine = begun(world)
    kept = engine.settings.cutover.noted(StepName.CHECK, StepState.DONE)
    engine.ask(Keep, kept)
    world.kill(engine)
    world.until(lambda: world.child_of("cutover", "j") is not None)
    again = carrier(world)
    assert again is not engine and again.settings.cutover == kept and again.settings.resumed
    assert again.settings.attempt > engine.settings.attempt


def test_an_engine_that_fails_is_followed_by_another(world: World) -> None:
    engine = begun(world)
    first = engine.settings
    engine.ends(Failure(FailureKind.INTERNAL, "an error in Udup itself"))
    world.until(lambda: engine.settings is not first)
    assert engine.settings.attempt > first.attempt and engine.settings.resumed


def test_what_an_engine_says_whose_time_is_over_is_dropped(world: World) -> None:
    engine = begun(world)
    first = engine.settings
    engine.ends(Failure(FailureKind.INTERNAL, "an error in Udup itself"))
    world.until(lambda: engine.settings is not first)
    engine.tell(Keep(first.attempt, 99, first.cutover.with_(text="stale")))
    world.run(5)
    assert stored(world).text == "" and not engine.answers


def test_its_process_ends_with_it(world: World) -> None:
    engine = begun(world)
    engine.ask(Keep, engine.settings.cutover.with_(state=CutoverState.UNDONE, text="undone"))
    engine.ends()
    world.run(30)
    assert world.living == [("applier", "j"), ("extractor", "j")]
    assert world.ask(StartCutover("j", OPTIONS)).changed, "another one may be asked for"
    assert carrier(world).settings.cutover.id != engine.settings.cutover.id


@pytest.fixture
def no_forks(world: World) -> Callable[[bool], None]:
    """Whether this machine can make no process for an engine."""
    actors = world.supervisor._actors
    create = actors._create

    def fails(kind: type) -> Any:
        if kind is CutoverCarrier:
            raise OSError("no process can be made")
        return create(kind)

    def set_to(on: bool) -> None:
        actors._create = fails if on else create

    return set_to


def test_an_engine_that_cannot_be_made_is_made_later(world: World, no_forks: Callable[[bool], None]) -> None:
    running(world)
    no_forks(True)
    assert world.ask(StartCutover("j", OPTIONS)).changed
    world.run(60)
    assert world.child_of("cutover", "j") is None and world.stage("j") == "running"
    no_forks(False)
    assert carrier(world).settings.cutover == stored(world)


def test_an_engine_that_cannot_be_made_again_is_made_when_somebody_asks(
    world: World, no_forks: Callable[[bool], None]
) -> None:
    engine = begun(world)
    no_forks(True)
    world.kill(engine)
    world.run(120)
    no_forks(False)
    assert not world.ask(StartCutover("j", OPTIONS)).changed
    assert world.child_of("cutover", "j") is not None, "at once"


def test_a_job_whose_engine_cannot_be_made_when_the_server_begins_runs_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(world)
    create = ActorRegistry.get_or_create

    def failing(self: ActorRegistry, kind: type, *more: Any, **named: Any) -> Any:
        if kind is CutoverCarrier:
            raise OSError("no process can be made")
        return create(self, kind, *more, **named)

    with monkeypatch.context() as patched:
        patched.setattr(ActorRegistry, "get_or_create", failing)
        world.start()
        world.reaches("j", "running")
        world.run(30)
        assert world.stage("j") == "running" and world.child_of("cutover", "j") is None
    assert carrier(world).settings.resumed


def test_what_a_job_waits_for_is_told(world: World) -> None:
    engine = begun(world)
    away = Failure(FailureKind.UNAVAILABLE, "connection refused", side=Side.TARGET)
    world.script("j").look = world.script("j").target = away
    world.child_of("applier", "j").end(world.job("j").run.number, away)
    world.until(lambda: world.job("j").record.outage is not None and world.job("j").run is None)
    now = engine.ask(AskJob).job
    assert now is not None and not now.problem and not now.follows
    assert "waits for its target" in now.waits and "connection refused" in now.waits


def test_what_was_passed_over_is_told(world: World) -> None:
    running(world)
    entry = SkippedTransaction(time_ns=1, gtid="u:7", error="x", confirmed=True)
    job = world.job("j")
    job.record = job.record.model_copy(update={"skipped": (entry,)})
    world.ask(StartCutover("j", OPTIONS))
    assert carrier(world).settings.skipped == ("u:7",)


def test_the_document_that_the_job_has_keeps_its_last_cut_over_and_its_wish_to_finish(world: World) -> None:
    engine = begun(world)
    undone = engine.settings.cutover.with_(state=CutoverState.UNDONE)
    engine.ask(Keep, undone)
    engine.ends()
    world.ask(PauseJob("j"))
    world.reaches("j", "paused")
    job = world.job("j")
    job.record = job.record.model_copy(update={"finish": True})
    post(world)
    world.reaches("j", "running")
    assert stored(world) == undone and world.stored["j"].finish


def test_a_job_that_ends_while_it_waits_for_a_server_waits_no_more(world: World) -> None:
    engine = begun(world)
    away = Failure(FailureKind.UNAVAILABLE, "connection refused", side=Side.TARGET)
    world.script("j").look = world.script("j").target = away
    world.child_of("applier", "j").end(world.job("j").run.number, away)
    world.until(lambda: world.job("j").record.outage is not None and world.job("j").run is None)
    engine.ask(Keep, switched(world, engine.settings.cutover))
    world.reaches("j", "completed")
    record = world.stored["j"]
    assert (record.outage, record.stopped, record.failing) == (None, None, False)
    assert record.shown_progress().reconnecting is None


def test_the_record_of_a_cut_over_is_read_back_as_it_was(world: World) -> None:
    engine = begun(world)
    engine.ask(Keep, with_way_back(world, engine.settings.cutover))
    record = world.stored["j"]
    assert type(record).from_json(record.to_json()) == record and record.stage in (Stage.RUNNING, Stage.COMPLETED)
