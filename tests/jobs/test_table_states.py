"""Where each table of a job stands, by the records of the job and of its side job."""

from __future__ import annotations

import json
from typing import Any

from tests.jobs.documents import SEED
from udup.jobs import JobProgress, JobRecord
from udup.jobs.growth import Growth, GrowthState, chosen_by
from udup.jobs.table_states import counts, shown_of
from udup.jobs.words import Stage
from udup.pipeline.verify.state import CompareOptions, Comparison, UnlikeTable

NAMES = [("s", "a"), ("s", "b"), ("s", "c")]


def _document(*tables: str) -> dict[str, Any]:
    return _with([{"TableSchema": "s", "Tables": [{"TableName": each} for each in tables]}])


def _with(rules: list[dict[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {**json.loads(SEED), "ID": "j"}
    made["Tasks"][0]["Config"]["ReplicateDoDb"] = rules
    return made


def record_of(stage: Stage, rules: list[dict[str, Any]], **update: Any) -> JobRecord:
    """Return the record of a job of these tables, which has applied something."""
    record = JobRecord(id="j", document=_with(rules), create_index=1, job_modify_index=1)
    return record.model_copy(update={"stage": stage, "progress": JobProgress(applied_gtid="u:1-9"), **update})


def _record(stage: Stage, **update: Any) -> JobRecord:
    return record_of(stage, [{"TableSchema": "s", "Tables": [{"TableName": each} for each in "abc"]}], **update)


def _growth(**more: Any) -> Growth:
    return Growth(
        **{"state": GrowthState.COPYING, "side": "j tables", "before": chosen_by(_document("a", "b")), **more}
    )


def _side(stage: Stage, **tables: Any) -> JobRecord:
    progress = JobProgress(applied_gtid="u:1-5", tables={f"s.{name}": told for name, told in tables.items()})
    return _record(stage, progress=progress, status_description="there is a table already")


def _states(record: JobRecord, side: JobRecord | None = None) -> dict[str, str]:
    return {each.name: each.state.value for each in shown_of(record, side, NAMES)}


def test_the_tables_of_a_job_stand_where_it_does() -> None:
    for stage, state in ((Stage.RUNNING, "live"), (Stage.CATCHING_UP, "catching up"), (Stage.FAILED, "failed")):
        assert set(_states(_record(stage)).values()) == {state}
    assert set(_states(_record(Stage.PAUSED)).values()) == {"stopped"}
    assert set(_states(_record(Stage.PENDING)).values()) == {"waiting"}
    (shown, *_) = shown_of(_record(Stage.RUNNING), None, NAMES)
    assert shown.position == "u:1-9" and shown.rows is None


def test_a_copy_is_told_table_by_table() -> None:
    tables = {"s.a": {"rows": 5, "total": 5, "complete": True}, "s.b": {"rows": 1, "total": 4}}
    record = _record(Stage.COPYING, progress=JobProgress(tables=tables))
    assert _states(record) == {"s.a": "copied", "s.b": "copying", "s.c": "waiting"}
    assert shown_of(record, None, NAMES)[1].percent == 25.0


def test_a_new_table_stands_where_its_side_job_does_and_the_others_are_live() -> None:
    record = _record(Stage.RUNNING, growth=_growth())
    assert _states(record) == {"s.a": "live", "s.b": "live", "s.c": "waiting"}
    assert _states(record, _side(Stage.COPYING, c={"rows": 2, "total": 4}))["s.c"] == "copying"
    assert _states(record, _side(Stage.CATCHING_UP))["s.c"] == "catching up"
    shown = shown_of(record, _side(Stage.FAILED), NAMES)[2]
    assert (shown.state, shown.problem, shown.position) == ("failed", "there is a table already", "u:1-5")
    joining = _record(Stage.RUNNING, growth=_growth(state=GrowthState.JOINING))
    assert _states(joining, _side(Stage.RUNNING))["s.c"] == "joining"


def test_a_table_that_is_loaded_again_says_so() -> None:
    growth = _growth(state=GrowthState.LEAVING, reloads=("s.b",), before={})
    record = _record(Stage.RUNNING, growth=growth)
    assert _states(record) == {"s.a": "live", "s.b": "reloading", "s.c": "live"}
    copying = _record(Stage.RUNNING, growth=growth.model_copy(update={"state": GrowthState.COPYING}))
    shown = shown_of(copying, _side(Stage.COPYING, b={"rows": 2, "total": 4}), NAMES)[1]
    assert (shown.state, shown.reloads, shown.percent) == ("copying", True, 50.0)


def test_a_table_that_differed_when_it_was_compared_is_told_and_counted() -> None:
    comparison = Comparison(
        id="c", options=CompareOptions(), since_ns=1, unlike=(UnlikeTable(name="s.b", differences=3),)
    )
    record = _record(Stage.RUNNING, comparison=comparison)
    shown = shown_of(record, None, NAMES)
    assert (shown[1].state, shown[1].differences) == ("diverged", 3)
    assert counts(shown) == {"live": 2, "diverged": 1}
