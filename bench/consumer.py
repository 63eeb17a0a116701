"""A consumer as a user would write it, in a process of its own: prints each row's `id` and when its message came.

`python -m bench.consumer nats URL STREAM SUBJECT` or `… kafka BROKERS TOPIC`; it says `ready` when it listens.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import nats
from confluent_kafka import Consumer
from nats.js.api import DeliverPolicy


def main(kind: str, address: str, *rest: str) -> None:
    if kind == "nats":
        asyncio.run(_nats(address, *rest))
    else:
        _kafka(address, *rest)


def _say(value: Any, at: float) -> None:
    if value:
        print(json.loads(value)["after"]["id"], at, flush=True)


async def _nats(url: str, stream: str, subject: str) -> None:
    client = await nats.connect(url)

    async def on_message(message: Any) -> None:
        _say(message.data, time.time())

    await client.jetstream().subscribe(
        subject, stream=stream, cb=on_message, ordered_consumer=True, deliver_policy=DeliverPolicy.NEW
    )
    await client.flush()
    print("ready", flush=True)
    await asyncio.Event().wait()


def _kafka(brokers: str, topic: str) -> None:
    settings = {"bootstrap.servers": brokers, "group.id": "bench", "isolation.level": "read_committed"}
    consumer = Consumer({**settings, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    while not consumer.assignment():
        message = consumer.poll(0.2)
    print("ready", flush=True)
    while True:
        if message is not None and not message.error():
            _say(message.value(), time.time())
        message = consumer.poll(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
