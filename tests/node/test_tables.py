"""What is said of tables that a document takes out of a job."""

from __future__ import annotations

from typing import Any

import pytest

from tests.jobs.test_table_states import record_of
from udup.jobs import JobProgress, parse_job
from udup.jobs.words import Stage
from udup.node.tables import what_stays

Rules = list[dict[str, Any]]


def _tables(*names: str) -> Rules:
    return [{"TableSchema": "s", "Tables": [{"TableName": each} for each in names]}]


def _said(before: Rules, after: Rules, *, has_begun: bool = True, ignored: Rules | None = None) -> str:
    stored = record_of(Stage.RUNNING, before) if has_begun else record_of(Stage.PENDING, before, progress=JobProgress())
    document = record_of(Stage.RUNNING, after).document
    document["Tasks"][0]["Config"]["ReplicateIgnoreDb"] = ignored or []
    return what_stays(parse_job(document), stored, stored.spec())


@pytest.mark.parametrize(
    ("before", "after", "ignored", "told"),
    [
        (_tables("a", "b"), _tables("a"), None, "s.b: on the target"),
        ([{"TableSchema": "s"}, {"TableSchema": "t"}], [{"TableSchema": "s"}], None, "t.*: on the target"),
        ([{"TableSchema": "s"}], [{"TableSchema": "s"}], _tables("a"), "s.a: on the target"),
    ],
)
def test_tables_that_a_job_leaves_are_named(before: Rules, after: Rules, ignored: Rules | None, told: str) -> None:
    assert _said(before, after, ignored=ignored).startswith(told)


def test_nothing_is_said_where_nothing_is_left_behind() -> None:
    assert _said(_tables("a"), _tables("a", "b")) == ""
    assert _said(_tables("a"), [{"TableSchema": "s"}]) == ""
    assert _said(_tables("a", "b"), _tables("a"), has_begun=False) == ""
    spec = record_of(Stage.RUNNING, _tables("a")).spec()
    assert what_stays(spec, None, None) == ""
