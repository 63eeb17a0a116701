"""Jobs are carried out in runs, whatever fails meanwhile. The real supervisor, in virtual time."""

from __future__ import annotations

import pytest

from tests.actors.conftest import post, running
from tests.actors.small_children import Info
from tests.actors.small_world import World, refused, transient
from udup.actors.messages import (
    PauseJob,
    Probed,
    Progress,
    Ready,
    ResumeJob,
    RunEnded,
    Tick,
    Wake,
)
from udup.actors.run import Phase
from udup.base.errors import Failure, FailureKind, Fault
from udup.jobs import JobProgress, Stage
from udup.jobs.progress import TaskReport
from udup.pipeline.ports import SourceLook

# ---- Runs ----


def test_a_job_that_is_posted_is_stored_then_answered_then_carried_out(world: World) -> None:
    answer = post(world)
    record = world.stored["j"]
    assert (answer.index, record.create_index, record.evaluations[-1].create_index) == (7, 6, 7)
    assert answer.eval_id == record.evaluations[-1].id
    assert not world.applies, "nothing is begun before the client has its answer"
    world.reaches("j", "running")
    assert world.living == [("applier", "j"), ("extractor", "j")]
    [extract] = world.extracts
    assert extract.settings.start_after is None and len(world.runs["j"]) == 1
    world.run(2)
    assert world.shown["j"].as_dict() == {"warnings": [], "level": True, "reported_at": world.shown["j"].reported_at}
    assert world.events("j", "Src") == ["Received", "Started"]


def test_a_checkpoint_is_judged_with_a_source_that_was_looked_at_after_it(world: World) -> None:
    world.script("j").target = "x:1-5"
    running(world)
    [judged] = world.drivers.judged
    assert judged.start_after == "x:1-5" and world.job("j").run.looks == 2
    [extract] = world.extracts
    assert (extract.settings.start_after, extract.settings.source_uuid) == ("x:1-5", "u")
    assert extract.settings.stamps == f"stamps of {extract.run}"


def test_names_are_folded_where_the_source_folds_them(world: World) -> None:
    world.script("j").look = SourceLook(Info(folds_names=True))
    running(world)
    scope = world.extracts[0].settings.scope
    assert scope.fold_names and scope.selection.folds


def test_what_the_servers_warn_of_is_shown_with_what_the_tasks_tell(world: World) -> None:
    world.drivers.warned = ["the log is short"]
    world.script("j").reports = (
        {"stage": "catching_up", "told": ("made otherwise",)},
        {"stage": "running", "stale_views": ["s.v"], "copy_warnings": ["c"], "told": ("made otherwise",)},
    )
    running(world)
    world.run(2)
    assert world.shown["j"].warnings == ["the log is short", "s.v", "c", "made otherwise"]


# ---- Refusals ----


def test_what_both_sides_refuse_is_told_at_once(world: World) -> None:
    world.script("j").look = SourceLook(Info(), (Fault("Src s:1", "no log", task="Src"),))
    world.script("j").target = refused("Dest t:1", "no room")
    began = world.clock
    post(world)
    world.reaches("j", "failed")
    assert world.clock - began < 1
    text = world.stored["j"].status_description
    assert "Src s:1: no log" in text and "Dest t:1: no room" in text
    assert "Terminated" in world.events("j", "Src") and "Terminated" in world.events("j", "Dest")
    world.until(lambda: world.living == [])


@pytest.mark.parametrize("side", ["look", "target"])
def test_a_refusal_waits_a_moment_for_a_side_that_says_nothing(world: World, side: str) -> None:
    setattr(world.script("j"), side, None)
    setattr(world.script("j"), "target" if side == "look" else "look", refused("x", "wrong"))
    began = world.clock
    post(world)
    world.reaches("j", "failed")
    assert 4.9 < world.clock - began < 6
    assert world.stored["j"].status_description == "x: wrong"
    guilty = "Dest" if side == "look" else "Src"
    other = "Src" if side == "look" else "Dest"
    assert "Terminated" in world.events("j", guilty) and "Sibling Task Failed" in world.events("j", other)


def test_a_source_that_refuses_does_not_wait_for_a_target_that_is_good(world: World) -> None:
    world.script("j").look = refused("Src", "denied")
    began = world.clock
    post(world)
    world.reaches("j", "failed")
    assert world.clock - began < 1 and "denied" in world.stored["j"].status_description


