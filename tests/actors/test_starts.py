"""Where a job begins without a copy, and a copy alone: what the supervisor makes of it. In virtual time."""

from __future__ import annotations

from typing import Any

import pytest

from tests.actors.small_children import Info
from tests.actors.small_world import World, refused, transient
from udup.actors.cutover_messages import StartCutover
from udup.actors.messages import Accepted, DeleteJob, FinishJob, PauseJob, RegisterJob, Rejected, Rejection, ResumeJob
from udup.jobs import Stage
from udup.jobs.start import DecidedStart
from udup.pipeline.cutover.state import Options
from udup.pipeline.ports import SourceLook

NOW = DecidedStart(at="now", position="u:1-5", server_uuid="u", time_ns=7)
LATER = DecidedStart(at="now", position="u:1-9", server_uuid="u", time_ns=8)

#: A copy alone.
ALONE = {"AutoGtid": False, "SkipIncrementalCopy": True}


def _post(world: World, start: DecidedStart | None, **config: Any) -> Accepted | Rejected:
    document = world.document("j")
    document["Tasks"][0]["Config"] |= {"AutoGtid": True} | config
    beside = world.stored["j"].incarnation if "j" in world.stored else ""
    answer: Accepted | Rejected = world.ask(RegisterJob(document, None, start=start, beside=beside))
    return answer


def _posted(world: World, start: DecidedStart | None = NOW, **config: Any) -> None:
    assert isinstance(_post(world, start, **config), Accepted)


def test_a_start_is_stored_with_the_document_and_each_run_begins_there(world: World) -> None:
    world.script("j").look = transient()
    _posted(world)
    assert world.stored["j"].start == NOW
    world.until(lambda: len(world.applies) == 3)
    assert {each.settings.start_after for each in world.applies} == {"u:1-5"}


@pytest.mark.parametrize("beside", ["", "another"])
def test_a_start_that_was_decided_beside_another_job_of_this_id_is_not_taken(world: World, beside: str) -> None:
    """The job was deleted, or made, while the source was asked or its record was read."""
    document = world.document("j")
    document["Tasks"][0]["Config"] |= {"AutoGtid": True}
    if not beside:
        _posted(world, **ALONE)
    answer = world.ask(RegisterJob(document, None, start=NOW, beside=beside))
    assert isinstance(answer, Rejected) and "while its source was asked where it begins" in answer.failure.text


def test_another_document_does_not_make_the_supervisor_forget_that_the_job_has_begun(world: World) -> None:
    world.script("j").reports = ({"stage": "running", "level": True, "applied_gtid": "u:1-8"},)
    _posted(world)
    world.until(lambda: world.job("j").progress.applied_gtid == "u:1-8")
    world.script("j").reports = ()
    _posted(world, ParallelWorkers=7)
    assert world.stored["j"].progress.applied_gtid == "u:1-8"
    for config in ({"AutoGtid": False, "BinlogFile": "b.1"}, ALONE):
        answer = _post(world, DecidedStart(at="at b.1:4", position="u:1-2", server_uuid="u"), **config)
        assert isinstance(answer, Rejected) and "has begun" in answer.failure.text, config


def test_a_supervisor_that_dies_before_the_first_run_leaves_the_start_as_it_was_decided(world: World) -> None:
    _posted(world)
    world.start()
    world.until(lambda: bool(world.applies))
    assert world.applies[0].settings.start_after == "u:1-5"


@pytest.mark.parametrize("how", ["failed", "paused"])
def test_a_job_that_is_started_again_does_not_begin_later(world: World, how: str) -> None:
    if how == "failed":
        world.script("j").look = refused("Src", "no")
    _posted(world)
    if how == "paused":
        world.ask(PauseJob("j"))
    world.reaches("j", how)
    world.script("j").look = SourceLook(Info())
    _posted(world, LATER, ParallelWorkers=7)
    assert world.stored["j"].start == NOW, "what was decided is not decided again"
    world.ask(ResumeJob("j"))
    world.reaches("j", "running")
    assert {each.settings.start_after for each in world.applies} == {"u:1-5"}


