"""Tables that join a log, and what its statements make of them: names, columns of the key, the rest of a snapshot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.drivers.mysql.telling.test_order import PLACE, A, B, C, _read, _rows
from udup.drivers.mysql.ddl.classify import classify
from udup.drivers.mysql.dictionary.catalog import Column, Table
from udup.drivers.mysql.snapshot.chunks import Chunk
from udup.drivers.mysql.telling.joining_tables import JoiningTables
from udup.drivers.mysql.telling.log_instead import LogInstead, followed, has_sent, is_changed, sign_of
from udup.drivers.mysql.telling.order import ReadRows, SnapshotOrder
from udup.drivers.mysql.telling.ranges import END, START
from udup.pipeline.records import Record, SnapshotEnd
from udup.pipeline.selection.renames import Name
from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection

_ALL = Selection.of([("s", [])])


def _table(name: Name, *columns: str, key: tuple[str, ...] = ("id",)) -> Table:
    made = tuple(Column(each, "int", "int", None, None, nullable=False, generated=False) for each in columns)
    return Table(*name, made, key, 0, 0, "")


_TABLES = [_table(A, "id"), _table(B, "id"), _table(C, "id", "n")]


def _cut() -> str:
    """Return the state of a snapshot that has sent a whole, and b up to 10."""
    keys = {A: ["id"], B: ["id"], C: ["id"]}
    order = SnapshotOrder(3, [A, B, C], PLACE, keys=keys, selection=_ALL, sign=sign_of(_TABLES))
    _read(order, Chunk(0, 0, "", final=True), _rows(0))
    order.planned(Chunk(1, 0, "", final=True), START, END)
    list(order.add(ReadRows(1, 0, 0, 2, [b"b"], 17, False, (10,))))
    records = list(order.add(ReadRows(1, 0, 2, 2, [b"b"], 17, False, (20,))))
    return records[-1].state


def _joining(state: str, selection: Selection = _ALL) -> JoiningTables:
    return JoiningTables(json.loads(state), selection)


def _run(tables: JoiningTables, *statements: str) -> list[bool]:
    return [tables.changed_by(classify(each.encode(), "s"), f"u:{at}") for at, each in enumerate(statements)]


def _open(tables: JoiningTables) -> dict[str, float | None]:
    """Return how far each open table has come."""
    found: dict[str, float | None] = {}
    for each in tables.open:
        assert each.name[0] == "s"
        sent = [key for (_, key) in [(None, upper) for upper, at in each.ranges.kept() if at is not None] if key]
        found[each.name[1]] = sent[-1][0] if sent else None
    return found


def test_definitions_are_compared_by_names_columns_and_keys() -> None:
    state = _cut()
    a, b, c = _TABLES
    assert not is_changed(state, [c, b, a], folds=False) and has_sent(state)
    assert not is_changed(state, [*_TABLES, replace(a, schema="other")], folds=False), "it was not in the job"
    for changed in (
        [a, b],
        [*_TABLES, _table(("s", "d"), "id")],
        [a, b, _table(C, "id", "m")],
        [a, b, replace(c, key=())],
    ):
        assert is_changed(state, changed, folds=False)
    assert not is_changed(json.dumps({**json.loads(state), "tables": ""}), [a], folds=False), "of an earlier version"
    assert not has_sent(SnapshotOrder(3, [A], PLACE).state())


def test_the_log_is_followed_from_the_first_try_and_what_that_has_not_told_joins() -> None:
    instead = LogInstead(4, _cut(), 2)
    records: list[Record] = []
    for reader in range(2):
        instead.read(reader, records.append)
    [end] = records
    assert isinstance(end, SnapshotEnd)
    assert (end.position, end.state, instead.tables) == (PLACE.position, instead.state, [])
    tables = _joining(end.state)
    assert tables.has_rest and _open(tables) == {"b": 10}
    assert tables.find(A) is None and tables.find(C) is not None and tables.find(("other", "c")) is None


@pytest.mark.parametrize(
    ("statements", "names", "wanted"),
    [
        ((), "abc", {"b": 10, "c": None}),
        (["RENAME TABLE b TO a1"], ("a", "a1", "c"), {"a1": 10, "c": None}),
        (["RENAME TABLE c TO a1"], ("a", "a1", "b"), {"a1": None, "b": 10}),
        (["ALTER TABLE a RENAME TO z"], "bcz", {"b": 10, "c": None}),
        (["RENAME TABLE a TO y, y TO z"], "bcz", {"b": 10, "c": None}),
        (["RENAME TABLE b TO x, c TO b, x TO c"], "abc", {"c": 10, "b": None}),
        (["RENAME TABLE a TO x, b TO a, x TO b"], "abc", {"a": 10, "c": None}),
        (["DROP TABLE b, a"], "c", {"c": None}),
        (["DROP TABLE b", "CREATE TABLE b (id INT)"], "abc", {"b": None, "c": None}),
        (["DROP DATABASE s"], "", {}),
        (["TRUNCATE TABLE b"], "abc", {"b": 10, "c": None}),
        (["ALTER TABLE b ADD COLUMN n INT, DROP COLUMN m"], "abc", {"b": 10, "c": None}),
        (["ALTER TABLE b RENAME COLUMN ID TO k"], "abc", {"b": None, "c": None}),
        (["ALTER TABLE b CHANGE `id` k VARCHAR(9)"], "abc", {"b": None, "c": None}),
    ],
)
def test_statements_of_the_log_are_followed(
    statements: Sequence[str], names: Sequence[str], wanted: dict[str, int | None]
) -> None:
    tables = _joining(followed(_cut()))
    _run(tables, *statements)
    tables.name_rest([("s", name) for name in names])
    assert _open(tables) == wanted and not tables.has_rest
    assert tables.find(("s", "later")) is None, "what is made later is in the log"


def test_a_table_whose_key_has_changed_tells_all_from_then_on() -> None:
    tables = _joining(followed(_cut()))
    assert _run(tables, "ALTER TABLE b DROP COLUMN n", "ALTER TABLE b DROP COLUMN id") == [False, True]
    table = tables.find(B)
    assert table is not None and table.tells_all and table.key == ()


def test_a_statement_that_is_read_again_changes_nothing_more() -> None:
    kept: dict[str, Any] = json.loads(followed(_cut()))
    swap = "RENAME TABLE b TO x, c TO b, x TO c"
    tables = JoiningTables(kept, _ALL)
    assert _run(tables, swap) == [True]
    tables.keep()
    again = JoiningTables(json.loads(json.dumps(kept)), _ALL)
    assert _run(again, swap) == [False] and _open(again) == {"c": 10, "b": None}


def test_a_table_that_leaves_the_job_by_its_name_joins_no_more() -> None:
    tables = _joining(
        followed(_cut()), Selection((SchemaRule("s", tables=(NameRule("a"), NameRule("b"), NameRule("c"))),))
    )
    _run(tables, "RENAME TABLE b TO elsewhere")
    assert "elsewhere" not in _open(tables) and "b" not in _open(tables)


def test_ranges_that_lie_apart_are_kept_and_what_an_earlier_version_kept_is_understood() -> None:
    kept = json.loads(followed(_cut()))
    kept["joins"][0]["ranges"] = [[[10], 0], [[20], None], [[30], 1], [None, None]]
    [table] = JoiningTables(kept, _ALL).open
    assert [table.tells((key,), "", 0) for key in (10, 11, 20, 21, 30, 31)] == [True, False, False, True, True, False]
    [resumed] = json.loads(table.resumed("u:1"))["open"]
    assert resumed["ranges"] == [[[10], 0], [[20], None], [[30], 0], [None, None]]
    del kept["joins"][0]["ranges"]
    for upper, wanted in (([10], [((10,), 0), (None, None)]), ([], [(None, None)])):
        kept["joins"][0]["upper"] = upper
        [table] = JoiningTables(kept, _ALL).open
        assert table.ranges.kept() == wanted
