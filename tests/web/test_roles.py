"""Who brings the token of those who look sees everything and changes nothing, by whatever route and method."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from falcon import testing

from tests.web.conftest import NODE_ID, MemoryJobs
from tests.web.memory_consumers import MemoryConsumers
from udup.base.config import load_settings
from udup.base.errors import ConfigError
from udup.web.app import create_app
from udup.web.auth import MAY_ASK
from udup.web.blocking import WaitingRoom
from udup.web.openapi.document import openapi

TOKEN, READ_TOKEN = "a-token-of-the-tests-0123456789", "another-of-the-tests-0123456789"

#: What of the ports changes nothing; whatever else is called counts as a write.
ASKING = frozenset(
    {"ask_level", "tables", "tail", "differences", "validate", "actors", "actor_stacks", "jobs", "job", "evaluations"}
    | {"problems", "last_problems", "age", "users", "row", "estimate"}
)


class Watched:
    """A port that notes which of its methods were called that change something."""

    def __init__(self, port: Any, writes: list[str]) -> None:
        self._port, self._writes = port, writes

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if callable(found) and name not in ASKING:
            self._writes.append(name)
        return found


@pytest.fixture
def writes() -> list[str]:
    return []


@pytest.fixture
def client(memory: MemoryJobs, writes: list[str]) -> testing.TestClient:
    settings = load_settings(flags={"ports.http": 0, "api.token": TOKEN, "api.read_token": READ_TOKEN})
    consumers = MemoryConsumers()
    consumers.add("reports", ["SHOP1"])
    watched = Watched(memory, writes)
    room = WaitingRoom(longest_s=0.01)
    app = create_app(watched, watched, settings, NODE_ID, room, Watched(consumers, writes))  # type: ignore[arg-type]
    return testing.TestClient(app)


def _as(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def posted(client: testing.TestClient, document: dict[str, Any], writes: list[str]) -> str:
    answer = client.simulate_post("/v1/jobs", json=document, headers=_as(TOKEN))
    assert answer.status_code == 200 and writes == ["register"]
    writes.clear()
    return str(document["ID"])


#: What answers without end says at once what is wrong with a question.
STREAMS = {"/v1/events": {"topics": "nonsense"}}


def _operations(job: str) -> Iterator[tuple[str, str]]:
    """Every method and path of the description, with what is there in the place of its parameters."""
    whole = openapi()
    for path, methods in whole["paths"].items():
        for method, operation in methods.items():
            filled = path
            for reference in operation["parameters"]:
                parameter = whole["components"]["parameters"][reference["$ref"].rpartition("/")[2]]
                if parameter["in"] == "path":
                    value = job if "/job/" in path else str(parameter.get("example", "x"))
                    filled = filled.replace(f"{{{parameter['name']}}}", value)
            assert not re.search("[{}]", filled), filled
            yield method.upper(), filled


def test_no_route_lets_them_write(client: testing.TestClient, posted: str, writes: list[str]) -> None:
    tried = 0
    for method, path in _operations(posted):
        answer = client.simulate_request(
            method, path, headers=_as(READ_TOKEN), json=None if method == "GET" else {}, params=STREAMS.get(path)
        )
        if method == "GET":
            assert answer.status_code not in (401, 403), (method, path)
        elif path in MAY_ASK:
            assert answer.status_code == 400, "an empty job is none"
        else:
            assert answer.status_code == 403, (method, path, answer.text)
            assert "api.read_token" in answer.text and "api.token" in answer.text
            tried += 1
        assert not writes, (method, path)
    assert tried > 40


def test_no_get_changes_anything_whoever_asks(client: testing.TestClient, posted: str, writes: list[str]) -> None:
    for path in {path for _, path in _operations(posted)}:
        for method in ("GET", "HEAD", "OPTIONS", "PATCH", "TRACE"):
            client.simulate_request(method, path, headers=_as(TOKEN), params=STREAMS.get(path))
            assert not writes, (method, path)


@pytest.mark.parametrize(
    "path",
    ["//v1/jobs", "/v1/validate/job/../../jobs", "/v1/validate/job/", "/v1/job/validate/job", "/v1/validate/../jobs"],
)
def test_no_way_around_leads_to_a_write(
    client: testing.TestClient, document: dict[str, Any], posted: str, writes: list[str], path: str
) -> None:
    for method in ("POST", "PUT", "DELETE"):
        answer = client.simulate_request(method, path, json=document, headers=_as(READ_TOKEN))
        assert answer.status_code in (301, 403, 404, 405), (method, answer.status_code)
        assert not writes


def test_the_role_is_told(client: testing.TestClient, memory: MemoryJobs) -> None:
    for token, role in ((TOKEN, "write"), (READ_TOKEN, "read")):
        told = client.simulate_get("/v1/self", headers=_as(token)).json
        assert (told["Role"], told["NeedsToken"]) == (role, True)
        assert TOKEN not in str(told) and READ_TOKEN not in str(told)
    alone = create_app(memory, memory, load_settings(flags={"ports.http": 0}), NODE_ID)
    told = testing.TestClient(alone).simulate_get("/v1/self", headers={"Host": "localhost"}).json
    assert (told["Role"], told["NeedsToken"]) == ("write", False)


def test_without_a_token_for_them_nobody_only_looks(memory: MemoryJobs) -> None:
    settings = load_settings(flags={"ports.http": 0, "api.token": TOKEN})
    client = testing.TestClient(create_app(memory, memory, settings, NODE_ID))
    for header in ("", "Bearer ", "Bearer", "Basic Og=="):
        assert client.simulate_get("/v1/jobs", headers={"Authorization": header}).status_code == 401


def test_they_may_ask_how_a_stored_job_would_start(
    client: testing.TestClient, document: dict[str, Any], posted: str
) -> None:
    shown = client.simulate_get(f"/v1/job/{posted}", headers=_as(READ_TOKEN)).json
    assert client.simulate_post("/v1/validate/job", json=shown, headers=_as(READ_TOKEN)).status_code == 200
    assert client.simulate_post("/v1/validate/job", json={"Job": shown}, headers=_as(READ_TOKEN)).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"Host": "10.9.9.9"},
        {"Port": 1},
        {"User": "somebody"},
        {"Password": "a guess"},
        {"Password": "env:UDUP_SECRET_X"},
        {"SslMode": "DISABLED"},
        {"sslmode": "DISABLED"},
    ],
)
def test_they_have_the_node_try_no_server_and_no_password_of_their_own(
    client: testing.TestClient, posted: str, change: dict[str, Any]
) -> None:
    shown = client.simulate_get(f"/v1/job/{posted}", headers=_as(READ_TOKEN)).json
    for place in (0, 1):
        spoilt = {**shown, "Tasks": [dict(task) for task in shown["Tasks"]]}
        config = dict(spoilt["Tasks"][place]["Config"])
        config["ConnectionConfig"] = {**config["ConnectionConfig"], **change}
        spoilt["Tasks"][place]["Config"] = config
        answer = client.simulate_post("/v1/validate/job", json=spoilt, headers=_as(READ_TOKEN))
        assert answer.status_code == 400 and f"Tasks[{place}]" in answer.text


def test_they_validate_no_job_that_is_not_stored(client: testing.TestClient, document: dict[str, Any]) -> None:
    answer = client.simulate_post("/v1/validate/job", json=document, headers=_as(READ_TOKEN))
    assert answer.status_code == 400 and "stored" in answer.text


def test_settings_that_let_nobody_look_or_everybody_write_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"api\.read_token: is for those who may only look"):
        load_settings(flags={"api.read_token": READ_TOKEN})
    with pytest.raises(ConfigError, match=r"api\.read_token: is api\.token as well"):
        load_settings(flags={"api.token": TOKEN, "api.read_token": TOKEN})
    with pytest.raises(ConfigError, match=r"api\.read_token: must be at least") as told:
        load_settings(flags={"api.token": TOKEN, "api.read_token": "short-one"})
    assert "short-one" not in str(told.value)
