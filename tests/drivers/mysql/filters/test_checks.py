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
        " e ENUM('a','b'), j JSON, v INT AS (id * 2) VIRTUAL, w INT AS (id * 2) STORED)",
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
    "where", ["s = 'ä' AND l LIKE 'a%'", "day > '2024-01-01' OR e = 'a'", "j->>'$.a' = s COLLATE utf8mb4_bin", "w = 2"]
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
        ("v = 2", "looks at v, which the source does not store"),
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
