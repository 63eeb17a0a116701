"""Jobs whose server is away from some nodes: real keepers in virtual time."""

from __future__ import annotations

from tests.cluster.test_ordering import cluster_of, done
from tests.cluster.world import LIMITS, Cluster
from udup.cluster.beats import Role
from udup.cluster.elsewhere import ASK_AGAIN_SECONDS, ROUND_SECONDS, Elsewhere
from udup.cluster.nodes_kept import NodeRecord, node_key
from udup.cluster.placement import TaskWish, Wish
from udup.cluster.view import look_around

_M, _A, _W = Role.MANAGER, Role.AGENT, Role.WITNESS


def _elsewhere(cluster: Cluster) -> tuple[str, Elsewhere]:
    name = cluster.truth.jobs["j"].node
    node = cluster.nodes[name]
    wall = lambda: 1e9 + cluster.clock.now  # noqa: E731
    return name, Elsewhere(name, node.keeper, lambda: cluster.wanted, LIMITS, wall)


def reaches(cluster: Cluster, reason: str = "no route") -> float | None:
    """Have the owner ask who else reaches the job's server."""
    name, elsewhere = _elsewhere(cluster)
    found: float | None = done(cluster, name, elsewhere.reach("j", cluster.nodes[name].tokens["j"], reason))
    return found


def test_each_node_is_tried_once_in_a_round_then_it_stays_and_all_are_tried_again_in_the_next() -> None:
    with cluster_of([Wish("j"), Wish("other")], _M, _M, _W, _A) as cluster:
        tried = []
        for number in range(2):
            tried.append(cluster.truth.jobs["j"].node)
            assert reaches(cluster, f"reason {number}") is None
        last = cluster.truth.jobs["j"]
        assert len({*tried, last.node}) == 3 and "n2" not in tried
        assert last.away == {node: f"reason {number}" for number, node in enumerate(tried)}
        again_in = reaches(cluster)
        assert again_in is not None and ROUND_SECONDS - 20 < again_in <= ROUND_SECONDS
        assert cluster.truth.jobs["j"].node == last.node, "nobody else reaches it: it stays, and does not fail"
        cluster.clock.run(cluster.clock.now + again_in)
        assert reaches(cluster) is None
        begun = cluster.truth.jobs["j"]
        assert begun.node in tried and begun.away == {last.node: "no route"}


def test_a_round_goes_on_when_the_node_that_tries_it_is_started_again() -> None:
    with cluster_of([Wish("j")], _M, _M, _M) as cluster:
        first = cluster.truth.jobs["j"].node
        assert reaches(cluster) is None
        second = cluster.truth.jobs["j"].node
        cluster.kill(second, machine=False)
        cluster.restart(second)
        cluster.clock.run(cluster.clock.now + 8.0)
        assert reaches(cluster) is None
        assert cluster.truth.jobs["j"].node not in {first, second}


def test_when_an_outage_is_over_the_next_may_try_all_and_failures_are_kept() -> None:
    with cluster_of([Wish("j")], _M, _M) as cluster:
        assert reaches(cluster) is None
        name, elsewhere = _elsewhere(cluster)
        assert done(cluster, name, elsewhere.give("j", cluster.nodes[name].tokens["j"], "it fails")) is None
        assert cluster.truth.jobs["j"].node != name, "where a server was away it has not failed"
        assert reaches(cluster) is not None, "the other one has failed, and is no help in an outage"
        name, elsewhere = _elsewhere(cluster)
        done(cluster, name, elsewhere.forget("j", cluster.nodes[name].tokens["j"], failures=False))
        owner = cluster.truth.jobs["j"]
        assert (owner.away, owner.away_at, set(owner.failed)) == ({}, 0.0, set(cluster.nodes) - {name})
        done(cluster, name, elsewhere.forget("j", cluster.nodes[name].tokens["j"]))
        assert reaches(cluster) is None


def test_a_job_that_names_its_node_and_one_that_nobody_else_could_take_are_waited_for_where_they_are() -> None:
    with cluster_of([Wish("j", TaskWish(node_id="n1"), failover=True)], _M, _M, _M) as cluster:
        assert reaches(cluster) == ROUND_SECONDS
    with cluster_of([Wish("j")], _M, _W, _W) as cluster:
        written = cluster.truth.last
        assert reaches(cluster) == ASK_AGAIN_SECONDS and cluster.truth.last == written


def test_a_node_that_hears_no_quorum_waits_and_asks_again() -> None:
    with cluster_of([Wish("j")], _M, _M, _M) as cluster:
        name = cluster.truth.jobs["j"].node
        others = [each for each in cluster.nodes if each != name]
        for other in others:
            cluster.kill(other)
        cluster.clock.run(cluster.clock.now + 6.0)
        assert reaches(cluster) == ASK_AGAIN_SECONDS
        for other in others:
            cluster.restart(other)


def test_a_node_that_has_jobs_and_was_not_heard_since_this_one_was_started_is_known_by_its_record() -> None:
    with cluster_of([Wish("j", TaskWish(node_id="n3"))], _M, _M, _M, _A) as cluster:
        cluster.kill("n3")
        cluster.kill("n0", machine=False)
        cluster.restart("n0")
        cluster.clock.run(cluster.clock.now + 5.0)
        keeper = cluster.nodes["n0"].keeper
        view = look_around(keeper, keeper._me, cluster.wanted, cluster.clock.now)
        assert [each.node for each in view.unheard] == ["n3"] and view.node("n3") is None
        assert view.unheard[0].datacenter == "dc1" and not view.unheard[0].is_here
        cluster.restart("n3")
        cluster.clock.run(cluster.clock.now + 2.0)
        assert look_around(keeper, keeper._me, cluster.wanted, cluster.clock.now).unheard == ()


def test_a_manager_that_was_removed_is_told_so_when_it_is_back_and_is_not_shown_while_it_is_away() -> None:
    with cluster_of([Wish("j")], _M, _M, _M) as cluster:
        cluster.kill("n2")
        cluster.clock.run(cluster.clock.now + 5.0)
        removed = NodeRecord(known="n2", role=Role.MANAGER, removed=True)
        assert cluster.network.write("n0", node_key("n2"), removed.encode(), None, None)
        cluster.clock.run(cluster.clock.now + 5.0)
        keeper = cluster.nodes["n0"].keeper
        view = look_around(keeper, keeper._me, cluster.wanted, cluster.clock.now)
        assert {each.node for each in view.nodes} == {"n0", "n1"} and not view.unheard
        cluster.restart("n2")
        cluster.clock.run(cluster.clock.now + 2.0)
        assert cluster.nodes["n2"].keeper._is_removed and not keeper._is_removed
