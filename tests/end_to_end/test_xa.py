"""XA transactions arrive when they commit, whatever happens between their two halves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.end_to_end.conftest import NUMBERS, World, run, value, wait_for

JOB = "xa"


@pytest.fixture
def schema(followed: World, name: str) -> Iterator[str]:
    """A schema with rows; what a failed test has left prepared is rolled back, or its schema could not be dropped."""
    run(
        followed.source.endpoint,
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT PRIMARY KEY, a INT, b CHAR(250) NOT NULL DEFAULT '', UNIQUE (a))",
        f"INSERT INTO {name}.t (id, a) VALUES (1, 1), (2, 2), (3, 3)",
    )
    yield name
    for xid in (f"'{name}'", f"'{name}', 'b', 7"):
        try:
            run(followed.source.endpoint, f"XA ROLLBACK {xid}")
        except Exception as error:  # noqa: BLE001 -- XAER_NOTA is what there should be
            assert "XAER_NOTA" in str(error)


def kept(world: World) -> int:
    return int(value(world.target.endpoint, "SELECT COUNT(*) FROM udup.prepared WHERE job = %s", JOB))


def prepared(xid: str, *statements: str) -> tuple[str, ...]:
    return (f"XA START {xid}", *statements, f"XA END {xid}", f"XA PREPARE {xid}")


@pytest.mark.parametrize(
    "session",
    [
        "binlog_row_image = 'FULL'",
        "binlog_row_image = 'MINIMAL', xa_detach_on_prepare = OFF",
        "binlog_transaction_compression = ON",
    ],
)
def test_both_halves_arrive_however_the_source_logs_them(followed: World, schema: str, session: str) -> None:
    table, one, two = f"{schema}.t", f"'{schema}'", f"'{schema}', 'b', 7"
    followed.on_source(
        *(f"SET SESSION {each}" for each in session.split(", ")),
        *prepared(one, f"INSERT INTO {table} (id, a) VALUES (10, 10)", "SAVEPOINT s", f"DELETE FROM {table} LIMIT 1")[
            :-2
        ],
        *("ROLLBACK TO s", f"UPDATE {table} SET a = 20 WHERE id = 2", f"XA END {one}", f"XA PREPARE {one}"),
        f"XA COMMIT {one}",
        *prepared(two, f"DELETE FROM {table} WHERE id = 3"),
        f"XA ROLLBACK {two}",
        *prepared(one, f"UPDATE {table} SET a = a + 100"),  # an xid may be used again
        f"XA COMMIT {one}",
        *prepared(two, f"UPDATE {table} SET b = 'one phase'")[:-1],
        f"XA COMMIT {two} ONE PHASE",
        *prepared(one, f"UPDATE {table} SET a = a WHERE id = 99"),
        f"XA COMMIT {one}",
    )
    followed.level_and_equal(JOB, schema)
    assert value(followed.target.endpoint, f"SELECT GROUP_CONCAT(a ORDER BY id) FROM {table}") == "101,120,103,110"
    assert kept(followed) == 0


def test_what_depends_on_a_prepared_row_waits_for_its_end(followed: World, schema: str) -> None:
    """The log says that it depends on XA PREPARE only, whose locks kept the source in order."""
    xid = f"'{schema}'"
    statements = [f"INSERT INTO {schema}.t (id, a) VALUES (100, 0)"]
    for turn in range(30):
        statements += prepared(xid, f"UPDATE {schema}.t SET a = a + 1000, b = {turn} WHERE id = 100")
        statements += [f"XA COMMIT {xid}", f"UPDATE {schema}.t SET a = a + 1000 WHERE id = 100"]
        statements += [
            f"DELETE FROM {schema}.t WHERE id = 100",
            f"INSERT INTO {schema}.t (id, a) VALUES (100, {-turn})",
        ]
    followed.on_source(*statements)
    followed.level_and_equal(JOB, schema)
    assert followed.node.job(JOB)["Progress"]["restarts"] == 0


def test_a_transaction_prepared_in_one_run_commits_in_another(followed: World, schema: str) -> None:
    """Between its halves: the job and the source start again, the log changes its checksums and its file."""
    table, one, two = f"{schema}.t", f"'{schema}'", f"'{schema}', 'b', 7"
    followed.on_source(*prepared(one, f"UPDATE {table} SET a = 70, b = 'late' WHERE id = 1"))
    followed.on_source(*prepared(two, f"DELETE FROM {table} WHERE id = 2"))
    followed.level(JOB)
    assert kept(followed) == 4
    assert value(followed.target.endpoint, f"SELECT a FROM {table} WHERE id = 1") == 1
    followed.forget(JOB)
    followed.source.restart()
    followed.on_source("SET GLOBAL binlog_checksum = NONE", f"INSERT INTO {table} (id, a) VALUES (50, 50)")
    followed.start(JOB, [])
    followed.on_source(f"XA COMMIT {one}", f"UPDATE {table} SET a = a + 1 WHERE id = 1", f"XA ROLLBACK {two}")
    followed.on_source("SET GLOBAL binlog_checksum = CRC32", f"INSERT INTO {table} (id, a) VALUES (51, 51)")
    followed.level_and_equal(JOB, schema)
    assert value(followed.target.endpoint, f"SELECT CONCAT(a, b) FROM {table} WHERE id = 1") == "71late"
    assert kept(followed) == 0
    assert followed.node.job(JOB)["Progress"]["restarts"] == 0


@pytest.mark.parametrize("in_this_run", [True, False])
def test_a_transaction_that_the_source_has_lost_is_forgotten(followed: World, schema: str, in_this_run: bool) -> None:
    """As after a crash: it is not prepared any more, and the log does not end it."""
    xid = f"'{schema}'"
    followed.on_source(*prepared(xid, f"UPDATE {schema}.t SET a = 70 WHERE id = 1"))
    followed.level(JOB)
    assert kept(followed) == 2
    if not in_this_run:
        followed.forget(JOB)
    followed.on_source("SET sql_log_bin = 0", f"XA ROLLBACK {xid}")
    if not in_this_run:
        followed.start(JOB, [])
    wait_for(lambda: kept(followed) == 0, lambda: kept(followed))
    followed.on_source(*prepared(xid, f"UPDATE {schema}.t SET a = 71 WHERE id = 1"), f"XA COMMIT {xid}")
    followed.level_and_equal(JOB, schema)
    assert followed.node.job(JOB)["Progress"]["restarts"] == 0


@pytest.mark.parametrize("end", ["XA COMMIT {0} ONE PHASE", "XA COMMIT {0}", "XA ROLLBACK {0}"])
def test_a_large_transaction_arrives_whole_or_not_at_all(followed: World, schema: str, end: str) -> None:
    xid = f"'{schema}'"
    many = f"INSERT INTO {schema}.t {NUMBERS.format(9000)} SELECT n + 10, n + 10, REPEAT(n % 10, 250) FROM n"
    statements = prepared(
        xid, "SET @@cte_max_recursion_depth = 100000", many, f"UPDATE {schema}.t SET b = 'x' WHERE id < 99"
    )
    followed.on_source(*(statements[:-1] if "ONE PHASE" in end else statements), end.format(xid))
    followed.level_and_equal(JOB, schema)
    rows = 3 if "ROLLBACK" in end else 9003
    assert value(followed.target.endpoint, f"SELECT COUNT(*) FROM {schema}.t") == rows
    assert kept(followed) == 0


def test_a_commit_of_an_unknown_transaction_fails_the_job(followed: World, schema: str) -> None:
    xid = f"'{schema}'"
    followed.on_source(*prepared(xid, f"INSERT INTO {schema}.t (id, a) VALUES (10, 10)"))
    followed.level(JOB)
    followed.forget(JOB)  # a table has one job
    late = f"late_{schema}"
    followed.start(late, [], gtid=followed.executed())
    followed.on_source(f"XA COMMIT {xid}")
    reason = followed.failure(late)
    assert "XA COMMIT X'" in reason and "XA RECOVER" in reason
    followed.forget(late)
    followed.on_target(f"DELETE FROM udup.checkpoint WHERE job = '{late}'")
    followed.start(JOB, [])
    followed.level_and_equal(JOB, schema)


def test_a_copy_waits_for_prepared_transactions_to_end(followed: World, schema: str) -> None:
    xid, copy = f"'{schema}'", f"copy_{schema}"
    followed.level(JOB)
    followed.on_source(*prepared(xid, f"INSERT INTO {schema}.t (id, a) VALUES (10, 10)"))
    followed.post(followed.document(copy, [schema], dest={"DropTableIfExists": True}))
    reason = followed.failure(copy)
    assert xid[1:-1].encode().hex() in reason and "XA COMMIT" in reason
    followed.on_source(f"XA COMMIT {xid}")
    followed.level(JOB)
    followed.forget(JOB)  # else both would write
    followed.start(copy, [schema], dest={"DropTableIfExists": True})
    followed.level_and_equal(copy, schema)
    followed.forget(copy)
    followed.start(JOB, [])
    wait_for(lambda: kept(followed) == 0, lambda: "no prepared transaction is kept")
