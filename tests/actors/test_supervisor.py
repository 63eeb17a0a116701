"""The supervisor keeps what is stored of jobs through its own life and others' deaths. In virtual time."""

from __future__ import annotations

import pytest

from tests.actors.conftest import post, running
from tests.actors.small_world import World, transient
from tests.jobs.newer_records import newer_record
from udup.actors.job import Job
from udup.actors.messages import (
    Accepted,
    Actors,
    Ailments,
    AskAilments,
    DeleteJob,
    Drain,
    Drained,
    ListActors,
    PauseJob,
    RegisterJob,
    Rejected,
    Rejection,
    ResumeJob,
    RunEnded,
)
from udup.actors.run import Phase
from udup.actors.store_messages import NotSaved, Save, StoreRefuses
from udup.actors.supervisor import JobSupervisor
from udup.base import runtime
from udup.base.errors import Failure, FailureKind
from udup.jobs import DesiredState, JobProgress, JobRecord, Stage, history
from udup.jobs.unread import read_record

# ---- The store, and the server's life ----


def test_a_store_keeper_that_dies_is_replaced_and_given_what_it_has_not_written(world: World) -> None:
    store = next(child for child in world.children if child.role == "store")
    world.kill(store)
    running(world)
    assert world.stage("j") == "running"
    keepers = [child for child in world.children if child.role == "store" and child.alive]
    assert len(keepers) == 1 and keepers[0] is not store
    assert [type(each) for each in world.answers] == [Accepted], "answered once"


def test_before_the_store_is_read_a_command_is_to_come_again(world: World) -> None:
    world.start(opens=False)
    answer = world.ask(PauseJob("j"), 1)
    assert isinstance(answer, Rejected) and answer.reason is Rejection.NOT_OPEN


def test_a_job_that_a_newer_version_wrote_is_left_alone_and_keeps_no_other_from_running(world: World) -> None:
    running(world, "j")
    newer = {**newer_record("n"), "stage": "rewinding"}
    world.stored["n"] = unread = read_record(newer, "key")
    world.start()
    world.reaches("j", "running")
    assert world.stored["n"] is unread and ("applier", "n") not in world.living
    for command in (RegisterJob(newer["document"], None), PauseJob("n"), ResumeJob("n")):
        answer = world.ask(command)
        assert isinstance(answer, Rejected) and answer.reason is Rejection.INDEX_CONFLICT
        assert "stage: " in answer.failure.text and "start the version that wrote it" in answer.failure.text
    assert world.stored["n"] is unread
    assert isinstance(world.ask(DeleteJob("n")), Accepted) and "n" not in world.stored
    post(world, "n")
    world.reaches("n", "running")


def test_fields_that_a_newer_version_wrote_survive_another_document(world: World) -> None:
    running(world, "j")
    world.ask(PauseJob("j"))
    world.reaches("j", "paused")
    world.stored["j"] = world.stored["j"].model_copy(update={"new_field": {"a": 1}})
    world.start()
    post(world, "j", ParallelWorkers=7)
    assert world.stored["j"].model_extra == {"new_field": {"a": 1}} and world.stored["j"].posted.number == 2


def test_a_supervisor_that_comes_back_carries_everything_on(world: World) -> None:
    for job_id in ("runs", "paused", "failed", "purged"):
        running(world, job_id)
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


def test_a_stored_job_with_unknown_keys_runs_and_the_log_names_them(world: World) -> None:
    document = world.document("old", ReplicateIgnoreDbs=["x"]) | {"Notes": 1}
    world.stored["old"] = JobRecord(id="old", document=document)
    world.start()
    world.reaches("old", "running")
    (warned,) = [event for event in world.logged if event["event"] == "job_has_unknown_keys"]
    assert warned["job"] == "old" and "Tasks[0].Config.ReplicateIgnoreDbs" in warned["keys"]
    answer = world.ask(RegisterJob(document, None))
    assert isinstance(answer, Rejected) and "did you mean ReplicateIgnoreDb?" in answer.failure.text


