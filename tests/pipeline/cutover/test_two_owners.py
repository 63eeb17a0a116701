"""A node that stands still in a cut-over, and goes on when another carries the job, changes nothing any more."""

from __future__ import annotations

from typing import Any

import pytest

from tests.pipeline.cutover.conftest import Make
from tests.pipeline.cutover.small_cutover import ALL, World, assert_cut_over, assert_undone
from udup.base.errors import Unavailable
from udup.drivers.fake.server import Writers
from udup.pipeline.cutover.state import Cutover, CutoverState, Options

OLD, NEW, NEWEST = 5, 9, 12


def _servers(world: World) -> tuple[Any, ...]:
    """All that a cut-over changes but counters: one that is too high loses nothing."""
    old, new = world.old, world.new
    return old.writers, dict(old.events), dict(new.events), dict(new.triggers), dict(new.claims), new.writers


def _standing_still(make: Make, meanwhile: Any, options: dict[str, Any] = ALL) -> list[str]:
    """Have an owner stand still at each of its points in turn; return those where it then changed anything."""
    harmed = []
    for point in range(1, 500):
        world = make(**options)
        found: list[Any] = []

        def another(name: str, world: World = world, found: list[Any] = found) -> None:
            meanwhile(world)
            found[:] = [_servers(world), name]

        world.run(number=OLD, stands_at=point, meanwhile=another)
        if not found:
            assert point > 60
            return harmed
        if _servers(world) != found[0]:
            harmed.append(f"{found[1]}: {found[0]} -> {_servers(world)}")
    raise AssertionError("it never ends")


def _undone(world: World) -> None:
    """The next owner undoes it where it can."""
    if world.cutover.switched:
        world.run_to_the_end(NEW)
        return
    world.abort = "somebody wants it"
    world.run_to_the_end(NEW)
    assert_undone(world)


def _carried_on(world: World) -> None:
    world.run_to_the_end(NEW)
    assert_cut_over(world)


def _begun_again(world: World) -> None:
    """It is undone, then somebody asks for another, which the next owner has closed the source for."""
    _undone(world)
    if world.cutover.switched:
        return
    world.abort = ""
    world.cutover = Cutover.asked(Options(source_read_only=True, timeout_s=0.03))
    world.run_to_the_end(NEWEST)
    assert world.cutover.state is CutoverState.DONE and world.old.writers is Writers.NOBODY, world.cutover


@pytest.mark.parametrize("meanwhile", [_undone, _carried_on, _begun_again])
def test_an_owner_that_stood_still_anywhere_changes_nothing_when_it_goes_on(make: Make, meanwhile: Any) -> None:
    assert not _standing_still(make, meanwhile)


def test_what_a_target_that_is_away_keeps_from_being_proven_does_not_keep_the_source_closed(make: Make) -> None:
    point = _point_of(make, "after source_gate.close")
    world = make(source_read_only=True)
    assert not world.run(point, number=OLD)
    assert world.old.writers is Writers.NOBODY
    world.abort = "somebody wants it"
    world.points.fails["target_gate.enter"] = [Unavailable("omega is away") for _ in range(500)]
    world.run_to_the_end(NEW)
    assert world.old.writers is Writers.ALL and world.cutover.state is CutoverState.UNDONE


def _point_of(make: Make, name: str) -> int:
    world = make(source_read_only=True)
    world.run_to_the_end(OLD)
    return world.points.names.index(name) + 1


def test_without_a_cluster_nothing_is_noted(make: Make) -> None:
    world = make(**ALL)
    world.run_to_the_end()
    assert not world.new.jobs.numbers and not any("end_others" in each for each in world.points.names)
