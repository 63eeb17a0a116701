"""What a server gets out of Udup that is not what it seems: no file, no password, and no standstill."""

from __future__ import annotations

import ast
import random
import re
import ssl
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pymysql.cursors import SSCursor

from tests.certificates import make_certificates
from tests.fake_mysql import (
    CAPABILITIES,
    EOF,
    OK,
    PASSWORD,
    SSL,
    Conversation,
    FakeServer,
    Script,
    column,
    decent,
    error,
    file_request,
    greeting,
    nothing,
    on,
    packet,
    rows,
    serving,
    switch,
    text,
)
from udup.base.errors import Transient, UdupError
from udup.base.tls import SslMode, Tls
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client import wire
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, query, scalar
from udup.drivers.mysql.client.raw import execute_raw
from udup.drivers.mysql.stream.stream import BinlogStream

SECRET = b"what stands in a file of this machine"

#: Seconds in which anything hostile must have come to its end.
SOON = 10.0

Act = Callable[[Connection], object]


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_bytes(SECRET)
    return path


def _streamed(connection: Connection) -> None:
    with connection.cursor(SSCursor) as cursor:
        cursor.execute("ASKED")
        cursor.fetchall()


def _second_result(connection: Connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ASKED")
        cursor.nextset()


#: What Udup does on a connection: by name, what it does, and what the server is then asked.
ACTS: dict[str, tuple[Act, bytes]] = {
    "query": (lambda connection: query(connection, "ASKED"), b"ASKED"),
    "scalar": (lambda connection: scalar(connection, "ASKED"), b"ASKED"),
    "streamed": (_streamed, b"ASKED"),
    "raw": (lambda connection: execute_raw(connection, b"ASKED", 1), b"ASKED"),
    "commit": (lambda connection: connection.commit(), b"COMMIT"),
    "rollback": (lambda connection: connection.rollback(), b"ROLLBACK"),
    "ping": (lambda connection: connection.ping(), b"\x0e"),
    "schema": (lambda connection: connection.select_db("asked"), b"\x02asked"),
    "charset": (lambda connection: connection.set_character_set("binary"), b"SET NAMES binary"),
    "warnings": (lambda connection: connection.show_warnings(), b"SHOW WARNINGS"),
}


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
        _second_result(connection)
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


@pytest.mark.parametrize("asked", [b"CHECKSUM", b"slave_uuid", b"heartbeat", b"capability", b"\x15", b"\x1e"])
def test_a_file_asked_for_by_the_source_of_the_binary_log_is_never_sent(secret: Path, asked: bytes) -> None:
    def answer(conversation: Conversation, command: bytes) -> None:
        if command.startswith(asked) or (len(asked) > 1 and asked in command):
            conversation.send(file_request(secret))
        elif b"CHECKSUM" in command:
            conversation.send(*rows([b"binlog_checksum", b"CRC32"]))
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


# ---- What is no answer ----


def _login(*packets: bytes) -> Script:
    def script(conversation: Conversation) -> None:
        conversation.greet()
        conversation.read()
        conversation.send(*packets)

    return script


def _greeted(data: bytes) -> Script:
    return lambda conversation: conversation.raw(data)


def _endless_login(conversation: Conversation) -> None:
    conversation.greet()
    conversation.read()
    while True:
        conversation.send(b"\1\3", b"\1\3")


LOGINS: dict[str, Script] = {
    "hangs up": nothing,
    "another protocol": _greeted(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "an empty packet": _greeted(packet(b"", 0)),
    "one byte": _greeted(packet(b"\x0a", 0)),
    "no end of the version": _greeted(packet(b"\x0a" + b"8" * 100, 0)),
    "a version that is no number": _greeted(packet(greeting().replace(b"8.4.0", b"x.y.z"), 0)),
    "half a greeting": _greeted(packet(greeting()[:20], 0)),
    "a greeting of 16 MB": _greeted(b"\xfe\xff\xff\0" + b"\x0a" * (1 << 20)),
    "a wrong number": _greeted(packet(greeting(), 7)),
    "an empty answer": _login(b""),
    "an error without text": _login(b"\xff"),
    "rows": _login(*rows([b"1"])),
    "two switches": _login(switch("mysql_native_password"), switch("mysql_native_password")),
    "a switch to nothing": _login(b"\xfe"),
    "a key that is none": _login(b"\1\4", b"\1no key"),
    "no end": _endless_login,
}


@pytest.mark.parametrize("login", LOGINS)
def test_a_login_that_is_none_ends_soon_and_clearly(login: str) -> None:
    with FakeServer(LOGINS[login]) as server:
        begun = time.monotonic()
        with pytest.raises(UdupError, match=r"cannot connect to MySQL as someone@127\.0\.0\.1"):
            connect(server.endpoint())
        assert time.monotonic() - begun < SOON


@pytest.mark.slow
def test_a_server_that_says_its_greeting_byte_by_byte_is_not_waited_for_without_end() -> None:
    def script(conversation: Conversation) -> None:
        for byte in packet(greeting(), 0):
            conversation.raw(bytes([byte]))
            time.sleep(0.1)

    with FakeServer(script) as server:
        begun = time.monotonic()
        with pytest.raises(Transient, match="login in time"):
            connect(server.endpoint(), connect_timeout=1)
        assert time.monotonic() - begun < 1.0 * wire.LOGIN_TIMES + 1


@pytest.mark.slow
def test_a_silent_server_is_not_waited_for_without_end() -> None:
    with FakeServer(lambda conversation: conversation.drain()) as server:
        begun = time.monotonic()
        with pytest.raises(Transient, match="login in time"):
            connect(server.endpoint(), connect_timeout=1)
        assert time.monotonic() - begun < 1.0 * wire.LOGIN_TIMES + 1


ANSWERS: dict[str, tuple[bytes, ...]] = {
    "an empty packet": (b"",),
    "half an OK": (b"\0",),
    "no column": (b"\xfc\0\0",),
    "more columns than there are": (b"\xfc\xff\xff", *[column()] * 20),
    "a column that ends early": (b"\1", column()[:9], EOF),
    "no end of the columns": (b"\1", column(), text(b"1"), EOF),
    "a row of two values for one column": (b"\2", column(), column(), EOF, text(b"1"), EOF),
    "a value beyond its row": (b"\1", column(), EOF, b"\xfa1", EOF),
    "a length of 2^60": (b"\1", column(), EOF, b"\xfe\0\0\0\0\0\0\0\x10" + b"1" * 20, EOF),
    "text that is none": (b"\1", column(), EOF, text(b"\xff\xfe"), EOF),
    "an error without a number": (b"\xff\1",),
    "an error in the middle": (b"\1", column(), EOF, text(b"1"), error("broken disk", 1030)),
}


@pytest.mark.parametrize("act", ["query", "streamed", "scalar"])
@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_that_is_none_is_an_error_of_the_connection(answer: str, act: str) -> None:
    with (
        FakeServer(serving(on(b"ASKED", *ANSWERS[answer]))) as server,
        closing(connect(server.endpoint(), read_timeout=5)) as connection,
        pytest.raises(MySQLError) as caught,
    ):
        ACTS[act][0](connection)
    assert caught.value.args[0] in (2027, 1030)


def _endless(start: list[bytes], again: bytes) -> Callable[[Conversation, bytes], None]:
    def answer(conversation: Conversation, command: bytes) -> None:
        if b"ASKED" not in command:
            decent(conversation, command)
            return
        conversation.send(*start)
        while True:
            conversation.send(*[again] * 256)

    return answer


ROW = [b"\1", column(), EOF]


@pytest.mark.parametrize(
    ("start", "again", "told"),
    [
        (ROW, text(b"1"), "a result of more than"),
        ([], b"\0\0\0\x0a\0\0\0", "results of one command"),
        ([b"\xfc\xff\x0f"], column("a" * 200), "EOF"),
    ],
    ids=["rows", "results", "columns"],
)
def test_an_answer_without_end_ends(
    monkeypatch: pytest.MonkeyPatch, start: list[bytes], again: bytes, told: str
) -> None:
    monkeypatch.setattr(wire, "MAX_RESULTS", 1000)
    with (
        FakeServer(serving(_endless(start, again))) as server,
        closing(connect(server.endpoint(), result_bytes=1 << 20)) as connection,
    ):
        begun = time.monotonic()
        with pytest.raises(MySQLError, match=told):
            query(connection, "ASKED")
            query(connection, "the next")  # which would first take the results that are left
        assert time.monotonic() - begun < SOON
        assert not connection.open


def test_the_rest_of_a_result_without_end_is_not_skipped_without_end() -> None:
    with (
        FakeServer(serving(_endless(ROW, text(b"1")))) as server,
        closing(connect(server.endpoint(), result_bytes=1 << 20)) as connection,
    ):
        cursor = connection.cursor(SSCursor)
        cursor.execute("ASKED")
        assert cursor.fetchone() == ("1",)
        begun = time.monotonic()
        with pytest.raises(MySQLError, match="a result of more than"):
            cursor.close()
        assert time.monotonic() - begun < SOON


def test_a_packet_without_end_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(conversation: Conversation, command: bytes) -> None:
        if b"ASKED" not in command:
            decent(conversation, command)
            return
        piece = b"\1" * 0xFFFFFF
        for number in range(1, 255):
            conversation.raw(packet(piece, number))

    with (
        FakeServer(serving(answer)) as server,
        closing(connect(server.endpoint(), max_allowed_packet=1 << 20)) as connection,
        pytest.raises(MySQLError, match="are the most"),
    ):
        query(connection, "ASKED")


def test_the_text_of_an_error_is_cut_and_steers_no_terminal() -> None:
    shouting = b"\x1b[2J" + b"a" * 1_000_000
    with (
        FakeServer(serving(on(b"ASKED", error(shouting)))) as server,
        closing(connect(server.endpoint())) as connection,
    ):
        with pytest.raises(MySQLError, match="aaa") as caught:
            query(connection, "ASKED")
        assert len(caught.value.args[1]) <= wire.ERROR_BYTES and "\x1b" not in caught.value.args[1]
        assert query(connection, "SELECT 1") == [("1",)], "the connection is as good as before"


@pytest.mark.slow
def test_an_answer_that_trickles_is_waited_for_as_long_as_it_was_said() -> None:
    def answer(conversation: Conversation, command: bytes) -> None:
        if b"ASKED" not in command:
            decent(conversation, command)
            return
        for byte in b"".join(packet(each, 1 + number) for number, each in enumerate(rows([b"1" * 50]))):
            conversation.raw(bytes([byte]))
            time.sleep(0.1)

    with FakeServer(serving(answer)) as server, closing(connect(server.endpoint(), answer_seconds=0.7)) as connection:
        begun = time.monotonic()
        with pytest.raises(MySQLError, match=r"not complete within 0.7 s"):
            query(connection, "ASKED")
        assert time.monotonic() - begun < 2


@pytest.mark.parametrize("part", ["login", "answers"])
def test_no_change_of_any_byte_leads_to_anything_but_an_answer_or_an_error(part: str) -> None:
    """The packets of a decent server with bytes changed, left out and doubled, by a generator that begins the same."""
    chance = random.Random(f"hostile {part}")

    def spoilt(data: bytes) -> bytes:
        changed = bytearray(data)
        for _ in range(chance.choice([1, 1, 2, 8])):
            place = chance.randrange(len(changed))
            match chance.randrange(4):
                case 0:
                    changed[place] = chance.choice([0, 1, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE, 0xFF])
                case 1:
                    changed[place] = chance.randrange(256)
                case 2:
                    del changed[place:]
                case 3:
                    changed[place:place] = changed[: chance.randrange(40)]
            if not changed:
                break
        return bytes(changed)

    def script(conversation: Conversation) -> None:
        if part == "login":
            conversation.raw(spoilt(packet(greeting(), 0)) + spoilt(packet(OK, 2)))
            return
        conversation.log_in()
        while command := conversation.read():
            if b"ASKED" in command:
                result = [b"\2", column(), column("b"), EOF, text(b"1") + text(b"x" * 300), EOF]
                conversation.raw(spoilt(b"".join(packet(each, 1 + number) for number, each in enumerate(result))))
                return
            decent(conversation, command)

    answered = 0
    with FakeServer(script) as server:
        begun = time.monotonic()
        for _ in range(150):
            with suppress(UdupError, MySQLError):
                with closing(connect(server.endpoint(), read_timeout=5, connect_timeout=2)) as connection:
                    query(connection, "ASKED")
                answered += 1
        assert time.monotonic() - begun < 60
    assert answered < 150


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
    assert found == {("drivers/mysql/client/wire.py", "Connection"), ("drivers/mysql/client/connection.py", "Wire")}


def _dump(server: FakeServer) -> BinlogStream:
    return BinlogStream(server.endpoint(), 900_301, GtidSet(), str(uuid.uuid4()))
