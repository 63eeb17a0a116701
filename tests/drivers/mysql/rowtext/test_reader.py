"""Records as texts: cut anywhere, with and without what the log tells beside them, of snapshots and of definitions."""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec
import pytest

from tests.drivers.mysql.rows.recording import read
from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.build import build
from udup.drivers.mysql.binlog.event import CRC_SIZE, HEADER, ROWS_EVENTS, EventType, resized
from udup.drivers.mysql.ddl.query_classifier import QueryClassifier
from udup.drivers.mysql.rowtext.options import ValueOptions
from udup.drivers.mysql.rowtext.reader import MysqlRecordReader
from udup.drivers.mysql.stream.assembly import Assembler
from udup.drivers.mysql.stream.told import Telling
from udup.drivers.mysql.telling.told import Told, encode
from udup.pipeline.ports.delivery import Operation, RowsText
from udup.pipeline.records import CommitOrder, Definition, Part, SnapshotRows, Transaction, TransactionId
from udup.pipeline.selection.renames import Renaming
from udup.pipeline.selection.selection import Selection

EVENTS = read().events
ROWS = [event for event in EVENTS if event[4] in ROWS_EVENTS]
ID = TransactionId("3e11fa47-71ca-11e1-9e33-c80aa9429562", 7, CommitOrder(0, 1, 0))


def transaction(events: list[bytes], told: bytes = b"") -> Transaction:
    return Transaction(ID, b"".join(events), told=told)


def reader() -> MysqlRecordReader:
    return MysqlRecordReader(ValueOptions())


def seen(found: Iterator[RowsText]) -> list[tuple[str, str, bytes]]:
    return [(each.table.name, each.operation, each.event) for each in found]


def test_a_transaction_s_rows_events_come_with_their_tables() -> None:
    found = list(reader().rows(transaction(EVENTS)))
    assert [each.event for each in found] == ROWS
    assert {each.table.schema for each in found} == {"rec"}
    assert [each.table.name for each in found][:5] == ["t"] * 5
    assert {each.operation for each in found} == {Operation.CREATE, Operation.UPDATE, Operation.DELETE}
    assert all(len(each.table.rows(each.event)) >= 1 for each in found)


def test_the_same_definition_is_read_by_the_same_functions() -> None:
    one = reader()
    tables = {each.table.name: each.table for each in one.rows(transaction(EVENTS))}
    assert all(each.table is tables[each.table.name] for each in one.rows(transaction(EVENTS)))


@pytest.mark.parametrize("size", [1, 17, 400, 5000])
def test_parts_are_cut_anywhere(size: int) -> None:
    data = b"".join(EVENTS[: 12 if size == 1 else None])
    wanted = [event for event in EVENTS[: 12 if size == 1 else None] if event[4] in ROWS_EVENTS]
    one = reader()
    found = []
    for index, start in enumerate(range(0, len(data), size)):
        part = Part(ID, index, start + size >= len(data), data[start : start + size])
        found += [each.event for each in one.rows(part)]
    assert found == wanted


def test_a_transaction_that_was_left_off_is_forgotten_with_the_next_one() -> None:
    one = reader()
    data = b"".join(EVENTS)
    list(one.rows(Part(ID, 0, False, data[:1000])))
    assert seen(one.rows(Part(ID, 0, True, data))) == seen(reader().rows(transaction(EVENTS)))


def test_what_the_log_tells_is_told_of_each_event() -> None:
    events = EVENTS[:5]
    rows = [event for event in events if event[4] in ROWS_EVENTS]
    starts = [1000 + 10 * number for number in range(len(rows))]
    told = encode(Told("binlog.000007", 42, starts, {1: "INSERT …"}))
    found = list(reader().rows(transaction(events, told)))
    assert [each.position for each in found] == starts
    assert {(each.file, each.thread) for each in found} == {("binlog.000007", 42)}
    assert [each.query for each in found] == [None] + ["INSERT …"] * (len(rows) - 1)
    seconds, _, server_id, _, _, _ = HEADER.unpack_from(rows[0])
    assert (found[0].seconds, found[0].server_id) == (seconds, server_id)


