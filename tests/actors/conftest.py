"""The real supervisor in virtual time, with a job or two."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.actors.growing import tables_of, with_targets
from tests.actors.small_cluster import ClusterState
from tests.actors.small_world import World, small_world
from udup.actors.messages import (
    Accepted,
    RegisterJob,
)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[World]:
    with small_world(monkeypatch, tmp_path) as made:
        yield made


@pytest.fixture
def clustered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[World]:
    """A node among others."""
    with small_world(monkeypatch, tmp_path, clustered=True) as made:
        made.run(1)
        yield made


def cluster_of(world: World) -> ClusterState:
    assert world.cluster is not None
    return world.cluster


def post(world: World, job_id: str = "j", kind: str = "synchronous", **config: object) -> Accepted:
    answer = world.ask(RegisterJob(world.document(job_id, kind, **config), None))
    assert isinstance(answer, Accepted), answer
    return answer


def running(world: World, job_id: str = "j", **config: object) -> None:
    post(world, job_id, **config)
    world.reaches(job_id, "running")


@pytest.fixture
def grown(world: World) -> World:
    """A job of two tables follows its source, and its target keeps which tables each job has."""
    with_targets(world)
    running(world, ReplicateDoDb=tables_of("a", "b"))
    world.until(lambda: world.job("j").progress.is_level)
    return world
