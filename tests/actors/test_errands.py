"""A wish on its way to the node that owns the job: asked for once more by the same ID, and never of two nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from types import SimpleNamespace
from typing import Any

import pytest

from tests.pipeline.virtual_loop import run_virtually
from udup.actors.cluster_engine import ClusterEngine
from udup.actors.keeper_told import Routed
from udup.cluster.asking import Answer, Ask
from udup.cluster.beats import Role
from udup.cluster.node_of import NodeOfCluster
from udup.cluster.owners import Owner
from udup.cluster.ports import StoreAway

DONE = Answer(kind="Accepted", body={"index": 1})


class Line:
    """`answers` are those of the nodes that are asked, one after the other; None: nobody is there; "": none comes."""

    def __init__(self, *answers: Answer | str | None) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, Ask]] = []
        self.then: dict[int, Any] = {}

    async def ask(self, subject: str, data: bytes, seconds: float) -> bytes | None:
        ask = Ask.decode(data)
        assert ask is not None
        self.asked.append((subject.split(".")[2], ask))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer == "":
            await asyncio.sleep(seconds)
            self.then.pop(len(self.asked), lambda: None)()
            raise StoreAway("another node did not answer")
        return None if answer is None else answer.encode()  # type: ignore[union-attr]


Route = Callable[..., Routed]


@pytest.fixture
def routed(monkeypatch: pytest.MonkeyPatch) -> Route:
    return lambda *what, **how: _routed(monkeypatch, *what, **how)


def _routed(
    monkeypatch: pytest.MonkeyPatch,
    line: Line,
    owners: dict[str, Owner],
    seconds: float = 7.0,
    dead: Collection[str] = (),
) -> Routed:
    told: list[Any] = []
    engine = ClusterEngine(NodeOfCluster("me", Role.MANAGER, 3, 3), "", told.append)
    engine._line = line  # type: ignore[assignment]
    engine._keeper = SimpleNamespace(  # type: ignore[assignment]
        owners=SimpleNamespace(is_complete=True, jobs=owners),
        hearing=SimpleNamespace(hears=lambda node, _now: node not in dead),
        judgement=lambda: SimpleNamespace(dead=dead),
    )
    ask = Ask(kind="PauseJob", job="a", body={}, id="the-wish")
    run_virtually(lambda _loop: engine._route(1, ask, seconds), monkeypatch)
    assert len(told) == 1
    return told[0]  # type: ignore[no-any-return]


def test_a_wish_without_answer_is_asked_for_again_by_its_id(routed: Route) -> None:
    line = Line("", "", DONE)
    assert routed(line, {"a": Owner(node="x")}) == Routed(1, DONE, node="x")
    assert {(node, ask.id) for node, ask in line.asked} == {("x", "the-wish")} and len(line.asked) == 3
    ages = [ask.age for _, ask in line.asked]
    assert ages[0] == 0 and ages == sorted(ages) and ages[2] == pytest.approx(4.4)


@pytest.mark.parametrize(("seconds", "at_least"), [(7.0, 3), (24.0, 8)])
def test_an_owner_that_never_answers_is_named_in_time(routed: Route, seconds: float, at_least: int) -> None:
    line = Line("")
    found = routed(line, {"a": Owner(node="x")}, seconds)
    assert "x" in found.failed and "may have heard" in found.failed and len(line.asked) >= at_least
    assert line.asked[-1][1].age < seconds


def test_another_owner_is_not_asked_for_what_the_first_may_have_done(routed: Route) -> None:
    owners = {"a": Owner(node="x")}
    line = Line("", DONE)
    line.then[1] = lambda: owners.update(a=Owner(node="y"))
    found = routed(line, owners)
    assert "node x" in found.failed and "may have heard" in found.failed and len(line.asked) == 1


def test_another_owner_is_asked_where_the_first_has_done_nothing(routed: Route) -> None:
    owners = {"a": Owner(node="x")}
    line = Line("", Answer(not_owner=True), DONE)
    assert routed(line, owners) == Routed(1, DONE, node="x")
    line = Line(None, None, DONE)
    assert routed(line, owners) == Routed(1, DONE, node="x"), "nobody was there"


def test_a_job_of_a_dead_node_is_nobodys_unless_that_may_have_heard_the_wish(routed: Route) -> None:
    owners = {"a": Owner(node="x")}
    assert routed(Line(DONE), owners, dead=frozenset({"x"})) == Routed(1, node="x")
    line = Line("")
    dead: set[str] = set()
    line.then[1] = lambda: dead.add("x")
    assert "may have heard" in routed(line, owners, dead=dead).failed
