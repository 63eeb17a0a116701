"""Who may ask: the token's bearers; without a token those who ask this machine by its own name."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from falcon import testing

from tests.web.conftest import NODE_ID, MemoryJobs
from udup.base.config import load_settings
from udup.web.app import create_app

TOKEN = "a-token-of-the-tests-0123456789"
ROUTES = ["/v1/jobs", "/v1/job/x", "/v1/health", "/v1/health/ready", "/v1/self", "/metrics", "/", "/v1/no/such/path"]


def _client(memory: MemoryJobs, **flags: object) -> testing.TestClient:
    settings = load_settings(flags={"ports.http": 0, **flags})
    return testing.TestClient(create_app(memory, memory, settings, NODE_ID))


@pytest.fixture
def guarded(memory: MemoryJobs) -> testing.TestClient:
    return _client(memory, **{"api.token": TOKEN})


def _basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_nothing_but_the_sign_of_life_is_answered_without_the_token(
    guarded: testing.TestClient, method: str, path: str
) -> None:
    answer = guarded.simulate_request(method, path)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="udup"')
    assert "api.token" in answer.text and TOKEN not in answer.text
    assert guarded.simulate_get("/v1/health/live").json == {"Live": True}


@pytest.mark.parametrize(
    "header", [f"Bearer {TOKEN}", f"bearer  {TOKEN}", _basic(f"anyone:{TOKEN}"), _basic(f":{TOKEN}")]
)
def test_the_token_is_taken_as_bearers_and_as_any_users_password(
    guarded: testing.TestClient, document: dict[str, Any], header: str
) -> None:
    headers = {"Authorization": header}
    assert guarded.simulate_get("/v1/jobs", headers=headers).json == []
    assert guarded.simulate_post("/v1/jobs", json=document, headers=headers).json["Success"]
    assert guarded.simulate_get("/v1/no/such", headers=headers).status_code == 404


@pytest.mark.parametrize(
    "header",
    ["", TOKEN, f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer", "Bearer \xff", f"Token {TOKEN}"],
)
def test_anything_else_is_refused(guarded: testing.TestClient, header: str) -> None:
    assert guarded.simulate_get("/v1/jobs", headers={"Authorization": header}).status_code == 401


@pytest.mark.parametrize("header", [_basic(TOKEN), _basic(f"{TOKEN}:"), "Basic ????"])
def test_basic_that_holds_the_token_elsewhere_is_refused(guarded: testing.TestClient, header: str) -> None:
    assert guarded.simulate_get("/v1/jobs", headers={"Authorization": header}).status_code == 401


def test_a_refusal_is_an_object_for_who_asks_for_json(guarded: testing.TestClient) -> None:
    answer = guarded.simulate_get("/v1/jobs", headers={"Accept": "application/json"})
    assert answer.status_code == 401 and "api.token" in answer.json["error"]


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8190", "127.0.0.1:8190", "127.1.2.3", "[::1]:8190", "db.example:80"]
)
def test_without_a_token_this_machine_is_asked_by_its_own_names(memory: MemoryJobs, host: str) -> None:
    client = _client(memory, **{"api.hosts": ["db.example"]})
    assert client.simulate_get("/v1/jobs", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8190", "10.0.0.1", "[bad", "user@localhost@x"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_a_token_no_page_reaches_it_under_a_name_of_its_own(
    memory: MemoryJobs, document: dict[str, Any], method: str, host: str
) -> None:
    headers = {"Host": host, "Origin": f"http://{host}"}
    answer = _client(memory).simulate_request(method, "/v1/jobs", json=document, headers=headers)
    assert answer.status_code == 403 and "api.hosts" in answer.text
    assert not memory.records


def test_with_a_token_any_name_will_do(guarded: testing.TestClient) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Host": "udup.example"}
    assert guarded.simulate_get("/v1/jobs", headers=headers).status_code == 200


def test_every_answer_has_the_headers_of_the_settings(memory: MemoryJobs) -> None:
    wanted = {"Strict-Transport-Security": "max-age=1", "X-Frame-Options": "DENY"}
    client = _client(memory, **{"http.response_headers": wanted, "api.hosts": ["falconframework.org"]})
    for method, path, host in (("GET", "/v1/jobs", "localhost"), ("GET", "/no", "localhost"), ("GET", "/v1/jobs", "x")):
        headers = client.simulate_request(method, path, headers={"Host": host}).headers
        assert headers["strict-transport-security"] == "max-age=1" and headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"