def test_a_server_that_ends_waits_until_every_run_has_reached_a_boundary(world: World) -> None:
    running(world, "a")
    running(world, "b")
    world.script("c").reports = ({"stage": "copying"},)
    post(world, "c")
    world.reaches("c", "copying")
    world.send(Drain())  # type: ignore[arg-type]
    world.until(lambda: isinstance(world.answers[-1], Drained))
    assert all(job.run is None for job in world.supervisor._jobs.values())
    world.run(60)
    assert [type(each) for each in world.answers].count(Drained) == 1
    assert {job.stage for job in world.stored.values()} == {Stage.RUNNING, Stage.COPYING}, "they go on when it is back"


def test_a_server_with_many_jobs_begins_a_few_at_a_time_and_forgets_none(world: World) -> None:
    for number in range(40):
        post(world, f"j{number}")
    world.start()
    peak = 0
    for _ in range(2000):
        world.run(0.005)
        starting = [job.run for job in world.supervisor._jobs.values() if job.run and job.run.phase is Phase.STARTING]
        peak = max(peak, len(starting))
    assert 0 < peak <= 8
    world.until(lambda: all(record.stage is Stage.RUNNING for record in world.stored.values()), 120)


def test_who_works_for_which_job_is_listed_with_how_often_it_was_replaced(world: World) -> None:
    running(world)
    world.kill(world.child_of("extractor", "j"))
    world.until(lambda: len(world.runs["j"]) == 2)
    world.reaches("j", "running")
    listed = world.ask(ListActors())  # type: ignore[arg-type]
    assert isinstance(listed, Actors)
    found = {(place.role, place.job_id): (place.restarts, place.busy) for place in listed.actors}
    assert found[("extractor", "j")] == (1, True) and found[("applier", "j")] == (0, True)
    assert {role for role, _ in found} == {"supervisor", "store", "extractor", "applier"}


# ---- Errors in Udup itself ----


def test_an_error_in_udup_fails_the_job_concerned_and_no_other(world: World) -> None:
    running(world, "good")
    world.drivers.broken = RuntimeError("a bug")
    post(world, "bad")
    world.reaches("bad", "failed")
    assert "an error in Udup itself: RuntimeError: a bug" in world.stored["bad"].status_description
    assert world.stage("good") == "running" and ("applier", "good") in world.living
    world.drivers.broken = None
    world.ask(ResumeJob("bad"))
    world.reaches("bad", "running")


def test_what_the_machine_lacks_for_a_moment_ends_a_run_and_no_job(world: World) -> None:
    world.drivers.broken = BlockingIOError(11, "Resource temporarily unavailable")
    post(world)
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
    running(world)
    monkeypatch.setattr(world.supervisor._commands, "_pause", lambda *_: 1 / 0)
    answer = world.ask(PauseJob("j"))
    assert isinstance(answer, Rejected) and answer.reason is Rejection.INTERNAL
    assert "ZeroDivisionError" in answer.failure.text
    assert world.stage("j") == "running"


def test_a_task_that_cannot_handle_a_message_ends_its_run(world: World) -> None:
    """What the shells say of it; see test_reports_of_runs.py."""
    running(world)
    extractor = world.child_of("extractor", "j")
    extractor.tell(RunEnded("extractor", extractor.run, Failure.of(ValueError("a bug"))))
    world.reaches("j", "failed")
    assert "Terminated" in world.events("j", "Src")


# ---- An error anywhere leaves no other job hanging ----


