"""Names of topics, and topics made before the first message goes there.

A message says its topic as Debezium names it; here are Kafka's rules for names, which are Debezium's too: what is not
a letter, digit, `.`, `_` or `-` becomes `_`, so that two tables may share a topic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
)

from udup.base import runtime
from udup.base.errors import Refused, Unavailable
from udup.drivers.messages.kafka.config import MESSAGE_BYTES, KafkaSink, fault, topic_name
from udup.drivers.messages.kafka.errors import Heard, failure

#: Seconds to wait for an answer of the brokers.
ANSWER_SECONDS = 10.0

#: Seconds of one wait within a longer one.
_SLICE_SECONDS = 0.5

#: What a partitioner decides.
ANY_PARTITION = -1

#: Bytes that a batch has beside its largest message: Kafka's own default leaves as many.
_BATCH_BYTES = 48 << 10

#: Of the topic of positions. Only segments that are closed are compacted; the default, 1 GB, would all be read at each
#: start. 50 MB is the least that hosted Kafka takes.
_POSITION_SETTINGS = {
    "cleanup.policy": "compact",
    "segment.bytes": str(50 << 20),
    "min.cleanable.dirty.ratio": "0.1",
}

_REFUSES_SETTINGS = (KafkaError.INVALID_CONFIG, KafkaError.POLICY_VIOLATION)


def route(sink: KafkaSink, topic: str) -> tuple[str, int]:
    """Return the topic and the partition that a message of this topic goes to.

    Schema changes go to one partition always. All in one topic: events of tables are those that are named below the
    prefix by schema and table.
    """
    if topic == sink.prefix:
        return topic_name(sink.schema_change_topic or _default_changes(sink)), 0
    is_table = topic.startswith(f"{sink.prefix}.") and topic != f"{sink.prefix}.transaction"
    if is_table and not sink.topic_per_table:
        return topic_name(sink.prefix), ANY_PARTITION
    return topic_name(topic), ANY_PARTITION


def _default_changes(sink: KafkaSink) -> str:
    """Debezium's name; dtle's where that is taken by the events."""
    return sink.prefix if sink.topic_per_table else f"schema-changes.{sink.prefix}"


@dataclass
class Topics:
    """The topics that are known to be there, and how those are made that are not.

    `check` is called while an answer is waited for, and raises what ends the wait.
    """

    sink: KafkaSink
    admin: AdminClient
    heard: Heard
    check: Callable[[], None]
    known: set[str] = field(default_factory=set)

    def look(self) -> str:
        """Ask which topics there are, and return the ID of the cluster."""
        metadata = self.ask()
        self.known = {name for name, topic in metadata.topics.items() if topic.error is None}
        self._check_position_topic(metadata.topics.get(self.sink.position_topic))
        return str(metadata.cluster_id or self.sink.where)

    def ask(self, seconds: float = 0.0) -> Any:
        """Ask the brokers what they have: of one topic if that is there, for to ask for one may make it.

        `seconds`: for which a broker that is away or silent is asked again.
        """
        one = [self.sink.position_topic] if self.sink.position_topic in self.known else []
        deadline = runtime.now() + (seconds or ANSWER_SECONDS)
        while True:
            try:
                metadata = self.admin.list_topics(*one, timeout=min(1.0, ANSWER_SECONDS))
            except KafkaException as error:
                self.admin.poll(0)
                found = failure(error, f"asking Kafka at {self.sink.where}", self.heard)
                if runtime.now() > deadline or not isinstance(found, Unavailable):
                    raise found from error
            else:
                self.heard.forget()
                return metadata

    def _check_position_topic(self, topic: Any) -> None:
        if topic is None or topic.error is not None:
            return
        name = self.sink.position_topic
        if len(topic.partitions) != 1:
            problem = f"the topic {name} has {len(topic.partitions)} partitions, and positions need one"
            raise Refused([fault("Topic", problem, "choose another prefix, or make that topic with one partition")])

    def _keep_positions(self, name: str) -> None:
        """Have the topic compacted, whoever made it: by any other policy the position is removed in time."""
        if self._settings_of(name).get("cleanup.policy", "compact") == "compact":
            return
        entry = ConfigEntry("cleanup.policy", "compact", incremental_operation=AlterConfigOpType.SET)
        change = ConfigResource("topic", name, incremental_configs=[entry])
        try:
            for answer in self.admin.incremental_alter_configs([change]).values():
                self._answer(answer, ANSWER_SECONDS)
        except (KafkaException, TimeoutError) as error:
            problem = f"the topic {name} is not compacted, so that the position of this job would be lost: {error}"
            raise Refused([fault("Topic", problem, f"set cleanup.policy of {name} to compact")]) from error

    def _settings_of(self, topic: str) -> Mapping[str, str]:
        """Return the settings of a topic; none if this user may not ask for them."""
        try:
            (answer,) = self.admin.describe_configs([ConfigResource("topic", topic)]).values()
            return {name: str(entry.value) for name, entry in self._answer(answer, ANSWER_SECONDS).items()}
        except (KafkaException, TimeoutError):
            return {}

    def make_position_topic(self) -> None:
        """Make the topic of positions unless it is there."""
        name = self.sink.position_topic
        if name in self.known:
            self._keep_positions(name)
            return
        try:
            self._make([NewTopic(name, 1, self.sink.replication, config=_POSITION_SETTINGS)])
        except KafkaException as error:
            if error.args[0].code() not in _REFUSES_SETTINGS:
                raise failure(error, f"making the topic {name} at {self.sink.where}", self.heard) from error
            self._make_or_fail([NewTopic(name, 1, self.sink.replication, config={"cleanup.policy": "compact"})])

    def make(self, names: Iterable[tuple[str, int]]) -> None:
        """Make those that are not known to be there; a topic of which partition 0 alone is written has one."""
        missing = {name: partition for name, partition in sorted(names, reverse=True) if name not in self.known}
        if not missing:
            return
        if not self.sink.create_topics:
            for name in missing:
                self._await(name)
            return
        larger = self.sink.message_bytes != MESSAGE_BYTES
        config = {"max.message.bytes": str(self.sink.message_bytes + _BATCH_BYTES)} if larger else {}
        self._make_or_fail(
            [
                NewTopic(name, 1 if partition == 0 else self.sink.partitions, self.sink.replication, config=config)
                for name, partition in missing.items()
            ]
        )

    def _answer(self, answer: Any, seconds: float) -> Any:
        """Return the answer to a request; `TimeoutError` if it does not come."""
        deadline = runtime.now() + seconds
        while True:
            self.check()
            try:
                return answer.result(min(_SLICE_SECONDS, seconds))
            except TimeoutError:
                if runtime.now() > deadline:
                    raise

    def _make_or_fail(self, topics: list[NewTopic]) -> None:
        try:
            self._make(topics)
        except KafkaException as error:
            names = ", ".join(topic.topic for topic in topics)
            raise failure(error, f"making the topic {names} at {self.sink.where}", self.heard) from error

    def _make(self, topics: list[NewTopic]) -> None:
        for name, answer in self.admin.create_topics(topics, request_timeout=ANSWER_SECONDS).items():
            try:
                self._answer(answer, 2 * ANSWER_SECONDS)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise
            except TimeoutError as error:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT)) from error
            self.known.add(name)

    def gone(self, names: Iterable[str]) -> list[str]:
        """Return those of these topics that somebody has deleted; none if the brokers do not answer."""
        there = self._there()
        return sorted(name for name in names if there and name not in there)

    def _there(self) -> Mapping[str, Any]:
        try:
            there = self.admin.list_topics(timeout=2.0).topics
        except KafkaException:
            return {}
        return {name: topic for name, topic in there.items() if topic.error is None}

    def trouble(self, names: Iterable[str]) -> str:
        """Return which partitions of these topics cannot take messages as they should; "" if that is not seen."""
        there, found = self._there(), list[str]()
        for name in sorted(names):
            for part in there[name].partitions.values() if name in there else ():
                if part.leader < 0:
                    found.append(f"{name}[{part.id}] has no leader")
                elif len(part.isrs) < len(part.replicas):
                    found.append(f"{name}[{part.id}] has {len(part.isrs)} of {len(part.replicas)} replicas in sync")
        return "; ".join(found[:3])

    def _await(self, name: str) -> None:
        """Wait until a topic is there: to ask for it makes it, where the brokers do that by themselves."""
        deadline = runtime.now() + ANSWER_SECONDS
        while runtime.now() < deadline:
            try:
                found = self.admin.list_topics(name, timeout=ANSWER_SECONDS).topics[name]
            except KafkaException as error:
                raise failure(error, f"asking Kafka at {self.sink.where} for the topic {name}", self.heard) from error
            if found.error is None:
                self.known.add(name)
                return
            if found.error.code() not in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.LEADER_NOT_AVAILABLE):
                raise failure(found.error, f"asking Kafka at {self.sink.where} for the topic {name}")
            runtime.sleep(0.1)
        problem = f"the topic {name} is not there, and CreateTopics is false"
        raise Refused([fault("CreateTopics", problem, f"make the topic {name}, or leave CreateTopics out")])
