"""What no server gets out of Udup, whatever it asks for: a file, a password."""

from __future__ import annotations

import ast
import re
import ssl
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.certificates import make_certificates
from tests.drivers.mysql.client.acts import ACTS, second_result
from tests.fake_mysql import (
    CAPABILITIES,
    OK,
    PASSWORD,
    SSL,
    Conversation,
    FakeServer,
    Script,
    decent,
    file_request,
    on,
    serving,
    switch,
)
from udup.base.errors import Transient, UdupError
from udup.base.tls import SslMode, Tls
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client import wire
from udup.drivers.mysql.client.connection import MySQLError, connect
from udup.drivers.mysql.stream.stream import BinlogStream

SECRET = b"what stands in a file of this machine"

#: Seconds in which anything hostile must have come to its end.
SOON = 10.0


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_bytes(SECRET)
    return path


@pytest.mark.parametrize("announced", [False, True])
@pytest.mark.parametrize("act", ACTS)
def test_a_file_that_the_server_asks_for_is_never_sent(secret: Path, act: str, announced: bool) -> None:
    do, asked = ACTS[act]
    with FakeServer(serving(on(asked, file_request(secret)))) as server:
        connection = connect(server.endpoint(), local_infile=announced)
        with pytest.raises(MySQLError, match=r"asked for the file .*secret.* hostile") as caught:
            do(connection)
        assert caught.value.args[0] == wire.CR_LOCAL_INFILE_REJECTED
        assert not connection.open
        server.wait()
        assert SECRET not in server.received


def test_a_file_asked_for_after_another_result_is_never_sent(secret: Path) -> None:
    more = b"\0\0\0\x0a\0\0\0"  # OK, and more results follow
    with (
        FakeServer(serving(on(b"ASKED", more, file_request(secret)))) as server,
        closing(connect(server.endpoint(), local_infile=True)) as connection,
        pytest.raises(MySQLError, match="asked for the file"),
    ):
        second_result(connection)
    assert SECRET not in server.received


@pytest.mark.parametrize("asked", [b"SET NAMES", b"wait_timeout", b"SHOW SESSION VARIABLES"])
def test_a_file_asked_for_while_a_connection_is_opened_is_never_sent(secret: Path, asked: bytes) -> None:
    with FakeServer(serving(on(asked, file_request(secret)))) as server:
        with pytest.raises(UdupError, match="asked for the file"):
            connect(server.endpoint(), local_infile=True, autocommit=False)
        server.wait()
        assert SECRET not in server.received


def test_a_file_asked_for_instead_of_a_login_is_never_sent(secret: Path) -> None:
    def script(conversation: Conversation) -> None:
        conversation.greet()
        conversation.read()
        conversation.send(file_request(secret))

    with FakeServer(script) as server:
        with pytest.raises(UdupError, match="unexpected packet during authentication"):
            connect(server.endpoint(), local_infile=True)
        server.wait()
        assert SECRET not in server.received


@pytest.mark.parametrize("asked", [b"slave_uuid", b"heartbeat", b"capability", b"\x15", b"\x1e"])
def test_a_file_asked_for_by_the_source_of_the_binary_log_is_never_sent(secret: Path, asked: bytes) -> None:
    def answer(conversation: Conversation, command: bytes) -> None:
        if command.startswith(asked) or (len(asked) > 1 and asked in command):
            conversation.send(file_request(secret))
        else:
            decent(conversation, command)

    with FakeServer(serving(answer)) as server:
        with pytest.raises(UdupError), closing(_dump(server)) as stream:
            next(iter(stream))
        server.wait()
        assert SECRET not in server.received


def test_a_load_sends_the_rows_from_memory_whatever_file_is_asked_for(secret: Path) -> None:
    def answer(conversation: Conversation, command: bytes) -> None:
        if command.startswith(b"\x03LOAD"):
            conversation.send(file_request(secret))
            while conversation.read():
                pass
            conversation.send(OK + b"\x30Records: 1  Deleted: 0  Skipped: 0  Warnings: 0")
        else:
            decent(conversation, command)

    with FakeServer(serving(answer)) as server, closing(connect(server.endpoint(), local_infile=True)) as connection:
        told = connection.load_local(b"LOAD DATA LOCAL", [b"the rows\n"])
        assert b"Records: 1" in told
        assert b"the rows" in server.received and SECRET not in server.received


