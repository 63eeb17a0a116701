"""A filter means in the log what it means to the source's server: decided here, or asked."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.drivers.mysql.filters.verdicts import Witness
from udup.base.errors import Unsupported
from udup.drivers.mysql.client.connection import MySQLError
from udup.drivers.mysql.dictionary.catalog import Column
from udup.drivers.mysql.filters.table_filter import dictionary_condition
from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection
from udup.sandbox.server import MysqlServer

DEFINITION = """
    id INT PRIMARY KEY, i INT, u BIGINT UNSIGNED, s SMALLINT, de DECIMAL(12,4), dd DECIMAL(65,0), f FLOAT, d DOUBLE,
    ci VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci,
    pad VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci,
    bin VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    lat CHAR(10) CHARACTER SET latin1 COLLATE latin1_swedish_ci, txt TEXT CHARACTER SET utf8mb4,
    vb VARBINARY(20), fb BINARY(4), blo BLOB, day DATE, dt DATETIME(3), dt0 DATETIME, ts TIMESTAMP(2) NULL, t TIME(1),
    y YEAR, b BIT(9), e ENUM('new','paid','Ärger') CHARACTER SET utf8mb4, st SET('a','b','c'), j JSON,
    fd FLOAT(8,2), db DOUBLE(10,3), zi INT(5) UNSIGNED ZEROFILL,
    exact SET('a','A','b') CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
