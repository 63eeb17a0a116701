"""Follow a subscription in plain nats-py: keep every table of a stream as a dictionary, by the rows' keys.

    pip install nats-py
    python examples/consume_nats.py SHOP1 --url nats://127.0.0.1:4222

What is in the stream is there once and in order, so nothing here looks for doubles. The tables are in memory, so the
stream is read from its start each time. Whoever keeps them elsewhere names a durable consumer, which remembers what was
acknowledged (--durable NAME): one that is killed between a change and its acknowledgement sees that change again, so
what a change does must be the same when it is done twice, as it is here, or be kept with the message's number.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections import defaultdict
from typing import Any

import nats
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig
from nats.js.client import JetStreamContext

#: Messages that are asked for at once.
BATCH = 500

#: What `Udup-Op` says of rows: of a snapshot, inserted, updated, deleted, and all of a table removed.
OPERATIONS = ("r", "c", "u", "d", "t")


class Tables:
    """The tables as the stream has them by now: for each, its rows by their keys."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = defaultdict(dict)
        self.changes = 0

    def take(self, subject: str, headers: dict[str, str], data: bytes) -> None:
        """Take in one message of a row; others (transactions, DDL, heartbeats, an outbox's) are no rows to be kept."""
        operation = headers.get("Udup-Op", "")
        if operation not in OPERATIONS:
            return
        self.changes += 1
        key, rows = headers.get("Udup-Key", ""), self.rows[subject]
        if operation == "t":
            rows.clear()
        elif operation == "d":
            rows.pop(key, None)
        else:
            rows[key] = json.loads(data)["after"]


async def claimed(context: JetStreamContext, message: Msg) -> bytes:
    """Return what a message says; a value that was too large for a message is fetched from its object store."""
    claim = (message.headers or {}).get("Udup-Claim")
    if claim is None:
        return message.data
    bucket, _, name = claim.partition("/")
    store = await context.object_store(bucket)
    found = await store.get(name)
    return found.data or b""


async def consume(url: str, stream: str, durable: str | None, *, follow: bool) -> Tables:
    """Read a stream from its start, or from where the durable consumer of this name is."""
    connection = await nats.connect(url)
    context, tables = connection.jetstream(), Tables()
    try:
        config = ConsumerConfig(durable_name=durable, ack_policy=AckPolicy.ALL, max_ack_pending=4 * BATCH)
        consumer = await context.add_consumer(stream, config)
        reader = await context.pull_subscribe_bind(consumer.name, stream=stream)
        while True:
            try:
                messages = await reader.fetch(BATCH, timeout=1)
            except TimeoutError:  # nothing has come for a moment, which may be the machine's fault
                if follow or (await reader.consumer_info()).num_pending:
                    continue
                return tables
            for message in messages:
                tables.take(message.subject, message.headers or {}, await claimed(context, message))
            await messages[-1].ack()  # and with it all before
            print(f"{tables.changes} changes, {sum(map(len, tables.rows.values()))} rows", file=sys.stderr)
    finally:
        await connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stream", help="the subscription's stream")
    parser.add_argument("--url", default="nats://127.0.0.1:4222", help="with user and password, if the server has any")
    parser.add_argument("--durable", help="the name under which the server remembers what was read")
    parser.add_argument("--no-follow", action="store_true", help="end with what is there, and print it")
    arguments = parser.parse_args()
    tables = asyncio.run(consume(arguments.url, arguments.stream, arguments.durable, follow=not arguments.no_follow))
    print(json.dumps(tables.rows, indent=1))


if __name__ == "__main__":
    main()
