"""A table's rows are carried between equal definitions only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.source_log import logged_by
from udup.base.errors import Divergence, Unsupported
from udup.drivers.mysql.apply.column_check import TargetColumn, check_definition, difference
from udup.drivers.mysql.binlog.event import EventType
from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType
from udup.drivers.mysql.client.connection import Connection, connect, query
from udup.drivers.mysql.client.names import qualified
from udup.sandbox.server import MysqlServer

EVERY_TYPE = [
    "a TINYINT, b SMALLINT UNSIGNED, c MEDIUMINT, d INT UNSIGNED, e BIGINT, f BIGINT UNSIGNED ZEROFILL, g BOOL",
    "a FLOAT, b DOUBLE UNSIGNED, c DECIMAL(65,30), d DECIMAL(5) UNSIGNED, e FLOAT(7,3), f FLOAT(53)",
    "a BIT(1), b BIT(13), c BIT(64), d YEAR, e DATE, f TIME, g TIME(3), h DATETIME(6), i TIMESTAMP(2) NULL, j DATETIME",
    "a CHAR(5), b CHAR(255) CHARSET utf8mb4, c VARCHAR(10), d VARCHAR(300) CHARSET gbk, e CHAR(0), f NCHAR(3)",
    "a BINARY(7), b VARBINARY(300), c TINYBLOB, d BLOB, e MEDIUMBLOB, f LONGBLOB, g BINARY(255)",
    "a TINYTEXT, b TEXT CHARSET latin1, c MEDIUMTEXT, d LONGTEXT CHARSET utf32, e VARCHAR(5) CHARSET utf8mb3",
    "a ENUM('x','é''\\\\,') CHARSET latin1, b SET('1','2'), c ENUM('日本','b'), d VARCHAR(3) CHARSET sjis",
    "a SET(" + ",".join(f"'m{i}'" for i in range(40)) + "), b ENUM(" + ",".join(f"'m{i}'" for i in range(300)) + ")",
    "a JSON, b GEOMETRY, c POINT SRID 4326, d LINESTRING, e POLYGON, f MULTIPOINT, g GEOMETRYCOLLECTION",
    "a INT PRIMARY KEY, b INT AS (a + 1) VIRTUAL, c INT AS (a + 2) STORED, d INT INVISIBLE, e INT NOT NULL DEFAULT 1",
    "a VARCHAR(5) COLLATE utf8mb4_bin, b VARCHAR(5) CHARSET latin1, c VARCHAR(5), d TEXT CHARSET ascii, e INT",
    "a VECTOR(3), b CHAR(9) CHARSET latin1, c VARCHAR(5), d CHAR(3) CHARSET gbk, e VECTOR(2), f CHAR(3) CHARSET ascii",
    "a VECTOR(3), b CHAR(9) CHARSET latin1, c BLOB, d BLOB, e BLOB, f CHAR(3) CHARSET ascii",
    "a VARCHAR(5) CHARSET binary, b ENUM('x') CHARSET ascii, c SET('y') CHARSET binary, d TEXT CHARSET binary",
]  # fmt: skip

#: Source's columns, target's columns, what the message says.
SILENTLY_WRONG = [
    ("a INT, b INT UNSIGNED", "b INT UNSIGNED, a INT", "signed"),
    ("a INT, b BIGINT", "b BIGINT, a INT", "LONG"),
    ("a VARCHAR(10) CHARSET latin1", "a VARCHAR(10) CHARSET cp1251", "latin1"),
    ("a VARCHAR(12) CHARSET latin1", "a VARCHAR(3) CHARSET utf8mb4", "latin1"),
    ("a TEXT CHARSET utf8mb3", "a TEXT CHARSET utf8mb4", "utf8mb3"),
    ("a TEXT", "a BLOB", "utf8mb4"),
    ("a INT", "a INT NOT NULL", "NULL"),
    ("a SMALLINT UNSIGNED", "a SMALLINT", "unsigned"),
    ("a SMALLINT", "a SMALLINT UNSIGNED", "signed"),
    ("a SMALLINT", "a INT", "SHORT"),
    ("a VARCHAR(5)", "a VARCHAR(6)", "VARCHAR"),
    ("a CHAR(5)", "a VARCHAR(5)", "STRING"),
    ("a DECIMAL(10,2)", "a DECIMAL(10,3)", "10, 2"),
    ("a DATETIME(3)", "a DATETIME", "DATETIME"),
    ("a BIT(9)", "a BIT(10)", "BIT"),
    ("a POINT", "a GEOMETRY", "geometry"),
    ("a TINYTEXT", "a TEXT", "BLOB"),
    ("a JSON", "a LONGTEXT", "JSON"),
    ("a ENUM('x','y')", "a SET('x','y')", "ENUM"),
    ("a INT, b INT", "a INT", "2 columns"),
]  # fmt: skip

#: Seen only with the names and members that binlog_row_metadata=FULL logs.
SILENTLY_WRONG_WITH_NAMES = [
    ("a INT, b INT", "b INT, a INT", "called a"),
    ("a ENUM('x','y')", "a ENUM('y','x')", "members"),
    ("a SET('x','y')", "a SET('x','z')", "members"),
    ("a ENUM('é') CHARSET latin1", "a ENUM('é') CHARSET utf8mb4", "latin1"),
]  # fmt: skip


@pytest.fixture(scope="module")
def verbose(programs: object, server_folder: object) -> Iterator[MysqlServer]:
    """A source with binlog_row_metadata=FULL."""
    with MysqlServer(programs, server_folder / "full-metadata", options={"binlog_row_metadata": "FULL"}) as server:  # type: ignore[arg-type,operator]
        yield server


def _table_map(server: MysqlServer, schema: str, columns: str) -> bytes:
    def work(connection: Connection) -> None:
        query(connection, f"CREATE DATABASE IF NOT EXISTS {schema}")
        query(connection, f"DROP TABLE IF EXISTS {schema}.t")
        query(connection, f"CREATE TABLE {schema}.t ({columns})")
        query(connection, f"INSERT INTO {schema}.t (a) VALUES (DEFAULT)" if "KEY" not in columns else
              f"INSERT INTO {schema}.t (a) VALUES (1)")  # fmt: skip

    (table_map,) = [each.event for each in logged_by(server.endpoint, work) if each.kind == EventType.TABLE_MAP]
    return table_map


def _check(source: MysqlServer, target: MysqlServer, schema: str, ours: str, theirs: str) -> None:
    table_map = _table_map(source, schema, ours)
    with closing(connect(target.endpoint)) as connection:
        query(connection, f"CREATE DATABASE IF NOT EXISTS {schema}")
        query(connection, f"DROP TABLE IF EXISTS {schema}.t")
        query(connection, f"CREATE TABLE {schema}.t ({theirs})")
        check_definition(connection, schema, "t", table_map, has_crc=True)


@pytest.mark.parametrize("columns", EVERY_TYPE)
def test_equal_tables_are_equal(
    source: MysqlServer, verbose: MysqlServer, target: MysqlServer, schema: str, columns: str
) -> None:
    _check(source, target, schema, columns, columns)
    _check(verbose, target, schema, columns, columns)


def test_columns_behind_the_sources_are_allowed_where_the_log_has_names(
    source: MysqlServer, verbose: MysqlServer, target: MysqlServer, schema: str
) -> None:
    _check(verbose, target, schema, "a INT, b TEXT", "a INT, b TEXT, c INT NOT NULL DEFAULT 5")
    with pytest.raises(Unsupported, match="the log does not name them"):
        _check(source, target, schema, "a INT, b TEXT", "a INT, b TEXT, c INT NOT NULL DEFAULT 5")


def test_another_collation_of_the_same_character_set_is_allowed(
    source: MysqlServer, target: MysqlServer, schema: str
) -> None:
    _check(source, target, schema, "a VARCHAR(5) COLLATE utf8mb4_bin", "a VARCHAR(5) COLLATE utf8mb4_general_ci")


@pytest.mark.parametrize(("ours", "theirs", "said"), SILENTLY_WRONG)
def test_what_would_go_wrong_without_an_error_is_refused(
    source: MysqlServer, target: MysqlServer, schema: str, ours: str, theirs: str, said: str
) -> None:
    with pytest.raises(Unsupported, match=said) as caught:
        _check(source, target, schema, ours, theirs)
    assert f"{schema}.t" in str(caught.value)


@pytest.mark.parametrize(("ours", "theirs", "said"), SILENTLY_WRONG_WITH_NAMES)
def test_names_and_members_are_compared_where_the_source_logs_them(
    verbose: MysqlServer, target: MysqlServer, schema: str, ours: str, theirs: str, said: str
) -> None:
    with pytest.raises(Unsupported, match=said):
        _check(verbose, target, schema, ours, theirs)


def test_a_missing_table_is_divergence(source: MysqlServer, target: MysqlServer, schema: str) -> None:
    table_map = _table_map(source, schema, "a INT")
    with closing(connect(target.endpoint)) as connection, pytest.raises(Divergence, match=schema):
        check_definition(connection, schema, qualified("no", "such"), table_map, has_crc=True)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (ColumnType.TIMESTAMP_OLD, ColumnType.TIMESTAMP),
        (ColumnType.DATETIME_OLD, ColumnType.DATETIME),
        (ColumnType.TIME_OLD, ColumnType.TIME),
    ],
)
def test_temporal_types_of_before_5_6_4_are_told_with_what_rebuilds_them(old: ColumnType, new: ColumnType) -> None:
    there = TargetColumn(ColumnDefinition(new, b"\x00", True, name="a"), "datetime", None)
    assert "ALTER TABLE … FORCE" in difference(ColumnDefinition(old, b"", True), None, there, {})
    same = TargetColumn(ColumnDefinition(old, b"", True, name="a"), "datetime", None)
    assert difference(ColumnDefinition(old, b"", True), None, same, {}) == "", "on a MariaDB that keeps them so"
