"""Keys go to the partitions that Java's producer, and so Debezium, has them in."""

from __future__ import annotations

import asyncio

from tests.drivers.messages.kafka.broker import Broker
from tests.drivers.messages.kafka.numbered import read_all
from udup.drivers.messages.kafka.config import KafkaSink
from udup.drivers.messages.kafka.delivery import KafkaDelivery
from udup.pipeline.ports.delivery import DeliverySettings, Message, Unit

#: `org.apache.kafka.common.utils.Utils.murmur2`, as the test of that class (`UtilsTest.testMurmur2`) has them.
_MURMUR2 = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}

_PARTITIONS = 11


def test_a_key_has_the_partition_that_java_gives_it(broker: Broker, prefix: str) -> None:
    settings = broker.settings(prefix, Partitions=_PARTITIONS)
    asyncio.run(_write(settings))
    found = {each.key: each.partition for each in read_all(settings.plan)}
    assert found == {key: (value & 0x7FFFFFFF) % _PARTITIONS for key, value in _MURMUR2.items()}


async def _write(settings: DeliverySettings) -> None:
    delivery = KafkaDelivery(KafkaSink.of(settings.plan), settings, lambda number: None)
    await delivery.connect()
    await delivery.take_over()
    topic = f"{settings.plan.prefix}.shop.t"
    await delivery.send(Unit(1, [Message(topic, key, b"{}", "i") for key in _MURMUR2], "{}"))
    await delivery.stored()
    await delivery.close()
