"""What is kept of a job's life: each happening, and what the allocations and evaluations say after it."""

from __future__ import annotations

import pytest

from udup.base.errors import Failure, FailureKind
from udup.jobs import DesiredState, JobRecord, TaskType, history
from udup.jobs.allocation import (
    MAX_ALLOCATIONS,
    MAX_EVALUATIONS,
    MAX_EVENTS,
    Allocation,
    ClientStatus,
    TaskLife,
    Trigger,
)
from udup.jobs.outage import Outage
from udup.jobs.record import MAX_RESTARTS
from udup.jobs.stopped import Stopped

SRC, DEST = TaskType.SRC, TaskType.DEST


@pytest.fixture
def placed() -> JobRecord:
    """A job of index 6 as it is stored when it came: its evaluation has 7."""
    record = JobRecord(id="one", document={"type": "migration"}, create_index=6, job_modify_index=6)
    return history.numbered(history.registered(record, None, 1), None, 6)[0]


def _events(allocation: Allocation) -> list[str]:
    assert allocation.state is not None
    return [event.type.value for event in allocation.state.events]


def _of(record: JobRecord, task: TaskType) -> Allocation:
    return [each for each in record.allocations if each.task == task][-1]


def _said(allocation: Allocation) -> tuple[str, str, bool, str]:
    assert allocation.state is not None
    return allocation.desired, allocation.client, allocation.state.failed, allocation.state.state


def test_a_job_that_comes_is_evaluated_and_placed(placed: JobRecord) -> None:
    (evaluation,) = placed.evaluations
    assert (evaluation.triggered_by, evaluation.job_type) == (Trigger.REGISTER, "migration")
    assert (evaluation.create_index, evaluation.job_modify_index, placed.modify_index) == (7, 6, 6)
    assert [(each.task, each.eval_id, each.create_index) for each in placed.allocations] == [
        ("Src", evaluation.id, 7),
        ("Dest", evaluation.id, 7),
    ]
    running = history.started(placed, 2)
    for each in running.allocations:
        assert _events(each) == ["Received", "Started"]
        assert _said(each) == (DesiredState.RUN, ClientStatus.RUNNING, False, TaskLife.RUNNING)


def test_only_what_has_changed_gets_a_new_index(placed: JobRecord) -> None:
    failed = history.run_failed(placed, (SRC,), "gone", 200, 3)
    source = failed.allocations[0]
    half = placed.model_copy(update={"allocations": (source, placed.allocations[1])})
    stored, last = history.numbered(half, placed, 9)
    assert (last, stored.modify_index) == (9, 9)
    assert [each.modify_index for each in stored.allocations] == [9, 7]
    assert [each.create_index for each in stored.allocations] == [7, 7]
    again, last = history.numbered(history.pause_wanted(stored, 4), stored, 10)
    assert (last, again.evaluations[-1].create_index) == (11, 11)
    assert history.numbered(again, again, 12)[0].allocations == again.allocations


def test_a_run_that_fails_restarts_both_tasks_and_is_remembered(placed: JobRecord) -> None:
    failed = history.run_failed(history.started(placed, 2), (DEST,), "the target is gone", 200_000_000, 3)
    assert _events(_of(failed, SRC))[2:] == ["Restarting"]
    assert _events(_of(failed, DEST))[2:] == ["Terminated", "Restarting"]
    state = _of(failed, DEST).state
    assert state is not None
    ended, again = state.events[2:]
    assert ended.fields == {"ExitCode": 1, "Message": "the target is gone"}
    assert again.fields == {"StartDelay": 200_000_000, "RestartReason": "Restart within policy"}
    assert (failed.restarts, failed.restart_history[0].error) == (1, "the target is gone")
    assert failed.shown_progress().last_error == "the target is gone"


def test_a_failure_is_dated_and_shown_until_a_run_has_done_something(placed: JobRecord) -> None:
    failed = history.run_failed(history.started(placed, 2), (DEST,), "the target is gone", 200_000_000, 3_000_000_007)
    shown = failed.shown_progress()
    assert (shown.last_error, shown.last_error_time) == ("the target is gone", "1970-01-01T00:00:03Z")
    shown = history.recovered(failed).shown_progress()
    assert (shown.last_error, shown.last_error_time, shown.restarts) == ("", None, 1)
    assert shown.restart_history is not None
    assert [(each.time_ns, each.error) for each in shown.restart_history] == [(3_000_000_007, "the target is gone")]
    assert history.resumed(failed, 4).shown_progress().last_error == ""
    given_up = history.given_up(history.recovered(failed), (SRC,), Failure(FailureKind.REFUSED, "no such schema"), 9)
    assert given_up.shown_progress().last_error == "no such schema"


def test_a_job_that_is_given_up_blames_the_task_at_fault_and_may_be_resumed(placed: JobRecord) -> None:
    failed = history.given_up(history.started(placed, 2), (SRC,), Failure(FailureKind.REFUSED, "no such schema"), 3)
    assert _said(_of(failed, SRC)) == (DesiredState.RUN, ClientStatus.FAILED, True, TaskLife.DEAD)
    assert _said(_of(failed, DEST)) == (DesiredState.RUN, ClientStatus.COMPLETE, False, TaskLife.DEAD)
    assert _events(_of(failed, SRC))[2:] == ["Terminated", "Not Restarting"]
    assert _events(_of(failed, DEST))[2:] == ["Sibling Task Failed"]
    paused = history.paused(history.pause_wanted(failed, 4), 5)
    assert paused.allocations == failed.allocations, "what has ended stays as it is"
    resumed = history.resumed(paused, 6)
    assert resumed.allocations[:2] == failed.allocations and len(resumed.allocations) == 4
    assert len(history.live(resumed)) == 2


