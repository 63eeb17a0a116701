"""Workers of a job: made when its DestApplier wants them, ended when it does not, and by the end of the run."""

from __future__ import annotations

from typing import Any

from tests.actors.conftest import running
from tests.actors.small_world import World
from udup.actors.messages import Actors, ListActors, PauseJob
from udup.pipeline.apply.crew import Seat


def _wants(world: World, *seats: Seat) -> None:
    world.child_of("applier", "j").wants(*seats)
    world.run(0.1)


def _workers(world: World) -> dict[int, Any]:
    return {child.slot: child for child in world.children if child.alive and child.role == "worker"}


def test_workers_are_made_when_they_are_wanted_and_told_whose_they_are(world: World) -> None:
    running(world)
    assert not _workers(world)
    _wants(world, Seat(1, 1), Seat(3, 2))
    run = world.runs["j"][-1]
    told = [(work.settings.job, work.run, work.settings.slot, work.settings.number) for work in world.works]
    assert sorted(told) == [("j", run, 1, 1), ("j", run, 3, 2)] and set(_workers(world)) == {1, 3}
    before = _workers(world)
    _wants(world, Seat(1, 1), Seat(3, 2))
    assert _workers(world) == before and len(world.works) == 2, "the same again changes nothing"
    _wants(world, Seat(3, 5))
    assert set(_workers(world)) == {3} and _workers(world)[3] is not before[3]
    listed = world.ask(ListActors())  # type: ignore[arg-type]
    assert isinstance(listed, Actors)
    assert [(place.slot, place.restarts) for place in listed.actors if place.role == "worker"] == [(3, 0)]


def test_a_worker_that_dies_is_told_to_its_applier_and_the_next_run_has_none_of_them(world: World) -> None:
    running(world)
    _wants(world, Seat(1, 1), Seat(2, 2))
    world.kill(_workers(world)[2])
    world.until(lambda: len(world.runs["j"]) == 2)
    [failed] = world.failed_workers
    assert failed.died and failed.failure.text == "ApplyWorker 2 died" and failed.run == world.runs["j"][0]
    world.reaches("j", "running")
    assert not _workers(world)
    _wants(world, Seat(2, 1))
    assert set(_workers(world)) == {2} and world.works[-1].run == world.runs["j"][1]


def test_what_an_applier_of_a_run_before_wants_is_not_made(world: World) -> None:
    running(world)
    world.kill(world.child_of("extractor", "j"))
    world.until(lambda: len(world.runs["j"]) == 2)
    stale = world.child_of("applier", "j")
    stale.run = world.runs["j"][0]
    _wants(world, Seat(1, 1))
    assert not _workers(world)


def test_a_job_that_is_paused_has_no_worker_left(world: World) -> None:
    running(world)
    running(world, "other")
    _wants(world, Seat(1, 1))
    world.child_of("applier", "other").wants(Seat(1, 1))
    world.run(0.1)
    world.ask(PauseJob("j"))
    world.reaches("j", "paused")
    world.run(1)
    assert [child.job_id for child in world.children if child.alive and child.role == "worker"] == ["other"]
