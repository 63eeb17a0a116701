"""A job that another owner has taken waits, with growing pauses, and never fails for it."""

from __future__ import annotations

import pickle

from udup.actors.holding import Hold
from udup.actors.job import Job
from udup.actors.task_settings import applier_settings
from udup.base.endpoint import Endpoint
from udup.base.errors import FailureKind
from udup.jobs import JobRecord, Stage, TaskType, accept, history
from udup.sandbox.api import job_document

KIND = FailureKind.SUPERSEDED


def _job() -> Job:
    document = job_document("j", Endpoint("a", 1, "root", ""), Endpoint("b", 1, "root", ""), ["s"])
    spec, kept = accept({**document, "ID": "j"})
    return Job(JobRecord(id=spec.id, document=kept), spec, "nats://127.0.0.1:1", 1 << 20, "here", {"j": 1}.keys())


def test_it_looks_again_after_pauses_that_grow_up_to_the_longest_and_does_so_for_ever() -> None:
    job = _job()
    pauses = [job.pause_after(KIND, 3, 10.0) for _ in range(40)]
    assert all(pause is not None and 0.2 <= pause <= 12.5 for pause in pauses)
    assert pauses[0] < 0.3 < 5 < min(pauses[10:])  # type: ignore[operator, type-var]
    assert job.failures == 0, "its attempts are for failures"
    assert job.pause_after(KIND, 3, 10.0, proven=True) < 0.3  # type: ignore[operator]
    assert job.pause_after(FailureKind.DIVERGENCE, 3, 10.0) is None


def test_a_job_is_taken_by_force_until_a_run_has_it_and_again_when_somebody_asks_for_it() -> None:
    job = _job()
    run = job.begin_run(1)
    assert applier_settings(job, run).owner.by_force
    job.owned = True
    settings = applier_settings(job, run)
    assert not settings.owner.by_force and settings.owner.token == job.token and settings.known.jobs == {"j"}
    assert pickle.loads(pickle.dumps(settings)) == settings
    job.reset_attempts()
    assert applier_settings(job, run).owner.by_force
    assert _job().token != job.token, "another start of a node is another owner"


def test_where_there_are_several_nodes_the_target_is_told_the_number_that_was_granted() -> None:
    job = _job()
    assert applier_settings(job, job.begin_run(7)).owner.number == 0, "a node that is alone takes numbers by its clock"
    job.hold = Hold(token=3)
    assert applier_settings(job, job.begin_run(9)).owner.number == 9


def test_its_record_says_for_whom_it_waits_and_notes_the_same_reason_once() -> None:
    record = history.registered(JobRecord(id="j", document={}, stage=Stage.RUNNING), None, 1)
    for now in range(2, 30):
        record = history.superseded(record, (TaskType.DEST,), "the node of /b has it", 10, now)
    assert (record.stage, record.status_description) == (Stage.PENDING, "the node of /b has it")
    assert [each.error for each in record.restart_history] == ["the node of /b has it"] and record.restarts == 1
