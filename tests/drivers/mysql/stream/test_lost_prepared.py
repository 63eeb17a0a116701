"""XA transactions that the log has prepared and the source does not know: lost, unless an end may still come."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.quick_servers import QUICK
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import connect, query, scalar
from udup.drivers.mysql.stream import lost_prepared
from udup.drivers.mysql.stream.lost_prepared import KeptOnTarget, LostPrepared
from udup.pipeline.records import NO_TRANSACTION, CommitOrder, Record, Skipped, Transaction, TransactionId, XaEnd
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.server import MysqlServer

KNOWN, LOST = "X'6b',X'',1", "X'6C',X'62',7"

FAR = ("binlog.999999", 1)


@pytest.fixture(scope="module")
def source(programs: MysqlPrograms, server_folder: Path) -> Iterator[MysqlServer]:
    with MysqlServer(programs, server_folder / "prepared", options=QUICK) as server:
        _prepare(server)
        yield server


def _prepare(server: MysqlServer) -> None:
    with closing(connect(server.endpoint)) as connection:
        for statement in ("CREATE DATABASE d", "CREATE TABLE d.t (a INT)", f"XA START {KNOWN}"):
            query(connection, statement)
        for statement in ("INSERT INTO d.t VALUES (1)", f"XA END {KNOWN}", f"XA PREPARE {KNOWN}"):
            query(connection, statement)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_SECONDS", "BETWEEN_SECONDS", "AGAIN_SECONDS"):
        monkeypatch.setattr(lost_prepared, name, 0.0)


def _uuid(source: MysqlServer) -> str:
    with closing(connect(source.endpoint)) as connection:
        return str(scalar(connection, "SELECT @@GLOBAL.server_uuid"))


def _prepared(source: MysqlServer, xid: str, number: int = 1) -> Transaction:
    of = TransactionId(_uuid(source), number, CommitOrder(0, number, number))
    return Transaction(of, b"", xid=xid)


def _looks(asked: LostPrepared, times: int = 4, at: tuple[str, int] = FAR) -> list[str]:
    return [each.gtids for _ in range(times) for each in asked.lost(*at) if isinstance(each, Skipped)]


def _told(asked: LostPrepared) -> list[Record]:
    return [each for _ in range(4) for each in asked.lost(*FAR)]


def _lost(xid: str) -> XaEnd:
    return XaEnd(NO_TRANSACTION, xid, commit=False)


def test_what_is_missing_twice_is_lost_once_the_log_is_read(source: MysqlServer) -> None:
    asked = LostPrepared(source.endpoint, _uuid(source))
    known, lost, coming = (_prepared(source, xid, at) for xid, at in ((KNOWN, 1), (LOST, 2), ("X'6e',X'',1", 999)))
    for each in (known, lost, coming):
        asked.note(each)
    assert _looks(asked, at=("binlog.000001", 4)) == []  # its end may be behind that
    assert _looks(asked) == [lost.id.gtid]
    assert _looks(asked) == []


def test_what_has_ended_is_not_lost(source: MysqlServer) -> None:
    asked = LostPrepared(source.endpoint, _uuid(source))
    asked.note(_prepared(source, LOST))
    assert _looks(asked, 2) == []
    asked.note(XaEnd(_prepared(source, LOST, 2).id, LOST.lower().replace("x", "X"), commit=True))
    assert _looks(asked) == []


def test_who_may_not_ask_or_asks_another_server_loses_nothing(source: MysqlServer) -> None:
    with closing(connect(source.endpoint)) as connection:
        query(connection, "CREATE USER plain@'%' IDENTIFIED BY 'p'")
        query(connection, "GRANT REPLICATION CLIENT ON *.* TO plain@'%'")
    plain = replace(source.endpoint, user="plain", password="p")
    for asked in (LostPrepared(plain, _uuid(source)), LostPrepared(source.endpoint, "another")):
        asked.note(_prepared(source, LOST))
        assert _looks(asked) == []


def test_a_target_is_told_of_those_that_it_keeps_of_earlier_runs(source: MysqlServer) -> None:
    with closing(connect(source.endpoint)) as connection:
        after = GtidSet.parse(str(scalar(connection, "SELECT @@GLOBAL.gtid_executed")).replace("\n", ""))
    asked = LostPrepared(source.endpoint, _uuid(source), KeptOnTarget((KNOWN, LOST), after))
    assert _told(asked) == [_lost(LOST)]
    later = GtidSet.parse(f"{_uuid(source)}:1-999")  # the source may yet have to come to it
    assert _told(LostPrepared(source.endpoint, _uuid(source), KeptOnTarget((LOST,), later))) == []


def test_a_target_is_told_of_what_is_lost_in_this_run_and_of_an_xid_that_is_prepared_again(source: MysqlServer) -> None:
    asked = LostPrepared(source.endpoint, _uuid(source), KeptOnTarget((LOST,), GtidSet()))
    first, second = _prepared(source, LOST, 1), _prepared(source, LOST, 2)
    assert asked.note(first) == [_lost(LOST)]
    assert asked.note(first) == []
    assert asked.note(second) == [_lost(LOST)]
    assert _told(asked) == [_lost(LOST)]
