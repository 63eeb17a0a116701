"""Chunks cover every row once, whatever the key is made of."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.full_copy import catalog_of, contents, full_copy, run
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.client.sessions import ROWS
from udup.drivers.mysql.snapshot.chunks import MAX_ROWS, MIN_ROWS, chunk_rows, plan_chunks
from udup.drivers.mysql.snapshot.rows import from_clause
from udup.sandbox.server import MysqlServer

NUMBERS = "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 97) SELECT"

#: Key definition and, for i of 1 to 97, the values of its rows.
KEYS = {
    "int": ("a INT, PRIMARY KEY (a)", "i * 7 - 300"),
    "unsigned_bigint": ("a BIGINT UNSIGNED, PRIMARY KEY (a)", "18446744073709551615 - i * i"),
    "descending": ("a INT, b INT, PRIMARY KEY (a DESC, b)", "i DIV 10, i"),
    "decimal": ("a DECIMAL(40,20), PRIMARY KEY (a)", "i / 7 + 12345678901234567"),
    "composite": ("a VARCHAR(9), b INT, c INT, PRIMARY KEY (a, b, c)", "CHAR(97 + i % 3), i DIV 30, i"),
    "case_insensitive": ("a VARCHAR(20), PRIMARY KEY (a)", "CONCAT(IF(i % 2, 'a', 'A'), CHAR(64 + i DIV 4), i)"),
    "accents": ("a VARCHAR(20) COLLATE utf8mb4_bin, PRIMARY KEY (a)", "CONCAT('é\\'\\\\', i)"),
    "padded_latin1": ("a CHAR(9) CHARACTER SET latin1, PRIMARY KEY (a)", "IF(i = 1, '', CONCAT('ä', i))"),
    "utf16": ("a VARCHAR(9) CHARACTER SET utf16, PRIMARY KEY (a)", "CONCAT('x', i)"),
    "varbinary": ("a VARBINARY(9), PRIMARY KEY (a)", "IF(i = 1, '', CONCAT(x'ff27005c', CHAR(i)))"),
    "binary": ("a BINARY(4), PRIMARY KEY (a)", "UNHEX(LPAD(HEX(i * 1000003), 8, '0'))"),
    "date": (
        "a DATE, PRIMARY KEY (a)",
        "IF(i = 1, '0000-00-00', IF(i = 2, '2023-02-31', '2023-01-01' + INTERVAL i DAY))",
    ),
    "time": ("a TIME(3), PRIMARY KEY (a)", "SEC_TO_TIME((i - 50) * 60000.125)"),
    "timestamp": ("a TIMESTAMP(6), PRIMARY KEY (a)", "FROM_UNIXTIME(1700000000 + i / 8)"),
    "year": ("a YEAR, PRIMARY KEY (a)", "IF(i = 1, '0000', 1900 + i)"),
    "unique": ("a INT NOT NULL, b INT, UNIQUE KEY u (a)", "i, NULL"),
    "nullable_unique": ("a INT, UNIQUE KEY u (a)", "IF(i < 5, NULL, i)"),
    "enum": ("a ENUM('b','a','c'), b INT, PRIMARY KEY (a, b)", "1 + i % 3, i"),
    "float": ("a FLOAT, PRIMARY KEY (a)", "i / 7"),
    "partitioned": ("a INT, b INT, PRIMARY KEY (a)", "i, i"),
}

OPTIONS = {"partitioned": "PARTITION BY HASH (a) PARTITIONS 3"}


@pytest.fixture
def tables(source: MysqlServer, schema: str) -> None:
    with closing(connect(source.endpoint)) as connection:
        run(connection, f"CREATE DATABASE {schema}", f"USE {schema}", "SET sql_mode = 'ALLOW_INVALID_DATES'")
        for name, (definition, values) in KEYS.items():
            run(
                connection,
                f"CREATE TABLE `{name}` ({definition}) {OPTIONS.get(name, '')}",
                f"INSERT INTO `{name}` {NUMBERS} {values} FROM n",
            )


@pytest.mark.usefixtures("tables")
def test_every_row_is_in_exactly_one_chunk(source: MysqlServer, schema: str) -> None:
    catalog = catalog_of(source.endpoint, schema)
    with closing(connect(source.endpoint, ROWS)) as connection:
        for index, table in enumerate(catalog.tables):
            counts = [
                query(connection, f"SELECT COUNT(*) {from_clause(table, chunk.where)}")[0][0]
                for chunk in plan_chunks(connection, index, table, 10)
            ]
            expected = [10] * 9 + [7] if table.key else [97]
            assert counts == expected, table.name


@pytest.mark.usefixtures("tables")
def test_tables_with_any_key_are_copied_whole(source: MysqlServer, target: MysqlServer, schema: str) -> None:
    copied = full_copy(source.endpoint, target.endpoint, schema, chunk_rows=10)
    for table in copied.catalog.tables:
        assert copied.totals[schema, table.name].rows == 97
        assert contents(target.endpoint, table) == contents(source.endpoint, table), table.name


@pytest.mark.usefixtures("tables")
def test_keys_that_have_no_exact_order_are_not_used(source: MysqlServer, schema: str) -> None:
    keys = {table.name: table.key for table in catalog_of(source.endpoint, schema).tables}
    assert {name for name, key in keys.items() if not key} == {"nullable_unique", "enum", "float"}
    assert keys["unique"] == ("a",)
    assert keys["composite"] == ("a", "b", "c")


@pytest.mark.usefixtures("tables")
def test_a_boundary_is_found_and_read_through_the_index(source: MysqlServer, schema: str) -> None:
    tables = {table.name: table for table in catalog_of(source.endpoint, schema).tables}
    with closing(connect(source.endpoint, ROWS)) as connection, closing(connect(source.endpoint)) as other:
        for name in ("int", "composite", "case_insensitive", "padded_latin1", "varbinary", "timestamp"):
            query(other, f"ANALYZE TABLE {schema}.`{tables[name].name}`")  # else the server may take it for empty
            chunk = list(plan_chunks(connection, 0, tables[name], 10))[4]
            sql = f"EXPLAIN FORMAT=TREE SELECT 1 {from_clause(tables[name], chunk.where)}"
            assert "ndex range scan" in str(query(other, sql)[0][0]), name


def test_wide_rows_make_short_chunks(source: MysqlServer, schema: str) -> None:
    with closing(connect(source.endpoint)) as connection:
        run(connection, f"CREATE DATABASE {schema}", f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")
    table = catalog_of(source.endpoint, schema).tables[0]
    sized = {
        row_bytes: chunk_rows(type(table)(**{**vars(table), "row_bytes": row_bytes}))
        for row_bytes in (0, 20, 1000, 1 << 30)
    }
    assert sized == {0: MAX_ROWS, 20: MAX_ROWS, 1000: 2097, 1 << 30: MIN_ROWS}
    assert chunk_rows(table, wanted=5) == 5
