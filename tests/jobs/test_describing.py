"""StatusDescription of a job that waits: what is tried, where, since when, and why it does not work."""

from __future__ import annotations

import pytest

from tests.jobs.subscriptions import to_nats
from udup.base.errors import Failure, FailureKind, Side
from udup.jobs import DesiredState, JobRecord, Stage, accept
from udup.jobs.outage import Heard, Outage
from udup.jobs.progress import JobProgress
from udup.jobs.record import to_api, to_stub

_CLOCK = 1_700_000_000.0  # 2023-11-14T22:13:20Z


def _record(outage: Outage | None = None, **update: object) -> JobRecord:
    _, document = accept(to_nats({"Url": "10.0.0.7:4222"}), local=False)
    return JobRecord(id="events", document=document, outage=outage).model_copy(update=update)


def _outage(*failures: Failure) -> Outage:
    heard = Heard(failures)
    where = {Side.TARGET: "10.0.0.7:4222", Side.SOURCE: "u@127.0.0.1:3306"}
    return Outage.begins(_CLOCK, None).lasting(heard, _CLOCK, 0.2, where)


def _described(record: JobRecord, live: JobProgress | None = None) -> str:
    shown = record.model_copy(update={"progress": record.shown_progress(live, _CLOCK + 5)})
    told = str(to_api(shown)["StatusDescription"])
    assert to_stub(shown)["StatusDescription"] == told
    return told


_REFUSED = Failure(FailureKind.UNAVAILABLE, "Connection refused", side=Side.TARGET)
_DENIED = Failure(FailureKind.UNAVAILABLE, "no route", side=Side.SOURCE)


@pytest.mark.parametrize("stage", [Stage.PENDING, Stage.RUNNING])
def test_a_sink_that_is_away_is_told_at_the_first_start_and_later(stage: Stage) -> None:
    expected = "reconnecting target (10.0.0.7:4222) since 2023-11-14T22:13:20Z: Connection refused"
    assert _described(_record(_outage(_REFUSED), stage=stage)) == expected


def test_both_sides_that_are_away_are_told() -> None:
    told = _described(_record(_outage(_REFUSED, _DENIED)))
    assert told.count("reconnecting") == 2 and "no route" in told and "u@127.0.0.1:3306" in told


def test_a_node_that_is_away_is_told_by_the_reason() -> None:
    lost = Failure(FailureKind.UNAVAILABLE, "task Src on node far was not heard for 3 s", side=Side.NODE)
    told = _described(_record(_outage(lost), stage=Stage.RUNNING))
    assert told == "reconnecting node since 2023-11-14T22:13:20Z: task Src on node far was not heard for 3 s"


def test_a_lock_is_told_as_one() -> None:
    locked = Failure(FailureKind.CONTENDED, "Lock wait timeout", side=Side.TARGET)
    assert _described(_record(_outage(locked))) == "waiting for a lock since 2023-11-14T22:13:20Z: Lock wait timeout"


def test_what_the_first_run_waits_for_is_told_before_it_has_failed() -> None:
    wait = {"what": "connection", "since": _CLOCK, "side": "target", "statement": "10.0.0.7:4222"}
    live = JobProgress.of({"waiting_for": wait})
    assert (
        _described(_record(), live) == "waiting for connection on the target since 2023-11-14T22:13:20Z: 10.0.0.7:4222"
    )
    assert _described(_record(stage=Stage.RUNNING), live) == "", "a run that goes on has its own figures"


def test_a_run_that_is_tried_again_says_why_the_last_has_ended() -> None:
    restart = {"restart_history": [{"time_ns": int(_CLOCK * 1e9), "error": "it answers nonsense"}], "failing": True}
    record = JobRecord.model_validate({**_record().model_dump(), **restart})
    assert _described(record) == "trying again since 2023-11-14T22:13:20Z: it answers nonsense"


def test_what_the_record_says_comes_first_and_a_job_that_rests_says_no_more() -> None:
    assert _described(_record(_outage(_REFUSED), stage=Stage.FAILED, status_description="given up")) == "given up"
    assert _described(_record(_outage(_REFUSED), desired=DesiredState.PAUSE)) == ""
    assert _described(_record()) == ""
