"""The outbox pattern: rows of outbox tables become messages of their own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.drivers.messages.tables import COMMITTED_US, GTID, PreparedTable, encoder, inserted
from udup.base.errors import Unsupported
from udup.drivers.messages.names import KafkaNames
from udup.drivers.messages.options import option_faults
from udup.pipeline.ports.delivery import DefinitionText, DeliveryPlan, Message, Operation, RowText
from udup.pipeline.records import SnapshotRows

_TYPE = "io.debezium.transforms.outbox.EventRouter"
_BASE = {"transforms": "outbox", "transforms.outbox.type": _TYPE, "transforms.outbox.tables": "shop.outbox"}


def _options(**further: str) -> dict[str, str]:
    """Return options of the outbox; underscores stand for dots."""
    return {**_BASE, **{f"transforms.outbox.{name.replace('_', '.')}": value for name, value in further.items()}}


def _row(payload: Any = '{"total": 5, "note": null}', **further: Any) -> RowText:
    columns = {"id": "e-1", "aggregatetype": "Order", "aggregateid": "o 7", "type": "Created", "payload": payload}
    image = json.dumps({**columns, **further}).encode()
    return RowText(b'{"id":"e-1"}', None, None, image)


def _table() -> PreparedTable:
    return PreparedTable(name="outbox")


def _made(options: dict[str, str], row: RowText, **plan: Any) -> Message:
    (message,) = encoder(options, **plan).rows(GTID, COMMITTED_US, {}, _table().event(Operation.CREATE, row))
    return message


def test_an_inserted_row_goes_to_the_topic_of_its_aggregate() -> None:
    message = _made(_options(), _row())
    assert message.topic == "outbox.event.Order"
    assert message.key == b'"o 7"'
    assert message.value == json.dumps('{"total": 5, "note": null}').encode()
    assert message.headers == (("id", b"e-1"),)
    assert (message.id, message.table) == (f"{GTID}:shop.outbox:0", "shop.outbox")


def test_a_row_of_a_snapshot_is_a_message_too() -> None:
    record = SnapshotRows(b"", 1, 0, 10, 1, "first", "last", "f", 1, 5, "")
    (message,) = encoder(_options()).snapshot(record, _table().event(Operation.CREATE, _row()), 10)
    assert (message.topic, message.id) == ("outbox.event.Order", "s1:shop.outbox:0:10")


def test_deletes_and_updates_are_passed_over_and_count() -> None:
    made, counts, table = encoder(_options()), {}, _table()
    gone = table.event(Operation.DELETE, RowText(b"{}", None, b"{}", None))
    changed = table.event(Operation.UPDATE, RowText(b"{}", None, b"{}", b"{}"))
    assert made.rows(GTID, COMMITTED_US, counts, gone) == made.rows(GTID, COMMITTED_US, counts, changed) == []
    (message,) = made.rows(GTID, COMMITTED_US, counts, table.event(Operation.CREATE, _row()))
    assert message.id == f"{GTID}:shop.outbox:2"


def test_an_update_stops_the_job_where_that_is_wanted() -> None:
    made = encoder(_options(table_op_invalid_behavior="fatal"))
    with pytest.raises(Unsupported, match="were updated") as caught:
        made.rows(GTID, COMMITTED_US, {}, _table().event(Operation.UPDATE, _row()))
    assert caught.value.table == "shop.outbox"


def test_truncate_of_an_outbox_is_passed_over_as_deletes_are() -> None:
    made = encoder({**_options(), "skipped.operations": "none"})
    found = DefinitionText("TRUNCATE TABLE outbox", "shop", [("shop", "outbox"), ("shop", "orders")], True, b"[]")
    assert [message.table for message in made.definition(GTID, COMMITTED_US, found)] == ["shop.orders"]


def test_other_tables_are_as_ever() -> None:
    made = encoder(_options())
    (message,) = made.rows(GTID, COMMITTED_US, {}, PreparedTable().event(Operation.CREATE, inserted(1)))
    assert message.topic == "shop1.shop.orders"


def test_without_a_table_named_all_are_outboxes() -> None:
    options = {name: value for name, value in _BASE.items() if not name.endswith("tables")}
    made = encoder(options)
    with pytest.raises(Unsupported, match="has no column"):
        made.rows(GTID, COMMITTED_US, {}, PreparedTable().event(Operation.CREATE, inserted(1)))


def test_a_predicate_of_kafka_connect_names_the_tables() -> None:
    options = {name: value for name, value in _BASE.items() if not name.endswith("tables")} | {
        "transforms.outbox.predicate": "isOutbox",
        "predicates": "isOutbox",
        "predicates.isOutbox.type": "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
        "predicates.isOutbox.pattern": r"shop1\.shop\.out.*",
    }
    assert _made(options, _row()).topic == "outbox.event.Order"
    event = PreparedTable().event(Operation.CREATE, inserted(1))
    assert encoder(options).rows(GTID, COMMITTED_US, {}, event)[0].topic == "shop1.shop.orders"


def test_a_document_may_be_sent_as_itself() -> None:
    options = _options(table_expand_json_payload="true")
    assert _made(options, _row('{"a": 1.50, "n": [null, {}]}')).value == b'{"a":1.50,"n":[null,{}]}'
    assert _made(options, _row("no document")).value == b'"no document"'
    assert _made(options, _row("{broken")).value == b'"{broken"'
    assert _made(options, _row(None)).value == b"null"


def test_an_empty_payload_may_be_a_tombstone() -> None:
    options = _options(route_tombstone_on_empty_payload="true")
    assert [_made(options, _row(payload)).value for payload in (None, "", "  ")] == [None, None, None]
    assert _made(_options(), _row("")).value == b'""'


def test_further_columns_go_into_headers_and_envelope() -> None:
    options = _options(table_fields_additional_placement="type:header:eventType, n:envelope, type:envelope:kind")
    message = _made(options, _row("p", n=5))
    assert message.headers == (("id", b"e-1"), ("eventType", b"Created"))
    assert message.value == b'{"payload":"p","n":5,"kind":"Created"}'


def test_a_missing_column_stops_the_job_or_is_passed_over() -> None:
    options = _options(table_fields_additional_placement="nothing:header")
    with pytest.raises(Unsupported, match="no column nothing"):
        _made(options, _row())
    ignored = {**options, "transforms.outbox.table.field.additional.missing": "ignore"}
    assert _made(ignored, _row()).headers == (("id", b"e-1"),)


def test_columns_and_topics_are_named_by_options() -> None:
    options = _options(
        table_field_event_id="uuid",
        table_field_event_key="who",
        table_field_event_payload="what",
        route_by_field="where",
        route_topic_regex="(?<first>[a-z]+)-(.*)",
        route_topic_replacement="$2.${first}",
    )
    message = _made(options, _row(uuid=7, who=3, what=[1], where="abc-d f"))
    assert (message.topic, message.key, message.value) == ("d f.abc", b"3", b"[1]")
    assert message.headers == (("id", b"7"),)
    unmatched = _made(options, _row(uuid=7, who=None, what=[1], where="ABC"))
    assert (unmatched.topic, unmatched.key) == ("ABC", None)


def test_topics_are_written_by_the_sinks_rule() -> None:
    made = encoder(_options(), names=KafkaNames())
    row = _row(aggregatetype="My Order")
    (message,) = made.rows(GTID, COMMITTED_US, {}, _table().event(Operation.CREATE, row))
    assert message.topic == "outbox.event.My_Order"


@pytest.mark.parametrize("routed_by", [None, ""])
def test_a_row_that_says_no_topic_stops_the_job(routed_by: str | None) -> None:
    with pytest.raises(Unsupported, match="has no topic: its column aggregatetype"):
        _made(_options(), _row(aggregatetype=routed_by))


def test_messages_of_an_outbox_are_never_put_together() -> None:
    made = encoder(_options(), rows_per_message=10)
    messages = made.rows(GTID, COMMITTED_US, {}, _table().event(Operation.CREATE, _row(), _row()))
    assert made.packed(messages) == messages


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("type", "io.debezium.transforms.ExtractNewRecordState"),
        ("no.such", "x"),
        ("tables", "("),
        ("table.field.event.timestamp", "at"),
        ("table.fields.additional.placement", "a:partition"),
        ("table.fields.additional.placement", "a"),
        ("table.fields.additional.placement", "a:header:Nats-Msg-Id"),
        ("table.fields.additional.placement", "a:header:udup-position"),
        ("table.fields.additional.placement", "a b:header"),
        ("table.json.payload.null.behavior", "ignore"),
        ("route.topic.regex", "(?<x"),
        ("route.topic.replacement", "${other}"),
        ("route.topic.replacement", "$3"),
        ("predicate", "missing"),
        ("table.op.invalid.behavior", "maybe"),
    ],
)
def test_what_an_outbox_cannot_be_is_told(name: str, value: str) -> None:
    plan = DeliveryPlan(prefix="shop1", options={**_BASE, f"transforms.outbox.{name}": value})
    (fault,) = option_faults(plan)
    assert fault.where == f"Options.transforms.outbox.{name}" and fault.remedy


def test_an_outbox_without_its_type_is_refused() -> None:
    (fault,) = option_faults(DeliveryPlan(prefix="shop1", options={"transforms": "outbox"}))
    assert fault.where == "Options.transforms.outbox.type"
