"""A job of two tables that follows its source, in a small world whose target keeps which tables each job has."""

from __future__ import annotations

from typing import Any

from tests.actors.small_targets import Checkpoints
from tests.actors.small_world import World
from udup.base.errors import Failure, FailureKind
from udup.jobs.growth import GrowthState

SIDE = "j tables"
REPORTS: tuple[dict[str, Any], ...] = (
    {"stage": "copying"},
    {"stage": "catching_up", "applied_gtid": "u:1-5"},
    {"stage": "running", "level": True},
)

#: What lives of a job that runs alone.
TASKS = [("applier", "j"), ("extractor", "j")]


def tables_of(*names: str) -> list[dict[str, Any]]:
    return [{"TableSchema": "s", "Tables": [{"TableName": each} for each in names]}]


def with_targets(world: World) -> World:
    world.checkpoints = Checkpoints(world)
    for job in ("j", SIDE):
        world.script(job).reports = REPORTS
    return world


def checkpoints_of(world: World) -> Checkpoints:
    assert world.checkpoints is not None
    return world.checkpoints


def digest_of(world: World) -> str:
    return str(world.stored["j"].spec().selection().digest)


def settled(world: World) -> bool:
    """Whether there is one job again, of which the target has all that its document chooses."""
    if list(world.stored) != ["j"] or world.stored["j"].growth is not None or world.living != TASKS:
        return False
    return checkpoints_of(world).of == {"j": digest_of(world)} and world.stage("j") == "running"


def state_of(world: World) -> GrowthState | None:
    growth = world.stored["j"].growth
    return None if growth is None else growth.state


def stops(world: World) -> None:
    """The target contradicts the source, at a row of `b`."""
    applier = world.child_of("applier", "j")
    failure = Failure(FailureKind.DIVERGENCE, "u:6: no such row in s.b", table="s.b")
    applier.end(world.job("j").run.number, failure)
    world.reaches("j", "failed")
