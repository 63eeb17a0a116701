"""The comparison sees every difference, and nothing where there is none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import connect, query
from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection
from udup.sandbox.server import MysqlServer
from udup.verify.compare import Comparison, compare, conditions, wait_level
from udup.verify.sums import samples

Both = Callable[..., None]


@pytest.fixture
def both(source: MysqlServer, target: MysqlServer, schema: str) -> Both:
    """Runs statements in the test's schema, on both servers unless one is named."""
    for server in (source, target):
        with connect(server.endpoint) as connection:
            query(connection, f"CREATE DATABASE {schema}")

    def run(*statements: str, on: MysqlServer | None = None) -> None:
        for server in [on] if on else [source, target]:
            with connect(server.endpoint, database=schema) as connection:
                for statement in statements:
                    query(connection, statement)

    return run


@pytest.fixture
def compared(source: MysqlServer, target: MysqlServer, schema: str) -> Callable[[], Comparison]:
    return lambda: compare(source.endpoint, target.endpoint, [schema])


def test_of_a_table_with_a_row_filter_the_rows_that_pass_are_compared(
    both: Both, source: MysqlServer, target: MysqlServer, schema: str
) -> None:
    both("CREATE TABLE t (id INT PRIMARY KEY, region VARCHAR(5), paid TIMESTAMP NULL)", "CREATE TABLE o (id INT)")
    both("INSERT INTO t VALUES (1, 'eu', '2024-01-01'), (2, 'EU', NULL)", "INSERT INTO o VALUES (1), (2)")
    both("INSERT INTO t VALUES (3, 'us', NULL), (4, NULL, NULL)", on=source)
    rules = (NameRule("t", where="region = 'eu' AND (paid IS NULL OR paid > '2023-12-31')"), NameRule("o"))
    selection = Selection((SchemaRule(schema, tables=rules),))

    def compared() -> Comparison:
        return compare(source.endpoint, target.endpoint, [schema], selection)

    assert compared().equal and compared().rows == 4
    (whole,) = compare(source.endpoint, target.endpoint, [schema]).different
    assert whole.table == (schema, "t"), "whole tables are not equal"
    condition = conditions(source.endpoint, [(schema, "t")], selection)[schema, "t"]
    assert samples(source.endpoint, target.endpoint, (schema, "t"), condition=condition) == []
    both("INSERT INTO t VALUES (3, 'us', NULL)", on=target)
    (verdict,) = compared().different
    assert verdict.source is not None and verdict.target is not None
    assert (verdict.source.rows, verdict.target.rows) == (2, 3), "one that should not be there"
    assert samples(source.endpoint, target.endpoint, (schema, "t"), condition=condition) == [("target", "3")]
    both("DELETE FROM t WHERE id IN (1, 3)", on=target)
    assert not compared().equal, "one that is missing"


#: A column's type, a value, and another that a careless comparison takes for the same.
LOOKALIKES = [
    ("FLOAT", "0.1", "0.10000001"),
    ("DOUBLE", "1e0", "1.0000000000000002e0"),
    ("DOUBLE", "0e0", "-0e0"),
    ("VARCHAR(20)", "NULL", "'NULL'"),
    ("VARCHAR(20)", "NULL", "'N'"),
    ("VARCHAR(20)", "''", "NULL"),
    ("VARCHAR(20)", "'a'", "'A'"),
    ("VARCHAR(20)", "'a'", "'á'"),
    ("VARCHAR(20)", "'a'", "'a '"),
    ("VARBINARY(20)", "x'00'", "x'0000'"),
    ("BIT(9)", "b'1'", "b'100000001'"),
    ("ENUM('a', 'A ', 'b') COLLATE utf8mb4_bin", "1", "3"),
    ("SET('a', 'b')", "1", "2"),
    ("DECIMAL(30, 10)", "1.0000000001", "1.0000000002"),
    ("DATETIME(6)", "'2026-01-01 00:00:00.000001'", "'2026-01-01 00:00:00.000002'"),
    ("TIME(3)", "'12:00:00.001'", "'-12:00:00.001'"),
    ("JSON", "'{\"a\": 1}'", "'{\"a\": 1.0}'"),
    ("JSON", "'null'", "NULL"),
    ("GEOMETRY", "POINT(1, 2)", "ST_SRID(POINT(1, 2), 4326)"),
    ("LONGBLOB", "REPEAT('x', 100000)", "CONCAT(REPEAT('x', 99999), 'y')"),
    ("BIGINT UNSIGNED", "18446744073709551615", "18446744073709551614"),
]


