"""Tables that come into a log that is followed: exact successions, whatever is written and wherever a run ends."""

from __future__ import annotations

import json
import random
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.applied import position_of, run
from tests.drivers.mysql.telling.test_tries import _Destination
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.stream.log import BinlogChanges
from udup.pipeline.ports import LogPlan, Scope
from udup.pipeline.records import Joining, Record, Skipped, SnapshotEnd, SnapshotRows, Transaction
from udup.pipeline.selection.kept import kept_selection
from udup.pipeline.selection.selection import Selection
from udup.sandbox.server import MysqlServer

_ROWS = 5000

_NUMBERS = f"WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {_ROWS})"


class _Job:
    """What a destination keeps: its rows, and the position and state that it has."""

    def __init__(self, source: MysqlServer, schema: str, *tables: str) -> None:
        self.source, self.schema = source, schema
        self.at = position_of(source.endpoint)
        self.state = json.dumps({"selection": kept_selection(Selection.of([(schema, list(tables))]))})
        self.snapshots = 0
        self.wishes: tuple[tuple[int, tuple[str, ...]], ...] = ()
        self.destination = _Destination(exact=())
        self.reads: list[SnapshotRows] = []
        self.joining: list[list[str]] = []  # what is said of the tables that are read

    def follow(self, *tables: str) -> Iterator[Record]:
        """Take the log's records as a destination does, and yield each."""
        scope = Scope(Selection.of([(self.schema, list(tables))]))
        plan = LogPlan(
            str(uuid.uuid4()),
            scope,
            str(self.at),
            tells=True,
            snapshot=self.state,
            snapshots=self.snapshots,
            chunk_rows=1500,
            wishes=self.wishes,
        )
        log = BinlogChanges(self.source.endpoint, plan)
        log.begin()
        try:
            for record in log:
                if record is not None:
                    self._take(record)
                    yield record
        finally:
            log.close()

    def _take(self, record: Record) -> None:
        match record:
            case Transaction():
                self.destination.take(record.events)
                self.at.add(record.id.source, record.id.number)
            case Skipped():
                self.at.update(GtidSet.parse(record.gtids))
            case SnapshotRows():
                self.destination.take(record.events)
                self.state, self.snapshots = record.state, record.snapshot
                self.reads.append(record)
            case SnapshotEnd():
                self.state = record.state
            case Joining():
                assert all(each.rows_estimate > 0 or each.name == "zero" for each in record.tables)
                self.joining.append([each.name for each in record.tables])

    def joins(self) -> bool:
        return bool(json.loads(self.state).get("joins"))


def _made(source: MysqlServer, schema: str, *tables: str) -> None:
    run(
        source.endpoint,
        "SET SESSION cte_max_recursion_depth = 10000",
        f"CREATE DATABASE {schema}",
        *(f"CREATE TABLE {schema}.{table}" for table in tables),
        *(f"INSERT INTO {schema}.{table.split()[0]} {_NUMBERS} SELECT n, n FROM n" for table in tables),
    )


def _rows(source: MysqlServer, schema: str, table: str) -> dict[object, object]:
    with closing(connect(source.endpoint)) as connection:
        return dict(query(connection, f"SELECT id, n FROM {schema}.{table}"))


def _write(source: MysqlServer, schema: str, tables: list[str], stop: threading.Event) -> None:
    chance = random.Random(3)
    with closing(connect(source.endpoint)) as connection:
        while not stop.is_set():
            table, key = f"{schema}.{chance.choice(tables)}", chance.randrange(_ROWS)
            query(connection, "BEGIN")
            query(connection, f"UPDATE {table} SET n = n + 1 WHERE id BETWEEN {key} AND {key + 5}")
            query(connection, f"UPDATE IGNORE {table} SET id = {chance.randrange(2 * _ROWS)} WHERE id = {key}")
            query(connection, f"DELETE FROM {table} WHERE id = {chance.randrange(_ROWS)}")
            query(connection, f"REPLACE INTO {table} VALUES ({chance.randrange(_ROWS)}, 0)")
            query(connection, "COMMIT")
            stop.wait(0.005)


@pytest.mark.usefixtures("naming")
def test_a_table_joins_exactly_though_runs_end_anywhere(source: MysqlServer, schema: str) -> None:
    _made(source, schema, "a (id INT PRIMARY KEY, n INT)", "b (id INT PRIMARY KEY, n INT)")
    job = _Job(source, schema, "a")
    job.destination = _Destination(exact=["b"])
    chance, stop = random.Random(1), threading.Event()
    writer = threading.Thread(target=_write, args=(source, schema, ["a", "b"], stop))
    writer.start()
    runs = 0
    try:
        while runs < 6 or job.joins():
            runs += 1
            left = chance.randrange(5)
            for record in job.follow("a", "b"):
                left -= isinstance(record, SnapshotRows) or not job.joins()
                if left < 0:
                    break
            assert runs < 200
    finally:
        stop.set()
        writer.join()
    wanted = position_of(source.endpoint)
    for _ in job.follow("a", "b"):
        if wanted <= job.at and not job.joins():
            break
    assert job.destination.rows["b"] == _rows(source, schema, "b")
    assert len({record.snapshot for record in job.reads}) > 1 and all(record.incremental for record in job.reads)
    assert not any(b"\x01a\x00" in record.events for record in job.reads), "a table that is there is not read"