def test_a_paused_job_keeps_its_allocations(placed: JobRecord) -> None:
    running = history.started(placed, 2)
    paused = history.paused(history.pause_wanted(running, 3), 4)
    for each in paused.allocations:
        assert _said(each) == (DesiredState.PAUSE, ClientStatus.RUNNING, False, TaskLife.RUNNING)
        assert _events(each)[2:] == ["Killing", "Killed"]
    resumed = history.started(history.resumed(paused, 5), 6)
    assert [each.id for each in resumed.allocations] == [each.id for each in placed.allocations]
    for each in resumed.allocations:
        assert (each.desired, _events(each)[4:]) == (DesiredState.RUN, ["Received", "Started"])
    triggers = [each.triggered_by for each in resumed.evaluations]
    assert triggers == [Trigger.REGISTER, Trigger.PAUSE, Trigger.RESUME]


def test_a_migration_that_is_done_has_not_failed(placed: JobRecord) -> None:
    done = history.completed(history.started(placed, 2), 3)
    for each in done.allocations:
        assert _said(each) == (DesiredState.RUN, ClientStatus.COMPLETE, False, TaskLife.DEAD)
        assert each.state is not None
        assert (each.state.finished_ns, each.state.events[-1].fields) == (3, {"ExitCode": 0})


def test_a_job_that_is_done_waits_for_nothing_and_has_no_failure_any_more(placed: JobRecord) -> None:
    waits = Outage(why="gone", since=1.0, next_try=2.0)
    stopped = Stopped(time_ns=1, kind=FailureKind.UNAVAILABLE, text="gone")
    before = placed.model_copy(update={"outage": waits, "stopped": stopped, "failing": True})
    done = history.completed(before, 3)
    assert (done.outage, done.stopped, done.failing) == (None, None, False)


def test_a_replaced_job_is_placed_anew_and_a_deleted_one_leaves_a_word(placed: JobRecord) -> None:
    other = JobRecord(id="one", document={}, create_index=6, job_modify_index=9)
    replaced = history.registered(other, history.started(placed, 2), 3)
    old, new = replaced.allocations[:2], replaced.allocations[2:]
    assert all(_said(each) == (DesiredState.STOP, ClientStatus.COMPLETE, False, TaskLife.DEAD) for each in old)
    assert {each.eval_id for each in new} == {replaced.evaluations[-1].id} and history.live(replaced) == new
    word = history.deregistered(replaced)
    assert (word.triggered_by, word.job_id, word.job_type) == (Trigger.DEREGISTER, "one", "synchronous")


def test_a_server_that_comes_back_carries_its_jobs_on(placed: JobRecord) -> None:
    back = history.node_started(history.started(placed, 2), 3)
    assert back.evaluations[-1].triggered_by == Trigger.NODE_UPDATE
    assert all(_events(each) == ["Received", "Started", "Received"] for each in back.allocations)
    ended = history.completed(placed, 3)
    assert len(history.node_started(ended, 4).allocations) == 4


def test_nothing_grows_without_bound(placed: JobRecord) -> None:
    record = placed
    for number in range(30):
        record = history.run_failed(history.started(record, number), (SRC, DEST), "x" * 5000, 1, number)
    for number in range(30):
        record = history.resumed(history.given_up(record, (SRC,), Failure(FailureKind.DIVERGENCE, "y"), number), number)
    assert len(record.allocations) == MAX_ALLOCATIONS and len(record.evaluations) == MAX_EVALUATIONS
    assert len(record.restart_history) == MAX_RESTARTS and record.restarts == 30
    assert max(len(_events(each)) for each in record.allocations) <= MAX_EVENTS
    assert len(record.to_json()) < 100_000
    assert JobRecord.from_json(record.to_json()) == record


def test_what_another_node_takes_over_is_placed_anew_and_says_what_it_replaces(placed: JobRecord) -> None:
    here, there = {"Src": "a", "Dest": "a"}, {"Src": "b", "Dest": "b"}
    record = history.started(history.on_nodes(placed, here), 2)
    assert {each.node for each in record.allocations} == {"a"}
    assert len(history.node_started(record, 3, here).allocations) == 2, "its own node came back"
    taken = history.on_nodes(history.node_started(record, 3, there, lost=True), there)
    old, new = taken.allocations[:2], taken.allocations[2:]
    assert taken.evaluations[-1].triggered_by == Trigger.NODE_UPDATE
    assert [(each.lost, each.node, each.desired) for each in old] == [(True, "a", DesiredState.STOP)] * 2
    assert "lost" in old[0].client_description and "node b" in old[0].client_description
    assert [each.previous for each in new] == [each.id for each in old] and history.live(taken) == new
    assert {(each.node, each.eval_id) for each in new} == {("b", taken.evaluations[-1].id)}
    moved = history.node_started(taken, 4, {"Src": "b", "Dest": "a"})
    assert [(each.task, each.previous) for each in moved.allocations[4:]] == [("Dest", new[1].id)], "that which moved"
    assert not moved.allocations[3].lost and moved.allocations[2] in history.live(
        taken.model_copy(update={"allocations": moved.allocations})
    )
