"""A job is let in by everything that a NATS server asks for: TLS with an own authority, passwords, tokens and keys."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from tests.certificates import make_certificates
from tests.drivers.messages.nats.served import Served
from tests.drivers.messages.nats.small_sink import SmallSink
from tests.nats_keys import NatsKey, account
from udup.base.errors import Refused
from udup.pipeline.ports.delivery import FoundPlace

Serve = Callable[[str], str]


@pytest.fixture
def serve(server_folder: Path) -> Iterator[Serve]:
    """Start a server with these lines of configuration; return its host and port."""
    running: list[Served] = []

    def start(lines: str) -> str:
        running.append(Served(server_folder / f"access-{uuid.uuid4().hex[:8]}", lines))
        return running[-1].address

    yield start
    for each in running:
        each.kill()


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for credentials files."""
    monkeypatch.setenv("UDUP_SECRETS_FILES_DIR", str(tmp_path))
    return tmp_path


def _delivers(url: str, **keys: Any) -> None:
    """A job delivers there, and finds its place again, as do those who read."""
    sink = SmallSink("", "shop", keys={"Url": url, **keys})

    async def main() -> None:
        async with sink.opened() as (delivery, _):
            await delivery.send(sink.unit(1, 0, 300))
            await delivery.stored()
        async with sink.opened(run=2) as (_, found):
            assert found == FoundPlace("300")
        assert await sink.numbers() == list(range(300))

    asyncio.run(main())


def _is_refused(told: str, url: str, **keys: Any) -> None:
    async def main() -> None:
        delivery = SmallSink("", "shop", keys={"Url": url, **keys}).delivery()
        try:
            with pytest.raises(Refused, match=told):
                await delivery.connect()
        finally:
            await delivery.close()

    asyncio.run(main())


def test_a_user_with_a_password_in_clear_or_as_its_hash(serve: Serve) -> None:
    hashed = bcrypt.hashpw(b"word", bcrypt.gensalt(4)).decode()
    for password in ("word", hashed):
        address = serve(f"authorization {{ user: job, password: {password!r} }}")
        _delivers(address, User="job", Password="word")
    _is_refused("does not let the job in", address, User="job", Password="other")
    _is_refused("does not let the job in", address)


def test_a_user_who_may_no_more_than_a_job_needs(serve: Serve) -> None:
    """Who may less is told what all is needed."""
    sink = SmallSink("", "shop").sink()
    publish = [*sink.subjects, sink.kept_subject, sink.writer_subject, "$JS.API.>"]
    subscribe = ["_INBOX.>", sink.writer_subject]

    def user(taken: list[str]) -> str:
        may = f"{{ publish: {json.dumps(taken)}, subscribe: {json.dumps(subscribe)} }}"
        return f"authorization {{ users: [ {{ user: job, password: word, permissions: {may} }} ] }}"

    _delivers(serve(user(publish)), User="job", Password="word")
    for missing in (sink.kept_subject, "shop.>"):
        address = serve(user([each for each in publish if each != missing]))
        with pytest.raises(Refused) as told:
            _delivers(address, User="job", Password="word")
        text = str(told.value)
        assert all(each in text for each in (*publish, *subscribe)), text


def test_a_token_is_a_password_without_a_user(serve: Serve, files: Path) -> None:
    (files / "token").write_text("t0ken\n")
    address = serve("authorization { token: t0ken }")
    _delivers(address, Password="file:token")
    _is_refused("does not let the job in", address, Password="another")


def test_a_key_of_a_user_that_the_server_knows(serve: Serve, files: Path) -> None:
    key = NatsKey.of("user")
    (files / "job.nk").write_text(key.seed + "\n")
    (files / "other.nk").write_text(NatsKey.of("user").seed)
    address = serve(f"authorization {{ users: [ {{ nkey: {key.public} }} ] }}")
    _delivers(address, Credentials="job.nk")
    _is_refused("does not let the job in", address, Credentials="other.nk")


def test_credentials_of_a_server_that_knows_its_operator_alone(serve: Serve, files: Path) -> None:
    (lines, ours), (_, others) = account(), account()
    (files / "job.creds").write_text(ours)
    (files / "other.creds").write_text(others)
    address = serve(lines)
    _delivers(address, Credentials="job.creds")
    _is_refused("does not let the job in", address, Credentials="other.creds")


def test_tls_with_an_own_authority_and_certificates_of_clients(serve: Serve, tmp_path: Path) -> None:
    made, other = make_certificates(tmp_path / "one"), make_certificates(tmp_path / "other")
    tls = f"cert_file: '{made.cert}', key_file: '{made.key}'"
    client = {"SslCert": str(made.cert), "SslKey": str(made.key)}
    address = serve(f"tls {{ {tls} }}\nauthorization {{ user: job, password: word }}")
    _delivers(f"tls://{address}", SslCa=str(made.ca), User="job", Password="word")
    _is_refused("no TLS with it: .*certificate verify failed", f"tls://{address}", SslCa=str(other.ca))
    address = serve(f"tls {{ {tls}, ca_file: '{made.ca}', verify: true }}")
    _delivers(f"tls://{address}", SslCa=str(made.ca), **client)
    _is_refused("wants a certificate", f"tls://{address}", SslCa=str(made.ca))


def test_a_server_that_waits_for_tls_before_it_says_anything(serve: Serve, tmp_path: Path) -> None:
    made = make_certificates(tmp_path / "one")
    tls = f"cert_file: '{made.cert}', key_file: '{made.key}', handshake_first: auto"
    _delivers(f"tls://{serve(f'tls {{ {tls} }}')}", SslCa=str(made.ca))
