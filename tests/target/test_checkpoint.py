"""What is executed is told by the target alone, and only the last to take a job over can change it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from udup.binlog.gtid import GtidSet
from udup.errors import Divergence, Refused
from udup.mysql.connection import Connection, connect, query
from udup.sandbox.server import MysqlServer
from udup.target.checkpoint import Checkpoint, create_tables

A = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"


@pytest.fixture
def connection(target: MysqlServer) -> Iterator[Connection]:
    with closing(connect(target.endpoint)) as connection:
        create_tables(connection)
        create_tables(connection)
        yield connection


def _checkpoint(connection: Connection, job: str, incarnation: str = "one", selection: str = "all") -> Checkpoint:
    return Checkpoint(connection, job, incarnation, selection)


def _row(connection: Connection, job: str, slot: int, gtids: str) -> None:
    sql = "UPDATE udup.checkpoint SET gtids = %s, version = version + 1 WHERE job = %s AND slot = %s"
    query(connection, sql, gtids, job, slot)


def test_there_is_none_until_it_is_made(connection: Connection, schema: str) -> None:
    checkpoint = _checkpoint(connection, schema)
    assert checkpoint.take_over(2, None) is None
    made = checkpoint.take_over(2, GtidSet.parse(f"{A}:1-5"))
    assert made is not None and str(made.executed) == f"{A}:1-5"
    again = checkpoint.take_over(2, GtidSet())
    assert again is not None and again.executed == made.executed and again.mark == made.mark


def test_the_executed_set_is_the_union_of_all_rows(connection: Connection, schema: str) -> None:
    checkpoint = _checkpoint(connection, schema)
    checkpoint.take_over(3, GtidSet.parse(f"{A}:1-5"))
    _row(connection, schema, 1, f"{A}:7")
    _row(connection, schema, 3, f"{A}:6:9-10,{A}:tag:1")
    position = checkpoint.take_over(1, None)
    assert position is not None and str(position.executed) == f"{A}:1-7:9-10,{A}:tag:1"
    rows = query(connection, "SELECT slot, gtids FROM udup.checkpoint WHERE job = %s ORDER BY slot", schema)
    assert rows == [(0, str(position.executed)), (1, "")]


def test_who_was_taken_over_cannot_write_any_more(connection: Connection, schema: str) -> None:
    first, second = _checkpoint(connection, schema), _checkpoint(connection, schema)
    first.take_over(1, GtidSet())
    first.advance(f"{A}:1", 0)
    second.take_over(1, None)
    with pytest.raises(Divergence, match=schema):
        first.advance(f"{A}:1-2", 0)
    second.advance(f"{A}:1-3", 4)
    position = second.take_over(1, None)
    assert position is not None and str(position.executed) == f"{A}:1-3" and position.definitions == 4


def test_jobs_of_any_name_do_not_touch_each_other(connection: Connection, schema: str) -> None:
    names = [schema, schema.upper(), f"{schema}ü", f"{schema}'\\\"%_"]
    for number, name in enumerate(names, 1):
        _checkpoint(connection, name).take_over(1, GtidSet.parse(f"{A}:{number}"))
    for number, name in enumerate(names, 1):
        position = _checkpoint(connection, name).take_over(1, None)
        assert position is not None and str(position.executed) == f"{A}:{number}"


def test_the_end_of_a_copy_forgets_its_tables_and_sets_the_checkpoint(connection: Connection, schema: str) -> None:
    checkpoint = _checkpoint(connection, schema)
    checkpoint.note_copied_table(schema, "t")
    checkpoint.note_copied_table(schema, "t")
    assert checkpoint.copied_tables() == [(schema, "t")]
    checkpoint.finish_copy(2, GtidSet.parse(f"{A}:1-9"))
    assert checkpoint.copied_tables() == []
    position = checkpoint.take_over(2, None)
    assert position is not None and str(position.executed) == f"{A}:1-9"


def test_a_checkpoint_is_good_for_the_selection_that_it_was_made_for(connection: Connection, schema: str) -> None:
    _checkpoint(connection, schema).take_over(1, GtidSet.parse(f"{A}:1"))
    with pytest.raises(Refused, match="ReplicateDoDb"):
        _checkpoint(connection, schema, selection="another").take_over(1, None)
    assert _checkpoint(connection, schema, incarnation="two").take_over(1, None) is not None


def test_half_made_tables_belong_to_the_job_that_made_them_and_not_to_its_namesake(
    connection: Connection, schema: str
) -> None:
    _checkpoint(connection, schema).note_copied_table(schema, "t")
    assert _checkpoint(connection, schema, incarnation="two").copied_tables() == []
    assert _checkpoint(connection, schema).copied_tables() == [(schema, "t")]
