"""A job that has failed too often on this node is tried on another before it fails. The real supervisor."""

from __future__ import annotations

import pytest

from tests.actors.conftest import cluster_of
from tests.actors.small_cluster import HERE, OTHER
from tests.actors.small_world import World, refused, transient
from udup.actors.messages import Accepted, Drain, Drained, PauseJob, RegisterJob
from udup.base.errors import Failure


@pytest.fixture
def world(clustered: World) -> World:
    return clustered


def _fails(world: World, failure: Failure) -> None:
    world.script("j").target = failure
    _posted(world)


def _posted(world: World, *, tried: bool = False) -> None:
    assert isinstance(world.ask(RegisterJob(world.document("j"), None)), Accepted)
    cluster_of(world).give("j", tried=tried)


def _gave_up(world: World) -> bool:
    job = world.supervisor._jobs.get("j")
    return bool(job is not None and job.hold is not None and job.hold.gave_up)


def test_a_job_that_has_failed_as_often_as_it_may_is_given_to_another_node_with_the_reason_stored(
    world: World,
) -> None:
    _fails(world, transient("cannot be reached from here"))
    world.until(lambda: cluster_of(world).owners["j"].node == OTHER)
    assert len(world.runs["j"]) == world.attempts + 1
    [reason] = cluster_of(world).tried
    assert "cannot be reached from here" in reason and f"after {world.attempts + 1} failures" in reason
    record = world.stored["j"]
    assert record.stage.value == "pending" and reason in record.status_description
    world.until(lambda: "j" not in world.supervisor._jobs and world.living == [])


def test_it_fails_with_the_reasons_of_all_nodes_where_none_is_left(world: World) -> None:
    cluster_of(world).others_met = {OTHER: "no route", "third": "no name"}
    _fails(world, transient("refused here"))
    world.reaches("j", "failed")
    text = world.stored["j"].status_description
    assert "refused here" in text and "on node other before: no route; on node third before: no name" in text
    assert len(cluster_of(world).tried) == 1 and cluster_of(world).owners["j"].node == HERE


def test_what_is_not_healed_by_another_node_fails_at_once(world: World) -> None:
    _fails(world, refused("Dest t:1", "no room"))
    world.reaches("j", "failed")
    assert cluster_of(world).tried == []


def test_a_run_that_applies_something_lets_all_nodes_try_again(world: World) -> None:
    _posted(world, tried=True)
    world.reaches("j", "running")
    world.run(5)
    assert cluster_of(world).forgotten == ["j"], "once"


def test_whoever_pauses_it_meanwhile_has_it_paused(world: World) -> None:
    cluster_of(world).others_met = {}
    _fails(world, transient())
    world.until(lambda: _gave_up(world))
    assert isinstance(world.ask(PauseJob("j")), Accepted)
    world.reaches("j", "paused")


def test_a_keeper_that_dies_meanwhile_is_asked_again_by_the_next(world: World) -> None:
    state = cluster_of(world)
    _fails(world, transient())
    world.until(lambda: _gave_up(world))
    assert state.keeper is not None
    world.kill(state.keeper)
    world.until(lambda: state.owners["j"].node == OTHER, 600)


def test_a_node_that_is_stopped_tells_the_others_in_time_also_where_a_run_reaches_no_boundary(world: World) -> None:
    world.script("j").drains = "never"
    _posted(world)
    world.reaches("j", "running")
    began = world.clock
    assert isinstance(world.ask(Drain(2.0)), Drained)  # type: ignore[arg-type]
    assert 2.0 <= world.clock - began < 3.0
