"""Clients that take what others need: connections, threads, time. Nobody is kept out, and the sign of life comes."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import httpx
import pytest

from tests.web.conftest import NODE_ID
from udup.base.config import Settings, load_settings
from udup.web import connections
from udup.web.app import create_app
from udup.web.serve import WebServer

pytestmark = pytest.mark.slow  # real sockets, or waits in real time

#: Seconds in which an answer must come that needs nothing but the server itself.
SOON = 3.0

Start = Callable[..., WebServer]


@pytest.fixture
def start(memory: Any) -> Iterator[Start]:
    with ExitStack() as stack:

        def make(**http: int) -> WebServer:
            flags = {"ports.http": 0, **{f"http.{name}": value for name, value in http.items()}}
            settings: Settings = load_settings(flags=flags)
            web = WebServer(create_app(memory, memory, settings, NODE_ID), settings)
            stack.callback(web.stop)
            web.start()
            return web

        yield make


def _connected(web: WebServer, stack: ExitStack, sent: bytes = b"") -> socket.socket:
    sock = stack.enter_context(socket.create_connection(("127.0.0.1", web.port), 10))
    sock.sendall(sent)
    return sock


def _closed_within(sock: socket.socket, seconds: float) -> bool:
    sock.settimeout(seconds)
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def _get(web: WebServer, path: str) -> int:
    return httpx.get(web.url + path, timeout=SOON).status_code


@pytest.mark.parametrize("said", [b"", b"GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\nX-A: "])
def test_idle_connections_far_beyond_the_limit_keep_nobody_out(start: Start, said: bytes) -> None:
    web = start(connections=32)
    with ExitStack() as stack:
        for _ in range(300):
            _connected(web, stack, said)
        for path in ("/v1/health/live", "/v1/jobs", "/v1/health"):
            assert _get(web, path) == 200


def test_an_answered_connection_may_be_idle_while_there_is_room(start: Start) -> None:
    web = start(connections=32, header_timeout_s=1)
    with ExitStack() as stack:
        kept = http.client.HTTPConnection("127.0.0.1", web.port, timeout=SOON)
        stack.callback(kept.close)
        kept.request("GET", "/v1/health/live")
        assert kept.getresponse().read() == b'{"Live":true}'
        assert not _closed_within(kept.sock, 1.6), "between two requests idle_timeout_s holds"
        kept.sock.settimeout(SOON)
        kept.request("GET", "/v1/health/live")
        assert kept.getresponse().read() == b'{"Live":true}'


def test_a_header_that_trickles_has_a_time_within_which_it_must_be_whole(start: Start) -> None:
    web = start(header_timeout_s=1)
    with ExitStack() as stack:
        silent, slow = _connected(web, stack), _connected(web, stack)
        begun = time.monotonic()
        with suppress(OSError):
            while time.monotonic() - begun < 25:
                slow.sendall(b"G")
                time.sleep(0.1)
        assert 1 <= time.monotonic() - begun < 20
        assert _closed_within(silent, 1)


def test_a_body_that_trickles_has_a_time_within_which_it_must_be_whole(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "REQUEST_S", 1)
    web = start(header_timeout_s=1)
    head = b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
    with ExitStack() as stack:
        slow = _connected(web, stack, head)
        begun = time.monotonic()
        with suppress(OSError):
            while time.monotonic() - begun < 25:
                slow.sendall(b" ")
                time.sleep(0.1)
        assert 1 <= time.monotonic() - begun < 20


def test_the_sign_of_life_comes_while_every_thread_waits_for_something(start: Start, memory: Any) -> None:
    let_go, entered = threading.Event(), threading.Semaphore(0)

    def stuck() -> list[str]:
        entered.release()
        let_go.wait(30)
        return []

    memory.problems = stuck
    web = start(threads=1, connections=64)
    with ExitStack() as stack:
        stack.callback(let_go.set)
        asking = b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n"
        waiting = [_connected(web, stack, asking) for _ in range(70)]
        for _ in range(33):
            assert entered.acquire(timeout=10)
        for _ in range(3):
            assert _get(web, "/v1/health/live") == 200
        let_go.set()
        for sock in waiting:
            sock.settimeout(10)
            assert sock.recv(1 << 16).startswith(b"HTTP/1.1 200"), "no request under way was ended for another one"


def test_the_connections_of_whoever_has_most_go_first() -> None:
    class Listed:
        def __init__(self, address: str, last_activity: float, *, idle: bool = True) -> None:
            self.addr, self.last_activity, self.idle, self.closed = (address, 1), last_activity, idle, False

        def may_go(self, now: float) -> bool:
            return connections.Channel.may_go(self, now)  # type: ignore[arg-type]

        def handle_close(self) -> None:
            self.closed = True

    server: Any = connections.Server.__new__(connections.Server)
    alone, crowd = Listed("192.0.2.1", 1), "192.0.2.2"
    old, young, busy, new = Listed(crowd, 3), Listed(crowd, 4), Listed(crowd, 2, idle=False), Listed(crowd, 9.9)
    server.active_channels = dict(enumerate((alone, old, young, busy, new)))
    server._make_room(now=10.0)
    assert [each.closed for each in (alone, old, young, busy, new)] == [False, True, False, False, False]