"""

NUMBERS = ["NULL", "0", "1", "-1", "2", "7", "100", "32767"]
TEXTS = ["NULL", "''", "'a'", "'A'", "'ä'", "'a '", "'paid'", "'PAID'", "'b'", "' a'", "'ab%_'", "'1'", "'01'"]
DAYS = ["NULL", "'0000-00-00'", "'2024-02-29'", "'2024-02-31'", "'1999-12-31'", "'2024-00-10'", "'2026-01-01'"]
MOMENTS = ["NULL", "'0000-00-00 00:00:00'", "'2024-02-29 10:00:00.5'", "'2024-02-29'", "'1999-12-31 23:59:59'"]
STAMPS = ["NULL", "'0000-00-00 00:00:00'", "'2024-02-29 10:00:00.5'", "'2024-02-29'", "'1999-12-31 23:59:59'"]

POOLS = [
    NUMBERS,
    ["NULL", "0", "1", "18446744073709551615", "9223372036854775808"],
    NUMBERS,
    ["NULL", "0", "1", "-1.5", "1.2345", "12345678.0001"],
    ["NULL", "0", "9" * 65, "-" + "9" * 65, "1"],
    ["NULL", "0", "0.1", "-0e0", "1.5", "16777217", "3.4e38"],
    ["NULL", "0", "0.1", "-0e0", "1.5", "9007199254740993", "1e300"],
    *[TEXTS] * 5,
    ["NULL", "''", "x'00'", "'a'", "'A'", "'a '", "x'ff'", "'ab'"],
    ["NULL", "''", "'a'", "'abcd'", "x'00000001'"],
    ["NULL", "''", "'a'", "x'ff00'"],
    DAYS,
    MOMENTS,
    MOMENTS,
    STAMPS,
    ["NULL", "'00:00:00'", "'-12:00:00.5'", "'838:59:59'", "'10:30:00'"],
    ["NULL", "2024", "0", "1999"],
    ["NULL", "0", "1", "b'111111111'"],
    ["NULL", "'new'", "'paid'", "'Ärger'", "0"],
    ["NULL", "''", "'a'", "'a,c'"],
    ["NULL", "'{}'", '\'{"a": 1, "n": {"b": "x"}}\'', '\'{"a": "1"}\'', "'[1, 2, null]'", "'null'", "'\"text\"'"],
    ["NULL", "0", "9.99", "9.98", "-1.5"],
    ["NULL", "0", "9.999", "9.99", "100.125"],
    ["NULL", "0", "42", "99999"],
    ["NULL", "''", "'a'", "'A'", "'b'", "'a,b'", "'A,b'"],
]


def made_rows(seed: int, count: int) -> list[str]:
    """Return rows for the table, each value by chance."""
    chance = random.Random(seed)
    return [f"({', '.join([str(number), *(chance.choice(pool) for pool in POOLS)])})" for number in range(count)]


@pytest.fixture(scope="module")
def witness(source: MysqlServer) -> Iterator[Witness]:
    made = Witness.of(source, "filter_agreement", DEFINITION, made_rows(seed=7, count=120))
    try:
        yield made
    finally:
        made.close()


FILTERS = [
    # NULL logic.
    "i = NULL",
    "i <=> NULL",
    "i IS NULL OR u IS NULL",
    "NOT (i > 1 AND u > 1)",
    "i > 1 XOR u > 1",
    "(i = 1) IS UNKNOWN",
    "(i = 1) IS NOT TRUE",
    "i IN (1, NULL)",
    "i NOT IN (1, NULL)",
    "NULL",
    "TRUE",
    "i",
    "NOT i",
    "i BETWEEN NULL AND 5",
    "i NOT BETWEEN 2 AND 5",
    "ci IS NULL AND j IS NOT NULL",
    "i = 1 IS NULL",
    # Numbers.
    "i = 1.0",
    "i > 1.5",
    "u = 18446744073709551615",
    "u > -1",
    "u > 9223372036854775807",
    "i = u",
    "s < i",
    "i <=> s",
    "de = 1.2345",
    "de > 1",
    "de = 1.23450000",
    "dd > 1",
    "dd = 99999999999999999999999999999999999999999999999999999999999999999",
    "f = 0.1",
    "f = 1.5",
    "f < 1",
    "d = 0.1",
    "d = 9007199254740993",
    "d > 1e299",
    "i + 1 > 2",
    "i % 2 = 0",
    "i MOD 2",
    "-i > -2",
    "~u = 0",
    "i & 1",
    "i = '1'",
    "i = 'a'",
    "i > '1.5'",
    "b = 1",
    "b = b'111111111'",
    "b",
    "y = 2024",
    "y > 1999",
    "i DIV 2 = 0",
    "i BETWEEN 0 AND 5",
    "de BETWEEN -2 AND 1.2345",
    "ABS(i) = 1",
    "i IN (1, 2.0, 7)",
    "i = 1e0",
    # Texts.
    "ci = 'a'",
    "pad = 'a'",
    "bin = 'a'",
    "lat = 'a'",
    "txt = 'a'",
    "ci = 'ä'",
    "pad = 'A '",
    "bin = 'a '",
    "ci LIKE 'A%'",
    "lat LIKE 'a'",
    "ci LIKE 'a '",
    "ci LIKE '%\\%%'",
    "ci LIKE 'ab|%%' ESCAPE '|'",
    "ci > 'a'",
    "ci IN ('a', 'b')",
    "ci IN ('PAID', NULL)",
    "ci COLLATE utf8mb4_bin = 'paid'",
    "ci = pad COLLATE utf8mb4_bin",
    "ci BETWEEN 'a' AND 'b'",
    "LOWER(ci) = 'paid'",
    "CHAR_LENGTH(ci) = 2",
    "LENGTH(lat) = 1",
    "CONCAT(ci, i) = 'a1'",
    "ci REGEXP '^p'",
    "ci = 1",
    "ci = 01",
    "LEFT(ci, 1) = 'p'",
    "TRIM(ci) = 'a'",
    "HEX(ci) = '61'",
    "ci <=> 'a'",
    "CAST(i AS CHAR) = '1'",
    "i LIKE '1%'",
    "bin LIKE 'A'",
    "ci = lat",
    "STRCMP(ci, 'a') = 0",
    "SUBSTRING_INDEX(ci, 'a', 1) = ''",
    # Binary strings.
    "vb = 'a'",
    "vb = x'61'",
    "vb > 'a'",
    "vb >= 'ab'",
    "fb = 'a'",
    "fb = x'61000000'",
    "fb = 'abcd'",
    "blo = x'ff00'",
    "vb LIKE 'a%'",
    "vb IN ('a', x'ff')",
    "LENGTH(fb) = 4",
    "vb = 0x61",
    # Dates and times.
    "day = '2024-02-29'",
    "day > '2000-01-01'",
    "day = '2024-02-29 10:00:00'",
    "day < '2024-02-29 10:00:00'",
    "dt = '2024-02-29 10:00:00.5'",
    "dt = '2024-02-29'",
    "dt >= '2024-02-29'",
    "dt0 = '2024-02-29 10:00:01'",
    "dt0 = '2024-02-29 10:00:00.5'",
    "ts = '2024-02-29 10:00:00.5'",
    "ts > '2024-02-29'",
    "ts < '1971-01-01'",
    "ts < '1900-01-01'",
    "ts = '0000-00-00 00:00:00'",
    "day = 20240229",
    "day = '0000-00-00'",
    "day = '2024-02-31'",
    "day = '2024-2-29'",
    "day = DATE '2024-02-29'",
    "dt > TIMESTAMP '2024-01-01 00:00:00'",
    "dt BETWEEN '1999-01-01' AND '2024-02-29'",
    "day IN ('2024-02-29', '1999-12-31')",
    "t = '10:30:00'",
    "t > '-12:00:00'",
    "t = '-12:00:00.5'",
    "t < TIME '838:00:00'",
    "t > '838:59:59'",
    "YEAR(day) = 2024",
    "MONTH(dt) = 2",
    "DATE(dt) = '2024-02-29'",
    "day + INTERVAL 1 DAY > '2024-03-01'",
    "DATEDIFF(dt, day) = 0",
    "HOUR(t) = 10",
    "dt = day",
    "UNIX_TIMESTAMP(ts) > 1709200800",
    "dt > '2024-02-29 10:00:00.4999999'",
    "DATE_ADD(day, INTERVAL i DAY) > '2000-01-01'",
    "ts BETWEEN '2000-01-01' AND '2038-01-01'",
    # Lists, JSON, choices.
    "e = 'paid'",
    "e = 'ärger'",
    "e IN ('new', 'paid')",
    "e = ''",
    "e > 'new'",
    "st = 'a,c'",
    "FIND_IN_SET('a', st)",
    "st = ''",
    "e LIKE 'p%'",
    "j->'$.a' = 1",
    "j->>'$.a' = '1'",
    "j->>'$.n.b' = 'x'",
    "j->>'$.n.b' = 'X'",
    "JSON_LENGTH(j) > 1",
    "JSON_CONTAINS(j, '1')",
    "1 MEMBER OF (j)",
    "j->'$.a' IS NULL",
    "JSON_TYPE(j) = 'NULL'",
    "JSON_EXTRACT(j, '$[0]') = 1",
    "IF(i > 1, 'x', ci) = 'x'",
    "CASE WHEN i = 1 THEN 'x' ELSE 'y' END = 'x'",
    "CASE i WHEN 1 THEN TRUE END",
    "COALESCE(i, 0) = 0",
    "IFNULL(ci, 'x') = 'X'",
    "GREATEST(i, 2) = 2",
    "NULLIF(i, 1) IS NULL",
    "CAST(ci AS SIGNED) = 1",
    "FALSE",
    "0",
    "'a' = 'A' AND i = 1",
    "ci = j->>'$.n.b'",
    "pad = j->>'$.a'",
    # What the server does with a column, and not with its values.
    "CAST(fd AS DECIMAL(8,2)) = 9.99",
    "CAST(fd AS DOUBLE) > 9.98",
    "CAST(db AS DECIMAL(10,3)) BETWEEN 9.99 AND 9.999",
    "CAST(db AS DOUBLE) = 9.999",
    "fd IS NULL OR db IS NOT NULL",
    "FIND_IN_SET('A', exact)",
    "FIND_IN_SET('a', exact)",
    "FIND_IN_SET('A', st)",
    "exact LIKE 'A%'",
    "i / d = 1",
    "CAST(i AS DOUBLE) / 3 > 0.33333",
    "i = 1 AND ci = 'a' OR pad = 'b' AND NOT bin = 'a'",
    "ci = 'a' XOR i = 1",
    "NOT ci = 'a' IS TRUE",
    "NOT NOT i = 1",
]


@pytest.mark.parametrize("where", FILTERS)
def test_the_log_says_what_the_server_says(witness: Witness, where: str) -> None:
    assert witness.by_the_log(where) == witness.by_the_server(where)


@pytest.mark.parametrize("where", ["fd = 9.99", "db >= 9.999", "zi LIKE '000%'", "CONCAT(zi) = '42'"])
def test_what_the_dictionary_alone_knows_makes_a_difference(witness: Witness, where: str) -> None:
    """So the check before a start refuses it, and the copy: neither looks at the log's description of the table."""
    if not where.startswith("db"):  # of those values a DOUBLE is the nearest to what is written
        assert witness.by_the_log(where) != witness.by_the_server(where)
    of_the_table = [column("fd", "float(8,2)"), column("db", "double(10,3)"), column("zi", "int(5) unsigned zerofill")]
    selection = Selection((SchemaRule("d", tables=(NameRule("t", where=where),)),))
    with pytest.raises(Unsupported, match=r"the log (has exactly|does not tell)"):
        dictionary_condition(selection, "d", "t", of_the_table)


def column(name: str, column_type: str) -> Column:
    kind = column_type.partition("(")[0]
    return Column(name, kind, column_type, charset=None, collation=None, nullable=True, generated=False, octets=0)


@pytest.mark.parametrize("where", ["day = 'x'", "ci = lat COLLATE latin1_bin", "u - 1 > 0"])
def test_where_the_server_has_no_answer_the_log_has_none(witness: Witness, where: str) -> None:
    with pytest.raises(MySQLError):
        witness.by_the_server(where)
    with pytest.raises(Unsupported, match="the source cannot say"):
        witness.by_the_log(where)
