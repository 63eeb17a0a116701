"""A job that gets tables moves from node to node with what it is to get, and nothing of it is left anywhere."""

from __future__ import annotations

import pytest

from tests.actors.conftest import cluster_of
from tests.actors.growing import REPORTS, SIDE, checkpoints_of, digest_of, state_of, tables_of, with_targets
from tests.actors.small_cluster import HERE, OTHER
from tests.actors.small_world import World
from udup.actors.messages import Accepted, RegisterJob
from udup.jobs.growth import GrowthState

#: Seconds for the coordinator to see that a job has come, and to give it to a node.
SECONDS = 3.0


@pytest.fixture
def world(clustered: World) -> World:
    """A job of two tables follows its source on this node."""
    world = with_targets(clustered)
    _post(world, "a", "b")
    cluster_of(world).give("j")
    world.reaches("j", "running")
    return world


def _post(world: World, *tables: str) -> None:
    assert isinstance(world.ask(RegisterJob(world.document("j", ReplicateDoDb=tables_of(*tables)), None)), Accepted)


def _grows(world: World, state: GrowthState) -> None:
    """Until new tables have come so far. The side job is given to the node of its job, as it is seen."""
    if state is GrowthState.COPYING:
        world.script(SIDE).reports = REPORTS[:2]
    _post(world, "a", "c")
    world.until(lambda: SIDE in world.stored)
    cluster_of(world).give(SIDE)
    world.until(lambda: state_of(world) is state and (state is GrowthState.JOINING or SIDE in world.runs))
    world.script(SIDE).reports = REPORTS


def _settled(world: World) -> bool:
    if list(world.stored) != ["j"] or world.stored["j"].growth is not None:
        return False
    return checkpoints_of(world).of == {"j": digest_of(world)} and world.stage("j") == "running"


@pytest.mark.parametrize("state", [GrowthState.COPYING, GrowthState.JOINING])
@pytest.mark.parametrize("order", [("j", SIDE), (SIDE, "j")])
@pytest.mark.parametrize("leaves", [True, False])
def test_a_job_that_moves_away_and_back_has_its_tables_in_the_end(
    world: World, state: GrowthState, order: tuple[str, str], *, leaves: bool
) -> None:
    """It is drained or lost, its side job a while before or behind it."""
    cluster = cluster_of(world)
    _grows(world, state)
    for job in order:
        if leaves:
            cluster.leave(job)
            world.until(lambda job=job: cluster.owners[job].node == OTHER or job not in world.stored)  # type: ignore[misc]
        else:
            cluster.give(job, OTHER)
        cluster.show()
        world.run(SECONDS)
    if SIDE in world.stored:
        assert world.living == [], "nothing of it is left here"
    for job in order:
        if job in world.stored:
            cluster.give(job, HERE)
            cluster.show()
            world.run(SECONDS)
    world.until(lambda: _settled(world), 300)
    assert not checkpoints_of(world).wrong and checkpoints_of(world).copies.count("j") == 1


def test_a_side_job_is_left_alone_while_its_job_is_another_nodes(world: World) -> None:
    cluster = cluster_of(world)
    _grows(world, GrowthState.COPYING)
    cluster.give("j", OTHER)
    cluster.show()
    world.run(120)
    assert SIDE in world.stored and SIDE not in world.purged
    world.start()
    world.run(120)
    assert SIDE in world.stored and SIDE not in world.purged


def test_a_side_job_whose_job_was_deleted_by_a_node_that_died_then_is_removed(world: World) -> None:
    cluster = cluster_of(world)
    _grows(world, GrowthState.COPYING)
    cluster.give("j", OTHER)
    world.run(SECONDS)
    del world.stored["j"]
    cluster.wrote("j", OTHER)
    cluster.removed("j")
    cluster.show()
    world.until(lambda: not world.stored, 120)
    assert SIDE in world.purged and SIDE not in checkpoints_of(world).of
