"""A job that is cut over by an engine that asks what a test has it ask."""

from __future__ import annotations

from tests.actors.conftest import running
from tests.actors.small_children import Carrier
from tests.actors.small_world import World
from udup.actors.cutover_messages import StartCutover
from udup.pipeline.cutover.state import Cutover, Options, StepName, StepState

OPTIONS = Options(source_read_only=True, reverse=True)

POSITION = "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5"


def begun(world: World, options: Options = OPTIONS) -> Carrier:
    """A running job whose cut-over has an engine."""
    running(world)
    assert world.ask(StartCutover("j", options)).changed
    return carrier(world)


def carrier(world: World, job: str = "j") -> Carrier:
    world.until(lambda: getattr(world.child_of("cutover", job), "settings", None) is not None)
    found: Carrier = world.child_of("cutover", job)
    return found


def stored(world: World, job: str = "j") -> Cutover:
    found = world.stored[job].cutover
    assert found is not None
    return found


def switched(world: World, cutover: Cutover) -> Cutover:
    return cutover.noted(StepName.END, StepState.DOING, switched_ns=int(world.clock * 1e9), position=POSITION)


def with_way_back(world: World, cutover: Cutover) -> Cutover:
    return switched(world, cutover).with_(way_back="j-back", way_back_incarnation="abc")
