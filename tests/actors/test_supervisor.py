"""The supervisor carries out what is asked of jobs, whatever fails meanwhile. The real one, in virtual time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.actors.small_world import Info, World, refused, small_world, transient
from udup.actors.messages import (
    Accepted,
    Actors,
    DeleteJob,
    Drain,
    Drained,
    ListActors,
    PauseJob,
    Probed,
    Progress,
    Ready,
    RegisterJob,
    Rejected,
    Rejection,
    ResumeJob,
    RunEnded,
    Tick,
    Wake,
)
from udup.actors.run import Phase
from udup.base.errors import Failure, FailureKind, Fault
from udup.jobs import DesiredState, JobProgress, JobRecord, Stage
from udup.jobs.progress import TaskReport
from udup.pipeline.ports import SourceLook


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[World]:
    with small_world(monkeypatch, tmp_path) as made:
        yield made


def _post(world: World, job_id: str = "j", kind: str = "synchronous", **config: object) -> Accepted:
    answer = world.ask(RegisterJob(world.document(job_id, kind, **config), None))
    assert isinstance(answer, Accepted), answer
    return answer


def _running(world: World, job_id: str = "j", **config: object) -> None:
    _post(world, job_id, **config)
    world.reaches(job_id, "running")


# ---- Runs ----


def test_a_job_that_is_posted_is_stored_then_answered_then_carried_out(world: World) -> None:
    answer = _post(world)
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
    _running(world)
    [judged] = world.drivers.judged
    assert judged.start_after == "x:1-5" and world.job("j").run.looks == 2
    [extract] = world.extracts
    assert (extract.settings.start_after, extract.settings.source_uuid) == ("x:1-5", "u")
    assert extract.settings.stamps == f"stamps of {extract.run}"


def test_names_are_folded_where_the_source_folds_them(world: World) -> None:
    world.script("j").look = SourceLook(Info(folds_names=True))
    _running(world)
    scope = world.extracts[0].settings.scope
    assert scope.fold_names and scope.selection.folds


def test_what_the_servers_warn_of_is_shown_with_what_the_tasks_tell(world: World) -> None:
    world.drivers.warned = ["the log is short"]
    world.script("j").reports = (
        {"stage": "catching_up", "told": ("made otherwise",)},
        {"stage": "running", "stale_views": ["s.v"], "copy_warnings": ["c"], "told": ("made otherwise",)},
    )
    _running(world)
    world.run(2)
    assert world.shown["j"].warnings == ["the log is short", "s.v", "c", "made otherwise"]


# ---- Refusals ----


def test_what_both_sides_refuse_is_told_at_once(world: World) -> None:
    world.script("j").look = SourceLook(Info(), (Fault("Src s:1", "no log", task="Src"),))
    world.script("j").target = refused("Dest t:1", "no room")
    began = world.clock
    _post(world)
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
    _post(world)
    world.reaches("j", "failed")
    assert 4.9 < world.clock - began < 6
    assert world.stored["j"].status_description == "x: wrong"
    guilty = "Dest" if side == "look" else "Src"
    other = "Src" if side == "look" else "Dest"
    assert "Terminated" in world.events("j", guilty) and "Sibling Task Failed" in world.events("j", other)


def test_a_source_that_refuses_does_not_wait_for_a_target_that_is_good(world: World) -> None:
    world.script("j").look = refused("Src", "denied")
    began = world.clock
    _post(world)
    world.reaches("j", "failed")
    assert world.clock - began < 1 and "denied" in world.stored["j"].status_description


def test_a_target_that_refuses_is_judged_without_the_checkpoint_of_a_run_before(world: World) -> None:
    """It was purged in between: the source's log of long ago is no matter of the copy that would follow."""
    world.script("j").target = "x:1-5"
    _running(world)
    world.script("j").target = refused("Dest", "no room")
    applier = world.child_of("applier", "j")
    applier.end(applier.run, transient())
    world.reaches("j", "failed")
    assert [each.start_after for each in world.drivers.judged] == ["x:1-5", None]
    assert [each.target is None for each in world.drivers.judged] == [False, True]


def test_a_failed_job_is_begun_again_when_somebody_asks(world: World) -> None:
    world.script("j").target = refused("Dest", "no room")
    _post(world)
    world.reaches("j", "failed")
    world.script("j").target = "full copy"
    answer = world.ask(ResumeJob("j"))
    assert answer.changed
    world.reaches("j", "running")
    assert world.stored["j"].status_description == ""


# ---- Failures ----


