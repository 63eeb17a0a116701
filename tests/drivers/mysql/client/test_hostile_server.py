"""A server whose answers are none: whatever it sends, there is an answer or an error, soon and in bounds."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import closing, suppress

import pytest
from pymysql.cursors import SSCursor

from tests.drivers.mysql.client.acts import ACTS
from tests.fake_mysql import (
    EOF,
    OK,
    Conversation,
    FakeServer,
    Script,
    column,
    decent,
    error,
    greeting,
    nothing,
    on,
    packet,
    rows,
    serving,
    switch,
    text,
)
from tests.spoiled import spoil
from udup.base.errors import Transient, UdupError
from udup.drivers.mysql.client import login, wire
from udup.drivers.mysql.client.connection import MySQLError, connect, query

#: Seconds in which anything hostile must have come to its end.
SOON = 10.0


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
        assert time.monotonic() - begun < 1.0 * login.LOGIN_TIMES + 1


@pytest.mark.slow
def test_a_silent_server_is_not_waited_for_without_end() -> None:
    with FakeServer(lambda conversation: conversation.drain()) as server:
        begun = time.monotonic()
        with pytest.raises(Transient, match="login in time"):
            connect(server.endpoint(), connect_timeout=1)
        assert time.monotonic() - begun < 1.0 * login.LOGIN_TIMES + 1


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
        values = [0, 1, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE, 0xFF]
        return spoil(data, chance, changes=[1, 1, 2, 8], values=values, longest=40)

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
