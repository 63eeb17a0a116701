"""A run's hold on Kafka: what it stores, what it finds, how it is fenced off, and what it refuses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from tests.drivers.contract.job import in_loop
from tests.drivers.messages.kafka.broker import Broker
from tests.drivers.messages.kafka.numbered import assert_each_once_in_order, message, read_all, unit
from udup.base.errors import Divergence, Refused, Superseded, Transient, Unavailable
from udup.drivers.messages.kafka import position, topics, writer
from udup.drivers.messages.kafka.config import KafkaSink
from udup.drivers.messages.kafka.delivery import KafkaDelivery
from udup.drivers.messages.kafka.errors import Heard
from udup.drivers.messages.kafka.position import Patience, read_until, watermarks
from udup.pipeline.ports.delivery import DeliveryPlan, DeliverySettings, FoundPlace, Message, Unit
from udup.sandbox.ports import free_port


def _ignore(number: int) -> None:
    """For runs of which nobody asks what is stored."""


@asynccontextmanager
async def _run(
    settings: DeliverySettings, on_stored: Callable[[int], None] = _ignore
) -> AsyncIterator[tuple[KafkaDelivery, FoundPlace]]:
    """A run that has taken the sink over, and what it has found."""
    delivery = KafkaDelivery(KafkaSink.of(settings.plan), settings, on_stored)
    try:
        await delivery.connect()
        yield delivery, await delivery.take_over()
    finally:
        await delivery.close()


async def _store(settings: DeliverySettings, *units: Unit) -> FoundPlace:
    """Store units in a run of their own, and return what it had found."""
    async with _run(settings) as (delivery, found):
        for each in units:
            await delivery.send(each)
        await delivery.stored()
        return found


@in_loop
async def test_a_run_finds_the_position_of_the_one_before(broker: Broker, prefix: str) -> None:
    settings = broker.settings(prefix)
    assert await _store(settings, unit(prefix, 1, 0, 10), unit(prefix, 2, 10, 20)) == FoundPlace(None)
    assert await _store(settings) == FoundPlace('{"next": 20}')
    assert await _store(settings, Unit(1, [], "a position alone")) == FoundPlace('{"next": 20}')
    assert await _store(settings) == FoundPlace("a position alone")
    assert_each_once_in_order(read_all(settings.plan), 20)


@in_loop
async def test_jobs_of_one_prefix_have_positions_of_their_own(broker: Broker, prefix: str) -> None:
    await _store(broker.settings(prefix), unit(prefix, 1, 0, 10))
    assert await _store(broker.settings(prefix, job="job-2"), Unit(1, [], "second")) == FoundPlace(None)
    assert await _store(broker.settings(prefix)) == FoundPlace('{"next": 10}')
    assert await _store(broker.settings(prefix, job="job-2")) == FoundPlace("second")


@in_loop
async def test_a_message_is_kept_with_its_key_headers_and_id(broker: Broker, prefix: str) -> None:
    settings = broker.settings(prefix)
    topic = f"{prefix}.my shop.t"
    messages = [
        Message(topic, b'{"id":1}', b'{"op":"d"}', "g:1:shop.t:0:d", (("__debezium.newkey", b'{"id":2}'),)),
        Message(topic, b'{"id":1}', None, "g:1:shop.t:0:t"),
        Message(topic, None, b'{"op":"t"}', "g:2:shop.t:trunc"),
    ]
    await _store(settings, Unit(1, messages, "{}"))
    found = read_all(settings.plan)
    assert [(each.key, each.value, each.id) for each in found] == [(m.key, m.value, m.id) for m in messages]
    assert {each.subject for each in found} == {f"{prefix}.my_shop.t"}
    sink, heard = KafkaSink.of(settings.plan), Heard()
    (first, *_) = read_until(sink, {(f"{prefix}.my_shop.t", 0): (0, 3)}, heard, Patience.of_a_look())
    assert first.headers() == [("udup-id", b"g:1:shop.t:0:d"), ("__debezium.newkey", b'{"id":2}')]


@in_loop
async def test_units_are_told_as_stored_in_their_order(broker: Broker, prefix: str) -> None:
    told: list[int] = []
    async with _run(broker.settings(prefix), told.append) as (delivery, _):
        for number in range(1, 31):
            await delivery.send(unit(prefix, number, number * 10, number * 10 + 10))
        await delivery.stored()
    assert told == sorted(set(told)) and told[-1] == 30
    assert len(told) < 30  # those that waited went together


@in_loop
async def test_a_group_of_one_byte_is_a_transaction_for_each_unit(broker: Broker, prefix: str) -> None:
    told: list[int] = []
    async with _run(broker.settings(prefix, MessageGroupMaxSize=1), told.append) as (delivery, _):
        for number in range(1, 6):
            await delivery.send(unit(prefix, number, number, number + 1))
        await delivery.stored()
    assert told == [1, 2, 3, 4, 5]


@in_loop
async def test_a_unit_may_wait_for_others(broker: Broker, prefix: str) -> None:
    told: list[int] = []
    units = [unit(prefix, number, number * 10, number * 10 + 10) for number in range(1, 4)]
    size = sum(len(each.value or b"") + len(each.key or b"") for unit in units for each in unit.messages)
    async with _run(broker.settings(prefix, MessageGroupMaxSize=size, MessageGroupTimeout=10_000), told.append) as run:
        for each in units:
            await run[0].send(each)
        await run[0].stored()
    assert told == [3]


@in_loop
async def test_topics_have_the_partitions_that_the_job_says(broker: Broker, prefix: str) -> None:
    settings = broker.settings(prefix, Partitions=3)
    changes = Message(prefix, b'{"databaseName":"shop"}', b"{}", "g:1:ddl")
    await _store(settings, Unit(1, [message(prefix, 0), changes], "{}"))
    found = Producer({"bootstrap.servers": broker.address}).list_topics(timeout=10).topics
    assert [len(found[name].partitions) for name in (f"{prefix}.shop.t0", prefix, f"{prefix}.position")] == [3, 1, 1]


@in_loop
async def test_a_second_run_fences_the_first_off(broker: Broker, prefix: str) -> None:
    settings = broker.settings(prefix)
    async with _run(settings) as (first, _):
        await first.send(unit(prefix, 1, 0, 10))
        await first.stored()
        async with _run(settings) as (second, found):
            assert found.position == '{"next": 10}'
            await first.send(unit(prefix, 2, 10, 30))
            with pytest.raises(Superseded, match="another run of this job"):
                await first.stored()
            with pytest.raises(Superseded):
                await first.check()
            await second.send(unit(prefix, 1, 10, 20))
            await second.stored()
    assert_each_once_in_order(read_all(settings.plan), 20)


def _open_transaction(broker: Broker, transactional_id: str, *records: tuple[str, bytes, bytes]) -> Any:
    """A producer whose transaction has these records, on the broker and not committed."""
    producer = Producer({"bootstrap.servers": broker.address, "transactional.id": transactional_id})
    producer.init_transactions(10)
    producer.begin_transaction()
    for topic, key, value in records:
        producer.produce(topic, value, key, 0)
    assert producer.flush(10) == 0
    return producer


@in_loop
@pytest.mark.parametrize("transactional", [True, False])
async def test_a_run_that_was_granted_before_adds_nothing_however_late_it_comes(
    broker: Broker, prefix: str, transactional: bool
) -> None:
    """Its node stood still before it took the topics over. The later run has found a position, and stored nothing."""

    def granted(number: int) -> DeliverySettings:
        made = broker.settings(prefix, run=number, Transactional=transactional)
        return replace(made, owner=f"node-{number}", number=number)

    await _store(granted(7), unit(prefix, 1, 0, 10))
    async with _run(granted(9)) as (new, found):
        assert found.position == '{"next": 10}'
        if not transactional:
            await new.send(unit(prefix, 1, 10, 20))
            await new.stored()
        with pytest.raises(Superseded, match=r"node-9 \(run 9\) has taken .* over, and is a later run"):
            await _store(granted(8), unit(prefix, 1, 10, 20))
    if transactional:
        await _store(granted(10), unit(prefix, 1, 10, 20))
    alone = replace(granted(3), number=0)
    assert (await _store(alone)).position == '{"next": 20}', "a node that is alone again"
    assert_each_once_in_order(read_all(alone.plan), 20)


@in_loop
async def test_what_a_killed_run_has_left_open_is_seen_by_nobody(broker: Broker, prefix: str) -> None:
    settings = broker.settings(prefix)
    await _store(settings, unit(prefix, 1, 0, 10))
    topic = f"{prefix}.shop.t0"
    left_open = _open_transaction(
        broker,
        f"udup-{prefix}-job-1",
        (topic, b'{"id":0}', b'{"n": 10}'),
        (f"{prefix}.position", b"job-1", b'{"next": 11}'),
    )
    assert await _store(settings, unit(prefix, 1, 10, 20)) == FoundPlace('{"next": 10}')
    assert_each_once_in_order(read_all(settings.plan), 20)
    reader = position.consumer(KafkaSink.of(settings.plan), Heard(), "read_uncommitted")
    assert watermarks(reader, topic, 0)[1] > 11  # the open record, and marks of transactions, are there
    reader.close()
    left_open.purge()


@in_loop
async def test_a_topic_of_positions_that_shows_none_is_no_beginning(broker: Broker, prefix: str) -> None:
    broken = _open_transaction(broker, f"other-{prefix}", (f"{prefix}.position", b"job-1", b"{}"))
    broken.abort_transaction(10)
    with pytest.raises(Divergence, match=r"To begin again would deliver everything twice -- set its cleanup\.policy"):
        await _store(broker.settings(prefix), unit(prefix, 1, 0, 10))
    assert read_all(broker.plan(prefix)) == []


@in_loop
async def test_a_position_that_may_have_been_removed_by_age_is_no_beginning(broker: Broker, prefix: str) -> None:
    """What is left are positions of other jobs, which were written later: the topic's first record is gone."""
    other = Producer({"bootstrap.servers": broker.address})
    other.produce(f"{prefix}.position", b"{}", b"job-2", 0)
    assert other.flush(10) == 0
    with pytest.raises(Divergence, match="has not its first record any more"):
        await _store(broker.settings(prefix), unit(prefix, 1, 0, 10))
    assert await _store(broker.settings(prefix, job="job-2")) == FoundPlace("{}")  # that one is there
    assert read_all(broker.plan(prefix)) == []