def test_a_job_that_was_deleted_begins_where_the_next_document_says(world: World) -> None:
    _posted(world)
    world.ask(DeleteJob("j"))
    _posted(world, LATER)
    assert world.stored["j"].start == LATER


def test_a_start_that_nobody_has_decided_is_asked_for_again(world: World) -> None:
    """The job was deleted after the request's thread had looked at it, or has another document now."""
    for start in (None, DecidedStart(at="at b.1:4", position="", server_uuid="u")):
        answer = _post(world, start)
        assert isinstance(answer, Rejected) and answer.reason is Rejection.NOT_NOW
        assert "post it again" in answer.failure.text
    assert "j" not in world.stored


def test_another_start_takes_the_place_of_one_that_was_never_begun_with(world: World) -> None:
    world.script("j").look = refused("Src", "no")
    _posted(world)
    world.reaches("j", "failed")
    other = DecidedStart(at="at b.1:4", position="u:1-2", server_uuid="u")
    _posted(world, other, AutoGtid=False, BinlogFile="b.1")
    assert world.stored["j"].start == other
    _posted(world, None, AutoGtid=False)
    assert world.stored["j"].start is None
    world.until(lambda: len(world.applies) == 3)
    assert [each.settings.start_after for each in world.applies] == ["u:1-5", "u:1-2", None]


def test_a_job_that_has_begun_takes_no_other_start(world: World) -> None:
    script = world.script("j")
    script.reports = ({"stage": "running", "applied_gtid": "u:1-6"},)
    _posted(world)
    world.reaches("j", "running")
    run = world.job("j").run
    answer = _post(world, None, AutoGtid=False, Gtid="3e11fa47-71ca-11e1-9e33-c80aa9429562:1-9")
    assert isinstance(answer, Rejected) and answer.reason is Rejection.REFUSED
    (fault,) = answer.failure.faults
    assert fault.where.endswith(".Config.Gtid") and "goes on after u:1-6" in fault.problem
    assert world.job("j").run is run and world.stored["j"].start == NOW
    _posted(world, None, AutoGtid=False)
    assert world.stored["j"].start is None, "a document without any goes on by the checkpoint"


def test_what_one_target_has_is_not_said_of_another(world: World) -> None:
    """The job begins on a new target as its document says; one with a checkpoint of the job says so itself."""
    script = world.script("j")
    script.reports = ({"stage": "running", "applied_gtid": "u:1-6", "copied_rows": 4},)
    _posted(world)
    world.until(lambda: world.job("j").progress.applied_gtid == "u:1-6")
    script.reports = ()
    document = world.document("j")
    document["Tasks"][0]["Config"] |= {"Gtid": "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-9"}
    assert isinstance(world.ask(RegisterJob(document, None)), Rejected), "the job has begun on this one"
    document["Tasks"][1]["Config"]["ConnectionConfig"]["Host"] = "10.9.9.9"
    assert isinstance(world.ask(RegisterJob(document, None)), Accepted)
    assert world.stored["j"].progress.applied_gtid is None and world.job("j").progress.applied_gtid is None


def test_a_start_of_another_server_is_no_start(world: World) -> None:
    world.script("j").target, world.script("j").look = "u:1-5", SourceLook(Info(uuid="v"))
    world.script("j").known_source = ""
    _posted(world)
    world.reaches("j", "failed")
    told = world.stored["j"].status_description
    assert "was decided on the server u, and its source is v now" in told and "udup job delete --purge j" in told
    assert '"Gtid": "u:1-5"' in told and "what was committed since the first is left out" in told


def test_each_run_tells_the_target_which_job_of_its_id_it_is(world: World) -> None:
    """By that the first checkpoint knows a start that was replaced; another job of this ID goes on by it."""
    _posted(world)
    world.until(lambda: len(world.applies) == 1)
    _posted(world, None, **ALONE)
    world.until(lambda: len(world.applies) == 2)
    world.ask(DeleteJob("j"))
    _posted(world)
    world.until(lambda: len(world.applies) == 3)
    first, second, third = (each.settings for each in world.applies)
    assert first.incarnation == second.incarnation != "" and third.incarnation not in ("", first.incarnation)
    assert (first.copy_alone, second.copy_alone) == (False, True)
    control = second.control(3)
    assert (control.incarnation, control.copy_alone) == (second.incarnation, True)


