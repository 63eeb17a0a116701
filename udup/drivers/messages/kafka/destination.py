"""Kafka as a destination of messages, by a job's settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from udup.drivers.messages.kafka.config import KafkaSink
from udup.drivers.messages.kafka.delivery import KafkaDelivery
from udup.drivers.messages.kafka.errors import Heard
from udup.drivers.messages.kafka.position import read_position, remove_position
from udup.drivers.messages.kafka.reading import KafkaTail
from udup.pipeline.ports.delivery import Delivery, DeliveryPlan, DeliverySettings, Encoder
from udup.pipeline.ports.tail import Tail, TailRequest


@dataclass(frozen=True)
class KafkaDestination:
    """The `Destination` for Kafka. Messages are made by `encoder`, which knows no sink."""

    where: str
    encoder: Callable[[DeliverySettings], Encoder]

    @classmethod
    def of(cls, plan: DeliveryPlan, encoder: Callable[[DeliverySettings], Encoder]) -> KafkaDestination:
        """`Refused` with every fault of its settings."""
        return cls(KafkaSink.of(plan).where, encoder)

    def open_encoder(self, settings: DeliverySettings) -> Encoder:
        plan = settings.plan
        return self.encoder(replace(settings, plan=replace(plan, prefix=KafkaSink.of(plan).prefix)))

    def open_delivery(self, settings: DeliverySettings, on_stored: Callable[[int], None]) -> Delivery:
        return KafkaDelivery(KafkaSink.of(settings.plan), settings, on_stored)

    def position(self, settings: DeliverySettings) -> str | None:
        return read_position(KafkaSink.of(settings.plan), settings.job, Heard()).text

    def tail(self, settings: DeliverySettings, wanted: TailRequest) -> Tail:
        return KafkaTail(KafkaSink.of(settings.plan), wanted)

    def purge(self, settings: DeliverySettings) -> None:
        remove_position(KafkaSink.of(settings.plan), settings.job, Heard())