@in_loop
async def test_another_jobs_open_transaction_does_not_hide_the_last_position(
    broker: Broker, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = broker.settings(prefix)
    async with _run(settings) as (delivery, _):
        await delivery.send(unit(prefix, 1, 0, 10))
        await delivery.stored()
        other = _open_transaction(broker, f"udup-{prefix}-job-2", (f"{prefix}.position", b"job-2", b"{}"))
        await delivery.send(unit(prefix, 2, 10, 20))
        await delivery.stored()
    monkeypatch.setattr(writer, "START_SECONDS", 2.0)
    with pytest.raises(Unavailable, match=r"up to its end: .* A transaction is open there"):
        await _store(settings)
    other.abort_transaction(10)
    assert await _store(settings) == FoundPlace('{"next": 20}')


@in_loop
async def test_a_cluster_that_is_away_is_waited_for(
    server_folder: Path, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topics, "ANSWER_SECONDS", 1.0)
    plan = DeliveryPlan(prefix=prefix, sink={"Brokers": [f"127.0.0.1:{free_port()}"]})
    delivery = KafkaDelivery(KafkaSink.of(plan), DeliverySettings("job-1", 1, "node-1", plan), _ignore)
    with pytest.raises(Unavailable, match=r"asking Kafka at 127\.0\.0\.1:\d+: .*Connection refused.*look at Brokers"):
        await delivery.connect()
    await delivery.close()


@in_loop
async def test_a_broker_that_dies_is_told_by_a_check_and_holds_up_no_end(
    own_broker: Broker, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_CHECK_SECONDS", 1.0)
    own_broker.start()
    async with _run(own_broker.settings(prefix)) as (delivery, _):
        await delivery.check()
        own_broker.kill()
        await delivery.send(unit(prefix, 1, 0, 10))
        with pytest.raises(Unavailable, match="asking Kafka at"):
            await delivery.check()
        await asyncio.wait_for(delivery.close(), 8)  # an answer may take 20 s, a transaction 60 s


@in_loop
async def test_a_message_that_is_too_large_is_refused_by_name(broker: Broker, prefix: str) -> None:
    settings = broker.settings(prefix)
    large = Message(f"{prefix}.shop.t", b"{}", b"x" * 1_100_000, "3e11fa47:7:shop.t:0", table="shop.t")
    with pytest.raises(Refused) as refused:
        await _store(settings, Unit(1, [message(prefix, 0), large], "{}"))
    (fault,) = refused.value.faults
    assert fault.where == "the table shop.t" and "raise MaxMessageBytes" in fault.remedy
    assert fault.problem == "the message 3e11fa47:7:shop.t:0 has 1100021 bytes, and the topic takes 999900"
    assert (refused.value.gtid, refused.value.table) == ("3e11fa47:7", "shop.t")
    assert read_all(settings.plan) == []


@in_loop
async def test_a_message_that_is_too_large_goes_without_its_longest_value(broker: Broker, prefix: str) -> None:
    plan = broker.plan(prefix, "skip-values")
    value = b'{"before":null,"after":{"id":1,"doc":"%s"},"op":"c"}' % (b"x" * 1_100_000)
    await _store(
        DeliverySettings("job-1", 1, "n", plan), Unit(1, [Message(f"{prefix}.shop.t", b"k", value, "i")], "{}")
    )
    (found,) = read_all(plan)
    assert found.value == b'{"before":null,"after":{"id":1,"doc":"__debezium_unavailable_value"},"op":"c"}'


@in_loop
async def test_topics_are_awaited_where_the_job_may_make_none(broker: Broker, prefix: str) -> None:
    settings = broker.settings(prefix, CreateTopics=False)
    await _store(settings, unit(prefix, 1, 0, 10))  # this broker makes those that are asked for
    assert_each_once_in_order(read_all(settings.plan), 10)


@in_loop
async def test_a_topic_that_is_deleted_is_made_again_as_the_job_says(broker: Broker, prefix: str) -> None:
    """Not by the brokers' defaults, and without a transaction's time to wait."""
    settings = broker.settings(prefix, Partitions=3)
    admin = AdminClient({"bootstrap.servers": broker.address})
    async with _run(settings) as (delivery, _):
        await delivery.send(unit(prefix, 1, 0, 10))
        await delivery.stored()
        admin.delete_topics([f"{prefix}.shop.t0"])[f"{prefix}.shop.t0"].result(10)
        await delivery.send(unit(prefix, 2, 10, 20))
        with pytest.raises(Transient, match=rf"somebody has deleted the topic {prefix}\.shop\.t0"):
            await asyncio.wait_for(delivery.stored(), 30)
    assert await _store(settings, unit(prefix, 1, 10, 20)) == FoundPlace('{"next": 10}')
    assert len(admin.list_topics(timeout=10).topics[f"{prefix}.shop.t0"].partitions) == 3
    assert {each.id for each in read_all(settings.plan)} >= {message(prefix, number).id for number in range(10, 20)}


@in_loop
async def test_a_topic_of_positions_has_one_partition(broker: Broker, prefix: str) -> None:
    """The last position is the last record: with several partitions nobody could say which one that is."""
    admin = AdminClient({"bootstrap.servers": broker.address})
    name = f"{prefix}.position"
    admin.create_topics([NewTopic(name, 3, 1)])[name].result(10)
    with pytest.raises(Refused, match=rf"the topic {prefix}\.position has 3 partitions, and positions need one"):
        await _store(broker.settings(prefix))


@in_loop
async def test_without_transactions_what_lies_behind_the_position_is_found(broker: Broker, prefix: str) -> None:
    settings = broker.settings(prefix, Transactional=False, Partitions=2)
    assert await _store(settings, unit(prefix, 1, 0, 10)) == FoundPlace(None)
    async with _run(settings) as (delivery, found):
        assert found == FoundPlace('{"next": 10}')
        writer = delivery._writer
        writer._make_topics([unit(prefix, 1, 10, 13)])
        writer._produce([unit(prefix, 1, 10, 13)])  # as by a run that is killed before its position
        assert writer._producer.flush(10) == 0
    found = await _store(settings)
    assert found.position == '{"next": 10}'
    assert set(found.ids) == {message(prefix, number).id for number in (10, 11, 12)}
    await _store(settings, unit(prefix, 1, 13, 20))
    found = await _store(settings)
    assert found.position == '{"next": 20}'
    assert set(found.ids) <= {message(prefix, number).id for number in range(20)}
    assert_each_once_in_order(read_all(settings.plan), 20)


@in_loop
async def test_without_transactions_a_unit_that_must_be_whole_is_refused(broker: Broker, prefix: str) -> None:
    with pytest.raises(Refused, match=r"KafkaConfig\.Transactional: is false"):
        await _store(broker.settings(prefix, Transactional=False), Unit(1, [message(prefix, 0)], "{}", atomic=True))
