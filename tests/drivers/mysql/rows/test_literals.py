"""The SQL of a value makes it again on a server, and its condition is true of it alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.conformance.row_cells import Cell, Column
from tests.drivers.mysql.rows.recording import ALL_TYPES, COMPARED, read
from tests.drivers.mysql.rows.test_recorded import codec_of, events_of
from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType
from udup.drivers.mysql.client.connection import Connection, connect, query, scalar
from udup.drivers.mysql.client.names import quote
from udup.drivers.mysql.client.sessions import PLAIN
from udup.drivers.mysql.rows.charsets import charset_of
from udup.drivers.mysql.rows.codec import completed
from udup.drivers.mysql.rows.literals import condition, literal
from udup.drivers.mysql.rows.values import Json, Row, Value
from udup.sandbox.server import MysqlServer


def text(kind: ColumnType, metadata: bytes, collation: int = 255) -> ColumnDefinition:
    return ColumnDefinition(kind, metadata, True, collation=collation)


RECORDED = read()
CREATE = {
    "t": f"({', '.join(ALL_TYPES)})",
    "j": "(id INT PRIMARY KEY, doc JSON)",
    "m": "(id INT PRIMARY KEY, v VARCHAR(20), i JSON, j JSON, k JSON)",
}

SESSION = PLAIN.with_("literals", time_zone="+00:00", sql_mode="ALLOW_INVALID_DATES")


@pytest.fixture
def session(source: MysqlServer, schema: str) -> Iterator[Connection]:
    with closing(connect(source.endpoint, SESSION)) as connection:
        query(connection, f"CREATE DATABASE {schema}")
        query(connection, f"USE {schema}")
        yield connection


def rows_of(table: str) -> list[Row]:
    """The rows that the log leaves, by their key."""
    found: dict[object, Row] = {}
    for event in events_of(table):
        for before, after in completed(event).changes:
            if before is not None:
                del found[before[0]]
            if after is not None:
                found[after[0]] = after
    return list(found.values())


def insert(connection: Connection, table: str, row: Row) -> None:
    query(connection, "SET NAMES latin1")  # the SQL is ASCII
    values = ", ".join(literal(column, value) for column, value in zip(codec_of(table).table.columns, row, strict=True))
    query(connection, f"INSERT INTO {table} VALUES ({values})")


@pytest.mark.parametrize("table", COMPARED)
def test_a_row_of_literals_is_the_row(session: Connection, table: str) -> None:
    query(session, f"CREATE TABLE {table} {CREATE[table]}")
    made = 0
    for row in rows_of(table):
        try:
            insert(session, table, row)
            made += 1
        except Unsupported as error:
            assert "no SQL expression makes" in str(error)
    columns = RECORDED.columns[table]
    fields = ", ".join(column.expression for column in columns)
    found = Counter(cells(columns, row) for row in query(session, f"SELECT {fields} FROM {table}"))
    assert found <= Counter(RECORDED.rows[table]) and found.total() == made >= len(rows_of(table)) - 1


def cells(columns: list[Column], row: tuple[object, ...]) -> tuple[Cell, ...]:
    texts = (each.decode() if isinstance(each, bytes) else None if each is None else str(each) for each in row)
    return tuple(column.cell_of(text) for column, text in zip(columns, texts, strict=True))


def test_a_condition_is_true_of_its_value_alone(session: Connection) -> None:
    query(session, f"CREATE TABLE t {CREATE['t']}")
    rows = rows_of("t")
    for row in rows:
        insert(session, "t", row)
    for place, column in enumerate(codec_of("t").table.columns):
        for row in rows:
            true = condition(column, quote(str(column.name)), row[place])
            found = {each[0] for each in query(session, f"SELECT id FROM t WHERE {true}")}
            assert found == {each[0] for each in rows if repr(each[place]) == repr(row[place])}, (column.name, true)


@pytest.mark.parametrize(
    ("definition", "column", "value", "others"),
    [
        ("VARCHAR(10)", text(ColumnType.VARCHAR, b"\x28\0"), b"a", ["'A'", "'á'", "'a '", "'b'"]),
        ("CHAR(9) CHARACTER SET latin1", text(ColumnType.STRING, b"\xfe\x09", 8), b"e", ["'E'", "'é'"]),
        ("TEXT COLLATE utf8mb4_german2_ci", text(ColumnType.BLOB, b"\2", 244), b"strasse", ["'straße'"]),
        ("JSON", ColumnDefinition(ColumnType.JSON, b"\4", True), Json.of({"a": 1}), ["'{\"a\": 1.0}'", "'[]'"]),
        ("DOUBLE", ColumnDefinition(ColumnType.DOUBLE, b"\10", True), 0.0, ["-0e0", "1e0"]),
        ("DOUBLE", ColumnDefinition(ColumnType.DOUBLE, b"\10", True), -0.0, ["0e0", "1e0"]),
        ("FLOAT", ColumnDefinition(ColumnType.FLOAT, b"\4", True), 0.10000000149011612, ["0.1000001", "1e0"]),
        ("VARBINARY(5)", text(ColumnType.VARCHAR, b"\5\0", 63), b"\0", ["x'0000'", "x''"]),
    ],
)
def test_equal_values_of_other_bytes_are_others(
    session: Connection, definition: str, column: ColumnDefinition, value: Value, others: list[str]
) -> None:
    """What a collation, or the server's `=`, takes for equal may not be what the log speaks of."""
    query(session, f"CREATE TABLE t (id INT PRIMARY KEY, v {definition})")
    query(session, "SET NAMES utf8mb4")
    for number, each in enumerate([literal(column, value), *others]):
        query(session, f"INSERT INTO t VALUES ({number}, {each})")
    found = [each[0] for each in query(session, f"SELECT id FROM t WHERE {condition(column, 'v', value)}")]
    assert found == [0]


def test_the_charsets_of_collations_are_the_servers(session: Connection) -> None:
    listed = query(session, "SELECT ID, CHARACTER_SET_NAME FROM information_schema.COLLATIONS")
    assert len(listed) > 250
    assert {number: charset_of(number) for number, _ in listed} == dict(listed)


def test_documents_of_any_values_are_made_again(session: Connection) -> None:
    for row in rows_of("j"):
        document = row[1]
        assert isinstance(document, Json)
        try:
            made = literal(codec_of("j").table.columns[1], document)
        except Unsupported:
            continue
        shown = scalar(session, f"SELECT CAST({made} AS CHAR CHARACTER SET utf8mb4)")
        assert shown == document.text()
