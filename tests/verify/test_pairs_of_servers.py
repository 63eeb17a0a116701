"""Servers of different families are compared by rows and by what their definitions mean."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from udup.drivers.mysql.client.connection import connect, query
from udup.sandbox.server import MysqlServer
from udup.verify.compare import compare

TABLE = (
    "CREATE TABLE {}.t (id INT PRIMARY KEY AUTO_INCREMENT, a VARCHAR(20) DEFAULT 'it''s', f FLOAT, d DOUBLE,"
    " n DECIMAL(30, 10), e ENUM('x', 'y') NOT NULL, b BIT(9), at TIMESTAMP(3) NULL, j JSON, g INT AS (b + 0) VIRTUAL,"
    " KEY k (a, e), CHECK (f < 100)) COLLATE = utf8mb4_unicode_ci"
)
ROWS = (
    "INSERT INTO {}.t (a, f, d, n, e, b, at, j) VALUES"
    " ('é', 0.1, 1/3e0, 1.5, 'y', b'101', '2026-01-01 10:00:00.5', '[]'),"
    " (NULL, -1e-5, -1.7976931348623157e308, NULL, 'x', NULL, NULL, NULL)"
)


def test_a_mysql_and_a_mariadb_that_hold_the_same_are_equal_and_each_difference_is_found(
    source: MysqlServer, mariadb_target: MysqlServer, new_schema: Callable[..., str]
) -> None:
    schema = new_schema(source, mariadb_target)
    for server in (source, mariadb_target):
        _run(server, f"CREATE DATABASE {schema} COLLATE utf8mb4_unicode_ci", TABLE.format(schema), ROWS.format(schema))
    ends = source.endpoint, mariadb_target.endpoint, [schema]
    found = compare(*ends)
    assert found.equal and found.rows == 2, found.report()
    _run(mariadb_target, f"UPDATE {schema}.t SET d = 0.33333333333333326 WHERE id = 1")
    assert [each.table for each in compare(*ends).different] == [(schema, "t")]
    _run(mariadb_target, f"UPDATE {schema}.t SET d = 1/3e0 WHERE id = 1", f"ALTER TABLE {schema}.t DROP KEY k")
    assert "INDEXES OF" in compare(*ends).report()
    _run(mariadb_target, f"ALTER TABLE {schema}.t ADD KEY k (a, e), MODIFY n DECIMAL(30, 9)")
    assert "decimal(30,9)" in compare(*ends).report()


def test_mariadbs_are_compared_with_their_history_and_sequences_and_a_mysql_by_rows_of_today(
    source: MysqlServer, mariadb_source: MysqlServer, mariadb_target: MysqlServer, new_schema: Callable[..., str]
) -> None:
    schema = new_schema(source, mariadb_source, mariadb_target)
    versioned = f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, a INT) WITH SYSTEM VERSIONING"
    for server in (mariadb_source, mariadb_target):
        _run(server, f"CREATE DATABASE {schema} COLLATE utf8mb4_unicode_ci", versioned, f"CREATE SEQUENCE {schema}.s")
    both = mariadb_source.endpoint, mariadb_target.endpoint, [schema]
    for server in (mariadb_source, mariadb_target):
        _run(server, "SET timestamp = 1700000000.5", f"INSERT INTO {schema}.t VALUES (1, 1)")
        _run(server, "SET timestamp = 1700000001.5", f"UPDATE {schema}.t SET a = 2")
    assert compare(*both).equal, compare(*both).report()
    _run(mariadb_target, "SET timestamp = 1700000002.5", f"UPDATE {schema}.t SET a = 3", f"UPDATE {schema}.t SET a = 2")
    assert f"{schema}.t (with its history): " in compare(*both).report()
    _run(mariadb_target, f"SELECT NEXTVAL({schema}.s)")
    assert f"SEQUENCE {schema}.s: source has" in compare(*both).report()
    _run(source, f"CREATE DATABASE {schema} COLLATE utf8mb4_unicode_ci")
    _run(source, f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, a INT)", f"INSERT INTO {schema}.t VALUES (1, 2)")
    to_mysql = compare(mariadb_source.endpoint, source.endpoint, [schema])
    assert to_mysql.equal and [each.compared for each in to_mysql.tables] == ["rows of today"], to_mysql.report()


def _run(server: MysqlServer, *statements: str) -> None:
    with closing(connect(server.endpoint)) as connection:
        for sql in statements:
            query(connection, sql)
