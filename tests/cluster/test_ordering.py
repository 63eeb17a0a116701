"""What operators order, and jobs that are tried elsewhere: real keepers in virtual time."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from tests.cluster.world import LIMITS, Cluster
from udup.cluster.beats import Role
from udup.cluster.elsewhere import Elsewhere
from udup.cluster.ordering import Ordering
from udup.cluster.orders import DrainNode, MoveJob, Order, Ordered, Rebalance
from udup.cluster.placement import TaskWish, Wish

_M, _A, _W = Role.MANAGER, Role.AGENT, Role.WITNESS


@contextmanager
def cluster_of(wishes: list[Wish], *roles: Role) -> Iterator[Cluster]:
    """A cluster whose jobs work; its nodes are n0, n1, …"""
    made = Cluster(7, [(f"n{number}", role, "dc1") for number, role in enumerate(roles)], wishes)
    try:
        made.clock.run(12.0)
        yield made
        made.clock.run(made.clock.now + 12.0)
        made.check_rest()
    finally:
        made.close()


def done(cluster: Cluster, at: str, work: Coroutine[Any, Any, Any], seconds: float = 5.0) -> Any:
    """Return what comes of some work on a node's loop."""
    loop = cluster.nodes[at].loop
    assert loop is not None
    task = loop.create_task(work)
    cluster.clock.run(cluster.clock.now + seconds)
    assert task.done(), "it has not ended"
    return task.result()


def order(cluster: Cluster, at: str, what: Order) -> Ordered:
    keeper = cluster.nodes[at].keeper
    ordering = Ordering(keeper, lambda: cluster.wanted, lambda: cluster.clock.now, LIMITS)
    return done(cluster, at, ordering.carry_out(what))  # type: ignore[no-any-return]


def places(cluster: Cluster) -> dict[str, str]:
    return {job: owner.node for job, owner in cluster.truth.jobs.items()}


def test_a_node_drains_whoever_is_asked_over_its_own_restart_and_the_coordinators_end() -> None:
    wishes = [*(Wish(f"j{number}") for number in range(12)), Wish("pinned", TaskWish(node_id="n1"))]
    with cluster_of(wishes, _M, _M, _M, _A) as cluster:
        told = order(cluster, "n3", DrainNode("n1"))
        assert told.drains and set(told.stays) == {"pinned"} and "without Failover" in told.stays["pinned"]
        assert set(told.goes) and "n1" not in told.goes.values()
        cluster.kill("n1")
        cluster.kill(cluster.truth.leader if cluster.truth.leader != "n1" else "n0", machine=False)
        cluster.clock.run(cluster.clock.now + 15)
        for name in cluster.nodes:
            cluster.restart(name)
        cluster.clock.run(cluster.clock.now + 15)
        assert {job for job, node in places(cluster).items() if node == "n1"} == {"pinned"}
        far = order(cluster, "n0", DrainNode("n1", enable=None))
        assert (far.drains, dict(far.goes), set(far.stays)) == (True, {}, {"pinned"})
        assert not order(cluster, "n2", DrainNode("n1", enable=False)).drains
        assert cluster.truth.orders.drains == {}


def test_jobs_of_the_last_node_that_can_carry_them_stay_and_run_on() -> None:
    with cluster_of([Wish("a"), Wish("b")], _M, _A) as cluster:
        order(cluster, "n0", DrainNode("n1"))
        told = order(cluster, "n0", DrainNode("n0"))
        assert set(told.stays) == set(places(cluster)) and dict(told.goes) == {}
        assert all("no node can carry it" in why and "is draining" in why for why in told.stays.values())
        order(cluster, "n0", DrainNode("n1", enable=False))
        cluster.clock.run(cluster.clock.now + 5)
        assert set(places(cluster).values()) == {"n1"}, "they go when another can carry them"


def test_what_cannot_be_ordered_is_told_and_nothing_written() -> None:
    wishes = [Wish("a"), Wish("pinned", TaskWish(node_id="n0")), Wish("copies", copying=True)]
    with cluster_of(wishes, _M, _M, _W, _A) as cluster:
        written = cluster.counts["ordered"]
        at = places(cluster)
        away = {job: next(node for node in ("n0", "n1") if node != at[job]) for job in at}
        assert order(cluster, "n0", DrainNode("nobody")).unknown == "node not found"
        assert "witness" in order(cluster, "n0", DrainNode("n2")).refused
        assert order(cluster, "n3", MoveJob("nojob", "n0")).unknown == "job not found"
        assert order(cluster, "n3", MoveJob("a", "nobody")).unknown == "node not found"
        assert "witness" in order(cluster, "n3", MoveJob("a", "n2")).refused
        assert "full copy" in order(cluster, "n0", MoveJob("copies", away["copies"])).refused
        assert "pinned cannot be on node n1" in order(cluster, "n0", MoveJob("pinned", "n1")).refused
        assert order(cluster, "n0", MoveJob("a", at["a"])).stays == {"a": "it is there"}
        cluster.kill("n1")
        cluster.kill("n2")
        cluster.clock.run(cluster.clock.now + 8)
        assert "managers" in order(cluster, "n0", Rebalance()).failed
        assert cluster.counts["ordered"] == written
        cluster.restart("n1")
        cluster.restart("n2")


