"""A migration ends by a question to the source that is asked after it looked level. The real supervisor."""

from __future__ import annotations

from typing import Any

import pytest

from tests.actors.conftest import post
from tests.actors.small_world import World, transient
from udup.actors.completion import ANSWER_SECONDS
from udup.actors.level_messages import HasReached, SourceExecuted
from udup.actors.messages import Accepted, FinishJob, PauseJob, RegisterJob, Rejected, Rejection, ResumeJob
from udup.actors.run import Question
from udup.base.errors import Failure, FailureKind
from udup.jobs import DesiredState


def _post(world: World, end_when: str = "", job_id: str = "j") -> None:
    document = world.document(job_id, "migration")
    answer = world.ask(RegisterJob(document | ({"EndWhen": end_when} if end_when else {}), None))
    assert isinstance(answer, Accepted), answer


def _finish(world: World, job_id: str = "j") -> Any:
    return world.ask(FinishJob(job_id))


def _never(_executed: str) -> bool:
    return False


def _goes_no_further(world: World) -> None:
    world.run(30)
    assert world.stage("j") == "running" and len(world.runs["j"]) == 1


# ---- The question ----


def test_a_migration_that_reports_level_is_not_complete_before_the_target_has_what_the_source_says_then(
    world: World,
) -> None:
    applied: set[str] = set()
    world.script("j").executed = "u:1-12"
    world.script("j").reaches = applied.__contains__
    _post(world)
    world.until(lambda: world.goals == ["u:1-12"])
    _goes_no_further(world)
    applied.add("u:1-12")
    world.reaches("j", "completed")
    assert len(world.asked) == 1, "what came after the question is not waited for"


def test_a_source_that_cannot_be_asked_ends_the_run_and_the_next_one_asks_again(world: World) -> None:
    world.script("j").executed = transient("the source is away")
    _post(world)
    world.until(lambda: len(world.runs["j"]) == 2)
    assert world.stage("j") != "completed"
    world.script("j").executed = "u:1-5"
    world.reaches("j", "completed")
    assert world.goals == ["u:1-5"] and len(world.asked) == 2
    assert world.stored["j"].restart_history[-1].error == "the source is away"


def test_a_source_that_says_nothing_is_not_waited_for_without_end(world: World) -> None:
    world.script("j").executed = None
    _post(world)
    world.until(lambda: len(world.asked) == 1)
    world.script("j").executed = "u:1-5"
    world.run(ANSWER_SECONDS - 5)
    assert len(world.runs["j"]) == 1
    world.reaches("j", "completed")
    assert len(world.runs["j"]) == 2
    assert "did not say in 120 s" in world.stored["j"].restart_history[-1].error


@pytest.mark.parametrize("role", ["extractor", "applier"])
def test_a_death_between_question_and_end_begins_again_from_the_question(world: World, role: str) -> None:
    world.script("j").reaches = _never
    _post(world)
    world.until(lambda: len(world.goals) == 1)
    world.script("j").executed, world.script("j").reaches = "u:1-20", lambda executed: executed == "u:1-20"
    world.kill(world.child_of(role, "j"))
    world.reaches("j", "completed")
    assert world.goals == ["u:1-9", "u:1-20"]


def test_a_supervisor_that_dies_after_the_question_has_the_next_one_ask(world: World) -> None:
    world.script("j").reaches = _never
    _post(world)
    world.until(lambda: len(world.goals) == 1)
    world.start()
    world.until(lambda: len(world.goals) == 2)
    world.script("j").reaches = lambda _executed: True
    world.reaches("j", "completed")


def test_a_pause_after_the_question_keeps_the_migration_and_its_end_for_later(world: World) -> None:
    world.script("j").reaches = _never
    _post(world)
    world.until(lambda: len(world.goals) == 1)
    assert world.ask(PauseJob("j")).changed
    world.reaches("j", "paused")
    world.script("j").reaches = lambda _executed: True
    world.run(5)
    assert world.stage("j") == "paused"
    assert world.ask(ResumeJob("j")).changed
    world.reaches("j", "completed")
    assert len(world.goals) == 2


def test_a_pause_that_is_taken_back_before_the_run_has_heard_of_it_costs_no_end(world: World) -> None:
    """What is said between the two is not taken; so it is asked again, not waited for without end."""
    for said in ("source", "target"):
        world.script(said).executed = None
        world.script(said).reaches = _never
        _post(world, job_id=said)
        world.until(lambda said=said: said in world.stored and world.job(said).run is not None)  # type: ignore[misc]
        job = world.job(said)
        world.until(lambda job=job: job.run.question is Question.ASKED)  # type: ignore[misc]
        runs = world.supervisor._runs
        if said == "target":
            runs.source_executed(job, job.run, "u:1-3")
        before, job.record = job.record, job.record.model_copy(update={"desired": DesiredState.PAUSE})
        if said == "source":
            runs.source_executed(job, job.run, "u:1-3")
        else:
            runs.target_has_reached(job, job.run)
        assert job.run.question is Question.NONE and not job.run.completing
        job.record = before
        world.script(said).executed, world.script(said).reaches = "u:1-4", lambda _executed: True
        runs.reconcile(job)
        world.reaches(said, "completed")
        assert len(world.runs[said]) == 1


