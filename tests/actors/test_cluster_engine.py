"""The bucket of owners is made where it is not there, and its numbers never go back."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from udup.actors.cluster_engine import ClusterEngine
from udup.cluster.beats import Role
from udup.cluster.node_of import NodeOfCluster


class Line:
    def __init__(self) -> None:
        self.made: list[tuple[int, int]] = []

    async def make(self, replicas: int, first: int) -> None:
        self.made.append((replicas, first))


def _made(contact: float | None, last: int, role: Role = Role.MANAGER) -> list[tuple[int, int]]:
    engine = ClusterEngine(NodeOfCluster("n", role, 3, 3 if role.votes else 0), "nats://127.0.0.1:1", lambda _: None)
    keeper: Any = SimpleNamespace(contact=lambda: contact, owners=SimpleNamespace(last=last))
    engine._keeper = keeper
    line: Any = Line()
    asyncio.run(engine._make_bucket(line))
    return list(line.made)


@pytest.mark.parametrize("contact", [None, 5.0])
def test_a_bucket_that_does_not_answer_is_made_unless_it_is_there(contact: float | None) -> None:
    [(replicas, first)] = _made(contact, 0)
    assert replicas == 3 and first > 1_000_000_000_000, "by the clock: behind the runs of a store of before"


def test_its_numbers_begin_behind_all_that_are_known_though_the_clock_went_back() -> None:
    last = 10**15
    assert _made(5.0, last) == [(3, last + 1)]


def test_one_that_answers_is_left_alone_and_an_agent_makes_none() -> None:
    assert _made(0.4, 7) == []
    assert _made(None, 0, Role.AGENT) == []
