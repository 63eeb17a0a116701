"""A job whose server is away from this node for long is tried on another one. The real supervisor, in virtual time."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.actors.small_cluster import HERE, OTHER, ClusterState
from tests.actors.small_world import World, small_world
from udup.actors.messages import Accepted, PauseJob, RegisterJob
from udup.actors.reaching import AWAY_SECONDS
from udup.base.errors import Failure, FailureKind, Side
from udup.cluster.beats import Role
from udup.cluster.view import NodeSeen
from udup.jobs.describing import description
from udup.pipeline.cutover.state import Cutover, Options

LEVEL = ({"stage": "running", "level": True, "lag_ms": 0, "source_gtid": "x:1"},)


def seen(node: str, role: Role = Role.MANAGER, *, is_here: bool = True) -> NodeSeen:
    return NodeSeen(node, f"the-{node}", role, "dc1", "", "", is_here)


def away(side: Side = Side.TARGET, kind: FailureKind = FailureKind.UNAVAILABLE) -> Failure:
    return Failure(kind, "no route from here", side=side)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[World]:
    with small_world(monkeypatch, tmp_path, clustered=True) as world:
        world.run(1)
        shows(world, seen(HERE), seen(OTHER))
        yield world


def cluster(world: World) -> ClusterState:
    assert world.cluster is not None
    return world.cluster


def shows(world: World, *nodes: NodeSeen) -> None:
    cluster(world).nodes = nodes
    cluster(world).show()
    world.run(0.1)


def waits(world: World, failure: Failure, *, tried: tuple[tuple[str, str], ...] = ()) -> float:
    """Post a job of which a server is away; return when its first run has ended."""
    world.script("j").target = failure
    assert isinstance(world.ask(RegisterJob(world.document("j"), None)), Accepted)
    cluster(world).give("j", away=tried)
    world.until(lambda: "j" in world.supervisor._jobs and world.job("j").record.outage is not None)
    return world.clock


def test_a_job_whose_server_is_away_from_here_for_a_minute_is_given_away_and_not_before(world: World) -> None:
    since = waits(world, away())
    world.until(lambda: cluster(world).owners["j"].node == OTHER, 120)
    [(when, reason)] = cluster(world).unreached
    assert AWAY_SECONDS <= when - since < AWAY_SECONDS + 20
    assert reason.startswith("target (") and reason.endswith("no route from here")
    world.until(lambda: "j" not in world.supervisor._jobs and world.living == [])
    assert world.stage("j") == "pending" and world.stored["j"].outage is not None


def test_where_nobody_is_left_it_waits_here_without_end_and_asks_when_it_was_told_to(world: World) -> None:
    cluster(world).nobody_for = 600.0
    since = waits(world, away())
    world.run(3600)
    times = [when - since for when, _ in cluster(world).unreached]
    assert len(times) == 6
    assert all(600 <= later - sooner < 620 for sooner, later in itertools.pairwise(times))
    assert cluster(world).owners["j"].node == HERE and world.stage("j") == "pending"
    assert len(world.runs["j"]) > 200, "it is tried on"
    world.script("j").target = "full copy"
    world.reaches("j", "running")


@pytest.mark.parametrize(
    "failure", [away(kind=FailureKind.CONTENDED), away(Side.NATS), away(Side.NODE)], ids=["lock", "nats", "node"]
)
def test_what_no_other_node_heals_is_waited_for_here(world: World, failure: Failure) -> None:
    waits(world, failure)
    world.run(1200)
    assert cluster(world).unreached == [] and len(world.runs["j"]) > 50


def test_it_is_not_asked_about_where_no_other_node_is_heard_that_carries_jobs(world: World) -> None:
    shows(world, seen(HERE), seen("third", Role.WITNESS), seen(OTHER, is_here=False))
    waits(world, away())
    world.run(300)
    assert cluster(world).unreached == []
    shows(world, seen(HERE), seen(OTHER))
    world.until(lambda: cluster(world).owners["j"].node == OTHER)


def test_a_copy_that_gets_on_begins_the_time_anew_with_each_outage(world: World) -> None:
    """It is away for half a minute, again and again, and rows come between."""
    waits(world, away())
    for _ in range(10):
        world.run(30)
        world.script("j").reports = ({"stage": "copying", "copied_rows": 5},)
        world.script("j").target = "full copy"
        world.until(lambda: world.job("j").record.outage is None)
        applier = world.child_of("applier", "j")
        world.script("j").target = away()
        applier.end(applier.run, away())
        world.until(lambda: world.job("j").record.outage is not None)
    assert cluster(world).unreached == []


def test_a_job_that_is_being_cut_over_stays_and_goes_when_that_is_over(world: World) -> None:
    waits(world, away())
    job = world.job("j")
    job.record = job.record.model_copy(update={"cutover": Cutover.asked(Options())})
    world.run(300)
    assert cluster(world).unreached == []
    job = world.job("j")
    job.record = job.record.model_copy(update={"cutover": None})
    world.until(lambda: cluster(world).owners["j"].node == OTHER)


def test_its_status_says_on_which_nodes_it_was_tried_and_what_each_met_until_the_outage_is_over(world: World) -> None:
    cluster(world).nobody_for = 600.0
    waits(world, away())
    cluster(world).give("j", OTHER)
    world.until(lambda: "j" not in world.supervisor._jobs)
    cluster(world).give("j", away=((OTHER, "target (t): no name"),))
    world.until(lambda: "j" in world.supervisor._jobs)
    world.run(100)
    record = world.stored["j"]
    text = description(record.model_copy(update={"progress": record.shown_progress()}))
    assert "no route from here" in text
    assert text.endswith("; tried on node the-other (other) before: target (t): no name")
    world.script("j").target = "x:1"
    world.script("j").reports = LEVEL * 20
    world.until(lambda: world.stored["j"].outage is None)
    world.run(2)
    assert len(cluster(world).reached + cluster(world).forgotten) == 1, "all may be tried in the next outage"


def test_whoever_pauses_it_while_another_node_is_looked_for_has_it_paused(world: World) -> None:
    waits(world, away())
    cluster(world).nobody_for = 60.0
    keeper = cluster(world).keeper
    assert keeper is not None
    answers = keeper.on_ReachElsewhere
    keeper.on_ReachElsewhere = lambda message: world.at(5.0, lambda: answers(message))  # type: ignore[method-assign]
    world.until(lambda: world.job("j").hold.gave_up, 120)
    assert isinstance(world.ask(PauseJob("j")), Accepted)
    world.reaches("j", "paused")
    world.run(300)
    assert world.stage("j") == "paused" and cluster(world).owners["j"].node == HERE


def test_a_keeper_that_dies_before_it_answers_is_asked_again_by_the_next(world: World) -> None:
    waits(world, away())
    keeper = cluster(world).keeper
    assert keeper is not None
    keeper.on_ReachElsewhere = lambda message: None  # type: ignore[method-assign]
    world.until(lambda: world.job("j").hold.gave_up, 120)
    world.kill(keeper)
    world.until(lambda: cluster(world).owners["j"].node == OTHER, 120)
