"""What time heals is waited for without end, and the job says for what, since when and when it tries next."""

from __future__ import annotations

import itertools

import pytest

from tests.actors.conftest import post, running
from tests.actors.small_world import World, refused, transient
from udup.actors.job import LONGEST_WAIT
from udup.actors.messages import Drain, PauseJob, ResumeJob
from udup.base.errors import Failure, FailureKind, Side
from udup.jobs import Stage
from udup.jobs.allocation import TaskLife
from udup.jobs.outage import Away, Outage
from udup.web.resources.outage_figures import reconnecting

LEVEL = ({"stage": "running", "level": True, "lag_ms": 0, "source_gtid": "x:1"},)


def away(side: Side = Side.TARGET, text: str = "cannot connect") -> Failure:
    return Failure(FailureKind.UNAVAILABLE, text, side=side)


def outage(world: World) -> Outage:
    found: Outage | None = world.job("j").record.outage
    assert found is not None
    return found


@pytest.mark.parametrize("kind", [FailureKind.UNAVAILABLE, FailureKind.CONTENDED])
def test_what_time_heals_is_tried_again_without_end_after_pauses_that_grow(world: World, kind: FailureKind) -> None:
    world.attempts = 3
    world.script("j").target = Failure(kind, "not now", side=Side.TARGET)
    post(world)
    world.run(600)
    assert world.stage("j") != "failed" and len(world.runs["j"]) > 40
    pauses = [(later - sooner) / 1000 for sooner, later in itertools.pairwise(world.runs["j"])]
    assert pauses[0] < 1 and all(pause < LONGEST_WAIT * 1.25 + 1 for pause in pauses)
    assert outage(world).attempts >= len(world.runs["j"]) - 1
    assert len(world.stored["j"].restart_history) == world.stored["j"].restarts == 1, "one reason is noted once"
    world.script("j").target = "full copy"
    world.reaches("j", "running")
    world.run(2)
    assert world.stored["j"].outage is None


def test_an_outage_says_for_what_since_when_why_and_when_it_tries_next(world: World) -> None:
    running(world)
    applier = world.child_of("applier", "j")
    good = world.script("j").look
    world.script("j").look = away(Side.SOURCE, "connection refused")
    applier.end(applier.run, away(text="the connection was lost"))
    world.until(lambda: world.job("j").record.outage is not None)
    first = outage(world)
    assert (first.side, first.why, first.attempts) == (Side.TARGET, "the connection was lost", 1)
    assert first.next_try >= first.since
    world.run(30)
    shown = world.stored["j"].shown_progress().reconnecting
    assert shown is not None
    assert (shown.side, shown.why, shown.kind) == ("source", "connection refused", "Unavailable")
    assert shown.since == first.since, "it is one outage"
    assert shown.attempts is not None and shown.attempts > 3
    assert shown.next_try is not None and shown.next_try > first.next_try
    assert [each["event"] for each in world.logged].count("job_reconnecting") == 1
    world.script("j").look = good
    world.until(lambda: world.stored["j"].outage is None)
    assert [each["event"] for each in world.logged].count("job_reconnected") == 1
    assert world.stored["j"].shown_progress().reconnecting is None


def test_a_node_that_is_started_again_meanwhile_says_since_when(world: World) -> None:
    running(world)
    applier = world.child_of("applier", "j")
    world.script("j").target = away()
    applier.end(applier.run, away())
    world.run(30)
    before = outage(world)
    world.start()
    world.run(20)
    after = outage(world)
    assert after.since == before.since and after.attempts > before.attempts / 2
    assert after.next_try - before.next_try > 5, "the pauses have not begun at their shortest again"


def test_a_long_outage_flushes_no_events_and_its_tasks_are_pending_until_it_is_over(world: World) -> None:
    running(world)
    world.run(5)
    before = {task: list(world.events("j", task)) for task in ("Src", "Dest")}
    applier = world.child_of("applier", "j")
    world.script("j").target = away()
    applier.end(applier.run, away())
    world.run(3600)
    assert world.events("j", "Src") == [*before["Src"], "Restarting"]
    assert world.events("j", "Dest") == [*before["Dest"], "Terminated", "Restarting"]
    states = {each.state.state for each in world.stored["j"].allocations if each.state}
    assert states == {TaskLife.PENDING}
    world.script("j").target = "x:1"
    world.script("j").reports = LEVEL * 20
    world.until(lambda: world.stored["j"].outage is None)
    world.run(2)
    assert world.events("j", "Src") == [*before["Src"], "Restarting", "Started"]
    assert {each.state.state for each in world.stored["j"].allocations if each.state} == {TaskLife.RUNNING}


def test_a_try_within_an_outage_is_told_by_progress_and_is_no_write_of_the_record(world: World) -> None:
    running(world)
    texts = itertools.cycle(("cannot connect", "the handshake was cut"))
    applier = world.child_of("applier", "j")
    world.script("j").target = away()
    applier.end(applier.run, away())
    world.run(600)
    index, tries = world.stored["j"].modify_index, outage(world).attempts
    for _ in range(20):  # more than one reason, in turn
        world.script("j").target = away(text=next(texts))
        world.run(15)
    assert outage(world).attempts > tries + 10
    assert world.stored["j"].modify_index - index <= 60 and len(world.stored["j"].restart_history) == 2
    shown = world.stored["j"].shown_progress(world.shown["j"]).reconnecting
    assert shown is not None and (shown.attempts, shown.next_try) == (outage(world).attempts, outage(world).next_try)
    world.script("j").target = away()
    world.run(60)
    index = world.stored["j"].modify_index
    world.run(900)
    assert world.stored["j"].modify_index - index <= 2, "once when the tries have doubled"


