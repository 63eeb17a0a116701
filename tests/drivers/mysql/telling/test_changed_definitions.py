"""Definitions that change while a snapshot is read, or rows of a table that joins: the stream can be followed exactly.

`Consumer` accepts nothing that does not follow on what it has, definitions included.
"""

from __future__ import annotations

import itertools
import json
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from tests.applied import position_of, run
from tests.drivers.mysql.telling.test_tries import NUMBERS, _Destination
from tests.subscriptions.rebuilt.consumer import Consumer
from tests.subscriptions.world import Event
from udup.drivers.mysql.binlog.event import ROWS_EVENTS, EventType
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.binlog.query import parse_query
from udup.drivers.mysql.binlog.split import split
from udup.drivers.mysql.binlog.table_map import table_id
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.rows.codec import RowCodec
from udup.drivers.mysql.rows.table import parse_table
from udup.drivers.mysql.rows.values import Row
from udup.drivers.mysql.source import MySQLSource
from udup.drivers.mysql.stream.log import BinlogChanges
from udup.drivers.mysql.telling.log_instead import LogInstead
from udup.pipeline.ports import LogPlan, ReadingPlan, Scope
from udup.pipeline.records import Definition, Record, Skipped, SnapshotEnd, SnapshotRows, Transaction
from udup.pipeline.selection.kept import kept_selection
from udup.pipeline.selection.selection import Selection
from udup.pipeline.selection.sqlfilter import FilterWord, SqlFilter
from udup.sandbox.server import MysqlServer

_CHUNK = 30

#: Seconds until a log must have told what is waited for.
_DEADLINE = 20.0


class _Job:
    """What a destination keeps, and a consumer of what comes to it. `keyed` has the rows by `id`, whatever comes."""

    def __init__(self, source: MysqlServer, schema: str) -> None:
        self.source, self.schema, self.scope = source, schema, Scope(Selection.of([(schema, [])]))
        self.at, self.state, self.snapshots = GtidSet(), "", 0
        self.wishes: tuple[tuple[int, tuple[str, ...]], ...] = ()
        self.consumer: Consumer | None = Consumer()
        self.keyed = _Destination(exact=())
        self._ids = itertools.count()

    def run(self, *statements: str) -> None:
        run(self.source.endpoint, f"USE {self.schema}", *statements)

    def read(self, *, records_max: int = 1 << 30, alone: bool = False) -> bool:
        """Read a snapshot, or what is left of it, up to so many records; return whether rows were read for it."""
        plan = ReadingPlan(self.snapshots + 1, _CHUNK, state=self.state, alone=alone)
        reading = MySQLSource(self.source.endpoint).open_reading(self.scope, plan, readers=1)
        records: list[Record] = []
        reading.read(0, records.append)
        reading.close()
        rows = [each for each in records if isinstance(each, SnapshotRows)]
        for each in rows[:records_max]:
            self._take(each)
        if len(rows) <= records_max:
            self._take(records[-1])
        return not isinstance(reading, LogInstead)

    def follow(self) -> Iterator[Record]:
        """Take the log's records, and yield each."""
        plan = LogPlan(
            str(uuid.uuid4()),
            self.scope,
            str(self.at),
            tells=True,
            snapshot=self.state,
            snapshots=self.snapshots,
            chunk_rows=_CHUNK,
            wishes=self.wishes,
        )
        log = BinlogChanges(self.source.endpoint, plan)
        log.begin()
        end = time.monotonic() + _DEADLINE
        try:
            for record in log:
                assert time.monotonic() < end, f"at {self.at}: {self.state}"
                if record is not None:
                    self._take(record)
                    yield record
        finally:
            log.close()

    def level(self) -> None:
        """Follow until all that the source has executed is told, and no table joins."""
        wanted = position_of(self.source.endpoint)
        for _ in self.follow():
            if wanted <= self.at and '"joins":[{' not in self.state and '"rest"' not in self.state:
                return

    def _take(self, record: Record) -> None:
        match record:
            case Transaction():
                self._rows(record.events, "")
                self.at.add(record.id.source, record.id.number)
            case Definition():
                self._define(record)
                self.at.add(record.id.source, record.id.number)
            case Skipped():
                self.at.update(GtidSet.parse(record.gtids))
            case SnapshotRows():
                self._rows(record.events, "r")
                self.state, self.snapshots = record.state, record.snapshot
            case SnapshotEnd():
                self.state = record.state
                self.at.update(GtidSet.parse(record.position))

    def _define(self, record: Definition) -> None:
        statement = parse_query(record.query, has_crc=False).sql.decode()
        if statement.startswith("TRUNCATE"):
            name = statement.split("`")[1]
            self._say(None, {"op": "t", "source": {"table": name}})
            self.keyed.rows.pop(name, None)
        else:
            self._say(None, {"ddl": statement})

    def _rows(self, events: bytes, operation: str) -> None:
        self.keyed.take(events)
        codecs: dict[bytes, RowCodec] = {}
        for event in split(events):
            if event[4] == EventType.TABLE_MAP:
                codecs[table_id(event)] = RowCodec(parse_table(event, has_crc=True))
            elif event[4] in ROWS_EVENTS:
                codec = codecs[table_id(event)]
                for before, after in codec.read(event, has_crc=True).changes:
                    self._change(codec, before, after, operation)

    def _change(self, codec: RowCodec, before: Row | None, after: Row | None, operation: str) -> None:
        names = [column.name for column in codec.table.columns]
        keys = [names[place] for place in codec.table.key_columns]
        old, new = (None if row is None else dict(zip(names, map(_plain, row), strict=True)) for row in (before, after))
        sides = [(old, new)]
        if old is not None and new is not None and [old[name] for name in keys] != [new[name] for name in keys]:
            sides = [(old, None), (None, new)]
        for one, other in sides:
            shown = other or one or {}
            said = operation or ("c" if one is None else "d" if other is None else "u")
            key = {name: shown[name] for name in keys} if keys else None
            self._say(key, {"op": said, "before": one, "after": other, "source": {"table": codec.table.name}})

    def _say(self, key: Any, value: Any) -> None:
        if self.consumer is not None:
            self.consumer.take([Event("", key, value, str(next(self._ids)), {})])

    # ---- What is there at the end ----

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        with closing(connect(self.source.endpoint)) as connection:
            names = [str(name) for (name,) in query(connection, f"SHOW TABLES FROM {self.schema}")]
            return {name: sorted(query(connection, f"SELECT * FROM {self.schema}.{name}"), key=repr) for name in names}

    def check(self) -> None:
        assert self.consumer is not None
        found = {
            name: sorted((tuple(row.values()) for row in rows.all()), key=repr)
            for name, rows in self.consumer.tables.items()
        }
        assert found == {name: rows for name, rows in self.tables().items() if rows or name in found}


