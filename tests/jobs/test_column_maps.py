"""ColumnMapFrom, ColumnMapTo, SkipCreateDbTable and ApproveHeterogeneous as a document says them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.jobs.documents import refused, refused_source, seed, with_source
from udup.base.errors import Refused
from udup.jobs.document.spec import parse_job
from udup.jobs.document.way_back import way_back
from udup.jobs.plan import plan_of
from udup.pipeline.ports import ApplyMode


def _tables(*tables: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"ReplicateDoDb": [{"TableSchema": "a", "Tables": list(tables)}], **more}


def test_a_map_is_of_the_tables_that_its_entry_chooses() -> None:
    entries = (
        {"TableName": "t", "ColumnMapFrom": ["b", "id"], "ColumnMapTo": ["B", "nr"]},
        {"TableRegex": "^o", "columnmapfrom": ["id"]},
        {"TableName": "x"},
    )
    selection = parse_job(with_source(**_tables(*entries))).selection()
    assert selection.columns_of("a", "t") == ((("b", "B"), ("id", "nr")),)
    assert selection.columns_of("a", "orders") == ((("id", "id"),),)
    assert selection.columns_of("a", "x") == selection.columns_of("b", "t") == ((),)


def test_a_map_belongs_to_the_checkpoint() -> None:
    digests = {
        parse_job(with_source(**_tables({"TableName": "t", **more}))).selection().digest
        for more in (
            {},
            {"ColumnMapFrom": ["id"]},
            {"ColumnMapFrom": ["id"], "ColumnMapTo": ["nr"]},
            {"ColumnMapFrom": ["id", "b"]},
            {"ColumnMapFrom": ["b", "id"]},
            {"ColumnMapFrom": ["id"], "Where": "id = 1"},
        )
    }
    assert len(digests) == 6


@pytest.mark.parametrize(
    ("config", "path", "problem"),
    [
        (_tables({"TableName": "t", "ColumnMapTo": ["x"]}), "[0].Tables[0].ColumnMapTo", "without ColumnMapFrom"),
        (_tables({"TableName": "t", "ColumnMapFrom": ["x", "y"], "ColumnMapTo": ["x"]}),
         "[0].Tables[0].ColumnMapTo", "has 1 names, and ColumnMapFrom has 2 columns"),
        (_tables({"TableName": "t", "ColumnMapFrom": ["x", "X"]}), "[0].Tables[0].ColumnMapFrom", "names X twice"),
        (_tables({"TableName": "t", "ColumnMapFrom": ["x", "y"], "ColumnMapTo": ["a", "A"]}),
         "[0].Tables[0].ColumnMapTo", "names A twice"),
        (_tables({"TableName": "t", "ColumnMapFrom": [""]}), "[0].Tables[0].ColumnMapFrom[0]", "must not be empty"),
        (_tables({"TableName": "t", "ColumnMapFrom": ["x"], "ColumnMapTo": ["y" * 65]}),
         "[0].Tables[0].ColumnMapTo[0]", "longer than MySQL's 64"),
        (_tables({"TableName": "t", "ColumnMapFrom": ["x"]}, {"TableName": "t"}),
         "[0].Tables[1].TableName", "another entry takes other columns"),
        ({"ReplicateDoDb": [*_tables({"TableName": "t", "ColumnMapFrom": ["x"]})["ReplicateDoDb"],
                            {"TableSchema": "a"}]}, "[0].Tables[0].ColumnMapFrom", "another entry takes all columns"),
    ],
)  # fmt: skip
def test_a_map_that_cannot_be_is_refused(config: dict[str, Any], path: str, problem: str) -> None:
    ((told, said),) = refused_source(**config).items()
    assert told == f"ReplicateDoDb{path}" and problem in said


def test_a_map_of_what_is_ignored_is_refused() -> None:
    ignored = [{"TableSchema": "a", "Tables": [{"TableName": "t", "ColumnMapFrom": ["x"]}]}]
    assert "no meaning" in refused_source(ReplicateIgnoreDb=ignored)["ReplicateIgnoreDb[0].Tables[0].ColumnMapFrom"]


def _with_target(**config: Any) -> dict[str, Any]:
    document = seed()
    document["Tasks"][1]["Config"] |= config
    return document


def test_tables_that_are_there_are_filled_or_dropped_but_not_both() -> None:
    ((path, problem),) = refused(_with_target(SkipCreateDbTable=True, DropTableIfExists="1")).items()
    assert path == "Tasks[1].Config.SkipCreateDbTable" and "Tasks[1].Config.DropTableIfExists" in problem
    plan = plan_of(parse_job(_with_target(SkipCreateDbTable="true")))
    assert plan.fill_existing and not plan.drop_existing


def test_other_tables_are_written_by_value() -> None:
    assert plan_of(parse_job(_with_target(ApproveHeterogeneous=True))).target.apply_mode is ApplyMode.CONVERTED
    ((path, problem),) = refused(_with_target(ApproveHeterogeneous=True, ApplyMode="events")).items()
    assert path == "Tasks[1].Config.ApplyMode" and "BINLOG converts nothing" in problem
    assert "must be events or statements" in refused(_with_target(ApplyMode="converted"))["Tasks[1].Config.ApplyMode"]


@pytest.mark.parametrize(
    ("document", "key"),
    [
        (with_source(**_tables({"TableName": "t", "ColumnMapFrom": ["x"]})), "ColumnMapFrom"),
        (_with_target(ApproveHeterogeneous=True), "ApproveHeterogeneous"),
        (_with_target(SkipCreateDbTable=True), "SkipCreateDbTable"),
    ],
)
def test_there_is_no_way_back_from_tables_that_are_others(document: dict[str, Any], key: str) -> None:
    with pytest.raises(Refused, match=key):
        way_back(document, "back", "")
