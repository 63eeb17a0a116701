"""What others run on a server must not keep Udup from asking who is connected."""

from __future__ import annotations

import ast
import contextlib
import threading
import time
from pathlib import Path

import pytest
from pymysql.constants import COMMAND

from udup.drivers.mysql.apply import wait_look
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, query
from udup.drivers.mysql.client.processes import Process, passed, read_processes
from udup.drivers.mysql.cutover import in_the_way
from udup.sandbox.server import MysqlServer

UDUP = Path(__file__).parents[4] / "udup"


def test_a_statement_with_characters_beyond_utf8mb3_is_read_like_any_other(source: MysqlServer) -> None:
    """Any question to information_schema.PROCESSLIST would fail meanwhile (error 3854)."""
    runs = connect(source.endpoint)
    slow = threading.Thread(target=query, args=(runs, "SELECT SLEEP(20), '😀'"))
    slow.start()
    asks = connect(source.endpoint)
    try:
        found = _running(asks, runs.thread_id())
        assert "😀" in found.statement and found.command == "Query"
        own = next(each for each in read_processes(asks) if each.number == asks.thread_id())
        assert own.runs_a_statement and own.seconds == 0
    finally:
        query(asks, f"KILL QUERY {runs.thread_id()}")
        asks.close()
        slow.join(30)


def _running(asks: Connection, number: int) -> Process:
    """Return what is told of a session that is about to run a statement."""
    end = time.monotonic() + 30
    while True:
        found = next(each for each in read_processes(asks) if each.number == number)
        if found.runs_a_statement or time.monotonic() > end:
            return found
        time.sleep(0.01)


@pytest.mark.parametrize("charset", ["utf8mb4", "latin1", "binary"])
def test_bytes_in_a_statement_that_are_no_text_are_shown(source: MysqlServer, charset: str) -> None:
    """A BLOB is enough. The server hands them on as they came, whatever the asking session's character set is."""
    runs = connect(source.endpoint)
    query(runs, f"SET NAMES {charset}")
    said = b"SELECT SLEEP(20), _binary'a\xff\xfeb', 'c\xe9'"
    slow = threading.Thread(target=_ignoring_errors, args=(runs, said))
    slow.start()
    asks = connect(source.endpoint)
    try:
        found = _running(asks, runs.thread_id())
        assert found.statement.startswith("SELECT SLEEP(20), _binary'a")
        [name] = query(asks, "SELECT 'é'")
        assert name == ("é",), "other results are read as ever"
    finally:
        query(asks, f"KILL QUERY {runs.thread_id()}")
        asks.close()
        slow.join(30)
        runs.close()


def _ignoring_errors(connection: Connection, statement: bytes) -> None:
    """Run a statement whose result is not text either."""
    with contextlib.suppress(MySQLError):
        connection._execute_command(COMMAND.COM_QUERY, statement)
        connection._read_query_result()


def test_no_session_has_done_anything_for_less_than_no_time() -> None:
    """As a server says it whose clock was set back, in each of its tables."""
    assert [passed(seconds) for seconds in (-1, "-3600", None, 0, 7, "7")] == [0, 0, 0, 0, 7, 7]
    holder = (1, "u", "h", "Sleep", -3600, "SELECT 1")
    assert wait_look._blocker(holder).seconds == 0
    assert ", for 0 s: KILL 1" in in_the_way._session("", 1, "u", "h", -3600, None).told


def test_the_table_that_fails_then_is_asked_nowhere() -> None:
    texts = {
        path.relative_to(UDUP).as_posix(): [
            node.value
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        for path in UDUP.rglob("*.py")
    }
    asked = [
        name for name, found in texts.items() if any("FROM information_schema.PROCESSLIST" in each for each in found)
    ]
    assert asked == []
