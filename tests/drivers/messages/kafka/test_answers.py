"""What brokers answer to a run, by the client's whole way: what it means for the job, and which topic is at fault."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from confluent_kafka import KafkaError

from tests.drivers.messages.kafka.mock_cluster import MockCluster, Request, mock_cluster
from tests.drivers.messages.kafka.numbered import unit
from udup.base.errors import Divergence, Refused, Superseded, Transient, UdupError, Unavailable
from udup.drivers.messages.kafka import writer as writing
from udup.drivers.messages.kafka.config import KafkaSink
from udup.drivers.messages.kafka.readback import PlainWriter
from udup.drivers.messages.kafka.topics import Topics
from udup.drivers.messages.kafka.writer import Writer


@pytest.fixture
def cluster() -> Iterator[MockCluster]:
    """One for the test alone: a client of an earlier test may still ask, and take the answer that is meant for this."""
    with mock_cluster() as made:
        yield made


@pytest.fixture(autouse=True)
def _settings_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Topics, "_settings_of", lambda *_: {})  # the mock does not know that question


@contextmanager
def _writer(cluster: MockCluster, prefix: str) -> Iterator[Writer]:
    """One that has looked at the cluster."""
    cluster.make(f"{prefix}.position", f"{prefix}.shop.t0", f"{prefix}.shop.t1")
    settings = cluster.settings(prefix)
    writer = Writer(KafkaSink.of(settings.plan), settings)
    try:
        writer.connect()
        yield writer
    finally:
        writer.closing = True
        writer.close()


_AFTER = (Request.ADD_PARTITIONS, Request.PRODUCE, Request.END_TRANSACTION)


@pytest.mark.parametrize(
    ("request_", "code", "kind", "said"),
    [
        *((each, KafkaError.PRODUCER_FENCED, Superseded, "another run of this job writes there") for each in Request),
        *((each, KafkaError.INVALID_PRODUCER_EPOCH, Superseded, "another run of this job") for each in _AFTER),
        *((each, KafkaError.INVALID_TXN_STATE, Transient, "INVALID_TXN_STATE") for each in _AFTER),
        (Request.END_TRANSACTION, KafkaError.INVALID_PRODUCER_ID_MAPPING, Transient, "INVALID_PRODUCER_ID_MAPPING"),
        (Request.PRODUCE, KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER, Transient, "OUT_OF_ORDER_SEQUENCE_NUMBER"),
        (
            Request.INIT_PRODUCER_ID,
            KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
            Refused,
            "allow this user Write and Describe on the transactional IDs",
        ),
        (Request.INIT_PRODUCER_ID, KafkaError.INVALID_TRANSACTION_TIMEOUT, Refused, "transaction.max.timeout.ms"),
        (
            Request.ADD_PARTITIONS,
            KafkaError.TOPIC_AUTHORIZATION_FAILED,
            Refused,
            r"one of the topics PREFIX\.position, PREFIX\.shop\.t0, PREFIX\.shop\.t1: .*allow this user Create, Write",
        ),
        (Request.PRODUCE, KafkaError.TOPIC_AUTHORIZATION_FAILED, Refused, r"topic PREFIX\..*allow this user Create"),
        (Request.PRODUCE, KafkaError.MSG_SIZE_TOO_LARGE, Refused, "MaxMessageBytes"),
        (Request.PRODUCE, KafkaError.THROTTLING_QUOTA_EXCEEDED, Unavailable, "raise the quota"),
    ],
)
def test_what_an_answer_means(
    cluster: MockCluster, prefix: str, request_: Request, code: int, kind: type[UdupError], said: str
) -> None:
    with _writer(cluster, prefix) as writer, pytest.raises(kind, match=said.replace("PREFIX", prefix)) as raised:
        if request_ is Request.INIT_PRODUCER_ID:
            cluster.answer(request_, code)
        writer.take_over()
        writer.store([unit(prefix, 1, 0, 4)])
        cluster.answer(request_, code)
        writer.store([unit(prefix, 2, 4, 8)])
    assert type(raised.value) is kind


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (Request.INIT_PRODUCER_ID, KafkaError.COORDINATOR_LOAD_IN_PROGRESS),
        (Request.ADD_PARTITIONS, KafkaError.CONCURRENT_TRANSACTIONS),
        (Request.PRODUCE, KafkaError.NOT_ENOUGH_REPLICAS),
        (Request.PRODUCE, KafkaError.KAFKA_STORAGE_ERROR),
        (Request.END_TRANSACTION, KafkaError.NOT_COORDINATOR),
    ],
)
def test_what_passes_at_once_ends_no_run(cluster: MockCluster, prefix: str, request_: Request, code: int) -> None:
    with _writer(cluster, prefix) as writer:
        cluster.answer(request_, code)
        writer.take_over()
        writer.store([unit(prefix, 1, 0, 4)])


def test_brokers_that_answer_and_store_nothing_are_told_from_those_that_are_away(
    cluster: MockCluster, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "TRANSACTION_SECONDS", 2)
    with _writer(cluster, prefix) as writer:
        writer.take_over()
        cluster.answer(Request.PRODUCE, *[KafkaError.NOT_ENOUGH_REPLICAS] * 1000)
        with pytest.raises(Unavailable, match=r"not stored in time: the brokers answer, .*min\.insync\.replicas"):
            writer.store([unit(prefix, 1, 0, 4)])


def test_what_age_has_removed_is_not_asked_for_when_it_is_read_back(cluster: MockCluster, prefix: str) -> None:
    """Without transactions. A topic that was deleted, or made again, has nothing behind what was noted of it."""
    cluster.make(f"{prefix}.position", f"{prefix}.shop.t0", f"{prefix}.shop.t1")
    settings = cluster.settings(prefix, Transactional=False)

    def taken() -> PlainWriter:
        writer = PlainWriter(KafkaSink.of(settings.plan), settings)
        writer.connect()
        return writer

    first = taken()
    assert first.take_over().position is None
    first.store([unit(prefix, 1, 0, 20)])
    first._produce([unit(prefix, 2, 20, 24)])  # as by a run that is killed before its position
    assert first._producer.flush(10) == 0
    cluster.remove_records(f"{prefix}.shop.t0", 11)
    found = taken().take_over()
    assert found.position == '{"next": 20}'
    assert [each.split(":")[1] for each in sorted(found.ids)] == ["21", "22", "23"]
    cluster.delete(f"{prefix}.shop.t1")
    assert [each.split(":")[1] for each in taken().take_over().ids] == ["22"]


@pytest.mark.parametrize("left", [0, 1])
def test_a_position_that_age_has_removed_ends_the_job(cluster: MockCluster, prefix: str, left: int) -> None:
    """Whether nothing is left in the topic, or what another job has written since."""
    with _writer(cluster, prefix) as writer:
        assert writer.take_over().position is None
        writer.store([unit(prefix, 1, 0, 4)])
    other = cluster.settings(prefix)
    ours = Writer(KafkaSink.of(other.plan), replace(other, job="job-2"))
    ours.connect()
    assert ours.take_over().position is None
    ours.store([unit(prefix, 1, 0, 4)])
    cluster.remove_records(f"{prefix}.position", 3 - left)  # the mark, and a position of each job
    settings = cluster.settings(prefix)
    again = Writer(KafkaSink.of(settings.plan), settings)
    again.connect()
    with pytest.raises(Divergence, match=r"has not its first record any more.* -- set its cleanup\.policy to compact"):
        again.take_over()
