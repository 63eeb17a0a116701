"""The position of a job in Kafka: the last record with the job's key in the compacted topic `<prefix>.position`.

It is written in the same transaction as the events, and read by the next run after that has fenced off this one, from
the topic's beginning, committed records only, up to the end that the topic had then. What is found is told from what
cannot be seen: the topic's first record says that it is a topic of positions, and is written when the topic is empty.
Compaction keeps it for ever. Where it is not seen, records were removed (by age, say) or the broker hides them, so that
a position that is not seen may have been there, and to begin again would deliver everything twice: that is an error.

Another job's open transaction on the topic hides what was committed after it began, so that an older record would look
like the last: the reader waits until it has come to the very end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from udup.base import runtime
from udup.base.causes import Cause, reason
from udup.base.errors import Divergence, UdupError, Unavailable
from udup.drivers.messages.kafka.config import KafkaSink
from udup.drivers.messages.kafka.errors import Heard, failure
from udup.drivers.messages.kafka.topics import ANSWER_SECONDS

#: The key of the topic's first record. No job has such an ID.
MARK_KEY = b":udup"
_MARK = b'{"topic":"positions of jobs of udup"}'

#: Where in a topic the messages of a run without transactions end: `{topic: {partition: offset}}` as JSON.
ENDS_HEADER = "udup-ends"

#: Which run has written a position, whose: the number that the cluster has granted it, "" where a node is alone.
RUN_HEADER, OWNER_HEADER, NUMBER_HEADER = "udup-run", "udup-owner", "udup-number"

#: Seconds for which a position is waited for by whoever only looks.
LOOK_SECONDS = 20.0

#: Records that are fetched by one call.
_RECORDS = 1000

#: Seconds to wait for one.
_WAIT_SECONDS = 0.3

Ends = dict[str, dict[int, int]]
_decode_ends = msgspec.json.Decoder(Ends).decode

#: A `confluent_kafka.Message`, whose stubs have every part of it optional.
Record: TypeAlias = Any


@dataclass(frozen=True)
class Patience:
    """How long records are waited for: up to `deadline`. `check` is called meanwhile, and raises what ends the wait."""

    deadline: float
    check: Callable[[], None] = lambda: None

    @classmethod
    def of_a_look(cls) -> Patience:
        return cls(runtime.now() + LOOK_SECONDS)


@dataclass
class FoundPosition:
    """`text` None: the job has none. `ends` as in `ENDS_HEADER`. `empty`: nothing was ever written to the topic.

    `number` is that of the run that has written it, 0 where a node was alone; `owner` is for people.
    """

    text: str | None = None
    ends: Ends = field(default_factory=dict)
    empty: bool = False
    number: int = 0
    owner: str = ""


def read_position(sink: KafkaSink, job: str, heard: Heard, patience: Patience | None = None) -> FoundPosition:
    """Return the position of a job. Without `patience`, what is committed now is enough: for looking only.

    `Divergence` if the topic shows nothing although it is not empty. `Unavailable` if its end is not reached.
    """
    doing = f"reading the position of {job} from the topic {sink.position_topic} at {sink.where}"
    whole, patience = patience is not None, patience or Patience.of_a_look()
    try:
        first, end = _watermarks(sink, heard)
        if end == 0:
            return FoundPosition(empty=True)
        found, is_whole = FoundPosition(), False
        for record in read_until(sink, {(sink.position_topic, 0): (first, end)}, heard, patience, whole=whole):
            is_whole = is_whole or record.key() == MARK_KEY
            if record.key() == job.encode():
                found = _found(record)
    except KafkaException as error:
        if not whole and error.args[0].code() in _NO_TOPIC:
            return FoundPosition(empty=True)
        raise failure(error, doing, heard) from error
    if found.text is None and not is_whole:
        raise Divergence(
            f"{doing}: the topic goes from {first} to {end} and has not its first record any more: records were"
            " removed, or the broker hides them, this job's among them perhaps."
            " To begin again would deliver everything twice -- set its cleanup.policy to compact; if a new beginning is"
            " what you want, delete the topic"
        ).because(reason(Cause.SINK, {"server": sink.where, "topic": sink.position_topic}))
    return found


_NO_TOPIC = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION)


def _found(record: Record) -> FoundPosition:
    headers = dict(record.headers() or ())
    ends = _decode_ends(headers.get(ENDS_HEADER) or b"{}")
    value = record.value()
    number, owner = (headers.get(each) or b"" for each in (NUMBER_HEADER, OWNER_HEADER))
    text = value.decode("utf-8") if value else None
    return FoundPosition(text, ends, number=int(number or 0), owner=owner.decode("utf-8", "replace"))


def consumer(sink: KafkaSink, heard: Heard, isolation: str, *, ahead_kb: int = 65536) -> Any:
    """Return a consumer that is told by hand what to read, and keeps no offsets; `ahead_kb` is read ahead."""
    return Consumer(
        {
            **sink.connection(),
            "group.id": "udup",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": isolation,
            "auto.offset.reset": "error",
            "queued.max.messages.kbytes": ahead_kb,
            "error_cb": heard,
        }
    )


def watermarks(reader: Any, topic: str, partition: int) -> tuple[int, int]:
    """Return where a partition begins and ends."""
    first, end = reader.get_watermark_offsets(TopicPartition(topic, partition), timeout=ANSWER_SECONDS)
    return int(first), int(end)


def _watermarks(sink: KafkaSink, heard: Heard) -> tuple[int, int]:
    """Return them of the topic of positions, whatever transactions are open there."""
    with closing(consumer(sink, heard, "read_uncommitted")) as reader:
        return watermarks(reader, sink.position_topic, 0)


def read_until(
    sink: KafkaSink,
    ranges: dict[tuple[str, int], tuple[int, int]],
    heard: Heard,
    patience: Patience,
    *,
    whole: bool = True,
) -> Iterator[Record]:
    """Yield the committed records of partitions, from the first offset of each up to before the second.

    Not `whole`: up to where an open transaction hides the rest. `Unavailable` when the patience is over.
    """
    with closing(consumer(sink, heard, "read_committed")) as reader:
        left = {place: end for place, (first, end) in ranges.items() if first < end}
        reader.assign([TopicPartition(*place, ranges[place][0]) for place in left])
        began = runtime.now()
        while left:
            patience.check()
            for record in some_records(reader):
                place, code = (record.topic(), record.partition()), record.error() and record.error().code()
                if code not in (None, KafkaError._PARTITION_EOF):
                    raise KafkaException(record.error())
                end = left.get(place, 0)
                if record.offset() + (code is None) >= end or (code is not None and not whole):
                    left.pop(place, None)
                if code is None and record.offset() < end:
                    yield record
            _note_positions(reader, left)
            if left and runtime.now() > patience.deadline:
                raise _not_read(sink, left, runtime.now() - began, heard)


def some_records(reader: Any) -> list[Record]:
    """Return the records that are there, after a wait for the first: a call for many would wait for all of them."""
    first = reader.poll(_WAIT_SECONDS)
    return [] if first is None else [first, *reader.consume(_RECORDS, timeout=0)]


def _note_positions(reader: Any, left: dict[tuple[str, int], int]) -> None:
    """Drop partitions whose reader has come to the end by records that are not shown: aborted ones, and marks."""
    with suppress(KafkaException):
        for place in reader.position([TopicPartition(*place) for place in left]):
            if place.offset >= left[place.topic, place.partition]:
                del left[place.topic, place.partition]


def _not_read(sink: KafkaSink, left: dict[tuple[str, int], int], seconds: float, heard: Heard) -> UdupError:
    """Return the error of records that did not come: what was heard of the brokers, else what may be in the way."""
    doing = f"reading {_told(left)} at {sink.where} up to its end"
    if heard.last is not None:
        return failure(heard.last, doing, heard)
    return Unavailable(
        f"{doing}: it has not come in {seconds:.0f} s. A transaction is open there, or the broker does not answer"
        " -- a transaction ends by itself after its transaction.timeout.ms"
    )


def _told(places: dict[tuple[str, int], int]) -> str:
    return ", ".join(f"{topic}[{partition}]" for topic, partition in list(places)[:3])


def write_mark(sink: KafkaSink, heard: Heard) -> None:
    """Write the first record of the topic. Without a transaction: nothing undoes it, and twice is as good as once."""
    _write(sink, [(MARK_KEY, _MARK)], heard)


def remove_position(sink: KafkaSink, job: str, heard: Heard) -> None:
    """Remove the position of a job, if the topic is there."""
    if not read_position(sink, job, heard).empty:
        _write(sink, [(job.encode(), None)], heard)


def _write(sink: KafkaSink, records: list[tuple[bytes, bytes | None]], heard: Heard) -> None:
    doing = f"writing to the topic {sink.position_topic} at {sink.where}"
    failed: list[KafkaError] = []

    def delivered(error: KafkaError | None, _: Record) -> None:
        if error is not None:
            failed.append(error)

    settings = {**plain_settings(), "enable.idempotence": False}  # which costs 0.5 s at a start, and is not needed here
    producer = Producer({**sink.connection(), **settings, "error_cb": heard})
    for key, value in records:
        producer.produce(sink.position_topic, value, key, 0, delivered)
    left = producer.flush(2 * ANSWER_SECONDS)
    if left or failed:
        producer.purge()
        raise failure(failed[0] if failed else KafkaError(KafkaError._MSG_TIMED_OUT), doing, heard)


def plain_settings() -> dict[str, Any]:
    """Return the settings of a producer without transactions that writes each record once, in order."""
    return {
        "enable.idempotence": True,
        "acks": "all",
        "partitioner": "murmur2_random",
        "allow.auto.create.topics": False,  # by the brokers' defaults; a topic that is gone is made by the next run
        "message.timeout.ms": int(2000 * ANSWER_SECONDS),
    }
