"""Who may reach NATS: the embedded server asks for its password, and no password is shown or goes elsewhere."""

from __future__ import annotations

import asyncio
import ssl
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import nats
import psutil
import pytest

from tests.certificates import Certificates, make_certificates
from tests.drivers.messages.nats.served import Served
from tests.nats_keys import account
from udup.base.errors import ConfigError, Transient
from udup.node.nats_server import USER, NatsServer, _program
from udup.pipeline.transport.address import connect_options, of_job, shown, with_files
from udup.pipeline.transport.link import Link
from udup.sandbox.child import spawn
from udup.sandbox.ports import free_port

OWN = "nats://udup:s3cret@127.0.0.1:8193"


def _open(url: str) -> None:
    async def work() -> None:
        await (await Link.open(url, "test")).close()

    asyncio.run(asyncio.wait_for(work(), 20))


def test_the_embedded_server_lets_in_its_node_alone_and_keeps_its_password_over_restarts(
    server_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "nats"
    folder.mkdir()
    (folder / "nats.conf").write_text("left by another version, readable by all")
    server = NatsServer(folder, 0)
    server.start()
    try:
        _open(server.url)
        bare = shown(server.url)
        for url in (bare, bare.replace("//", f"//{USER}:wrong@")):
            with pytest.raises(Transient, match=r"(?i)authoriz"):
                _open(url)
        password = server.url.split(":")[2].partition("@")[0]
        assert len(password) > 40 and password not in bare
        assert not any(password in word for word in psutil.Process(server.pid).cmdline())
        assert password not in (folder / "nats.log").read_text()
        for path in folder.rglob("*"):
            if path.is_file() and password.encode() in path.read_bytes():
                assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        server.stop()
        server.start()
        _open(server.url)
        assert server.url != NatsServer(folder, server.port).url
    finally:
        server.stop()


@pytest.mark.parametrize("given", ["", "127.0.0.1:8193", "localhost:8193", "nats://127.0.0.1:8193", "[::1]:8193"])
def test_a_job_that_names_the_nodes_own_nats_uses_it_with_its_password(given: str) -> None:
    assert of_job(OWN, given) == OWN


@pytest.mark.parametrize("given", ["127.0.0.1:8194", "evil.example:8193", "nats://10.0.0.1:8193"])
def test_the_nodes_password_is_not_sent_to_the_nats_that_a_job_names(given: str) -> None:
    assert of_job(OWN, given) == "nats://" + given.removeprefix("nats://")


def test_files_travel_in_the_url_and_are_not_shown() -> None:
    url = with_files(OWN, {"creds": "/etc/u dup.creds", "tls_ca": ""})
    assert shown(url) == "nats://127.0.0.1:8193"
    with pytest.raises(ConfigError, match=r"nats\.creds = /etc/u dup\.creds"):
        connect_options(url)


def test_a_credentials_file_lets_the_node_in(server_folder: Path, tmp_path: Path) -> None:
    """Of a server that knows its operator alone; the client signs with the file's key."""
    lines, text = account()
    (tmp_path / "node.creds").write_text(text)
    server = Served(server_folder / "creds", lines)

    async def main() -> None:
        address, options = connect_options(with_files(f"nats://{server.address}", {"creds": f"{tmp_path}/node.creds"}))
        client = await nats.connect(address, allow_reconnect=False, **options)
        await client.jetstream().add_stream(name="S", subjects=["s"])
        await client.close()

    try:
        asyncio.run(main())
    finally:
        server.kill()


@pytest.mark.parametrize("text", ["", "SUAA", account()[1].replace("BEGIN NATS USER JWT", "")])
def test_a_file_that_holds_no_credentials_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "node.creds").write_text(text)
    with pytest.raises(ConfigError, match=r"it has no (seed|JWT) of a user"):
        connect_options(with_files(OWN, {"creds": f"{tmp_path}/node.creds"}))


@pytest.fixture
def over_tls(server_folder: Path, tmp_path: Path) -> Iterator[tuple[str, Certificates]]:
    """A NATS server that takes TLS only, from clients with a certificate and the password; its URL, its files."""
    made = make_certificates(tmp_path / "certificates")
    port = free_port()
    config = tmp_path / "tls.conf"
    config.write_text(
        f"listen: '127.0.0.1:{port}'\nauthorization {{ user: u, password: pw }}\n"
        f"tls {{ cert_file: '{made.cert}', key_file: '{made.key}', ca_file: '{made.ca}', verify: true }}\n"
    )
    process = spawn([_program(), "-c", str(config)], tmp_path / "tls.log")
    yield f"tls://u:pw@127.0.0.1:{port}", made
    process.kill()
    process.wait()


def test_an_external_server_is_reached_over_tls_with_our_certificate(
    over_tls: tuple[str, Certificates], tmp_path: Path
) -> None:
    bare, made = over_tls
    files = {"tls_ca": str(made.ca), "tls_cert": str(made.cert), "tls_key": str(made.key)}
    end = time.monotonic() + 20
    while True:
        try:
            _open(with_files(bare, files))
            break
        except Transient:
            assert time.monotonic() < end, (tmp_path / "tls.log").read_text()
    other = str(make_certificates(tmp_path / "other").ca)
    for wrong in ({**files, "tls_ca": other}, {**files, "tls_cert": "", "tls_key": ""}):
        with pytest.raises(Transient):
            _open(with_files(bare, wrong))
    with pytest.raises(Transient, match=r"(?i)authoriz"):
        _open(with_files(bare.replace("pw", "wrong"), files))


def test_tls_verifies_the_server_and_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    _, options = connect_options("tls://nats.example:4222")
    assert options["tls"].verify_mode == ssl.CERT_REQUIRED and options["tls"].check_hostname
    assert options["tls_hostname"] == "nats.example"
    with pytest.raises(ConfigError, match=r"nats.tls_ca = /no/such.pem"):
        connect_options(with_files(OWN, {"tls_ca": "/no/such.pem"}))
