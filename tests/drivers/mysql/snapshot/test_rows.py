"""Rows arrive byte for byte, whatever their type, by every way that they can take."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.full_copy import catalog_of, contents, full_copy, read_pieces, run, text_of
from udup.drivers.mysql.client.connection import connect
from udup.drivers.mysql.client.sessions import ROWS
from udup.drivers.mysql.snapshot import rows
from udup.drivers.mysql.snapshot.snapshot import open_snapshot
from udup.pipeline.records import PIECE_BYTES
from udup.sandbox.server import MysqlServer

#: One table with every type; each row sets some columns to values that are hard to carry.
EVERY_TYPE = """
CREATE TABLE {schema}.every_type (
  id INT UNSIGNED NOT NULL PRIMARY KEY,
  ti TINYINT, si SMALLINT UNSIGNED, mi MEDIUMINT, bi BIGINT, ub BIGINT UNSIGNED, zf INT(8) ZEROFILL,
  de DECIMAL(65,30), d0 DECIMAL(20,0) UNSIGNED,
  fl FLOAT, fm FLOAT(10,3), do DOUBLE, dm DOUBLE(12,4),
  b1 BIT(1), bt BIT(13), bx BIT(64),
  ye YEAR, da DATE, ti0 TIME, ti6 TIME(6), dt DATETIME, dt6 DATETIME(6), ts TIMESTAMP NULL, ts6 TIMESTAMP(6) NULL,
  ch CHAR(20), vc VARCHAR(200), bn BINARY(8), vb VARBINARY(300), tb TINYBLOB, bl BLOB, lb LONGBLOB,
  tt TINYTEXT, tx TEXT, lt LONGTEXT,
  en ENUM('1','2','0','it''s',''), se SET('a','b','c','1'), s64 SET({members}),
  js JSON, ge GEOMETRY, po POINT SRID 4326, ve VECTOR(4),
  l1 VARCHAR(300) CHARACTER SET latin1, gb VARCHAR(100) CHARACTER SET gbk, b5 VARCHAR(100) CHARACTER SET big5,
  sj VARCHAR(100) CHARACTER SET sjis, u16 VARCHAR(100) CHARACTER SET utf16, u32 VARCHAR(100) CHARACTER SET utf32,
  u2 VARCHAR(100) CHARACTER SET ucs2, u3 VARCHAR(100) CHARACTER SET utf8mb3, gv INT AS (id * 2) VIRTUAL,
  gs VARCHAR(50) AS (CONCAT(id, ',')) STORED, iv INT DEFAULT 7 INVISIBLE
)
"""

HARD_VALUES = [
    {"ti": "-128", "si": "65535", "mi": "-8388608", "bi": "-9223372036854775808", "ub": "18446744073709551615"},
    {"zf": "42", "de": "-12345678901234567890123456789012345.123456789012345678901234567890", "d0": "0"},
    {"fl": "3.4028234e38", "do": "1.7976931348623157e308", "fm": "1234567.891", "dm": "-12345678.1234"},
    {"fl": "1.1", "do": "0.1e0", "fm": "0.001"},
    {"fl": "1e-45", "do": "5e-324"},
    {"fl": "16777217", "do": "-0e0", "dm": "-0e0"},
    {"b1": "b'1'", "bt": "b'1010101010101'", "bx": "x'ffffffffffffffff'"},
    {"b1": "b'0'", "bt": "x'0027'", "bx": "x'275c0a002c1a0000'"},
    {"ye": "0", "da": "'0000-00-00'", "dt": "'0000-00-00'", "ts": "'0000-00-00'"},
    {"ye": "2155", "da": "'2023-02-31'", "dt6": "'2024-00-00 23:59:59.000001'", "ts6": "'1970-01-01 00:00:01'"},
    {"ye": "1901", "da": "'9999-12-31'", "ti0": "'-838:59:59'", "ti6": "'-00:00:00.000001'"},
    {"ti6": "'838:59:58.999999'", "dt6": "'9999-12-31 23:59:59.999999'", "ts": "'2038-01-19 03:14:07'"},
    {"ch": "'pad  '", "vc": r"'quote\' back\\slash\nnew\rline\ttab\0nul\Zz ,\\N'", "bn": r"'\0a\'\\'"},
    {"vc": "''", "tx": "''", "bl": "''", "vb": "''", "ch": "''", "bn": "''", "se": "''", "js": "'{{}}'"},
    {"vc": "'NULL'", "tx": r"'\\N'", "tt": "'NULL'", "l1": "'NULL'"},
    {"vb": "x'{all_bytes}'", "tb": "x'{all_bytes_short}'", "l1": "_latin1 x'{all_bytes}'"},
    {"lb": "REPEAT(x'275c0a0d002c1aff', 400000)", "lt": "REPEAT('long\\n\\'', 300000)"},
    {"en": "'2'", "se": "'a,c,1'", "s64": "'m00,m63'"},
    {"en": "3", "se": "8", "s64": "18446744073709551615"},
    {"en": "'it''s'", "se": "'1'"},
    {"en": "5"},
    {"en": "'no such member'"},
    {"js": '\'{{"a": [1, 2.5, -0.0, 1e300, null, true], "é": "\\\\n\\\\\\\\\\\'"}}\'', "vc": "'é😀'"},
    {"js": "'null'", "tx": "'\U0001f600'"},
    {"ge": "ST_GeomFromText('POLYGON((0 0,0 3,3 3,0 0))', 4326)", "po": "ST_GeomFromText('POINT(1 2)', 4326)"},
    {"ge": "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1.5 -1))')"},
    {"ve": "TO_VECTOR('[1,-2.5,3e10,0]')"},
    {"gb": "_gbk x'b75cb95cd6d0'", "b5": "_big5 x'a55cae5c'", "sj": "_sjis x'835c905c'"},
    {"u16": "'a\U0001f600,\\''", "u32": "'b\U0001f600\\n'", "u2": "'é'", "u3": "'中\\\\'"},
]


def make_every_type(server: MysqlServer, schema: str) -> None:
    members = ",".join(f"'m{i:02}'" for i in range(64))
    fill = {
        "all_bytes": bytes(range(256)).hex(),
        "all_bytes_short": bytes(range(255)).hex(),
    }
    with closing(connect(server.endpoint)) as connection:
        run(
            connection,
            "SET sql_mode = 'ALLOW_INVALID_DATES'",
            "SET time_zone = '+00:00'",
            f"CREATE DATABASE {schema}",
            EVERY_TYPE.format(schema=schema, members=members),
        )
        for number, values in enumerate(HARD_VALUES):
            assigned = "".join(f", {column} = {value.format(**fill)}" for column, value in values.items())
            run(connection, f"INSERT INTO {schema}.every_type SET id = {number}{assigned}")


@pytest.mark.parametrize("method", ["load", "insert"])
@pytest.mark.parametrize("chunk_rows", [None, 3])
def test_every_type_arrives_byte_for_byte(
    source: MysqlServer, target: MysqlServer, schema: str, method: str, chunk_rows: int | None
) -> None:
    make_every_type(source, schema)
    copied = full_copy(source.endpoint, target.endpoint, schema, method=method, chunk_rows=chunk_rows)
    table = copied.catalog.tables[0]
    assert copied.totals[schema, "every_type"].rows == len(HARD_VALUES)
    assert contents(target.endpoint, table) == contents(source.endpoint, table)


def test_the_text_is_the_same_from_group_concat_and_from_both_streams(
    source: MysqlServer, target: MysqlServer, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_every_type(source, schema)
    table = catalog_of(source.endpoint, schema).tables[0]

    def text() -> bytes:
        with closing(open_snapshot(source.endpoint, 2)) as snapshot:
            return b"".join(text_of(read_pieces(snapshot, table)))

    grouped = text()
    cut = ROWS.with_("reading rows", group_concat_max_len="1000")
    monkeypatch.setattr(rows, "ROWS", cut)  # every chunk is cut, so it is streamed
    raw = text()
    monkeypatch.setattr(rows, "_largest_row", lambda table: 0)  # rows formatted by the server
    formatted = text()
    assert len(grouped) > 1_000_000
    assert grouped == raw == formatted


def test_a_chunk_that_does_not_fit_into_one_value_is_streamed_whole(
    source: MysqlServer, target: MysqlServer, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(connect(source.endpoint)) as connection:
        run(
            connection,
            f"CREATE DATABASE {schema}",
            f"CREATE TABLE {schema}.t (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(200))",
            f"INSERT INTO {schema}.t (v) WITH RECURSIVE n AS (SELECT 1 i UNION ALL SELECT i+1 FROM n WHERE i < 900)"
            " SELECT REPEAT('x', 200) FROM n",
        )
    monkeypatch.setattr(rows, "ROWS", ROWS.with_("reading rows", group_concat_max_len="50000"))
    copied = full_copy(source.endpoint, target.endpoint, schema, chunk_rows=400)
    total = copied.totals[schema, "t"]
    assert (total.rows, total.chunks) == (900, 3)
    assert contents(target.endpoint, copied.catalog.tables[0]) == contents(source.endpoint, copied.catalog.tables[0])


def test_values_beyond_the_source_servers_packet_limit_for_strings_arrive(
    source: MysqlServer, target: MysqlServer, schema: str
) -> None:
    with closing(connect(source.endpoint)) as connection:
        run(
            connection,
            f"CREATE DATABASE {schema}",
            f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, b LONGBLOB)",
            f"INSERT INTO {schema}.t VALUES (1, REPEAT(x'27', 40 << 20)), (2, NULL), (3, 'small')",
        )
    copied = full_copy(source.endpoint, target.endpoint, schema, method="load")
    table = copied.catalog.tables[0]
    assert copied.totals[schema, "t"].rows == 3
    assert checksum(source, schema) == checksum(target, schema)
    assert table.key == ("id",)


def test_pieces_are_small_and_complete(source: MysqlServer, schema: str) -> None:
    make_every_type(source, schema)
    table = catalog_of(source.endpoint, schema).tables[0]
    with closing(open_snapshot(source.endpoint, 2)) as snapshot:
        pieces = read_pieces(snapshot, table, len(HARD_VALUES) + 1)  # one chunk, whatever the statistics say
    assert all(len(piece.data) <= PIECE_BYTES for piece in pieces)
    assert [piece.last for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert sum(piece.rows for piece in pieces) == len(HARD_VALUES)


def checksum(server: MysqlServer, schema: str) -> object:
    with closing(connect(server.endpoint)) as connection, connection.cursor() as cursor:
        cursor.execute(f"CHECKSUM TABLE {schema}.t")
        return cursor.fetchall()[0][1]


def test_tables_of_unusual_shape_arrive(source: MysqlServer, target: MysqlServer, schema: str) -> None:
    wide = ", ".join(f"c{i} INT" for i in range(1000))
    with closing(connect(source.endpoint)) as connection:
        run(
            connection,
            f"CREATE DATABASE {schema}",
            f"USE {schema}",
            f"CREATE TABLE wide ({wide})",
            "INSERT INTO wide (c0, c999) VALUES (1, 2), (NULL, 3)",
            "CREATE TABLE empty_one (id INT PRIMARY KEY)",
            "CREATE TABLE no_key (a INT, b VARCHAR(9))",
            "INSERT INTO no_key VALUES (1, 'x'), (1, 'x'), (NULL, NULL)",
            "CREATE TABLE `odd ``name, '(é%s` (`a``,'b` INT PRIMARY KEY, `%d\"(` VARCHAR(20) COMMENT 'it''s, (\\n`')",
            "INSERT INTO `odd ``name, '(é%s` VALUES (1, 'x%s')",
            "SET sql_generate_invisible_primary_key = ON",
            "CREATE TABLE hidden_key (v INT)",
            "INSERT INTO hidden_key VALUES (5), (6), (7)",
            "DELETE FROM hidden_key WHERE v = 6",
        )
    copied = full_copy(source.endpoint, target.endpoint, schema, chunk_rows=1)
    assert {name: total.rows for (_, name), total in copied.totals.items()} == {
        "wide": 2,
        "empty_one": 0,
        "no_key": 3,
        "odd `name, '(é%s": 1,
        "hidden_key": 2,
    }
    for table in copied.catalog.tables:
        assert contents(target.endpoint, table) == contents(source.endpoint, table)
    assert catalog_of(target.endpoint, schema).tables[1].create_sql == copied.catalog.tables[1].create_sql