@pytest.mark.usefixtures("naming")
def test_a_table_whose_key_is_no_number_comes_whole_and_again_behind_a_death(source: MysqlServer, schema: str) -> None:
    _made(source, schema, "a (id INT PRIMARY KEY, n INT)", "b (id INT, n INT)")
    job = _Job(source, schema, "a")
    for record in job.follow("a", "b"):
        if isinstance(record, SnapshotRows):
            break
    run(
        source.endpoint,
        f"UPDATE {schema}.b SET n = 0 WHERE id % 2 = 0",
        f"DELETE FROM {schema}.b WHERE id % 3 = 0",
        f"INSERT INTO {schema}.b VALUES (100000, 1)",
    )
    wanted = position_of(source.endpoint)
    for _ in job.follow("a", "b"):
        if wanted <= job.at and not job.joins():
            break
    assert job.destination.rows["b"] == _rows(source, schema, "b")


@pytest.mark.usefixtures("naming")
def test_a_table_that_is_made_later_is_in_the_log(source: MysqlServer, schema: str) -> None:
    _made(source, schema, "a (id INT PRIMARY KEY, n INT)")
    job = _Job(source, schema, "a", "b")
    run(
        source.endpoint,
        f"CREATE TABLE {schema}.b (id INT PRIMARY KEY, n INT)",
        f"INSERT INTO {schema}.b VALUES (1, 1)",
    )
    for record in job.follow("a", "b"):
        if isinstance(record, Transaction):
            break
    assert job.destination.rows["b"] == {1: 1} and not job.reads


@pytest.mark.usefixtures("naming")
def test_a_wished_table_comes_again_where_it_stands(source: MysqlServer, schema: str) -> None:
    _made(source, schema, "a (id INT PRIMARY KEY, n INT)", "b (id INT, n INT)")
    job = _Job(source, schema, "a", "b")
    job.destination.rows = {table: dict(_rows(source, schema, table)) for table in "ab"}  # type: ignore[arg-type]
    job.wishes = ((1, (f"{schema}.a", f"{schema}.b")),)
    stop = threading.Event()
    writer = threading.Thread(target=_write, args=(source, schema, ["a"], stop))
    writer.start()
    try:
        for record in job.follow("a", "b"):
            if isinstance(record, SnapshotRows) and record.chunk == 1:
                break
        for _ in job.follow("a", "b"):
            if not job.joins():
                break
    finally:
        stop.set()
        writer.join()
    assert sum(record.rows for record in job.reads) >= 2 * _ROWS * 0.9
    assert job.joining[0] == ["a", "b"] and job.joining[-1] in (["b"], []), "told, and told again when it has changed"
    wanted, read = position_of(source.endpoint), len(job.reads)
    for _ in job.follow("a", "b"):
        if wanted <= job.at:
            break
    assert {table: _rows(source, schema, table) for table in "ab"} == job.destination.rows
    assert len(job.reads) == read, "a wish is done once"


@pytest.mark.usefixtures("naming")
def test_tables_of_every_kind_of_key_come_again_once_for_each_wish_though_runs_end(
    source: MysqlServer, schema: str
) -> None:
    """Wished while another wish is under way, tables come when that one is done with them; an empty one has no rows."""
    text, two = "text (id VARCHAR(9) PRIMARY KEY, n INT)", "two (id INT, n INT, PRIMARY KEY (n, id))"
    _made(source, schema, "bare (id INT, n INT)", text, two, "zero (id INT PRIMARY KEY, n INT)")
    run(source.endpoint, f"TRUNCATE TABLE {schema}.zero")
    tables = ("bare", "text", "two", "zero")
    job = _Job(source, schema, *tables)
    job.wishes = ((1, (f"{schema}.two", f"{schema}.gone")),)
    for record in job.follow(*tables):
        if isinstance(record, SnapshotRows):
            break
    job.wishes += ((2, tuple(f"{schema}.{table}" for table in tables)),)
    for _ in job.follow(*tables):
        if not job.joins():
            break
    assert sum(record.rows for record in job.reads) == 3 * _ROWS, "a table that comes already does not come twice"
    assert {name: len(rows) for name, rows in job.destination.rows.items()} == dict.fromkeys(tables[:3], _ROWS)
