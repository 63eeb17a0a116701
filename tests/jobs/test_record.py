"""A job's record, and how the API shows it."""

from __future__ import annotations

import pytest

from tests.jobs.documents import lowered, seed, with_source
from udup.jobs import (
    DesiredState,
    JobRecord,
    Stage,
    Status,
    accept,
    masked,
    to_api,
    to_stub,
)


def test_a_record_survives_json() -> None:
    record = JobRecord(
        id="one",
        document=seed(),
        stage=Stage.COPYING,
        create_index=3,
        progress={"lag_ms": 1.5, "tables": {"a.b": [1, 2]}},
    )
    assert JobRecord.from_json(record.to_json()) == record


@pytest.mark.parametrize(
    ("stage", "desired", "status"),
    [
        (Stage.PENDING, DesiredState.RUN, Status.PENDING),
        (Stage.COPYING, DesiredState.RUN, Status.RUNNING),
        (Stage.CATCHING_UP, DesiredState.RUN, Status.RUNNING),
        (Stage.RUNNING, DesiredState.RUN, Status.RUNNING),
        (Stage.RUNNING, DesiredState.PAUSE, Status.PAUSE),
        (Stage.PAUSED, DesiredState.PAUSE, Status.PAUSE),
        (Stage.COMPLETED, DesiredState.RUN, Status.COMPLETE),
        (Stage.FAILED, DesiredState.RUN, Status.DEAD),
    ],
)
def test_the_status_follows_from_the_stage(stage: Stage, desired: DesiredState, status: Status) -> None:
    assert JobRecord(id="one", document=seed(), stage=stage, desired=desired).status == status


def test_the_api_shows_every_key_in_order_and_config_as_given() -> None:
    document = lowered(with_source(Unheard=1, Gtid=None))
    record = JobRecord(id="one", document=document, modify_index=9, progress={"last_error": "x"})
    job = to_api(record)
    assert list(job) == [
        "Region", "ID", "Name", "Type", "Datacenters", "Constraints", "Tasks", "Status", "StatusDescription",
        "EnforceIndex", "CreateIndex", "ModifyIndex", "JobModifyIndex", "EndWhen", "Failover", "Compression", "Verify",
        "Stage", "Start", "Cutover", "Comparison", "Growing", "Skipped", "Progress",
        "Shown", "ShownSince", "Group", "NeedsYou", "Waits", "Failure",
    ]  # fmt: skip
    assert (job["Region"], job["Type"], job["Datacenters"]) == ("global", "synchronous", ["dc1"])
    source, target = job["Tasks"]
    assert list(source) == ["Type", "NodeId", "NodeName", "Driver", "Config", "Leader", "Constraints"]
    assert (source["Leader"], target["Leader"]) == (False, True)
    assert source["Config"] == masked(document["tasks"][0]["config"])
    stub = to_stub(record)
    assert stub["JobSummary"] == job
    assert list(stub) == [
        "ID", "Name", "Type", "Status", "StatusDescription", "JobSummary",
        "Shown", "ShownSince", "Group", "NeedsYou", "Waits", "Failure",
        "CreateIndex", "ModifyIndex", "JobModifyIndex",
    ]  # fmt: skip


def test_progress_of_a_table_that_is_called_password_is_shown() -> None:
    _, document = accept(seed())
    tables = {"s.user_password": {"rows": 3}}
    assert to_api(JobRecord(id="a", document=document, progress={"tables": tables}))["Progress"]["tables"] == tables
