"""The supervisor carries out what is asked of jobs. The real one, in virtual time."""

from __future__ import annotations

import pytest

from tests.actors.conftest import post, running
from tests.actors.small_children import Info
from tests.actors.small_world import World, transient
from udup.actors.messages import (
    Accepted,
    DeleteJob,
    PauseJob,
    RegisterJob,
    Rejected,
    Rejection,
    ResumeJob,
)
from udup.actors.run import Phase
from udup.base.errors import Failure, FailureKind
from udup.jobs import DesiredState
from udup.pipeline.ports import SourceLook

# ---- What is asked of jobs ----


def test_a_pause_ends_the_run_at_a_boundary_and_a_resume_goes_on(world: World) -> None:
    running(world)
    assert world.ask(PauseJob("j")).changed
    world.reaches("j", "paused")
    world.until(lambda: world.living == [])
    assert not world.ask(PauseJob("j")).changed, "a second pause changes nothing"
    assert world.ask(ResumeJob("j")).changed
    world.reaches("j", "running")
    assert not world.ask(ResumeJob("j")).changed
    assert "Killed" in world.events("j", "Dest") and world.events("j", "Dest")[-1] == "Started"


def test_a_run_that_has_not_heard_of_a_pause_before_it_is_resumed_goes_on_as_it_was(world: World) -> None:
    running(world)
    run = world.job("j").run
    world.send(PauseJob("j"))
    world.until(lambda: world.job("j").record.desired == DesiredState.PAUSE)
    world.supervisor._commands.execute(ResumeJob("j"), lambda _answer: None)
    world.run(5)
    assert world.job("j").run is run and (run.phase, world.stage("j")) == (Phase.RUNNING, "running")


def test_a_boundary_that_is_not_reached_is_not_waited_for_without_end(world: World) -> None:
    world.script("j").drains = "never"
    running(world)
    world.ask(PauseJob("j"))
    began = world.clock
    world.reaches("j", "paused")
    assert 9.9 < world.clock - began < 11


@pytest.mark.parametrize("role", ["extractor", "applier"])
def test_a_task_that_dies_while_its_run_drains_does_not_hold_the_pause(world: World, role: str) -> None:
    world.script("j").drains = "never"
    running(world)
    world.ask(PauseJob("j"))
    world.until(lambda: world.job("j").run.phase is Phase.DRAINING)
    world.kill(world.child_of(role, "j"))
    world.reaches("j", "paused")
    assert len(world.runs["j"]) == 1


def test_a_pause_in_the_middle_of_a_copy_ends_it_at_once(world: World) -> None:
    world.script("j").reports = ({"stage": "copying"},)
    world.script("j").drains = "never"
    post(world)
    world.reaches("j", "copying")
    began = world.clock
    world.ask(PauseJob("j"))
    world.reaches("j", "paused")
    assert world.clock - began < 1


def test_a_pause_during_the_pause_after_a_failure_ends_both(world: World) -> None:
    world.script("j").look = transient()
    post(world)
    world.until(lambda: len(world.runs["j"]) == 3 and world.job("j").run is None)
    world.ask(PauseJob("j"))
    world.reaches("j", "paused")
    world.run(30)
    assert len(world.runs["j"]) == 3 and world.stage("j") == "paused"


def test_another_document_drains_the_run_and_begins_one_that_goes_by_it(world: World) -> None:
    running(world)
    before = world.stored["j"]
    post(world, ParallelWorkers=7)
    world.until(lambda: len(world.applies) == 2)
    assert [each.settings.workers for each in world.applies] == [4, 7]
    world.reaches("j", "running")
    after = world.stored["j"]
    assert (after.create_index, after.incarnation) == (before.create_index, before.incarnation)
    assert after.job_modify_index > before.job_modify_index


def test_another_document_for_a_run_that_still_starts_is_gone_by_as_well(world: World) -> None:
    world.script("j").look = None
    post(world)
    world.until(lambda: bool(world.applies))
    world.script("j").look = SourceLook(Info())
    post(world, ParallelWorkers=7)
    world.reaches("j", "running")
    assert world.extracts[-1].settings.workers == 7


def test_an_index_that_does_not_hold_any_more_is_told(world: World) -> None:
    post(world)
    answer = world.ask(RegisterJob(world.document("j"), 0))
    assert isinstance(answer, Rejected) and answer.reason is Rejection.INDEX_CONFLICT
    assert "already exists" in answer.failure.text