def test_what_was_tried_is_stored_when_the_server_ends(world: World) -> None:
    world.script("j").target = away()
    post(world)
    world.until(lambda: world.stored["j"].outage is not None)
    world.until(lambda: outage(world).attempts == 7)
    world.ask(Drain())
    world.run(1)
    assert world.stored["j"].outage.attempts == 7


def test_a_job_that_waits_for_another_owner_flushes_no_events(world: World) -> None:
    running(world)
    before = list(world.events("j", "Dest"))
    superseded = Failure(FailureKind.SUPERSEDED, "another one has it", side=Side.TARGET)
    applier = world.child_of("applier", "j")
    world.script("j").target = superseded
    applier.end(applier.run, superseded)
    world.run(600)
    assert world.events("j", "Dest") == [*before, "Terminated", "Restarting"]
    world.script("j").target = "x:1"
    world.reaches("j", "running")
    world.run(2)
    assert world.events("j", "Dest") == [*before, "Terminated", "Restarting", "Started"]


def test_a_limit_of_the_jobs_own_document_counts_outages_too(world: World) -> None:
    world.script("j").target = away()
    post(world, MaxRetries=2)
    world.reaches("j", "failed")
    assert world.stored["j"].status_description == "given up after 3 failures in a row, the last: cannot connect"
    assert world.stored["j"].outage is None, "a failed job waits for nothing"


def test_other_failures_still_count(world: World) -> None:
    world.script("j").look = transient("the copy must begin again")
    post(world)
    world.reaches("j", "failed")
    assert world.stored["j"].outage is None


def test_a_died_process_within_an_outage_does_not_end_it(world: World) -> None:
    world.script("j").target = away()
    post(world)
    world.until(lambda: world.stored["j"].outage is not None)
    world.until(lambda: outage(world).attempts == 2)
    since = outage(world).since
    world.script("j").target = transient("the applier died")
    world.until(lambda: outage(world).attempts == 3)
    assert (outage(world).since, outage(world).why) == (since, "cannot connect")


def test_servers_that_do_not_answer_are_waited_for_and_named(world: World) -> None:
    world.script("j").target = None
    post(world)
    world.run(130)
    assert (outage(world).side, outage(world).why) == (Side.TARGET, "the target did not answer in 120 s")


def test_what_the_other_side_refuses_is_not_waited_for(world: World) -> None:
    world.script("j").look = refused("Src s:1", "no log")
    world.script("j").target = away()
    post(world)
    world.reaches("j", "failed")
    assert world.stored["j"].status_description == "Src s:1: no log"


def test_a_job_that_is_paused_waits_for_nothing(world: World) -> None:
    world.script("j").target = away()
    post(world)
    world.until(lambda: world.stored["j"].outage is not None)
    world.ask(PauseJob("j"))
    world.reaches("j", "paused")
    assert world.stored["j"].outage is None
    world.script("j").target = "full copy"
    world.ask(ResumeJob("j"))
    world.reaches("j", "running")


def test_a_run_that_fails_at_its_first_rows_does_not_end_the_outage(world: World) -> None:
    """A full disk: the job catches up, and each try ends at once."""
    running(world)
    world.script("j").target = "x:1"
    world.script("j").reports = ({"stage": "catching_up", "lag_ms": 500},)
    world.script("j").run_ends = away(text="the disk is full")
    applier = world.child_of("applier", "j")
    applier.end(applier.run, away(text="the disk is full"))
    world.run(60)
    assert outage(world).attempts > 5
    world.script("j").run_ends = None
    world.script("j").reports *= 200
    world.run(60)
    assert world.stored["j"].outage is None, "it has long to read until its first commit, and stands"


def test_a_level_job_is_not_level_any_more_when_its_run_has_failed_and_its_lag_grows(world: World) -> None:
    world.script("j").reports = LEVEL
    running(world)
    world.run(1)
    until = world.shown["j"].current_until
    assert world.shown["j"].level and until is not None
    applier = world.child_of("applier", "j")
    world.script("j").target = away()
    applier.end(applier.run, away())
    world.run(30)
    assert not world.shown["j"].level
    assert outage(world).current_until == until


def test_health_counts_jobs_by_what_they_wait_for(world: World) -> None:
    world.script("j").target = away()
    post(world)
    world.until(lambda: world.stored["j"].outage is not None)
    record = world.stored["j"]

    def of(**changed: object) -> object:
        return record.model_copy(update={"outage": outage(world).model_copy(update=changed)})

    records = [
        record,
        of(side=None, sides=()),
        of(kind=FailureKind.CONTENDED, sides=()),
        record.model_copy(update={"outage": None}),
    ]
    assert reconnecting(records) == {"lock": 1, "server": 1, "target": 1}  # type: ignore[arg-type]
    assert record.stage == Stage.PENDING
    both = (Away(side=Side.SOURCE, since=1.0), Away(side=Side.TARGET, since=2.0))
    assert reconnecting([of(sides=both)]) == {"source": 1, "target": 1}  # type: ignore[list-item]


def test_a_job_that_waits_for_its_server_tries_at_once_when_it_is_resumed(world: World) -> None:
    world.script("j").target = away()
    post(world)
    world.run(300)
    world.until(lambda: world.job("j").run is None)
    tried, since = len(world.runs["j"]), outage(world).since
    assert world.ask(ResumeJob("j")).changed
    assert len(world.runs["j"]) == tried + 1
    assert not world.ask(ResumeJob("j")).changed, "it is being tried"
    world.run(60)
    assert outage(world).since == since, "it is one outage"
    assert len(world.runs["j"]) < tried + 10, "and pauses are as long as they were"
