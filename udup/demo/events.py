"""The subscription's stream as any consumer reads it: plain nats-py, and a user that was given the stream."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import nats
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig
from nats.js.client import JetStreamContext

#: Messages that are asked for at once, and seconds that the server waits for the first of them.
BATCH, WAIT_SECONDS = 500, 0.3

#: Operations of rows; what else is in the stream (tombstones, DDL, positions) has none of these.
_ROWS = frozenset("crud")


@dataclass(frozen=True)
class Event:
    """One change of a row. `committed_us` is when the source committed it, None of a row of the snapshot."""

    id: str
    operation: str
    table: str
    key: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    committed_us: int | None


class Reader:
    """A consumer of a stream, from its start."""

    def __init__(self, pulled: JetStreamContext.PullSubscription) -> None:
        self._pulled = pulled

    async def events(self) -> list[Event]:
        """Return what has come, perhaps nothing, in the stream's order."""
        try:
            messages: list[Msg] = await self._pulled.fetch(BATCH, timeout=WAIT_SECONDS)
        except TimeoutError:  # nats-py's own, or asyncio's
            return []
        await messages[-1].ack()  # and with it all before
        return [event for message in messages if (event := _event(message)) is not None]

    async def waiting(self) -> int:
        """Return how many messages the stream has that were not read yet."""
        return int((await self._pulled.consumer_info()).num_pending or 0)


@asynccontextmanager
async def open_reader(address: str, user: str, password: str, stream: str) -> AsyncIterator[Reader]:
    """Connect as a user of the node's, and read the stream from its start."""
    client = await nats.connect(address, user=user, password=password)
    try:
        context = client.jetstream()
        config = ConsumerConfig(ack_policy=AckPolicy.ALL, max_ack_pending=4 * BATCH)
        consumer = await context.add_consumer(stream, config)
        yield Reader(await context.pull_subscribe_bind(consumer.name, stream=stream))
    finally:
        await client.close()


def _event(message: Msg) -> Event | None:
    headers: Mapping[str, str] = message.headers or {}
    operation = headers.get("Udup-Op", "")
    if operation not in _ROWS or not message.data:
        return None
    said = json.loads(message.data)
    source = said["source"]
    return Event(
        id=headers["Nats-Msg-Id"],
        operation=operation,
        table=source["table"],
        key=headers.get("Udup-Key"),
        before=said["before"],
        after=said["after"],
        committed_us=None if operation == "r" else source["ts_us"],
    )
