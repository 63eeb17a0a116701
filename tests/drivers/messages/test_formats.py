"""The other forms of a message: with schemas, flat, CloudEvents; several rows in one."""

from __future__ import annotations

import json
from typing import Any

from tests.drivers.messages.tables import (
    COMMITTED_US,
    GTID,
    PreparedTable,
    deleted,
    encoder,
    inserted,
    key,
    moved,
    updated,
)
from udup import __version__
from udup.drivers.messages.packing import packed
from udup.pipeline.ports.delivery import Message, Operation

_SOURCE_FIELDS = [
    ("version", "string", False),
    ("connector", "string", False),
    ("name", "string", False),
    ("ts_ms", "int64", False),
    ("snapshot", "string", True),
    ("db", "string", False),
    ("sequence", "string", True),
    ("ts_us", "int64", True),
    ("ts_ns", "int64", True),
    ("table", "string", True),
    ("server_id", "int64", False),
    ("gtid", "string", True),
    ("file", "string", False),
    ("pos", "int64", False),
    ("row", "int32", False),
    ("thread", "int64", True),
    ("query", "string", True),
]


def _made(operation: Operation, *rows: Any, **plan: Any) -> list[Message]:
    return encoder(**plan).rows(GTID, COMMITTED_US, {}, PreparedTable().event(operation, *rows))


def _loads(message: Message) -> Any:
    assert message.value is not None
    return json.loads(message.value)


def test_schemas_stand_in_front_of_key_and_value() -> None:
    (message,) = _made(Operation.CREATE, inserted(1), schemas=True)
    assert message.key == (
        b'{"schema":{"type":"struct","fields":[{"type":"int32","optional":false,"field":"id"}],"optional":false,'
        b'"name":"shop1.shop.orders.Key"},"payload":{"id":1}}'
    )
    schema, payload = (_loads(message)[name] for name in ("schema", "payload"))
    plain = _loads(_made(Operation.CREATE, inserted(1))[0])
    assert payload == plain and list(payload) == list(plain)
    assert [each["field"] for each in schema["fields"]] == list(payload)
    assert (schema["name"], schema["version"], schema["optional"]) == ("shop1.shop.orders.Envelope", 2, False)
    before, after, source, transaction = schema["fields"][:4]
    assert {**before, "field": "after"} == after and before["name"] == "shop1.shop.orders.Value"
    assert [(each["field"], each["type"], each["optional"]) for each in source["fields"]] == _SOURCE_FIELDS
    assert [name for name, *_ in _SOURCE_FIELDS] == list(payload["source"])
    assert (source["name"], source["version"]) == ("io.debezium.connector.mysql.Source", 1)
    assert (transaction["name"], transaction["version"], transaction["optional"]) == ("event.block", 1, True)


def test_schemas_are_with_every_kind_of_message() -> None:
    made = encoder({"provide.transaction.metadata": "true", "heartbeat.interval.ms": "5"}, schemas=True)
    event = PreparedTable().event(Operation.UPDATE, moved(1, 2))
    messages = [
        *made.begin(GTID, COMMITTED_US),
        *made.rows(GTID, COMMITTED_US, {}, event),
        *made.heartbeat(77),
    ]
    for message in messages:
        assert message.key is not None
        for text in filter(None, (message.key, message.value)):
            found = json.loads(text)
            assert list(found) == ["schema", "payload"]
            assert [each["field"] for each in found["schema"]["fields"]] == list(found["payload"])
    assert messages[1].headers == (("__debezium.newkey", key(2)),)


def test_a_table_without_a_key_has_none_with_schemas_either() -> None:
    table = PreparedTable(key_columns=())
    event = table.event(Operation.CREATE, inserted(1)._replace(key=None))
    assert encoder(schemas=True).rows(GTID, COMMITTED_US, {}, event)[0].key is None


def test_a_flat_message_is_the_columns_and_what_happened() -> None:
    told = f'"__gtid":"{GTID}","__ts_us":1700000000123456'.encode()
    (created,) = _made(Operation.CREATE, inserted(1), format="flat")
    assert created.value == b'{"id":1,"note":"x","__op":"c",%b,"__deleted":"false"}' % told
    (changed,) = _made(Operation.UPDATE, updated(1), format="flat")
    assert changed.value == b'{"id":1,"note":"y","__op":"u",%b,"__deleted":"false"}' % told
    gone, tombstone = _made(Operation.DELETE, deleted(1), format="flat")
    assert gone.value == b'{"id":1,"note":"x","__op":"d",%b,"__deleted":"true"}' % told
    assert (tombstone.key, tombstone.value) == (key(1), None)
    (empty,) = _made(Operation.CREATE, inserted(1)._replace(after=b"{}"), format="flat")
    assert empty.value == b'{"__op":"c",%b,"__deleted":"false"}' % told


