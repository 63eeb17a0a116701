"""Rows for tables that undo nothing are applied once, whoever dies between the two marks, or somebody is asked."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psutil
import pytest

from tests.faults.conftest import STAGE_SECONDS, Household, kill, wait_for
from udup.drivers.mysql.client.connection import connect, query, scalar
from udup.sandbox.api import job_document
from udup.verify.compare import compare

JOB = SCHEMA = "legacy"


def _run(endpoint: Any, *statements: str) -> None:
    with closing(connect(endpoint)) as connection:
        for statement in statements:
            query(connection, statement)


def _value(endpoint: Any, sql: str) -> Any:
    with closing(connect(endpoint)) as connection:
        return scalar(connection, sql)


def _level(home: Household) -> bool:
    with closing(connect(home.source.endpoint)) as source, closing(connect(home.target.endpoint)) as target:
        executed = scalar(source, "SELECT @@global.gtid_executed")
        rows = query(target, "SELECT gtids FROM udup.checkpoint WHERE job = %s AND gtids <> ''", JOB)
        applied = ",".join(str(row[0]) for row in rows)
        return bool(scalar(source, "SELECT GTID_SUBSET(%s, %s)", executed, applied))


def _equal(home: Household) -> None:
    wait_for(lambda: _level(home), STAGE_SECONDS, f"level: {home.node.job(JOB)}")
    comparison = compare(home.source.endpoint, home.target.endpoint, [SCHEMA])
    assert comparison.equal, comparison.report()


@pytest.fixture
def legacy(home: Household) -> Iterator[Household]:
    """A job that runs, over a MyISAM table without a key to hide behind."""
    home.revive()
    for server in (home.source, home.target):
        _run(server.endpoint, f"DROP DATABASE IF EXISTS {SCHEMA}")
    _run(home.source.endpoint, f"CREATE DATABASE {SCHEMA}")
    document = job_document(JOB, home.source.endpoint, home.target.endpoint, [SCHEMA])
    home.node.post_job({**document, "ID": JOB})
    home.node.wait_stage(JOB, deadline=STAGE_SECONDS)
    _run(
        home.source.endpoint,
        f"CREATE TABLE {SCHEMA}.log (id INT, text VARCHAR(20)) ENGINE=MyISAM",
        f"INSERT INTO {SCHEMA}.log VALUES (1, 'one'), (1, 'one')",
    )
    _equal(home)
    yield home
    home.revive()
    home.node.api._request("DELETE", f"/v1/job/{JOB}?purge=true")
    for server in (home.source, home.target):
        _run(server.endpoint, f"DROP DATABASE IF EXISTS {SCHEMA}")


@contextmanager
def _between_the_marks(home: Household, *statements: str) -> Iterator[tuple[int, Any]]:
    """A transaction whose note stands and whose rows wait for a lock on the table: the session's number there."""
    note = f"SELECT session FROM udup.unsure WHERE job = '{JOB}' AND gtids <> ''"
    holder = connect(home.target.endpoint)
    try:
        query(holder, f"LOCK TABLES {SCHEMA}.log WRITE")
        _run(home.source.endpoint, *statements)
        wait_for(lambda: _value(home.target.endpoint, note) is not None, STAGE_SECONDS, "a note")
        session = int(_value(home.target.endpoint, note))
        waiting = f"SELECT STATE LIKE 'Waiting%' FROM performance_schema.processlist WHERE ID = {session}"
        wait_for(lambda: bool(_value(home.target.endpoint, waiting)), STAGE_SECONDS, "the rows wait for the table")
        yield session, holder
    finally:
        if home.target.running:
            holder.close()


def _worker_at_it(home: Household, session: int) -> int:
    """The process that has this session on the target, by its port."""
    host = _value(home.target.endpoint, f"SELECT HOST FROM performance_schema.processlist WHERE ID = {session}")
    port = int(str(host).rpartition(":")[2])
    for pid in (int(actor["Pid"]) for actor in home.node.api.actors()):
        if any(each.laddr.port == port for each in psutil.Process(pid).net_connections("tcp")):
            return pid
    raise AssertionError(f"nobody has the port {port}")


def _noted(home: Household) -> str:
    return str(_value(home.target.endpoint, f"SELECT gtids FROM udup.unsure WHERE job = '{JOB}'")).split(",")[0]


def _insert(number: int) -> str:
    return f"INSERT INTO {SCHEMA}.log VALUES ({number}, 'x'), ({number}, 'x')"


@pytest.mark.parametrize("server_ends_it", [True, False])
def test_rows_are_there_once_when_their_worker_dies_between_the_marks(legacy: Household, server_ends_it: bool) -> None:
    """Whether the target carries out what it was sent, or that is ended as well, can be told from its GTIDs."""
    with _between_the_marks(legacy, _insert(2), _insert(3), f"UPDATE {SCHEMA}.log SET text = CONCAT(text, '+')") as (
        session,
        holder,
    ):
        kill(_worker_at_it(legacy, session))
        if not server_ends_it:
            query(holder, f"KILL {session}")
    _equal(legacy)
    assert legacy.node.job(JOB)["Stage"] in ("running", "catching_up")


