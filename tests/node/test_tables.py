"""What is said of tables that a document takes out of a job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.jobs.test_table_states import record_of
from udup.base.errors import Unavailable
from udup.jobs import JobProgress, parse_job
from udup.jobs.table_pages import TablesWanted
from udup.jobs.words import Stage
from udup.node.servers import Asked
from udup.node.tables import tables_found, what_stays
from udup.pipeline.ports.tables import Ahead, TableChange, TablesOnTarget
from udup.web.ports import TablesFound

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


class _Ends:
    """Both servers of a job of so many tables; `asked` says about how many the target was asked each time."""

    def __init__(self, tables: int, problem: str = "") -> None:
        self.names = [("s", f"t{number:05d}") for number in reversed(range(tables))]
        self.problem = problem
        self.asked: list[int] = []

    def tables(self, asked: Asked) -> list[tuple[str, str]]:
        return self.names

    def on_target(self, asked: Asked, side: str, names: Sequence[tuple[str, str]]) -> TablesOnTarget:
        if self.problem:
            raise Unavailable(self.problem)
        self.asked.append(len(names))
        changes = tuple(TableChange(*name, inserted=int(name[1][1:])) for name in names)
        return TablesOnTarget(7, changes, (Ahead("u:1-99", (0,)),))


def _found(ends: _Ends, after: str, limit: int) -> TablesFound:
    record = record_of(Stage.RUNNING, [{"TableSchema": "s"}])
    return tables_found(record, None, ends, TablesWanted(limit, after))  # type: ignore[arg-type]


def test_ten_thousand_tables_are_told_page_by_page_each_with_what_is_its_own() -> None:
    ends, after, found = _Ends(10_000), "", []
    while after or not found:
        page = _found(ends, after, 6000)
        assert page.total == 10_000 and page.states == {"live": 10_000} and page.since_us == 7
        found += page.tables
        after = page.next
    assert [each.name for each in found] == [f"s.t{number:05d}" for number in range(10_000)]
    assert [each.change.inserted for each in found if each.change] == list(range(10_000))
    assert sum(ends.asked) == 10_000 and max(ends.asked) <= 5000
    assert {each.position for each in found[1:5000]} == {"u:1-9"} and found[5000].position == "u:1-99"


def test_a_target_that_cannot_be_asked_keeps_nothing_else_from_being_told() -> None:
    page = _found(_Ends(3, "it is down"), "s.t00000", 1)
    assert [each.name for each in page.tables] == ["s.t00001"] and page.next == "s.t00001"
    assert page.problem == "it is down" and page.tables[0].change is None
    behind = _found(_Ends(3), "s.t00002", 5)
    assert behind.tables == [] and behind.next == "" and behind.total == 3
