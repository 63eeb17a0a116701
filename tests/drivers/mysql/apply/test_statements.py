"""Rows applied by statements, under an account with exactly what Amazon RDS grants its master user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.applied import apply_all, records, run, session
from tests.managed import managed_account
from udup.base.endpoint import Endpoint
from udup.base.errors import Divergence, Unavailable, Unsupported
from udup.drivers.mysql.apply import unsure, unsure_lock
from udup.drivers.mysql.apply.contexts import TargetContexts
from udup.drivers.mysql.apply.created_table import drop_unfilled
from udup.drivers.mysql.apply.rows_by_statements import StatementRows
from udup.drivers.mysql.apply.rows_path import Mark
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import MySQLError, connect, error_code, query, scalar
from udup.pipeline.ports import ApplyMode
from udup.pipeline.records import Format, Part, Record, Transaction
from udup.pipeline.selection.selection import Selection
from udup.sandbox.server import MysqlServer
from udup.verify.compare import compare_strictly


@pytest.fixture
def master(target: MysqlServer) -> Iterator[Endpoint]:
    with managed_account(target) as account:
        yield account


def _both(source: MysqlServer, target: MysqlServer, *statements: str) -> None:
    for server in (source, target):
        run(server.endpoint, *statements)


def _made(source: MysqlServer, schema: str, *statements: str) -> list[Record]:
    return records(source.endpoint, run(source.endpoint, *statements), Selection.of([(schema, [])]))


def _value(endpoint: Endpoint, sql: str) -> object:
    with closing(connect(endpoint)) as connection:
        return scalar(connection, sql)


def _transactions(made: list[Record]) -> tuple[bytes, list[Transaction]]:
    (form,) = [record for record in made if isinstance(record, Format)]
    return form.event, [record for record in made if isinstance(record, Transaction)]


def test_an_account_that_may_not_run_binlog_applies_by_statements_and_a_group_commits_once(
    source: MysqlServer, target: MysqlServer, master: Endpoint, schema: str
) -> None:
    _both(source, target, f"CREATE DATABASE {schema}", f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, a LONGBLOB)")
    form, (transaction,) = _transactions(_made(source, schema, f"INSERT INTO {schema}.t VALUES (1, 'a'), (2, NULL)"))
    with session(master, schema) as (opened, position):
        opened.set_format(form)
        opened.apply(position.version, transaction.id.gtid, [transaction.events])
        assert opened.rows_written().inserted == 2
        with pytest.raises(MySQLError) as failure:  # its rows are there already, which is not what it is told by
            opened.apply(position.version, transaction.id.gtid, [transaction.events])
        assert error_code(failure.value) == 1032 and "checkpoint" in str(failure.value)
        assert not opened.is_taken_over(position.version + 1) and opened.is_taken_over(position.version)
        assert _value(target.endpoint, f"SELECT COUNT(*) FROM {schema}.t") == 2
    with session(master, schema) as (_, position):
        assert str(position.executed) == transaction.id.gtid


def test_a_row_that_is_not_found_is_named_and_nothing_of_its_group_stays(
    source: MysqlServer, target: MysqlServer, master: Endpoint, schema: str
) -> None:
    _both(
        source,
        target,
        f"CREATE DATABASE {schema}",
        f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, a INT)",
        f"CREATE TABLE {schema}.n (a INT, s VARCHAR(9))",
        f"INSERT INTO {schema}.t VALUES (1, 1), (2, 2)",
        f"INSERT INTO {schema}.n VALUES (1, 'x'), (1, 'x')",
    )
    made = _made(
        source,
        schema,
        f"UPDATE {schema}.t SET a = a + 1",
        f"DELETE FROM {schema}.n LIMIT 1",
        f"DELETE FROM {schema}.t WHERE id = 2",
    )
    form, (update, delete, last) = _transactions(made)
    with session(master, schema) as (opened, position):
        opened.set_format(form)
        run(target.endpoint, f"DELETE FROM {schema}.t WHERE id = 2")
        with pytest.raises(MySQLError, match="the row `id` = 2 of 't'") as failure:
            opened.apply(position.version, "", [delete.events, update.events])
        assert error_code(failure.value) == 1032
        opened.rollback()
        assert _value(target.endpoint, f"SELECT GROUP_CONCAT(id, '=', a) FROM {schema}.t") == "1=1"
        assert _value(target.endpoint, f"SELECT COUNT(*) FROM {schema}.n") == 2
        run(target.endpoint, f"INSERT INTO {schema}.t VALUES (2, 2)")
        opened.apply(position.version, last.id.gtid, [update.events, delete.events, last.events], groups=3)
    assert not compare_strictly(source.endpoint, target.endpoint, [schema])


def test_an_equal_value_of_other_bytes_is_not_the_row(
    source: MysqlServer, target: MysqlServer, master: Endpoint, schema: str
) -> None:
    table = f"CREATE TABLE {schema}.t (s VARCHAR(9) COLLATE utf8mb4_0900_ai_ci, j JSON, f FLOAT)"
    _both(source, target, f"CREATE DATABASE {schema}", table)
    run(source.endpoint, f"INSERT INTO {schema}.t VALUES ('a', '[1]', 0.1), ('A', '[1]', 0.1), ('a', '[1.0]', 0.1)")
    run(target.endpoint, f"INSERT INTO {schema}.t VALUES ('A', '[1]', 0.1), ('a', '[1.0]', 0.1), ('a', '[1]', 0.1)")
    made = _made(source, schema, f"DELETE FROM {schema}.t WHERE s = BINARY 'a' AND JSON_TYPE(j->'$[0]') = 'INTEGER'")
    with session(master, schema) as (opened, position):
        apply_all(opened, position, made)
    assert not compare_strictly(source.endpoint, target.endpoint, [schema])


def test_what_a_table_does_by_itself_comes_out_as_on_the_source(
    source: MysqlServer, target: MysqlServer, master: Endpoint, schema: str
) -> None:
    """Numbers of rows, times of changes, the error value of an ENUM, zero dates, what is computed, cascades."""
    _both(
        source,
        target,
        f"CREATE DATABASE {schema}",
        f"CREATE TABLE {schema}.p (id INT PRIMARY KEY)",
        f"CREATE TABLE {schema}.c (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE)",
        f"CREATE TABLE {schema}.t (id INT AUTO_INCREMENT PRIMARY KEY, e ENUM('a','b'), d DATE, v INT INVISIBLE,"
        " s TIMESTAMP(3) NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),"
        " g VARCHAR(40) AS (DATE_FORMAT(s, '%Y-%m-%d %H')) STORED, CHECK (v <> 3))",
    )
    context = "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO', time_zone = '+05:30', timestamp = 1.5"
    made = _made(
        source,
        schema,
        context,
        f"INSERT INTO {schema}.t (id, e, d, v) VALUES (0, 0, '0000-00-00', 1), (7, 'b', '2021-00-00', NULL)",
        f"UPDATE {schema}.t SET s = s, v = 5 WHERE id = 0",
        f"UPDATE {schema}.t SET e = 0 WHERE id = 7",
        f"INSERT INTO {schema}.p VALUES (1), (2), (3)",
        f"INSERT INTO {schema}.c VALUES (1, 1), (2, 1), (3, 2)",
        f"DELETE FROM {schema}.p WHERE id < 3",
    )
    with session(master, schema) as (opened, position):
        apply_all(opened, position, made, TargetContexts(master))
    assert not compare_strictly(source.endpoint, target.endpoint, [schema])


def test_rows_are_found_in_whatever_mode_they_were_written(
    source: MysqlServer, target: MysqlServer, master: Endpoint, schema: str
) -> None:
    """MySQL's own sql_mode refuses a zero date as a constant; another one reads a CHAR with its blanks."""
    _both(
        source,
        target,
        f"CREATE DATABASE {schema}",
        f"CREATE TABLE {schema}.d (id INT, d DATE, a INT, PRIMARY KEY (id, d)) PARTITION BY RANGE (TO_DAYS(d))"
        " (PARTITION p0 VALUES LESS THAN (100), PARTITION p1 VALUES LESS THAN MAXVALUE)",
        f"CREATE TABLE {schema}.n (t DATETIME, s TIMESTAMP NULL, a INT, g INT AS (a + 1))",
        f"CREATE TABLE {schema}.c (id CHAR(9) PRIMARY KEY, a INT, g VARCHAR(20) AS (CONCAT(id, a)) STORED)",
        f"CREATE TABLE {schema}.u (id VARCHAR(9) CHARACTER SET utf8mb3 PRIMARY KEY, a INT, CHECK (a < 99))",
        "SET SESSION sql_mode = 'ALLOW_INVALID_DATES'",
        f"INSERT INTO {schema}.d VALUES (1, '0000-00-00', 1), (2, '2021-00-10', 1), (3, '2021-02-31', 1)",
        f"INSERT INTO {schema}.n (t, s, a) VALUES ('0000-00-00', '0000-00-00', 1), ('2021-02-31 10:00:00', NULL, 1)",
        f"INSERT INTO {schema}.c (id, a) VALUES ('a', 1), ('b', 1), ('o ', 1)",
        f"INSERT INTO {schema}.u VALUES ('ä', 1), ('b', 1)",
    )
    made = _made(
        source,
        schema,
        *(f"UPDATE {schema}.{table} SET a = a + 1" for table in "dncu"),
        f"DELETE FROM {schema}.d WHERE id IN (1, 3)",
        f"DELETE FROM {schema}.n LIMIT 1",
        "SET SESSION sql_mode = 'PAD_CHAR_TO_FULL_LENGTH'",
        f"UPDATE {schema}.c SET a = a + 1",
        f"DELETE FROM {schema}.c WHERE a = 3 LIMIT 1",
    )
    with session(master, schema) as (opened, position):
        apply_all(opened, position, made, TargetContexts(master))
    assert not compare_strictly(source.endpoint, target.endpoint, [schema])


