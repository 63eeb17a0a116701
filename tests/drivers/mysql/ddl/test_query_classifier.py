"""What a Query event means: almost always a BEGIN; else it is carried, passed over, or refused by name."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.source_log import Logged, logged_by
from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.event import EventType
from udup.drivers.mysql.client.connection import Connection, connect, query
from udup.drivers.mysql.ddl.query_action import Action, QueryDecision
from udup.drivers.mysql.ddl.query_classifier import QueryClassifier
from udup.drivers.mysql.stream.row_order import row_order_of
from udup.pipeline.selection.selection import Selection
from udup.sandbox.server import MysqlServer


def _queries(source: MysqlServer, *statements: str) -> list[Logged]:
    def work(connection: Connection) -> None:
        for statement in statements:
            query(connection, statement)

    return [logged for logged in logged_by(source.endpoint, work) if logged.kind == EventType.QUERY]


def _decisions(source: MysqlServer, selection: Selection, *statements: str) -> list[QueryDecision]:
    decide = QueryClassifier(selection, False).decide
    return [decide(logged.event, True) for logged in _queries(source, *statements)]


@pytest.fixture
def table(source: MysqlServer, schema: str) -> str:
    with closing(connect(source.endpoint)) as connection:
        query(connection, f"CREATE DATABASE {schema}")
        query(connection, f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")
    return f"{schema}.t"


def test_a_transaction_begins_and_its_savepoints_are_nothing(source: MysqlServer, schema: str, table: str) -> None:
    everything = Selection.of([(schema, [])])
    decisions = _decisions(
        source, everything, "BEGIN", f"INSERT INTO {table} VALUES (1)", "SAVEPOINT s", f"DELETE FROM {table}", "COMMIT"
    )
    assert [decision.action for decision in decisions] == [Action.BEGIN, Action.IGNORE]


def test_definitions_of_the_job_are_carried_and_others_passed_over(
    source: MysqlServer, schema: str, table: str
) -> None:
    statement = f"ALTER TABLE {table} ADD COLUMN n INT"
    (ours,) = _decisions(source, Selection.of([(schema, ["t"])]), statement)
    assert ours.action is Action.CARRY and statement in ours.summary
    (other,) = _decisions(source, Selection.of([(schema, ["u"])]), f"ALTER TABLE {table} DROP COLUMN n")
    assert other.action is Action.SKIP


def test_create_select_is_one_transaction_that_makes_its_table_first(
    source: MysqlServer, schema: str, table: str
) -> None:
    begin, create = _decisions(
        source, Selection.of([(schema, [])]), f"CREATE TABLE {schema}.copy AS SELECT * FROM {table}"
    )
    assert (begin.action, create.action) == (Action.BEGIN, Action.CREATE)
    begin, create = _decisions(
        source, Selection.of([("other", [])]), f"CREATE TABLE {schema}.copy2 AS SELECT * FROM {table}"
    )
    assert (begin.action, create.action) == (Action.BEGIN, Action.IGNORE)


def test_rows_logged_as_a_statement_are_refused_in_the_job_and_passed_over_outside(
    source: MysqlServer, schema: str, table: str
) -> None:
    statements = ("SET SESSION binlog_format = 'STATEMENT'", f"USE {schema}", "INSERT INTO t VALUES (77)")
    begin, insert = _queries(source, *statements)
    assert QueryClassifier(Selection.of([(schema, [])]), False).decide(begin.event, True).action is Action.BEGIN
    assert QueryClassifier(Selection.of([("other", [])]), False).decide(insert.event, True).action is Action.IGNORE
    with pytest.raises(Unsupported, match=r"binlog_format=ROW.*INSERT INTO t VALUES"):
        QueryClassifier(Selection.of([(schema, [])]), False).decide(insert.event, True)


def test_xa_is_told_by_its_words(source: MysqlServer, schema: str, table: str) -> None:
    statements = ("XA START 'x'", f"INSERT INTO {table} VALUES (5)", "XA END 'x'", "XA COMMIT 'x' ONE PHASE")
    start, end = _decisions(source, Selection.of([("other", [])]), *statements)
    assert (start.action, start.summary) == (Action.XA, "XA START X'78',X'',1")
    assert (end.action, end.summary) == (Action.XA, "XA END X'78',X'',1")


def test_a_very_long_statement_is_shown_in_part(source: MysqlServer, schema: str, table: str) -> None:
    (decision,) = _decisions(source, Selection.of([(schema, [])]), f"ALTER TABLE {table} COMMENT '{'long ' * 300}'")
    assert decision.action is Action.CARRY and len(decision.summary) < 400 and decision.summary.endswith("…")


def _decided(source: MysqlServer, schema: str, *statements: str, later: tuple[str, ...] = ()) -> QueryDecision:
    """The decision on the last of the statements, asked for after `later` ones as well."""
    logged = _queries(source, *statements)[-1]
    if later:
        _queries(source, *later)
    decide = QueryClassifier(Selection.of([(schema, [])]), False, row_order=row_order_of(source.endpoint)).decide
    return decide(logged.event, True)


def test_rows_are_numbered_as_on_the_source_where_its_table_was_innodb(source: MysqlServer, schema: str) -> None:
    add = f"ALTER TABLE {schema}.{{}} ADD id INT AUTO_INCREMENT PRIMARY KEY"
    queries = (f"CREATE DATABASE {schema}", f"CREATE TABLE {schema}.a (k INT)")
    assert _decided(source, schema, *queries, add.format("a")).action is Action.CARRY
    with pytest.raises(Unsupported, match="is MyISAM"):
        _decided(source, schema, f"CREATE TABLE {schema}.b (k INT) ENGINE=MyISAM", add.format("b"))
    made = (f"CREATE TABLE {schema}.c (k INT) ENGINE=MyISAM", add.format("c"))
    with pytest.raises(Unsupported, match="altered again since"):
        _decided(source, schema, *made, later=("DO SLEEP(1.1)", f"ALTER TABLE {schema}.c ENGINE=InnoDB"))
    with pytest.raises(Unsupported, match="cannot be asked"):
        decide = QueryClassifier(Selection.of([(schema, [])]), False).decide
        decide(_queries(source, f"CREATE TABLE {schema}.d (k INT)", add.format("d"))[-1].event, True)