def test_a_target_that_refuses_is_judged_without_the_checkpoint_of_a_run_before(world: World) -> None:
    """It was purged in between: the source's log of long ago is no matter of the copy that would follow."""
    world.script("j").target = "x:1-5"
    running(world)
    world.script("j").target = refused("Dest", "no room")
    applier = world.child_of("applier", "j")
    applier.end(applier.run, transient())
    world.reaches("j", "failed")
    assert [each.start_after for each in world.drivers.judged] == ["x:1-5", None]
    assert [each.target is None for each in world.drivers.judged] == [False, True]


def test_a_failed_job_is_begun_again_when_somebody_asks(world: World) -> None:
    world.script("j").target = refused("Dest", "no room")
    post(world)
    world.reaches("j", "failed")
    world.script("j").target = "full copy"
    answer = world.ask(ResumeJob("j"))
    assert answer.changed
    world.reaches("j", "running")
    assert world.stored["j"].status_description == ""


# ---- Failures ----


def test_an_error_is_history_once_a_run_has_applied_something(world: World) -> None:
    well = world.script("j").look
    world.script("j").look = transient("no route")
    post(world)
    world.until(lambda: bool(world.stored["j"].restart_history))
    assert world.stored["j"].shown_progress().last_error == "no route"
    world.script("j").look = well
    world.reaches("j", "running")
    world.until(lambda: not world.stored["j"].failing)
    assert world.stored["j"].shown_progress().last_error == ""


def test_a_table_that_changed_under_a_copy_is_read_first_by_the_next(world: World) -> None:
    script = world.script("j")
    script.reports = ({"stage": "copying"},)
    script.run_ends = Failure(FailureKind.TRANSIENT, "the definition of s.staging changed", table="s.staging")
    post(world)
    world.until(lambda: len(world.extracts) == 3)
    assert [each.settings.scope.copy_first for each in world.extracts[:2]] == [frozenset(), frozenset({"s.staging"})]


def test_a_run_that_fails_is_begun_again_after_pauses_that_grow_until_it_is_given_up(world: World) -> None:
    world.script("j").look = transient("no route")
    post(world)
    world.reaches("j", "failed")
    record = world.stored["j"]
    assert record.status_description == "given up after 4 failures in a row, the last: no route"
    assert (len(world.runs["j"]), record.restarts) == (4, 3)
    assert [each.error for each in record.restart_history] == ["no route"] * 3 + [record.status_description]
    delays = [
        event.fields["StartDelay"] / 1e9
        for event in (record.allocations[0].state.events if record.allocations[0].state else ())
        if event.type == "Restarting"
    ]
    assert delays == sorted(delays) and 0.2 <= delays[0] < 0.3 and 0.8 <= delays[-1] < 1.1


def test_a_job_may_say_itself_how_often_it_is_tried(world: World) -> None:
    world.script("j").look = transient()
    post(world, MaxRetries=1)
    world.reaches("j", "failed")
    assert len(world.runs["j"]) == 2


def test_failures_are_counted_from_the_last_run_that_applied_something(world: World) -> None:
    world.script("j").run_ends = transient()
    post(world)
    world.until(lambda: len(world.runs["j"]) > 10, 600)
    assert world.stage("j") != "failed"


def test_servers_that_do_not_answer_are_not_waited_for_without_end(world: World) -> None:
    world.script("j").look = world.script("j").target = None
    post(world, MaxRetries=0)
    world.reaches("j", "failed", 200)
    assert "did not answer in 120 s" in world.stored["j"].status_description


def test_what_is_known_of_the_source_is_told_when_the_target_never_answers(world: World) -> None:
    world.script("j").look = SourceLook(Info(), (Fault("Src", "no log", task="Src"),))
    world.script("j").target = None
    post(world)
    world.reaches("j", "failed", 200)
    assert world.stored["j"].status_description == "Src: no log"


def test_a_conflict_is_looked_into_one_by_one_and_no_longer_than_that_is_needed(world: World) -> None:
    world.script("j").run_ends = Failure(FailureKind.CONFLICT, "order")
    post(world)
    world.until(lambda: len(world.applies) == 2)
    world.script("j").run_ends = None
    assert [each.settings.serial for each in world.applies] == [False, True]
    world.script("j").reports = ({"stage": "running", "careful": False},)
    world.reaches("j", "running")
    world.run(1)
    assert not world.job("j").serial