@pytest.mark.parametrize("applied", [True, False])
def test_a_job_asks_when_the_targets_server_died_between_the_marks_and_goes_on_by_the_answer(
    legacy: Household, applied: bool
) -> None:
    before = str(_value(legacy.source.endpoint, "SELECT @@global.gtid_executed"))
    with _between_the_marks(legacy, _insert(2), f"UPDATE {SCHEMA}.log SET text = CONCAT(text, '+')"):
        legacy.target.kill()
    legacy.target.restart()
    reason = legacy.node.wait_stage(JOB, ["failed"], deadline=STAGE_SECONDS)["StatusDescription"]
    gtid = _noted(legacy)
    asked = f"SELECT GTID_SUBSET('{gtid}', '{before}')"
    assert not _value(legacy.source.endpoint, asked)
    assert f"udup job settle {JOB} --gtid {gtid} --applied" in reason and f"{SCHEMA}.log" in reason, reason
    assert _settle(legacy, gtid.rpartition(":")[0] + ":1", applied=applied).returncode == 1, "another transaction"
    if applied:
        _run(legacy.target.endpoint, _insert(2))  # what somebody has looked at and completed
    answer = _settle(legacy, gtid, applied=applied)
    assert answer.returncode == 0, answer.stderr
    _equal(legacy)
    answer = _settle(legacy, gtid, applied=applied)
    assert answer.returncode == 1 and "in question" in answer.stderr, "it is settled once"


def _settle(home: Household, gtid: str, *, applied: bool) -> subprocess.CompletedProcess[str]:
    said = "--applied" if applied else "--not-applied"
    command = [sys.executable, "-m", "udup", "job", "settle", JOB, "--gtid", gtid, said, "--address", home.node.url]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_row_that_the_target_refuses_stops_the_job_and_what_is_there_of_it_is_asked(legacy: Household) -> None:
    _run(
        legacy.source.endpoint,
        f"CREATE TABLE {SCHEMA}.keyed (id INT PRIMARY KEY) ENGINE=MyISAM",
        f"INSERT INTO {SCHEMA}.keyed VALUES (1)",
    )
    _equal(legacy)
    _run(legacy.target.endpoint, f"INSERT INTO {SCHEMA}.keyed VALUES (3)")
    legacy.node.api._request("PUT", f"/v1/job/{JOB}/pause")
    legacy.node.wait_stage(JOB, ["paused"], deadline=STAGE_SECONDS)
    _run(
        legacy.source.endpoint,
        *[f"INSERT INTO {SCHEMA}.keyed VALUES ({number})" for number in (10, 11)],
        f"INSERT INTO {SCHEMA}.keyed VALUES (2), (3), (4)",
        *[f"INSERT INTO {SCHEMA}.keyed VALUES ({number})" for number in (20, 21)],
    )
    legacy.node.api._request("PUT", f"/v1/job/{JOB}/resume")  # now they are between one pair of marks
    reason = legacy.node.wait_stage(JOB, ["failed"], deadline=STAGE_SECONDS)["StatusDescription"]
    assert "1062" in reason and "udup job settle" in reason and f"{SCHEMA}.keyed" in reason, reason
    gtid = reason.split("--gtid ")[1].split(" ")[0]
    there = f"SELECT GROUP_CONCAT(id ORDER BY id) FROM {SCHEMA}.keyed"
    assert _value(legacy.target.endpoint, there) == "1,2,3,10,11", "what comes before is applied, what follows is not"
    legacy.node.api._request("PUT", f"/v1/job/{JOB}/resume")
    again = legacy.node.wait_stage(JOB, ["failed"], deadline=STAGE_SECONDS)["StatusDescription"]
    assert "1062" in again and gtid in again, "resumed without an answer, it asks again"
    _run(legacy.target.endpoint, f"DELETE FROM {SCHEMA}.keyed WHERE id IN (2, 3)")
    assert _settle(legacy, gtid, applied=False).returncode == 0
    _equal(legacy)


def test_memory_tables_that_the_targets_restart_has_emptied_stop_the_job(legacy: Household) -> None:
    """Their rows are in no log; nothing is said of those that are InnoDB tables by now."""
    _run(
        legacy.source.endpoint,
        f"CREATE TABLE {SCHEMA}.heap (id INT PRIMARY KEY) ENGINE=MEMORY",
        f"CREATE TABLE {SCHEMA}.was_heap (id INT PRIMARY KEY) ENGINE=MEMORY",
        f"INSERT INTO {SCHEMA}.heap VALUES (1)",
        f"INSERT INTO {SCHEMA}.was_heap VALUES (1)",
        f"ALTER TABLE {SCHEMA}.was_heap ENGINE=InnoDB",
    )
    _equal(legacy)
    legacy.target.restart()
    _run(legacy.source.endpoint, f"INSERT INTO {SCHEMA}.heap VALUES (3)")
    reason = legacy.node.wait_stage(JOB, ["failed"], deadline=STAGE_SECONDS)["StatusDescription"]
    assert f"{SCHEMA}.heap" in reason and "was_heap" not in reason and "MEMORY" in reason, reason
    _run(legacy.target.endpoint, f"INSERT INTO {SCHEMA}.heap VALUES (1)")  # brought there by hand
    _run(legacy.target.endpoint, f"UPDATE udup.unsure SET memory_tables = '' WHERE job = '{JOB}'")
    legacy.node.api._request("PUT", f"/v1/job/{JOB}/resume")
    _run(legacy.source.endpoint, f"DELETE FROM {SCHEMA}.heap WHERE id = 1", f"INSERT INTO {SCHEMA}.heap VALUES (2)")
    _equal(legacy)
