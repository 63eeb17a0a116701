"""A snapshot that is read in two goes, and the log behind it: the destination comes to have what the source has."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence

import pytest

from tests.applied import position_of, run
from udup.drivers.mysql.binlog.event import ROWS_EVENTS, EventType
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.binlog.split import split
from udup.drivers.mysql.binlog.table_map import table_id, table_name
from udup.drivers.mysql.rows.codec import RowCodec, RowCodecs
from udup.drivers.mysql.rows.values import Row
from udup.drivers.mysql.source import MySQLSource
from udup.drivers.mysql.stream.log import BinlogChanges
from udup.pipeline.ports import LogPlan, ReadingPlan, Scope
from udup.pipeline.records import Definition, Record, Skipped, SnapshotEnd, SnapshotRows, Transaction
from udup.pipeline.selection.selection import Selection
from udup.sandbox.server import MysqlServer

NUMBERS = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 100)"


class _Destination:
    """Has rows by their keys. It accepts nothing but exact successions for the tables that are named."""

    def __init__(self, exact: Sequence[str]) -> None:
        self.rows: dict[str, dict[int, int]] = {}
        self._exact = exact
        self._codecs = RowCodecs()

    def take(self, events: bytes) -> None:
        codecs: dict[bytes, tuple[str, RowCodec]] = {}
        for event in split(events):
            if event[4] == EventType.TABLE_MAP:
                codecs[table_id(event)] = table_name(event).table, self._codecs.of(event, has_crc=True)
            elif event[4] in ROWS_EVENTS:
                name, codec = codecs[table_id(event)]
                for before, after in codec.read(event, has_crc=True).changes:
                    self._change(name, before, after)

    def _change(self, name: str, before: Row | None, after: Row | None) -> None:
        rows = self.rows.setdefault(name, {})
        if before is not None:
            found = rows.pop(before[0], None)  # type: ignore[call-overload]
            assert name not in self._exact or found == before[1]
        if after is not None:
            assert name not in self._exact or after[0] not in rows
            rows[after[0]] = after[1]  # type: ignore[index,assignment]


def _read(source: MysqlServer, scope: Scope, state: str) -> list[Record]:
    reading = MySQLSource(source.endpoint).open_reading(scope, ReadingPlan(chunk_rows=30, state=state), readers=1)
    records: list[Record] = []
    try:
        reading.read(0, records.append)
    finally:
        reading.close()
    return records


def _records(source: MysqlServer, scope: Scope, end: SnapshotEnd) -> Iterator[Record]:
    """Yield the log's records behind a snapshot, up to what the source has executed by now."""
    wanted = position_of(source.endpoint) - GtidSet.parse(end.position)
    plan = LogPlan(str(uuid.uuid4()), scope, end.position, snapshot=end.state)
    log = BinlogChanges(source.endpoint, plan)
    log.begin()
    try:
        for record in log:
            if record is not None:
                yield record
            if isinstance(record, (Transaction, Definition)):
                wanted -= GtidSet.parse(record.id.gtid)
            elif isinstance(record, Skipped):
                wanted -= GtidSet.parse(record.gtids)
            if not wanted:
                return
    finally:
        log.close()


def _log(source: MysqlServer, scope: Scope, end: SnapshotEnd) -> Iterator[Transaction]:
    return (record for record in _records(source, scope, end) if isinstance(record, Transaction))


@pytest.mark.usefixtures("naming")
def test_what_a_later_try_has_brought_the_log_does_not_bring_again(source: MysqlServer, schema: str) -> None:
    changes = (
        *(f"UPDATE {schema}.{table} SET n = n + 1 WHERE id % 3 = 0" for table in "abc"),
        *(f"DELETE FROM {schema}.{table} WHERE id % 5 = 0" for table in "abc"),
        *(f"INSERT INTO {schema}.{table} VALUES (1000, 0)" for table in "abc"),
        f"UPDATE {schema}.a, {schema}.c SET a.id = a.id + 2000, c.id = c.id + 2000 WHERE a.id = 7 AND c.id = 7",
    )
    run(
        source.endpoint,
        f"CREATE DATABASE {schema}",
        *(f"CREATE TABLE {schema}.{table} (id INT PRIMARY KEY, n INT)" for table in "abc"),
        *(f"INSERT INTO {schema}.{table} {NUMBERS} SELECT n, n FROM n" for table in "abc"),
    )
    scope = Scope(Selection.of([(schema, [])]))
    destination = _Destination(exact=("a", "b", "c"))
    sent = [record for record in _read(source, scope, "") if isinstance(record, SnapshotRows)]
    first = sent[:6]  # all of a, and a part of b
    for record in first:
        destination.take(record.events)
    assert len(destination.rows["a"]) == 100 and 0 < len(destination.rows["b"]) < 100
    run(source.endpoint, *changes)
    later = _read(source, scope, first[-1].state)
    for each in later:
        if isinstance(each, SnapshotRows):
            destination.take(each.events)
    run(source.endpoint, *(f"UPDATE {schema}.{table} SET n = n + 100 WHERE id % 2 = 0" for table in "abc"))
    end = later[-1]
    assert isinstance(end, SnapshotEnd)
    for transaction in _log(source, scope, end):
        destination.take(transaction.events)
    [_, *told] = _read(source, scope, "")
    wanted = _Destination(exact=("a", "b", "c"))
    for each in told:
        if isinstance(each, SnapshotRows):
            wanted.take(each.events)
    assert destination.rows == wanted.rows


@pytest.mark.usefixtures("naming")
def test_a_table_that_is_emptied_between_two_tries_comes_by_the_log(source: MysqlServer, schema: str) -> None:
    run(
        source.endpoint,
        f"CREATE DATABASE {schema}",
        f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, n INT)",
        f"INSERT INTO {schema}.t {NUMBERS} SELECT n, n FROM n",
    )
    scope = Scope(Selection.of([(schema, [])]))
    [first, *_] = [each for each in _read(source, scope, "") if isinstance(each, SnapshotRows)]
    run(
        source.endpoint,
        f"UPDATE {schema}.t SET n = n + 1",
        f"TRUNCATE TABLE {schema}.t",
        f"INSERT INTO {schema}.t {NUMBERS} SELECT n, -n FROM n",
    )
    end = _read(source, scope, first.state)[-1]
    assert isinstance(end, SnapshotEnd)
    records = list(_records(source, scope, end))
    state, emptied = [each for each in records if isinstance(each, (SnapshotEnd, Definition))]
    assert isinstance(state, SnapshotEnd) and isinstance(emptied, Definition), "the state is in front"
    destination = _Destination(exact=["t"])
    for each in records[records.index(emptied) :]:
        if isinstance(each, Transaction):
            destination.take(each.events)
    assert destination.rows == {"t": {number: -number for number in range(1, 101)}}
    before = records[: records.index(emptied) + 1]
    told = [each.id.gtid for each in before if isinstance(each, (Transaction, Definition))]
    behind = SnapshotEnd(0, ",".join([end.position, *told]), state.state)
    [again] = _log(source, scope, behind)
    destination = _Destination(exact=["t"])
    destination.take(again.events)
    assert len(destination.rows["t"]) == 100, "a later run knows that the table was emptied"