# ---- The password ----


def _asking_for(plugin: str, in_greeting: bool) -> Script:
    def script(conversation: Conversation) -> None:
        conversation.greet(plugin if in_greeting else "caching_sha2_password")
        conversation.read()
        conversation.send(switch(plugin, b"\x04Password: " if plugin == "dialog" else b"12345678901234567890\0"))
        conversation.read()
        conversation.send(OK)

    return script


@pytest.mark.parametrize("in_greeting", [False, True])
@pytest.mark.parametrize(
    "plugin", ["mysql_clear_password", "dialog", "mysql_old_password", "client_ed25519", "authentication_ldap_sasl", ""]
)
def test_a_server_that_asks_for_the_password_by_an_open_method_does_not_get_it(plugin: str, in_greeting: bool) -> None:
    with FakeServer(_asking_for(plugin, in_greeting)) as server:
        with pytest.raises(UdupError, match=plugin or "authentication method") as caught:
            connect(server.endpoint())
        assert not isinstance(caught.value, Transient) and "caching_sha2_password" in str(caught.value)
        server.wait()
        assert PASSWORD.encode() not in server.received


@pytest.mark.parametrize("mode", [SslMode.REQUIRED, SslMode.VERIFY_CA])
def test_the_password_is_given_in_clear_only_to_a_server_whose_certificate_was_verified(
    tmp_path: Path, mode: SslMode
) -> None:
    made = make_certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.cert, made.key)

    def script(conversation: Conversation) -> None:
        conversation.greet(capabilities=CAPABILITIES | SSL)
        conversation.encrypt(context)
        conversation.read()
        conversation.send(switch("mysql_clear_password"))
        conversation.read()
        conversation.send(OK)
        while True:
            decent(conversation, conversation.read())

    verified = mode == SslMode.VERIFY_CA
    with FakeServer(script) as server:
        tls = Tls(mode, str(made.ca) if verified else "")
        if verified:
            connect(server.endpoint(tls)).close()
        else:
            with pytest.raises(UdupError, match="VERIFY_CA"):
                connect(server.endpoint(tls))
        server.wait()
        assert (PASSWORD.encode() in server.received) == verified


def test_without_tls_the_password_goes_by_the_servers_key_and_not_in_clear() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def script(conversation: Conversation) -> None:
        conversation.greet()
        conversation.read()
        conversation.send(b"\1\4")
        assert conversation.read() == b"\2"
        conversation.send(b"\1" + public)
        conversation.read()
        conversation.send(OK)
        while True:
            decent(conversation, conversation.read())

    with FakeServer(script) as server:
        connect(server.endpoint()).close()
        server.wait()
        assert PASSWORD.encode() not in server.received


# ---- No other way ----


def _ways_to_mysql(path: Path) -> Iterator[str]:
    """What a file has by which MySQL could be connected to."""
    text = path.read_text("utf-8")
    if not re.search("pymysql|Wire|BinLogStreamReader", text):
        return
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Attribute(value=ast.Name("pymysql"), attr="connect" | "Connect" | "Connection"):
                yield f"pymysql.{node.attr}"
            case ast.ImportFrom(module="pymysql" | "pymysql.connections"):
                yield from (alias.name for alias in node.names if alias.name in ("connect", "Connect", "Connection"))
            case ast.Call(func=ast.Name("Wire")):
                yield "Wire"
            case ast.Call(func=ast.Name("BinLogStreamReader")):
                if "pymysql_wrapper" not in {keyword.arg for keyword in node.keywords}:
                    yield "BinLogStreamReader"


def test_mysql_is_connected_to_in_one_place_alone() -> None:
    """PyMySQL's own connections would give files and passwords away."""
    package = Path(wire.__file__).parents[3]
    found = {
        (path.relative_to(package).as_posix(), way) for path in package.rglob("*.py") for way in _ways_to_mysql(path)
    }
    assert found == {("drivers/mysql/client/line.py", "Connection"), ("drivers/mysql/client/connection.py", "Wire")}


def _dump(server: FakeServer) -> BinlogStream:
    return BinlogStream(server.endpoint(), 900_301, GtidSet(), str(uuid.uuid4()))
