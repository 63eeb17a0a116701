"""What the demo of a subscription makes of events, without servers."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from rich.console import Console

from udup.base.errors import UdupError
from udup.demo.columns import column
from udup.demo.events import Event
from udup.demo.feed import LINE_SECONDS, Feed, changed
from udup.demo.rebuilt import RebuiltTable

_COLUMNS = {name: column(name, kind, 2, 0) for name, kind in (("id", "int"), ("price", "decimal"))}


def event(operation: str, before: dict[str, Any] | None, after: dict[str, Any] | None, key: str | None = "1") -> Event:
    return Event("g:1:shop.t:0", operation, "t", key, before, after, 1_700_000_000_123_456)


@pytest.mark.parametrize(
    ("kind", "scale", "fraction", "said", "selected"),
    [
        ("int", 0, 0, 7, 7),
        ("decimal", 2, 0, "BNI=", Decimal("12.34")),
        ("decimal", 2, 0, "/w==", Decimal("-0.01")),
        ("datetime", 0, 3, 1_000, datetime(1970, 1, 1, 0, 0, 1)),
        ("datetime", 0, 6, 1_000_001, datetime(1970, 1, 1, 0, 0, 1, 1)),
        ("timestamp", 0, 3, "2024-01-02T03:04:05.678Z", datetime(2024, 1, 2, 3, 4, 5, 678_000)),
        ("time", 0, 2, -1_500_000, timedelta(seconds=-1.5)),
        ("bit", 0, 0, "AQI=", b"\x02\x01"),
        ("float", 0, 0, 5.6, 5.599999904632568),
        ("blob", 0, 0, "AP8=", b"\x00\xff"),
        ("json", 0, 0, '{"b":1,"a":[2]}', '{"a": [2], "b": 1}'),
    ],
)
def test_an_event_and_a_select_say_the_same_value(
    kind: str, scale: int, fraction: int, said: Any, selected: Any
) -> None:
    made = column("c", kind, scale, fraction)
    assert made.of_event(said) == made.of_select(selected)


def test_values_that_differ_are_not_equal() -> None:
    made = column("c", "decimal", 2, 0)
    assert made.of_event("BNM=") != made.of_select(Decimal("12.34"))


def test_a_table_is_rebuilt_from_its_changes() -> None:
    table = RebuiltTable(_COLUMNS)
    first, second = {"id": 1, "price": "ZA=="}, {"id": 1, "price": None}
    for each in (event("c", None, first), event("u", first, second)):
        table.take(each)
    assert table.rows() == {(1, None): 1}
    table.take(event("d", second, None))
    assert not table.rows()


def test_rows_without_a_key_are_counted() -> None:
    table = RebuiltTable(_COLUMNS)
    row = {"id": 1, "price": "ZA=="}
    for each in (event("c", None, row, None), event("c", None, row, None), event("d", row, None, None)):
        table.take(each)
    assert table.rows() == {(1, Decimal("1.00")): 1}


@pytest.mark.parametrize("key", ["1", None])
@pytest.mark.parametrize("operation", ["u", "d"])
def test_a_change_that_does_not_follow_ends_the_demo(operation: str, key: str | None) -> None:
    table = RebuiltTable(_COLUMNS)
    row = {"id": 1, "price": "ZA=="}
    with pytest.raises(UdupError, match="does not follow"):
        table.take(event(operation, row, None if operation == "d" else row, key))


def test_a_row_that_is_there_already_is_not_inserted_again() -> None:
    table = RebuiltTable(_COLUMNS)
    row = {"id": 1, "price": "ZA=="}
    table.take(event("c", None, row))
    with pytest.raises(UdupError, match="does not follow"):
        table.take(event("c", None, row))


def test_an_update_shows_what_it_has_changed_and_an_insert_its_first_columns() -> None:
    assert changed({"id": 1, "name": "a"}, {"id": 1, "name": None}) == "name: a → NULL"
    assert changed(None, {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}) == "a: 1, b: 2, c: 3, d: 4, …"
    assert changed(None, {"a": 1, "b": 2}, {"a"}) == "b: 2"
    assert changed({"long": "x" * 100}, None) == "long: " + "x" * 23 + "…"


def test_a_few_lines_a_second_are_shown_and_none_of_the_snapshot() -> None:
    output, now = io.StringIO(), [0.0]
    feed = Feed(Console(file=output, width=200), lambda _: _COLUMNS, lambda: now[0])
    snapshot = Event("s1:shop.t:0:0", "r", "t", "1", None, {"id": 1, "price": "ZA=="}, None)
    insert = event("c", None, {"id": 1, "price": "BNI="}, '{"id":1}')
    for each in (snapshot, insert, insert):
        feed.show(each)
    now[0] += LINE_SECONDS
    feed.show(insert)
    assert output.getvalue().splitlines() == ['22:13:20.123 insert t            {"id":1} price: 12.34'] * 2


def test_a_line_ends_with_the_screen_and_is_whole_elsewhere() -> None:
    shown = []
    for terminal in (True, False):
        output = io.StringIO()
        feed = Feed(Console(file=output, width=40, force_terminal=terminal, color_system=None), lambda _: _COLUMNS)
        feed.show(event("c", None, {"id": 1, "price": "BNI="}, '{"id":1}'))
        shown.append(output.getvalue().rstrip("\n"))
    assert len(shown[0]) == 40 and shown[0].endswith("…")
    assert shown[1].endswith("price: 12.34")
