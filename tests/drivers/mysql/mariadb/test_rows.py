"""What goes to a MariaDB behind a CREATE TABLE … SELECT; no server."""

from __future__ import annotations

from typing import Any, cast

import pytest

from udup.drivers.mysql.apply import intents, rows_by_events
from udup.drivers.mysql.apply.rows_path import Mark
from udup.drivers.mysql.client.connection import Connection
from udup.drivers.mysql.client.sessions import apply_session
from udup.drivers.mysql.mariadb import rows
from udup.drivers.mysql.mariadb.rows import MariaRows

_CONTEXT = b"SET SESSION time_zone = '-11:00'"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What reaches the server, without the events."""
    found: list[str] = []

    def send(_: object, sql: bytes, statements: int) -> None:
        assert sql.count(b";") + 1 == statements
        found.append("; ".join(each.split(b" '")[0].decode() for each in sql.split(b";")))

    for module in (rows, rows_by_events):
        monkeypatch.setattr(module, "execute_raw", send)
        monkeypatch.setattr(module, "query", lambda *_: [])
    counters = [(f"Handler_{what}", "0") for what in ("write", "update", "delete")]
    monkeypatch.setattr(rows_by_events, "query", lambda _, sql, *values: counters if "Handler" in sql else [])
    monkeypatch.setattr(rows_by_events, "scalar", lambda *_: 1 << 24)
    monkeypatch.setattr(rows, "make_for_rows", lambda *_: None)
    monkeypatch.setattr(rows, "enter", lambda *_: None)
    monkeypatch.setattr(intents, "forget_made", lambda *_: None)
    return found


def _apply(events: list[bytes]) -> None:
    path = MariaRows(cast("Connection", cast("Any", object())), apply_session(5))
    mark = Mark(b"job", 1, 1, 2, "")
    path.run_create(mark, b"", _CONTEXT)
    path.apply(mark, events, _CONTEXT)


def test_rows_of_a_new_table_are_computed_in_the_context_of_its_statement(sent: list[str]) -> None:
    _apply([b"rows"])
    assert sent == ["BINLOG", "SET SESSION time_zone =", "BINLOG; COMMIT"]


def test_a_new_table_without_rows_is_committed_without_any(sent: list[str]) -> None:
    _apply([b""])
    assert sent == ["BINLOG", "SET SESSION time_zone =", "COMMIT"]
