"""Messages that are of no row of the log: definitions, TRUNCATE, heartbeats, snapshots; and the names of topics."""

from __future__ import annotations

import json

import pytest

from tests.drivers.messages.tables import COMMITTED_US, GTID, NOW_US, PreparedTable, encoder, inserted
from udup import __version__
from udup.drivers.messages.names import KafkaNames, SubjectNames
from udup.pipeline.ports.delivery import DefinitionText, Operation
from udup.pipeline.records import SnapshotDefinition, SnapshotRows


def _ddl(truncates: bool = False, tables: tuple[tuple[str, str], ...] = (("shop", "orders"),)) -> DefinitionText:
    changes = b'[{"type":"ALTER"}]'
    return DefinitionText("ALTER TABLE `ü`", "", tables, truncates, changes, "binlog.000003", 900, 7, 1_700_000_000, 42)


def _source(table: str) -> str:
    return (
        f'{{"version":"{__version__}","connector":"mysql","name":"shop1","ts_ms":1700000000123,"snapshot":"false",'
        '"db":"shop","sequence":null,"ts_us":1700000000123456,"ts_ns":1700000000123456000,'
        f'"table":{table},"server_id":7,"gtid":"{GTID}","file":"binlog.000003","pos":900,"row":0,"thread":42,'
        '"query":null}'
    )


def test_a_definition_is_debeziums_schema_change() -> None:
    (message,) = encoder().definition(GTID, COMMITTED_US, _ddl())
    assert (message.topic, message.key, message.id) == ("shop1", b'{"databaseName":"shop"}', f"{GTID}:ddl")
    assert message.value is not None and message.value.decode() == (
        f'{{"source":{_source(chr(34) + "orders" + chr(34))},"ts_ms":1700000000123,"databaseName":"shop",'
        '"schemaName":null,"ddl":"ALTER TABLE `ü`","tableChanges":[{"type":"ALTER"}]}'
    )
    assert encoder({"include.schema.changes": "false"}).definition(GTID, COMMITTED_US, _ddl()) == []


def test_a_statement_ahead_of_a_snapshot_is_a_schema_change_of_it() -> None:
    changes = b'[{"type":"CREATE"}]'
    record = SnapshotDefinition(
        3, 2, False, "CREATE TABLE `o`", "shop", [("shop", "o")], changes, "binlog.000003", 900, 1_700_000_000_123, ""
    )
    (message,) = encoder().snapshot_definition(record)
    assert (message.topic, message.key, message.id) == ("shop1", b'{"databaseName":"shop"}', "s3:2:ddl")
    value = json.loads(message.value or b"")
    assert (value["ddl"], value["ts_ms"], value["tableChanges"]) == (
        "CREATE TABLE `o`",
        1_700_000_000_123,
        [{"type": "CREATE"}],
    )
    source = value["source"]
    assert (source["snapshot"], source["table"], source["gtid"], source["pos"]) == ("true", "o", None, 900)
    assert encoder({"include.schema.changes": "false"}).snapshot_definition(record) == []


def test_a_definition_of_no_table_is_of_its_database() -> None:
    found = _ddl(tables=())._replace(schema="shop", changes=b"")
    (message,) = encoder(schemas=True).definition(GTID, COMMITTED_US, found)
    assert message.value is not None
    value = json.loads(message.value)
    assert value["payload"]["source"]["table"] is None and value["payload"]["tableChanges"] == []
    assert [each["field"] for each in value["schema"]["fields"]] == list(value["payload"])


def test_truncate_is_a_change_of_the_table_and_left_out_by_default() -> None:
    found = _ddl(truncates=True, tables=(("shop", "orders"), ("shop", "a.b")))
    assert encoder().definition(GTID, COMMITTED_US, found) == []
    first, second = encoder({"skipped.operations": "none"}).definition(GTID, COMMITTED_US, found)
    assert (first.topic, first.key, first.id) == ("shop1.shop.orders", None, f"{GTID}:shop.orders:trunc")
    assert (first.operation, first.table, second.id) == ("t", "shop.orders", f"{GTID}:shop.a%2Eb:trunc")
    assert first.value is not None and first.value.decode() == (
        f'{{"before":null,"after":null,"source":{_source(chr(34) + "orders" + chr(34))},"transaction":null,"op":"t",'
        '"ts_ms":1700000001000,"ts_us":1700000001000002,"ts_ns":1700000001000002000}'
    )


@pytest.mark.parametrize("form", ["debezium", "flat", "cloudevents"])
def test_truncate_has_the_form_of_the_others(form: str) -> None:
    made = encoder({"skipped.operations": "none"}, format=form)
    (message,) = made.definition(GTID, COMMITTED_US, _ddl(truncates=True))
    (row,) = made.rows(GTID, COMMITTED_US, {}, PreparedTable().event(Operation.CREATE, inserted(1)))
    assert message.value is not None and row.value is not None
    assert set(json.loads(message.value)) == set(json.loads(row.value)) - {"id", "note"} | (
        {"id"} if form == "cloudevents" else set()
    )


