"""The supervisor's part of a cut-over: it keeps, it decides between switch and abort, it ends the job, it makes the way
back. The real supervisor, in virtual time; the engine asks what each test has it ask.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.actors.conftest import post, running
from tests.actors.small_world import Carrier, World, transient
from udup.actors import cutovers
from udup.actors.cutover import CutoverCarrier
from udup.actors.cutover_messages import AbortCutover, AskJob, AskTaken, CreateWayBack, Keep, StartCutover
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
from udup.actors.registry import ActorRegistry
from udup.base.errors import Failure, FailureKind, Side
from udup.jobs import Stage
from udup.jobs.skipped import SkippedTransaction
from udup.pipeline.cutover.state import Cutover, CutoverState, Options, StepName, StepState

OPTIONS = Options(source_read_only=True, reverse=True)

POSITION = "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5"


def begun(world: World, options: Options = OPTIONS) -> Carrier:
    """A running job whose cut-over has an engine."""
    running(world)
    assert world.ask(StartCutover("j", options)).changed
    return carrier(world)


def carrier(world: World, job: str = "j") -> Carrier:
    world.until(lambda: getattr(world.child_of("cutover", job), "settings", None) is not None)
    found: Carrier = world.child_of("cutover", job)
    return found


def stored(world: World, job: str = "j") -> Cutover:
    found = world.stored[job].cutover
    assert found is not None
    return found


def switched(world: World, cutover: Cutover) -> Cutover:
    return cutover.noted(StepName.END, StepState.DOING, switched_ns=int(world.clock * 1e9), position=POSITION)


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
    assert "not done: check, freeze, level, counters, end, position, reverse" in given_up.text
    assert "udup job cutover j --source-read-only --reverse" in given_up.text
    assert given_up.step(StepName.END).state is StepState.FAILED
    assert not world.ask(AbortCutover("j")).changed, "it is given up already"
    assert world.ask(StartCutover("j", OPTIONS)).changed, "and may be taken up again"
    assert carrier(world).settings.cutover.state is CutoverState.RUNNING


def test_what_was_given_up_after_the_position_says_that_applications_may_write(world: World) -> None:
    engine = begun(world)
    cutover = switched(world, engine.settings.cutover)
    for name in StepName:
        if name is not StepName.REVERSE and cutover.step(name).state is not StepState.LEFT_OUT:
            cutover = cutover.noted(name, StepState.DONE)
    engine.ask(Keep, cutover.noted(StepName.REVERSE, StepState.DOING, "the old source is away"))
    world.ask(AbortCutover("j"))
    world.until(lambda: stored(world).state is CutoverState.STOPPED)
    assert "applications may write" in stored(world).text and "not done: reverse" in stored(world).text
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


def test_a_job_whose_source_cannot_be_opened_again_may_be_deleted(world: World) -> None:
    engine = begun(world)
    undoing = engine.settings.cutover.with_(state=CutoverState.UNDOING, found={"a": "b"})
    engine.ask(Keep, undoing)
    assert isinstance(world.ask(DeleteJob("j")), Rejected)
    engine.ask(Keep, undoing.noted(StepName.FREEZE, StepState.DOING, "the source is away"))
    world.ask(DeleteJob("j"))
    world.until(world.is_empty)


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
    assert carrier(world).settings.cutover == last.with_(state=CutoverState.RUNNING)


def test_one_that_could_not_be_undone_goes_on_undoing(world: World) -> None:
    engine = begun(world)
    engine.ask(Keep, engine.settings.cutover.with_(state=CutoverState.STOPPED, found={"a": "b"}))
    engine.ends()
    world.run(10)
    assert world.ask(AbortCutover("j")).changed
    assert carrier(world).settings.cutover.state is CutoverState.UNDOING


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


# ---- An engine that cannot be made ----


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

    def failing(self: ActorRegistry, kind: type, *more: Any) -> Any:
        if kind is CutoverCarrier:
            raise OSError("no process can be made")
        return create(self, kind, *more)

    with monkeypatch.context() as patched:
        patched.setattr(ActorRegistry, "get_or_create", failing)
        world.start()
        world.reaches("j", "running")
        world.run(30)
        assert world.stage("j") == "running" and world.child_of("cutover", "j") is None
    assert carrier(world).settings.resumed


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


# ---- The way back ----


def _with_way_back(world: World, cutover: Cutover) -> Cutover:
    return switched(world, cutover).with_(way_back="j-back", way_back_incarnation="abc")


def test_the_way_back_is_the_same_job_turned_round_and_starts_at_the_position(world: World) -> None:
    engine = begun(world)
    assert not engine.ask(AskTaken, "j-back").is_taken and engine.ask(AskTaken, "j").is_taken
    cutover = _with_way_back(world, engine.settings.cutover)
    engine.ask(Keep, cutover)
    assert engine.ask(CreateWayBack, cutover).failure is None
    back, there = world.stored["j-back"].spec(), world.stored["j"].spec()
    assert (back.source_endpoint(), back.target_endpoint()) == (there.target_endpoint(), there.source_endpoint())
    assert back.gtid == POSITION and world.stored["j-back"].incarnation == "abc"
    world.reaches("j-back", "running")


def test_a_way_back_that_is_asked_for_again_is_made_once(world: World) -> None:
    engine = begun(world)
    cutover = _with_way_back(world, engine.settings.cutover)
    engine.ask(Keep, cutover)
    engine.ask(CreateWayBack, cutover)
    index = world.stored["j-back"].create_index
    world.start()
    again = carrier(world)
    assert again.ask(CreateWayBack, cutover).failure is None
    assert world.stored["j-back"].create_index == index


def test_a_name_that_another_job_has_is_told(world: World) -> None:
    engine = begun(world)
    post(world, "j-back")
    cutover = _with_way_back(world, engine.settings.cutover)
    engine.ask(Keep, cutover)
    assert "j-back" in engine.ask(CreateWayBack, cutover).taken


def test_a_selection_that_cannot_be_turned_round_is_told_to_the_engine(world: World) -> None:
    running(world, "j", ReplicateDoDb=[{"TableSchemaRegex": "^s"}])
    world.ask(StartCutover("j", OPTIONS))
    settings = carrier(world).settings
    assert settings.back is None and "'^s' chooses names" in settings.back_faults[0].problem


def test_a_key_that_an_older_version_took_is_a_fault_of_the_check(world: World) -> None:
    running(world)
    record = world.stored["j"]
    tasks = record.document["Tasks"]
    tasks[0]["Config"]["OfOldTimes"] = 1
    world.stored["j"] = record.model_copy(update={"document": {**record.document, "Tasks": tasks}})
    world.start()
    world.reaches("j", "running")
    world.ask(StartCutover("j", OPTIONS))
    settings = carrier(world).settings
    assert settings.back is None and any("OfOldTimes" in fault.where for fault in settings.back_faults)


def test_a_way_back_that_cannot_be_made_for_any_other_reason_is_a_fault_of_the_check(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise KeyError("Config")

    monkeypatch.setattr(cutovers, "way_back", broken)
    [fault] = begun(world).settings.back_faults
    assert "its way back cannot be made" in fault.problem and fault.remedy


def test_a_server_that_takes_no_more_jobs_is_a_fault_of_the_check(world: World) -> None:
    running(world)
    post(world, "j-back")
    world.supervisor._settings = replace(world.supervisor.settings, max_jobs=2)
    world.ask(StartCutover("j", OPTIONS))
    settings = carrier(world).settings
    assert [fault.where for fault in settings.back_faults] == ["jobs.max"] and "(2)" in settings.back_faults[0].remedy


# ---- What an engine is told ----


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
    engine.ask(Keep, _with_way_back(world, engine.settings.cutover))
    record = world.stored["j"]
    assert type(record).from_json(record.to_json()) == record and record.stage in (Stage.RUNNING, Stage.COMPLETED)
