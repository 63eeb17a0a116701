"""The messages of rows, text by text: Debezium's envelope, keys, tombstones, changes of a key."""

from __future__ import annotations

import json

import pytest

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
from udup.pipeline.ports.delivery import Operation

_SOURCE = (
    '{"version":"%s","connector":"mysql","name":"shop1","ts_ms":1700000000123,"snapshot":"false","db":"shop",'
    '"sequence":null,"ts_us":1700000000123456,"ts_ns":1700000000123456000,"table":"orders","server_id":7,'
    '"gtid":"3e11fa47-71ca-11e1-9e33-c80aa9429562:23","file":"binlog.000003","pos":500,"row":%d,"thread":42,"query":null}'
)
_TIMES = '"ts_ms":1700000001000,"ts_us":1700000001000002,"ts_ns":1700000001000002000'


def _source(row: int) -> str:
    return _SOURCE % (__version__, row)


def _value(before: str, after: str, row: int, op: str, transaction: str = "null") -> str:
    source = _source(row)
    images = f'"before":{before},"after":{after}'
    return f'{{{images},"source":{source},"transaction":{transaction},"op":"{op}",{_TIMES}}}'


@pytest.mark.parametrize("quick", [True, False])
def test_an_insert_is_debeziums_envelope_in_its_order(quick: bool) -> None:
    table = PreparedTable(quick=quick)
    first, second = encoder().rows(GTID, COMMITTED_US, {}, table.event(Operation.CREATE, inserted(1), inserted(2)))
    assert (first.topic, first.key, first.id) == ("shop1.shop.orders", b'{"id":1}', f"{GTID}:shop.orders:0")
    assert (first.operation, first.table, first.headers) == ("c", "shop.orders", ())
    assert first.value is not None and first.value.decode() == _value("null", '{"id":1,"note":"x"}', 0, "c")
    assert second.value is not None and second.value.decode() == _value("null", '{"id":2,"note":"x"}', 1, "c")


@pytest.mark.parametrize("quick", [True, False])
def test_an_update_has_both_images(quick: bool) -> None:
    (message,) = encoder().rows(GTID, COMMITTED_US, {}, PreparedTable(quick=quick).event(Operation.UPDATE, updated(1)))
    assert message.value is not None
    assert message.value.decode() == _value('{"id":1,"note":"x"}', '{"id":1,"note":"y"}', 0, "u")


@pytest.mark.parametrize("quick", [True, False])
def test_a_tombstone_follows_each_delete(quick: bool) -> None:
    table = PreparedTable(quick=quick)
    made = encoder().rows(GTID, COMMITTED_US, {}, table.event(Operation.DELETE, deleted(1), deleted(2)))
    assert [(each.key, each.value is None, each.id.removeprefix(GTID)) for each in made] == [
        (key(1), False, ":shop.orders:0"),
        (key(1), True, ":shop.orders:0:t"),
        (key(2), False, ":shop.orders:1"),
        (key(2), True, ":shop.orders:1:t"),
    ]
    assert made[0].value is not None and made[0].value.decode() == _value('{"id":1,"note":"x"}', "null", 0, "d")


@pytest.mark.parametrize("quick", [True, False])
def test_no_tombstone_without_a_key_or_if_none_is_wanted(quick: bool) -> None:
    table = PreparedTable(key_columns=(), quick=quick)
    event = table.event(Operation.DELETE, deleted(1)._replace(key=None))
    assert [each.value is None for each in encoder().rows(GTID, COMMITTED_US, {}, event)] == [False]
    event = PreparedTable(quick=quick).event(Operation.DELETE, deleted(1))
    unwanted = encoder({"tombstones.on.delete": "false"})
    assert [each.value is None for each in unwanted.rows(GTID, COMMITTED_US, {}, event)] == [False]


def test_a_changed_key_is_a_delete_a_tombstone_and_an_insert() -> None:
    event = PreparedTable().event(Operation.UPDATE, updated(5), moved(1, 2))
    _, gone, tombstone, come = encoder().rows(GTID, COMMITTED_US, {}, event)
    assert [each.id.rpartition("orders:")[2] for each in (gone, tombstone, come)] == ["1:d", "1:t", "1:c"]
    assert (gone.key, gone.operation, gone.headers) == (key(1), "d", (("__debezium.newkey", key(2)),))
    assert gone.value is not None and gone.value.decode() == _value('{"id":1,"note":"x"}', "null", 1, "d")
    assert (tombstone.key, tombstone.value) == (key(1), None)
    assert (come.key, come.operation, come.headers) == (key(2), "c", (("__debezium.oldkey", key(1)),))
    assert come.value is not None and come.value.decode() == _value("null", '{"id":2,"note":"x"}', 1, "c")