def _plain(cell: Any) -> Any:
    return cell.decode() if isinstance(cell, bytes) else cell


def _make(job: _Job, **tables: str) -> None:
    run(job.source.endpoint, f"CREATE DATABASE {job.schema}")
    job.run(*(f"CREATE TABLE {name} ({columns})" for name, columns in tables.items()))
    job.run(*(f"INSERT INTO {name} (id, n) {NUMBERS} SELECT n, n FROM n" for name in tables))


_NUMBERED = "id INT PRIMARY KEY, n INT"


@pytest.mark.usefixtures("naming")
def test_a_snapshot_that_definitions_cut_is_ended_by_the_log(source: MysqlServer, schema: str) -> None:
    """Of a all was sent, of b a part, of the others nothing. Each change stands before, between and behind others."""
    job = _Job(source, schema)
    text = "id VARCHAR(9) CHARACTER SET utf8mb4 PRIMARY KEY, n INT"
    _make(job, a=_NUMBERED, **dict.fromkeys(("b", "c", "d", "e", "f", "g"), _NUMBERED), t=text, u="id INT, n INT")
    job.read(records_max=6)
    assert job.consumer is not None and 0 < len(job.consumer.tables["b"].all()) < 100
    everywhere = (
        "UPDATE {0} SET n = n + 1 WHERE id % 3 = 0",
        "DELETE FROM {0} WHERE id % 5 = 1",
        "UPDATE {0} SET id = id + 1000 WHERE id % 7 = 4",
        "INSERT INTO {0} (id, n) VALUES (5000 + {1}, 1), (-{1}, 1)",
    )

    def write(number: int, *names: str) -> None:
        job.run(*(statement.format(name, number) for name in names for statement in everywhere))

    write(1, *"abcdefgtu")
    job.run(
        "ALTER TABLE `b` ADD COLUMN `x` INT",
        "UPDATE b SET x = id WHERE id < 60",
        "RENAME TABLE `a` TO `zz`",  # it comes behind all that was read
        "RENAME TABLE `c` TO `a0`",  # and this in front of it
        "ALTER TABLE `d` RENAME COLUMN `n` TO `m`",
        "ALTER TABLE `d` ADD COLUMN `n` INT",
        "DROP TABLE `e`",
        "TRUNCATE TABLE `f`",
        "CREATE TABLE `new` (id INT PRIMARY KEY, n INT)",
        "INSERT INTO new VALUES (1, 1), (2, 2)",
        "DROP TABLE `g`",
        "CREATE TABLE `g` (id INT, n INT)",
        "ALTER TABLE `t` CONVERT TO CHARACTER SET latin1",
    )
    write(2, *("zz", "b", "a0", "d", "f", "new", "g", "t", "u"))
    assert not job.read(), "there is no other try"
    changes = iter(
        [
            ["ALTER TABLE `b` DROP COLUMN `x`"],
            ["RENAME TABLE `b` TO `b2`", "ALTER TABLE `a0` ADD COLUMN `y` INT"],
            ["RENAME TABLE `zz` TO `b`", "ALTER TABLE `u` ADD COLUMN `z` INT"],
            ["RENAME TABLE `d` TO `d2`"],
        ]
    )
    number = 2
    while (statements := next(changes, None)) is not None:
        for record in job.follow():
            if isinstance(record, SnapshotRows):
                break  # the run dies, and definitions change
        job.run(*statements)
        number += 1
        write(number, *job.tables())
    job.level()
    job.check()


