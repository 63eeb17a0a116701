"""Users of the node's own NATS server over HTTP: added, listed, removed, and refused with every fault."""

from __future__ import annotations

from typing import Any

import pytest
from falcon.testing import TestClient

from tests.web.conftest import NODE_ID, MemoryJobs
from tests.web.memory_consumers import MemoryConsumers
from udup.base.config import Settings
from udup.base.errors import Fault, Refused, Unavailable
from udup.web.app import create_app
from udup.web.ports import NotReady

PATH = "/v1/nats/users"
REQUEST = {"Name": "reports", "Streams": ["SHOP1", "LATER"]}
USER = {
    "Name": "reports",
    "Streams": ["SHOP1", "LATER"],
    "Missing": ["LATER"],
    "Since": "2026-01-02T03:04:05Z",
}


@pytest.fixture
def consumers() -> MemoryConsumers:
    return MemoryConsumers()


@pytest.fixture
def client(memory: MemoryJobs, settings: Settings, consumers: MemoryConsumers) -> TestClient:
    return TestClient(create_app(memory, memory, settings, NODE_ID, consumers=consumers))


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_user_is_added_and_his_password_shown_once(client: TestClient, method: str) -> None:
    answer = client.simulate_request(method, PATH, json=REQUEST)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    more = {"Password": "password1", "Address": "nats://127.0.0.1:8193", "RemoteAddress": ""}
    assert answer.json == {**USER, **more}
    shown = client.simulate_get(PATH)
    assert shown.json == [USER] and "password1" not in shown.text


def test_a_user_is_removed(client: TestClient, consumers: MemoryConsumers) -> None:
    for name in ("reports", "a.b-c_d"):
        client.simulate_put(PATH, json={**REQUEST, "Name": name})
        answer = client.simulate_delete(f"{PATH}/{name}")
        assert (answer.status_code, answer.text) == (200, "")
        assert client.simulate_delete(f"{PATH}/{name}").status_code == 404
    assert consumers.kept == {}


def test_a_name_that_is_taken_is_a_conflict(client: TestClient) -> None:
    assert client.simulate_put(PATH, json=REQUEST).status_code == 200
    answer = client.simulate_put(PATH, json=REQUEST)
    assert answer.status_code == 409 and "remove it and add it again" in answer.text


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ([], ["Body"]),
        ({}, ["Name", "Streams"]),
        ({"Name": "a b", "Streams": ["SHOP1"]}, ["Name"]),
        ({"Name": "", "Streams": ["SHOP1"]}, ["Name"]),
        ({"Name": "x\n", "Streams": ["SHOP1"]}, ["Name"]),
        ({"Name": "a" * 65, "Streams": ["SHOP1"]}, ["Name"]),
        ({"Name": 5, "Streams": "SHOP1", "Password": "x"}, ["Password", "Name", "Streams"]),
        ({"Name": "x", "Streams": []}, ["Streams"]),
        ({"Name": "x", "Streams": ["SHOP.*", "a b", "OK", ">", 5]}, ["Streams"] * 4),
        ({"Name": "x", "Streams": ["S"] * 101}, ["Streams"]),
    ],
)
def test_every_fault_of_a_request_is_told(
    client: TestClient, consumers: MemoryConsumers, body: Any, fields: list[str]
) -> None:
    answer = client.simulate_put(PATH, json=body, headers={"Accept": "application/json"})
    assert (answer.status_code, [each["field"] for each in answer.json["details"]]) == (400, fields)
    assert consumers.kept == {}


@pytest.mark.parametrize(
    ("error", "status"),
    [(NotReady("later"), 503), (Unavailable("away"), 503), (Refused([Fault("Name", "is Udup's own user")]), 400)],
)
def test_what_the_node_says_is_passed_on(
    client: TestClient, consumers: MemoryConsumers, error: Exception, status: int
) -> None:
    for method, path in (("GET", PATH), ("PUT", PATH), ("DELETE", f"{PATH}/x")):
        consumers.fail_with = error
        assert client.simulate_request(method, path, json=REQUEST).status_code == status


def test_a_node_that_uses_another_nats_server_says_where_its_users_are(memory: MemoryJobs, settings: Settings) -> None:
    client = TestClient(create_app(memory, memory, settings, NODE_ID))
    for method, path in (("GET", PATH), ("PUT", PATH), ("DELETE", f"{PATH}/x")):
        answer = client.simulate_request(method, path, json=REQUEST)
        assert answer.status_code == 400 and "nats.url" in answer.text


def test_another_region_is_refused(client: TestClient, consumers: MemoryConsumers) -> None:
    assert client.simulate_put(f"{PATH}?region=mars", json=REQUEST).status_code == 400
    assert client.simulate_get(f"{PATH}?region=mars").status_code == 400
    assert client.simulate_delete(f"{PATH}/x?region=mars").status_code == 400
    assert consumers.kept == {}
