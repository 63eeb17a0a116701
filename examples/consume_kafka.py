"""Consume a subscription from Kafka with nothing of Udup: a member of a consumer group that prints each change.

    pip install confluent-kafka
    python consume_kafka.py --brokers 127.0.0.1:9092 --prefix shop1 --group printers

Start it several times with one group: the members share the partitions, and each change is printed by one of them.
`read_committed` matters: without it a consumer sees the changes of transactions that were given up.

Offsets are committed after the changes have been dealt with, so a consumer that dies sees some of them again. Who must
not deal with a change twice keeps its `udup-id` together with what it makes of it: the ID is the same whenever a
change is read. Each change of a row is in the partition of its key, in the order in which it was made.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import sys
import time
from threading import Event

from confluent_kafka import Consumer, KafkaException


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brokers", default="127.0.0.1:9092")
    parser.add_argument("--prefix", required=True, help="the Prefix (or Topic) of the job")
    parser.add_argument("--topic", help="where TopicWithSchemaTable is false: the one topic")
    parser.add_argument("--group", default="udup-example")
    parser.add_argument(
        "-X",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of librdkafka, such as security.protocol=SASL_SSL or ssl.ca.location=/etc/ca.pem",
    )
    parser.add_argument("--idle", type=float, default=0, help="end after so many seconds without a change")
    options = parser.parse_args()
    consumer = Consumer(
        {
            "bootstrap.servers": options.brokers,
            "group.id": options.group,
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "topic.metadata.refresh.interval.ms": 5000,  # how soon a new table's topic is seen
            **dict(setting.split("=", 1) for setting in options.X),
        }
    )
    # Tables are <prefix>.<schema>.<table>; the job's own <prefix>.position has one dot less.
    consumer.subscribe([options.topic or f"^{re.escape(options.prefix)}\\.[^.]+\\..+"])
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):  # ends between two batches, so that what was printed is committed
        signal.signal(number, lambda *_: stop.set())
    try:
        consume(consumer, stop, options.idle)
    finally:
        consumer.close()


def consume(consumer: Consumer, stop: Event, idle: float) -> None:
    """Print changes as they come, and commit what was printed."""
    last = time.monotonic()
    while not stop.is_set() and (not idle or time.monotonic() - last < idle):
        messages = consumer.consume(500, timeout=0.5)
        for message in messages:
            if message.error():
                raise KafkaException(message.error())
            print(describe(message))
        if messages:
            sys.stdout.flush()
            commit(consumer)
            last = time.monotonic()


def commit(consumer: Consumer) -> None:
    """Commit what was read. If another member has just got the partitions, that one reads it again."""
    try:
        consumer.commit(asynchronous=False)
    except KafkaException as error:
        print(f"not committed, and read again: {error}", file=sys.stderr)


def describe(message) -> str:
    """Return one line of JSON about a change."""
    headers = dict(message.headers() or ())
    value = message.value()
    change = json.loads(value) if value else {}
    return json.dumps(
        {
            "id": headers.get("udup-id", b"").decode(),
            "topic": message.topic(),
            "partition": message.partition(),
            "key": json.loads(message.key()) if message.key() else None,
            # A deleted row's key comes once more without a value: compaction may then drop what was there of it.
            "op": change.get("op", "?") if value else "tombstone",
            "after": change.get("after"),
        }
    )


if __name__ == "__main__":
    main()
