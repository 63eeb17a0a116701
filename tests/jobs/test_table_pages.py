"""Pages of a job's tables: which match, and in what order."""

from __future__ import annotations

from typing import Any

import pytest

from udup.base.errors import Refused
from udup.jobs.record import JobRecord
from udup.jobs.table_pages import (
    Compared,
    TableGroup,
    TableSort,
    TablesWanted,
    compared_of,
    group_of,
    groups_of,
    page_of,
    tables_wanted,
)
from udup.jobs.table_states import TableShown, TableState
from udup.pipeline.ports.inspect import TableSize
from udup.pipeline.ports.tables import TableChange
from udup.pipeline.verify.state import CompareOptions, CompareState, Comparison, UnlikeTable

_CHANGE = TableChange("s", "c", 1, 2, 3, changed_us=7)

SHOWN = [
    TableShown("s.a", TableState.LIVE, "", change=TableChange("s", "a", 100, changed_us=5)),
    TableShown("s.b", TableState.WAITING, ""),
    TableShown("s.c", TableState.LIVE, "", differences=2, change=_CHANGE),
    TableShown("s.d", TableState.COPYING, "", percent=90.0, rows=9, total=10),
    TableShown("s.E", TableState.COPYING, "", percent=10.0, rows=1, total=1000),
    TableShown("s.f", TableState.FAILED, "", problem="no such engine"),
]
SHOWN.sort(key=lambda each: each.name)
SIZES = {
    f"s.{name}": TableSize("s", name, rows, size) for name, rows, size in (("a", 5, 50), ("b", 9, 10), ("f", 1, 90))
}


def _asked(**words: str | None) -> TablesWanted:
    given: dict[str, Any] = {"after": "", "offset": None, "sort": "", "state": "", "search": "", **words}
    return tables_wanted(None, **given)


def _names(**words: str | None) -> str:
    page = page_of(SHOWN, SIZES, _asked(**words))
    return "".join(each.name.removeprefix("s.") for each in page.tables)


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("", "Eabcdf"),
        ("name", "Eabcdf"),
        ("-name", "fdcbaE"),
        ("trouble", "fcEdba"),
        ("-trouble", "abEdcf"),
        ("size", "fabEcd"),
        ("-size", "bafEcd"),
        ("rows", "Edbafc"),
        ("changed", "acEbdf"),
        ("-changed", "caEbdf"),
        ("last_change", "caEbdf"),
        ("lag", "fbEdac"),
    ],
)
def test_what_is_most_worth_a_look_comes_first_and_what_is_not_known_last(sort: str, names: str) -> None:
    assert _names(sort=sort) == names


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ({"state": "live"}, "ac"),
        ({"state": "trouble"}, "cf"),
        ({"state": "moving"}, "Ed"),
        ({"state": "waiting"}, "b"),
        ({"state": "copying, failed"}, "Edf"),
        ({"state": "trouble,moving", "sort": "-name"}, "fdcE"),
        ({"search": "S.e"}, "E"),
        ({"search": "."}, "Eabcdf"),
        ({"search": "%"}, ""),
        ({"search": "s.", "state": "diverged"}, ""),
        ({"after": "s.b"}, "cdf"),
        ({"offset": "4"}, "df"),
        ({"offset": "999999999"}, ""),
    ],
)
def test_tables_are_found_by_state_and_name(words: dict[str, str], names: str) -> None:
    assert _names(**words) == names


def test_a_page_says_how_many_match_and_whether_more_come() -> None:
    page = page_of(SHOWN, SIZES, TablesWanted(limit=2, offset=1, sort=TableSort.SIZE))
    assert ([each.name for each in page.tables], page.matching, page.offset, page.more) == (["s.a", "s.b"], 6, 1, True)
    assert not page_of(SHOWN, SIZES, TablesWanted(limit=2, offset=4)).more
    assert page_of(SHOWN, SIZES, TablesWanted(offset=50)).offset == 6


def test_every_table_is_of_one_group() -> None:
    assert groups_of(SHOWN) == {"trouble": 2, "moving": 2, "waiting": 1, "live": 1}
    assert {group_of(TableShown("s.x", state, "")) for state in TableState} == set(TableGroup)


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"offset": "-1"}, "offset"),
        ({"offset": "1e9"}, "offset"),
        ({"offset": "٣"}, "offset"),
        ({"sort": "colour"}, "sort"),
        ({"sort": "--name"}, "sort"),
        ({"state": "nice"}, "state"),
        ({"state": "live,nice\0"}, "state"),
        ({"after": "s.a", "sort": "size"}, "after"),
        ({"after": "s.a", "offset": "0"}, "after"),
        ({"search": "x" * 301}, "q"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_its_field(words: dict[str, str], field: str) -> None:
    with pytest.raises(Refused) as refused:
        _asked(**words)
    assert [each.where for each in refused.value.faults] == [field] and refused.value.faults[0].remedy


def test_ten_thousand_tables_are_bounded_by_the_page() -> None:
    assert tables_wanted(999_999_999, "", None, "", "", "").limit == 10_000


def test_when_a_table_was_compared_is_known_from_the_last_comparison() -> None:
    def record(**values: Any) -> JobRecord:
        comparison = Comparison(id="c", options=values.pop("options", CompareOptions()), since_ns=1).model_copy(
            update=values
        )
        return JobRecord(id="j", document={}, comparison=comparison)

    done = {"state": CompareState.DONE, "ended_ns": 7}
    assert compared_of(JobRecord(id="j", document={}), SHOWN) == {}
    assert compared_of(record(), SHOWN) == {}, "it is under way"
    found = compared_of(record(**done, unlike=(UnlikeTable(name="s.b"),)), SHOWN)
    assert found["s.a"] == Compared(7, True) and found["s.b"] == found["s.c"] == Compared(7, False)
    some = compared_of(record(**done, options=CompareOptions(tables=("s.a",))), SHOWN)
    assert list(some) == ["s.a"]
    assert compared_of(record(**done, options=CompareOptions(repair=True)), SHOWN) == {}
    assert compared_of(record(last_ended_ns=5, round=2), SHOWN)["s.a"] == Compared(5, True)
