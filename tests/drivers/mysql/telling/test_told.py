"""Where rows events begin, who wrote them and by which statement: as the source itself shows its log."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.applied import position_of, run
from udup.drivers.mysql.binlog.event import ROWS_EVENTS, EventType, with_crc_room
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.binlog.split import split
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.stream import told
from udup.drivers.mysql.stream.log import BinlogChanges
from udup.drivers.mysql.stream.told import Telling, Told, decode_told
from udup.pipeline.ports import LogPlan, Scope
from udup.pipeline.records import Definition, Part, Record, Transaction
from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection
from udup.sandbox.server import MysqlServer

GTID, ROWS, QUERY_EVENT = EventType.GTID, EventType.WRITE_ROWS, EventType.QUERY


def _event(kind: EventType, size: int, end: int, text: bytes = b"") -> bytes:
    body = text.ljust(size - 19, b"\0")
    return bytes(4) + bytes([kind]) + bytes(4) + size.to_bytes(4, "little") + end.to_bytes(4, "little") + b"\0\0" + body


def _looked(telling: Telling, *events: bytes) -> Told:
    for event in events:
        telling.look_at(event, has_crc=False)
        if event[4] in ROWS_EVENTS:
            telling.keep_rows(1)
    return decode_told(telling.take(7))


def test_events_begin_where_their_end_and_their_size_say() -> None:
    made = _looked(Telling(), _event(GTID, 60, 260), _event(ROWS, 100, 500), _event(ROWS, 50, 550))
    assert (made.starts, made.thread, made.queries) == ([400, 500], 7, {})


def test_what_is_compressed_begins_behind_the_gtid() -> None:
    made = _looked(Telling(), _event(GTID, 60, 260), _event(QUERY_EVENT, 70, 0), _event(ROWS, 100, 0))
    assert made.starts == [260]


def test_a_file_of_more_than_4_gib_goes_on_counting() -> None:
    end = (1 << 32) - 10
    made = _looked(Telling(), _event(GTID, 60, end - 100), _event(ROWS, 100, end), _event(ROWS, 50, 40))
    assert made.starts == [end - 100, (1 << 32) + 40 - 50]


def test_a_statement_is_told_once_and_ends_with_its_rows() -> None:
    telling = Telling()
    telling.look_at(_event(EventType.ROWS_QUERY, 30, 100, b"\1DELETE a"), has_crc=False)
    for end in (200, 250):
        telling.look_at(_event(ROWS, 50, end), has_crc=False)
        telling.keep_rows(1)
    telling.close_statement()
    telling.look_at(_event(ROWS, 50, 300), has_crc=False)
    telling.keep_rows(1)
    text = "DELETE a".ljust(10, "\0")
    first = decode_told(telling.take(1, 1))
    rest = decode_told(telling.take(1))
    assert first.queries == {0: text} and first.statements() == [text]
    assert rest.queries == {0: text, 1: ""} and rest.statements() == [text, None]


def test_a_long_statement_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(told, "QUERY_MAX", 4)
    text = b"\1" + "abcäöü".encode()
    made = _looked(Telling(), with_crc_room(_event(EventType.ROWS_QUERY, 19 + len(text), 0, text)), _event(ROWS, 50, 9))
    assert made.statements() == ["abc"]


# ---- A server ----


@pytest.fixture
def tables(source: MysqlServer, schema: str) -> str:
    run(
        source.endpoint,
        f"CREATE DATABASE {schema}",
        *(f"CREATE TABLE {schema}.{table} (id INT PRIMARY KEY, n INT, s LONGTEXT)" for table in ("a", "z")),
    )
    return schema


def _records(source: MysqlServer, after: GtidSet, scope: Scope, *, tells: bool = True) -> Iterator[Record]:
    wanted = position_of(source.endpoint) - after
    log = BinlogChanges(source.endpoint, LogPlan(str(uuid.uuid4()), scope, str(after), tells=tells))
    log.begin()
    try:
        for record in log:
            if isinstance(record, (Transaction, Part, Definition)):
                yield record
                if isinstance(record, Part) and not record.last:
                    continue
                wanted -= GtidSet.parse(record.id.gtid)
            elif record is not None and hasattr(record, "gtids"):
                wanted -= GtidSet.parse(record.gtids)
            if not wanted:
                return
    finally:
        log.close()


def _shown(source: MysqlServer, told_of: Told) -> dict[int, tuple[str, str]]:
    """Return what stands at each place of a log file, from there on: kind, and a statement's text.

    What stands before it is of other tests, whose statements need not be text.
    """
    with closing(connect(source.endpoint)) as connection, connection.showing_statements():
        found = query(connection, f"SHOW BINLOG EVENTS IN '{told_of.file}' FROM {told_of.starts[0]}")
    return {int(row[1]): (str(row[2]), str(row[5])) for row in found}


def _rows_of(record: Transaction) -> int:
    return sum(event[4] in ROWS_EVENTS for event in split(record.events))


def test_places_statements_and_threads_are_those_of_the_log(source: MysqlServer, tables: str) -> None:
    before = position_of(source.endpoint)
    statements = [f"INSERT INTO {tables}.a VALUES (1, 1, ''), (2, 2, '')", f"UPDATE {tables}.a SET n = 5 -- ä"]
    with closing(connect(source.endpoint)) as connection:
        query(connection, "SET SESSION binlog_rows_query_log_events = ON")
        for statement in ("BEGIN", statements[0], f"INSERT INTO {tables}.z VALUES (1, 1, '')", statements[1], "COMMIT"):
            query(connection, statement)
        query(connection, f"ALTER TABLE {tables}.a ADD COLUMN m INT")
        thread = connection.thread_id()
    transaction, definition = _records(source, before, Scope(Selection.of([(tables, ["a"])])))
    assert isinstance(transaction, Transaction) and isinstance(definition, Definition)
    made, altered = decode_told(transaction.told), decode_told(definition.told)
    shown = _shown(source, made)
    assert [shown[start][0] for start in made.starts] == ["Write_rows", "Update_rows"]
    assert made.statements() == statements
    assert made.thread == altered.thread == thread
    [start] = altered.starts
    assert shown[start][0] == "Query" and "ADD COLUMN m" in shown[start][1]


def test_a_large_transaction_is_told_with_the_part_in_which_an_event_ends(source: MysqlServer, tables: str) -> None:
    before = run(
        source.endpoint,
        f"INSERT INTO {tables}.a WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 90)"
        " SELECT n, n, REPEAT('x', 9000) FROM n",
    )
    parts = list(_records(source, before, Scope(Selection.of([(tables, ["a"])]))))
    starts: list[int] = []
    data = b""
    for part in parts:
        assert isinstance(part, Part)
        data += part.events
        starts += decode_told(part.told).starts
        ended = sum(event[4] in ROWS_EVENTS for event in _whole_events(data))
        assert len(starts) == ended
    assert len(parts) > 2
    shown = _shown(source, decode_told(parts[0].told))  # type: ignore[union-attr]
    assert starts == [start for start, (kind, _) in shown.items() if kind == "Write_rows" and start in starts]
    assert len(starts) >= 90


def _whole_events(data: bytes) -> Iterator[bytes]:
    offset = 0
    while offset + 19 <= len(data):
        size = int.from_bytes(data[offset + 9 : offset + 13], "little")
        if offset + size > len(data):
            return
        yield data[offset : offset + size]
        offset += size


def test_a_compressed_transaction_is_told_at_its_payload(source: MysqlServer, tables: str) -> None:
    before = run(
        source.endpoint,
        "SET SESSION binlog_transaction_compression = ON",
        f"INSERT INTO {tables}.a VALUES (1, 1, REPEAT('x', 9000))",
    )
    [transaction] = _records(source, before, Scope(Selection.of([(tables, ["a"])])))
    assert isinstance(transaction, Transaction)
    made = decode_told(transaction.told)
    [start] = made.starts
    assert _shown(source, made)[start][0] == "Transaction_payload"


@pytest.mark.usefixtures("naming")
def test_shaped_rows_are_told_of_and_another_log_file_has_another_name(source: MysqlServer, tables: str) -> None:
    """Rows that pass a filter are held back a while: what is told is that of their own event."""
    before = run(
        source.endpoint,
        f"INSERT INTO {tables}.a VALUES (1, 1, ''), (2, 20, '')",
        "FLUSH BINARY LOGS",
        f"UPDATE {tables}.a SET n = 21 - n",
    )
    scope = Scope(Selection((SchemaRule(tables, tables=(NameRule("a", where="n > 5"),)),)))
    inserted, updated = (record for record in _records(source, before, scope))
    assert isinstance(inserted, Transaction) and isinstance(updated, Transaction)
    one, other = decode_told(inserted.told), decode_told(updated.told)
    assert len(one.starts) == 1 and len(other.starts) == _rows_of(updated) == 2
    assert one.file != other.file
    assert _shown(source, one)[one.starts[0]][0] == "Write_rows"
    assert {_shown(source, other)[start][0] for start in other.starts} == {"Update_rows"}


def test_a_job_that_does_not_ask_is_told_nothing(source: MysqlServer, tables: str) -> None:
    before = run(source.endpoint, f"INSERT INTO {tables}.a VALUES (1, 1, '')")
    [transaction] = _records(source, before, Scope(Selection.of([(tables, ["a"])])), tells=False)
    assert isinstance(transaction, Transaction) and transaction.told == b""
