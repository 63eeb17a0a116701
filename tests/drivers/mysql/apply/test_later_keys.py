"""Foreign keys that wait for the tables of both ends: noted before they are taken away, made once, never forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from udup.base.errors import Refused
from udup.drivers.mysql.apply import later_keys
from udup.drivers.mysql.apply.later_keys import LaterKeys
from udup.drivers.mysql.apply.own_tables import create_tables
from udup.drivers.mysql.apply.purge import purge
from udup.drivers.mysql.client.connection import Connection, connect, query
from udup.drivers.mysql.client.sessions import making_keys_session
from udup.drivers.mysql.ddl.classify import classify
from udup.drivers.mysql.dictionary.later_keys import LaterKey
from udup.pipeline.ports import Apart
from udup.pipeline.selection.selection import Selection
from udup.sandbox.server import MysqlServer


@pytest.fixture
def connection(target: MysqlServer, schema: str) -> Iterator[Connection]:
    """A job of the ID of the schema, which has `a` and its `child` there."""
    with closing(connect(target.endpoint)) as connection:
        create_tables(connection)
        for sql in (
            f"CREATE DATABASE {schema}",
            f"CREATE TABLE {schema}.a (id INT PRIMARY KEY)",
            f"CREATE TABLE {schema}.child (id INT PRIMARY KEY, a_id INT, KEY (a_id))",
            f"INSERT INTO {schema}.a VALUES (1)",
            f"INSERT INTO {schema}.child VALUES (1, 1), (2, NULL)",
        ):
            query(connection, sql)
        for table in ("a", "child"):
            _claim(connection, schema, table)
        yield connection


def _claim(connection: Connection, schema: str, table: str) -> None:
    sql = (
        "REPLACE INTO udup.claim (table_schema, table_name, job, source_uuid, source_schema, source_table, source,"
        " node) VALUES (%s, %s, %s, 'u', %s, %s, '', '')"
    )
    query(connection, sql, schema, table, schema, schema, table)


def _key(schema: str, rules: str = "") -> LaterKey:
    return LaterKey(schema, "child", "of_a", "(`a_id`)", schema, "a", "(`id`)", rules)


def _apart(schema: str, *other: str, is_new: bool = False) -> Apart:
    tables = Selection.of([(schema, list(other))])
    return Apart(tables, Selection.of([(schema, [])]), is_new=is_new, job=schema, side=f"{schema} tables")


def _there(connection: Connection, schema: str) -> list[tuple[str, str]]:
    sql = (
        "SELECT TABLE_NAME, CONSTRAINT_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS"
        " WHERE CONSTRAINT_SCHEMA = %s"
    )
    return [(str(table), str(name)) for table, name in query(connection, sql, schema)]


def _make(connection: Connection, target: MysqlServer, job: str, *, together: bool = True) -> LaterKeys:
    @contextmanager
    def opened() -> Iterator[Connection]:
        with closing(connect(target.endpoint, making_keys_session(1))) as making:
            yield making

    keys = LaterKeys(job, makes=True, together=lambda: together)
    keys.read(connection)
    keys.make(connection, opened)
    return keys


def _due(connection: Connection, schema: str, key: LaterKey | None = None) -> None:
    later_keys.note(connection, schema, f"{schema} tables", [key or _key(schema)])
    later_keys.make_due(connection, schema, f"{schema} tables")


@pytest.mark.parametrize("leaves", ["a", "child"])
def test_a_key_between_what_stays_and_what_leaves_is_noted_before_it_goes(
    connection: Connection, target: MysqlServer, schema: str, leaves: str
) -> None:
    query(connection, _key(schema).add + " ON DELETE RESTRICT")
    stays = Selection.of([(schema, ["child" if leaves == "a" else "a"])])
    for _ in range(2):  # the first run has died before anything was taken away
        later_keys.note_leaving(connection, schema, _apart(schema, leaves), stays)
        assert _there(connection, schema) == [("child", "of_a")]
    later_keys.take_away(connection, schema)
    later_keys.take_away(connection, schema)
    assert _there(connection, schema) == []
    assert [each.key for each in later_keys.read(connection, schema)] == [_key(schema, " ON DELETE RESTRICT")]
    assert _make(connection, target, schema).told == (
        f"the {_key(schema)} is left out on the target until its tables stand together",
    ), "nothing is made before the join"
    later_keys.make_due(connection, schema, f"{schema} tables")
    _make(connection, target, schema, together=False)
    assert _there(connection, schema) == [], "nor while one is ahead of the other"
    assert "is made on the target" in _make(connection, target, schema).told[0]
    assert _there(connection, schema) == [("child", "of_a")]
    assert later_keys.read(connection, schema) == []


def test_a_key_that_was_made_before_a_death_is_not_made_twice(
    connection: Connection, target: MysqlServer, schema: str
) -> None:
    query(connection, _key(schema).add)
    _due(connection, schema)
    _make(connection, target, schema)
    assert _there(connection, schema) == [("child", "of_a")] and later_keys.read(connection, schema) == []


def test_rows_that_do_not_fit_are_told_of_and_what_cannot_be_made_stays_noted(
    connection: Connection, target: MysqlServer, schema: str
) -> None:
    query(connection, f"DELETE FROM {schema}.a")
    _due(connection, schema)
    assert "refer to no row" in _make(connection, target, schema).told[0]
    query(connection, _key(schema).drop)
    query(connection, f"ALTER TABLE {schema}.a RENAME COLUMN id TO other")
    _due(connection, schema)
    keys = _make(connection, target, schema)
    assert "NOT on the target, where it could not be made: error" in keys.told[0] and _key(schema).add in keys.told[0]
    query(connection, f"ALTER TABLE {schema}.a RENAME COLUMN other TO id")
    _make(connection, target, schema)
    assert _there(connection, schema) == [("child", "of_a")] and later_keys.read(connection, schema) == []


def test_a_table_that_somebody_reads_is_waited_for_in_short_goes(
    connection: Connection, target: MysqlServer, schema: str
) -> None:
    _due(connection, schema)
    with closing(connect(target.endpoint)) as reader:
        reader.begin()
        query(reader, f"SELECT * FROM {schema}.child")
        assert "Lock wait timeout" in _make(connection, target, schema).told[0]
    _make(connection, target, schema)
    assert _there(connection, schema) == [("child", "of_a")]


def test_keys_follow_tables_once_for_each_statement(connection: Connection, schema: str) -> None:
    _due(connection, schema)
    keys = LaterKeys(schema, makes=True)
    swap = classify(f"RENAME TABLE {schema}.child TO {schema}.x, {schema}.a TO {schema}.y".encode(), schema)
    for _ in range(2):  # a run that has died before it was noted that the statement has run
        keys.follow(connection, swap, "mark:1")
    assert [(each.key.table, each.key.parent) for each in later_keys.read(connection, schema)] == [("x", "y")]
    back = classify(f"RENAME TABLE {schema}.x TO {schema}.y, {schema}.y TO {schema}.x".encode(), schema)
    for _ in range(2):
        keys.follow(connection, back, "mark:2")
    assert [(each.key.table, each.key.parent) for each in later_keys.read(connection, schema)] == [("y", "x")]
    keys.follow(connection, classify(f"DROP TABLE {schema}.x".encode(), schema), "mark:3")
    assert later_keys.read(connection, schema), "the source's key stands without its parent, too"
    keys.follow(connection, classify(f"DROP TABLE {schema}.other, {schema}.y".encode(), schema), "mark:4")
    assert later_keys.read(connection, schema) == []


@pytest.mark.parametrize("fills", [False, True])
def test_a_copy_takes_away_what_ties_its_tables_to_others(connection: Connection, schema: str, fills: bool) -> None:
    """A key of the target alone is noted as well; of a table that is made again what the source has counts."""
    query(
        connection,
        f"CREATE TABLE {schema}.grandchild (id INT PRIMARY KEY, FOREIGN KEY (id) REFERENCES {schema}.child (id))",
    )
    _claim(connection, schema, "grandchild")
    query(connection, _key(schema).add)
    later = [_key(schema, " ON UPDATE RESTRICT")]
    for _ in range(2):
        later_keys.begin_copy(
            connection, "Dest", _apart(schema, "a", is_new=True), {(schema, "child")}, later, fills=fills
        )
    noted = {each.key.name: each.key.rules for each in later_keys.read(connection, schema)}
    assert noted == {"of_a": "" if fills else " ON UPDATE RESTRICT", "grandchild_ibfk_1": ""}
    assert _there(connection, schema) == []


def test_a_key_of_the_target_alone_that_changes_rows_is_refused(connection: Connection, schema: str) -> None:
    query(connection, _key(schema).add + " ON DELETE SET NULL")
    apart = _apart(schema, "child", is_new=True)
    with pytest.raises(Refused, match=r"of_a of .* changes rows"):
        later_keys.begin_copy(connection, "Dest", apart, {(schema, "a")}, (), fills=False)
    assert _there(connection, schema) == [("child", "of_a")] and later_keys.read(connection, schema) == []
    later_keys.begin_copy(connection, "Dest", _apart(schema, "a", is_new=True), {(schema, "child")}, (), fills=False)
    assert _there(connection, schema) == [("child", "of_a")], "it goes with its table"


def test_what_is_given_up_waits_for_nothing(connection: Connection, target: MysqlServer, schema: str) -> None:
    later_keys.note(connection, schema, f"{schema} tables", [_key(schema)])
    purge(target.endpoint, f"{schema} tables")
    assert later_keys.read(connection, schema) == []
    _due(connection, schema)
    purge(target.endpoint, f"{schema} tables")
    assert later_keys.read(connection, schema), "it was joined before: the key is the job's"
