"""A definition that has run and was not noted: its number is used up, and it is known, whatever the log has next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from udup.drivers.mysql.apply.begun import Begun, have_run, note, parse, text_of
from udup.drivers.mysql.apply.checkpoint import Checkpoint
from udup.drivers.mysql.apply.own_tables import create_tables
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import Connection, connect, query
from udup.pipeline.ports import Join, Leaving
from udup.pipeline.selection.selection import Selection
from udup.sandbox.server import MysqlServer

A = "aaaaaaaa-0000-0000-0000-000000000001"
ALL, OLD, NEW = (Selection.of([("s", tables)]) for tables in ([], ["a"], ["b"]))


@pytest.fixture
def connection(target: MysqlServer) -> Iterator[Connection]:
    with closing(connect(target.endpoint, autocommit=True)) as connection:
        create_tables(connection)
        yield connection


def _begin(connection: Connection, job: str, selection: Selection) -> str:
    """Return the mark of a job that has executed transactions 1 to 4."""
    checkpoint = Checkpoint(connection, job, selection.digest)
    checkpoint.take_over(2, None)
    return checkpoint.write_first(2, GtidSet.parse(f"{A}:1-4"), "u").mark


def _run(connection: Connection, job: str, mark: str, number: int, gtid: str) -> None:
    """Run a definition under its number, and die."""
    [(version,)] = query(connection, "SELECT version FROM udup.checkpoint WHERE job = %s AND slot = 0", job)
    note(connection, job, int(version), [Begun(number, gtid)])
    query(connection, f"SET gtid_next = '{mark}:{number}'")
    query(connection, f"CREATE DATABASE {job}_{number}")
    query(connection, "SET gtid_next = AUTOMATIC")
    query(connection, f"DROP DATABASE {job}_{number}")


def test_a_take_over_knows_what_has_run_and_uses_its_number_no_more(connection: Connection, schema: str) -> None:
    mark = _begin(connection, schema, ALL)
    _run(connection, schema, mark, 1, f"{A}:6")
    for _ in range(2):  # it stays known until it is executed
        checkpoint = Checkpoint(connection, schema, ALL.digest)
        state = checkpoint.take_over(2, None)
        assert state is not None and state.definitions == 1 and checkpoint.ran == [Begun(1, f"{A}:6")]
    checkpoint.advance(f"{A}:1-6", 1)
    after = Checkpoint(connection, schema, ALL.digest)
    state = after.take_over(2, None)
    assert state is not None and state.definitions == 1 and not after.ran


def test_what_has_not_run_leaves_its_number_to_the_next(connection: Connection, schema: str) -> None:
    mark = _begin(connection, schema, ALL)
    [(version,)] = query(connection, "SELECT version FROM udup.checkpoint WHERE job = %s AND slot = 0", schema)
    note(connection, schema, int(version), [Begun(1, f"{A}:6")])
    checkpoint = Checkpoint(connection, schema, ALL.digest)
    state = checkpoint.take_over(2, None)
    assert state is not None and state.definitions == 0 and not checkpoint.ran
    assert have_run(connection, mark, "", GtidSet()) == []


def _has_run(connection: Connection, job: str, mark: str, begun: Begun) -> None:
    [(version,)] = query(connection, "SELECT version FROM udup.checkpoint WHERE job = %s AND slot = 0", job)
    note(connection, job, int(version), [begun])
    query(connection, f"SET gtid_next = '{mark}:{begun.number}'")
    query(connection, "COMMIT")
    query(connection, "SET gtid_next = AUTOMATIC")


@pytest.mark.parametrize("whose", ["", " tables"])
def test_what_has_run_is_executed_where_a_job_gets_other_tables(
    connection: Connection, schema: str, whose: str
) -> None:
    """It may name tables of both parts from then on, and would be held, or run on some of them twice."""
    marks = {"": _begin(connection, schema, OLD), " tables": _begin(connection, f"{schema} tables", NEW)}
    _has_run(connection, schema + whose, marks[whose], Begun(1, f"{A}:5"))
    checkpoint = Checkpoint(connection, schema, ALL.digest, join=Join(f"{schema} tables", OLD, NEW))
    state = checkpoint.take_over(2, None)
    assert state is not None and not state.apart and not checkpoint.ran
    assert [state.ahead.ahead(A, 5, "s", each) for each in "ab"] == [whose == "", whose != ""]


def test_tables_that_leave_take_what_has_run_along(connection: Connection, schema: str) -> None:
    mark = _begin(connection, schema, ALL)
    _has_run(connection, schema, mark, Begun(1, f"{A}:5"))
    state = Checkpoint(connection, schema, OLD.digest, leaves=Leaving(ALL.digest), keeps=OLD).take_over(2, None)
    assert state is not None and str(state.executed) == f"{A}:1-5" and state.definitions == 1


def test_an_event_of_new_tables_is_finished_before_they_are_joined(connection: Connection, schema: str) -> None:
    """It was made, and is to be kept from running: it comes again for that."""
    _begin(connection, schema, OLD)
    mark = _begin(connection, f"{schema} tables", NEW)
    _has_run(connection, f"{schema} tables", mark, Begun(1, f"{A}:5", has_end=True))
    state = Checkpoint(connection, schema, ALL.digest, join=Join(f"{schema} tables", OLD, NEW)).take_over(2, None)
    assert state is not None and "not finished" in state.apart


def test_the_note_is_read_as_it_was_written() -> None:
    begun = [Begun(1, f"{A}:6"), Begun(12, f"{A}:tag:9", has_end=True)]
    assert parse(text_of(begun)) == begun and parse("") == []
