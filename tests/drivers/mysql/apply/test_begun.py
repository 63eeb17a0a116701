"""A definition that has run and was not noted: its number is used up, and it is known, whatever the log has next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from udup.drivers.mysql.apply.begun import Begun, have_run, note, parse, text_of
from udup.drivers.mysql.apply.checkpoint import Checkpoint, create_tables
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import Connection, connect, query
from udup.pipeline.ports import Join
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


@pytest.mark.parametrize("whose", ["", " tables"])
def test_two_parts_are_not_joined_while_a_definition_of_one_is_not_noted(
    connection: Connection, schema: str, whose: str
) -> None:
    """The joined job would run it on the tables of both, of which some have it."""
    marks = {"": _begin(connection, schema, OLD), " tables": _begin(connection, f"{schema} tables", NEW)}
    [(version,)] = query(connection, "SELECT version FROM udup.checkpoint WHERE job = %s AND slot = 0", schema + whose)
    note(connection, schema + whose, int(version), [Begun(1, f"{A}:6")])
    query(connection, f"SET gtid_next = '{marks[whose]}:1'")
    query(connection, "COMMIT")
    query(connection, "SET gtid_next = AUTOMATIC")
    state = Checkpoint(connection, schema, ALL.digest, join=Join(f"{schema} tables", OLD, NEW)).take_over(2, None)
    assert state is not None and "not noted yet" in state.apart


def test_the_note_is_read_as_it_was_written() -> None:
    begun = [Begun(1, f"{A}:6"), Begun(12, f"{A}:tag:9")]
    assert parse(text_of(begun)) == begun and parse("") == []
