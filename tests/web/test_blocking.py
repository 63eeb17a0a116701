"""A GET with an index waits until something has changed, within bounds; the rest of the API goes on meanwhile."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from falcon.testing import TestClient

from tests.web.conftest import LONGEST_WAIT_S, NODE_ID
from udup.base.config import Settings
from udup.web import blocking
from udup.web.app import create_app
from udup.web.blocking import WaitingRoom
from udup.web.serve import WebServer


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocking, "ROUND_S", 0.02)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def started(memory: Any, pool: ThreadPoolExecutor, ask: Callable[[], Any]) -> Future[Any]:
    """The request, once it has looked twice: it waits."""
    looks: list[None] = []
    waits = threading.Event()
    plain = memory.jobs

    def jobs(prefix: str) -> Any:
        looks.append(None)
        if len(looks) > 2:
            waits.set()
        return plain(prefix)

    memory.jobs = jobs
    asking = pool.submit(ask)
    assert waits.wait(10)
    memory.jobs = plain
    return asking


def test_it_is_answered_when_the_index_is_passed(
    client: TestClient, memory: Any, pool: ThreadPoolExecutor, document: dict[str, Any]
) -> None:
    query = f"index={memory.index}"
    asking = started(memory, pool, lambda: client.simulate_get("/v1/jobs", query_string=query))
    assert not asking.done()
    client.simulate_post("/v1/jobs", json=document)
    answer = asking.result(LONGEST_WAIT_S)
    assert [stub["ID"] for stub in answer.json] == ["one"]
    assert int(answer.headers["x-udup-index"]) > 5


def test_what_has_changed_already_is_answered_at_once(client: TestClient, document: dict[str, Any]) -> None:
    client.simulate_post("/v1/jobs", json=document)
    began = time.monotonic()
    for query in ("index=1", "index=0", "index=", "wait=10s", "index=1&wait=10s"):
        assert client.simulate_get("/v1/jobs", query_string=query).status_code == 200
    assert time.monotonic() - began < LONGEST_WAIT_S


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/jobs", 200),
        ("/v1/job/none", 404),
        ("/v1/job/none/allocations", 200),
        ("/v1/allocations", 200),
        ("/v1/evaluations", 200),
        ("/v1/nodes", 200),
        (f"/v1/node/{NODE_ID}", 200),
        (f"/v1/node/{NODE_ID}/allocations", 200),
    ],
)
def test_when_the_time_is_up_the_answer_is_that_of_now(client: TestClient, path: str, status: int) -> None:
    began = time.monotonic()
    answer = client.simulate_get(path, query_string="index=100000&wait=50ms")
    assert answer.status_code == status
    assert "x-udup-index" in answer.headers
    assert time.monotonic() - began >= 0.05


@pytest.mark.parametrize("path", ["/v1/leader", "/v1/peers", "/v1/members", "/v1/self", "/v1/managers"])
def test_the_others_do_not_wait(client: TestClient, path: str) -> None:
    began = time.monotonic()
    assert client.simulate_get(path, query_string="index=100000").status_code == 200
    assert time.monotonic() - began < LONGEST_WAIT_S


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/job/x", "/v1/nodes", "/v1/leader"])
@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("wait=5", "Invalid wait time"),
        ("wait=5x&index=y", "Invalid wait time"),
        ("index=-1", "Invalid index"),
        ("index=1.0", "Invalid index"),
        ("index=18446744073709551616", "Invalid index"),
        ("index=%C2%B2", "Invalid index"),
    ],
)
def test_waits_and_indexes_that_are_none(client: TestClient, path: str, query: str, text: str) -> None:
    answer = client.simulate_get(path, query_string=query)
    assert (answer.status_code, answer.text) == (400, text)
    assert "x-udup-index" not in answer.headers


def test_durations_as_clients_write_them(client: TestClient) -> None:
    for wait in ("1ms", "0", "-5s", "1m30s", ".5h", "1.5us", "%2B3s", "1%C2%B5s"):
        assert client.simulate_get("/v1/jobs", query_string=f"wait={wait}").status_code == 200, wait


def test_those_without_a_place_come_again_later_and_others_are_served(
    memory: Any, settings: Settings, pool: ThreadPoolExecutor
) -> None:
    room = WaitingRoom(places=1)
    client = TestClient(create_app(memory, memory, settings, NODE_ID, room), headers={"Host": "localhost"})
    waiting = started(memory, pool, lambda: client.simulate_get("/v1/jobs", query_string="index=1000"))
    answer = client.simulate_get("/v1/nodes", query_string="index=1000")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert client.simulate_get("/v1/jobs").status_code == 200
    room.close()
    assert waiting.result(10).status_code == 200
    assert client.simulate_get("/v1/nodes", query_string="index=1000").status_code == 200


def test_a_server_full_of_waiting_requests_answers_others_and_stops_promptly(
    memory: Any, settings: Settings, pool: ThreadPoolExecutor
) -> None:
    room = WaitingRoom()
    web = WebServer(create_app(memory, memory, settings, NODE_ID, room), settings, before_stop=room.close)
    web.start()
    sockets = []
    try:
        for _ in range(blocking.PLACES):
            sockets.append(socket.create_connection(("127.0.0.1", web.port), timeout=30))
            sockets[-1].sendall(b"GET /v1/jobs?index=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        deadline = time.monotonic() + 30
        while httpx.get(f"{web.url}/v1/nodes?index=1000&wait=1ms", verify=False).status_code != 503:
            assert time.monotonic() < deadline
        assert httpx.get(f"{web.url}/v1/jobs", verify=False).json() == []
        sockets.pop().close()  # who hangs up leaves a place
        while httpx.get(f"{web.url}/v1/nodes?index=1000&wait=1ms", verify=False).status_code != 200:
            assert time.monotonic() < deadline
        web.stop()
        assert all(waiting.recv(12) == b"HTTP/1.1 200" for waiting in sockets)
    finally:
        web.stop()
        for waiting in sockets:
            waiting.close()
