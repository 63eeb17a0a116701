"""A run begins by a write that only the owner can make, whatever becomes of the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from udup.cluster.begins import Begins, Copy, NotOurs
from udup.cluster.limits import Limits
from udup.cluster.owners import Owner, Owners, key_of
from udup.cluster.ports import Change, LostRace, News, StoreAway

QUICK = Limits(retry=0.001, store=0.05)

JOB = "any /job* ID.>"


class Store:
    """A bucket in memory. `answers` are of writes: done, lost (done, and nobody told), away, or late."""

    def __init__(self, *answers: str) -> None:
        self.log: list[tuple[str, bytes | None]] = []
        self.answers = list(answers)
        self.now = 0.0

    def put(self, owner: Owner) -> Change:
        self.log.append((key_of(JOB), owner.encode()))
        return Change(key_of(JOB), owner.encode(), len(self.log))

    async def write(self, key: str, data: bytes | None, last: int) -> int:
        raise AssertionError("it is not asked for this")

    async def rewrite(self, key: str, data: bytes | None, revision: int) -> int:
        if self.answers[:1] != ["away"] and revision != len(self.log):
            raise LostRace
        answer = self.answers.pop(0) if self.answers else "done"
        if answer == "away":
            raise StoreAway("away")
        self.log.append((key, data))
        if answer == "lost":
            await asyncio.sleep(10)
        if answer == "late":
            self.now += 20.0
        return len(self.log)

    async def news(self, after: int, made: str) -> News:
        raise AssertionError("it is not asked for this")

    async def newest(self, key: str) -> Change | None:
        return Change(key, self.log[-1][1], len(self.log))


class Node:
    def __init__(self, store: Store, incarnation: str = "i1") -> None:
        self.owners = Owners()
        self.begins = Begins("a", incarnation, Copy(self.owners, self.take), store, lambda: store.now, QUICK)

    def take(self, change: Change) -> None:
        self.owners.take(change)

    def own(self, change: Change) -> int:
        self.take(change)
        self.begins.told[JOB] = change.seq
        return change.seq


def given(*answers: str, owner: Owner | None = None) -> tuple[Store, Node, int]:
    store = Store(*answers)
    node = Node(store)
    return store, node, node.own(store.put(owner or Owner(node="a", job=JOB)))


def run(call: Coroutine[Any, Any, int | NotOurs]) -> int | NotOurs:
    return asyncio.run(call)


def test_each_run_has_a_higher_number() -> None:
    store, node, token = given()
    first = run(node.begins.begin(JOB, token))
    second = run(node.begins.begin(JOB, token))
    assert isinstance(first, int) and isinstance(second, int)
    assert token < first < second == len(store.log)


def test_a_lost_answer_is_not_a_lost_job_and_the_number_is_of_a_write_that_was_answered() -> None:
    store, node, token = given("lost", "lost", "away", "done")
    number = run(node.begins.begin(JOB, token))
    assert number == len(store.log) == 4


def test_an_answer_that_was_read_after_a_pause_proves_nothing_so_it_is_asked_again() -> None:
    store, node, token = given("late", "done")
    assert run(node.begins.begin(JOB, token)) == len(store.log) == 3


def test_who_has_lost_the_job_without_knowing_begins_no_run() -> None:
    store, node, token = given("away", "done")
    store.put(Owner(node="b", job=JOB, previous="a"))
    found = run(node.begins.begin(JOB, token))
    assert isinstance(found, NotOurs)
    assert found.reason == "node b owns it"
    assert len(store.log) == 2


def test_an_earlier_process_of_this_node_may_have_begun_a_run() -> None:
    store, node, token = given()
    run(node.begins.begin(JOB, token))
    again = Node(store, "i2")
    token = again.own(Change(key_of(JOB), store.log[-1][1], len(store.log)))
    assert run(again.begins.begin(JOB, token)) == 3


def test_a_token_from_before_the_job_went_away_and_came_back_is_refused() -> None:
    store, node, old = given()
    node.take(store.put(Owner(node="b", job=JOB)))
    new = node.own(store.put(Owner(node="a", job=JOB)))
    assert isinstance(run(node.begins.begin(JOB, old)), NotOurs)
    assert run(node.begins.begin(JOB, new)) == 4


def test_a_job_that_is_to_move_is_handed_over_and_not_begun() -> None:
    _, node, token = given(owner=Owner(node="a", job=JOB, to="b"))
    assert isinstance(run(node.begins.begin(JOB, token)), NotOurs)
    assert run(node.begins.hand_over(JOB, token)) == 2
    owner = node.owners.jobs[JOB]
    assert (owner.node, owner.to, owner.previous) == ("b", "", "a")
    assert isinstance(run(node.begins.hand_over(JOB, token)), NotOurs)


def test_a_deleted_job_has_no_owner_even_if_the_answer_is_lost() -> None:
    store, node, token = given("lost")
    assert isinstance(run(node.begins.forget(JOB, token)), NotOurs)
    assert JOB not in node.owners.jobs
    assert store.log[-1][1] is None