def test_rows_count_through_the_events_of_a_transaction_by_table() -> None:
    made, counts = encoder(), {}
    orders, lines = PreparedTable(), PreparedTable(name="lines")
    for table, rows in ((orders, 2), (lines, 1), (orders, 3)):
        made.rows(GTID, COMMITTED_US, counts, table.event(Operation.CREATE, *map(inserted, range(rows))))
    (last,) = made.rows(GTID, COMMITTED_US, counts, orders.event(Operation.CREATE, inserted(9)))
    assert last.id == f"{GTID}:shop.orders:5"
    assert counts == {"shop.orders": 6, "shop.lines": 1}


def test_skipped_operations_still_count() -> None:
    made, counts = encoder({"skipped.operations": "d,t"}), {}
    table = PreparedTable()
    assert made.rows(GTID, COMMITTED_US, counts, table.event(Operation.DELETE, deleted(1), deleted(2))) == []
    (message,) = made.rows(GTID, COMMITTED_US, counts, table.event(Operation.CREATE, inserted(1)))
    assert message.id == f"{GTID}:shop.orders:2"
    (half,) = made.rows(GTID, COMMITTED_US, counts, table.event(Operation.UPDATE, moved(1, 2)))
    assert half.id == f"{GTID}:shop.orders:3:c"


def test_updates_without_a_change_are_left_out_where_that_is_wanted() -> None:
    event = PreparedTable().event(Operation.UPDATE, updated(1, "x", "x"), updated(2, "x", "y"))
    made = encoder({"skip.messages.without.change": "true"}).rows(GTID, COMMITTED_US, {}, event)
    assert [each.id for each in made] == [f"{GTID}:shop.orders:1"]
    assert len(encoder().rows(GTID, COMMITTED_US, {}, event)) == 2


def test_the_statement_is_told_only_where_that_is_wanted() -> None:
    event = PreparedTable().event(Operation.CREATE, inserted(1), query='INSERT "ü"')
    told = encoder({"include.query": "true"}).rows(GTID, COMMITTED_US, {}, event)[0].value
    untold = encoder().rows(GTID, COMMITTED_US, {}, event)[0].value
    assert told is not None and '"query":"INSERT \\"ü\\""}' in told.decode()
    assert untold is not None and b'"query":null}' in untold


def test_without_a_commit_time_the_events_second_is_told() -> None:
    value = encoder().rows(GTID, 0, {}, PreparedTable().event(Operation.CREATE, inserted(1)))[0].value
    assert value is not None and json.loads(value)["source"]["ts_us"] == 1_700_000_000_000_000


def test_a_transaction_tells_each_changes_place_and_its_end_the_sums() -> None:
    made, counts = encoder({"provide.transaction.metadata": "true"}), {}
    orders, lines = PreparedTable(), PreparedTable(name="lines")
    (begin,) = made.begin(GTID, COMMITTED_US)
    first = made.rows(GTID, COMMITTED_US, counts, orders.event(Operation.CREATE, inserted(1)))
    second = made.rows(GTID, COMMITTED_US, counts, lines.event(Operation.CREATE, inserted(1)))
    third = made.rows(GTID, COMMITTED_US, counts, orders.event(Operation.UPDATE, moved(1, 2)))
    (end,) = made.end(GTID, COMMITTED_US, counts)
    assert (begin.topic, begin.key, begin.id) == (
        "shop1.transaction",
        b'{"id":"%b"}' % GTID.encode(),
        f"{GTID}:begin",
    )
    assert begin.value == (
        b'{"status":"BEGIN","id":"%b","event_count":null,"data_collections":null,"ts_ms":1700000000123}' % GTID.encode()
    )
    assert end.id == f"{GTID}:end"
    assert end.value == (
        b'{"status":"END","id":"%b","event_count":4,"data_collections":[{"data_collection":"shop.orders",'
        b'"event_count":3},{"data_collection":"shop.lines","event_count":1}],"ts_ms":1700000000123}' % GTID.encode()
    )
    values = [each.value for each in (*first, *second, *third) if each.value is not None]
    places = [json.loads(value)["transaction"] for value in values]
    assert [(each["total_order"], each["data_collection_order"]) for each in places] == [(1, 1), (2, 1), (3, 2), (4, 3)]
    block = f'{{"id":"{GTID}","total_order":1,"data_collection_order":1}}'
    assert values[0].decode() == _value("null", '{"id":1,"note":"x"}', 0, "c", block)


def test_transactions_are_told_only_where_that_is_wanted() -> None:
    assert encoder().begin(GTID, COMMITTED_US) == encoder().end(GTID, COMMITTED_US, {}) == []


def test_the_quick_way_is_asked_once_for_an_event() -> None:
    table = PreparedTable()
    encoder().rows(GTID, COMMITTED_US, {}, table.event(Operation.CREATE, *map(inserted, range(50))))
    assert len(table.asked) == 1
