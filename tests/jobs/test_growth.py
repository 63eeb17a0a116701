"""Which changes of a job's tables are taken while it goes on, and what each part of it has meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from udup.base.errors import Refused
from udup.jobs.growth import (
    Growth,
    GrowthState,
    Parts,
    changed,
    check_change,
    check_reload,
    chosen_by,
    contains,
    parts_of,
    selection_by,
    side_id,
)
from udup.pipeline.selection.selection import Selection

Do = list[dict[str, Any]]


def _chosen(*do: dict[str, Any], ignore: Do | None = None) -> Selection:
    return selection_by({"ReplicateDoDb": list(do), "ReplicateIgnoreDb": ignore or []})


def _schema(name: str, *tables: str | dict[str, Any], **more: Any) -> dict[str, Any]:
    named = [{"TableName": each} if isinstance(each, str) else each for each in tables]
    return {"TableSchema": name, "Tables": named, **more}


ONE = _chosen(_schema("s", "a"))
TWO = _chosen(_schema("s", "a", "b"))
WHOLE = _chosen(_schema("s"))
ALL = _chosen()


@pytest.mark.parametrize(
    ("more", "less"),
    [
        (TWO, ONE),
        (WHOLE, TWO),
        (ALL, WHOLE),
        (_chosen(_schema("s"), _schema("t")), WHOLE),
        (WHOLE, _chosen(_schema("s"), ignore=[_schema("s", "x")])),
        (ALL, _chosen(ignore=[_schema("t")])),
        (_chosen({"TableSchemaRegex": "^s"}), TWO),
        (_chosen(_schema("s", {"TableRegex": "^a|b$"})), TWO),
    ],
)
def test_what_has_more_tables_is_seen_by_its_rules(more: Selection, less: Selection) -> None:
    assert contains(more, less) and not contains(less, more)
    parts = changed(less, more)
    assert parts.staying is less and not parts.leaves, "the job goes on as it does: nothing of it begins again"


def test_each_part_has_its_own_tables_and_none_is_of_both() -> None:
    before, after = TWO, _chosen(_schema("s", "b", "c"), _schema("t"))
    parts = changed(before, after)
    assert parts.leaves and parts.new is not None
    for name, stays, comes in (("a", 0, 0), ("b", 1, 0), ("c", 0, 1), ("d", 0, 0)):
        assert (parts.staying.wants("s", name), parts.new.wants("s", name)) == (bool(stays), bool(comes)), name
    assert parts.new.wants_stored("t") and not parts.staying.wants_schema("t")


def test_tables_that_are_taken_out_alone_need_no_side_job() -> None:
    growth = Growth(state=GrowthState.LEAVING, before={"ReplicateDoDb": [_schema("s", "a", "b")]})
    assert parts_of(growth, ONE) == Parts(TWO, ONE, None, ONE)


def test_a_table_that_is_loaded_again_leaves_the_job_until_it_is_joined_as_it_is_named_there() -> None:
    after = _chosen(_schema("s", {"TableName": "a", "TableRename": "x", "Where": "n > 1"}, "b", TableSchemaRename="z"))
    parts = parts_of(Growth(state=GrowthState.LEAVING, side="j tables", reloads=("s.a",)), after)
    assert parts.new is not None and parts.leaves
    assert not parts.staying.wants("s", "a") and parts.staying.wants("s", "b")
    assert parts.new.wants("s", "a") and not parts.new.wants("s", "b")
    assert parts.new.renamed_table("s", "a") == ("z", "x") and parts.new.filters_of("s", "a") == ("n > 1",)
    assert parts.after.digest == after.digest


@pytest.mark.parametrize(
    ("after", "what"),
    [
        (_chosen(_schema("s", {"TableName": "a", "TableRename": "x"}, "b")), "name on the target of s.a"),
        (_chosen(_schema("s", {"TableName": "a", "Where": "n > 1"}, "b")), "Where of s.a"),
        (_chosen(_schema("s", {"TableName": "a", "ColumnMapFrom": ["n"]}, "b")), "columns of s.a"),
        (_chosen(_schema("s", "a", "b", TableSchemaRename="z")), "name on the target of s.a"),
        (_chosen({"TableSchemaRegex": "^(s)$", "TableSchemaRename": "x${1}"}), "name on the target"),
    ],
)
def test_a_table_that_stays_stays_as_it_is(after: Selection, what: str) -> None:
    with pytest.raises(Refused, match=what) as refused:
        check_change(ONE, after)
    assert "take the table out of the job" in str(refused.value)


def test_a_schema_that_stays_whole_keeps_its_name() -> None:
    with pytest.raises(Refused, match="name on the target of s"):
        check_change(WHOLE, _chosen(_schema("s", TableSchemaRename="z"), _schema("t")))


def test_new_tables_may_have_names_rows_and_columns_of_their_own() -> None:
    new = {"TableName": "b", "TableRename": "x", "Where": "n > 1", "ColumnMapFrom": ["n"]}
    check_change(ONE, _chosen(_schema("s", "a", new), _schema("t", TableSchemaRename="z")))


@pytest.mark.parametrize("tables", [(), ("s.c",), ("a",), ("t.a", "s.a")])
def test_only_what_the_job_has_is_loaded_again(tables: tuple[str, ...]) -> None:
    with pytest.raises(Refused):
        check_reload("j", TWO, tables)


def test_no_client_can_post_a_job_of_a_side_jobs_name() -> None:
    assert " " in side_id("j") and side_id("j" * 255) == ""


def test_what_chooses_tables_is_kept_of_the_source_alone() -> None:
    do = [_schema("s", "a")]
    document = {"Tasks": [{"Type": "Dest", "Config": {}}, {"Type": "Src", "Config": {"ReplicateDoDb": do, "Gtid": ""}}]}
    assert chosen_by(document) == {"ReplicateDoDb": do} and selection_by(chosen_by(document)).digest == ONE.digest
