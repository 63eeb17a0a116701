"""What a job waits for, as the API tells it in one form: a side that is away, a lock, a disk, another owner."""

from __future__ import annotations

from typing import Any

import pytest

from tests.jobs.documents import seed
from udup.base.errors import FailureKind, Side
from udup.jobs import DesiredState, JobProgress, JobRecord, Stage
from udup.jobs.outage import Away, Outage
from udup.jobs.progress import BlockedBy, WaitingFor
from udup.jobs.waiting import waits_of

NOW = 1_700_000_000.0
AT = "2023-11-14T22:13:20.000Z"


def _job(progress: JobProgress, stage: Stage = Stage.RUNNING, **about: Any) -> JobRecord:
    return JobRecord(id="one", document=seed(), stage=stage, progress=progress, **about)


def _outage(**about: Any) -> Outage:
    return Outage(**{"why": "refused", "since": NOW, "next_try": NOW, "attempts": 3, **about})


def _told(outage: Outage) -> dict[str, Any]:
    found = waits_of(_job(JobProgress(reconnecting=outage.shown()), outage=outage))
    assert found is not None
    return found


def test_a_side_that_is_away_is_named() -> None:
    away = Away(side=Side.TARGET, to="10.0.0.6:3306", since=NOW, why="refused")
    found = _told(_outage(side=Side.TARGET, sides=(away,)))
    assert found == {
        "For": "target", "To": "10.0.0.6:3306", "Since": AT, "Why": "refused", "NextTry": AT, "Attempts": 3,
        "Kind": "Unavailable", "Session": "", "Statement": "", "Table": "", "Hint": "",
    }  # fmt: skip


def test_two_sides_that_are_away_are_both() -> None:
    sides = tuple(Away(side=each, to=f"{each}:1", since=NOW, why=f"{each} gone") for each in (Side.SOURCE, Side.TARGET))
    found = _told(_outage(side=Side.SOURCE, sides=sides))
    assert (found["For"], found["To"]) == ("both", "source:1, target:1")
    assert found["Why"] == "source gone; and target gone"
    assert _told(_outage())["For"] == "both", "nobody knows which"


@pytest.mark.parametrize("side", [Side.NATS, Side.NODE])
def test_what_is_no_server_is_named_too(side: Side) -> None:
    assert _told(_outage(side=side, sides=(Away(side=side, since=NOW, why="full"),)))["For"] == side


def test_a_lock_that_ended_a_run_is_a_lock() -> None:
    assert _told(_outage(side=Side.TARGET, kind=FailureKind.CONTENDED))["For"] == "lock"


@pytest.mark.parametrize(
    ("what", "whom"),
    [("row lock", "lock"), ("metadata lock", "lock"), ("full disk", "disk"), ("sink", "sink"), ("statement", "target")],
)
def test_a_run_that_waits_tells_who_is_in_the_way(what: str, whom: str) -> None:
    other = BlockedBy(session=17, user="app@h", statement="ALTER TABLE s.t", seconds=40, idle=False)
    wait = WaitingFor(what=what, since=NOW, side="target", statement="UPDATE", table="s.t", blocked_by=other)
    found = waits_of(_job(JobProgress(waiting_for=wait)))
    assert found is not None
    assert (found["For"], found["Kind"], found["Since"], found["Table"]) == (whom, what, AT, "s.t")
    assert found["Session"] == "17 (app@h), running for 40 s: ALTER TABLE s.t"
    assert found["Statement"] == "UPDATE"


def test_a_job_that_another_owner_has_waits_for_it() -> None:
    found = waits_of(_job(JobProgress(), Stage.PENDING, status_description="another run has the job"))
    assert found is not None and (found["For"], found["Why"]) == ("node", "another run has the job")


@pytest.mark.parametrize("stage", [Stage.FAILED, Stage.PAUSED, Stage.COMPLETED])
def test_a_job_that_is_not_carried_out_waits_for_nothing(stage: Stage) -> None:
    assert waits_of(_job(JobProgress(reconnecting=_outage().shown()), stage)) is None
    assert waits_of(_job(JobProgress())) is None
    assert waits_of(_job(JobProgress(reconnecting=_outage().shown()), desired=DesiredState.PAUSE)) is None
