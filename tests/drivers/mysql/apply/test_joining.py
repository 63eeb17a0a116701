"""A side job is taken in by one transaction: there are two checkpoints, or one that says what each table has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.drivers.mysql.apply.joined import ALL, NEW, OLD, A, begin, side_of
from udup.base.errors import Refused
from udup.drivers.mysql.apply import joining, table_changes
from udup.drivers.mysql.apply.checkpoint import Checkpoint
from udup.drivers.mysql.apply.own_tables import create_tables
from udup.drivers.mysql.apply.ownership import CONTROL, lock_name, taking_in
from udup.drivers.mysql.apply.table_look import look_at_tables
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import Connection, connect, query, scalar
from udup.pipeline.ownership import Owner
from udup.pipeline.ports import CheckpointState, Join, Leaving
from udup.pipeline.ports.tables import TableChange, TableNames
from udup.pipeline.positions import AheadNote
from udup.pipeline.selection.selection import Selection
from udup.pipeline.start_note import JobStart
from udup.sandbox.server import MysqlServer


@pytest.fixture
def connection(target: MysqlServer) -> Iterator[Connection]:
    with closing(connect(target.endpoint)) as connection:
        create_tables(connection)
        yield connection


def _two(connection: Connection, job: str, own: str = f"{A}:1-9", side: str = f"{A}:1-7") -> None:
    begin(connection, job, OLD, own)
    begin(connection, side_of(job), NEW, side)


def _take_in(connection: Connection, job: str) -> CheckpointState | None:
    join = Join(side_of(job), OLD, NEW)
    return Checkpoint(connection, job, ALL.digest, join=join).take_over(2, None)


def _rows(connection: Connection, job: str) -> list[tuple[object, ...]]:
    sql = "SELECT job, slot, gtids, selection FROM udup.checkpoint WHERE job IN (%s, %s) AND gtids <> ''"
    return [tuple(row) for row in query(connection, sql, job, side_of(job))]


def test_what_both_have_is_the_position_and_who_has_more_is_noted(connection: Connection, schema: str) -> None:
    _two(connection, schema)
    query(connection, "UPDATE udup.checkpoint SET gtids = %s WHERE job = %s AND slot = 1", f"{A}:12", side_of(schema))
    state = _take_in(connection, schema)
    assert state is not None and not state.apart and str(state.executed) == f"{A}:1-7"
    assert [state.ahead.ahead(A, 8, "s", each) for each in "ab"] == [True, False]
    assert [state.ahead.ahead(A, 12, "s", each) for each in "ab"] == [False, True]
    assert (state.stamps, state.definitions) == (f"{A}:7@7", 3), "the last that is executed has a stamp"
    assert [(row[0], row[2]) for row in _rows(connection, schema)] == [(schema, f"{A}:1-7")]
    claims = query(connection, "SELECT table_name FROM udup.claim WHERE job = %s ORDER BY 1", schema)
    assert [str(each[0]) for each in claims] == ["a", "b"]


def test_what_a_side_job_has_counted_is_counted_by_its_job_then(connection: Connection, schema: str) -> None:
    _two(connection, schema)
    for job, table, rows, at in ((schema, "a", 5, 9), (schema, "b", 1, 3), (side_of(schema), "b", 7, 4)):
        table_changes.add(connection, job, [TableChange("s", table, rows, changed_us=at, gtid=f"x:{at}")])
    since = table_changes.read_since(connection, schema)
    _take_in(connection, schema)
    found = sorted(table_changes.read(connection, schema, [("s", "a"), ("s", "b")]), key=lambda each: each.table)
    assert [(each.inserted, each.gtid) for each in found] == [(5, "x:9"), (8, "x:4")]
    assert table_changes.read_since(connection, schema) == since > 0
    assert not table_changes.read_since(connection, side_of(schema))


def test_what_a_table_has_beyond_the_position_of_its_job_is_told(target: MysqlServer, schema: str) -> None:
    with closing(connect(target.endpoint)) as connection:
        create_tables(connection)
        _two(connection, schema)
        _take_in(connection, schema)
        names = [TableNames("s", table, "s", table) for table in "ab"]
        (ahead,) = look_at_tables(target.endpoint, schema, "", names).ahead
        assert (ahead.position, ahead.tables) == (f"{A}:1-9", (0,))


def test_a_run_that_died_before_it_heard_of_its_join_finds_it_joined(connection: Connection, schema: str) -> None:
    _two(connection, schema)
    first, again = _take_in(connection, schema), _take_in(connection, schema)
    assert first is not None and again is not None
    assert (again.executed, again.ahead, again.apart) == (first.executed, first.ahead, "")
    plain = Checkpoint(connection, schema, ALL.digest)
    assert plain.take_over(2, None) is not None
    plain.advance(f"{A}:1-9", 3)
    assert _rows(connection, schema) == [(schema, 0, f"{A}:1-9", ALL.digest)], "no different from any other job"


def test_a_join_that_breaks_off_leaves_two_checkpoints(
    connection: Connection, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _two(connection, schema)
    before = _rows(connection, schema)

    def breaks(*_: object, **__: object) -> None:
        joining_move(connection, schema, side_of(schema), has_intents=False)
        raise OSError("the line is cut")

    joining_move = joining.move
    monkeypatch.setattr(joining, "move", breaks)
    with pytest.raises(OSError, match="cut"):
        _take_in(connection, schema)
    assert _rows(connection, schema) == before
    monkeypatch.undo()
    state = _take_in(connection, schema)
    assert state is not None and not state.apart


@pytest.mark.parametrize(
    ("why", "sql"),
    [
        ("no checkpoint", "DELETE FROM udup.checkpoint WHERE job = '{side}'"),
        ("not complete", "UPDATE udup.checkpoint SET selection = 'copying' WHERE job = '{side}'"),
        ("from server v", "UPDATE udup.checkpoint SET source_uuid = 'v' WHERE job = '{side}'"),
        ("XA transaction", "INSERT INTO udup.prepared VALUES ('{side}', 'x', 0, '')"),
        ("XA transaction", "INSERT INTO udup.prepared VALUES ('{job}', 'x', 0, '')"),
        ("whether a trans", "INSERT INTO udup.unsure (job, mark, gtids) VALUES ('{side}', 'm', 'g')"),
        ("whether a trans", "INSERT INTO udup.unsure (job, mark, gtids) VALUES ('{job}', 'm', 'g')"),
    ],
)
def test_what_no_note_can_tell_keeps_them_apart_and_the_job_goes_on_as_it_was(
    connection: Connection, schema: str, why: str, sql: str
) -> None:
    _two(connection, schema)
    query(connection, sql.format(job=schema, side=side_of(schema)))
    state = _take_in(connection, schema)
    assert state is not None and why in state.apart and str(state.executed) == f"{A}:1-9" and not state.ahead
    alone = Checkpoint(connection, schema, OLD.digest).take_over(2, None)
    assert alone is not None and alone.executed == state.executed


def test_notes_of_either_stay_for_its_own_tables(connection: Connection, schema: str) -> None:
    begin(connection, schema, OLD, f"{A}:1-9")
    begin(
        connection, side_of(schema), NEW, f"{A}:1-7", AheadNote(Selection.of([("s", [])]), GtidSet.parse(f"{A}:1-20"))
    )
    state = _take_in(connection, schema)
    assert state is not None
    assert [state.ahead.ahead(A, 20, "s", each) for each in "ab"] == [False, True]


def test_a_job_without_a_checkpoint_takes_nothing_in(connection: Connection, schema: str) -> None:
    begin(connection, side_of(schema), NEW, f"{A}:1-7")
    with pytest.raises(Refused, match="not on the target any more"):
        _take_in(connection, schema)
    assert _rows(connection, schema), "and the side job's stays"


def test_tables_that_leave_are_free_for_others_in_the_same_step(connection: Connection, schema: str) -> None:
    begin(connection, schema, ALL, f"{A}:1-9")
    sql = "INSERT INTO udup.claim VALUES (%s, 'a', %s, 'u', 'S', 'A', '', '', NOW())"
    query(connection, sql, schema, schema)
    with pytest.raises(Refused):
        Checkpoint(connection, schema, OLD.digest).take_over(2, None)
    for _ in range(2):  # also where a run died behind it
        state = Checkpoint(connection, schema, OLD.digest, leaves=Leaving(ALL.digest), keeps=OLD).take_over(2, None)
        assert state is not None and str(state.executed) == f"{A}:1-9"
    assert Checkpoint(connection, schema, OLD.digest).take_over(2, None) is not None
    claims = query(connection, "SELECT table_name FROM udup.claim WHERE job = %s ORDER BY 1", schema)
    assert [str(each[0]) for each in claims] == ["a"], "under whatever case the source keeps it"


def test_tables_that_are_loaded_again_are_noted_as_what_the_side_job_has_made(
    connection: Connection, schema: str
) -> None:
    """So it drops them where the source has them no more: nothing else would tell it of them."""
    begin(connection, schema, ALL, f"{A}:1-9")
    sql = "INSERT INTO udup.claim VALUES (%s, 'a', %s, 'u', 's', 'a', '', '', NOW())"
    query(connection, sql, schema, schema)
    for _ in range(2):  # also where a run died behind it
        leaves = Leaving(ALL.digest, side_of(schema))
        Checkpoint(connection, schema, OLD.digest, leaves=leaves, keeps=OLD).take_over(2, None)
        noted = query(
            connection, "SELECT table_schema, table_name FROM udup.copied_table WHERE job = %s", side_of(schema)
        )
        assert [tuple(map(str, each)) for each in noted] == [(schema, "b")]


def test_what_is_noted_for_a_side_job_that_never_came_is_no_other_ones(connection: Connection, schema: str) -> None:
    """It would drop these tables: they are somebody's by now, or nobody's."""
    side = side_of(schema)
    noted = "SELECT table_name FROM udup.copied_table WHERE job = %s"
    begin(connection, schema, ALL, f"{A}:1-9")
    leaves = Leaving(ALL.digest, side, "one")
    Checkpoint(connection, schema, OLD.digest, leaves=leaves, keeps=OLD).take_over(2, None)
    for incarnation, left in (("one", 1), ("another", 0)):
        Checkpoint(connection, side, NEW.digest, start=JobStart(side, incarnation)).take_over(2, None)
        assert len(query(connection, noted, side)) == left
        query(connection, "DELETE FROM udup.checkpoint WHERE job = %s", side)


def test_nothing_is_left_of_a_side_job_that_is_given_up_before_it_came(connection: Connection, schema: str) -> None:
    side = side_of(schema)
    begin(connection, schema, ALL, f"{A}:1-9")
    leaves = Leaving(ALL.digest, side, "one")
    Checkpoint(connection, schema, OLD.digest, leaves=leaves, keeps=OLD).take_over(2, None)
    gives_up = Leaving(OLD.digest, given_up=side)
    Checkpoint(connection, schema, ALL.digest, leaves=gives_up, keeps=ALL).take_over(2, None)
    assert not query(connection, "SELECT 1 FROM udup.copied_table WHERE job = %s", side)


def test_who_takes_a_side_job_in_has_all_its_places_and_leaves_none_taken(target: MysqlServer, schema: str) -> None:
    side = side_of(schema)
    sql = "SELECT IS_USED_LOCK(%s)"
    with (
        closing(connect(target.endpoint, autocommit=True)) as one,
        closing(connect(target.endpoint, autocommit=True)) as late,
    ):
        create_tables(one)
        assert scalar(late, "SELECT GET_LOCK(%s, 0)", lock_name(side, "session1")) == 1
        with taking_in(one, schema, side, Owner("t", by_force=False)):
            assert scalar(one, sql, lock_name(side, "session1")) == scalar(one, "SELECT CONNECTION_ID()")
        assert scalar(one, sql, lock_name(side, CONTROL)) is None
        assert scalar(one, sql, lock_name(schema, CONTROL)) is not None