def test_a_source_that_was_replaced_after_the_job_has_begun_is_followed(world: World) -> None:
    world.script("j").target, world.script("j").look = "u:1-5", SourceLook(Info(uuid="v"))
    _posted(world)
    world.reaches("j", "running")


# ---- A copy alone ----


def test_a_copy_alone_is_complete_when_its_copy_is_there_and_never_follows(world: World) -> None:
    world.script("j").reports = ({"stage": "copying"}, {"stage": "catching_up", "applied_gtid": "u:1-5"})
    _posted(world, None, **ALONE)
    stages: list[Stage] = []

    def ended() -> bool:
        stages.append(world.stored["j"].stage)
        return world.stage("j") == "completed"

    world.until(ended)
    assert set(stages) == {Stage.PENDING, Stage.COPYING, Stage.COMPLETED}
    assert not world.stored["j"].progress.warnings
    assert world.extracts[0].settings.copy_alone and world.asked == [], "the source is not asked what it has since"
    assert [each.state.failed for each in world.stored["j"].allocations if each.state] == [False, False]


def test_a_copy_alone_that_is_resumed_has_its_copy_and_ends_again(world: World) -> None:
    script = world.script("j")
    script.reports = ({"stage": "catching_up", "applied_gtid": "u:1-5"},)
    _posted(world, None, **ALONE)
    world.reaches("j", "completed")
    script.target = "u:1-5"
    world.ask(ResumeJob("j"))
    world.reaches("j", "completed")
    assert len(world.runs["j"]) == 2 and world.extracts[1].settings.copy_alone
    (told,) = world.stored["j"].progress.warnings or []
    assert "nothing was copied in this run" in told and "udup job delete --purge j" in told


def test_a_completed_copy_alone_follows_by_a_document_without_the_key(world: World) -> None:
    script = world.script("j")
    script.reports = ({"stage": "catching_up", "applied_gtid": "u:1-5"}, {"stage": "running"})
    _posted(world, None, **ALONE)
    world.reaches("j", "completed")
    script.target = "u:1-5"
    _posted(world, None, AutoGtid=False)
    world.reaches("j", "running")
    assert not world.extracts[1].settings.copy_alone and world.extracts[1].settings.start_after == "u:1-5"


def test_a_run_whose_document_has_changed_does_not_complete_the_job(world: World) -> None:
    world.script("j").reports = ({"stage": "copying"},)
    _posted(world, None, **ALONE)
    world.reaches("j", "copying")
    world.script("j").reports = ({"stage": "catching_up"}, {"stage": "running"})
    _posted(world, None, AutoGtid=False)
    world.reaches("j", "running")
    world.run(10)
    assert world.stage("j") == "running"


def test_a_copy_alone_whose_last_step_fails_copies_again(world: World) -> None:
    script = world.script("j")
    script.reports = ({"stage": "catching_up"},)
    script.drains = transient("lost")
    _posted(world, None, **ALONE)
    world.until(lambda: len(world.runs["j"]) == 2)
    script.drains = None
    world.reaches("j", "completed")


def test_a_copy_alone_is_not_told_to_finish(world: World) -> None:
    world.script("j").reports = ({"stage": "copying"},)
    _posted(world, None, **ALONE)
    answer = world.ask(FinishJob("j"))
    assert isinstance(answer, Rejected) and "as soon as its copy is on the target" in answer.failure.text


def test_a_copy_alone_is_not_cut_over(world: World) -> None:
    world.script("j").reports = ({"stage": "copying"},)
    _posted(world, None, **ALONE)
    answer = world.ask(StartCutover("j", Options()))
    assert isinstance(answer, Rejected) and answer.reason is Rejection.REFUSED
    assert "is a copy alone" in answer.failure.text and "without SkipIncrementalCopy" in answer.failure.text