def test_a_flat_message_tells_its_schema() -> None:
    found = _loads(_made(Operation.CREATE, inserted(1), format="flat", schemas=True)[0])
    assert [each["field"] for each in found["schema"]["fields"]] == list(found["payload"])
    assert found["schema"]["name"] == "shop1.shop.orders.Value"


def test_a_cloud_event_has_the_source_as_extensions_and_an_id_of_its_own() -> None:
    first, second = _made(Operation.CREATE, inserted(1), inserted(2), format="cloudevents")
    assert first.value is not None and first.value.decode() == (
        f'{{"id":"{GTID}:shop.orders:0","source":"/debezium/mysql/shop1","specversion":"1.0",'
        '"type":"io.debezium.connector.mysql.DataChangeEvent","time":"2023-11-14T22:13:20.123Z",'
        f'"datacontenttype":"application/json","iodebeziumop":"c","iodebeziumversion":"{__version__}",'
        '"iodebeziumconnector":"mysql","iodebeziumname":"shop1","iodebeziumtsms":"1700000000123",'
        '"iodebeziumsnapshot":"false","iodebeziumdb":"shop","iodebeziumsequence":null,'
        '"iodebeziumtsus":"1700000000123456","iodebeziumtsns":"1700000000123456000","iodebeziumtable":"orders",'
        f'"iodebeziumserverid":"7","iodebeziumgtid":"{GTID}","iodebeziumfile":"binlog.000003","iodebeziumpos":"500",'
        '"iodebeziumrow":0,"iodebeziumthread":"42","iodebeziumquery":null,"iodebeziumtxid":null,'
        '"iodebeziumtxtotalorder":null,"iodebeziumtxdatacollectionorder":null,'
        '"data":{"before":null,"after":{"id":1,"note":"x"}}}'
    )
    assert _loads(second)["id"] == second.id
    (quirk,) = _made(Operation.CREATE, inserted(1), format="cloudevents", quirks=True)
    assert _loads(quirk)["id"] == "name:shop1;file:binlog.000003;pos:500"


def test_a_cloud_event_tells_transaction_and_schema() -> None:
    options = {"provide.transaction.metadata": "true"}
    (message,) = _made(Operation.CREATE, inserted(1), format="cloudevents", options=options, schemas=True)
    found = _loads(message)
    told = [found[f"iodebeziumtx{name}"] for name in ("id", "totalorder", "datacollectionorder")]
    assert told == [GTID, "1", "1"]
    assert found["data"]["schema"]["name"] == "io.debezium.connector.mysql.Data"
    assert found["data"]["payload"] == {"before": None, "after": {"id": 1, "note": "x"}}


def test_rows_that_follow_each_other_go_in_one_message() -> None:
    made, counts = encoder(rows_per_message=3), {}
    orders, lines = PreparedTable(), PreparedTable(name="lines")
    messages: list[Message] = []
    for event in (
        orders.event(Operation.CREATE, *map(inserted, range(2))),
        orders.event(Operation.CREATE, *map(inserted, range(2, 5))),
        lines.event(Operation.CREATE, inserted(1)),
        orders.event(Operation.UPDATE, updated(1), moved(2, 12), updated(3)),
        orders.event(Operation.DELETE, deleted(1), deleted(3)),
    ):
        messages += made.rows(GTID, COMMITTED_US, counts, event)
    sent = made.packed(messages)
    assert [each.id.removeprefix(f"{GTID}:shop.") for each in sent] == [
        "orders:0-2",
        "orders:3-4",
        "lines:0",
        "orders:5",
        "orders:6:d",
        "orders:6:c",
        "orders:7",
        "orders:8-9",
    ]
    assert [len(_loads(each)) for each in sent] == [3, 2, 1, 1, 1, 1, 1, 2]
    assert [row for each in sent for row in _loads(each)] == [_loads(each) for each in messages]
    assert {each.key for each in sent if each.table == "shop.orders"} == {b'{"table":"shop.orders"}'}
    assert sent[4].headers == (("__debezium.newkey", key(12)),)


def test_rows_of_two_transactions_are_never_in_one_message() -> None:
    made = encoder(rows_per_message=10)
    table = PreparedTable()
    event = table.event(Operation.CREATE, inserted(1))
    messages = [row for gtid in (GTID, f"{GTID}4") for row in made.rows(gtid, COMMITTED_US, {}, event)]
    assert [each.id for each in made.packed(messages)] == [each.id for each in messages]


def test_a_packed_value_stays_below_its_limit() -> None:
    rows = [Message("t", None, b"x" * 40, f"{GTID}:a.t:{number}", (), "c", "a.t") for number in range(5)]
    large = Message("t", None, b"x" * 500, f"{GTID}:a.t:5", (), "c", "a.t")
    sizes = [len(each.value or b"") for each in packed([*rows, large], rows=100, max_bytes=100)]
    assert sizes == [83, 83, 42, 502]


def test_one_row_a_message_is_what_it_is() -> None:
    messages = _made(Operation.CREATE, inserted(1), inserted(2))
    assert encoder().packed(messages) == messages
