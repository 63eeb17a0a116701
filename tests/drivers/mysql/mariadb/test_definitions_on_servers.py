"""Definitions as one family's server prints them are taken by the other's, once they are fitted."""

# ruff: noqa: E501 (a table is read by its lines)

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing

import pytest

from udup.drivers.mysql.client.connection import Connection, connect, query
from udup.drivers.mysql.client.sessions import DEFINITION
from udup.drivers.mysql.mariadb.collations import server_of
from udup.drivers.mysql.mariadb.definitions import fit_table
from udup.sandbox.server import MysqlServer

#: Tables by name: what stands between the parentheses, and behind them.
_OF_MYSQL: Mapping[str, tuple[str, str]] = {
    "plain": ("id INT PRIMARY KEY AUTO_INCREMENT, a VARCHAR(20), b TEXT, c JSON, KEY k (a DESC), FULLTEXT KEY f (b)", ""),
    "generated": ("a INT, b INT AS (a + 1) VIRTUAL NOT NULL, c INT AS (a * 2) STORED, d JSON, e INT AS (d->'$.x')", ""),
    "functional": ("a INT PRIMARY KEY, b JSON, KEY k ((a + 1)), KEY m ((CAST(b->'$.x' AS UNSIGNED ARRAY))), KEY p (a)", ""),
    "vector": ("id INT PRIMARY KEY, v VECTOR(3)", ""),
    "invisible": ("id INT PRIMARY KEY, a INT INVISIBLE, b INT, KEY k (b) INVISIBLE", ""),
    "checks": ("a INT CHECK (a > 0), b INT, CONSTRAINT c1 CHECK (b < 10) NOT ENFORCED, CONSTRAINT c2 CHECK (a <> b)", ""),
    "srid": ("g POINT NOT NULL SRID 4326, h GEOMCOLLECTION, SPATIAL KEY (g)", ""),
    "collations": (
        "a VARCHAR(9) COLLATE utf8mb4_0900_as_cs, b CHAR(3) CHARSET latin1, c VARCHAR(9) COLLATE utf8mb4_bin,"
        " d VARCHAR(9) CHARSET utf8mb3, e VARCHAR(4) COLLATE utf8mb4_ja_0900_as_cs, f ENUM('a', 'ü') COLLATE utf8mb4_0900_bin,"
        " g VARCHAR(9) COLLATE utf8mb4_croatian_ci, h VARCHAR(9) COLLATE utf8mb4_nb_0900_ai_ci",
        "",
    ),
    "defaults": (
        "a VARCHAR(40) DEFAULT (UUID()), b INT DEFAULT (1 + 2), c TEXT DEFAULT ('x'), d DATE DEFAULT (CURDATE()),"
        " e TIMESTAMP DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, f BIT(3) DEFAULT b'101'",
        "",
    ),
    "partitions": ("id INT PRIMARY KEY", "PARTITION BY KEY (id) PARTITIONS 3"),
    "options": ("id INT PRIMARY KEY", "ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=8 COMMENT='a ''b'' /*!80000 x */' AUTOEXTEND_SIZE=4M"),
    "storage": ("id INT PRIMARY KEY COLUMN_FORMAT FIXED", "ENCRYPTION='N' COMPRESSION='zlib'"),
    "parser": ("id INT PRIMARY KEY, b TEXT, FULLTEXT KEY f (b) WITH PARSER ngram", ""),
    "names": ("`a``b` INT COMMENT 'q''s', `key` VARCHAR(9) DEFAULT 'it''s', `/*!80000 x*/` INT", ""),
}  # fmt: skip
_OF_MARIADB: Mapping[str, tuple[str, str]] = {
    "plain": ("id INT PRIMARY KEY AUTO_INCREMENT, a VARCHAR(20), b TEXT DEFAULT 'x', c JSON, KEY k (a)", ""),
    "generated": ("a INT, b INT AS (a + 1) PERSISTENT, c INT AS (a * 2) VIRTUAL", ""),
    "aria": ("a INT PRIMARY KEY", "ENGINE=Aria PAGE_CHECKSUM=1 TRANSACTIONAL=1"),
    "defaults": (
        "a INT DEFAULT (1 + 2), b VARCHAR(9) DEFAULT LOWER('X'), c DATE DEFAULT CURDATE(), d BLOB DEFAULT 'x',"
        " e VARCHAR(36) DEFAULT UUID(), f DOUBLE DEFAULT -1.5, g DATETIME DEFAULT NOW() ON UPDATE NOW()",
        "",
    ),
    "documents": ("a JSON DEFAULT '{}', b JSON NOT NULL", ""),
    "whole_texts": ("a TEXT, UNIQUE KEY u (a)", ""),
    "periods": ("a DATE, b DATE, PERIOD FOR p (a, b)", ""),
    "pages": ("a INT PRIMARY KEY", "PAGE_COMPRESSED=1 PAGE_COMPRESSION_LEVEL=5"),
    "collations": ("a VARCHAR(9) COLLATE utf8mb4_nopad_bin, b VARCHAR(9) COLLATE utf8mb4_general_nopad_ci", ""),
    "checks": ("a INT CHECK (a > 0), CONSTRAINT c2 CHECK (a <> 3)", ""),
    "partitions": ("id INT PRIMARY KEY", "PARTITION BY HASH (id) PARTITIONS 3"),
}
#: What came with 10.10 and later.
_OF_NEW_MARIADB: Mapping[str, tuple[str, str]] = {
    "types": ("id UUID PRIMARY KEY DEFAULT UUID(), i INET6, j INET4 DEFAULT '1.2.3.4'", ""),
    "ignored": ("a INT, KEY k (a) IGNORED", ""),
    "uca1400": ("a VARCHAR(9) COLLATE utf8mb4_uca1400_ai_ci, b VARCHAR(9) COLLATE utf8mb4_uca1400_nopad_as_cs", ""),
}