def test_a_document_that_is_no_job_is_refused_with_its_faults(world: World) -> None:
    answer = world.ask(RegisterJob({"ID": "j"}, None))
    assert isinstance(answer, Rejected) and answer.reason is Rejection.REFUSED and answer.failure.faults
    assert isinstance(world.ask(PauseJob("j")), Rejected)
    assert world.answers[-1].reason is Rejection.UNKNOWN_JOB  # type: ignore[attr-defined]


def test_a_deleted_job_leaves_nothing_and_may_come_again(world: World) -> None:
    running(world)
    answer = world.ask(DeleteJob("j"))
    assert isinstance(answer, Accepted) and world.gone[-1].id == answer.eval_id
    world.run(1)
    assert world.is_empty() and not world.purged
    assert isinstance(world.ask(DeleteJob("j")), Accepted), "nobody misses it"
    running(world)


def test_a_purge_drains_the_run_removes_the_checkpoint_and_is_answered_then(world: World) -> None:
    running(world)
    answer = world.ask(DeleteJob("j", purge=True))
    assert isinstance(answer, Accepted) and world.purged == ["j"]
    world.run(1)
    assert world.is_empty()


def test_while_a_job_is_purged_nothing_else_is_done_with_it(world: World) -> None:
    running(world)
    world.script("j").purge = "never"
    world.send(DeleteJob("j", purge=True))
    world.until(lambda: world.stored["j"].desired == DesiredState.STOP)
    for command in (PauseJob("j"), ResumeJob("j"), DeleteJob("j"), RegisterJob(world.document("j"), None)):
        answer = world.ask(command)
        assert isinstance(answer, Rejected) and answer.reason is Rejection.NOT_NOW, command


@pytest.mark.parametrize(
    ("failure", "reason"),
    [(transient(), Rejection.NOT_NOW), (Failure(FailureKind.INTERNAL, "denied"), Rejection.REFUSED), ("never", None)],
)
def test_a_purge_that_fails_keeps_the_job_and_carries_it_on(
    world: World, failure: Failure | str, reason: Rejection | None
) -> None:
    running(world)
    world.script("j").purge = failure
    answer = world.ask(DeleteJob("j", purge=True), 200)
    assert isinstance(answer, Rejected) and answer.reason is (reason or Rejection.NOT_NOW)
    assert "was not deleted" in answer.failure.text and answer.failure.faults
    world.until(lambda: world.stored["j"].desired == DesiredState.RUN)
    world.reaches("j", "running")
    world.script("j").purge = None
    assert isinstance(world.ask(DeleteJob("j", purge=True)), Accepted)


def test_a_purge_of_a_paused_job_that_fails_leaves_it_paused(world: World) -> None:
    running(world)
    world.ask(PauseJob("j"))
    world.reaches("j", "paused")
    world.script("j").purge = transient()
    assert isinstance(world.ask(DeleteJob("j", purge=True)), Rejected)
    world.run(10)
    assert (world.stage("j"), world.living) == ("paused", [])


def test_a_server_takes_no_more_jobs_than_it_may_have(world: World) -> None:
    world.supervisor._settings = world.supervisor.settings.__class__(
        **{**world.supervisor.settings.__dict__, "max_jobs": 1}
    )
    post(world, "one")
    answer = world.ask(RegisterJob(world.document("two"), None))
    assert isinstance(answer, Rejected) and "takes no more" in answer.failure.text
    assert sorted(world.supervisor._jobs) == ["one"]


# ---- Migrations ----


def test_a_migration_that_is_level_is_drained_and_complete(world: World) -> None:
    post(world, kind="migration")
    world.reaches("j", "completed")
    world.until(lambda: world.living == [])
    assert len(world.runs["j"]) == 1
    assert world.stored["j"].progress.level is True
    assert not world.ask(PauseJob("j")).changed
    world.run(60)
    assert world.stage("j") == "completed"


def test_a_migration_whose_end_fails_is_not_complete_and_tries_again(world: World) -> None:
    world.script("j").drains = transient()
    post(world, kind="migration")
    world.until(lambda: len(world.runs["j"]) == 2)
    assert world.stage("j") != "completed"
    world.script("j").drains = None
    world.reaches("j", "completed")


def test_another_document_for_a_migration_that_is_about_to_complete_comes_first(world: World) -> None:
    world.script("j").drains = "never"
    post(world, kind="migration")
    world.until(lambda: world.job("j").run is not None and world.job("j").run.phase is Phase.DRAINING)
    post(world, kind="migration", ParallelWorkers=7)
    world.script("j").drains = None
    world.until(lambda: len(world.applies) == 2, 30)
    assert world.applies[-1].settings.workers == 7
    world.reaches("j", "completed")
