"""Where each table of a job stands, by the records of the job and of its side job."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.jobs.documents import SEED
from udup.base.errors import FailureKind
from udup.jobs import JobProgress, JobRecord
from udup.jobs.growth import Growth, GrowthState, chosen_by
from udup.jobs.stopped import Stopped
from udup.jobs.table_states import POSITION_MAX, copies, counts, shown_of, with_changes
from udup.jobs.words import Stage
from udup.pipeline.ports.tables import Ahead, CopiedRows, TableChange, TablesOnTarget
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


def test_the_ledger_tells_better_than_the_record_which_tables_differ() -> None:
    """The record has the first tables of the last comparison alone, and of rows that were repaired since as well."""
    comparison = Comparison(
        id="c", options=CompareOptions(), since_ns=1, unlike=(UnlikeTable(name="s.b", differences=3),)
    )
    shown = shown_of(_record(Stage.RUNNING, comparison=comparison), None, NAMES, [("s", "c", 7)])
    assert [(each.state, each.differences) for each in shown] == [("live", 0), ("live", 0), ("diverged", 7)]
    stopped = shown_of(_record(Stage.PAUSED), None, NAMES, [("s", "c", 7)])
    assert [(each.state, each.differences) for each in stopped][2] == ("stopped", 7)


@pytest.mark.parametrize(
    ("tables", "text", "diverged"),
    [
        ("s.b", "u:7: Can't find record in 'b'", ["s.b"]),
        ("s.a, s.b", "u:7: Can't find record in 'b'", ["s.b"]),
        ("s.a, s.b", "u:7: Duplicate entry '1' for key 'a.PRIMARY'", ["s.a"]),
        ("s.a, s.b", "u:7: something else", ["s.a", "s.b"]),
        ("", "u:7: something else", []),
    ],
)
def test_a_job_that_stopped_at_a_row_tells_the_table_that_it_is_of(tables: str, text: str, diverged: list[str]) -> None:
    stopped = Stopped(time_ns=1, kind=FailureKind.DIVERGENCE, text=text, gtid="u:7", table=tables)
    record = _record(Stage.FAILED, stopped=stopped)
    assert [name for name, state in _states(record).items() if state == "diverged"] == diverged
    assert set(_states(record).values()) <= {"diverged", "failed"}
    refused = stopped.model_copy(update={"kind": FailureKind.REFUSED})
    assert set(_states(_record(Stage.FAILED, stopped=refused)).values()) == {"failed"}
    assert set(_states(_record(Stage.RUNNING, stopped=stopped)).values()) == {"live"}


def test_a_table_of_another_name_on_the_target_is_known_by_that() -> None:
    rules = [{"TableSchema": "s", "Tables": [{"TableName": "a", "TableRename": "b"}, {"TableName": "c"}]}]
    stopped = Stopped(time_ns=1, kind=FailureKind.DIVERGENCE, text="Can't find record in 'b'", table="s.b")
    record = record_of(Stage.FAILED, rules, stopped=stopped)
    shown = shown_of(record, None, [("s", "a"), ("s", "c")])
    assert [each.state for each in shown] == ["diverged", "failed"]


def test_what_the_target_knows_is_told_with_each_table() -> None:
    change = TableChange("s", "b", 1, 2, 3, changed_us=5, gtid="u:7")
    known = TablesOnTarget(1, (change,), (Ahead("u:1-12", (0, 2)),))
    page = with_changes(shown_of(_record(Stage.RUNNING), None, NAMES), known)
    assert [each.position for each in page] == ["u:1-12", "u:1-9", "u:1-12"]
    assert page[1].change == change and page[0].change == TableChange("s", "a")
    uncounted = with_changes(page, TablesOnTarget())
    assert {each.change for each in uncounted} == {None}
    under_way = with_changes(shown_of(_record(Stage.RUNNING, growth=_growth()), _side(Stage.RUNNING), NAMES), known)
    assert [each.position for each in under_way] == ["u:1-12", "u:1-9", "u:1-5"]


def test_a_long_position_is_cut_in_each_of_many_tables() -> None:
    long = ",".join(f"u:{number}" for number in range(1, 2000, 2))
    shown = shown_of(_record(Stage.RUNNING, progress=JobProgress(applied_gtid=long)), None, NAMES)
    assert all(len(each.position) < POSITION_MAX + 100 for each in shown)


def test_of_a_copy_of_very_many_tables_those_are_counted_that_are_not_told_by_name() -> None:
    progress = JobProgress(
        tables={"s.b": {"rows": 1, "total": 4, "complete": False}}, copy_tables=3, copy_tables_complete=1
    )
    record = _record(Stage.COPYING, progress=progress)
    shown = shown_of(record, None, NAMES)
    assert copies(record, shown) == {"copying": 1, "copied": 1, "waiting": 1}
    known = TablesOnTarget(copied=(CopiedRows("s", "a", 0, True), CopiedRows("s", "c", 4, False)))
    page = with_changes(shown, known)
    assert [(each.state, each.rows) for each in page] == [("copied", 0), ("copying", 1), ("copying", 4)]
    assert copies(_record(Stage.RUNNING), shown_of(_record(Stage.RUNNING), None, NAMES)) == {"live": 3}
