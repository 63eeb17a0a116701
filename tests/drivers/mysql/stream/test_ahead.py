"""Tables that have more than the job's position get each change of the log once: neither what they have, nor less."""

from __future__ import annotations

import random
from contextlib import closing

import pytest

from tests.applied import apply_all, position_of, records, run, session
from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import connect, query
from udup.pipeline.positions import AheadNote, AheadNotes, RowsBehind
from udup.pipeline.records import Definition, Part, Record, Skipped, Transaction, XaEnd
from udup.pipeline.selection.selection import Selection
from udup.sandbox.server import MysqlServer
from udup.verify.compare import compare

TABLES = ("a", "b", "c")


@pytest.fixture
def tables(source: MysqlServer, target: MysqlServer, schema: str) -> str:
    for server in (source, target):
        run(server.endpoint, f"CREATE DATABASE {schema}")
        for table in TABLES:
            run(server.endpoint, f"CREATE TABLE {schema}.{table} (id INT UNSIGNED PRIMARY KEY, n INT, s LONGTEXT)")
    return schema


def _copy(source: MysqlServer, target: MysqlServer, schema: str, table: str, where: str = "TRUE") -> GtidSet:
    """Put a table's rows into the target as they are now; return what the source has executed."""
    with closing(connect(source.endpoint)) as read, closing(connect(target.endpoint)) as write:
        rows = query(read, f"SELECT id, n, s FROM {schema}.{table} WHERE {where}")
        query(write, f"DELETE FROM {schema}.{table} WHERE {where}")
        for row in rows:
            query(write, f"INSERT INTO {schema}.{table} VALUES (%s, %s, %s)", *row)
    return position_of(source.endpoint)


def _only(schema: str, *names: str) -> Selection:
    return Selection.of([(schema, names)])


def _write(source: MysqlServer, schema: str, dice: random.Random, count: int) -> None:
    """Random transactions: several tables at once, keys that move, large ones, prepared ones."""
    with closing(connect(source.endpoint)) as connection:
        for number in range(count):
            kind = dice.random()
            prepared = kind > 0.85
            query(connection, f"XA START '{schema}{number}'" if prepared else "BEGIN")
            for _ in range(dice.randrange(1, 4)):
                table, key = f"{schema}.{dice.choice(TABLES)}", dice.randrange(1, 40)
                one = dice.random()
                if one < 0.4:
                    size = 300_000 if kind < 0.08 else 9
                    query(connection, f"REPLACE INTO {table} VALUES ({key}, {number}, REPEAT('x', {size}))")
                elif one < 0.6:
                    old, new = dice.choice(((key, key + 20), (key + 20, key)))
                    query(connection, f"DELETE FROM {table} WHERE id = {new}")
                    query(connection, f"UPDATE {table} SET id = {new} WHERE id = {old}")
                elif one < 0.8:
                    other = f"{schema}.{dice.choice(TABLES)}"
                    sql = f"UPDATE {table} x, {other} y SET x.n = {number}, y.n = y.n + 1 WHERE x.id = y.id"
                    query(connection, sql)
                else:
                    query(connection, f"DELETE FROM {table} WHERE id BETWEEN {key} AND {key + 4}")
            if prepared:
                query(connection, f"XA END '{schema}{number}'")
                query(connection, f"XA PREPARE '{schema}{number}'")
                query(connection, f"XA {'COMMIT' if kind > 0.9 else 'ROLLBACK'} '{schema}{number}'")
            else:
                query(connection, "COMMIT")


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_stands_ahead_by_table_or_by_rows_the_end_is_the_same(
    source: MysqlServer, target: MysqlServer, tables: str, seed: int
) -> None:
    dice = random.Random(seed)
    _write(source, tables, dice, 25)
    _copy(source, target, tables, "a")
    _copy(source, target, tables, "b")
    begin = _copy(source, target, tables, "c", "id <= 20")
    _write(source, tables, dice, 25)
    of_b = _copy(source, target, tables, "b")
    _write(source, tables, dice, 15)
    of_c = _copy(source, target, tables, "c", "id > 20")
    _write(source, tables, dice, 25)
    notes = AheadNotes(
        [
            AheadNote(_only(tables, "b"), of_b),
            AheadNote(_only(tables, "c"), of_c, RowsBehind(((None, (20,)),), (0,), (32,))),
        ]
    )
    made = records(source.endpoint, begin, Selection.of([(tables, [])]), notes=notes)
    assert any(isinstance(each, Part) for each in made) and any(isinstance(each, XaEnd) for each in made)
    _apply(target, tables, made)
    comparison = compare(source.endpoint, target.endpoint, [tables])
    assert comparison.equal, comparison.report()


