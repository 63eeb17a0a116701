"""What is said of a row filter before a job starts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.applied import run
from tests.preflights import changed
from udup.drivers.mysql.client.connection import Connection, connect, query, scalar
from udup.drivers.mysql.client.facts import ServerFacts, read_facts
from udup.drivers.mysql.filters.checks import filter_problems
from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection
from udup.sandbox.server import MysqlServer


@pytest.fixture
def connection(source: MysqlServer, schema: str) -> Iterator[Connection]:
    """A connection to a source with a table t of the schema."""
    run(
        source.endpoint,
        f"CREATE DATABASE {schema}",
        f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, s VARCHAR(9), l CHAR(3) CHARACTER SET latin1, day DATE,"
        " e ENUM('a','b'), j JSON, v INT AS (id * 2) VIRTUAL, w INT AS (id * 2) STORED, code INT(5) UNSIGNED ZEROFILL,"
        " amount DECIMAL(8,2) ZEROFILL, f FLOAT(8,2), d DOUBLE(8,3), g FLOAT)",
    )
    with closing(connect(source.endpoint)) as opened:
        yield opened


def _told(connection: Connection, schema: str, where: str, **variables: str) -> str:
    facts: ServerFacts = changed(
        read_facts(connection), **({"binlog_row_image": "FULL", "binlog_row_metadata": "FULL"} | variables)
    )
    selection = Selection((SchemaRule(schema, tables=(NameRule("t", where=where),)),))
    return "\n".join(f"{each.problem}; {each.remedy}" for each in filter_problems(connection, facts, selection))


@pytest.mark.parametrize(
    "where",
    [
        "s = 'ä' AND l LIKE 'a%'",
        "day > '2024-01-01' OR e = 'a'",
        "j->>'$.a' = s COLLATE utf8mb4_bin",
        "code = 42 AND amount > 1 AND HEX(code) = '2A' OR CONCAT(ABS(code)) = '42'",
        "f IS NULL OR d IS NOT NULL",
        "CAST(f AS DECIMAL(8,2)) = 9.99 OR CAST(d AS DOUBLE) > 1",
        "false",
        "'a' = 'b' OR 1 = 1",
        "g = 9.99 OR g / 3 = 1 OR id / 2e0 = 1",
        "id = b'101'",
    ],
)
def test_a_filter_that_the_source_decides_by_is_taken(connection: Connection, schema: str, where: str) -> None:
    assert _told(connection, schema, where) == ""
    assert scalar(connection, "SELECT @@collation_connection") == "utf8mb4_0900_ai_ci", "the session is as before"


@pytest.mark.parametrize(
    ("where", "problem"),
    [
        ("nobody = 1", "Unknown column 'nobody'"),
        ("id = = 1", "error 1064"),
        ("s = 'x' COLLATE latin1_bin", "COLLATION 'latin1_bin' is not valid"),
        ("s COLLATE utf8mb4_bin = j COLLATE utf8mb4_0900_ai_ci", "refuses the Where of"),
        ("id = 1) UNION SELECT (1", "the source refuses|where it should end"),
        ("id IN (SELECT 1)", "a subquery"),
        ("v = 2", "looks at v, which the source computes from other columns: write its expression in its place"),
        ("w = 2 OR id = 1", "looks at w, which the source computes from other columns"),
        ("f = 9.99", "compares f, which the server compares within 2 digits and the log has exactly: write CAST(f AS"),
        ("9 <= d + 1", "compares d, which the server compares within 3 digits"),
        ("COALESCE(f, 1) = 9.99", "compares f"),
        ("code LIKE '000%'", "takes `code` for a text, whose zeros (ZEROFILL) the log does not tell"),
        ("CONCAT(amount, 'x') = '1x'", "takes `amount` for a text"),
        ("CAST(code AS CHAR) = '42'", "takes `code` for a text"),
        ("LENGTH(IF(id > 1, code, id)) = 5", "for a text, whose zeros"),
        ("HEX(CONCAT(NULLIF(code, 7))) = 'x'", "for a text, whose zeros"),
        ("CASE WHEN id = 1 THEN code ELSE 1 END LIKE '0%'", "for a text, whose zeros"),
        ("id / 3 = 33.3333", "divides `id` by 3, to as many digits as div_precision_increment says"),
        ("ROUND(g, 2) / 3 = 1.1", "write CAST(… AS DOUBLE) for one of them"),
        ("s = b'1000001'", "a BIT is compared with whole numbers"),
        ("CONCAT(s, b'1000001') = 'x'", "takes a BIT for a text"),
    ],
)
def test_one_that_it_does_not_take_is_told_in_its_words(
    connection: Connection, schema: str, where: str, problem: str
) -> None:
    told = _told(connection, schema, where)
    assert any(each in told for each in problem.split("|")), told


def test_nothing_runs_of_what_a_filter_holds(connection: Connection, schema: str) -> None:
    query(connection, f"CREATE TABLE {schema}.kept (id INT)")
    told = _told(connection, schema, f"id = 1); DROP TABLE {schema}.kept; SELECT (1")
    assert told and scalar(connection, f"SELECT COUNT(*) FROM {schema}.kept") == 0


@pytest.mark.parametrize("name", ["binlog_row_image", "binlog_row_metadata"])
def test_a_log_without_whole_rows_and_names_is_told_with_the_statement(
    connection: Connection, schema: str, name: str
) -> None:
    assert f"SET PERSIST {name} = 'FULL'" in _told(connection, schema, "id = 1", **{name: "MINIMAL"})


def _statements(connection: Connection) -> int:
    return int(query(connection, "SHOW SESSION STATUS LIKE 'Questions'")[0][1])


def test_many_tables_with_the_same_columns_are_asked_of_once(connection: Connection, schema: str) -> None:
    """A look at a source must end in time, and asks before every run."""
    facts = changed(read_facts(connection), binlog_row_image="FULL", binlog_row_metadata="FULL")
    selection = Selection((SchemaRule(schema, tables=(NameRule(regex="^n", where="tenant = 7"),)),))

    def cost() -> int:
        before = _statements(connection)
        assert filter_problems(connection, facts, selection) == []
        return _statements(connection) - before

    for number in range(3):
        query(connection, f"CREATE TABLE {schema}.n{number} (id INT PRIMARY KEY, tenant INT)")
    few = cost()
    for number in range(3, 40):
        query(connection, f"CREATE TABLE {schema}.n{number} (id INT PRIMARY KEY, tenant INT, other{number} INT)")
    assert cost() == few
    query(connection, f"CREATE TABLE {schema}.nothing (id INT PRIMARY KEY, tenant VARCHAR(9))")
    assert few < cost() <= few + 5, "another type is another question"
    query(connection, f"CREATE TABLE {schema}.never (id INT PRIMARY KEY)")
    query(connection, f"CREATE TABLE {schema}.no_one (id INT PRIMARY KEY)")
    (found,) = filter_problems(connection, facts, selection)
    assert f"the source refuses the Where of {schema}.never" in found.problem
    assert found.problem.endswith("(and so for 1 more)")
