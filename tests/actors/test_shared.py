"""Tasks of several jobs in one process: each hears what is for it, and one that ends leaves the others alone."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from thespian.actors import ActorExitRequest, WatchMessage

from tests.actors.shells import ScriptedDrivers
from udup.actors.messages import Hello, Introduce, Probe, Probed, StopRun
from udup.actors.shared import EndTask, ExtractorHost, OfTask, OpenHost, ToTask
from udup.base.endpoint import Endpoint
from udup.pipeline.ports import End, Scope
from udup.pipeline.selection.selection import Selection

NOWHERE = End("MySQL", Endpoint("127.0.0.1", 1, "nobody", ""))
SETTINGS: Any = SimpleNamespace(drivers=ScriptedDrivers(), log_level="error", log_format="text", data_dir="d")


class World:
    def __init__(self) -> None:
        self.host: Any = ExtractorHost()
        self.said: list[OfTask] = []
        self.host.send = lambda _to, message: self.said.append(message)
        self.host.configure = lambda *_: None
        self.watched = self.tell(OpenHost(SETTINGS))

    def tell(self, message: object) -> list[int]:
        """Hand a message over; return what the process watches then."""
        watch = self.host.receiveMessage(message, "supervisor")
        self.watched = sorted(watch.filenos)
        return self.watched

    def hear(self, count: int, kind: type) -> list[OfTask]:
        """Let the process hear its tasks until so many messages of a kind were said."""
        end = time.monotonic() + 10
        while len(found := [each for each in self.said if isinstance(each.message, kind)]) < count:
            assert time.monotonic() < end, self.said
            ready, _, _ = select.select(self.watched, [], [], 1)
            self.tell(WatchMessage(ready))
        return found

    def begin(self, *jobs: str) -> None:
        for job_id in jobs:
            self.tell(ToTask(job_id, Introduce(SETTINGS, job_id)))


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.tell(ActorExitRequest())
    for doorbell in made.watched:
        os.close(doorbell)


def test_each_task_answers_for_its_job(world: World) -> None:
    world.begin("a", "b")
    assert len(world.watched) == 2
    assert [(each.role, each.job_id) for each in world.said if isinstance(each.message, Hello)] == [
        ("extractor", "a"),
        ("extractor", "b"),
    ]
    for run, job_id in ((1, "a"), (2, "b")):
        world.tell(ToTask(job_id, Probe(run, NOWHERE, Scope(Selection()))))
    probed = {(each.job_id, each.message.run) for each in world.hear(2, Probed)}  # type: ignore[attr-defined]
    assert probed == {("a", 1), ("b", 2)}


def test_a_task_that_ends_leaves_the_others_alone(world: World) -> None:
    world.begin("a", "b")
    ended = world.watched[0]
    assert world.tell(EndTask("a")) == world.watched and ended not in world.watched
    world.tell(EndTask("never known"))
    world.tell(ToTask("b", Probe(5, NOWHERE, Scope(Selection()))))
    assert [each.job_id for each in world.hear(1, Probed)] == ["b"]
    world.tell(ToTask("b", StopRun(5)))
    world.begin("a")
    assert len(world.watched) == 2


def test_an_error_in_one_task_is_told_of_its_job(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.begin("a", "b")
    monkeypatch.setattr(world.host._tasks["a"], "start_engine", lambda *_: 1 / 0)
    for run, job_id in ((1, "a"), (2, "b")):
        world.tell(ToTask(job_id, Probe(run, NOWHERE, Scope(Selection()))))
    assert [each.job_id for each in world.hear(1, Probed)] == ["b"]
    failures = [(each.job_id, each.message.failure.text) for each in world.said if hasattr(each.message, "failure")]
    assert [job_id for job_id, _ in failures] == ["a"] and "ZeroDivisionError" in failures[0][1]


def test_what_overtakes_an_introduction_waits_for_it(world: World) -> None:
    world.tell(ToTask("a", Probe(1, NOWHERE, Scope(Selection()))))
    assert not world.said
    world.begin("a")
    assert [each.message.run for each in world.hear(1, Probed)] == [1]  # type: ignore[attr-defined]
    assert [type(each.message) for each in world.said] == [Hello, Probed]