def test_a_run_that_fails_is_begun_again_after_pauses_that_grow_until_it_is_given_up(world: World) -> None:
    world.script("j").look = transient("no route")
    _post(world)
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
    _post(world, MaxRetries=1)
    world.reaches("j", "failed")
    assert len(world.runs["j"]) == 2


def test_failures_are_counted_from_the_last_run_that_applied_something(world: World) -> None:
    world.script("j").run_ends = transient()
    _post(world)
    world.until(lambda: len(world.runs["j"]) > 10, 600)
    assert world.stage("j") != "failed"


def test_servers_that_do_not_answer_are_not_waited_for_without_end(world: World) -> None:
    world.script("j").look = world.script("j").target = None
    _post(world, MaxRetries=0)
    world.reaches("j", "failed", 200)
    assert "did not answer in 120 s" in world.stored["j"].status_description


def test_what_is_known_of_the_source_is_told_when_the_target_never_answers(world: World) -> None:
    world.script("j").look = SourceLook(Info(), (Fault("Src", "no log", task="Src"),))
    world.script("j").target = None
    _post(world)
    world.reaches("j", "failed", 200)
    assert world.stored["j"].status_description == "Src: no log"


def test_a_conflict_is_looked_into_one_by_one_and_no_longer_than_that_is_needed(world: World) -> None:
    world.script("j").run_ends = Failure(FailureKind.CONFLICT, "order")
    _post(world)
    world.until(lambda: len(world.applies) == 2)
    world.script("j").run_ends = None
    assert [each.settings.serial for each in world.applies] == [False, True]
    world.script("j").reports = ({"stage": "running", "careful": False},)
    world.reaches("j", "running")
    world.run(1)
    assert not world.job("j").serial


def test_a_divergence_fails_the_job_at_once_by_the_targets_fault(world: World) -> None:
    world.script("j").run_ends = Failure(FailureKind.DIVERGENCE, "x:7: row is gone")
    _post(world)
    world.reaches("j", "failed")
    assert len(world.runs["j"]) == 1
    assert "Terminated" in world.events("j", "Dest") and "Sibling Task Failed" in world.events("j", "Src")


def test_a_job_that_another_owner_has_waits_and_takes_over_when_it_may(world: World) -> None:
    world.script("j").target = Failure(FailureKind.SUPERSEDED, "another node has it")
    _post(world)
    world.run(200)
    record = world.stored["j"]
    assert (record.stage, record.status_description, record.restarts) == (Stage.PENDING, "another node has it", 1)
    world.script("j").target = "x:1"
    world.reaches("j", "running")
    owners = [each.settings.owner.by_force for each in world.applies]
    assert owners[0] and world.job("j").owned


@pytest.mark.parametrize("role", ["extractor", "applier"])
def test_a_task_that_dies_is_replaced_by_the_next_run(world: World, role: str) -> None:
    _running(world)
    dead = world.child_of(role, "j")
    world.kill(dead)
    world.until(lambda: len(world.runs["j"]) == 2)
    world.reaches("j", "running")
    world.run(2)
    assert world.child_of(role, "j") is not dead
    assert world.stored["j"].restart_history[-1].error == f"the {role} died"


# ---- What is asked of jobs ----


def test_a_pause_ends_the_run_at_a_boundary_and_a_resume_goes_on(world: World) -> None:
    _running(world)
    assert world.ask(PauseJob("j")).changed
    world.reaches("j", "paused")
    world.until(lambda: world.living == [])
    assert not world.ask(PauseJob("j")).changed, "a second pause changes nothing"
    assert world.ask(ResumeJob("j")).changed
    world.reaches("j", "running")
    assert not world.ask(ResumeJob("j")).changed
    assert "Killed" in world.events("j", "Dest") and world.events("j", "Dest")[-1] == "Started"


def test_a_run_that_has_not_heard_of_a_pause_before_it_is_resumed_goes_on_as_it_was(world: World) -> None:
    _running(world)
    run = world.job("j").run
    world.send(PauseJob("j"))
    world.until(lambda: world.job("j").record.desired == DesiredState.PAUSE)
    world.supervisor._commands.execute(ResumeJob("j"), lambda _answer: None)
    world.run(5)
    assert world.job("j").run is run and (run.phase, world.stage("j")) == (Phase.RUNNING, "running")


def test_a_boundary_that_is_not_reached_is_not_waited_for_without_end(world: World) -> None:
    world.script("j").drains = "never"
    _running(world)
    world.ask(PauseJob("j"))
    began = world.clock
    world.reaches("j", "paused")
    assert 9.9 < world.clock - began < 11


