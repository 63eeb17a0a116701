"""What the dictionary says of tables, in the form of schema changes: asked when the log is read, and for a snapshot."""

from __future__ import annotations

import json
import uuid
from contextlib import closing
from typing import Any

import pytest

from tests.applied import position_of, run
from udup.base.errors import Unavailable
from udup.drivers.mysql.client.connection import connect
from udup.drivers.mysql.rowtext.facts import parse_dictionary
from udup.drivers.mysql.source import MySQLSource
from udup.drivers.mysql.stream.log import BinlogChanges
from udup.drivers.mysql.stream.told import Told, decode_told
from udup.drivers.mysql.telling import made_tables
from udup.drivers.mysql.telling.table_changes import read_tables
from udup.pipeline.ports import LogPlan, ReadingPlan, Scope
from udup.pipeline.records import Definition, Record, SnapshotDefinition, SnapshotRows, Transaction
from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection
from udup.sandbox.server import MysqlServer

#: Columns, and what is told of each: name, jdbcType, typeName, charsetName, length, scale, optional, defaultValue.
_COLUMNS = [
    ("id BIGINT UNSIGNED AUTO_INCREMENT", -5, "BIGINT UNSIGNED", None, None, None, False, None),
    ("b TINYINT(1) DEFAULT 1", -6, "TINYINT", None, 1, None, True, "1"),
    ("v VARCHAR(20) CHARACTER SET latin1 NOT NULL DEFAULT 'x'", 12, "VARCHAR", "latin1", 20, None, False, "x"),
    ("t TEXT", 12, "TEXT", "utf8mb4", None, None, True, None),
    ("c CHAR(3)", 1, "CHAR", "utf8mb4", 3, None, True, None),
    ("d DECIMAL(10,2) NOT NULL", 3, "DECIMAL", None, 10, 2, False, None),
    ("f FLOAT", 6, "FLOAT", None, None, None, True, None),
    ("dt DATETIME(6)", 93, "DATETIME", None, 6, None, True, None),
    ("ts TIMESTAMP NULL", 2014, "TIMESTAMP", None, None, None, True, None),
    ("vb VARBINARY(9)", -3, "VARBINARY", None, 9, None, True, None),
    ("bl BLOB", 2004, "BLOB", None, None, None, True, None),
    ("bi BIT(5)", -7, "BIT", None, 5, None, True, None),
    ("j JSON", 1111, "JSON", None, None, None, True, None),
    ("e ENUM('a','b''c','x(1)')", 1, "ENUM", "utf8mb4", 1, None, True, None),
    ("s SET('p','q')", 1, "SET", "utf8mb4", 3, None, True, None),
]

_TABLE = f"({', '.join(column for column, *_ in _COLUMNS)}, PRIMARY KEY (v, id), KEY (id)) COMMENT 'of all'"


@pytest.fixture
def tables(source: MysqlServer, schema: str) -> str:
    run(source.endpoint, f"CREATE DATABASE {schema} CHARACTER SET utf8mb4")
    return schema


def _read(source: MysqlServer, schema: str, *names: str) -> list[Any]:
    with closing(connect(source.endpoint)) as connection:
        found = read_tables(connection, [(schema, name) for name in names])
    return [json.loads(found[schema, name]) if (schema, name) in found else None for name in names]


def test_columns_of_every_kind_are_told(source: MysqlServer, tables: str) -> None:
    run(source.endpoint, f"CREATE TABLE {tables}.t {_TABLE}")
    (told, gone) = _read(source, tables, "t", "gone")
    assert gone is None
    assert told["primaryKeyColumnNames"] == ["v", "id"]
    assert (told["defaultCharsetName"], told["comment"]) == ("utf8mb4", "of all")
    shown = ("jdbcType", "typeName", "charsetName", "length", "scale", "optional", "defaultValueExpression")
    for place, (column, (sql, *wanted)) in enumerate(zip(told["columns"], _COLUMNS, strict=True), 1):
        assert (column["name"], column["position"]) == (sql.split()[0], place)
        assert [column[each] for each in shown] == wanted, sql
        assert column["typeExpression"] == column["typeName"] and column["nativeType"] is None
        assert column["autoIncremented"] == column["generated"] == (place == 1)
    members = {column["name"]: column["enumValues"] for column in told["columns"] if column["enumValues"]}
    assert members == {"e": ["'a'", "'b''c'", "'x(1)'"], "s": ["'p'", "'q'"]}


def test_a_key_is_that_of_the_log(source: MysqlServer, tables: str) -> None:
    run(
        source.endpoint,
        f"CREATE TABLE {tables}.u (a INT, b INT NOT NULL, c INT NOT NULL, UNIQUE z (c), UNIQUE y (a), UNIQUE x (b))",
        f"CREATE TABLE {tables}.n (a INT, s VARCHAR(9) NOT NULL, UNIQUE (a), UNIQUE (s(3)))",
        f"CREATE TABLE {tables}.p (s VARCHAR(9) NOT NULL, PRIMARY KEY (s(3)))",
        f"CREATE VIEW {tables}.w AS SELECT 1",
    )
    found = _read(source, tables, "u", "n", "p", "w")
    assert [each and each["primaryKeyColumnNames"] for each in found] == [["c"], [], ["s"], None]


