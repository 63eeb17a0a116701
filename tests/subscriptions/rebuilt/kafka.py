"""The same into Kafka: all in one topic of one partition, definitions too, so messages are in the order of the log."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.drivers.messages.kafka.broker import Broker
from tests.drivers.messages.kafka.numbered import read_all
from tests.subscriptions.rebuilt.run import OPTIONS, Plan, Rebuilding
from tests.subscriptions.world import Event, Subscribed
from udup.sandbox.api import Json


class IntoKafka(Rebuilding):
    """With `broker` among the victims, it is killed too."""

    def __init__(self, world: Subscribed, broker: Broker, plan: Plan, say: Callable[[str], None]) -> None:
        super().__init__(world, plan, say)
        self._broker = broker

    def document(self) -> Json:
        document = into_kafka(self.world, self._broker)
        config = document["Tasks"][1]["Config"]
        config |= {"Options": OPTIONS, "MaxRetries": 1000}
        config["KafkaConfig"] |= {"TopicWithSchemaTable": False, "SchemaChangeTopic": self.world.name, "Partitions": 1}
        return document

    def _kill(self, victim: str) -> None:
        if victim != "broker":
            super()._kill(victim)
            return
        self._broker.kill()
        self._broker.start()
        self.kills[victim] += 1
        self.say("killed broker")

    def new_events(self) -> list[Event]:
        found = [each for each in topic_events(self.world, self._broker) if each.subject == self.world.name]
        first, self._read = self._read, len(found)
        return found[first:]


def into_kafka(world: Subscribed, broker: Broker) -> Json:
    """Return the document of a job into this broker."""
    document = world.document()
    document["Tasks"][1] = {
        "Type": "Dest",
        "Driver": "Kafka",
        "Config": {"Prefix": world.name, "KafkaConfig": {"Brokers": [broker.address]}},
    }
    return document


def topic_events(world: Subscribed, broker: Broker, ending: str = "") -> list[Event]:
    """Return the committed messages of the job's topics whose names end so, those of each in their order."""
    found = read_all(broker.plan(world.name))
    return [
        Event(
            each.subject,
            None if each.key is None else json.loads(each.key),
            None if each.value is None else json.loads(each.value),
            each.id,
            {},
        )
        for each in found
        if each.subject.endswith(ending)
    ]
