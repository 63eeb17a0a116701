"""What a MariaDB target must not have set: BINLOG would pass over rows, or set off triggers."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from udup.base.errors import Refused
from udup.drivers.mysql.client.connection import Connection
from udup.drivers.mysql.mariadb.row_settings import check_row_settings, row_settings


def _problems(**variables: str) -> list[str]:
    return [each.found.partition(":")[0] for each in row_settings(variables)]


def test_rows_are_applied_by_a_server_that_takes_them_as_they_came() -> None:
    assert _problems() == []
    assert _problems(slave_exec_mode="STRICT", slave_run_triggers_for_rbr="NO") == []


@pytest.mark.parametrize("mode", ["YES", "LOGGING", "ENFORCE"])
def test_what_would_double_or_pass_over_rows_is_named(mode: str) -> None:
    found = _problems(slave_exec_mode="IDEMPOTENT", slave_run_triggers_for_rbr=mode)
    assert found == ["slave_exec_mode is IDEMPOTENT", f"slave_run_triggers_for_rbr is {mode}"]


def test_a_session_that_begins_looks_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(_: object, sql: str, *values: object) -> Sequence[tuple[str, str]]:
        return [("slave_exec_mode", "IDEMPOTENT"), ("slave_run_triggers_for_rbr", "NO")]

    monkeypatch.setattr("udup.drivers.mysql.client.facts.query", answer)
    connection: Any = SimpleNamespace()
    with pytest.raises(Refused, match="slave_exec_mode is IDEMPOTENT"):
        check_row_settings(cast("Connection", connection), "there")