@pytest.fixture
def schema() -> Iterator[str]:
    yield f"test_{uuid.uuid4().hex[:12]}"


def _carried(one: Connection, other: Connection, schema: str, tables: Mapping[str, tuple[str, str]]) -> list[str]:
    """Make tables on one server, and on the other what becomes of them; return what that refuses."""
    refused = []
    for connection in (one, other):
        query(connection, f"CREATE DATABASE {schema} CHARACTER SET utf8mb4")
        query(connection, f"USE {schema}")
    try:
        for name, (items, options) in tables.items():
            query(one, f"CREATE TABLE `{name}` ({items}) {options}")
            printed = str(query(one, f"SHOW CREATE TABLE `{name}`")[0][1])
            fitted = fit_table(schema, name, printed, server_of(one), server_of(other))
            try:
                query(other, fitted.sql)
            except Exception as error:  # noqa: BLE001 -- each table's is told
                refused.append(f"{name}: {error}: {fitted.sql}")
            refused += map(str, fitted.refusals)
    finally:
        for connection in (one, other):
            query(connection, f"DROP DATABASE {schema}")
    return refused


def test_mariadb_takes_what_mysql_prints(source: MysqlServer, mariadb_target: MysqlServer, schema: str) -> None:
    with (
        closing(connect(source.endpoint, DEFINITION)) as one,
        closing(connect(mariadb_target.endpoint, DEFINITION)) as other,
    ):
        assert _carried(one, other, schema, _OF_MYSQL) == []


def test_mysql_takes_what_mariadb_prints(mariadb_source: MysqlServer, target: MysqlServer, schema: str) -> None:
    with (
        closing(connect(mariadb_source.endpoint, DEFINITION)) as one,
        closing(connect(target.endpoint, DEFINITION)) as other,
    ):
        new = _OF_NEW_MARIADB if one.version >= (10, 10, 1) else {}
        assert _carried(one, other, schema, {**_OF_MARIADB, **new}) == []
