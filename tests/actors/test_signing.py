"""Messages between actors: whoever cannot sign is heard of for 48 bytes, and is one of few."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import selectors
import socket
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from thespian.actors import ActorTypeDispatcher
from thespian.system.transport import ReceiveEnvelope, TCPTransport, TransmitIntent

from udup.actors import signing
from udup.actors.signing import FRONT_BYTES, HEAD_BYTES, NotSigned, SignedBuffer, SignedPickles
from udup.actors.system import Actors, guard


@pytest.fixture
def signed(monkeypatch: pytest.MonkeyPatch) -> SignedPickles:
    made = SignedPickles()
    monkeypatch.setattr(SignedBuffer, "signed", made, raising=False)
    return made


def _frame(signed: SignedPickles, message: object) -> bytes:
    data = signed.dumps(message)
    return b"%d>" % len(data) + data


@pytest.mark.parametrize("step", [1, 7, 100, 1 << 20])
def test_a_message_comes_whole_however_it_is_cut_and_no_more_is_asked_for_than_is_due(
    signed: SignedPickles, step: int
) -> None:
    message = {"a": "x" * 5000}
    wire, buffer = _frame(signed, message), SignedBuffer(signed.loads)
    assert buffer.is_empty()
    while not buffer.isDone():
        size = min(step, buffer.remainingAmount())
        buffer.addMore(wire[:size])
        wire = wire[size:]
    assert buffer.completed() == (message, b"") and buffer.proven
    assert wire == b"", "nothing of what follows was asked for"


def test_what_follows_a_message_is_kept(signed: SignedPickles) -> None:
    buffer = SignedBuffer(signed.loads)
    buffer.addMore(_frame(signed, 1) + b"more")
    assert buffer.completed() == (1, b"more")


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n",
        b"1" * 11,
        b"-5>",
        b"1_0>",
        b" 100>",
        b">",
        b"5>abcde",
        b"99999999999>",
        b"9999999999>",
        b"100000>" + b"x" * FRONT_BYTES,
    ],
)
def test_what_is_no_frame_of_ours_is_refused_before_it_is_held(signed: SignedPickles, sent: bytes) -> None:
    buffer = SignedBuffer(signed.loads)
    asked = 0
    while sent and not buffer.refused:
        size = buffer.remainingAmount()
        asked += size
        buffer.addMore(sent[:size])
        sent = sent[size:]
    assert buffer.refused and buffer.isDone() and buffer.completed() is None
    assert asked <= FRONT_BYTES + 20


def test_a_frame_that_was_changed_or_made_with_another_key_is_refused(signed: SignedPickles) -> None:
    data = signed.dumps("message")
    for place in (0, FRONT_BYTES - 1, FRONT_BYTES, HEAD_BYTES, len(data) - 1):
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        with pytest.raises(NotSigned):
            signed.loads(changed)
    with pytest.raises(NotSigned):
        signed.loads(SignedPickles().dumps("message"))
    with pytest.raises(NotSigned):
        signed.loads(data + b"x")
    assert signed.loads(data) == "message"


# ---- Real actors ----


class Echo(ActorTypeDispatcher):  # type: ignore[misc]
    def receiveMsg_str(self, message: str, sender: Any) -> None:  # noqa: N802 - Thespian's name
        self.send(sender, message)


class Crowd:
    """Strangers at every port of this process's children."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.ports = sorted(
            {
                address.laddr.port
                for child in psutil.Process().children(recursive=True)
                for address in child.net_connections("tcp")
                if address.status == psutil.CONN_LISTEN
            }
        )

    def connect(self, port: int) -> socket.socket:
        return self._stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))


def _run(folder: Path, done: Any) -> None:
    """In a process of its own: Thespian keeps one system a process, and the tests have other threads."""
    try:
        done.put(_look(folder))
    except BaseException as error:  # noqa: BLE001 - it is told to the test
        done.put(repr(error))


def _look(folder: Path) -> str:
    actors = Actors(folder)
    try:
        echo = actors.create(Echo)
        assert actors.ask(echo, "first", 10) == "first"
        with ExitStack() as stack:
            crowd = Crowd(stack)
            idle = [crowd.connect(port) for _ in range(100) for port in crowd.ports]
            begun = time.monotonic()
            for number in range(10):
                assert actors.ask(echo, f"among {number}", 10) == f"among {number}"
            took = time.monotonic() - begun
            assert took < 5, f"{took} s with {len(idle)} idle connections"
            open_now = 0
            for sock in idle:
                sock.setblocking(False)
                try:
                    open_now += sock.recv(1) != b""
                except BlockingIOError:
                    open_now += 1
                except OSError:
                    pass
            assert open_now <= (signing.STRANGERS + 1) * len(crowd.ports), open_now
            flood = b"67108864>" + pickle.dumps("x") + bytes(1 << 20)
            for port in crowd.ports:
                sock = crowd.connect(port)
                sock.settimeout(10)
                with suppress(ConnectionError):
                    for _ in range(64):
                        sock.sendall(flood)
                    raise AssertionError("64 MB of a message that is not signed were taken")
            assert actors.ask(echo, "last", 10) == "last"
    finally:
        actors.shutdown()
    return "good"


@pytest.mark.slow
def test_strangers_at_the_ports_of_actors_are_few_and_are_not_listened_to(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    done = context.Queue()
    process = context.Process(target=_run, args=(tmp_path, done))
    process.start()
    try:
        assert done.get(timeout=60) == "good"
    finally:
        process.join(10)
        process.kill()


class _Costly:
    """A message that counts how often a text is made of it."""

    texts = 0

    def __str__(self) -> str:
        type(self).texts += 1
        return "a password"

    __repr__ = __str__


def test_no_text_is_made_of_a_message_on_its_way() -> None:
    guard()
    for way in (TransmitIntent(None, _Costly(), lambda *_: None, lambda *_: None), ReceiveEnvelope(None, _Costly())):
        assert "_Costly" in str(way) and "password" not in str(way)
    assert _Costly.texts == 0


def test_a_look_at_sockets_finds_what_a_selector_finds() -> None:
    guard()
    one, other = socket.socketpair()
    gone, _ = socket.socketpair()
    with one, other, gone:
        found = []
        for made in (TCPTransport.selectors.DefaultSelector(), selectors.DefaultSelector()):
            made.register(one.fileno(), selectors.EVENT_READ)
            made.register(other.fileno(), selectors.EVENT_WRITE)
            found.append([sorted((key.fd, events) for key, events in made.select(0.01))])
            one_byte = other.send(b"x")
            found[-1].append(sorted((key.fd, events) for key, events in made.select(None)))
            assert one.recv(one_byte) == b"x"
            made.close()
        assert found[0] == found[1] and found[0][0] == [(other.fileno(), selectors.EVENT_WRITE)]
        closed = gone.detach()
        os.close(closed)
        look = TCPTransport.selectors.DefaultSelector()
        with pytest.raises(OSError, match="is not open"):
            look.register(closed, selectors.EVENT_READ)
            look.select(1.0)