@pytest.mark.parametrize("role", ["extractor", "applier"])
def test_a_task_that_dies_while_its_run_drains_does_not_hold_the_pause(world: World, role: str) -> None:
    world.script("j").drains = "never"
    _running(world)
    world.ask(PauseJob("j"))
    world.until(lambda: world.job("j").run.phase is Phase.DRAINING)
    world.kill(world.child_of(role, "j"))
    world.reaches("j", "paused")
    assert len(world.runs["j"]) == 1


def test_a_pause_in_the_middle_of_a_copy_ends_it_at_once(world: World) -> None:
    world.script("j").reports = ({"stage": "copying"},)
    world.script("j").drains = "never"
    _post(world)
    world.reaches("j", "copying")
    began = world.clock
    world.ask(PauseJob("j"))
    world.reaches("j", "paused")
    assert world.clock - began < 1


def test_a_pause_during_the_pause_after_a_failure_ends_both(world: World) -> None:
    world.script("j").look = transient()
    _post(world)
    world.until(lambda: len(world.runs["j"]) == 3 and world.job("j").run is None)
    world.ask(PauseJob("j"))
    world.reaches("j", "paused")
    world.run(30)
    assert len(world.runs["j"]) == 3 and world.stage("j") == "paused"


def test_another_document_drains_the_run_and_begins_one_that_goes_by_it(world: World) -> None:
    _running(world)
    before = world.stored["j"]
    _post(world, ParallelWorkers=7)
    world.until(lambda: len(world.applies) == 2)
    assert [each.settings.workers for each in world.applies] == [4, 7]
    world.reaches("j", "running")
    after = world.stored["j"]
    assert (after.create_index, after.incarnation) == (before.create_index, before.incarnation)
    assert after.job_modify_index > before.job_modify_index


def test_another_document_for_a_run_that_still_starts_is_gone_by_as_well(world: World) -> None:
    world.script("j").look = None
    _post(world)
    world.until(lambda: bool(world.applies))
    world.script("j").look = SourceLook(Info())
    _post(world, ParallelWorkers=7)
    world.reaches("j", "running")
    assert world.extracts[-1].settings.workers == 7


def test_an_index_that_does_not_hold_any_more_is_told(world: World) -> None:
    _post(world)
    answer = world.ask(RegisterJob(world.document("j"), 0))
    assert isinstance(answer, Rejected) and answer.reason is Rejection.INDEX_CONFLICT
    assert "already exists" in answer.failure.text


def test_a_document_that_is_no_job_is_refused_with_its_faults(world: World) -> None:
    answer = world.ask(RegisterJob({"ID": "j"}, None))
    assert isinstance(answer, Rejected) and answer.reason is Rejection.REFUSED and answer.failure.faults
    assert isinstance(world.ask(PauseJob("j")), Rejected)
    assert world.answers[-1].reason is Rejection.UNKNOWN_JOB  # type: ignore[attr-defined]


def test_a_deleted_job_leaves_nothing_and_may_come_again(world: World) -> None:
    _running(world)
    answer = world.ask(DeleteJob("j"))
    assert isinstance(answer, Accepted) and world.gone[-1].id == answer.eval_id
    world.run(1)
    assert world.is_empty() and not world.purged
    assert isinstance(world.ask(DeleteJob("j")), Accepted), "nobody misses it"
    _running(world)


def test_a_purge_drains_the_run_removes_the_checkpoint_and_is_answered_then(world: World) -> None:
    _running(world)
    answer = world.ask(DeleteJob("j", purge=True))
    assert isinstance(answer, Accepted) and world.purged == ["j"]
    world.run(1)
    assert world.is_empty()


def test_while_a_job_is_purged_nothing_else_is_done_with_it(world: World) -> None:
    _running(world)
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
    _running(world)
    world.script("j").purge = failure
    answer = world.ask(DeleteJob("j", purge=True), 200)
    assert isinstance(answer, Rejected) and answer.reason is (reason or Rejection.NOT_NOW)
    assert "was not deleted" in answer.failure.text and answer.failure.faults
    world.until(lambda: world.stored["j"].desired == DesiredState.RUN)
    world.reaches("j", "running")
    world.script("j").purge = None
    assert isinstance(world.ask(DeleteJob("j", purge=True)), Accepted)


def test_a_purge_of_a_paused_job_that_fails_leaves_it_paused(world: World) -> None:
    _running(world)
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
    _post(world, "one")
    answer = world.ask(RegisterJob(world.document("two"), None))
    assert isinstance(answer, Rejected) and "takes no more" in answer.failure.text
    assert sorted(world.supervisor._jobs) == ["one"]