def test_a_stored_job_that_cannot_be_made_keeps_no_other_from_going_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    running(world, "odd")
    running(world, "good")
    make = JobSupervisor.new_job

    def new_job(self: JobSupervisor, record: JobRecord) -> Job:
        if record.id == "odd":
            raise KeyError("what nobody foresaw")
        return make(self, record)

    monkeypatch.setattr(JobSupervisor, "new_job", new_job)
    before = world.runs["good"][-1]
    world.start()
    world.until(lambda: world.runs["good"][-1] > before)
    assert isinstance(world.ask(DeleteJob("odd")), Accepted)
    world.until(lambda: "odd" not in world.stored)


def test_a_store_keeper_that_cannot_be_made_now_is_made_later_and_loses_no_order(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    running(world)
    create, failures = world.supervisor.createActor, 3

    def no_process(kind: type) -> object:
        nonlocal failures
        if kind.__name__ == "StoreKeeper" and failures:
            failures -= 1
            raise OSError(11, "Resource temporarily unavailable")
        return create(kind)

    monkeypatch.setattr(world.supervisor._actors, "_create", no_process)
    world.kill(next(child for child in world.children if child.role == "store" and child.alive))
    world.run(0.1)
    assert isinstance(world.ask(PauseJob("j")), Accepted)
    assert failures == 0
    world.reaches("j", "paused")


def test_a_record_that_cannot_be_stored_keeps_no_other_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    running(world, "odd")
    running(world, "good")
    journal, save = world.supervisor._journal, world.supervisor._journal.save

    def broken(job: Job, *more: object) -> int:
        if job.id == "odd":
            raise TypeError("what nobody foresaw")
        return int(save(job, *more))

    monkeypatch.setattr(journal, "save", broken)
    for job_id in ("odd", "good"):
        job = world.job(job_id)
        journal.note(job, history.started(job.record, runtime.wall_ns()))
    events = len(world.stored["good"].model_dump_json())
    world.run(5)
    assert len(world.stored["good"].model_dump_json()) != events
    assert not world.job("odd").changed


def test_what_is_not_well_is_told(world: World) -> None:
    assert world.ask(AskAilments()) == Ailments(())
    keeper = next(child for child in world.children if child.role == "store" and child.alive)
    keeper.receive = lambda _message: None  # type: ignore[method-assign]
    world.send(RegisterJob(world.document("j"), None))
    world.run(7)
    found = world.ask(AskAilments())
    assert isinstance(found, Ailments)
    assert "1 writes wait to be stored" in found.told[0]
    assert found.refused_s == 0, "nobody says that NATS has refused it"


def test_what_nats_does_not_take_is_told_for_as_long_as_the_store_keeper_says_so(world: World) -> None:
    keeper = next(child for child in world.children if child.role == "store" and child.alive)

    def refused_for() -> float:
        found = world.ask(AskAilments())
        assert isinstance(found, Ailments)
        return found.refused_s

    for _ in range(8):
        keeper.tell(StoreRefuses("no responders"))
        world.run(1)
    assert refused_for() > 6
    world.run(20)
    assert refused_for() == 0, "the StoreKeeper says nothing any more"
    keeper.tell(StoreRefuses("no responders"))
    world.run(1)
    assert 0 < refused_for() < 2
    post(world)
    assert refused_for() == 0, "a write was taken"


def test_a_record_that_the_store_never_takes_is_told_and_holds_up_no_other(world: World) -> None:
    keeper = next(child for child in world.children if child.role == "store" and child.alive)
    save = keeper.on_Save

    def too_large(message: Save) -> None:
        if message.record.id == "large":
            keeper.tell(NotSaved("large", message.ticket, "it has too many bytes"))
        else:
            save(message)

    keeper.on_Save = too_large
    world.send(RegisterJob(world.document("large"), None))
    world.run(1)
    running(world, "j")
    found = world.ask(AskAilments())
    assert isinstance(found, Ailments)
    assert found.told == ("what has happened to job large is not stored: it has too many bytes",)
    assert world.supervisor._journal.longest_wait < 5 and found.refused_s == 0
    keeper.on_Save = save
    post(world, "large")
    assert world.ask(AskAilments()) == Ailments(())