def test_a_divergence_fails_the_job_at_once_by_the_targets_fault(world: World) -> None:
    world.script("j").run_ends = Failure(FailureKind.DIVERGENCE, "x:7: row is gone")
    post(world)
    world.reaches("j", "failed")
    assert len(world.runs["j"]) == 1
    assert "Terminated" in world.events("j", "Dest") and "Sibling Task Failed" in world.events("j", "Src")


def test_a_job_that_another_owner_has_waits_and_takes_over_when_it_may(world: World) -> None:
    world.script("j").target = Failure(FailureKind.SUPERSEDED, "another node has it")
    post(world)
    world.run(200)
    record = world.stored["j"]
    assert (record.stage, record.status_description, record.restarts) == (Stage.PENDING, "another node has it", 1)
    world.script("j").target = "x:1"
    world.reaches("j", "running")
    owners = [each.settings.owner.by_force for each in world.applies]
    assert owners[0] and world.job("j").owned


@pytest.mark.parametrize("role", ["extractor", "applier"])
def test_a_task_that_dies_is_replaced_by_the_next_run(world: World, role: str) -> None:
    running(world)
    dead = world.child_of(role, "j")
    world.kill(dead)
    world.until(lambda: len(world.runs["j"]) == 2)
    world.reaches("j", "running")
    world.run(2)
    assert world.child_of(role, "j") is not dead
    assert world.stored["j"].restart_history[-1].error == f"the {role} died"


# ---- What is late ----


def test_late_messages_of_an_earlier_run_find_nothing(world: World) -> None:
    world.script("j").look = world.script("j").target = None
    post(world)
    world.until(lambda: world.living == [("applier", "j"), ("extractor", "j")])
    applier, extractor = world.child_of("applier", "j"), world.child_of("extractor", "j")
    world.run(1)
    applier.end(applier.run, transient())
    world.until(lambda: len(world.runs["j"]) == 2)
    world.run(1)
    first, job = world.runs["j"][0], world.job("j")
    run = job.run
    late = [
        Ready(first, "x:1-9", Info()),
        RunEnded("applier", first, refused("Dest", "wrong")),
        RunEnded("applier", first, Failure(FailureKind.DIVERGENCE, "wrong")),
        Progress("applier", first, TaskReport(JobProgress(rows=9), Stage.RUNNING), world.clock),
    ]
    for message in late:
        applier.tell(message)
    extractor.tell(Probed(first, SourceLook(Info(), (Fault("Src", "wrong"),))))
    world.run(1)
    assert job.run is run and run.number > first
    assert (run.source, run.target, run.refusals, run.stage) == (None, None, [], Stage.PENDING)
    assert job.progress.rows is None and world.stage("j") == "pending"


@pytest.mark.parametrize("wake", list(Wake))
def test_a_wake_up_acts_only_for_what_it_was_asked(world: World, wake: Wake) -> None:
    """A running job is woken for every reason there is, with the numbers of its runs: it runs on."""
    world.script("j").run_ends = transient()
    post(world)
    world.until(lambda: len(world.runs["j"]) == 2)
    world.script("j").run_ends = None
    world.reaches("j", "running")
    world.run(1)
    run = world.job("j").run
    for number in world.runs["j"]:
        world.supervisor._runs.tick(Tick("j", number, wake))
    world.run(1)
    assert world.job("j").run is run and run.phase is Phase.RUNNING and len(world.runs["j"]) == 2


def test_the_pause_after_a_failure_is_not_cut_short_by_the_wake_up_of_an_earlier_one(world: World) -> None:
    world.script("j").look = transient()
    post(world)
    world.until(lambda: len(world.runs["j"]) == 3 and world.job("j").run is None)
    first, _, last = world.runs["j"]
    world.supervisor._runs.tick(Tick("j", first, Wake.RETRY))
    assert world.job("j").run is None
    world.supervisor._runs.tick(Tick("j", last, Wake.RETRY))
    assert world.job("j").run is not None


def test_a_start_that_is_overdue_does_not_break_off_a_drain(world: World) -> None:
    world.script("j").drains = "never"
    running(world)
    world.ask(PauseJob("j"))
    run = world.job("j").run
    for wake in (Wake.START_OVERDUE, Wake.OTHER_SIDE_SILENT, Wake.PURGE_OVERDUE, Wake.RETRY):
        world.supervisor._runs.tick(Tick("j", run.number, wake))
    assert world.job("j").run is run and run.phase is Phase.DRAINING