def test_an_answer_that_nobody_waits_for_completes_nothing(world: World) -> None:
    world.script("j").reports = ({"stage": "running", "level": False},)
    _post(world)
    world.reaches("j", "running")
    run = world.job("j").run
    world.child_of("extractor", "j").tell(SourceExecuted(run.number, "u:1"))
    world.child_of("applier", "j").tell(HasReached(run.number))
    world.run(5)
    assert run.question is Question.NONE and world.goals == [] and world.stage("j") == "running"


def test_another_document_takes_the_question_back(world: World) -> None:
    world.script("j").reaches = _never
    _post(world)
    world.until(lambda: len(world.goals) == 1)
    world.script("j").executed, world.script("j").reaches = "u:1-30", lambda executed: executed == "u:1-30"
    post(world, kind="migration", ParallelWorkers=7)
    world.reaches("j", "completed")
    assert world.goals == ["u:1-9", "u:1-30"] and world.applies[-1].settings.workers == 7


def test_a_job_that_follows_without_end_asks_nothing(world: World) -> None:
    post(world)
    world.reaches("j", "running")
    world.run(30)
    assert world.asked == []


# ---- Told to finish ----


def test_a_migration_that_is_to_be_finished_stays_level_until_it_is_told(world: World) -> None:
    _post(world, "finished")
    world.reaches("j", "running")
    _goes_no_further(world)
    assert world.asked == []
    answer = _finish(world)
    assert answer.changed and answer.index > 0
    world.reaches("j", "completed")
    assert len(world.asked) == 1 and len(world.runs["j"]) == 1
    assert world.stored["j"].evaluations[-1].triggered_by == "job-finish"


def test_who_is_told_to_finish_while_rows_are_copied_ends_when_it_is_level(world: World) -> None:
    world.script("j").reports = ({"stage": "copying"},)
    _post(world, "finished")
    world.reaches("j", "copying")
    assert _finish(world).changed
    world.run(5)
    assert world.stage("j") == "copying" and world.asked == []
    world.child_of("applier", "j").report({"stage": "running", "level": True})
    world.reaches("j", "completed")


def test_what_was_told_outlives_the_server_and_is_done_with_when_it_is_complete(world: World) -> None:
    world.script("j").reports = ({"stage": "copying"},)
    _post(world, "finished")
    world.reaches("j", "copying")
    _finish(world)
    world.script("j").reports = ({"stage": "running", "level": True},)
    world.start()
    world.reaches("j", "completed")
    assert not world.stored["j"].finish
    assert world.ask(ResumeJob("j")).changed
    world.reaches("j", "running")
    world.run(20)
    assert world.stage("j") == "running", "once more it stays level until it is told"


def test_a_second_finish_changes_nothing(world: World) -> None:
    world.script("j").reaches = _never
    _post(world, "finished")
    world.reaches("j", "running")
    assert _finish(world).changed and not _finish(world).changed
    world.script("j").reaches = lambda _executed: True
    world.reaches("j", "completed")
    assert not _finish(world).changed and len(world.asked) == 1


@pytest.mark.parametrize(
    ("kind", "says", "remedy"),
    [("synchronous", "without end", "udup job pause j"), ("migration", "ends by itself", '"EndWhen": "finished"')],
)
def test_a_job_that_cannot_be_finished_says_why(world: World, kind: str, says: str, remedy: str) -> None:
    world.script("j").reaches = _never
    post(world, kind=kind)
    world.reaches("j", "running")
    answer = _finish(world)
    assert isinstance(answer, Rejected) and answer.reason is Rejection.REFUSED
    assert says in answer.failure.text and remedy in answer.failure.text
    assert world.stage("j") == "running" and not world.stored["j"].finish


def test_a_failed_migration_and_a_paused_one_are_resumed_first(world: World) -> None:
    _post(world, "finished")
    world.reaches("j", "running")
    world.ask(PauseJob("j"))
    world.reaches("j", "paused")
    assert "udup job resume j" in _finish(world).failure.text
    world.script("j").run_ends = Failure(FailureKind.DIVERGENCE, "x:7: row is gone")
    world.ask(ResumeJob("j"))
    world.reaches("j", "failed")
    text = _finish(world).failure.text
    assert "row is gone" in text and "udup job resume j" in text


def test_a_job_that_is_not_there_cannot_be_finished(world: World) -> None:
    assert _finish(world, "nobody").reason is Rejection.UNKNOWN_JOB
