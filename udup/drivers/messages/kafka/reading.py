"""Reads what is in a job's topics, for people: committed messages, those of each partition in their order."""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from udup.base import runtime
from udup.base.errors import Fault, Refused, Side
from udup.drivers.messages.kafka.config import KafkaSink, topic_name
from udup.drivers.messages.kafka.errors import Heard, failure
from udup.drivers.messages.kafka.position import Record, consumer, some_records, watermarks
from udup.drivers.messages.kafka.topics import ANSWER_SECONDS, route
from udup.drivers.messages.kafka.writer import id_of
from udup.drivers.messages.tailing import Wanted, bad_cursor, read_cursor
from udup.pipeline.checks import DEST
from udup.pipeline.ports.tail import NOW, Seen, TailRequest

#: Seconds after which topics that are new are looked for.
LOOK_SECONDS = 2.0

#: KiB of messages that are held in memory before they are asked for.
AHEAD_KB = 4096

#: A topic's name and the number of a partition; offsets of partitions.
Part = tuple[str, int]
Offsets = dict[Part, int]


class KafkaTail:
    """The `Tail` of a job's topics; the topic of positions is left out.

    Partitions have no order among them: the transaction to begin at is the first message of it that is found, and of
    the other partitions what was stored from that moment on.
    """

    def __init__(self, sink: KafkaSink, request: TailRequest) -> None:
        self._sink, self._request, self._wanted = sink, request, Wanted(request)
        self._heard = Heard()
        self._next: Offsets = {}
        self._last: Offsets | None = None if request.follow else {}
        self._assigned: set[Part] = set()
        self._ended: set[Part] = set()
        self._searching = bool(self._wanted.gtid)
        self._looked: float | None = None
        if request.cursor:
            self._go_on()
        self._reader = consumer(sink, self._heard, "read_committed", ahead_kb=AHEAD_KB)
        try:
            self._look()
        except KafkaException as error:
            self.close()
            raise self._failed(error) from error
        except BaseException:
            self.close()
            raise

    @property
    def at_end(self) -> bool:
        return not self._searching and self._ended >= self._assigned

    @property
    def cursor(self) -> str:
        said: dict[str, Any] = {"next": _told(self._next)}
        if self._last is not None:
            said["last"] = _told(self._last)
        if self._searching:
            said["find"] = True
        return json.dumps(said)

    def read(self) -> list[Seen]:
        try:
            if self._request.follow and runtime.now() - (self._looked or 0.0) > LOOK_SECONDS:
                self._look()
            found = self._passed()
        except KafkaException as error:
            raise self._failed(error) from error
        if self._searching and self._ended >= self._assigned:
            raise self._wanted.not_found()
        return found

    def close(self) -> None:
        self._reader.close()

    def _failed(self, error: KafkaException) -> Exception:
        return failure(error, f"reading from Kafka at {self._sink.where}", self._heard)

    def _go_on(self) -> None:
        said = read_cursor(self._request.cursor)
        self._next, self._searching = _offsets(said.get("next")), bool(said.get("find"))
        self._last = _offsets(said["last"]) if "last" in said else None

    def _passed(self) -> list[Seen]:
        """Return what has come, and note the partitions that are at their end."""
        found: list[Seen] = []
        for record in some_records(self._reader):
            part, error = (record.topic(), record.partition()), record.error()
            if error is None:
                if self._searching and self._wanted.begins(id_of(record)):
                    self._begin_at(record)
                    return []
                if self._is_behind_end(part, record.offset()):
                    continue
                self._next[part] = record.offset() + 1
                seen = _seen(record)
                if not self._searching and self._wanted.takes(seen):
                    found.append(seen)
            elif error.code() == KafkaError._PARTITION_EOF:
                self._ended.add(part)
            else:
                raise KafkaException(error)
        return found

    def _is_behind_end(self, part: Part, offset: int) -> bool:
        """Return whether a message came after reading began, where reading is to end there."""
        if self._last is None:
            self._ended.discard(part)
            return False
        end = self._last.get(part, 0)
        if offset + 1 >= end:
            self._ended.add(part)
        return offset >= end

    def _begin_at(self, record: Record) -> None:
        """Read from the first message of the transaction on, and all partitions from that moment."""
        part, ms = (record.topic(), record.partition()), record.timestamp()[1]
        asked = [TopicPartition(*each, ms) for each in self._assigned]
        for each in self._reader.offsets_for_times(asked, timeout=ANSWER_SECONDS):
            place = (each.topic, each.partition)
            self._next[place] = each.offset if each.offset >= 0 else watermarks(self._reader, *place)[1]
        self._next[part] = record.offset()
        self._searching, self._ended = False, set()
        self._reader.assign([TopicPartition(*each, self._next[each]) for each in self._assigned])

    def _look(self) -> None:
        """Read from the partitions that were not there when it was looked the last time."""
        at_end = self._looked is None and self._request.since == NOW and not self._request.cursor
        first_look, self._looked = self._looked is None, runtime.now()
        there = self._reader.list_topics(timeout=ANSWER_SECONDS).topics
        parts = self._parts(there)
        if not parts and first_look and self._sink.position_topic not in there:
            problem, remedy = f"there is no topic {self._sink.prefix}.* yet", "look again when the job has delivered"
            raise Refused([Fault(self._sink.where, problem, remedy, DEST)]).of(Side.TARGET)
        new: list[TopicPartition] = []
        for part in parts:
            if part in self._assigned:
                continue
            first, end = watermarks(self._reader, *part)
            self._next[part] = max(first, self._next.get(part, end if at_end else first))
            if self._last is not None and not self._request.cursor:
                self._last[part] = end
            self._assigned.add(part)
            new.append(TopicPartition(*part, self._next[part]))
        if new:
            self._reader.incremental_assign(new)

    def _parts(self, there: Mapping[str, Any]) -> list[Part]:
        changes, _ = route(self._sink, self._sink.prefix)
        names = [name for name in there if _is_of(self._sink, name, {changes})]
        if self._request.table is not None and not self._searching:
            wanted, _ = route(self._sink, ".".join((self._sink.prefix, *self._request.table)))
            names = [wanted] if wanted in names else names
        return [(name, number) for name in names for number in there[name].partitions]


def _is_of(sink: KafkaSink, topic: str, more: Set[str]) -> bool:
    prefix = topic_name(sink.prefix)
    if topic == sink.position_topic:
        return False
    return topic == prefix or topic.startswith(f"{prefix}.") or topic in more


def _seen(record: Record) -> Seen:
    return Seen(
        *(record.topic(), record.key(), record.value(), id_of(record)),
        ms=record.timestamp()[1],
        partition=record.partition(),
        headers={name: (said or b"").decode("utf-8", "replace") for name, said in record.headers() or ()},
    )


def _told(offsets: Mapping[Part, int]) -> dict[str, dict[str, int]]:
    """Return offsets for a cursor, which is to be short: what is not in it begins at 0."""
    said: dict[str, dict[str, int]] = {}
    for (topic, number), offset in offsets.items():
        if offset:
            said.setdefault(topic, {})[str(number)] = offset
    return said


def _offsets(said: Any) -> Offsets:
    try:
        return {(topic, int(number)): int(offset) for topic, parts in said.items() for number, offset in parts.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise bad_cursor() from error
