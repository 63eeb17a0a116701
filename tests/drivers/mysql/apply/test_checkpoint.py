"""What is executed is told by the target alone, and only the last to take a job over can change it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

import pymysql
import pytest

from tests.preflights import bare_account
from udup.base.errors import Refused, Superseded, Transient
from udup.drivers.mysql.apply import numbers, ownership, table_changes
from udup.drivers.mysql.apply.checkpoint import Checkpoint
from udup.drivers.mysql.apply.own_tables import create_tables
from udup.drivers.mysql.apply.ownership import (
    CONTROL,
    SUCCESSOR,
    all_places,
    give_way,
    hold,
    loader_place,
    lock_name,
    session_place,
    succeeding,
    successor,
    taking_over,
)
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import Connection, connect, query, scalar
from udup.drivers.mysql.dictionary.present import Present
from udup.drivers.mysql.load.copied import CopyNotes
from udup.drivers.mysql.load.copy_fence import CopyFence
from udup.pipeline.ownership import Owner
from udup.pipeline.start_note import JobStart
from udup.sandbox.server import MysqlServer

_ONE, _TWO = Owner("one", "the node one"), Owner("two", "the node two")

A = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"


_ROWS = "SELECT slot, gtids, selection, owner FROM udup.checkpoint WHERE job = %s ORDER BY slot"


@pytest.fixture
def connection(target: MysqlServer) -> Iterator[Connection]:
    with closing(connect(target.endpoint)) as connection:
        create_tables(connection)
        create_tables(connection)
        yield connection


def _checkpoint(connection: Connection, job: str, selection: str = "all", owner: Owner = _ONE) -> Checkpoint:
    return Checkpoint(connection, job, selection, owner)


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
    with pytest.raises(Superseded, match=schema):
        first.advance(f"{A}:1-2", 0)
    second.advance(f"{A}:1-3", 4)
    position = second.take_over(1, None)
    assert position is not None and str(position.executed) == f"{A}:1-3" and position.definitions == 4


def test_what_the_source_is_known_by_goes_with_the_checkpoint(connection: Connection, schema: str) -> None:
    checkpoint = _checkpoint(connection, schema)
    checkpoint.take_over(2, GtidSet.parse(f"{A}:1-5"))
    checkpoint.advance(f"{A}:1-6", 0, f"{A}:6@1700000000000000", A)
    for _ in range(2):
        position = _checkpoint(connection, schema, owner=_TWO).take_over(2, None)
        assert position is not None and (position.stamps, position.source_uuid) == (f"{A}:6@1700000000000000", A)


def test_how_the_job_began_goes_with_the_checkpoint(connection: Connection, schema: str) -> None:
    first = JobStart(schema, "incarnation", f"{A}:1-5")
    began = Checkpoint(connection, schema, "all", _ONE, start=first)
    assert began.take_over(2, GtidSet.parse(f"{A}:1-5"), begins=False) is not None
    position = began.write_first(2, GtidSet.parse(f"{A}:1-5"), A)
    assert position.source_uuid == A
    for run in range(2):
        again = Checkpoint(connection, schema, "all", _TWO, start=first)
        position = again.take_over(2, GtidSet.parse(f"{A}:1-5"), begins=False)
        assert position is not None and position.written and position.source_uuid == A, run
        again.advance(f"{A}:1-6", 0, "", A)
        before = query(connection, _ROWS, schema)
        other = Checkpoint(connection, schema, "all", _ONE, start=replace(first, position=f"{A}:1-4"))
        with pytest.raises(Refused, match="had begun already"):
            other.take_over(2, GtidSet.parse(f"{A}:1-4"), begins=False)
        assert query(connection, _ROWS, schema) == before, "whoever has the job keeps it"


def test_jobs_of_any_name_do_not_touch_each_other(connection: Connection, schema: str) -> None:
    names = [schema, schema.upper(), f"{schema}ü", f"{schema}'\\\"%_"]
    for number, name in enumerate(names, 1):
        _checkpoint(connection, name).take_over(1, GtidSet.parse(f"{A}:{number}"))
    for number, name in enumerate(names, 1):
        position = _checkpoint(connection, name).take_over(1, None)
        assert position is not None and str(position.executed) == f"{A}:{number}"


def test_a_copy_has_its_base_row_before_anything_else_and_its_end_replaces_exactly_that_one(
    connection: Connection, schema: str
) -> None:
    first, second = _checkpoint(connection, schema), _checkpoint(connection, schema, owner=_TWO)
    assert first.take_over(2, None) is None
    assert query(connection, _ROWS, schema) == [(0, "", "copying", "one the node one")]
    assert second.take_over(2, None) is None and second.version > first.version
    with pytest.raises(Superseded, match=schema):
        first.write_first(2, GtidSet.parse(f"{A}:1-9"))
    assert query(connection, _ROWS, schema) == [(0, "", "copying", "two the node two")]
    position = second.write_first(2, GtidSet.parse(f"{A}:1-9"))
    assert position.version > first.version
    with pytest.raises(Superseded):
        second.write_first(2, GtidSet.parse(f"{A}:1-9"))
    again = first.take_over(2, None)
    assert again is not None and str(again.executed) == f"{A}:1-9" and again.mark == position.mark


def test_the_end_of_a_copy_forgets_what_it_has_noted(connection: Connection, schema: str) -> None:
    checkpoint, notes = _checkpoint(connection, schema), CopyNotes(schema)
    checkpoint.take_over(2, None)
    made = {Present(kind, schema, name) for kind in ("TABLE", "VIEW", "PROCEDURE") for name in ("t", "T", "ä`'")}
    for _ in range(2):
        notes.write(connection, made)
    assert notes.read(connection) == made
    checkpoint.write_first(2, GtidSet.parse(f"{A}:1-9"))
    assert notes.read(connection) == set()


def test_a_copy_fence_lets_exactly_the_run_pass_that_has_the_copy(connection: Connection, schema: str) -> None:
    first, second = _checkpoint(connection, schema), _checkpoint(connection, schema, owner=_TWO)
    first.take_over(1, None)
    fence = CopyFence(schema, first.version)
    fence.look(connection)
    second.take_over(1, None)
    for stale in (fence.look, fence.check):
        with pytest.raises(Superseded, match=schema):
            stale(connection)
    CopyFence(schema, second.version).check(connection)
    second.write_first(1, GtidSet())
    with pytest.raises(Superseded):
        CopyFence(schema, second.version).check(connection)


def test_a_checkpoint_is_good_for_the_selection_that_it_was_made_for(connection: Connection, schema: str) -> None:
    _checkpoint(connection, schema).take_over(1, GtidSet.parse(f"{A}:1"))
    with pytest.raises(Refused, match="ReplicateDoDb"):
        _checkpoint(connection, schema, selection="another").take_over(1, None)
    assert _checkpoint(connection, schema, owner=_TWO).take_over(1, None) is not None


def test_a_copy_that_has_not_ended_may_begin_again_with_another_selection_or_at_a_gtid_set(
    connection: Connection, schema: str
) -> None:
    _checkpoint(connection, schema).take_over(1, None)
    assert _checkpoint(connection, schema, selection="another").take_over(1, None) is None
    position = _checkpoint(connection, schema, selection="another").take_over(1, GtidSet.parse(f"{A}:1-3"))
    assert position is not None and str(position.executed) == f"{A}:1-3"


def test_a_table_of_an_older_version_is_given_what_it_lacks(mysql_server: Callable[..., MysqlServer]) -> None:
    server = mysql_server()
    with closing(connect(server.endpoint)) as connection:
        create_tables(connection)
        query(connection, "ALTER TABLE udup.checkpoint DROP owner, DROP stamps, DROP source_uuid, DROP began")
        query(connection, "DROP TABLE udup.copied_object, udup.claim")
        query(connection, "ALTER TABLE udup.copied_table MODIFY table_name VARCHAR(64) NOT NULL")
        columns, values = "job, slot, version, gtids, selection", f"'j', 0, 7, '{A}:1-7', 'all'"
        query(connection, f"INSERT INTO udup.checkpoint ({columns}) VALUES ({values})")
        create_tables(connection)
        start = JobStart("j", "incarnation", f"{A}:1-3")  # of which that version has kept nothing
        position = Checkpoint(connection, "j", "all", _ONE, start=start).take_over(1, GtidSet.parse(f"{A}:1-3"))
        assert position is not None and str(position.executed) == f"{A}:1-7"
        made = {Present("TABLE", "s", "t"), Present("TABLE", "s", "T"), Present("VIEW", "s", "v")}
        CopyNotes("j").write(connection, made)
        assert CopyNotes("j").read(connection) == made


# ---- Who lives ----


def test_a_successor_ends_the_connections_of_whoever_had_the_job_and_rolls_back_what_they_held(
    target: MysqlServer, connection: Connection, schema: str
) -> None:
    query(connection, f"CREATE DATABASE {schema}")
    query(connection, f"CREATE TABLE {schema}.t (a INT)")
    with closing(connect(target.endpoint)) as control, closing(connect(target.endpoint, autocommit=False)) as loading:
        with taking_over(control, schema, _ONE):
            _checkpoint(control, schema).take_over(1, None)
        hold(loading, schema, loader_place(1))
        query(loading, f"INSERT INTO {schema}.t VALUES (1)")
        with taking_over(connection, schema, _TWO):
            query(connection, f"DROP TABLE {schema}.t")  # waits for nobody
            _checkpoint(connection, schema, owner=_TWO).take_over(1, None)
        for ended in (control, loading):
            with pytest.raises(pymysql.err.OperationalError):
                query(ended, "SELECT 1")
    assert "the node two" in successor(connection, schema, _ONE.token)
    assert successor(connection, schema, _TWO.token) == ""


def test_without_force_a_job_is_left_to_the_owner_that_lives_and_taken_from_one_that_does_not(
    target: MysqlServer, connection: Connection, schema: str
) -> None:
    polite = replace(_TWO, by_force=False)
    with closing(connect(target.endpoint)) as control:
        with taking_over(control, schema, _ONE):
            _checkpoint(control, schema).take_over(1, None)
        told = r"the node one, connection \d+ of .*KILL \d+"
        with pytest.raises(Superseded, match=told), taking_over(connection, schema, polite):
            pass
        assert query(control, "SELECT 1") == [(1,)]
        with closing(connect(target.endpoint)) as worker:
            hold(worker, schema, session_place(3))
            with pytest.raises(Transient, match="session3"):
                hold(connection, schema, session_place(3), patience=0)
    with taking_over(connection, schema, _TWO):
        assert _checkpoint(connection, schema, owner=_TWO).take_over(1, None) is None
    again = replace(_ONE, by_force=False)
    with closing(connect(target.endpoint)) as other, pytest.raises(Superseded), taking_over(other, schema, again):
        pass


def test_whoever_is_being_superseded_does_not_end_its_successor_while_the_base_row_names_it_still(
    target: MysqlServer, connection: Connection, schema: str
) -> None:
    """The one of before is sent away at once, and finds its own connections again when nobody takes the job over."""
    again = replace(_ONE, by_force=False)
    with closing(connect(target.endpoint)) as left:
        with taking_over(left, schema, _ONE):
            _checkpoint(left, schema).take_over(1, None)
        with closing(connect(target.endpoint)) as successor_of_one, succeeding(successor_of_one, schema, _TWO):
            with pytest.raises(Superseded, match=r"another owner: connection \d+ of"):
                give_way(connection, schema, again)
            with pytest.raises(Superseded), taking_over(connection, schema, again):
                pass
            with taking_over(successor_of_one, schema, _TWO):
                with pytest.raises(Superseded), taking_over(connection, schema, again):
                    pass
                assert query(successor_of_one, "SELECT 1") == [(1,)]
    with closing(connect(target.endpoint)) as left:
        with taking_over(left, schema, _ONE):
            pass
        with taking_over(connection, schema, again):
            assert scalar(connection, "SELECT IS_USED_LOCK(%s) = CONNECTION_ID()", lock_name(schema, CONTROL))
        with pytest.raises(pymysql.err.OperationalError):
            query(left, "SELECT 1")


def _numbered(owner: Owner, number: int) -> Owner:
    return replace(owner, number=number)


@pytest.mark.parametrize("read_before", [False, True])
def test_an_owner_that_stood_still_before_it_ends_connections_ends_none_of_a_newer_run(
    target: MysqlServer, connection: Connection, schema: str, monkeypatch: pytest.MonkeyPatch, read_before: bool
) -> None:
    """It has noted its number and has seen whose the places are, or is about to see that."""
    holders = ownership._holders
    with closing(connect(target.endpoint)) as newer, closing(connect(target.endpoint)) as oldest:
        hold(oldest, schema, SUCCESSOR)

        def stand_still(asking: Connection, job: str) -> set[int]:
            if asking is not connection:
                return holders(asking, job)
            found = holders(asking, job)
            with taking_over(newer, job, _numbered(_TWO, 9)):
                _checkpoint(newer, job, owner=_TWO).take_over(1, None)
            return found if read_before else holders(asking, job)

        monkeypatch.setattr(ownership, "_holders", stand_still)
        with pytest.raises(Superseded, match="run 9 has begun"), taking_over(connection, schema, _numbered(_ONE, 5)):
            pass
        assert scalar(newer, "SELECT IS_USED_LOCK(%s) = CONNECTION_ID()", lock_name(schema, CONTROL)) == 1


def test_an_owner_that_stands_still_with_all_places_is_ended_by_a_newer_run_and_changes_nothing(
    target: MysqlServer, connection: Connection, schema: str
) -> None:
    with (
        closing(connect(target.endpoint)) as older,
        pytest.raises(pymysql.err.OperationalError),
        taking_over(older, schema, _numbered(_ONE, 5)),
    ):
        with taking_over(connection, schema, _numbered(_TWO, 9)):
            _checkpoint(connection, schema, owner=_TWO).take_over(1, None)
        _checkpoint(older, schema).take_over(1, None)
    assert successor(connection, schema, _ONE.token).startswith("the node two")


def test_an_owner_that_stood_still_takes_no_free_places_either(connection: Connection, schema: str) -> None:
    numbers.enter(connection, schema, 9)
    with pytest.raises(Superseded, match=r"DELETE FROM udup\.run"), taking_over(connection, schema, _numbered(_ONE, 5)):
        pass
    assert scalar(connection, "SELECT IS_USED_LOCK(%s)", lock_name(schema, CONTROL)) is None


def test_a_run_before_that_cannot_be_ended_is_named_with_the_reason(
    target: MysqlServer, connection: Connection, schema: str
) -> None:
    """Sessions of another account take a privilege; a proxy with numbers of its own would end another session."""
    with bare_account(target) as account, closing(connect(target.endpoint)) as left:
        query(connection, f"GRANT ALL ON udup.* TO {account.user}")
        hold(left, schema, session_place(2))
        with (
            closing(connect(account)) as denied,
            pytest.raises(Superseded, match=rf"KILL {left.session_number}$"),
            taking_over(denied, schema, _TWO, patience=0.1),
        ):
            pass
        with closing(connect(target.endpoint)) as by_proxy:
            by_proxy.session_number += 1000
            assert not by_proxy.has_servers_numbers
            told = "is a proxy that numbers sessions by itself"
            with pytest.raises(Superseded, match=told), taking_over(by_proxy, schema, _TWO, patience=0.1):
                pass
        assert scalar(left, "SELECT 1") == 1
        with taking_over(connection, schema, _TWO):
            pass


def test_jobs_that_begin_to_count_at_once_do_not_wait_for_each_other(target: MysqlServer, schema: str) -> None:
    with closing(connect(target.endpoint)) as one, closing(connect(target.endpoint)) as other:
        create_tables(one)
        for connection in (one, other):
            query(connection, "SET SESSION innodb_lock_wait_timeout = 1")
            connection.begin()
            table_changes.forget_all(connection, f"{schema} {connection is one}")
        for connection in (one, other):
            table_changes.begin(connection, f"{schema} {connection is one}")
            connection.commit()
        assert table_changes.read_since(one, f"{schema} True") and table_changes.read_since(one, f"{schema} False")


def test_names_of_locks_are_short_whatever_the_job_is_called() -> None:
    names = {lock_name(job, place) for job in ("a" * 255, "a" * 254, "ü" * 255) for place in all_places()}
    assert len(names) == 3 * len(all_places()) and max(map(len, names)) <= 64
