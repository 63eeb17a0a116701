"""A job that delivers numbered events into a stream, as small as can be."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from udup.drivers.messages.nats.config import NatsSink
from udup.drivers.messages.nats.connection import Connection
from udup.drivers.messages.nats.delivery import NatsDelivery
from udup.drivers.messages.nats.reading import StreamReader
from udup.pipeline.ports.delivery import DeliveryPlan, DeliverySettings, FoundPlace, Message, Unit
from udup.pipeline.ports.tail import START, Seen, TailRequest


def event(prefix: str, number: int, value: bytes | None = None, key: bytes | None = b'{"id":1}') -> Message:
    body = json.dumps({"n": number}).encode() if value is None else value
    return Message(f"{prefix}.shop.orders", key, body, f"uuid:{number}:shop.orders:0", (), "c", "shop.orders")


def number_of(message_id: str) -> int:
    return int(message_id.split(":")[1])


def next_events(found: FoundPlace) -> tuple[int, set[int]]:
    """The first number that is not behind the position, and those behind it that the stream has."""
    return int(found.position or 0), {number_of(each) for each in found.ids}


@dataclass
class SmallSink:
    url: str
    prefix: str
    job: str = "job-1"
    keys: dict[str, Any] = field(default_factory=dict)
    large: str = "fail"

    def plan(self, **keys: Any) -> DeliveryPlan:
        return DeliveryPlan(self.prefix, large_messages=self.large, sink={**self.keys, **keys})

    def sink(self, **keys: Any) -> NatsSink:
        return NatsSink.of(self.plan(**keys))

    def delivery(
        self,
        stored: list[int] | None = None,
        *,
        owner: str = "node-1",
        run: int = 1,
        job: str = "",
        number: int = 0,
        **keys: Any,
    ) -> NatsDelivery:
        settings = DeliverySettings(job or self.job, run, owner, self.plan(**keys), self.url, number)
        told: list[int] = [] if stored is None else stored
        return NatsDelivery(NatsSink.of(settings.plan), settings, told.append)

    @asynccontextmanager
    async def opened(self, **more: Any) -> AsyncIterator[tuple[NatsDelivery, FoundPlace]]:
        """A delivery that has taken its sink over."""
        delivery = self.delivery(**more)
        try:
            await delivery.connect()
            yield delivery, await delivery.take_over()
        finally:
            await delivery.close()

    @asynccontextmanager
    async def asked(self) -> AsyncIterator[Connection]:
        connection = await Connection.open(self.sink(), self.url, "test")
        try:
            yield connection
        finally:
            await connection.close()

    def unit(self, number: int, first: int, count: int, **more: Any) -> Unit:
        events = [event(self.prefix, each) for each in range(first, first + count)]
        return Unit(number, events, str(first + count), **more)

    def of(self, number: int, messages: Sequence[Message], position: str) -> Unit:
        return Unit(number, messages, position)

    async def make(self, config: Mapping[str, Any]) -> None:
        """Make the stream beforehand, as somebody else would."""
        sink = self.sink()
        base = {"name": sink.stream, "subjects": sink.subjects, "storage": "file", "retention": "limits"}
        async with self.asked() as connection:
            await connection.ask(f"STREAM.CREATE.{sink.stream}", {**base, **config})

    async def config(self) -> Mapping[str, Any]:
        async with self.asked() as connection:
            answer = await connection.ask(f"STREAM.INFO.{self.sink().stream}")
            found: Mapping[str, Any] = answer["config"]
            return found

    async def seen(self, since: str = START, table: tuple[str, str] | None = None) -> list[Seen]:
        """All that is there now."""
        reader = StreamReader(self.sink(), self.url, TailRequest(since, table=table, follow=False))
        found: list[Seen] = []
        try:
            await reader.open()
            while not reader.at_end:
                found += await reader.some()
            return found
        finally:
            await reader.close()

    async def numbers(self) -> list[int]:
        return [number_of(each.id) for each in await self.seen()]