def test_where_nothing_is_told_the_event_says_where_it_began() -> None:
    (found, *_) = reader().rows(transaction(EVENTS))
    end = int.from_bytes(ROWS[0][13:17], "little")
    assert (found.file, found.thread, found.query) == ("", None, None)
    assert found.position == max(end - len(ROWS[0]), 0)


def test_rows_of_a_snapshot_are_read_and_stand_where_it_stands() -> None:
    record = SnapshotRows(
        b"".join(EVENTS[:2]), 1, 2, 0, 1, "first", "true", "binlog.000003", 157, 1_700_000_000_123, ""
    )
    (found,) = reader().rows(record)
    assert found.operation is Operation.READ and found.table.name == "t"
    assert (found.file, found.position, found.seconds) == ("binlog.000003", 157, 1_700_000_000)
    assert (found.server_id, found.thread) == (0, None)


def test_events_without_a_checksum_are_read_by_their_format() -> None:
    bare = [resized(event[:-4], has_crc=False) for event in EVENTS[:2]]
    one = reader()
    with_crc = list(one.rows(transaction(EVENTS[:2])))
    one.set_format(build(EventType.FORMAT_DESCRIPTION, bytes(57) + b"\0", with_crc=True))
    (found,) = one.rows(transaction(bare))
    assert found.table.rows(found.event) == with_crc[0].table.rows(with_crc[0].event)


def test_rows_without_a_table_map_are_refused() -> None:
    with pytest.raises(Unsupported, match="no TABLE_MAP in front of it") as refused:
        list(reader().rows(transaction([ROWS[0]])))
    assert refused.value.gtid == ID.gtid


def test_a_table_map_without_names_is_refused_with_what_to_do() -> None:
    table_map = EVENTS[0]
    names = table_map.index(b"\x04" + _lenenc_size(table_map))
    minimal = resized(table_map[:names] + bytes(4), has_crc=True)
    with pytest.raises(Unsupported, match="SET PERSIST binlog_row_metadata=FULL"):
        list(reader().rows(transaction([minimal, ROWS[0]])))


def _lenenc_size(table_map: bytes) -> bytes:
    """Return the length of the field of names, whose first is `id`."""
    at = table_map.index(b"\x02id\x02ti")
    return table_map[at - 3 : at] if table_map[at - 3] == 0xFC else table_map[at - 1 : at]


# ---- Definitions ----


def query_event(sql: str, schema: bytes = b"shop", charset: bytes = b"\x04\x2d\x00\x2d\x00\x2d\x00") -> bytes:
    """Return a Query event as a `Definition` has it: the assembly has taken the CRC off."""
    status = charset
    fixed = (42).to_bytes(4, "little") + bytes(4) + bytes([len(schema)]) + bytes(2) + len(status).to_bytes(2, "little")
    return logged_event(EventType.QUERY, fixed + status + schema + b"\0" + sql.encode())[:-CRC_SIZE]


def logged_event(kind: EventType, body: bytes) -> bytes:
    event = build(kind, body, with_crc=True)
    return resized(HEADER.pack(1_700_000_000, kind, 9, 0, 1000, 0) + event[19:], has_crc=True)


@pytest.mark.parametrize(
    ("sql", "schema", "tables", "truncates"),
    [
        ("CREATE TABLE t (id INT PRIMARY KEY)", "shop", [("shop", "t")], False),
        ("ALTER TABLE `other`.`ö` ADD COLUMN c INT", "other", [("other", "ö")], False),
        ("DROP TABLE a, b.c", "shop", [("shop", "a"), ("b", "c")], False),
        ("RENAME TABLE a TO b", "shop", [("shop", "a"), ("shop", "b")], False),
        ("TRUNCATE TABLE t", "shop", [("shop", "t")], True),
        ("CREATE DATABASE other", "other", [], False),
    ],
)
def test_a_definition_is_told_with_what_it_names(
    sql: str, schema: str, tables: list[tuple[str, str]], truncates: bool
) -> None:
    told = encode(Told("binlog.000007", 42, [4711]))
    found = reader().definition(Definition(ID, query_event(sql), "", told=told))
    assert (found.statement, found.schema, list(found.tables), found.truncates) == (sql, schema, tables, truncates)
    assert (found.file, found.position, found.thread) == ("binlog.000007", 4711, 42)
    assert (found.seconds, found.server_id) == (1_700_000_000, 9)
    untold = reader().definition(Definition(ID, query_event(sql), ""))
    assert untold.file == "" and untold.position == 1000 - len(query_event(sql)) - CRC_SIZE


