"""Makes the destinations of messages: each sink with the encoder that knows its rules for names."""

from __future__ import annotations

from collections.abc import Callable

from udup.base.errors import Fault, Refused
from udup.drivers.messages.encoder import open_encoder
from udup.drivers.messages.names import KafkaNames, SubjectNames, TopicNames
from udup.drivers.messages.options import option_faults
from udup.pipeline.ports import DeliveryPlan, DeliverySettings, Destination, Encoder


def nats_destination(plan: DeliveryPlan) -> Destination:
    """Return JetStream as the plan says it; `Refused` with every fault of that."""
    from udup.drivers.messages.nats.destination import NatsDestination  # brings its client library

    return NatsDestination(plan, _encoder_with(SubjectNames(), tombstones=False))


def kafka_destination(plan: DeliveryPlan) -> Destination:
    """Return Kafka as the plan says it; `Refused` with every fault of that."""
    from udup.drivers.messages.kafka.destination import KafkaDestination  # brings its client library

    return KafkaDestination.of(plan, _encoder_with(KafkaNames()))


def nats_faults(plan: DeliveryPlan) -> list[Fault]:
    """Return all that is wrong with a plan for JetStream, as far as it can be known without a server."""
    from udup.drivers.messages.nats.config import NatsSink

    return [*option_faults(plan), *_refused(lambda: NatsSink.of(plan))]


def kafka_faults(plan: DeliveryPlan) -> list[Fault]:
    """Return all that is wrong with a plan for Kafka, as far as it can be known without a server."""
    from udup.drivers.messages.kafka.config import KafkaSink

    return [*option_faults(plan), *_refused(lambda: KafkaSink.of(plan))]


def _refused(read: Callable[[], object]) -> list[Fault]:
    try:
        read()
    except Refused as refused:
        return list(refused.faults)
    return []


def _encoder_with(names: TopicNames, *, tombstones: bool = True) -> Callable[[DeliverySettings], Encoder]:
    """Return what makes the encoder of a run. `tombstones`: whether there are any where the job does not say."""
    return lambda settings: open_encoder(settings, names, tombstones)
