"""TLS and SASL by the client's own code, from the keys of a job's document; `gate.py` has what stands in between."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.certificates import Certificates, make_certificates
from tests.drivers.messages.kafka.gate import Account, gate
from tests.drivers.messages.kafka.mock_cluster import MockCluster, mock_cluster
from tests.drivers.messages.kafka.numbered import assert_each_once_in_order, read_all, unit
from udup.base.errors import Refused, Unavailable
from udup.drivers.messages.kafka import topics
from udup.drivers.messages.kafka.config import KafkaSink
from udup.drivers.messages.kafka.topics import Topics
from udup.drivers.messages.kafka.writer import Writer
from udup.pipeline.ports.delivery import DeliveryPlan, DeliverySettings


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("kafka-tls"))


@pytest.fixture(scope="module")
def cluster() -> Iterator[MockCluster]:
    with mock_cluster() as made:
        yield made


@pytest.fixture(autouse=True)
def _settings_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Topics, "_settings_of", lambda *_: {})  # the mock does not know that question
    monkeypatch.setenv("UDUP_SECRET_KAFKA", "opensesame")


def _tls(certificates: Certificates, *, both: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.cert, certificates.key)
    if both:
        context.load_verify_locations(certificates.ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _settings(prefix: str, port: int, keys: dict[str, Any]) -> DeliverySettings:
    plan = DeliveryPlan(prefix=prefix, sink={"Brokers": [f"127.0.0.1:{port}"], **keys})
    return DeliverySettings("job-1", 1, "node-1", plan)


_PLAIN = Account("PLAIN", "udup", "opensesame")
_SCRAM = Account("SCRAM-SHA-512", "udup", "opensesame")
_LOGIN = {"User": "udup", "Password": "env:UDUP_SECRET_KAFKA"}


@pytest.mark.parametrize(
    ("tls", "account", "keys", "through"),
    [
        ("server", None, ("SslCa",), "anybody over TLSv1.3"),
        ("both", None, ("SslCa", "SslCert", "SslKey"), "anybody over TLSv1.3"),
        ("", _PLAIN, (), "udup over plain text"),
        ("server", _PLAIN, ("SslCa",), "udup over TLSv1.3"),
        ("server", _SCRAM, ("SslCa",), "udup over TLSv1.3"),
    ],
)
def test_messages_go_and_come_through_tls_and_sasl(
    cluster: MockCluster,
    certificates: Certificates,
    prefix: str,
    tls: str,
    account: Account | None,
    keys: tuple[str, ...],
    through: str,
) -> None:
    files = {"SslCa": str(certificates.ca), "SslCert": str(certificates.cert), "SslKey": str(certificates.key)}
    sink = {key: files[key] for key in keys}
    if account is not None:
        sink |= {**_LOGIN, "SaslMechanism": account.mechanism}
    cluster.make(f"{prefix}.position", f"{prefix}.shop.t0", f"{prefix}.shop.t1")
    context = _tls(certificates, both=tls == "both") if tls else None
    with gate(cluster, context, account) as stands:
        settings = _settings(prefix, stands.port, sink)
        writer = Writer(KafkaSink.of(settings.plan), settings)
        writer.connect()
        writer.take_over()
        writer.store([unit(prefix, 1, 0, 10)])
        assert_each_once_in_order(read_all(settings.plan), 10)
        writer.closing = True
        writer.close()
        assert set(stands.through) == {through}


@pytest.mark.parametrize(
    ("tls", "account", "keys", "said"),
    [
        (True, None, {"SecurityProtocol": "SSL"}, "certificate verify failed.*look at SslCa"),
        (False, _PLAIN, {**_LOGIN, "Password": "wrong"}, "look at User, Password"),
        (False, _SCRAM, {**_LOGIN, "Password": "wrong", "SaslMechanism": "SCRAM-SHA-512"}, "look at User, Password"),
        (False, _SCRAM, {**_LOGIN, "SaslMechanism": "PLAIN"}, "look at User, Password.* SaslMechanism"),
    ],
)
def test_what_no_wait_heals_is_refused_at_once(
    cluster: MockCluster,
    certificates: Certificates,
    prefix: str,
    tls: bool,
    account: Account | None,
    keys: dict[str, Any],
    said: str,
) -> None:
    with gate(cluster, _tls(certificates) if tls else None, account) as stands:
        settings = _settings(prefix, stands.port, keys)
        writer = Writer(KafkaSink.of(settings.plan), settings)
        with pytest.raises(Refused, match=said):
            writer.connect()


def test_a_certificate_of_another_host_is_refused(cluster: MockCluster, tmp_path: Path, prefix: str) -> None:
    other = make_certificates(tmp_path, "127.0.0.9")
    with gate(cluster, _tls(other)) as stands:
        settings = _settings(prefix, stands.port, {"SslCa": str(other.ca)})
        with pytest.raises(Refused, match=r"verify failed.*names the host in Brokers"):
            Writer(KafkaSink.of(settings.plan), settings).connect()


@pytest.mark.parametrize(
    ("tls", "keys", "said"),
    [
        (True, {}, r"asking Kafka at .* -- look at Brokers and SecurityProtocol"),
        (False, {"SecurityProtocol": "SSL"}, r"connecting to a PLAINTEXT broker listener.* -- look at Brokers and Sec"),
    ],
)
def test_a_wrong_protocol_is_told_though_it_looks_like_a_broker_that_goes_away(
    cluster: MockCluster,
    certificates: Certificates,
    prefix: str,
    monkeypatch: pytest.MonkeyPatch,
    tls: bool,
    keys: dict[str, Any],
    said: str,
) -> None:
    """A try that ends before the broker has hung up says less: the next one has heard it."""
    monkeypatch.setattr(topics, "ANSWER_SECONDS", 1.0)
    with gate(cluster, _tls(certificates) if tls else None) as stands:
        settings = _settings(prefix, stands.port, keys)
        writer = Writer(KafkaSink.of(settings.plan), settings)
        end = time.monotonic() + 30
        while True:
            with pytest.raises(Unavailable) as told:
                writer.connect()
            if re.search(said, str(told.value)):
                return
            assert time.monotonic() < end, told.value