def test_heartbeats_come_at_their_interval() -> None:
    made = encoder({"heartbeat.interval.ms": "1000"})
    assert made.heartbeat_seconds == 1.0
    (first,) = made.heartbeat(5000)
    assert (first.topic, first.key, first.value) == (
        "__debezium-heartbeat.shop1",
        b'{"serverName":"shop1"}',
        b'{"ts_ms":5000}',
    )
    assert made.heartbeat(5999) == []
    assert [each.id for each in made.heartbeat(6000)] == ["heartbeat:6000"]
    assert encoder().heartbeat(5000) == [] and encoder().heartbeat_seconds == 0


def test_topics_follow_the_options() -> None:
    options = {
        "topic.delimiter": "_",
        "topic.transaction": "tx",
        "topic.heartbeat.prefix": "beat",
        "heartbeat.interval.ms": "1",
        "provide.transaction.metadata": "true",
    }
    made = encoder(options)
    (row,) = made.rows(GTID, COMMITTED_US, {}, PreparedTable().event(Operation.CREATE, inserted(1)))
    topics = [row.topic, made.begin(GTID, 1)[0].topic, made.heartbeat(1)[0].topic]
    assert topics == ["shop1_shop_orders", "shop1_tx", "beat_shop1"]
    named = encoder({"topic.heartbeat.name": "all.beats", "heartbeat.interval.ms": "1"})
    assert named.heartbeat(1)[0].topic == "all.beats"


def _record(rows: int, first: str = "true", last: str = "true", before: int = 0, chunk: int = 0) -> SnapshotRows:
    return SnapshotRows(b"", 3, chunk, before, rows, first, last, "binlog.000003", 157, NOW_US // 1000, "state")


def test_a_row_of_a_snapshot_is_a_read_at_the_snapshots_place() -> None:
    event = PreparedTable().event(Operation.CREATE, inserted(1))
    (message,) = encoder().snapshot(_record(1, last="last"), event, 0)
    assert (message.id, message.operation, message.key) == ("s3:shop.orders:0:0", "r", b'{"id":1}')
    assert message.value is not None and message.value.decode() == (
        f'{{"before":null,"after":{{"id":1,"note":"x"}},"source":{{"version":"{__version__}","connector":"mysql",'
        '"name":"shop1","ts_ms":1700000001000,"snapshot":"last","db":"shop","sequence":null,"ts_us":1700000001000000,'
        '"ts_ns":1700000001000000000,"table":"orders","server_id":0,"gtid":null,"file":"binlog.000003","pos":157,'
        '"row":0,"thread":null,"query":null},"transaction":null,"op":"r","ts_ms":1700000001000,'
        '"ts_us":1700000001000002,"ts_ns":1700000001000002000}'
    )


@pytest.mark.parametrize(
    ("rows", "first", "last", "expected"),
    [
        (3, "first", "last", ["first", "true", "last"]),
        (2, "first_in_data_collection", "last", ["first_in_data_collection", "last"]),
        (1, "first", "last", ["last"]),
        (1, "first", "last_in_data_collection", ["first"]),
        (1, "first_in_data_collection", "last_in_data_collection", ["last_in_data_collection"]),
        (1, "first_in_data_collection", "true", ["first_in_data_collection"]),
        (2, "true", "true", ["true", "true"]),
    ],
)
def test_markers_of_a_snapshot(rows: int, first: str, last: str, expected: list[str]) -> None:
    event = PreparedTable().event(Operation.CREATE, *map(inserted, range(rows)))
    made = encoder().snapshot(_record(rows, first, last), event, 0)
    assert [json.loads(each.value or b"")["source"]["snapshot"] for each in made] == expected


def test_rows_of_a_chunk_count_through_its_records_and_events() -> None:
    table = PreparedTable()
    record = _record(3, "first", "last", before=40, chunk=2)
    made = [
        *encoder().snapshot(record, table.event(Operation.CREATE, inserted(1), inserted(2)), 40),
        *encoder().snapshot(record, table.event(Operation.CREATE, inserted(3)), 42),
    ]
    assert [each.id for each in made] == [f"s3:shop.orders:2:{number}" for number in (40, 41, 42)]
    assert [json.loads(each.value or b"")["source"]["snapshot"] for each in made] == ["first", "true", "last"]


def test_an_incremental_snapshot_says_so() -> None:
    record = SnapshotRows(b"", 3, 0, 0, 1, "first", "last", "f", 1, 5, "", incremental=True)
    (made,) = encoder().snapshot(record, PreparedTable().event(Operation.CREATE, inserted(1)), 0)
    assert json.loads(made.value or b"")["source"]["snapshot"] == "incremental"


def test_names_by_the_rules_of_each_sink() -> None:
    parts = ("shop1", "my db", "a.b>ü")
    assert KafkaNames().joined(".", parts) == "shop1.my_db.a.b__"
    assert len(KafkaNames().joined(".", ("p", "s", "t" * 300))) == 249
    assert KafkaNames().whole("..") == "__"
    assert SubjectNames().joined(".", parts) == "shop1.my%20db.a%2Eb%3E%C3%BC"
    assert SubjectNames().joined(".", ("a.b", "s", "t")) == "a.b.s.t"
