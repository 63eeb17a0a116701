"""The API over a real HTTP server on a free port."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.web.conftest import NODE_ID
from udup.base.config import Settings, load_settings
from udup.base.errors import ConfigError
from udup.web.app import create_app
from udup.web.serve import WebServer

pytestmark = pytest.mark.slow  # real sockets, or waits in real time


@pytest.fixture
def server(memory: Any, settings: Settings) -> Iterator[WebServer]:
    web = WebServer(create_app(memory, memory, settings, NODE_ID), settings)
    web.start()
    yield web
    web.stop()


def test_a_job_lives_its_life_over_http(server: WebServer, document: dict[str, Any]) -> None:
    with httpx.Client(base_url=server.url) as client:
        answer = client.post("/v1/jobs", json=document)
        assert (answer.status_code, answer.json()["Success"]) == (200, True)
        assert answer.headers["server"] == "udup"
        answer = client.get("/v1/job/one")
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.json()["Name"] == "first"
        assert client.delete("/v1/job/one").status_code == 200
        answer = client.get("/v1/job/one")
        assert (answer.status_code, answer.text) == (404, "job not found")


def test_head_is_refused_without_a_body_and_the_connection_goes_on(server: WebServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("HEAD", "/v1/jobs")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (405, b"")
    connection.request("GET", "/v1/jobs")
    assert connection.getresponse().read() == b"[]"
    connection.close()


@pytest.mark.parametrize("chunked", [False, True])
def test_huge_bodies_are_refused_and_a_chunked_job_is_read(
    server: WebServer, document: dict[str, Any], chunked: bool
) -> None:
    def body(data: bytes) -> Any:
        return iter([data[: len(data) // 2], data[len(data) // 2 :]]) if chunked else data

    answer = httpx.post(f"{server.url}/v1/jobs", content=body(json.dumps(document).encode()))
    assert answer.status_code == 200
    answer = httpx.post(f"{server.url}/v1/jobs", content=body(b" " * (2 << 20)))
    assert (answer.status_code, "larger than 1048576 bytes" in answer.text) == (413, True)


def test_paths_that_are_no_utf8_harm_nothing(server: WebServer) -> None:
    for path in ("/v1/job/%ff%fe", "/v1/jobs?prefix=%ff&pretty=%", "/v1/job/%00", "/v1/job/%0d%0aX:%20y"):
        answer = httpx.get(server.url + path, verify=False)
        assert answer.status_code in (200, 404)
        assert "x" not in answer.headers


def test_many_clients_at_a_time_each_get_their_own_answer(server: WebServer, document: dict[str, Any]) -> None:
    wrong: list[str] = []

    def work(number: int) -> None:
        with httpx.Client(base_url=server.url) as client:
            for turn in range(10):
                job_id = f"{number}-{turn}"
                client.post("/v1/jobs", json=document | {"ID": job_id})
                if client.get(f"/v1/job/{job_id}").json()["ID"] != job_id:
                    wrong.append(job_id)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(httpx.get(f"{server.url}/v1/jobs", verify=False).json()) == 80


def test_a_stop_is_prompt_with_idle_connections_open_and_frees_the_port(memory: Any, settings: Settings) -> None:
    others = set(threading.enumerate())
    web = WebServer(create_app(memory, memory, settings, NODE_ID), settings)
    web.start()
    with httpx.Client(base_url=web.url) as client:
        assert client.get("/v1/health").status_code == 200
        began = time.monotonic()
        web.stop()
        assert time.monotonic() - began < 10, "an idle connection is not waited for"
    web.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{web.url}/v1/health", verify=False)
    deadline = time.monotonic() + 10  # a thread that has been told to end needs the interpreter once more
    while left := [
        thread for thread in set(threading.enumerate()) - others if thread.name.startswith(("web", "waitress"))
    ]:
        assert time.monotonic() < deadline, left
        time.sleep(0.01)
    again = WebServer(create_app(memory, memory, settings, NODE_ID), load_settings(flags={"ports.http": web.port}))
    assert again.port == web.port
    again.stop()


def test_a_request_under_way_is_answered_before_the_stop(memory: Any, settings: Settings) -> None:
    entered = threading.Event()

    def slow() -> list[str]:
        entered.set()
        time.sleep(0.3)
        return []

    memory.problems = slow
    web = WebServer(create_app(memory, memory, settings, NODE_ID), settings)
    web.start()
    answers: list[int] = []
    asking = threading.Thread(
        target=lambda: answers.append(httpx.get(f"{web.url}/v1/health", verify=False).status_code)
    )
    asking.start()
    assert entered.wait(5)
    web.stop()
    asking.join(5)
    assert answers == [200]


def test_a_taken_port_is_told_with_what_to_do_and_leaves_no_threads(memory: Any, settings: Settings) -> None:
    others = set(threading.enumerate())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = load_settings(flags={"ports.http": port})
        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port}: another program listens there"):
            WebServer(create_app(memory, memory, settings, NODE_ID), settings)
    assert {thread.name for thread in set(threading.enumerate()) - others} == set()


def test_it_listens_on_loopback_alone(server: WebServer) -> None:
    assert server.url == f"http://127.0.0.1:{server.port}"
