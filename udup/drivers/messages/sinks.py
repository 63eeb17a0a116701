"""Makes the destinations of messages: each sink with the encoder that knows its rules for names."""

from __future__ import annotations

from collections.abc import Callable

from udup.base.errors import Refused
from udup.drivers.messages.encoder import MessageEncoder
from udup.drivers.messages.names import KafkaNames, SubjectNames, TopicNames
from udup.drivers.messages.options import MessageOptions, option_faults
from udup.pipeline.ports import DeliveryPlan, DeliverySettings, Destination, Encoder


def nats_destination(plan: DeliveryPlan) -> Destination:
    """Return JetStream as the plan says it; `Refused` with every fault of that."""
    from udup.drivers.messages.nats.destination import NatsDestination  # brings its client library

    return NatsDestination(plan, "", _encoder_with(SubjectNames()))


def kafka_destination(plan: DeliveryPlan) -> Destination:
    """Return Kafka as the plan says it; `Refused` with every fault of that."""
    from udup.drivers.messages.kafka.destination import KafkaDestination  # brings its client library

    return KafkaDestination.of(plan, _encoder_with(KafkaNames()))


def _encoder_with(names: TopicNames) -> Callable[[DeliverySettings], Encoder]:
    def made(settings: DeliverySettings) -> Encoder:
        """Return what makes the messages; `Refused` with every option that is none."""
        if faults := option_faults(settings.plan):
            raise Refused(faults)
        return MessageEncoder(MessageOptions.of(settings.plan), names)

    return made
