"""Columns that the target computes and the source does not: their values would be lost without a word."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pytest

from udup.base.errors import Unsupported
from udup.drivers.mysql.apply.column_check import TargetColumn
from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType
from udup.drivers.mysql.binlog.table_map import TableName
from udup.drivers.mysql.columns import plans
from udup.drivers.mysql.columns.computed import only_there
from udup.drivers.mysql.columns.existing import Collations

INT = ColumnDefinition(ColumnType.LONG, b"", nullable=True, unsigned=False)


def test_columns_are_compared_by_their_tables_and_names() -> None:
    ours = [("s", "t", "Sum"), ("s", "u", "x")]
    theirs = [("s", "t", "sum"), ("s", "t", "x"), ("s", "v", "y")]
    assert only_there(ours, theirs) == {("s", "t"): {"x"}, ("s", "v"): {"y"}}


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    def checked(computed: Collection[str]) -> None:
        there = [
            TargetColumn(replace(INT, name="id"), "int", None),
            TargetColumn(replace(INT, name="X"), "int", None, generated=True),
        ]
        monkeypatch.setattr(plans, "target_columns", lambda *_: there)
        monkeypatch.setattr(plans, "read_collations", lambda _: Collations({}, {}))
        ours = [replace(INT, name="id"), replace(INT, name="x")]
        plans.check_converted(None, TableName("s", "t"), ours, computed)  # type: ignore[arg-type]

    return checked


def test_rows_stop_at_a_column_that_only_the_target_computes(check) -> None:  # type: ignore[no-untyped-def]
    check(())
    with pytest.raises(Unsupported, match=r"the target computes column X.*MODIFY"):
        check({"x"})
