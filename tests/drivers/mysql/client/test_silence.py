"""A silent connection: a statement that takes long is waited for, a line that is dead without a word is given up."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.fake_mysql import OK_AND_MORE, Conversation, FakeServer, decent, rows, serving
from tests.faults.engines import through
from tests.faults.proxy import Fault, MySQLPassage, Proxy, Wrong
from udup.drivers.mysql.client import line, silence
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, query, scalar
from udup.drivers.mysql.client.processes import Process
from udup.drivers.mysql.client.raw import raw_socket
from udup.drivers.mysql.client.silence import DEAD_ANSWERS, UNANSWERED, Ask, NoAnswerError, Seen, Silence, Waits
from udup.sandbox.server import MysqlServer

#: Seconds until a dead line must have been noticed, on whatever machine.
DEADLINE = 20.0


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "SILENT_SECONDS", 0.3)
    monkeypatch.setattr(silence, "AGAIN_SECONDS", 0.1)


def _process(command: str = "Query", state: str = "") -> Process:
    return Process(7, "u", "h", command, 1, state, "SELECT 1")


def _looks(
    *answers: Seen | Exception | None, waits: Waits = Waits.TO_READ, unsent: int = 0, certain: bool = True
) -> list[str]:
    """Return what each look says."""
    given = iter(answers)

    def ask(number: int) -> Seen | None:
        assert number == 7
        answer = next(given)
        if isinstance(answer, Exception):
            raise answer
        return answer

    one = Silence(ask, 7, "here", certain=certain)
    return [one.look(waits, unsent) for _ in answers]


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (Seen("here", None), "is not on the server any more"),
        (Seen("here", _process("Sleep")), "has nothing to do"),
        (Seen("here", _process(state="Receiving from client")), "waits for bytes that were sent"),
        (Seen("here", _process(state="Sending to client")), "sends bytes that do not arrive"),
    ],
)
def test_a_session_that_cannot_be_at_work_is_seen_twice_before_it_is_given_up(seen: Seen, told: str) -> None:
    first, second = _looks(seen, seen)
    assert DEAD_ANSWERS == 2
    assert first == ""
    assert told in second
    assert _looks(seen, Seen("here", _process()), seen) == ["", "", ""], "it was at work in between"


@pytest.mark.parametrize("state", ["", "altering table", "Waiting for table metadata lock", "executing"])
def test_a_statement_that_runs_is_waited_for_without_end(state: str) -> None:
    assert not any(_looks(*[Seen("here", _process(state=state))] * 50))


def test_bytes_that_are_still_on_their_way_speak_for_the_line() -> None:
    assert not any(_looks(*[Seen("here", _process(state="Receiving from client"))] * 9, unsent=1000))


def test_another_server_at_the_same_address_says_nothing_of_this_session() -> None:
    assert not any(_looks(*[Seen("there", None)] * 9))


def test_a_session_that_is_not_found_by_a_number_of_a_proxys_own_may_be_there() -> None:
    assert not any(_looks(*[Seen("here", None)] * 9, certain=False))
    assert "has nothing to do" in _looks(*[Seen("here", _process("Sleep"))] * 2, certain=False)[-1]


@pytest.mark.parametrize(
    ("told", "asked_for", "is_certain"),
    [(b"1", b"1", True), (b"4294967297", b"4294967297", True), (b"31", b"31", False), (None, b"1", False)],
)
def test_the_session_is_asked_for_by_the_number_that_it_has_told_itself(
    soon: None, monkeypatch: pytest.MonkeyPatch, told: bytes | None, asked_for: bytes, is_certain: bool
) -> None:
    """The handshake says 1, and has 32 bits for it."""
    made: list[tuple[int, bool]] = []

    class Noted(Silence):
        def __init__(self, ask: Ask, number: int, server_uuid: str, *, certain: bool = True) -> None:
            made.append((number, certain))
            super().__init__(ask, number, server_uuid, certain=certain)

    monkeypatch.setattr(line, "Silence", Noted)
    found = [[b"autocommit", b"ON"], *([[b"pseudo_thread_id", told]] if told is not None else [])]

    def answer(conversation: Conversation, command: bytes) -> None:
        if b"SHOW SESSION VARIABLES WHERE" in command:
            conversation.send(OK_AND_MORE, *rows(*found))
        elif b"COALESCE(@@autocommit" in command:
            values = [b"1", *([told] if told is not None else [])]
            conversation.send(OK_AND_MORE, *rows([b"\x1f".join(values)]))
        elif b"SLOWLY" in command:
            time.sleep(1.0)
            conversation.send(*rows([b"1"]))
        elif b"PROCESSLIST" in command:
            conversation.send(*rows([b"9", b"u", b"h", b"", b"Sleep", b"1", b"", b""]))
        else:
            decent(conversation, command)

    with FakeServer(serving(answer)) as server, closing(connect(server.endpoint())) as connection:
        if is_certain:
            with pytest.raises(MySQLError, match=f"its session {asked_for.decode()} is not on the server any more"):
                query(connection, "SELECT SLOWLY")
        else:
            assert scalar(connection, "SELECT SLOWLY") == "1"
    assert set(made) == {(int(asked_for), is_certain)}


def test_a_server_that_lets_nobody_in_says_nothing_and_one_that_does_not_answer_is_asked_many_times() -> None:
    assert not any(_looks(*[None] * 50))
    told = _looks(*[NoAnswerError("timed out")] * UNANSWERED)
    assert not any(told[:-1])
    assert "does not answer on another connection either: timed out" in told[-1]


def _through(server: MysqlServer, proxy: Proxy) -> closing[Connection]:
    return closing(connect(through(server.endpoint, proxy.port)))


def test_a_proxy_that_keeps_both_ends_open_is_found_out(soon: None, source: MysqlServer) -> None:
    with (
        Proxy(source.endpoint.port, MySQLPassage) as proxy,
        closing(connect(through(source.endpoint, proxy.port))) as it,
    ):
        proxy.arm(Fault(1, Wrong.SILENCE))
        begun = time.monotonic()
        with pytest.raises(MySQLError, match=r"SELECT SLEEP is not answered, and its session \d+ has nothing to do"):
            query(it, "SELECT SLEEP(0.01)")
        assert time.monotonic() - begun < DEADLINE


def test_the_kernel_looks_for_a_machine_that_is_gone_as_long_as_the_docs_say() -> None:
    """40 s, whether bytes are under way or not."""
    with FakeServer(serving(decent)) as server, closing(connect(server.endpoint())) as connection:
        sock = raw_socket(connection)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        idle, pause, count = (
            sock.getsockopt(socket.IPPROTO_TCP, option)
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        )
        assert idle + pause * count == 40
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 40_000


def test_a_long_statement_is_not_cut(soon: None, source: MysqlServer) -> None:
    """Many looks pass over it."""
    with closing(connect(source.endpoint)) as connection:
        assert scalar(connection, "SELECT SLEEP(2)") == 0


def test_a_silent_connection_can_be_closed_by_another_thread_at_once() -> None:
    """Its reader holds a lock for as long as nothing comes."""
    asked = threading.Event()

    def answer(conversation: Conversation, command: bytes) -> None:
        if b"SLOWLY" in command:
            asked.set()
        else:
            decent(conversation, command)

    with FakeServer(serving(answer)) as server:
        connection = connect(server.endpoint())
        errors: list[Exception] = []

        def read() -> None:
            try:
                query(connection, "SELECT SLOWLY")
            except MySQLError as error:
                errors.append(error)

        reader = threading.Thread(target=read)
        reader.start()
        assert asked.wait(10)
        begun = time.monotonic()
        connection.close()
        reader.join(DEADLINE)
        assert not reader.is_alive()
        assert time.monotonic() - begun < DEADLINE
        assert errors


def _never(_: object) -> Iterator[bytes]:
    while True:
        yield b"x" * (1 << 20)


def test_a_server_that_reads_no_further_is_found_out(soon: None) -> None:
    """Both ends' buffers are full, so nothing can be sent; the session waits for bytes, as it says."""
    stop = threading.Event()

    def answer(conversation: Conversation, command: bytes) -> None:
        if b"PROCESSLIST" in command:
            conversation.send(*rows([b"1", b"u", b"h", b"", b"Query", b"1", b"Receiving from client", b"LOAD"]))
        elif b"LOAD DATA" in command:
            conversation.send(b"\xfbrows")
            stop.wait(DEADLINE)
        else:
            decent(conversation, command)

    with FakeServer(serving(answer)) as server, closing(connect(server.endpoint(), local_infile=True)) as connection:
        try:
            with pytest.raises(MySQLError, match="LOAD DATA is not answered"):
                connection.load_local(b"LOAD DATA LOCAL INFILE 'rows' INTO TABLE t", _never(None))
        finally:
            stop.set()
