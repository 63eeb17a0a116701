"""A snapshot that was cut goes on at the source that it began at, and at no other that has the same GTIDs."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace

import pytest

from tests.conftest import MakeServer
from udup.base.endpoint import Endpoint
from udup.base.errors import Unsupported
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.stream import position
from udup.drivers.mysql.telling.reading import open_reading
from udup.pipeline.ports import ReadingPlan, Scope
from udup.pipeline.selection.selection import Selection
from udup.sandbox.server import MysqlServer


def _run(server: MysqlServer, *statements: str) -> None:
    with closing(connect(server.endpoint)) as connection:
        for statement in statements:
            query(connection, statement)


def _state(endpoint: Endpoint, state: str = "") -> str:
    reading = open_reading(endpoint, Scope(Selection()), ReadingPlan(2 if state else 1, state=state), readers=1)
    try:
        return reading.state
    finally:
        reading.close()


def test_a_snapshot_goes_on_where_it_began_and_not_behind_a_reset(
    mysql_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(position, "PATIENCE", 0.2)
    server = mysql_server()
    _run(server, "CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1), (2)")
    first = _state(server.endpoint)
    [at] = json.loads(first)["positions"]
    stamp = json.loads(first)["stamps"]
    assert stamp.partition("@")[0].endswith(f":{at.rpartition('-')[2]}")
    _run(server, "INSERT INTO d.t VALUES (3)")
    second = _state(server.endpoint, first)
    assert len(json.loads(second)["positions"]) == 2 and json.loads(second)["stamps"] != stamp
    _run(server, "RESET BINARY LOGS AND GTIDS", "DELETE FROM d.t WHERE a = 1")
    with pytest.raises(Unsupported, match="never executed"):
        _state(server.endpoint, second)
    _run(server, *(f"INSERT INTO d.t VALUES ({number})" for number in range(10, 30)))
    with pytest.raises(Unsupported, match="were reset"):
        _state(server.endpoint, second)


def test_who_may_not_read_the_log_reads_a_snapshot_all_the_same(mysql_server: MakeServer) -> None:
    server = mysql_server()
    _run(server, "CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)", "CREATE USER plain@'%' IDENTIFIED BY 'p'")
    _run(server, "GRANT SELECT, RELOAD, REPLICATION CLIENT ON *.* TO plain@'%'")
    plain = replace(server.endpoint, user="plain", password="p")
    state = _state(plain)
    assert "stamps" not in json.loads(state)
    assert len(json.loads(_state(plain, state))["positions"]) == 2
