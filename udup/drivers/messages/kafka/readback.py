"""Writing without transactions, where the brokers allow this user none: what is there is read back at a start.

Each message is written once and in order by the library's idempotence, its ID in a header, and the position after all
messages of its units. The position says where each partition ended then, so that the next run reads what lies behind
these ends: the messages that are there without their position. Their IDs are handed to the engine; among them may be
some that the position covers, of partitions to which nothing has gone since. A message that is new in a partition
comes after all that were found there, so that the partition's end may move on with it: for that, messages without a
key all go to one partition.

What transactions give besides is missing: a reader sees units half done, a second writer is not kept out, and what a
killed writer's last packets hold may arrive after the next run has looked.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any

import msgspec
from confluent_kafka import KafkaError, KafkaException, Producer

from udup.base import runtime
from udup.base.errors import Fault, Refused
from udup.drivers.messages.kafka.errors import failure
from udup.drivers.messages.kafka.position import (
    ENDS_HEADER,
    Ends,
    Patience,
    Record,
    consumer,
    read_position,
    read_until,
    watermarks,
    write_mark,
)
from udup.drivers.messages.kafka.topics import ANSWER_SECONDS
from udup.drivers.messages.kafka.writer import TRANSACTION_SECONDS, Writer, id_of, made
from udup.drivers.messages.moments import moments
from udup.pipeline.checks import DEST
from udup.pipeline.ports.delivery import FoundPlace, Unit


class PlainWriter(Writer):
    """Writes without transactions."""

    def take_over(self) -> FoundPlace:
        """Return the position, and the IDs of the messages behind it, those of each partition in their order."""
        self._topics.make_position_topic()
        self._producer = made(Producer, self._producer_settings(), self._sink)
        patience = self._patience()
        found = read_position(self._sink, self._settings.job, self._heard, patience)
        if found.empty:
            write_mark(self._sink, self._heard)
        self._refuse_late(found)
        self._position, self._ends = found.text or "", found.ends
        behind = list(self._behind(found.ends, patience))
        return FoundPlace(found.text, tuple(each for each, _ in behind), moments(behind))

    def _producer_settings(self) -> dict[str, Any]:
        return {**self._common_settings(), "delivery.report.only.error": False, "partitioner": "murmur2"}

    def _behind(self, ends: Ends, patience: Patience) -> Iterator[tuple[str, bytes | None]]:
        """Yield ID and value of the messages behind the ends; the next position is stored behind them."""
        try:
            there = self._watermarks(ends)
            ranges = {
                (topic, partition): (_first(ends[topic].get(partition, 0), *marks), marks[1])
                for topic, partitions in there.items()
                for partition, marks in partitions.items()
            }
            for record in read_until(self._sink, ranges, self._heard, patience):
                if name := id_of(record):
                    yield name, record.value()
        except KafkaException as error:
            doing = f"reading back what Kafka at {self._sink.where} has behind the position"
            raise failure(error, doing, self._heard) from error

    def _watermarks(self, topics: Iterable[str]) -> dict[str, dict[int, tuple[int, int]]]:
        """Return where each partition of these topics begins and ends; nothing of one that somebody has deleted."""
        with closing(consumer(self._sink, self._heard, "read_uncommitted")) as reader:
            there = reader.list_topics(timeout=ANSWER_SECONDS).topics
            return {
                topic: {number: watermarks(reader, topic, number) for number in there[topic].partitions}
                for topic in topics
                if topic in there
            }

    def _opened(self, topics: Sequence[str]) -> None:
        """Store where new topics end before the first message goes there, with the position as it is."""
        new = [topic for topic in topics if topic not in self._ends]
        if not new:
            return
        try:
            for topic, partitions in self._watermarks(new).items():
                self._ends[topic] = {number: end for number, (_, end) in partitions.items()}
            self._store_position(self._position)
        except KafkaException as error:
            raise failure(error, f"asking Kafka at {self._sink.where} for {', '.join(new)}", self._heard) from error

    def store(self, units: Sequence[Unit]) -> None:
        doing = f"writing to Kafka at {self._sink.where}"
        if any(unit.atomic for unit in units):
            remedy = "leave Transactional out; or write Snapshot never: the rows of a snapshot come in such units"
            raise Refused([Fault("KafkaConfig.Transactional", "is false: a unit cannot be stored whole", remedy, DEST)])
        self._make_topics(units)
        try:
            self._produce(units)
            self._flush(units, doing)
            self._position = units[-1].position
            self._store_position(self._position)
        except Exception as error:  # noqa: BLE001 - what is not the library's is raised again
            self._fail(error, units, doing)

    def _store_position(self, text: str) -> None:
        self._produce_position(text, [(ENDS_HEADER, msgspec.json.encode(self._ends))])
        self._flush((), f"writing the position to Kafka at {self._sink.where}")

    def _flush(self, units: Sequence[Unit], doing: str) -> None:
        """Return when all that was produced is stored."""
        deadline = runtime.now() + TRANSACTION_SECONDS
        for _ in itertools.count():
            left = self._producer.flush(1.0)
            late = runtime.now() > deadline or self.closing
            if self._failed or (left and late):
                self._fail(KafkaException(KafkaError(KafkaError._MSG_TIMED_OUT)), units, doing)
            if not left:
                return

    def _delivered(self, error: KafkaError | None, record: Record) -> None:
        super()._delivered(error, record)
        if error is None and record.topic() in self._ends:
            self._ends[record.topic()][record.partition()] = record.offset() + 1


def _first(noted: int, first: int, end: int) -> int:
    """Return from where a partition is read back: as noted, unless age has removed that or the topic is a new one."""
    return noted if first <= noted <= end else first
