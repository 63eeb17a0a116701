"""DestApplier dies at each statement of the take-over by which tables leave or join: all of it is done, or nothing.

The connection is cut before a statement is sent, and when it was sent and not answered.
"""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.drivers.mysql.apply.joined import ALL, NEW, OLD, A, begin, side_of
from udup.drivers.mysql.apply.checkpoint import Checkpoint
from udup.drivers.mysql.apply.own_tables import create_tables
from udup.drivers.mysql.client.connection import Connection, connect, query, scalar
from udup.pipeline.ports import CheckpointState, Join, Leaving
from udup.sandbox.server import MysqlServer

#: What there is of a job and its side job.
TABLES = ("checkpoint", "claim", "ahead", "prepared", "copied_table", "copied_object")


class _DiesError(Exception):
    """The process is killed."""


@dataclass
class _Death:
    """Cuts a connection at its statement of this number; `sent`: the server has it already."""

    number: int
    sent: bool
    statements: list[str] = field(default_factory=list)

    def watch(self, connection: Connection) -> None:
        execute = connection._execute_command  # type: ignore[attr-defined]

        def executed(command: int, sql: Any) -> None:
            self.statements.append(str(sql))
            dies = len(self.statements) == self.number
            if not dies or self.sent:
                execute(command, sql)
            if dies:
                connection._sock.shutdown(socket.SHUT_RDWR)  # type: ignore[attr-defined]
                raise _DiesError

        connection._execute_command = executed  # type: ignore[attr-defined]


def _join(connection: Connection, job: str) -> CheckpointState | None:
    join = Join(side_of(job), OLD, NEW)
    return Checkpoint(connection, job, ALL.digest, join=join).take_over(2, None)


def _leave(connection: Connection, job: str) -> CheckpointState | None:
    return Checkpoint(connection, job, OLD.digest, leaves=Leaving(ALL.digest), keeps=OLD).take_over(2, None)


def _two(connection: Connection, job: str) -> None:
    begin(connection, job, OLD, f"{A}:1-9")
    begin(connection, side_of(job), NEW, f"{A}:1-7")


def _one(connection: Connection, job: str) -> None:
    begin(connection, job, ALL, f"{A}:1-9")
    claim = "INSERT INTO udup.claim VALUES (%s, 'a', %s, 'u', 's', 'a', '', '', NOW())"
    query(connection, claim, job, job)
    query(connection, "INSERT INTO udup.prepared VALUES (%s, 'x', 0, 'head'), (%s, 'x', 1, '')", job, job)


TakeOver = Callable[[Connection, str], CheckpointState | None]


@pytest.fixture
def looking(target: MysqlServer) -> Iterator[Connection]:
    with closing(connect(target.endpoint, autocommit=True)) as connection:
        create_tables(connection)
        yield connection


@pytest.mark.parametrize(("made", "take_over"), [(_two, _join), (_one, _leave)], ids=["join", "leave"])
@pytest.mark.parametrize("sent", [False, True])
def test_a_death_at_any_statement_leaves_all_or_nothing(
    target: MysqlServer, looking: Connection, schema: str, made: Callable[..., None], take_over: TakeOver, *, sent: bool
) -> None:
    died = 0
    for number in itertools.count(1):
        job = f"{schema}_{number}"
        made(looking, job)
        before = _rows(looking, job)
        death = _Death(number, sent)
        with closing(connect(target.endpoint)) as connection:
            death.watch(connection)
            pid = connection.thread_id()
            with suppress(_DiesError):
                take_over(connection, job)
                break
        died = number
        _is_gone(looking, pid)
        is_last = death.statements[number - 1] == "COMMIT"
        after = _rows(looking, job)
        assert after == before or (sent and is_last), death.statements
        with closing(connect(target.endpoint)) as connection:
            state = take_over(connection, job)
        assert state is not None and not state.apart
        assert str(state.executed) == (f"{A}:1-7" if made is _two else f"{A}:1-9")
        claimed = ["a", "b"] if made is _two else ["a"]
        assert [row[1] for row in _rows(looking, job)["claim"]] == claimed
        assert not query(looking, "SELECT 1 FROM udup.checkpoint WHERE job = %s", side_of(job))
    assert died > 5, "statements were met"


def _rows(connection: Connection, job: str) -> dict[str, list[tuple[Any, ...]]]:
    """All that there is of both, without what each take-over counts on."""
    found = {}
    for table in TABLES:
        columns = "job, table_name" if table == "claim" else "*"
        sql = f"SELECT {columns} FROM udup.{table} WHERE job IN (%s, %s) ORDER BY 1, 2, 3"
        sql = sql.replace(", 3", "") if table == "claim" else sql
        found[table] = [tuple(row) for row in query(connection, sql, job, side_of(job))]
    return found


def _is_gone(connection: Connection, pid: int) -> None:
    """Wait until the server has ended the session of the one that died."""
    for _ in range(2000):
        if not scalar(connection, "SELECT COUNT(*) FROM performance_schema.threads WHERE PROCESSLIST_ID = %s", pid):
            return
        scalar(connection, "SELECT SLEEP(0.005)")
    raise AssertionError("the session stays")