def _apply(target: MysqlServer, schema: str, made: list[Record]) -> None:
    """Transactions as a worker does; definitions by their text."""
    xa: dict[str, list[Record]] = {}
    with session(target.endpoint, schema) as (opened, position):
        ready: list[Record] = []
        for each in made:
            if isinstance(each, Transaction | Part) and (each.xid or _xid_of(xa, each)):
                xa.setdefault(_xid_of(xa, each) or each.xid, []).append(each)
            elif isinstance(each, XaEnd):
                parts = xa.pop(each.xid, [])
                events = b"".join(part.events for part in parts if isinstance(part, Transaction | Part))
                if each.commit and events:
                    ready.append(Transaction(each.id, events, []))
            else:
                ready.append(each)
        apply_all(opened, position, ready)


def _xid_of(xa: dict[str, list[Record]], record: Transaction | Part) -> str:
    for xid, parts in xa.items():
        if any(isinstance(part, Part) and part.id == record.id for part in parts):
            return xid
    return ""


def _kinds(made: list[Record]) -> list[str]:
    return [each.summary if isinstance(each, Definition) else type(each).__name__
            for each in made if isinstance(each, Definition | Transaction | Skipped)]  # fmt: skip


def test_definitions_that_a_table_has_already_are_left_out_and_lists_are_cut(source: MysqlServer, tables: str) -> None:
    begin = run(
        source.endpoint,
        f"USE {tables}",
        "ALTER TABLE b ADD COLUMN m INT",
        "ALTER TABLE a ADD COLUMN m INT",
        "CREATE TABLE d AS SELECT id FROM a",
        "CREATE TABLE e AS SELECT id FROM a",
        "DROP TABLE b, a",
        "RENAME TABLE d TO f",
        f"CREATE VIEW {tables}.v AS SELECT 1",
        f"CREATE TRIGGER {tables}.r BEFORE INSERT ON c FOR EACH ROW SET NEW.n = 1",
        f"DROP TRIGGER {tables}.r",
    )
    later = position_of(source.endpoint)
    whole = Selection.of([(tables, [])])
    group = whole.without(_only(tables, "a", "c", "e"))
    notes = AheadNotes([AheadNote(group, later, objects=True)])
    made = records(source.endpoint, begin, whole, notes=notes)
    carried = [each for each in made if isinstance(each, Definition)]
    texts = [each.query.rpartition(b"\0")[2] for each in carried]
    assert texts == [b"ALTER TABLE a ADD COLUMN m INT", b"DROP TABLE `a` /* generated by server */"], texts
    created = [each for each in made if isinstance(each, Transaction)]
    assert [b" `e`" in each.create or b" e " in each.create for each in created] == [True]
    behind = AheadNotes([AheadNote(_only(tables, "a"), begin)])
    assert len(_kinds(records(source.endpoint, begin, whole, notes=behind))) >= 9, "what is not in the note is carried"


@pytest.mark.parametrize(
    "statement",
    ["RENAME TABLE {s}.a TO {s}.b2", "ALTER TABLE {s}.c ADD COLUMN m INT", "TRUNCATE TABLE {s}.c"],
)
def test_a_statement_that_can_be_neither_run_nor_passed_over_stops_the_job(
    source: MysqlServer, tables: str, statement: str
) -> None:
    begin = run(source.endpoint, statement.format(s=tables))
    later = position_of(source.endpoint)
    behind = RowsBehind(((None, (5,)),), (0,), (32,))
    notes = AheadNotes([AheadNote(_only(tables, "b2"), later), AheadNote(_only(tables, "c"), later, behind)])
    with pytest.raises(Unsupported, match="copy again"):
        records(source.endpoint, begin, Selection.of([(tables, [])]), notes=notes)


def test_what_was_refused_without_notes_is_refused_for_its_own_reason(source: MysqlServer, tables: str) -> None:
    begin = run(source.endpoint, f"RENAME TABLE {tables}.a TO {tables}.x")
    notes = AheadNotes([AheadNote(_only(tables, "c"), position_of(source.endpoint))])
    with pytest.raises(Unsupported, match=r"takes .* out of the job"):
        records(source.endpoint, begin, _only(tables, *TABLES), notes=notes)
