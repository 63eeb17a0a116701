"""The supervisor's part in passing over a transaction: the ledger, and that the job goes on. In virtual time."""

from __future__ import annotations

from typing import Any

import pytest

from tests.actors.conftest import post
from tests.actors.small_world import World
from udup.actors.messages import Accepted, BeginSkip, DeleteJob, EndSkip, Rejected, Rejection, ResumeJob
from udup.base.errors import Failure, FailureKind

GTID, OTHER = "3e11fa47-71ca-11e1-9e33-c80aa9429562:23", "3e11fa47-71ca-11e1-9e33-c80aa9429562:24"

STANDS = Failure(FailureKind.DIVERGENCE, f"{GTID}: a row is not there", gtid=GTID, table="s.t", kept="kept")


@pytest.fixture
def failed(world: World) -> World:
    """A job that stands at a transaction."""
    world.script("j").run_ends = STANDS
    post(world)
    world.reaches("j", "failed")
    return world


def _refused(answer: Any, reason: Rejection = Rejection.INDEX_CONFLICT) -> str:
    assert isinstance(answer, Rejected) and answer.reason is reason, answer
    return answer.failure.text


def test_a_job_that_stands_says_at_what_and_which_commands_fix_it(failed: World) -> None:
    stopped = failed.stored["j"].stopped
    assert stopped is not None
    assert (stopped.kind, stopped.gtid, stopped.table, stopped.kept) == (FailureKind.DIVERGENCE, GTID, "s.t", "kept")
    assert failed.stored["j"].status_description.endswith(f"or udup job skip j --gtid {GTID}")


def test_the_job_goes_on_when_the_target_has_passed_over_it_and_the_ledger_stays(failed: World) -> None:
    assert failed.ask(BeginSkip("j", GTID)).changed
    assert [(each.gtid, each.confirmed) for each in failed.stored["j"].skipped] == [(GTID, False)]
    assert failed.stage("j") == "failed", "nothing runs before the target has it"
    failed.script("j").run_ends = None
    assert isinstance(failed.ask(EndSkip("j", GTID, done=True)), Accepted)
    failed.reaches("j", "running")
    record = failed.stored["j"]
    assert record.stopped is None
    assert (record.status_description, record.shown_progress().last_error) == ("", ""), "the failure is history"
    failed.start()
    failed.reaches("j", "running")
    post(failed)  # the document again
    failed.reaches("j", "running")
    assert [(each.gtid, each.confirmed) for each in failed.stored["j"].skipped] == [(GTID, True)]
    assert "passed over already" in _refused(failed.ask(BeginSkip("j", GTID)))
    failed.ask(DeleteJob("j"))
    post(failed)
    assert failed.stored["j"].skipped == (), "another job of this ID has passed over nothing"


def test_what_the_target_refuses_leaves_the_job_as_it_was(failed: World) -> None:
    failed.ask(BeginSkip("j", GTID))
    failed.ask(EndSkip("j", GTID, done=False))
    record = failed.stored["j"]
    assert (record.skipped, failed.stage("j")) == ((), "failed")
    assert record.stopped is not None and record.stopped.gtid == GTID


def test_a_ledger_with_no_room_left_takes_nothing_and_the_job_stays_as_it_is(failed: World) -> None:
    before = failed.stored["j"]
    failed.supervisor._journal.max_bytes = 200
    told = _refused(failed.ask(BeginSkip("j", GTID)), Rejection.REFUSED)
    assert "udup job status j" in told and failed.stored["j"] == before == failed.job("j").record


def test_an_answer_that_was_lost_can_be_asked_for_again(failed: World) -> None:
    assert failed.ask(BeginSkip("j", GTID)).changed
    failed.start()
    assert not failed.ask(BeginSkip("j", GTID)).changed
    failed.script("j").run_ends = None
    failed.ask(EndSkip("j", GTID, done=True))
    failed.reaches("j", "running")
    assert [(each.gtid, each.confirmed) for each in failed.stored["j"].skipped] == [(GTID, True)]


def test_nothing_else_is_passed_over(failed: World) -> None:
    assert f"stands at {GTID}, not at {OTHER}" in _refused(failed.ask(BeginSkip("j", OTHER)))
    assert "job not found" in _refused(failed.ask(BeginSkip("none", GTID)), Rejection.UNKNOWN_JOB)
    failed.script("j").run_ends = None
    failed.ask(ResumeJob("j"))
    failed.reaches("j", "running")
    run = failed.job("j").run
    assert "has not failed, it is running" in _refused(failed.ask(BeginSkip("j", GTID)))
    assert failed.job("j").run is run
