"""What a document says about its JetStream is understood, or refused with the key, the value and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.nats_keys import NatsKey
from udup.base.errors import Refused
from udup.base.tls import SslMode
from udup.drivers.messages.nats.config import NatsSink
from udup.pipeline.ports.delivery import DeliveryPlan


def sink(prefix: str = "shop1", **keys: Any) -> NatsSink:
    return NatsSink.of(DeliveryPlan(prefix, sink=keys))


def test_what_is_not_said_has_a_default() -> None:
    found = sink("shop.one")
    assert (found.stream, found.url, found.replicas, found.storage) == ("UDUP_shop_one", "", 1, "file")
    assert (found.max_age, found.max_bytes, found.discard, found.compression) == (0, 0, "old", "none")
    assert found.subjects == ["shop.one", "shop.one.>", "__debezium-heartbeat.shop.one", "__udup-position.shop.one"]
    assert found.where == "stream UDUP_shop_one of the node's NATS"


def test_everything_can_be_said() -> None:
    found = sink(
        Url="tls://nats.example",
        Stream="SHOP1",
        Replicas=3,
        Storage="memory",
        MaxAge="1d12h",
        MaxBytes="10GB",
        Discard="new",
        Compression="S2",
        User="u",
        Password="secret-word",
    )
    assert (found.url, found.stream, found.replicas) == ("tls://nats.example:4222", "SHOP1", 3)
    assert (found.storage, found.max_age, found.max_bytes) == ("memory", 129600, 10 << 30)
    assert (found.discard, found.compression) == ("new", "s2")
    assert found.tls is not None and found.tls.mode is SslMode.VERIFY_IDENTITY
    assert "secret-word" not in repr(found)


@pytest.mark.parametrize(
    ("text", "seconds"), [("7d", 604800), ("12h", 43200), ("30m", 1800), ("45s", 45), ("2w", 1209600), ("1h30m", 5400)]
)
def test_ages(text: str, seconds: int) -> None:
    assert sink(MaxAge=text).max_age == seconds


@pytest.mark.parametrize(
    ("text", "size"),
    [("1GiB", 1 << 30), ("500MB", 500 << 20), ("64k", 64 << 10), (1048576, 1 << 20), ("2 TB", 2 << 40)],
)
def test_sizes(text: Any, size: int) -> None:
    assert sink(MaxBytes=text, Discard="new").max_bytes == size


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"MaxAge": "7 fortnights"}, r"NatsConfig\.MaxAge: '7 fortnights' is not understood -- write it as 7d"),
        ({"MaxBytes": "much"}, r"MaxBytes: 'much' is not understood -- write it as 10GB"),
        ({"MaxBytes": "1MB"}, r"MaxBytes: .* may hold less than .* -- write 64MB or more"),
        ({"Replicas": 9}, r"Replicas: 9 is not possible -- write a number from 1 to 5"),
        ({"Replicas": True}, r"Replicas: True is not possible"),
        ({"Storage": "tape"}, r"Storage: 'tape' is not known -- write file or memory"),
        ({"Discard": "all"}, r"Discard: 'all' is not known -- write old or new"),
        ({"Compression": "zip"}, r"Compression: 'zip' is not known"),
        ({"Stream": "a.b"}, r"Stream: 'a.b' is no name of a stream"),
        ({"Strem": "x"}, r"Strem: 'x' is not known -- the keys are"),
        ({"Url": "http://x"}, r"Url: 'http://x' is no URL of a NATS server"),
        ({"Url": "nats://x:port"}, r"Url: it is no URL"),
        ({"Url": "x,nats://y:port"}, r"Url: it is no URL"),
        ({"Url": "nats://x/path"}, r"Url: .* has more than host and port"),
        ({"User": "u"}, r"Url: User, Password, Credentials and the Ssl keys are not used with the node's own NATS"),
        ({"Url": "x", "User": "u", "Credentials": "c"}, r"Credentials: there is a User or Password too"),
        ({"Url": "x", "Password": "p", "Credentials": "c"}, r"Credentials: there is a User or Password too"),
        ({"Url": "x", "SslKey": "/k"}, r"SslKey: .* is the key of SslCert, which is not given"),
        ({"Url": "x", "SslCa": "/does/not/exist"}, r"SslCa: cannot read /does/not/exist"),
        ({"Stream": 5}, r"Stream: 5 is no text"),
    ],
)
def test_a_fault_names_the_key_the_value_and_what_to_do(keys: dict[str, Any], told: str) -> None:
    with pytest.raises(Refused, match=told):
        sink(**keys)


@pytest.mark.parametrize("url", ["nats://u:secret-word@x:4222", "u:secret-word@x", "nats://u:secret-word@x:port/"])
def test_a_url_with_a_password_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(Refused) as told:
        sink(Url=url)
    assert "secret-word" not in str(told.value)


@pytest.mark.parametrize("prefix", ["", "a b", "a.*", "a..b", ">"])
def test_a_prefix_must_be_one_of_subjects(prefix: str) -> None:
    with pytest.raises(Refused, match="is no prefix of subjects"):
        sink(prefix)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(Refused) as told:
        sink(Storage="tape", Replicas=9, MaxAge="x")
    assert len(told.value.faults) == 3


def test_a_password_may_be_a_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    found = sink(Url="x", User="u", Password="env:UDUP_SECRET_NATS_TEST")
    with pytest.raises(Refused, match="UDUP_SECRET_NATS_TEST"):
        found.secret()
    monkeypatch.setenv("UDUP_SECRET_NATS_TEST", "word")
    assert found.secret() == "word"


def test_credentials_come_from_the_folder_for_such_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = NatsKey.of("user")
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "nats.creds").write_text(f"a seed\n{made.seed}\n")
    (tmp_path / "outside.creds").write_text("token")
    (tmp_path / "inside" / "other.creds").write_text(made.seed[:-1])
    found = sink(Url="x", Credentials="nats.creds")
    with pytest.raises(Refused, match=r"secrets\.files_dir"):
        found.credentials_found()
    monkeypatch.setenv("UDUP_SECRETS_FILES_DIR", str(tmp_path / "inside"))
    assert found.credentials_found().public == made.public
    with pytest.raises(Refused, match="it has no seed of a user"):
        sink(Url="x", Credentials="other.creds").credentials_found()
    with pytest.raises(Refused, match="not in the server's folder"):
        sink(Url="x", Credentials="../outside.creds").credentials_found()