# ---- Migrations ----


def test_a_migration_that_is_level_is_drained_and_complete(world: World) -> None:
    _post(world, kind="migration")
    world.reaches("j", "completed")
    assert world.living == [] and len(world.runs["j"]) == 1
    assert world.stored["j"].progress.level is True
    assert not world.ask(PauseJob("j")).changed
    world.run(60)
    assert world.stage("j") == "completed"


def test_a_migration_whose_end_fails_is_not_complete_and_tries_again(world: World) -> None:
    world.script("j").drains = transient()
    _post(world, kind="migration")
    world.until(lambda: len(world.runs["j"]) == 2)
    assert world.stage("j") != "completed"
    world.script("j").drains = None
    world.reaches("j", "completed")


def test_another_document_for_a_migration_that_is_about_to_complete_comes_first(world: World) -> None:
    world.script("j").drains = "never"
    _post(world, kind="migration")
    world.until(lambda: world.job("j").run is not None and world.job("j").run.phase is Phase.DRAINING)
    _post(world, kind="migration", ParallelWorkers=7)
    world.script("j").drains = None
    world.until(lambda: len(world.applies) == 2, 30)
    assert world.applies[-1].settings.workers == 7
    world.reaches("j", "completed")


# ---- The store, and the server's life ----


def test_a_store_keeper_that_dies_is_replaced_and_given_what_it_has_not_written(world: World) -> None:
    store = next(child for child in world.children if child.role == "store")
    world.kill(store)
    _running(world)
    assert world.stage("j") == "running"
    keepers = [child for child in world.children if child.role == "store" and child.alive]
    assert len(keepers) == 1 and keepers[0] is not store
    assert [type(each) for each in world.answers] == [Accepted], "answered once"


def test_before_the_store_is_read_a_command_is_to_come_again(world: World) -> None:
    world.start(opens=False)
    answer = world.ask(PauseJob("j"), 1)
    assert isinstance(answer, Rejected) and answer.reason is Rejection.NOT_OPEN


def test_a_supervisor_that_comes_back_carries_everything_on(world: World) -> None:
    for job_id in ("runs", "paused", "failed", "purged"):
        _running(world, job_id)
    world.ask(PauseJob("paused"))
    world.reaches("paused", "paused")
    broken = world.child_of("applier", "failed")
    broken.end(broken.run, Failure(FailureKind.DIVERGENCE, "x"))
    world.reaches("failed", "failed")
    world.script("purged").purge = "never"
    world.send(DeleteJob("purged", purge=True))
    world.until(lambda: world.stored["purged"].desired == DesiredState.STOP)
    world.script("purged").purge = None
    before = world.runs["runs"][-1]
    world.start()
    world.until(lambda: world.runs["runs"][-1] > before and "purged" not in world.stored)
    world.reaches("runs", "running")
    world.run(10)
    assert world.living == [("applier", "runs"), ("extractor", "runs")]
    assert (world.stage("paused"), world.stage("failed"), world.purged) == ("paused", "failed", ["purged"])
    assert world.stored["runs"].evaluations[-1].triggered_by == "node-update"


def test_what_this_version_does_not_understand_is_kept_and_can_be_deleted(world: World) -> None:
    world.stored["odd"] = JobRecord(id="odd", document={"Name": "odd", "Type": "of tomorrow"})
    world.start()
    world.run(1)
    assert "odd" in world.stored and not world.supervisor._jobs
    assert isinstance(world.ask(DeleteJob("odd")), Accepted)
    world.run(1)
    assert world.is_empty()


def test_a_server_that_ends_waits_until_every_run_has_reached_a_boundary(world: World) -> None:
    _running(world, "a")
    _running(world, "b")
    world.script("c").reports = ({"stage": "copying"},)
    _post(world, "c")
    world.reaches("c", "copying")
    world.send(Drain())  # type: ignore[arg-type]
    world.until(lambda: isinstance(world.answers[-1], Drained))
    assert all(job.run is None for job in world.supervisor._jobs.values())
    world.run(60)
    assert [type(each) for each in world.answers].count(Drained) == 1
    assert {job.stage for job in world.stored.values()} == {Stage.RUNNING, Stage.COPYING}, "they go on when it is back"


