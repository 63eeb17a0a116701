"""The job of the way back where there are several nodes: stored once, and carried by whom it is given to."""

from __future__ import annotations

import pytest

from tests.actors.conftest import cluster_of
from tests.actors.small_children import Carrier
from tests.actors.small_cluster import OTHER
from tests.actors.small_cutovers import OPTIONS, carrier, with_way_back
from tests.actors.small_world import World
from udup.actors.cutover_messages import AskTaken, CreateWayBack, Keep, StartCutover
from udup.actors.messages import Accepted, RegisterJob
from udup.base.errors import FailureKind
from udup.pipeline.cutover.state import Cutover


@pytest.fixture
def world(clustered: World) -> World:
    return clustered


def _switched(world: World) -> tuple[Carrier, Cutover]:
    """A job of this node whose cut-over is behind its switch."""
    assert isinstance(world.ask(RegisterJob(world.document("j"), None)), Accepted)
    cluster_of(world).give("j")
    world.reaches("j", "running")
    answer = world.ask(StartCutover("j", OPTIONS))
    assert isinstance(answer, Accepted), answer
    engine = carrier(world)
    assert engine.settings.back is not None and not engine.settings.back_faults
    cutover = with_way_back(world, engine.settings.cutover)
    engine.ask(Keep, cutover)
    return engine, cutover


def test_the_way_back_is_stored_here_and_carried_by_the_node_that_it_is_given_to(world: World) -> None:
    engine, cutover = _switched(world)
    answer = engine.ask(CreateWayBack, cutover)
    assert not answer.taken and answer.failure is None
    assert world.stored["j-back"].incarnation == "abc"
    assert "j-back" not in world.supervisor._jobs, "nobody owns it yet"
    cluster_of(world).give("j-back")
    world.reaches("j-back", "running")


def test_a_node_that_carries_the_cut_over_on_makes_no_second_one(world: World) -> None:
    engine, cutover = _switched(world)
    engine.ask(CreateWayBack, cutover)
    index = world.stored["j-back"].create_index
    cluster_of(world).give("j-back", OTHER)
    world.start()
    world.run(2)
    again = carrier(world)
    assert again.settings.resumed, "whoever carried it before has died"
    assert again.ask(CreateWayBack, cutover).failure is None
    assert world.stored["j-back"].create_index == index and "j-back" not in world.supervisor._jobs


def test_a_job_of_another_node_has_the_name(world: World) -> None:
    engine, cutover = _switched(world)
    assert isinstance(world.ask(RegisterJob(world.document("j-back"), None)), Accepted)
    cluster_of(world).give("j-back", OTHER)
    cluster_of(world).show()
    world.run(1)
    assert engine.ask(AskTaken, "j-back").is_taken and not engine.ask(AskTaken, "j-back2").is_taken
    assert "j-back" in engine.ask(CreateWayBack, cutover).taken


def test_a_store_that_another_writes_at_the_same_time_is_tried_again(world: World) -> None:
    engine, cutover = _switched(world)
    state = cluster_of(world)
    before = state.revisions.get("j-back", (0, ""))[0]
    assert before == 0
    supervisor = world.supervisor
    create = supervisor.create_here

    def raced(*args: object) -> None:
        create(*args)
        state.wrote("j-back", OTHER)

    supervisor.create_here = raced
    failed = engine.ask(CreateWayBack, cutover).failure
    assert failed is not None and failed.kind is FailureKind.TRANSIENT
    supervisor.create_here = create
    assert "j-back" not in world.supervisor._jobs


def test_a_store_keeper_that_dies_meanwhile_is_followed_by_one_that_is_asked_again(world: World) -> None:
    engine, cutover = _switched(world)
    store = world.child_of("store", "")
    world.at(0.0, lambda: world.kill(store))
    assert engine.ask(CreateWayBack, cutover).failure is None
    assert world.stored["j-back"].incarnation == "abc"
