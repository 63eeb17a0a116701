"""Another document for a job: what the supervisor stores of it, and when it does not. In virtual time."""

from __future__ import annotations

from typing import Any

import pytest

from tests.actors.conftest import post, running
from tests.actors.small_children import Json, Script
from tests.actors.small_world import World, refused, transient
from udup.actors import documents
from udup.actors.messages import Accepted, DeleteJob, PauseJob, RegisterJob, Rejected, Rejection, ResumeJob
from udup.jobs import versions
from udup.jobs.versions import MAX_DOCUMENTS


def _numbers(world: World, job_id: str = "j") -> list[int]:
    return [each.number for each in world.stored[job_id].all_documents]


def _post(world: World, checked: int | None, **config: Any) -> Accepted | Rejected:
    answer: Accepted | Rejected = world.ask(RegisterJob(world.document("j", **config), None, checked))
    return answer


# ---- The document that the job has ----


def test_the_document_that_a_running_job_has_leaves_its_run_alone(world: World) -> None:
    running(world)
    before, run = world.stored["j"], world.job("j").run
    again = {**world.document("j"), "Status": "running", "Progress": {"lag_ms": 1}, "Unheard": None}
    for document in (world.document("j"), again):
        answer = world.ask(RegisterJob(document, None, 0))
        assert isinstance(answer, Accepted) and answer.changed and answer.index
        assert answer.eval_id == world.stored["j"].evaluations[-1].id
    world.run(5)
    after = world.stored["j"]
    assert world.job("j").run is run and len(world.runs["j"]) == 1
    assert (after.job_modify_index, after.stage, after.posted) == (before.job_modify_index, before.stage, before.posted)
    assert len(after.evaluations) == len(before.evaluations) + 2 and after.documents == ()


def test_the_document_that_a_failed_or_paused_job_has_starts_it(world: World) -> None:
    world.script("j").look = refused("Src", "no")
    post(world)
    world.reaches("j", "failed")
    world.script("j").look = Script().look
    post(world)
    world.reaches("j", "running")
    world.ask(PauseJob("j"))
    world.reaches("j", "paused")
    post(world)
    world.reaches("j", "running")
    assert _numbers(world) == [1], "it is the same document"


# ---- What was checked beside another document ----


def test_a_document_is_stored_only_beside_the_one_that_it_was_checked_beside(world: World) -> None:
    running(world)
    index, run = world.stored["j"].job_modify_index, world.job("j").run
    for checked in (0, index - 1, index + 1):
        answer = _post(world, checked, ParallelWorkers=7)
        assert isinstance(answer, Rejected) and answer.reason is Rejection.INDEX_CONFLICT
        assert "changed or resumed while" in answer.failure.text and "udup job history j" in answer.failure.text
    world.run(5)
    assert world.job("j").run is run and world.stored["j"].job_modify_index == index and _numbers(world) == [1]
    assert isinstance(_post(world, index, ParallelWorkers=7), Accepted)
    world.until(lambda: len(world.applies) == 2)
    assert world.applies[-1].settings.workers == 7
    assert isinstance(_post(world, None, ParallelWorkers=8), Accepted), "unchecked, as was wanted"


def test_a_job_that_waits_to_try_again_is_carried_out(world: World) -> None:
    world.script("j").look = transient()
    post(world)
    world.until(lambda: len(world.runs["j"]) == 2)
    assert isinstance(_post(world, 0, ParallelWorkers=7), Rejected)


@pytest.mark.parametrize("how", ["paused", "failed"])
def test_a_job_that_is_not_carried_out_takes_what_was_not_checked(world: World, how: str) -> None:
    if how == "failed":
        world.script("j").look = refused("Src", "no")
    post(world)
    if how == "paused":
        world.ask(PauseJob("j"))
    world.reaches("j", how)
    assert isinstance(_post(world, 0, ParallelWorkers=7), Accepted)
    assert _numbers(world) == [1, 2]


def test_a_job_that_was_resumed_meanwhile_refuses_what_was_not_checked(world: World) -> None:
    post(world)
    world.ask(PauseJob("j"))
    world.reaches("j", "paused")
    world.ask(ResumeJob("j"))
    assert isinstance(_post(world, 0, ParallelWorkers=7), Rejected)


# ---- What is kept ----


def test_the_last_documents_are_kept_with_their_numbers_and_passwords(world: World) -> None:
    for workers in range(1, 15):
        post(world, ParallelWorkers=workers)
    kept = world.stored["j"].all_documents
    assert len(kept) == MAX_DOCUMENTS and [each.number for each in kept] == list(range(5, 15))
    assert [_workers(each.document) for each in kept] == list(range(5, 15))
    assert kept[-1].document == world.stored["j"].document
    assert all(each.time_ns > 0 and each.how == "posted" for each in kept)
    assert "Password" not in repr(world.stored["j"]) + repr(kept)


def _workers(document: Json) -> int:
    return int(document["Tasks"][1]["Config"]["ParallelWorkers"])


def test_documents_survive_a_restart_and_go_with_the_job(world: World) -> None:
    post(world)
    answer = world.ask(RegisterJob(world.document("j", ParallelWorkers=7), None, how="reverted to 3"))
    assert isinstance(answer, Accepted)
    world.start()
    world.reaches("j", "running")
    post(world, ParallelWorkers=8)
    assert [(each.number, each.how) for each in world.stored["j"].all_documents] == [
        (1, "posted"),
        (2, "reverted to 3"),
        (3, "posted"),
    ]
    assert isinstance(world.ask(DeleteJob("j")), Accepted)
    world.until(lambda: "j" not in world.stored)
    post(world)
    assert _numbers(world) == [1]


def test_earlier_documents_have_a_bound_in_bytes_and_the_last_is_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(world, ParallelWorkers=1)
    monkeypatch.setattr(versions, "MAX_BYTES", 3 * world.stored["j"].replaced.size + 100)
    for workers in range(2, 9):
        post(world, ParallelWorkers=workers)
    assert _numbers(world) == [4, 5, 6, 7, 8], "three, the last before the present one, and that"
    monkeypatch.setattr(versions, "MAX_BYTES", 0)
    post(world, ParallelWorkers=9)
    assert _numbers(world) == [8, 9]


def test_a_record_that_is_too_large_loses_its_oldest_documents_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for workers in range(1, 6):
        post(world, ParallelWorkers=workers)
    monkeypatch.setattr(documents, "RECORD_MAX", 5 * world.stored["j"].replaced.size)
    post(world, ParallelWorkers=6)
    assert 1 < len(_numbers(world)) < 6 and _numbers(world)[-1] == 6
    monkeypatch.setattr(documents, "RECORD_MAX", 100)
    answer = _post(world, None, ParallelWorkers=7)
    assert isinstance(answer, Rejected) and "the job store takes 100" in answer.failure.text
    assert _numbers(world)[-1] == 6


def test_the_document_of_a_job_that_waits_begins_its_attempts_again_and_takes_it_over_by_force(world: World) -> None:
    running(world)
    world.script("j").run_ends = transient()
    world.script("j").look = transient()
    world.child_of("applier", "j").end(world.job("j").run.number, transient())
    world.until(lambda: world.job("j").run is None and world.job("j").failures > 1)
    world.script("j").look, world.script("j").run_ends = Script().look, None
    began, owned = world.clock, world.job("j").owned
    post(world)
    world.until(lambda: world.job("j").run is not None, 0.1)
    assert owned and world.clock - began < 0.1 and not world.job("j").owned and world.job("j").failures == 0
    world.until(lambda: world.stage("j") == "running" and world.job("j").owned)
    assert world.applies[-1].settings.owner.by_force
