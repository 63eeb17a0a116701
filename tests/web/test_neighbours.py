"""What a node of several answers: how fresh that is, and indexes by which a client may go on at another node."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from falcon.testing import TestClient

from tests.web.conftest import NODE_ID, MemoryJobs
from udup.base.config import Settings
from udup.cluster.beats import Role
from udup.cluster.view import NodeSeen, View
from udup.web import blocking, responses
from udup.web.app import create_app
from udup.web.blocking import WaitingRoom
from udup.web.ports import StillThere
from udup.web.resources.node_changes import SETTLED_MS, NodeChanges

OTHER_ID = "5482868b-0000-4000-8000-000000000000"


class Cluster:
    """How it looks, which a test changes."""

    def __init__(self) -> None:
        other = NodeSeen(OTHER_ID, "n2", Role.MANAGER, "dc1", "10.0.0.2:8190", "1", is_here=True)
        own = NodeSeen(NODE_ID, "n1", Role.MANAGER, "dc1", "10.0.0.1:8190", "1", is_here=True)
        self.view = View(OTHER_ID, True, 0.0, (own, other))

    def look(self) -> View:
        return self.view

    def change(self, **what: Any) -> None:
        nodes = tuple(replace(each, **what) if each.node == OTHER_ID else each for each in self.view.nodes)
        self.view = replace(self.view, nodes=nodes)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def client(memory: MemoryJobs, settings: Settings, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setattr(blocking, "ROUND_S", 0.01)
    monkeypatch.setattr(blocking, "FIRST_ROUND_S", 0.01)
    monkeypatch.setattr(responses, "LEADER_S", 0.1)
    return TestClient(create_app(memory, memory, settings, NODE_ID, WaitingRoom(), cluster=cluster.look))


def _freshness(client: TestClient, path: str = "/v1/jobs?stale") -> tuple[int, str, str]:
    answer = client.simulate_get(path)
    return answer.status_code, answer.headers.get("X-Udup-KnownLeader"), answer.headers.get("X-Udup-LastContact")


def test_an_answer_says_how_fresh_it_is(client: TestClient, memory: MemoryJobs, cluster: Cluster) -> None:
    memory.aged = 1.5
    assert _freshness(client) == _freshness(client, "/v1/jobs") == (200, "true", "1500")
    assert _freshness(client, "/v1/job/none") == (404, "true", "1500")
    cluster.view = replace(cluster.view, leader=NODE_ID)
    assert _freshness(client) == (200, "true", "0"), "of the coordinator itself"
    cluster.view = replace(cluster.view, knows_leader=False)
    assert _freshness(client, "/v1/jobs") == (200, "false", "1500"), "the store answers while nobody coordinates"
    memory.aged = float("inf")
    assert _freshness(client) == (200, "false", str((1 << 31) - 1))


@pytest.mark.parametrize("what", ["store", "quorum"])
def test_what_may_be_old_is_given_to_those_alone_who_ask_for_it(
    client: TestClient, memory: MemoryJobs, cluster: Cluster, what: str
) -> None:
    if what == "store":
        memory.aged = 3.1
    else:
        cluster.view = replace(cluster.view, why_not="1 of 3 managers are there")
    lists = ("jobs", "nodes", "allocations", "evaluations")
    for path in (*lists, "job/none", "jobs?index=9&wait=1ms"):
        answer = client.simulate_get(f"/v1/{path}")
        assert (answer.status_code, answer.text) == (
            503, "No cluster leader: what this node knew last is shown with ?stale",
        )  # fmt: skip
        assert answer.headers["Retry-After"]
    assert _freshness(client)[:2] == _freshness(client, "/v1/nodes?stale=0")[:2] == (200, "false")


def test_who_wants_nothing_old_waits_for_a_leader(
    client: TestClient, memory: MemoryJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(responses, "LEADER_S", 60.0)
    ages = [9.0, 9.0, 9.0, 0.2]
    memory.age = lambda: ages.pop(0) if len(ages) > 1 else ages[0]  # type: ignore[method-assign]
    assert _freshness(client, "/v1/jobs") == (200, "true", "200")


def test_another_node_that_goes_changes_the_index_of_the_nodes(client: TestClient, cluster: Cluster) -> None:
    def shown(query: str = "") -> tuple[int, list[str]]:
        answer = client.simulate_get(f"/v1/nodes{query}")
        return int(answer.headers["X-Udup-Index"]), [each["Status"] for each in answer.json]

    first, states = shown()
    assert states == ["ready", "ready"] and shown() == (first, states)
    assert shown(f"?index={first}&wait=20ms") == (first, states)
    for what, state in (({"ready": False}, "initializing"), ({"is_here": False}, "down"), ({"ready": True}, "down")):
        cluster.change(**what)
        second, states = shown(f"?index={first}&wait=50ms")
        assert states == ["ready", state] and (second > first) == (what != {"ready": True})
        assert client.simulate_get(f"/v1/node/{OTHER_ID}").json["ModifyIndex"] == second
        first = second


@pytest.mark.parametrize("seed", range(20))
def test_who_goes_from_node_to_node_by_its_index_sees_every_change_of_nodes(seed: int) -> None:
    """Nodes notice changes some seconds apart, and their clocks differ."""
    dice = random.Random(seed)
    clock = [1_700_000_000.0]
    offsets = [dice.uniform(-1, 1) for _ in range(3)]
    nodes = [NodeChanges(lambda ahead=ahead: clock[0] + ahead) for ahead in offsets]  # type: ignore[misc]
    changes = sorted(dice.uniform(0, 200) for _ in range(8))
    delays = [[dice.uniform(0, 4) for _ in nodes] for _ in changes]
    index, seen, answers = 0, -1, 0
    for step in range(2400):
        clock[0] += 0.1
        now = step * 0.1
        known = [sum(at + delays[number][node] <= now for number, at in enumerate(changes)) for node in range(3)]
        for node, changed in zip(nodes, known, strict=True):
            node.note({"x": changed})
        asked = dice.randrange(3)
        if nodes[asked].last > index:
            index, seen, answers = nodes[asked].last, known[asked], answers + 1
        if now > max([0.0, *(at for at in changes if at <= now)]) + 5 + SETTLED_MS / 1000:
            assert seen == known[0], "it follows, whichever node it asks"
    assert seen == len(changes)
    assert answers <= 6 * (len(changes) + 1), "and is not answered all the time"


def test_the_actors_of_another_node_are_asked_of_that(client: TestClient, cluster: Cluster) -> None:
    def asked(node: str) -> Any:
        answer = client.simulate_get("/v1/agent/actors", params={"node": node})
        return answer.json[0]["JobID"] if answer.status_code == 200 else (answer.status_code, answer.text)

    assert [asked(each) for each in (OTHER_ID, "n2", "5482868b")] == [OTHER_ID] * 3
    assert asked(NODE_ID) == asked("") == ""
    assert asked("548286") == (404, "node not found") == asked("n9")
    cluster.change(is_here=False)
    assert asked("n2") == (503, f"node n2 ({OTHER_ID}) cannot be asked: it is not heard")


def test_addresses_of_members_are_joined_and_others_are_told_how(client: TestClient) -> None:
    def join(*addresses: str) -> tuple[int, str]:
        query = "&".join(f"address={each}" for each in addresses)
        answer = client.simulate_post("/v1/join", query_string=query).json
        return answer["num_joined"], answer["error"]

    assert join("10.0.0.2", "10.0.0.2:8190", "n2", "127.0.0.1") == (4, "")
    joined, error = join("10.0.0.2", "10.0.0.9")
    assert joined == 1 and error.endswith(": 10.0.0.9") and "udup cluster token" in error


def test_a_failed_manager_is_taken_out_and_nobody_else(
    client: TestClient, memory: MemoryJobs, cluster: Cluster
) -> None:
    def leave(node: str) -> tuple[int, str]:
        answer = client.simulate_put("/v1/leave", params={"node": node})
        return answer.status_code, answer.text

    assert leave("nobody") == (200, "")
    assert leave("n2") == (409, f"node n2 ({OTHER_ID}) is alive: stop it first, for good")
    assert leave(NODE_ID)[0] == 409 and not memory.removed
    cluster.change(is_here=False)
    members = {each["Name"]: each["Status"] for each in client.simulate_get("/v1/members").json["Members"]}
    assert members["n2.global"] == "failed"
    memory.fail_with = StillThere("the managers have no leader")
    assert leave("n2") == (409, "the managers have no leader")
    assert leave("n2") == leave("n2.global") == leave(OTHER_ID) == (200, "")
    assert memory.removed == [OTHER_ID] * 3
    cluster.change(role=Role.AGENT)
    assert leave("n2") == (200, "") and len(memory.removed) == 3, "an agent is no part of the store"


def test_a_node_says_of_itself_what_it_is_among_others(client: TestClient, cluster: Cluster) -> None:
    def told() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        stats = client.simulate_get("/v1/self").json["stats"]
        return stats["server"], stats["raft"], stats["serf"]

    server, raft, serf = told()
    assert (server["leader"], server["leader_addr"], raft["state"]) == ("false", "10.0.0.2:8190", "Follower")
    assert (raft["num_peers"], serf) == ("1", {"members": "2", "failed": "0", "left": "0"})
    assert client.simulate_get("/v1/peers").json == ["10.0.0.1:8190", "10.0.0.2:8190"], "as others call them"
    cluster.view = replace(cluster.view, leader=NODE_ID)
    cluster.change(is_here=False, is_gone=True)
    server, raft, serf = told()
    assert (server["leader"], raft["state"], serf["left"]) == ("true", "Leader", "1")
    assert client.simulate_get("/v1/leader").json == "10.0.0.1:8190"
    members = client.simulate_get("/v1/members").json["Members"]
    assert [(each["Addr"], each["Port"], each["Status"]) for each in members] == [
        ("10.0.0.1", 8190, "alive"), ("10.0.0.2", 8190, "left"),
    ]  # fmt: skip


def test_a_node_that_has_jobs_and_was_not_heard_is_listed_as_down_and_is_no_member(
    client: TestClient, cluster: Cluster
) -> None:
    lost = "aaaaaaaa-0000-4000-8000-000000000000"
    unheard = NodeSeen(lost, "n9", Role.MANAGER, "dc1", "", "", is_here=False)
    cluster.view = replace(cluster.view, unheard=(unheard,), drains=frozenset({lost}), owners={"a": lost, "b": lost})
    found = {each["ID"]: each for each in client.simulate_get("/v1/nodes").json}
    assert (found[lost]["Status"], found[lost]["Drain"], found[OTHER_ID]["Status"]) == ("down", True, "ready")
    assert found[lost]["Name"] == "n9"
    one = client.simulate_get(f"/v1/node/{lost}").json
    assert one["StatusDescription"] == "it is not heard; it drains, and has 2 jobs"
    assert lost not in client.simulate_get("/v1/members").text
