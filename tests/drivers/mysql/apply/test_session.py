"""The target's own server applies the source's events: once, wholly, or not at all."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.applied import apply_all, records, run, session
from tests.conftest import MakeServer
from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import MySQLError, connect, error_code, query, scalar
from udup.pipeline.records import Format, Record, Transaction
from udup.pipeline.selection.selection import Selection
from udup.sandbox.server import MysqlServer
from udup.verify.compare import compare


def _both(source: MysqlServer, target: MysqlServer, *statements: str) -> None:
    for server in (source, target):
        run(server.endpoint, *statements)


def _tables(source: MysqlServer, target: MysqlServer, schema: str) -> None:
    _both(source, target, f"CREATE DATABASE {schema}", f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, a LONGBLOB)")


def _made(source: MysqlServer, schema: str, *statements: str) -> list[Record]:
    return records(source.endpoint, run(source.endpoint, *statements), Selection.of([(schema, [])]))


def _value(endpoint: Endpoint, sql: str) -> object:
    with closing(connect(endpoint)) as connection:
        return scalar(connection, sql)


def _only(made: list[Record]) -> tuple[Format, Transaction]:
    (form,) = [record for record in made if isinstance(record, Format)]
    (transaction,) = [record for record in made if isinstance(record, Transaction)]
    return form, transaction


def test_a_group_sent_twice_commits_once(source: MysqlServer, target: MysqlServer, schema: str) -> None:
    _tables(source, target, schema)
    form, transaction = _only(_made(source, schema, f"INSERT INTO {schema}.t VALUES (1, 'a')"))
    gtid = transaction.id.gtid
    with session(target.endpoint, schema) as (opened, position):
        opened.set_format(form.event)
        opened.apply(position.version, gtid, [transaction.events])
        run(target.endpoint, f"DELETE FROM {schema}.t")
        with pytest.raises(MySQLError) as failure:
            opened.apply(position.version, gtid, [transaction.events])
        assert error_code(failure.value) == 1032
        opened.rollback()
        assert _value(target.endpoint, f"SELECT COUNT(*) FROM {schema}.t") == 0
    with session(target.endpoint, schema) as (_, position):
        assert str(position.executed) == gtid


def test_a_session_that_was_taken_over_commits_nothing(source: MysqlServer, target: MysqlServer, schema: str) -> None:
    _tables(source, target, schema)
    form, transaction = _only(_made(source, schema, f"INSERT INTO {schema}.t VALUES (1, 'a')"))
    with session(target.endpoint, schema) as (stale, old):
        stale.set_format(form.event)
        query(stale._connection, "SELECT RELEASE_ALL_LOCKS()")  # as one that nobody finds to end it
        with session(target.endpoint, schema) as (fresh, new):
            fresh.set_format(form.event)
            with pytest.raises(MySQLError) as failure:
                stale.apply(old.version, transaction.id.gtid, [transaction.events])
            assert error_code(failure.value) == 1032
            stale.rollback()
            assert _value(target.endpoint, f"SELECT COUNT(*) FROM {schema}.t") == 0
            fresh.apply(new.version, transaction.id.gtid, [transaction.events])
            assert _value(target.endpoint, f"SELECT COUNT(*) FROM {schema}.t") == 1


def test_a_group_of_which_one_row_contradicts_leaves_nothing(
    source: MysqlServer, target: MysqlServer, schema: str
) -> None:
    _tables(source, target, schema)
    statements = [f"INSERT INTO {schema}.t VALUES ({number}, 'x')" for number in range(5)]
    made = _made(source, schema, *statements)
    transactions = [record for record in made if isinstance(record, Transaction)]
    run(target.endpoint, f"INSERT INTO {schema}.t VALUES (3, 'in the way')")
    with session(target.endpoint, schema) as (opened, position):
        apply_all(opened, position, [record for record in made if isinstance(record, Format)])
        gtids = ",".join(each.id.gtid for each in transactions)
        with pytest.raises(MySQLError) as failure:
            opened.apply(position.version, gtids, [each.events for each in transactions])
        assert error_code(failure.value) == 1062
        opened.rollback()
        assert _value(target.endpoint, f"SELECT COUNT(*) FROM {schema}.t") == 1
        run(target.endpoint, f"DELETE FROM {schema}.t")
        opened.apply(position.version, gtids, [each.events for each in transactions])
    assert compare(source.endpoint, target.endpoint, [schema]).equal


def test_a_large_transaction_fits_a_small_target_and_what_never_fits_says_so(
    source: MysqlServer, mysql_server: MakeServer, schema: str
) -> None:
    """16 MiB of max_allowed_packet: pieces of 8 MiB, one row up to 12.5 million bytes."""
    target = mysql_server(max_allowed_packet="16M")
    _tables(source, target, schema)
    numbers = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 300)"
    made = _made(
        source,
        schema,
        "BEGIN",
        f"INSERT INTO {schema}.t {numbers} SELECT n, REPEAT(CHAR(64 + n % 60), 60000) FROM n",
        f"INSERT INTO {schema}.t VALUES (1000, REPEAT('b', 8300000)), (1001, 'c'), (1002, REPEAT('d', 12500000))",
        f"UPDATE {schema}.t SET a = 'less' WHERE id IN (1, 1001)",
        "COMMIT",
    )
    with session(target.endpoint, schema) as (opened, position):
        apply_all(opened, position, made)
        assert compare(source.endpoint, target.endpoint, [schema]).equal
        large = _made(source, schema, f"INSERT INTO {schema}.t VALUES (2000, REPEAT('e', 12700000))")
    with session(target.endpoint, schema) as (opened, position), pytest.raises(UdupError, match="max_allowed_packet"):
        apply_all(opened, position, [*[each for each in made if isinstance(each, Format)], *large])
    assert _value(target.endpoint, f"SELECT COUNT(*) FROM {schema}.t WHERE id = 2000") == 0