@pytest.mark.usefixtures("naming")
def test_a_snapshot_that_has_sent_nothing_or_that_nothing_follows_begins_again(
    source: MysqlServer, schema: str
) -> None:
    job = _Job(source, schema)
    _make(job, a=_NUMBERED, b=_NUMBERED)
    job.read(records_max=6)
    job.run("RENAME TABLE `b` TO `c`", "DELETE FROM c WHERE id < 50", "ALTER TABLE `a` ADD COLUMN `x` INT")
    job.consumer = Consumer()  # of a stream that has the statements of the tables again
    assert job.read(alone=True)
    job.check()


_ROWS = f"INSERT INTO a {NUMBERS} SELECT n, n FROM n"


@pytest.mark.usefixtures("naming")
@pytest.mark.parametrize(
    "change",
    [
        ["ALTER TABLE `a` ADD COLUMN `x` INT", "UPDATE a SET x = id", "ALTER TABLE `a` RENAME COLUMN `x` TO `y`"],
        ["RENAME TABLE `a` TO `b`"],
        ["TRUNCATE TABLE `a`", _ROWS],
        ["DROP TABLE `a`", "CREATE TABLE `a` (id INT PRIMARY KEY, n INT)", _ROWS],
        ["ALTER TABLE a MODIFY n BIGINT, CONVERT TO CHARACTER SET latin1"],
    ],
    ids=["columns", "renamed", "emptied", "made again", "types"],
)
def test_a_table_that_changes_between_its_parts_comes_exactly(
    source: MysqlServer, schema: str, change: list[str]
) -> None:
    job = _joining(source, schema)
    job.run(*change)
    [name] = job.tables()
    job.run(f"UPDATE {name} SET n = n + 1 WHERE id % 3 = 0", f"DELETE FROM {name} WHERE id % 11 = 0")
    job.level()
    job.check()


@pytest.mark.usefixtures("naming")
@pytest.mark.parametrize(
    "change",
    [
        ["ALTER TABLE a DROP PRIMARY KEY, ADD PRIMARY KEY (n, id)"],
        ["ALTER TABLE a CHANGE id k INT"],
        ["ALTER TABLE a MODIFY id VARCHAR(20)", "UPDATE a SET n = 0 WHERE id = 99", "ALTER TABLE a MODIFY id INT"],
        ["ALTER TABLE a DROP PRIMARY KEY", "ALTER TABLE a MODIFY id INT AFTER n, MODIFY n INT AFTER id"],
    ],
    ids=["another key", "key renamed", "key of text", "no key"],
)
def test_a_table_whose_key_changes_between_its_parts_ends_as_it_is(
    source: MysqlServer, schema: str, change: list[str]
) -> None:
    """All rows come again: who keeps them by what is in them has what the source has."""
    job = _joining(source, schema)
    job.consumer = None
    job.run(*change)
    column = "k" if "CHANGE" in change[0] else "id"
    job.run(f"UPDATE a SET n = n + 1 WHERE {column} % 3 = 0", f"DELETE FROM a WHERE {column} % 11 = 0")
    job.level()
    job.keyed.rows["a"].pop(b"99", None)  # type: ignore[call-overload]
    assert job.keyed.rows["a"] == {row[0]: row[1] for row in job.tables()["a"]}


def _joining(source: MysqlServer, schema: str) -> _Job:
    """Return a job that gets a table, of which one part of several has come."""
    job = _Job(source, schema)
    run(source.endpoint, f"CREATE DATABASE {schema}")
    job.run(f"CREATE TABLE a ({_NUMBERED})", _ROWS)
    job.at = position_of(source.endpoint)
    job.state = json.dumps({"selection": kept_selection(Selection.of([(schema, ["others"])]))})
    for record in job.follow():
        if isinstance(record, SnapshotRows):
            break
    job.run("UPDATE a SET n = n + 1 WHERE id % 2 = 0", "DELETE FROM a WHERE id % 7 = 0")
    return job


@pytest.mark.usefixtures("naming")
def test_a_table_is_followed_by_statements_that_the_job_passes_over(source: MysqlServer, schema: str) -> None:
    job = _joining(source, schema)
    job.scope = replace(job.scope, sql_filter=SqlFilter(frozenset({FilterWord.NO_ALTER_TABLE})))
    job.consumer = None
    job.run("ALTER TABLE a RENAME TO b", "UPDATE b SET n = n + 1 WHERE id % 3 = 0", "DELETE FROM b WHERE id % 11 = 0")
    job.level()
    told = {**job.keyed.rows["a"], **job.keyed.rows["b"]}
    rows = {row[0]: row[1] for row in job.tables()["b"]}
    assert {key: told[key] for key in rows} == rows, "the stream has its rows under both names"