@pytest.mark.parametrize(("folds", "name"), [(False, "Orders"), (True, "orders")])
def test_a_definition_of_the_assembly_is_told_to_its_last_letter(folds: bool, name: str) -> None:
    """Its tables have the names that their rows have, also where the source keeps those in lower case."""
    selection = Selection()
    decide = QueryClassifier(selection, False, Renaming(selection)).decide
    assembler = Assembler(selection, decide, telling=Telling(folds_names=folds))
    gtid = bytes(1) + bytes(range(16)) + (7).to_bytes(8, "little") + b"\2" + bytes(8) + (1).to_bytes(8, "little")
    statement = "TRUNCATE TABLE Orders"
    query = query_event(statement) + bytes(CRC_SIZE)
    events = [logged_event(EventType.GTID, gtid), resized(query, has_crc=True)]
    made = [record for event in events for record in assembler.feed(event)]
    (definition,) = (record for record in made if isinstance(record, Definition))
    found = reader().definition(definition)
    assert (found.statement, list(found.tables), found.truncates) == (statement, [("shop", name)], True)
    assert found.position == 1000 - len(query)


def test_tables_that_are_gone_are_changes_and_of_others_nothing_is_known() -> None:
    dropped = reader().definition(Definition(ID, query_event("DROP TABLE a, b.c"), ""))
    assert json.loads(dropped.changes) == [
        {"type": "DROP", "id": '"shop"."a"', "table": None},
        {"type": "DROP", "id": '"b"."c"', "table": None},
    ]
    assert _changed("ALTER TABLE a ADD COLUMN b INT") == [{"type": "ALTER", "id": '"shop"."a"', "table": None}]
    assert _changed("TRUNCATE TABLE a") == _changed("CREATE DATABASE a") == []


def _changed(sql: str, *tables: tuple[str, str, bytes]) -> object:
    told = encode(Told("binlog.000007", 42, [4711], tables=list(tables)))
    return json.loads(reader().definition(Definition(ID, query_event(sql), "", told=told)).changes)


def test_what_the_dictionary_says_of_tables_stands_in_their_changes() -> None:
    of_a, of_b = ("shop", "a", b'{"columns":[1]}'), ("shop", "b", b'{"columns":[2]}')
    made, other = {"columns": [1]}, {"columns": [2]}
    assert _changed("CREATE TABLE a (b INT)", of_a) == [{"type": "CREATE", "id": '"shop"."a"', "table": made}]
    assert _changed("CREATE INDEX i ON a (b)", of_a) == [{"type": "ALTER", "id": '"shop"."a"', "table": made}]
    renamed = [{"type": "ALTER", "id": '"shop"."a","shop"."b"', "table": other}]
    assert _changed("RENAME TABLE a TO b", of_b) == _changed("ALTER TABLE a RENAME TO b", of_b) == renamed


def test_a_record_told_in_the_form_of_before_is_read() -> None:
    old = msgspec.msgpack.encode(("binlog.000007", 42, [4711], {}))
    found = reader().definition(Definition(ID, query_event("ALTER TABLE a ADD b INT"), "", told=old))
    assert (found.file, found.position) == ("binlog.000007", 4711)


def test_rows_behind_a_definition_are_read_by_what_the_dictionary_says_then() -> None:
    facts = msgspec.msgpack.encode([("rec", "t", "ti", "tinyint(1)", None)])
    one = MysqlRecordReader(ValueOptions(tinyint1=True))

    def first() -> object:
        found = next(one.rows(transaction(EVENTS)))
        return json.loads(found.table.rows(found.event)[0].after or b"")["ti"]

    def altered(facts: bytes) -> None:
        told = encode(Told("binlog.000007", 42, [4711], tables=[("rec", "t", b"{}")], facts=facts))
        one.definition(Definition(ID, query_event("ALTER TABLE rec.t MODIFY ti TINYINT(1)"), "", told=told))

    number = first()
    assert isinstance(number, int) and not isinstance(number, bool)
    altered(facts)
    assert first() is bool(number)
    altered(msgspec.msgpack.encode([]))
    assert first() == number and not isinstance(first(), bool)
