"""Which topic and partition a message goes to."""

from __future__ import annotations

from typing import Any

import pytest

from udup.drivers.messages.kafka.config import KafkaSink, topic_name
from udup.drivers.messages.kafka.topics import ANY_PARTITION, route
from udup.pipeline.ports.delivery import DeliveryPlan


def _route(topic: str, **keys: Any) -> tuple[str, int]:
    return route(KafkaSink.of(DeliveryPlan(prefix="s", sink={"Brokers": "a:1", **keys})), topic)


def test_a_name_is_made_of_what_kafka_allows() -> None:
    assert topic_name("s.my db.über$t") == "s.my_db._ber_t"
    assert len(topic_name("s" * 300)) == 249


@pytest.mark.parametrize("topic", ["s.db.t", "s.transaction", "__debezium-heartbeat.s", "outbox.event.order"])
def test_each_topic_is_its_own(topic: str) -> None:
    assert _route(topic) == (topic, ANY_PARTITION)


def test_schema_changes_go_to_one_partition_of_their_topic() -> None:
    assert _route("s") == ("s", 0)
    assert _route("s", SchemaChangeTopic="ddl") == ("ddl", 0)


def test_all_tables_may_share_one_topic() -> None:
    keys = {"TopicWithSchemaTable": False}
    assert _route("s.db.t", **keys) == _route("s.db.u", **keys) == ("s", ANY_PARTITION)
    assert _route("s", **keys) == ("schema-changes.s", 0)
    assert _route("s.transaction", **keys) == ("s.transaction", ANY_PARTITION)
    assert _route("outbox.event.order", **keys) == ("outbox.event.order", ANY_PARTITION)
