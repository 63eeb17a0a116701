"""JetStream as a `Destination` (`pipeline/ports/delivery.py`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from udup.base import runtime
from udup.drivers.messages.nats import kept, reading, stream
from udup.drivers.messages.nats.config import NatsSink
from udup.drivers.messages.nats.connection import Connection
from udup.drivers.messages.nats.delivery import NatsDelivery
from udup.drivers.messages.nats.frames import FENCE, Note, note_data
from udup.drivers.messages.nats.reading import NatsTail
from udup.pipeline.ports.delivery import Delivery, DeliveryPlan, DeliverySettings, Encoder
from udup.pipeline.ports.tail import Tail, TailRequest


@dataclass(frozen=True)
class NatsDestination:
    """`encoder` is what makes messages for every kind of sink."""

    plan: DeliveryPlan
    encoder: Callable[[DeliverySettings], Encoder]

    @property
    def where(self) -> str:
        return NatsSink.of(self.plan).where

    def open_encoder(self, settings: DeliverySettings) -> Encoder:
        return self.encoder(settings)

    def open_delivery(self, settings: DeliverySettings, on_stored: Callable[[int], None]) -> Delivery:
        return NatsDelivery(NatsSink.of(settings.plan), settings, on_stored)

    def position(self, settings: DeliverySettings) -> str | None:
        return runtime.run_loop(reading.position(NatsSink.of(settings.plan), settings.nats_url))

    def purge(self, settings: DeliverySettings) -> None:
        runtime.run_loop(purge(NatsSink.of(settings.plan), settings.nats_url, settings.job))

    def tail(self, settings: DeliverySettings, wanted: TailRequest) -> Tail:
        return NatsTail(NatsSink.of(settings.plan), settings.nats_url, wanted)


async def purge(sink: NatsSink, nats_url: str, job: str) -> None:
    """Give the stream up: it is no job's any more, and says that nothing of a source is known. Messages stay.

    A stream that is another job's, or that is gone, is left as it is.
    """
    connection = await Connection.open(sink, nats_url, f"udup purge {job}")
    try:
        state = await stream.look(connection, sink)
        if state is None or state.metadata.get(stream.JOB) != job:
            return
        note = Note(sink.position_subject, note_data(None, (), job, "", 0), rolls=state.rolls, keeps=state.keeps)
        await connection.store(note.subject, note.data, {**note.headers, FENCE: str(state.last)})
        await kept.remove(connection, sink)
        await stream.release(connection, sink)
    finally:
        await connection.close()
