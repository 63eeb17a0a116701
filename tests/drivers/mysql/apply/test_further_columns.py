"""Columns of the target's own behind the source's, where rows go by places."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from udup.base.errors import Unsupported
from udup.drivers.mysql.apply import column_check
from udup.drivers.mysql.apply.column_check import TargetColumn, check_definition
from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType

INT = ColumnDefinition(ColumnType.LONG, b"", nullable=True, unsigned=False)


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Compare columns of the log (None: without a name) with those of the target, all of them INT."""

    def compare(ours: list[str | None], theirs: list[str]) -> None:
        there = [TargetColumn(replace(INT, name=name), "int", None) for name in theirs]
        monkeypatch.setattr(column_check, "parse_columns", lambda *_, **__: [replace(INT, name=each) for each in ours])
        monkeypatch.setattr(column_check, "target_columns", lambda *_: there)
        monkeypatch.setattr(column_check, "query", lambda *_: [])
        mysql: Any = SimpleNamespace(is_mariadb=False)
        check_definition(mysql, "s", "t", b"", has_crc=True)

    return compare


def test_they_may_stand_there_if_the_log_has_names(check) -> None:  # type: ignore[no-untyped-def]
    check(["id", "n"], ["id", "n", "own"])
    check([None, None], ["id", "n"])


def test_without_names_nobody_knows_which_they_are(check) -> None:  # type: ignore[no-untyped-def]
    """After ADD COLUMN age on the source the target has (id, n, own, age): by places, age would go into own."""
    with pytest.raises(Unsupported, match=r"last are age.*binlog_row_metadata"):
        check([None, None, None], ["id", "n", "own", "age"])


def test_with_names_it_is_told_how_the_new_column_gets_to_its_place(check) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Unsupported, match=r"it is called age.*MODIFY `age` … AFTER `n` there"):
        check(["id", "n", "age"], ["id", "n", "own", "age"])
