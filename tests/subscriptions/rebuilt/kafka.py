"""The same into Kafka: one partition for each topic, so that the messages of a table are in order.

Those of different tables are not, so that definitions cannot be followed: they stay as they are.
"""

from __future__ import annotations

import json
from collections import Counter
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
        self._seen: Counter[str] = Counter()  # messages of each topic

    def document(self) -> Json:
        document = into_kafka(self.world, self._broker)
        config = document["Tasks"][1]["Config"]
        config |= {"Options": OPTIONS, "MaxRetries": 1000}
        config["KafkaConfig"]["Partitions"] = 1
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
        there: Counter[str] = Counter()
        found = []
        for each in topic_events(self.world, self._broker):
            there[each.subject] += 1
            if "." in each.subject and there[each.subject] > self._seen[each.subject]:
                found.append(each)
        self._seen = there
        return found


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