# ---- In the log ----


def _definitions(source: MysqlServer, scope: Scope, *statements: str) -> list[tuple[Record, Told]]:
    """Return the records of these statements with what is told of each."""
    after = position_of(source.endpoint)
    run(source.endpoint, *statements)
    log = BinlogChanges(source.endpoint, LogPlan(str(uuid.uuid4()), scope, str(after), tells=True))
    log.begin()
    found: list[tuple[Record, Told]] = []
    try:
        for record in log:
            if isinstance(record, (Definition, Transaction)):
                found.append((record, decode_told(record.told)))
            if len(found) == len(statements):
                return found
    finally:
        log.close()
    raise AssertionError("the log has ended")


@pytest.mark.usefixtures("naming")
def test_a_definition_of_the_log_tells_the_table_that_it_made(source: MysqlServer, tables: str) -> None:
    found = _definitions(
        source,
        Scope(Selection.of([(tables, [])])),
        f"CREATE TABLE {tables}.a (id INT PRIMARY KEY, b TINYINT(1))",
        f"CREATE TABLE {tables}.c SELECT 1 AS x",
        f"CREATE TABLE {tables}.d (id INT)",
        f"DROP TABLE {tables}.d",
        f"ALTER TABLE {tables}.c RENAME TO {tables}.e",
    )
    told = [[name for _, name, _ in each.tables] for _, each in found]
    assert told == [["a"], [], [], [], ["e"]]  # as they are now: c is e by then, and d is gone
    table = json.loads(found[0][1].tables[0][2])
    assert [column["name"] for column in table["columns"]] == ["id", "b"]
    assert parse_dictionary(found[0][1].facts or b"")[tables, "a"]["b"].is_tinyint1
    assert json.loads(found[-1][1].tables[0][2])["columns"][0]["name"] == "x"


def test_a_table_is_told_under_the_job_s_name(source: MysqlServer, tables: str) -> None:
    rule = SchemaRule(tables, rename=f"{tables}_new", tables=(NameRule("a", rename="z"),))
    [(_, told)] = _definitions(
        source, Scope(Selection((rule,))), f"CREATE TABLE {tables}.a (id INT PRIMARY KEY, b TINYINT(1))"
    )
    assert [(schema, name) for schema, name, _ in told.tables] == [(f"{tables}_new", "z")]
    assert list(parse_dictionary(told.facts or b"")) == [(f"{tables}_new", "z")]


def test_a_dictionary_that_does_not_answer_ends_nothing(
    source: MysqlServer, tables: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_options: object) -> Any:
        raise Unavailable("too many connections")

    monkeypatch.setattr(made_tables, "connect", refuse)
    scope = Scope(Selection.of([(tables, [])]))
    [(_, told)] = _definitions(source, scope, f"CREATE TABLE {tables}.a (id INT PRIMARY KEY)")
    assert told.tables == [] and told.facts is None and told.file


# ---- Ahead of a snapshot ----


def test_a_snapshot_begins_with_the_statements_of_its_tables(source: MysqlServer, tables: str) -> None:
    run(
        source.endpoint,
        f"CREATE TABLE {tables}.a (id INT PRIMARY KEY)",
        f"CREATE TABLE {tables}.b (id INT PRIMARY KEY)",
        f"INSERT INTO {tables}.b VALUES (1)",
    )
    scope = Scope(Selection.of([(tables, [])]))
    records = _snapshot(source, scope, ReadingPlan())
    made = [record for record in records if isinstance(record, SnapshotDefinition)]
    assert records[1 : 1 + len(made)] == made and isinstance(records[1 + len(made)], SnapshotRows)
    assert [record.number for record in made] == list(range(5))
    assert [record.last for record in made] == [False] * 4 + [True]
    assert [record.statement.split(" ")[0] for record in made] == ["SET", "DROP", "CREATE", "DROP", "CREATE"]
    assert [record.tables for record in made[1::2]] == [[(tables, "a")], [(tables, "b")]]
    [change] = json.loads(made[4].changes)
    assert (change["type"], change["id"]) == ("CREATE", f'"{tables}"."b"')
    assert change["table"]["primaryKeyColumnNames"] == ["id"]
    again = _snapshot(source, scope, ReadingPlan(2, state=made[4].state))
    assert not any(isinstance(record, SnapshotDefinition) for record in again)
    assert sum(record.rows for record in again if isinstance(record, SnapshotRows)) == 1


def _snapshot(source: MysqlServer, scope: Scope, plan: ReadingPlan) -> list[Record]:
    reading = MySQLSource(source.endpoint).open_reading(scope, plan, readers=1)
    records: list[Record] = []
    try:
        reading.read(0, records.append)
    finally:
        reading.close()
    return records
