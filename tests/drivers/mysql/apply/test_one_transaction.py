"""What is noted of one transaction of MariaDB's: as the text of a set, its name would be all that is before it too."""

from __future__ import annotations

from typing import Any, cast

import pytest

from udup.drivers.mysql.apply import intents, skip, unsure, xa
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import Connection


class _Target:
    """A target with one row of a checkpoint, and nothing else."""

    is_mariadb = True

    def __init__(self, gtids: str) -> None:
        self.gtids = gtids

    def rollback(self) -> None:
        pass

    def commit(self) -> None:
        pass

    def answer(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        if sql.startswith("SELECT slot, version"):
            return [(0, 1, self.gtids, "mark", 0, "")]
        if sql.startswith("SELECT gtids FROM"):
            return [(self.gtids,)]
        if sql.startswith("UPDATE udup.checkpoint SET version") and "definitions" in sql:
            self.gtids = str(values[1])
        if sql.startswith("UPDATE udup.checkpoint SET gtids"):
            self.gtids = str(values[0])
        return []


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> _Target:
    made = _Target("0-1-40")
    for module in (skip, unsure, intents, xa):
        monkeypatch.setattr(module, "query", lambda _, sql, *values: made.answer(sql, *values))
    monkeypatch.setattr(unsure, "scalar", lambda _, sql, *values: made.answer(sql, *values)[0][0])
    return made


@pytest.mark.parametrize("kept", ["", "mark:1"])
def test_of_what_is_passed_over_nothing_before_it_is(target: _Target, kept: str) -> None:
    connection = cast("Connection", target)
    assert skip._skip(connection, "job", "0-1-42", kept)
    assert target.gtids == "0-1-40,0-1-42:42"
    assert not skip._skip(connection, "job", "0-1-42", kept)
    assert skip._skip(connection, "job", "0-1-41", kept)
    assert target.gtids == "0-1-42"


def test_of_what_is_noted_as_applied_nothing_before_it_is(target: _Target) -> None:
    found = unsure._conclude(cast("Connection", target), "job", ["0-1-43", "0-1-44"])
    assert str(found) == "0-1-43:44"
    assert target.gtids == "0-1-40,0-1-43:44"


def test_a_set_of_transactions_has_these_alone() -> None:
    assert str(GtidSet.of_transactions(["0-1-42", "0-1-44", "1-1-1"])) == "0-1-42:42,0-1-44:44,1-1-1"
    assert str(GtidSet.of_transactions(["AAAAAAAA-aaaa-aaaa-aaaa-aaaaaaaaaaaa:tag:7"])).endswith("aaaa:tag:7")
