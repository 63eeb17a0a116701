"""`KafkaConfig`: what it means to the client library, and every fault with what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from udup.base.errors import Refused
from udup.drivers.messages.kafka.config import GROUP_BYTES, KafkaSink
from udup.pipeline.ports.delivery import DeliveryPlan


def _sink(prefix: str = "shop1", large_messages: str = "fail", **keys: Any) -> KafkaSink:
    keys = {"Brokers": ["127.0.0.1:9092"], **keys}
    return KafkaSink.of(DeliveryPlan(prefix=prefix, large_messages=large_messages, sink=keys))


def test_brokers_alone_are_enough() -> None:
    sink = _sink()
    assert (sink.where, sink.protocol, sink.transactional) == ("127.0.0.1:9092", "PLAINTEXT", True)
    assert (sink.group_bytes, sink.group_seconds, sink.partitions) == (GROUP_BYTES, 0, -1)
    assert sink.position_topic == "shop1.position"


def test_brokers_may_be_one_text_as_in_dtle() -> None:
    assert _sink(Brokers="a:9092, b:9093").brokers == ("a:9092", "b:9093")


def test_the_topic_of_dtle_is_the_prefix() -> None:
    assert _sink(prefix="", Topic="shop2").prefix == "shop2"


def test_a_group_of_one_byte_is_a_transaction_for_each_unit() -> None:
    sink = _sink(MessageGroupMaxSize=1, MessageGroupTimeout=100)
    assert (sink.group_bytes, sink.group_seconds) == (1, 0.1)


@pytest.mark.parametrize(
    ("keys", "protocol"),
    [
        ({"User": "u", "Password": "p"}, "SASL_PLAINTEXT"),
        ({"SslCa": "/ca.pem"}, "SSL"),
        ({"User": "u", "Password": "p", "SslCa": "/ca.pem"}, "SASL_SSL"),
        ({"SecurityProtocol": "sasl_ssl", "User": "u"}, "SASL_SSL"),
    ],
)
def test_the_protocol_follows_from_what_is_given(keys: dict[str, Any], protocol: str) -> None:
    assert _sink(**keys).protocol == protocol


def test_a_password_may_be_a_reference_and_shows_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UDUP_SECRET_KAFKA", "opensesame")
    sink = _sink(User="u", Password="env:UDUP_SECRET_KAFKA", SaslMechanism="scram-sha-512")
    settings = sink.connection()
    assert (settings["sasl.password"], settings["sasl.mechanism"]) == ("opensesame", "SCRAM-SHA-512")
    assert "UDUP_SECRET" not in repr(sink) and "opensesame" not in repr(sink)


def test_a_password_that_leads_nowhere_is_refused_when_it_is_needed() -> None:
    with pytest.raises(Refused, match=r"KafkaConfig\.Password: names the variable 'UDUP_SECRET_NONE'"):
        _sink(User="u", Password="env:UDUP_SECRET_NONE").connection()


def test_certificates_are_read_by_this_node(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("a certificate")
    assert _sink(SslCa=str(file)).connection()["ssl.ca.pem"] == "a certificate"
    with pytest.raises(Refused, match=r"KafkaConfig\.SslCa: cannot read .*none\.pem on this node"):
        _sink(SslCa=str(tmp_path / "none.pem")).connection()


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"Brokers": []}, "KafkaConfig.Brokers: names no broker"),
        ({"Brokers": ["a:b"]}, "KafkaConfig.Brokers: has 'a:b'"),
        ({"Brokers": 9}, "KafkaConfig.Brokers: is 9"),
        ({"Topic": "other"}, "both mean the same: leave one out"),
        ({"Compression": "rar"}, "write one of lz4, zstd"),
        ({"SecurityProtocol": "TLS"}, "write one of PLAINTEXT"),
        ({"SecurityProtocol": "SASL_SSL"}, "KafkaConfig.User: is empty with SecurityProtocol SASL_SSL"),
        ({"SecurityProtocol": "SSL", "User": "u"}, "write SASL_SSL"),
        ({"SecurityProtocol": "PLAINTEXT", "SslCa": "/a"}, "uses no SslCa"),
        ({"SslKey": "/k"}, "KafkaConfig.SslKey: is the key of SslCert"),
        ({"Partitions": -1}, "KafkaConfig.Partitions: is -1"),
        ({"Transactional": "yes"}, "KafkaConfig.Transactional: is 'yes' -- write true or false"),
        ({"SchemaChangeTopic": 1}, "KafkaConfig.SchemaChangeTopic: is 1"),
        ({"prefix": ""}, "KafkaConfig.Topic: is empty"),
        ({"large_messages": "claim"}, "Kafka has no object store: write skip-values"),
    ],
)
def test_a_fault_names_the_key_the_value_and_what_to_do(keys: dict[str, Any], told: str) -> None:
    with pytest.raises(Refused) as refused:
        _sink(**keys)
    assert told in str(refused.value)
    assert all(fault.remedy for fault in refused.value.faults)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(Refused) as refused:
        _sink(Brokers=[], Compression="rar", Partitions="2")
    assert len(refused.value.faults) == 3