@pytest.mark.parametrize(("kind", "one", "other"), LOOKALIKES)
def test_lookalikes_differ(
    kind: str,
    one: str,
    other: str,
    both: Both,
    compared: Callable[[], Comparison],
    source: MysqlServer,
    target: MysqlServer,
    schema: str,
) -> None:
    both(
        f"CREATE TABLE t (id INT PRIMARY KEY, v {kind}) CHARSET utf8mb4", f"INSERT INTO t VALUES (1, {one}), (2, {one})"
    )
    assert compared().equal
    both("DELETE FROM t WHERE id = 2", f"INSERT INTO t VALUES (2, {other})", on=target)
    assert [verdict.table[1] for verdict in compared().different] == ["t"]
    assert samples(source.endpoint, target.endpoint, (schema, "t")) == [("source", "2"), ("target", "2")]


def test_neighbouring_columns_do_not_run_into_each_other(
    both: Both, compared: Callable[[], Comparison], source: MysqlServer, target: MysqlServer
) -> None:
    both("CREATE TABLE t (a VARCHAR(9), b VARCHAR(9))")
    both("INSERT INTO t VALUES ('ab', 'c')", on=source)
    both("INSERT INTO t VALUES ('a', 'bc')", on=target)
    assert not compared().equal


def test_equal_rows_do_not_cancel_out_in_a_table_without_key(
    both: Both, compared: Callable[[], Comparison], source: MysqlServer, target: MysqlServer
) -> None:
    both("CREATE TABLE t (a INT)", "INSERT INTO t VALUES (1), (2), (2)")
    both("INSERT INTO t VALUES (3), (3)", on=source)
    both("INSERT INTO t VALUES (4), (4)", on=target)
    assert not compared().equal


def test_definitions_are_compared_but_for_the_counter(
    both: Both, compared: Callable[[], Comparison], source: MysqlServer, target: MysqlServer
) -> None:
    both("CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, a INT)", "CREATE VIEW v AS SELECT a FROM t")
    both("ALTER TABLE t AUTO_INCREMENT = 500", on=source)
    assert compared().equal
    both("CREATE INDEX i ON t (a)", "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1", on=source)
    both("CREATE TABLE other (id INT PRIMARY KEY)", "ALTER VIEW v AS SELECT a + 1 AS a FROM t", on=target)
    found = "\n".join(compared().definitions)
    assert len(compared().definitions) == 4
    assert ".g: not on the target" in found
    assert ".other: only on the target" in found
    assert "KEY `i` (`a`)" in found
    assert "VIEW" in found


def test_an_event_has_to_be_disabled_on_the_target(
    both: Both, compared: Callable[[], Comparison], target: MysqlServer
) -> None:
    both("CREATE EVENT e ON SCHEDULE EVERY 1 YEAR DO SELECT 1")
    assert compared().definitions[0].endswith(".e: enabled on the target")
    both("ALTER EVENT e DISABLE ON REPLICA", on=target)
    assert compared().equal


def test_a_row_too_long_for_a_checksum_is_an_error_not_an_equality(
    both: Both, compared: Callable[[], Comparison], source: MysqlServer
) -> None:
    both("CREATE TABLE t (a BLOB, b BLOB)", "INSERT INTO t VALUES (REPEAT('x', 60000), REPEAT('y', 60000))")
    with connect(source.endpoint) as connection:
        query(connection, "SET GLOBAL max_allowed_packet = 65536")
        try:
            with pytest.raises(UdupError, match="raise max_allowed_packet"):
                compared()
        finally:
            query(connection, "SET GLOBAL max_allowed_packet = DEFAULT")


def test_level_is_reached_by_a_set_that_holds_the_sources(source: MysqlServer) -> None:
    with connect(source.endpoint) as connection:
        query(connection, "DROP DATABASE IF EXISTS no_such_schema")  # a new server has executed nothing
        executed = str(query(connection, "SELECT @@GLOBAL.gtid_executed")[0][0])
    assert wait_level(source.endpoint, lambda: executed, deadline=5)
    assert not wait_level(source.endpoint, lambda: "", deadline=0.3)
