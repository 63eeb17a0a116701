"""Reads what is in a job's topics, for people: committed messages, those of each partition in their order."""

from __future__ import annotations

from collections.abc import Iterator, Set
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from udup.base import runtime
from udup.drivers.messages.kafka.config import KafkaSink, topic_name
from udup.drivers.messages.kafka.errors import Heard, failure
from udup.drivers.messages.kafka.position import Record, consumer, some_records, watermarks
from udup.drivers.messages.kafka.topics import ANSWER_SECONDS, route
from udup.drivers.messages.kafka.writer import id_of

#: Seconds after which topics that are new are looked for.
LOOK_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class ReadMessage:
    """One message as a reader of committed data sees it; `value` None is a tombstone."""

    subject: str
    key: bytes | None
    value: bytes | None
    id: str
    partition: int
    offset: int
    ms: int


def read_messages(sink: KafkaSink, *, from_now: bool = False, follow: bool = True) -> Iterator[ReadMessage | None]:
    """Yield the messages of all topics of a job, the topic of positions left out; None when there is nothing now.

    `from_now`: only what comes from now on. Not `follow`: up to where the topics end now. Blocks; close it to end it.
    """
    heard = Heard()
    with closing(consumer(sink, heard, "read_committed")) as reader:
        assigned: dict[tuple[str, int], int] = {}
        ended: set[tuple[str, int]] = set()
        looked = 0.0
        try:
            while True:
                if (follow or not looked) and runtime.now() - looked > LOOK_SECONDS:
                    _assign_new(reader, sink, assigned, from_now and not looked)
                    looked = runtime.now()
                yield from _passed(reader, ended)
                if not follow and ended >= assigned.keys():
                    return
                yield None
        except KafkaException as error:
            raise failure(error, f"reading from Kafka at {sink.where}", heard) from error


def _passed(reader: Any, ended: set[tuple[str, int]]) -> Iterator[ReadMessage]:
    """Yield what has come, and note the partitions that are at their end."""
    for record in some_records(reader):
        error = record.error()
        if error is None:
            yield _read(record)
        elif error.code() == KafkaError._PARTITION_EOF:
            ended.add((record.topic(), record.partition()))
        else:
            raise KafkaException(error)


def _assign_new(reader: Any, sink: KafkaSink, assigned: dict[tuple[str, int], int], at_end: bool) -> None:
    """Read from the partitions that were not there when it was looked the last time."""
    new: list[TopicPartition] = []
    changes, _ = route(sink, sink.prefix)
    for name, topic in reader.list_topics(timeout=ANSWER_SECONDS).topics.items():
        if not _is_of(sink, name, {changes}):
            continue
        for number in topic.partitions:
            if (name, number) not in assigned:
                first, end = watermarks(reader, name, number)
                assigned[name, number] = end if at_end else first
                new.append(TopicPartition(name, number, assigned[name, number]))
    if new:
        reader.incremental_assign(new)


def _is_of(sink: KafkaSink, topic: str, more: Set[str]) -> bool:
    prefix = topic_name(sink.prefix)
    if topic == sink.position_topic:
        return False
    return topic == prefix or topic.startswith(f"{prefix}.") or topic in more


def _read(record: Record) -> ReadMessage:
    return ReadMessage(
        *(record.topic(), record.key(), record.value(), id_of(record)),
        *(record.partition(), record.offset(), record.timestamp()[1]),
    )
