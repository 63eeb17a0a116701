"""What an error of the client library does to a job."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError, KafkaException

from udup.base.errors import FailureKind, Transient
from udup.drivers.messages.kafka.config import KafkaSink
from udup.drivers.messages.kafka.errors import Heard, failure
from udup.drivers.messages.kafka.writer import Writer
from udup.pipeline.ports.delivery import DeliveryPlan, DeliverySettings


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (KafkaError._ALL_BROKERS_DOWN, FailureKind.UNAVAILABLE),
        (KafkaError._MSG_TIMED_OUT, FailureKind.UNAVAILABLE),
        (KafkaError.NOT_ENOUGH_REPLICAS, FailureKind.UNAVAILABLE),
        (KafkaError.THROTTLING_QUOTA_EXCEEDED, FailureKind.UNAVAILABLE),
        (KafkaError.KAFKA_STORAGE_ERROR, FailureKind.UNAVAILABLE),
        (KafkaError._FENCED, FailureKind.SUPERSEDED),
        (KafkaError.INVALID_PRODUCER_EPOCH, FailureKind.SUPERSEDED),
        (KafkaError.SASL_AUTHENTICATION_FAILED, FailureKind.REFUSED),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, FailureKind.REFUSED),
        (KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, FailureKind.REFUSED),
        (KafkaError.MSG_SIZE_TOO_LARGE, FailureKind.REFUSED),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, FailureKind.TRANSIENT),
        (KafkaError.INVALID_TXN_STATE, FailureKind.TRANSIENT),
        (KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER, FailureKind.TRANSIENT),
    ],
)
def test_the_kind_of_an_error(code: int, kind: FailureKind) -> None:
    found = failure(KafkaException(KafkaError(code)), "writing to Kafka at a:1")
    assert found.kind is kind
    assert str(found).startswith("writing to Kafka at a:1: ")


def test_a_call_that_timed_out_is_told_by_what_was_heard_meanwhile() -> None:
    heard = Heard()
    heard(KafkaError(KafkaError._AUTHENTICATION, "bad password"))
    heard(KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down"))
    found = failure(KafkaError(KafkaError._TIMED_OUT), "asking", heard)
    assert found.kind is FailureKind.REFUSED
    assert "bad password" in str(found) and "look at User, Password" in str(found)
    heard.forget()
    assert failure(KafkaError(KafkaError._TIMED_OUT), "asking", heard).kind is FailureKind.UNAVAILABLE


def test_what_was_heard_does_not_hide_an_answer() -> None:
    heard = Heard()
    heard(KafkaError(KafkaError._ALL_BROKERS_DOWN))
    assert failure(KafkaError(KafkaError._FENCED), "writing", heard).kind is FailureKind.SUPERSEDED


def test_a_certificate_that_fails_is_refused_and_a_cut_handshake_is_not() -> None:
    bad = KafkaError(KafkaError._SSL, "SSL handshake failed: certificate verify failed")
    assert failure(bad, "asking").kind is FailureKind.REFUSED
    assert failure(KafkaError(KafkaError._SSL, "handshake: Disconnected"), "asking").kind is FailureKind.UNAVAILABLE


def test_a_thread_of_a_run_that_has_ended_calls_the_brokers_no_more() -> None:
    """`init_transactions` would take the topics from the run that has followed; and a full queue be waited for."""
    plan = DeliveryPlan("s", sink={"Brokers": ["127.0.0.1:1"]})
    writer = Writer(KafkaSink.of(plan), DeliverySettings("job", 1, "owner", plan))
    called: list[float] = []
    writer.closing = True
    with pytest.raises(Transient, match="has ended"):
        writer._patiently(called.append, "beginning")
    with pytest.raises(Transient, match="has ended"):
        writer._produce_slowly("t", b"", None, 0, [])
    assert not called


def test_that_all_brokers_are_down_does_not_hide_what_has_happened_to_them() -> None:
    heard = Heard()
    heard(KafkaError(KafkaError._TRANSPORT, "Connection refused"))
    heard(KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down"))
    assert "Connection refused" in str(failure(KafkaError(KafkaError._TIMED_OUT), "asking", heard))