def test_rows_that_do_not_warn_are_looked_at_by_nobody(
    source: MysqlServer, target: MysqlServer, master: Endpoint, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A round trip and a question for each row would be hours of a large transaction; legacy sets warned always."""
    key = "VARCHAR(9) CHARACTER SET utf8mb3 PRIMARY KEY"
    table = f"CREATE TABLE {schema}.t (id {key}, a LONGTEXT, g INT AS (LENGTH(a)) STORED)"
    _both(source, target, f"CREATE DATABASE {schema}", table)
    rows = ", ".join(f"('{number}', REPEAT('x', 20000))" for number in range(60))
    made = _made(
        source,
        schema,
        f"INSERT INTO {schema}.t (id, a) VALUES {rows}",
        f"UPDATE {schema}.t SET a = 'y' WHERE id > 50",
        f"DELETE FROM {schema}.t WHERE id < 5",
    )
    assert any(isinstance(record, Part) for record in made)
    monkeypatch.setattr(StatementRows, "_alone", None)
    with session(master, schema) as (opened, position):
        apply_all(opened, position, made, TargetContexts(master))
    assert not compare_strictly(source.endpoint, target.endpoint, [schema])


def test_a_part_that_warns_is_sent_once_more_with_a_look_at_each_row(
    source: MysqlServer, target: MysqlServer, master: Endpoint, schema: str
) -> None:
    table = f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, a LONGTEXT, g INT AS (CAST(a AS SIGNED)) STORED)"
    _both(source, target, f"CREATE DATABASE {schema}", table)
    rows = ", ".join(f"({number}, REPEAT('x', 20000))" for number in range(60))
    made = _made(source, schema, "SET SESSION sql_mode = ''", f"INSERT INTO {schema}.t (id, a) VALUES {rows}")
    assert any(isinstance(record, Part) for record in made)
    with session(master, schema) as (opened, position):
        apply_all(opened, position, made, TargetContexts(master))
    assert not compare_strictly(source.endpoint, target.endpoint, [schema])


def test_a_large_transaction_comes_in_parts_and_a_kept_one_when_it_is_committed(
    source: MysqlServer, target: MysqlServer, master: Endpoint, schema: str
) -> None:
    _both(source, target, f"CREATE DATABASE {schema}", f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, a LONGBLOB)")
    rows = ", ".join(f"({number}, REPEAT('x', 20000))" for number in range(60))
    made = _made(
        source, schema, f"INSERT INTO {schema}.t VALUES {rows}", f"UPDATE {schema}.t SET a = 'y' WHERE id > 50"
    )
    assert any(isinstance(record, Part) for record in made)
    with session(master, schema) as (opened, position):
        apply_all(opened, position, made)
    assert not compare_strictly(source.endpoint, target.endpoint, [schema])


def test_a_table_that_is_made_with_its_rows_is_dropped_if_they_were_not_committed(
    source: MysqlServer, target: MysqlServer, master: Endpoint, schema: str
) -> None:
    _both(source, target, f"CREATE DATABASE {schema}", f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")
    run(source.endpoint, f"INSERT INTO {schema}.t VALUES (1), (2)")
    run(target.endpoint, f"INSERT INTO {schema}.t VALUES (1), (2)")
    form, (made,) = _transactions(
        _made(source, schema, f"CREATE TABLE {schema}.n (a INT DEFAULT 3) SELECT id FROM {schema}.t")
    )
    with session(master, schema) as (opened, position):
        opened.set_format(form)
        with pytest.raises(MySQLError):
            opened.apply(position.version + 9, made.id.gtid, [made.events], made.create)
    with session(master, schema) as (opened, position):
        opened.set_format(form)
        opened._rows.run_create(opened._mark(position.version, ""), made.create, b"")  # and it dies here
    assert _value(target.endpoint, f"SELECT COUNT(*) FROM {schema}.n") == 0
    with closing(connect(master)) as connection:
        drop_unfilled(connection, schema)
    with session(master, schema) as (opened, position):
        opened.set_format(form)
        opened.apply(position.version, made.id.gtid, [made.events], made.create)
    with closing(connect(master)) as connection:
        drop_unfilled(connection, schema)
    assert not compare_strictly(source.endpoint, target.endpoint, [schema])


def test_rows_that_wait_for_a_lock_behind_their_table_end_the_run(
    source: MysqlServer, target: MysqlServer, master: Endpoint, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rollback does not undo the table, so the order must not come again before a take-over has dropped it."""
    _both(source, target, f"CREATE DATABASE {schema}", f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")
    _both(source, target, f"INSERT INTO {schema}.t VALUES (1), (2)")
    form, (made,) = _transactions(_made(source, schema, f"CREATE TABLE {schema}.n SELECT id FROM {schema}.t"))
    run_create = StatementRows.run_create
    with closing(connect(target.endpoint, None, autocommit=False)) as other:

        def behind_it(rows: StatementRows, mark: Mark, create: bytes, context: bytes) -> None:
            run_create(rows, mark, create, context)
            query(other, "SELECT 1 FROM udup.checkpoint WHERE job = %s FOR UPDATE", schema)
            query(rows._connection, "SET SESSION innodb_lock_wait_timeout = 1")

        monkeypatch.setattr(StatementRows, "run_create", behind_it)
        with session(master, schema) as (opened, position):
            opened.set_format(form)
            with pytest.raises(Unavailable, match="behind CREATE TABLE … SELECT"):
                opened.apply(position.version, made.id.gtid, [made.events], made.create)
    monkeypatch.undo()
    with closing(connect(master)) as connection:
        drop_unfilled(connection, schema)
    with session(master, schema) as (opened, position):
        opened.set_format(form)
        opened.apply(position.version, made.id.gtid, [made.events], made.create)
    assert not compare_strictly(source.endpoint, target.endpoint, [schema])


def test_rows_would_set_off_triggers_so_a_table_with_any_is_refused(
    source: MysqlServer, target: MysqlServer, schema: str
) -> None:
    _both(source, target, f"CREATE DATABASE {schema}", f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")
    run(target.endpoint, f"CREATE TRIGGER {schema}.g BEFORE INSERT ON {schema}.t FOR EACH ROW SET NEW.id = 9")
    made = _made(source, schema, f"INSERT INTO {schema}.t VALUES (1)")
    with (
        session(target.endpoint, schema, mode=ApplyMode.STATEMENTS) as (opened, position),
        pytest.raises(Unsupported, match=f"DROP TRIGGER `{schema}`.`g`"),
    ):
        apply_all(opened, position, made)


def test_rows_without_transactions_are_counted_as_they_are_applied(
    source: MysqlServer, target: MysqlServer, master: Endpoint, schema: str
) -> None:
    """The second of three is refused: the first is applied, and it is the second that is in question."""
    _both(source, target, f"CREATE DATABASE {schema}", f"CREATE TABLE {schema}.t (id INT PRIMARY KEY) ENGINE=MyISAM")
    form, made = _transactions(_made(source, schema, *(f"INSERT INTO {schema}.t VALUES ({n})" for n in (1, 2, 3))))
    run(target.endpoint, f"INSERT INTO {schema}.t VALUES (2)")
    items = [(each.id.gtid, each.events) for each in made]
    with session(master, schema) as (opened, position):
        opened.set_format(form)
        with pytest.raises(Divergence, match="--applied") as failure:
            opened.apply_marked(position.version, ",".join(gtid for gtid, _ in items), items, f"{schema}.t")
        assert failure.value.gtid == made[1].id.gtid
    with closing(connect(master)) as connection:
        assert query(connection, "SELECT applied FROM udup.unsure WHERE job = %s", schema) == [(1,)]
    assert _value(target.endpoint, f"SELECT COUNT(*) FROM {schema}.t") == 2


@pytest.mark.parametrize("applied", [True, False])
def test_behind_a_restart_of_the_target_the_row_that_was_open_is_asked_about(
    source: MysqlServer,
    target: MysqlServer,
    master: Endpoint,
    schema: str,
    monkeypatch: pytest.MonkeyPatch,
    applied: bool,
) -> None:
    """Those before it were noted one by one."""
    _both(source, target, f"CREATE DATABASE {schema}", f"CREATE TABLE {schema}.t (id INT) ENGINE=MyISAM")
    form, made = _transactions(_made(source, schema, *(f"INSERT INTO {schema}.t VALUES ({n})" for n in (1, 2, 3))))
    items = [(each.id.gtid, each.events) for each in made]
    statement, noted = unsure.applied_statement, iter((1, 2))

    def dies(job: str, done: int) -> bytes:
        if next(noted) == 2:
            raise SystemExit
        return statement(job, done)

    monkeypatch.setattr(unsure, "applied_statement", dies)
    with session(master, schema) as (opened, position):
        opened.set_format(form)
        with pytest.raises(SystemExit):
            opened.apply_marked(position.version, ",".join(gtid for gtid, _ in items), items, f"{schema}.t")
    monkeypatch.setattr(unsure, "_is_same_process", lambda *_: False)
    with closing(connect(master)) as connection:
        with pytest.raises(Divergence, match="server ended") as failure, unsure_lock.locked(connection, schema):
            unsure.look(connection, schema)
        assert failure.value.gtid == made[1].id.gtid
        unsure.settle(master, schema, made[1].id.gtid, applied=applied)
        kept = query(connection, "SELECT gtids FROM udup.checkpoint WHERE job = %s AND slot = 0", schema)[0][0]
    assert GtidSet.parse(kept) == GtidSet.parse(",".join(gtid for gtid, _ in items[: 1 + applied]))
