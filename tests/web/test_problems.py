"""Every error, whatever its status, is told as its Accept asks: RFC 9457, JSON, or the text alone."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from http.client import HTTPResponse
from typing import Any

import pytest
from falcon import testing
from falcon.testing import TestClient

from tests.web.conftest import NODE_ID, MemoryJobs
from udup.base.config import load_settings
from udup.base.errors import UdupError
from udup.jobs import IndexConflict
from udup.web.app import create_app
from udup.web.ports import NotReady
from udup.web.serve import WebServer

PROBLEM = "application/problem+json"
TOKEN, READ_TOKEN = "a-token-of-the-tests-0123456789", "another-of-the-tests-0123456789"


def _check(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status and answer.headers["content-type"] == PROBLEM, answer.text
    body: dict[str, Any] = answer.json
    assert set(body) == {"type", "title", "status", "detail", "errors"}
    assert body["status"] == status and body["title"] and body["detail"]
    return body


def test_faults_come_one_by_one_with_their_remedies(client: TestClient, document: dict[str, Any]) -> None:
    document["Tasks"][0]["Config"]["ConnectionConfig"]["Port"] = 0
    document["Colour"] = "red"
    body = _check(client.simulate_post("/v1/jobs", json=document, headers={"Accept": PROBLEM}), 400)
    fields = {each["field"]: each for each in body["errors"]}
    assert set(fields) == {"Colour", "Tasks[0].Config.ConnectionConfig.Port"}
    assert all(set(each) == {"field", "problem", "remedy"} and each["problem"] for each in body["errors"])


@pytest.mark.parametrize(
    ("error", "status"),
    [(IndexConflict("not so"), 409), (NotReady("later"), 503), (UdupError("broken"), 500), (KeyError("x"), 500)],
)
def test_errors_of_the_system_are_problems(
    client: TestClient, memory: MemoryJobs, error: Exception, status: int
) -> None:
    memory.fail_with = error
    body = _check(client.simulate_get("/v1/jobs", headers={"Accept": PROBLEM}), status)
    assert body["errors"] == []


def test_errors_of_the_rules_are_problems(memory: MemoryJobs) -> None:
    settings = load_settings(flags={"ports.http": 0, "api.token": TOKEN, "api.read_token": READ_TOKEN})
    client = testing.TestClient(create_app(memory, memory, settings, NODE_ID))

    def ask(method: str, path: str, token: str, **more: Any) -> Any:
        headers = {"Accept": PROBLEM, "Authorization": f"Bearer {token}"}
        return client.simulate_request(method, path, headers=headers, **more)

    _check(ask("GET", "/v1/jobs", "none"), 401)
    _check(ask("POST", "/v1/jobs", READ_TOKEN), 403)
    _check(ask("GET", "/no/such/path", TOKEN), 404)
    _check(ask("GET", "/v1/job/none", TOKEN), 404)
    _check(ask("PATCH", "/v1/jobs", TOKEN), 405)
    _check(ask("POST", "/v1/jobs", TOKEN, body=b"x" * (settings.http.max_body_bytes + 1)), 413)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "text/plain; charset=utf-8"),
        ("", "text/plain; charset=utf-8"),
        ("application/problem+json;q=0", "text/plain; charset=utf-8"),
        ("text/html, application/json;q=0.9", "application/json"),
        ("application/*", "application/json"),
        ("application/vnd.x+json", "application/json"),
        ("application/json, APPLICATION/PROBLEM+JSON; q=0.5", PROBLEM),
    ],
)
def test_the_form_is_what_accept_names(client: TestClient, accept: str, kind: str) -> None:
    answer = client.simulate_get("/v1/job/none", headers={"Accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (404, kind)


@pytest.fixture
def served(memory: MemoryJobs) -> Iterator[WebServer]:
    settings = load_settings(flags={"ports.http": 0})
    server = WebServer(create_app(memory, memory, settings, NODE_ID), settings)
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\nAccept: %s\r\nX: " + b"x" * 40_000, 431),
        (b"GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\nAccept: %s\r\nbroken\x00header\r\n\r\n", 400),
        (b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nAccept: %s\r\nContent-Length: 99999999999\r\n\r\n", 413),
    ],
)
def test_errors_of_the_http_server_itself_are_told_in_the_same_forms(
    served: WebServer, request_: bytes, status: int
) -> None:
    for accept, kind in ((PROBLEM, PROBLEM), ("application/json", "application/json"), ("*/*", "text/plain")):
        with socket.create_connection(("127.0.0.1", served.port), 10) as line:
            line.sendall(request_.replace(b"%s", accept.encode()))
            answer = HTTPResponse(line)
            answer.begin()
            body = answer.read()
        assert answer.status == status and (answer.getheader("content-type") or "").startswith(kind)
        if kind == PROBLEM:
            assert json.loads(body)["status"] == status
        elif kind == "application/json":
            assert json.loads(body)["error"]
        assert body.strip() and b"Traceback" not in body