def test_a_server_with_many_jobs_begins_a_few_at_a_time_and_forgets_none(world: World) -> None:
    for number in range(40):
        _post(world, f"j{number}")
    world.start()
    peak = 0
    for _ in range(2000):
        world.run(0.005)
        starting = [job.run for job in world.supervisor._jobs.values() if job.run and job.run.phase is Phase.STARTING]
        peak = max(peak, len(starting))
    assert 0 < peak <= 8
    world.until(lambda: all(record.stage is Stage.RUNNING for record in world.stored.values()), 120)


def test_who_works_for_which_job_is_listed_with_how_often_it_was_replaced(world: World) -> None:
    _running(world)
    world.kill(world.child_of("extractor", "j"))
    world.until(lambda: len(world.runs["j"]) == 2)
    world.reaches("j", "running")
    listed = world.ask(ListActors())  # type: ignore[arg-type]
    assert isinstance(listed, Actors)
    found = {(place.role, place.job_id): (place.restarts, place.busy) for place in listed.actors}
    assert found[("extractor", "j")] == (1, True) and found[("applier", "j")] == (0, True)
    assert {role for role, _ in found} == {"supervisor", "store", "extractor", "applier", "worker"}


# ---- What is late ----


def test_late_messages_of_an_earlier_run_find_nothing(world: World) -> None:
    world.script("j").look = world.script("j").target = None
    _post(world)
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
    _post(world)
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
    _post(world)
    world.until(lambda: len(world.runs["j"]) == 3 and world.job("j").run is None)
    first, _, last = world.runs["j"]
    world.supervisor._runs.tick(Tick("j", first, Wake.RETRY))
    assert world.job("j").run is None
    world.supervisor._runs.tick(Tick("j", last, Wake.RETRY))
    assert world.job("j").run is not None


def test_a_start_that_is_overdue_does_not_break_off_a_drain(world: World) -> None:
    world.script("j").drains = "never"
    _running(world)
    world.ask(PauseJob("j"))
    run = world.job("j").run
    for wake in (Wake.START_OVERDUE, Wake.OTHER_SIDE_SILENT, Wake.PURGE_OVERDUE, Wake.RETRY):
        world.supervisor._runs.tick(Tick("j", run.number, wake))
    assert world.job("j").run is run and run.phase is Phase.DRAINING


# ---- Errors in Udup itself ----


def test_an_error_in_udup_fails_the_job_concerned_and_no_other(world: World) -> None:
    _running(world, "good")
    world.drivers.broken = RuntimeError("a bug")
    _post(world, "bad")
    world.reaches("bad", "failed")
    assert "an error in Udup itself: RuntimeError: a bug" in world.stored["bad"].status_description
    assert world.stage("good") == "running" and ("applier", "good") in world.living
    world.drivers.broken = None
    world.ask(ResumeJob("bad"))
    world.reaches("bad", "running")


def test_what_the_machine_lacks_for_a_moment_ends_a_run_and_no_job(world: World) -> None:
    world.drivers.broken = BlockingIOError(11, "Resource temporarily unavailable")
    _post(world)
    world.until(lambda: len(world.runs["j"]) > 1)
    world.until(lambda: bool(world.stored["j"].restart_history))
    assert "this machine: BlockingIOError" in world.stored["j"].restart_history[-1].error
    world.drivers.broken = None
    world.reaches("j", "running")


def test_a_run_that_has_told_nothing_leaves_what_was_shown_before(world: World) -> None:
    """Its age is told then; what is empty would be taken for news."""
    world.stored["j"] = JobRecord(
        id="j",
        document=world.document("j"),
        stage=Stage.RUNNING,
        progress=JobProgress(lag_ms=3, level=True),
    )
    world.script("j").look = transient()
    world.start()
    world.until(lambda: len(world.runs["j"]) > 1)
    assert "j" not in world.shown


def test_a_command_that_meets_an_error_in_udup_is_answered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _running(world)
    monkeypatch.setattr(world.supervisor._commands, "_pause", lambda *_: 1 / 0)
    answer = world.ask(PauseJob("j"))
    assert isinstance(answer, Rejected) and answer.reason is Rejection.INTERNAL
    assert "ZeroDivisionError" in answer.failure.text
    assert world.stage("j") == "running"


def test_a_task_that_cannot_handle_a_message_ends_its_run(world: World) -> None:
    """What the shells say of it; see test_reports_of_runs.py."""
    _running(world)
    extractor = world.child_of("extractor", "j")
    extractor.tell(RunEnded("extractor", extractor.run, Failure.of(ValueError("a bug"))))
    world.reaches("j", "failed")
    assert "Terminated" in world.events("j", "Src")
