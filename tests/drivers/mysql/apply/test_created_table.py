"""The table of a CREATE TABLE … SELECT, made before its rows."""

from __future__ import annotations

from typing import Any, cast

import pytest

from udup.drivers.mysql.apply import created_table, intents
from udup.drivers.mysql.apply.created_table import make_for_rows
from udup.drivers.mysql.apply.rows_path import Mark
from udup.drivers.mysql.client.connection import Connection


class _Target:
    """A target with one table; `sent` is what changes something there, in its order."""

    is_mariadb, version = True, (11, 8, 9)

    def __init__(self) -> None:
        self.is_there = True
        self.sent: list[str] = []

    def get_server_info(self) -> str:
        return "11.8.9-MariaDB-log"

    def commit(self) -> None:
        self.sent.append("COMMIT")

    def answer(self, sql: str) -> list[tuple[Any, ...]]:
        if sql.startswith("SELECT 1 FROM information_schema.TABLES"):
            return [(1,)] if self.is_there else []
        if sql.startswith("SELECT 1 FROM udup.checkpoint"):
            self.sent.append("checked")
            return [(1,)]
        self.is_there = self.is_there and not sql.startswith("DROP TABLE")
        self.sent.append(sql.split(" (")[0])
        return []


def test_a_table_that_is_replaced_is_dropped_while_the_job_is_this_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    target = _Target()
    for module in (created_table, intents):
        monkeypatch.setattr(module, "query", lambda _, sql, *values: target.answer(sql))
    monkeypatch.setattr(
        created_table, "run_ddl", lambda _, event, **more: target.sent.append(event.sql.decode().split(" (")[0])
    )
    create = bytes(19 + 4 + 4) + b"\x01" + bytes(2) + bytes(2) + b"s\0"
    create += b"CREATE OR REPLACE TABLE `t` (a INT) START TRANSACTION"
    make_for_rows(cast("Connection", target), Mark(b"job", 1, 1, 2, ""), create, b"")
    noted = "INSERT INTO udup.intent"
    assert target.sent == ["checked", "DROP TABLE `s`.`t`", "checked", noted, "COMMIT", "CREATE  TABLE `t`"]
