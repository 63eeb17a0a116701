"""TABLE_MAPs made from the dictionary: those that the source logs with binlog_row_metadata = FULL."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.applied import run
from tests.drivers.mysql.rows.recording import ALL_TYPES
from tests.drivers.mysql.telling.logged import of_log
from tests.source_log import logged_by
from udup.drivers.mysql.binlog.table_map import definition_bytes
from udup.drivers.mysql.client.connection import Connection, connect, query
from udup.drivers.mysql.telling.definitions import read_all, read_definitions
from udup.sandbox.server import MysqlServer

TABLES = {
    "every_type": ", ".join(ALL_TYPES),
    "no_key": "a INT, b VARCHAR(10)",
    "key_of_two": "a INT, b VARCHAR(100) CHARACTER SET latin1, c INT, PRIMARY KEY (b, a)",
    "key_with_prefix": "a INT NOT NULL, b VARCHAR(100) NOT NULL, c TEXT, PRIMARY KEY (b(10), a, c(5))",
    "unique_for_key": "a INT, b INT NOT NULL, c INT NOT NULL, d VARCHAR(9) NOT NULL, UNIQUE KEY z (c),"
    " UNIQUE KEY y (b), UNIQUE KEY x (a), UNIQUE KEY w (d(3))",
    "unique_of_null": "a INT, b VARCHAR(10) NOT NULL, UNIQUE KEY (a), UNIQUE KEY (b(2))",
    "unique_expression": "a INT NOT NULL, UNIQUE KEY ((a + 1))",
    "invisible": "a INT INVISIBLE, b INT, c INT INVISIBLE, d INT PRIMARY KEY",
    "computed": "a INT PRIMARY KEY, b INT AS (a + 1), c VARCHAR(20) AS (CONCAT(a, 'x')) STORED NOT NULL, KEY ((a * 2))",
    "hundred_columns": ", ".join(f"c{number} INT" for number in range(300)),
    "charsets": "a CHAR(3) CHARACTER SET latin1, b CHAR(3) CHARACTER SET utf8mb4, c TEXT CHARACTER SET ascii, d BLOB,"
    " e VARCHAR(3) CHARACTER SET utf16, f BINARY(3), g ENUM('a') CHARACTER SET latin1, h SET('b') CHARACTER SET koi8r",
    "one_charset_more": "a TEXT, b TEXT, c TEXT, d TEXT CHARACTER SET latin1",
    "members": "a ENUM('ö', 'it''s', 'a\\\\b', '') CHARACTER SET latin1, b SET('ö', 'ü') CHARACTER SET utf16,"
    " c ENUM('я') CHARACTER SET koi8r, d ENUM('ö') CHARACTER SET utf8mb4, e ENUM('x') CHARACTER SET binary",
    "shapes": "a POINT, b LINESTRING, c GEOMETRYCOLLECTION, d MULTIPOLYGON SRID 4326, e VECTOR(300), f VECTOR(1)",
    "signs": "a TINYINT UNSIGNED, b FLOAT UNSIGNED, c DECIMAL(5,2) UNSIGNED, d INT(5) ZEROFILL, e YEAR,"
    " f BIT(3), g BIGINT, h DOUBLE, i BOOL, j FLOAT(30), k DOUBLE(9,2)",
    "parent": "id INT PRIMARY KEY",
    "child": "id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parent (id)",
}


@pytest.mark.usefixtures("naming")
def test_they_are_the_sources_own(source: MysqlServer, schema: str) -> None:
    def work(connection: Connection) -> None:
        query(connection, f"USE {schema}")
        query(connection, "SET sql_mode = '', foreign_key_checks = 0")
        for name, columns in TABLES.items():
            query(connection, f"CREATE TABLE {name} ({columns})")
        for name in TABLES:
            query(connection, f"INSERT IGNORE INTO {name} () VALUES ()")
        query(connection, "SET sql_generate_invisible_primary_key = ON")
        query(connection, "CREATE TABLE given_a_key (a INT)")
        query(connection, "INSERT INTO given_a_key VALUES (1)")

    run(source.endpoint, f"CREATE DATABASE {schema}")
    theirs = of_log(logged_by(source.endpoint, work)).maps
    assert {name for _, name in theirs} == {*TABLES, "given_a_key"}
    with closing(connect(source.endpoint)) as connection:
        ours = read_definitions(connection, schema)
    for (_, name), logged in theirs.items():
        for has_crc in (True, False):
            made = ours[name].table_map(7, has_crc=has_crc)
            assert definition_bytes(made, has_crc=has_crc) == logged, name


def test_tables_that_are_gone_are_missing(source: MysqlServer, schema: str) -> None:
    run(source.endpoint, f"CREATE DATABASE {schema}", f"CREATE TABLE {schema}.t (a INT(3) ZEROFILL, b TINYINT(1))")
    with closing(connect(source.endpoint)) as connection:
        found = read_all(connection, [(schema, "t"), (schema, "gone"), ("nowhere", "t")])
    assert list(found) == [(schema, "t")]
    assert found[schema, "t"].types[1] == "tinyint(1)"
