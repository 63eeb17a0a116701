"""What is said of a job that has stopped: its kind with values, and what can be done, best first."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.jobs.documents import seed
from tests.jobs.stopped_jobs import GTID, TABLE, failure_by, stopped_job
from udup.base.causes import Cause, reason
from udup.base.errors import Failure, FailureKind, Fault, Refused, Unsupported
from udup.base.remedies import ALL
from udup.jobs import JobRecord, Stage, to_api
from udup.jobs.failing.failure import source_keeps_until
from udup.jobs.growth import Growth, GrowthState
from udup.jobs.progress import JobProgress
from udup.jobs.stopped import Stopped
from udup.pipeline.verify.state import CompareOptions, CompareState, Comparison


def _told(cause: Cause) -> dict[str, Any]:
    failure: dict[str, Any] = to_api(stopped_job(cause, seed()))["Failure"]
    return failure


def _acts(failure: dict[str, Any]) -> list[str]:
    return [each["Act"] for each in failure["Remedies"]]


@pytest.mark.parametrize("cause", Cause)
def test_every_kind_has_remedies_of_which_the_first_is_recommended(cause: Cause) -> None:
    failure = _told(cause)
    assert failure["Kind"] == cause
    assert [each["Recommended"] for each in failure["Remedies"]] == [True, *[False] * (len(failure["Remedies"]) - 1)]
    assert all(each["Text"] and each["Command"] for each in failure["Remedies"])
    assert all(type(value) is str for value in failure["Params"].values())


@pytest.mark.parametrize("cause", Cause)
def test_what_loses_something_asks_for_a_word_but_a_repair_which_tells_its_rows(cause: Cause) -> None:
    for each in _told(cause)["Remedies"]:
        assert bool(each["Confirm"]) == (each["Danger"] == "loses" and each["Act"] != "repair")


def test_a_row_that_is_not_there_is_repaired_or_passed_over() -> None:
    failure = _told(Cause.ROW_MISSING)
    assert _acts(failure) == ["repair", "resume", "skip"]
    assert failure["Remedies"][0]["Body"] == {"Tables": [TABLE], "All": False}
    assert failure["Remedies"][2]["Confirm"] == "23"
    assert (failure["Gtid"], failure["Table"], failure["At"]) == (GTID, TABLE, "2023-11-14T22:13:20.123Z")


@pytest.mark.parametrize(
    ("tables", "state", "ended", "first"),
    [
        ((TABLE,), CompareState.DONE, 1, "resume"),
        (("shop.items",), CompareState.DONE, 1, "repair"),
        ((TABLE,), CompareState.FAILED, 1, "repair"),
        ((TABLE,), CompareState.DONE, -1, "repair"),
    ],
)
def test_a_job_whose_tables_were_repaired_since_has_only_to_go_on(
    tables: tuple[str, ...], state: CompareState, ended: int, first: str
) -> None:
    record = stopped_job(Cause.ROW_MISSING, seed())
    assert record.stopped is not None
    options, ended_ns = CompareOptions(tables=tables, repair=True), record.stopped.time_ns + ended
    done = Comparison(id="c", options=options, since_ns=1, state=state, ended_ns=ended_ns)
    assert _acts(to_api(record.model_copy(update={"comparison": done}))["Failure"])[0] == first


def test_a_table_that_is_otherwise_on_the_target_is_loaded_again() -> None:
    assert _acts(_told(Cause.DEFINITION)) == ["reload", "resume", "skip"]
    assert _acts(_told(Cause.TABLE_MISSING))[0] == "reload"


def test_a_job_that_has_not_copied_its_tables_has_none_loaded_again() -> None:
    record = stopped_job(Cause.TABLE_MISSING, seed()).model_copy(update={"has_followed": False})
    assert _acts(to_api(record)["Failure"]) == ["resume", "skip"]


def test_tables_that_are_under_way_are_given_up_before_others_are_loaded_again() -> None:
    growth = Growth(state=GrowthState.COPYING, side="shop tables", incarnation="1")
    record = stopped_job(Cause.STALE_TABLE, seed()).growing(growth)
    assert _acts(to_api(record)["Failure"])[0] == "give_up"


def test_a_purged_source_is_told_by_its_fault() -> None:
    error = Refused([Fault("Src a:1", "x", "y"), Fault("Src a:1", "purged", "z", "Src", Cause.SOURCE_PURGED)])
    stopped = Stopped.by(Failure.of(error), 1)
    assert (stopped.what, stopped.params) == ("source_purged", {"server": "Src a:1"})
    assert [each.problem for each in stopped.faults] == ["x", "purged"]


def test_the_reason_survives_another_front_and_the_way_between_processes() -> None:
    error = Unsupported("no").because(reason(Cause.LOG_DAMAGED, {"server": "a:1"}))
    again = Failure.of(error.about("u:1")).error()
    assert again.reason == error.reason
    assert again.because(reason(Cause.INTERNAL)).reason == error.reason


@pytest.mark.parametrize("text", ALL)
def test_an_older_record_whose_text_asks_for_a_new_copy_is_offered_that(text: str) -> None:
    stopped = Stopped(time_ns=1, kind=FailureKind.UNSUPPORTED, text=f"it is gone; {text}")
    record = JobRecord(id="shop", document=seed(), stage=Stage.FAILED, stopped=stopped)
    failure = to_api(record)["Failure"]
    assert (failure["Kind"], _acts(failure)[0]) == ("unsupported", "purge")


def test_an_older_record_that_asks_what_is_on_the_target_is_offered_the_answers() -> None:
    text = f"{GTID}: it is not known; udup job settle shop --gtid {GTID} --applied if they are there"
    stopped = Stopped(time_ns=1, kind=FailureKind.DIVERGENCE, text=text, gtid=GTID)
    failure = to_api(JobRecord(id="shop", document=seed(), stage=Stage.FAILED, stopped=stopped))["Failure"]
    assert _acts(failure) == ["statement", "settle", "settle", "skip"]


def test_a_failed_record_of_a_version_that_kept_no_failure_is_told() -> None:
    record = JobRecord(id="shop", document=seed(), stage=Stage.FAILED, status_description="it is broken")
    failure = to_api(record)["Failure"]
    assert (failure["Text"], failure["At"], _acts(failure)) == ("it is broken", "", ["resume"])


@pytest.mark.parametrize("cause", [Cause.ROW_MISSING, Cause.START_REFUSED, Cause.STALE_TABLE])
def test_a_record_keeps_what_is_known_and_an_older_version_finds_its_own_keys(cause: Cause) -> None:
    record = stopped_job(cause, seed())
    stored = json.loads(record.to_json())
    assert JobRecord.from_json(json.dumps(stored)).stopped == record.stopped
    assert {"time_ns", "kind", "text", "gtid", "table", "kept"} <= set(stored["stopped"])
    assert FailureKind(stored["stopped"]["kind"]) is failure_by(cause).kind


def test_a_word_of_a_newer_version_is_told_as_it_is() -> None:
    stopped = Stopped(time_ns=1, kind=FailureKind.DIVERGENCE, text="no", cause="eclipse")
    failure = to_api(JobRecord(id="shop", document=seed(), stage=Stage.FAILED, stopped=stopped))["Failure"]
    assert (failure["Kind"], _acts(failure)) == ("eclipse", ["resume"])


def test_what_a_job_needs_of_the_log_is_kept_from_when_the_target_was_current() -> None:
    progress = JobProgress(current_until=1_700_000_000.0, source_log_kept_s=3600, level=False)
    record = JobRecord(id="shop", document=seed(), stage=Stage.FAILED, progress=progress)
    assert source_keeps_until(record) == "2023-11-14T23:13:20.000Z"
    for_ever = progress.with_(source_log_kept_s=0)
    assert source_keeps_until(record.model_copy(update={"progress": for_ever})) == ""
