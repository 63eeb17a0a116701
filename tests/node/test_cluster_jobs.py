"""Jobs of three real managers: one node has a job, another takes it over, and any node is asked for it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.followed import Follower
from tests.node.cluster_world import World, act, create_table, get, id_of, put, when_taken
from tests.node.real_cluster import SECONDS, RealCluster, carried, kill, stopped, until
from udup.base.errors import Transient
from udup.drivers.mysql.client.connection import connect, query, scalar
from udup.sandbox.api import job_document
from udup.sandbox.node import UdupNode
from udup.sandbox.server import MysqlServer
from udup.verify.compare import compare
from udup.web.ports import NotThere

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster(server_folder: Path) -> Iterator[RealCluster]:
    with RealCluster(server_folder / "cluster-of-nodes") as cluster:
        yield cluster


@pytest.fixture
def world(cluster: RealCluster, source: MysqlServer, target: MysqlServer, schema: str) -> Iterator[World]:
    """The job is posted to the first node."""
    for node in cluster.nodes:
        if not node.running:
            node.start()
    create_table(source, schema)
    made = World(cluster, source, target, schema)
    when_taken(lambda: cluster.nodes[0].post_job(made.document()))
    try:
        cluster.nodes[0].wait_stage(schema, deadline=SECONDS)
        yield made
    finally:
        alive = next(node for node in cluster.nodes if node.running)
        when_taken(lambda: alive.delete_job(schema))


def test_another_node_takes_the_jobs_of_one_that_is_killed(world: World) -> None:
    cluster = world.cluster
    with world.writing():
        world.gets_more()
        first = cluster.owner(world.job)
        kill(first)
        world.gets_more()
        second = cluster.owner(world.job)
        assert second is not first

        def shown() -> tuple[list[str], list[str]]:
            nodes = sorted(each["Status"] for each in get(second, "/v1/nodes"))
            return nodes, sorted(each["Status"] for each in get(second, "/v1/members")["Members"])

        # On a busy machine a node may look paused to another one for a moment.
        until(lambda: shown() == (["down", "ready", "ready"], ["alive", "alive", "failed"]), shown)
        _shows_who_was_lost(world, first, second)
        first.start()
        world.gets_more()
    world.is_equal()
    assert [each for each in cluster.nodes if world.job in carried(each)] == [second], "it does not move back"


def _shows_who_was_lost(world: World, first: UdupNode, second: UdupNode) -> None:
    for node in world.cluster.others(first):

        def shown(node: UdupNode = node) -> list[tuple[str, str]]:
            found = get(node, f"/v1/job/{world.job}/allocations")
            return sorted((each["NodeID"], each["ClientStatus"]) for each in found)

        wanted = sorted([(id_of(first), "lost")] * 2 + [(id_of(second), "running")] * 2)
        until(lambda shown=shown, wanted=wanted: shown() == wanted, shown)  # type: ignore[misc]
        new = get(node, f"/v1/node/{id_of(second)}/allocations")
        old = {each["ID"] for each in get(node, f"/v1/node/{id_of(first)}/allocations")}
        assert {each["PreviousAllocation"] for each in new if each["JobID"] == world.job} <= old


def test_a_node_that_stood_still_has_lost_its_jobs_and_ends_their_runs(world: World) -> None:
    cluster = world.cluster
    with world.writing():
        world.gets_more()
        first = cluster.owner(world.job)
        with stopped(first):
            world.gets_more()
            time.sleep(1)
        until(lambda: world.job not in carried(first), lambda: carried(first))
        world.gets_more()
    world.is_equal()
    assert cluster.owner(world.job) is not first


def test_a_supervisor_that_hangs_has_its_jobs_taken_and_another_is_made_in_its_place(world: World) -> None:
    """Its keeper beats all the time."""
    cluster = world.cluster
    with world.writing():
        world.gets_more()
        first = cluster.owner(world.job)
        [hung] = _pids(first, "udup supervisor")
        os.kill(hung, signal.SIGSTOP)
        until(lambda: any(world.job in carried(each) for each in cluster.others(first)), lambda: carried(first))
        world.gets_more()
        until(lambda: _pids(first, "udup supervisor") not in ([], [hung]), lambda: first.pids())
        until(lambda: carried(first) == set(), lambda: carried(first))
        world.gets_more()
    world.is_equal()


def test_a_nats_server_that_dies_is_started_again_and_the_jobs_of_its_node_go_on(world: World) -> None:
    cluster = world.cluster
    with world.writing():
        world.gets_more()
        first = cluster.owner(world.job)
        [server] = _pids(first, "nats-server")
        os.kill(server, signal.SIGKILL)
        until(lambda: _pids(first, "nats-server") not in ([], [server]), lambda: first.pids())
        world.gets_more()
    world.is_equal()
    _shows(first, world.job, Status="running")  # by its own part of the store


def test_a_nats_server_that_answers_nobody_is_started_again(world: World) -> None:
    first = world.cluster.owner(world.job)
    [server] = _pids(first, "nats-server")
    os.kill(server, signal.SIGSTOP)
    with world.writing():
        world.gets_more()
        until(lambda: _pids(first, "nats-server") not in ([], [server]), lambda: first.pids())
        world.gets_more()
    world.is_equal()


def _pids(node: UdupNode, what: str) -> list[int]:
    return [pid for pid, title in node.pids().items() if what in title]


def test_any_node_is_asked_for_a_job_and_shows_it(world: World) -> None:
    owner = world.cluster.owner(world.job)
    one, other = world.cluster.others(owner)
    act(one, world.job, "pause")
    for node in world.cluster.nodes:
        _shows(node, world.job, Status="pause")
    until(lambda: node_stage(owner, world.job) == "paused", lambda: node_stage(owner, world.job))
    act(other, world.job, "resume")
    assert other.wait_stage(world.job, deadline=SECONDS)["Status"] == "running"
    owner = world.cluster.owner(world.job)
    with world.writing():
        world.gets_more()
    world.is_equal()
    ids = {id_of(node): node for node in world.cluster.nodes}
    for node in world.cluster.nodes:
        placed = get(node, f"/v1/job/{world.job}/allocations")
        here = [each for each in placed if each["DesiredStatus"] == "run"]
        assert here and all(ids[each["NodeID"]] is owner for each in here)
        assert get(node, "/v1/leader") in get(node, "/v1/peers")
        there = get(node, f"/v1/agent/actors?node={id_of(owner)}")
        assert world.job in {each["JobID"] for each in there}, "asked of the owner itself"
    when_taken(lambda: one.delete_job(world.job))
    world.is_gone()
    until(lambda: not any(world.job in carried(node) for node in world.cluster.nodes), lambda: "still carried")


def test_what_happens_to_a_job_is_followed_at_any_node(world: World) -> None:
    owner = world.cluster.owner(world.job)
    one, other = world.cluster.others(owner)
    follower = Follower(one.url, f"jobs,job:{world.job}")
    try:
        until(lambda: follower.shown(world.job)[-1:] == ["running"], lambda: follower.events[-3:])
        act(other, world.job, "pause")
        until(lambda: follower.shown(world.job)[-1:] == ["paused"], lambda: follower.events[-3:])
        until(lambda: "paused" in {each["Kind"] for each in follower.entries()}, lambda: follower.events[-3:])
    finally:
        follower.close()
    for node in world.cluster.nodes:
        brief = next(each for each in get(node, "/v1/jobs?brief") if each["ID"] == world.job)
        assert brief["Node"] == owner.folder.name
        told = [each["Number"] for each in get(node, f"/v1/job/{world.job}/timeline?kind=paused")["Entries"]]
        assert told == [each["Number"] for each in follower.entries() if each["Kind"] == "paused"]


def test_a_job_for_a_node_that_is_not_there_waits_and_may_be_changed_at_any_node(world: World) -> None:
    one, two, three = world.cluster.nodes
    waiting = {**world.document(), "ID": f"{world.job}-waits", "Name": "waits"}
    for task in waiting["Tasks"]:
        task["NodeId"] = "0aae4fb5-a6a3-4d17-bf7c-a24cf0b53fa7"
    one.post_job(waiting)
    why = "task Dest: no node has the ID 0aae4fb5-a6a3-4d17-bf7c-a24cf0b53fa7; the job begins when one has, or with "
    for node in (two, three):
        _shows(node, waiting["ID"], Status="pending", StatusDescription=f"{why}another NodeId")
    act(two, waiting["ID"], "pause")
    _shows(three, waiting["ID"], Status="pause")
    three.delete_job(waiting["ID"])

    World(world.cluster, world.source, world.target, waiting["ID"]).is_gone()


def _shows(node: UdupNode, job: str, **wanted: str) -> None:
    """Wait for it: what another node has written, the job itself too, is seen a moment later.

    A store that elects does not answer.
    """
    seen: list[Any] = []

    def holds() -> bool:
        with suppress(Transient, NotThere):
            seen[:] = [node.job(job)]
            return wanted.items() <= seen[0].items()
        return False

    until(holds, lambda: (seen, wanted))


def test_a_node_gives_its_job_up_under_load_drains_over_a_restart_and_gets_the_job_back_by_order(world: World) -> None:
    cluster = world.cluster
    with world.writing():
        world.gets_more()
        first = cluster.owner(world.job)
        asked = cluster.others(first)[0]
        with world.longest_gap() as gap:
            answer = put(asked, f"/v1/node/{id_of(first)}/drain?enable=true")
            assert [each["JobID"] for each in answer["Goes"]] == [world.job] and not answer["Stays"]
            until(lambda: get(asked, f"/v1/node/{id_of(first)}/drain")["Goes"] == [], lambda: "not given up")
            world.gets_more()
        assert cluster.owner(world.job) is not first
        assert gap[0] < 30.0, "the machine is busy; alone it is well below one second"
        first.stop()
        first.start()
        for node in (first, asked):
            until(lambda node=node: _drains(node) == {id_of(first)}, lambda: "it drains no more")  # type: ignore[misc]
        world.gets_more()
        put(asked, f"/v1/node/{id_of(first)}/drain?enable=false")
        put(asked, f"/v1/cluster/move?job={world.job}&node={id_of(first)}")
        until(lambda: world.job in carried(first), lambda: carried(first))
        world.gets_more()
    world.is_equal()


def _drains(node: UdupNode) -> set[str]:
    return {each["ID"] for each in get(node, "/v1/nodes") if each["Drain"]}


def test_an_agent_carries_a_job_and_its_manager_shows_it_and_takes_it_over(
    server_folder: Path, source: MysqlServer, target: MysqlServer, schema: str
) -> None:
    with RealCluster(server_folder / "manager-and-agent", managers=1, agents=1) as pair:
        manager, agent = pair.nodes
        world = World(pair, source, target, schema)
        create_table(source, schema)
        document = world.document(Failover=True)
        for task in document["Tasks"]:
            task["NodeName"] = "n1"
        when_taken(lambda: manager.post_job(document))
        manager.wait_stage(schema, deadline=SECONDS)
        assert pair.owner(schema) is agent
        with world.writing():
            world.gets_more()
            until(lambda: bool(manager.job(schema)["Progress"].get("applied_gtid")), lambda: manager.job(schema))
            kill(agent)
            world.gets_more()
        world.is_equal()
        assert pair.owner(schema) is manager
        when_taken(lambda: manager.delete_job(schema))
        assert not get(manager, "/v1/jobs")


def node_stage(node: UdupNode, job: str) -> str:
    return str(node.job(job)["Stage"])


def test_tables_that_a_job_gets_are_copied_and_joined_by_another_node_when_theirs_is_killed(world: World) -> None:
    cluster, more = world.cluster, f"{world.job}_more"
    create_table(world.source, more)
    with closing(connect(world.source.endpoint, autocommit=True)) as connection:
        query(connection, f"INSERT INTO {more}.t VALUES (1, NOW(6)), (2, NOW(6)), (3, NOW(6))")
    wider = job_document(world.job, world.source.endpoint, world.target.endpoint, [world.job, more])
    with world.writing(), closing(connect(world.target.endpoint)) as holder:
        world.gets_more()
        holder.begin()
        query(holder, "SELECT * FROM udup.copied_table FOR UPDATE")  # a copy has its snapshot, and comes no further
        first = cluster.owner(world.job)
        when_taken(lambda: cluster.nodes[0].post_job({**wider, "ID": world.job}))
        until(lambda: _copy_waits(world), lambda: first.job(world.job))
        kill(first)
        world.gets_more()
        second = cluster.owner(world.job)
        until(lambda: f"{world.job} tables" in carried(second), lambda: carried(second))
        holder.rollback()
        until(lambda: get(second, f"/v1/job/{world.job}")["Growing"] is None, lambda: second.job(world.job))
    world.is_equal()
    until(lambda: compare(world.source.endpoint, world.target.endpoint, [more]).equal, lambda: "not equal")
    assert carried(second) == {world.job}, "they are one job again"


def _copy_waits(world: World) -> bool:
    waits = "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT' AND trx_query LIKE %s"
    with closing(connect(world.target.endpoint)) as connection:
        return bool(scalar(connection, waits, "%udup.copied_table%"))