def test_the_least_number_of_jobs_moves_for_balance_and_an_order_outlives_who_coordinates() -> None:
    with cluster_of([Wish(f"j{number}") for number in range(9)], _M, _M, _M) as cluster:
        order(cluster, "n0", DrainNode("n2"))
        cluster.clock.run(cluster.clock.now + 10)
        order(cluster, "n0", DrainNode("n2", enable=False))
        would = order(cluster, "n1", Rebalance(dry_run=True))
        assert set(would.goes.values()) == {"n2"} and len(would.goes) == 3
        assert cluster.truth.orders.moves == {}
        keeper = cluster.nodes["n1"].keeper
        ordering = Ordering(keeper, lambda: cluster.wanted, lambda: cluster.clock.now, LIMITS)
        loop = cluster.nodes["n1"].loop
        assert loop is not None
        loop.create_task(ordering.carry_out(Rebalance()))
        cluster.clock.run(cluster.clock.now + 0.2)
        cluster.kill(cluster.truth.leader)
        cluster.clock.run(cluster.clock.now + 25)
        for name in cluster.nodes:
            cluster.restart(name)
        cluster.clock.run(cluster.clock.now + 10)
        assert cluster.truth.orders.moves == {}


def test_one_job_moves_by_order_and_no_other() -> None:
    with cluster_of([Wish(f"j{number}") for number in range(4)], _M, _M, _M) as cluster:
        before = places(cluster)
        to = next(node for node in cluster.nodes if node != before["j0"])
        assert order(cluster, "n0", MoveJob("j0", to)).goes == {"j0": to}
        cluster.clock.run(cluster.clock.now + 5)
        assert places(cluster) == {**before, "j0": to} and cluster.truth.orders.moves == {}


def _tries(cluster: Cluster, job: str, reason: str) -> Any:
    """Have the owner of a job give it up."""
    name = cluster.truth.jobs[job].node
    node = cluster.nodes[name]
    elsewhere = Elsewhere(name, node.keeper, lambda: cluster.wanted, LIMITS)
    return done(cluster, name, elsewhere.give(job, node.tokens[job], reason))


def test_a_job_that_fails_is_tried_on_each_node_once_and_then_told_what_all_have_met() -> None:
    with cluster_of([Wish("j"), Wish("other")], _M, _M, _M, _A) as cluster:
        tried = []
        for number in range(3):
            tried.append(cluster.truth.jobs["j"].node)
            assert _tries(cluster, "j", f"reason {number}") is None
        assert len({*tried, cluster.truth.jobs["j"].node}) == 4
        others = _tries(cluster, "j", "the last")
        assert dict(others) == {node: f"reason {number}" for number, node in enumerate(tried)}
        assert cluster.truth.jobs["j"].failed == {}
        assert _tries(cluster, "j", "once more") is None, "then all may try again"


def test_a_job_that_names_its_node_is_tried_nowhere_else_and_a_run_that_works_forgets() -> None:
    with cluster_of([Wish("j"), Wish("pinned", TaskWish(node_id="n1"), failover=True)], _M, _M, _M) as cluster:
        assert _tries(cluster, "pinned", "why") == {}
        first = cluster.truth.jobs["j"].node
        assert _tries(cluster, "j", "why") is None
        name = cluster.truth.jobs["j"].node
        node = cluster.nodes[name]
        elsewhere = Elsewhere(name, node.keeper, lambda: cluster.wanted, LIMITS)
        done(cluster, name, elsewhere.forget("j", node.tokens["j"]))
        assert (first, cluster.truth.jobs["j"].failed) == (cluster.truth.jobs["j"].previous, {})
        cluster.wish(replace(cluster.wanted.wishes["j"], copying=True))


def test_a_job_moves_by_order_to_a_node_on_which_it_has_failed_and_may_try_there_again() -> None:
    with cluster_of([Wish("j")], _M, _M, _M) as cluster:
        first = cluster.truth.jobs["j"].node
        assert _tries(cluster, "j", "why") is None
        assert order(cluster, "n0", MoveJob("j", first)).goes == {"j": first}
        cluster.clock.run(cluster.clock.now + 5)
        owner = cluster.truth.jobs["j"]
        assert (owner.node, owner.failed, cluster.truth.orders.moves) == (first, {}, {})


def test_a_source_that_was_taken_beside_dest_stays_there_while_its_node_comes_and_goes() -> None:
    wish = Wish("far", TaskWish(node_id="n0"), TaskWish(node_id="n2"), failover=True)
    with cluster_of([wish], _M, _W, _M) as cluster:
        assert cluster.truth.jobs["far"].source == "n2"
        seen = []
        for _ in range(2):
            for change in (cluster.kill, cluster.restart):
                change("n2")
                cluster.clock.run(cluster.clock.now + 15)
                owner = cluster.truth.jobs["far"]
                seen.append((owner.node, owner.source, owner.instead))
        assert seen == [("n0", "", "id n2")] * 4, "each change is another run"


def test_a_node_that_drains_tells_of_jobs_whose_source_is_read_there() -> None:
    wishes = [Wish("far", TaskWish(node_id="n0"), TaskWish(node_id="n1")), Wish("near", TaskWish(node_id="n0"))]
    with cluster_of(wishes, _M, _M, _M) as cluster:
        assert cluster.truth.jobs["far"].source == "n1"
        told = order(cluster, "n0", DrainNode("n1"))
        assert set(told.stays) == {"far"} and "its source is read here" in told.stays["far"]
