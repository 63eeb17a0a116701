"""Where jobs are placed, and what is told of those that wait."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udup.cluster.guest_words import WIRE
from udup.cluster.placement import Place, Placed, Places, TaskWish, Waits, Wish, place, rebalance


def places(*given: Place) -> Places:
    return {each.node: each for each in given}


A, B, C = Place("a", "A", jobs=2, max=10), Place("b", "B", jobs=1, max=10), Place("c", "C", "dc2", jobs=0, max=10)


def test_the_least_loaded_node_gets_a_job_and_keeps_it() -> None:
    assert place(Wish("j"), places(A, B, C)) == Placed("c")
    assert place(Wish("j"), places(A, B, C), "a") == Placed("a")


def test_among_equals_a_digest_decides_the_same_for_all() -> None:
    equal = [Place(name, max=10) for name in "abc"]
    chosen = {job: place(Wish(job), places(*equal)) for job in map(str, range(300))}
    assert chosen == {job: place(Wish(job), places(*reversed(equal))) for job in chosen}
    counts = Counter(found.node for found in chosen.values() if isinstance(found, Placed))
    assert min(counts.values()) > 60


@pytest.mark.parametrize(
    ("wish", "others", "told"),
    [
        (Wish("j", datacenters=("dc3",)), (A, C), "is in datacenter dc1"),
        (Wish("j", TaskWish(driver="kafka")), (Place("a", drivers=frozenset({"mysql"})),), "has no driver kafka"),
        (Wish("j"), (Place("a", jobs=5, max=5),), "has 5 jobs, and 5 are allowed"),
        (Wish("j"), (Place("a", is_ready=False),), "is not ready"),
        (Wish("j"), (Place("a", is_draining=True),), "is draining"),
        (Wish("j", format=2), (Place("a", format=1),), "is too old for the job's record"),
        (Wish("j"), (Place("a", is_dead=True),), "is down"),
        (Wish("j"), (), "there is no node"),
        (Wish("j", TaskWish(node_id="x")), (A,), "no node has the ID x"),
        (Wish("j", TaskWish(node_name="X")), (A,), "no node is called X"),
    ],
)
def test_a_job_that_nobody_can_carry_waits_and_says_why(wish: Wish, others: tuple[Place, ...], told: str) -> None:
    found = place(wish, places(*others))
    assert isinstance(found, Waits)
    assert told in found.reason
    assert "task Dest" in found.reason


DEAD = Place("a", "A", "dc1", is_dead=True, since="2026-01-01T10:00:00Z")


def test_a_job_that_names_a_node_waits_for_it() -> None:
    found = place(Wish("j", TaskWish(node_id="a")), places(DEAD, B, C), "a")
    assert isinstance(found, Waits)
    assert "node A (a) is down since 2026-01-01T10:00:00Z; the job goes on when it is back, or with Failover" in (
        found.reason
    )
    assert place(Wish("j", TaskWish(node_name="A")), places(DEAD, B, C), "a") == found


def test_with_failover_another_of_the_datacenter_takes_it_and_keeps_it() -> None:
    wish = Wish("j", TaskWish(node_id="a"), failover=True)
    assert place(wish, places(DEAD, B, C), "a") == Placed("b")
    assert place(wish, places(A, B, C), "b") == Placed("b"), "it does not move back by itself"
    assert place(wish, places(A, B, C)) == Placed("a"), "but begins where the document says"
    found = place(wish, places(DEAD, C), "a")
    assert isinstance(found, Waits), "no other datacenter"


def test_a_job_without_a_name_goes_to_another_when_its_node_is_dead() -> None:
    assert place(Wish("j"), places(DEAD, B), "a") == Placed("b")


def test_a_draining_node_keeps_what_may_be_nowhere_else_and_full_copies_until_it_hurries() -> None:
    drains = Place("a", is_draining=True)
    assert place(Wish("j"), places(drains, B), "a") == Placed("b")
    assert place(Wish("j", TaskWish(node_id="a")), places(drains, B), "a") == Placed("a")
    assert place(Wish("j", TaskWish(node_id="a"), failover=True), places(drains, B), "a") == Placed("b")
    assert place(Wish("j", copying=True), places(drains, B), "a") == Placed("a")
    hurries = Place("a", is_draining=True, hurries=True)
    assert place(Wish("j", copying=True), places(hurries, B), "a") == Placed("b")


def test_a_job_that_fails_on_a_node_is_tried_on_another_while_there_is_one() -> None:
    assert place(Wish("j", avoid=frozenset({"a"})), places(A, B), "a") == Placed("b")
    assert place(Wish("j", avoid=frozenset({"a", "b"})), places(A, B), "a") == Placed("a"), "not to and fro"


def test_src_is_where_the_document_says_and_else_beside_dest() -> None:
    assert place(Wish("j", src=TaskWish(node_id="a")), places(A, B, C)) == Placed("a")
    wish = Wish("j", TaskWish(node_id="b"), TaskWish(node_id="c"))
    assert place(wish, places(A, B, C)) == Placed("b", "c")
    found = place(Wish("j", TaskWish(node_id="b"), TaskWish(node_id="a")), places(DEAD, B), "b")
    assert isinstance(found, Waits)
    assert found.node == "b"
    assert found.reason.startswith("task Src: node A (a) is down")
    other_wire = Place("c", wire=(WIRE + 1, WIRE + 2))
    assert isinstance(place(wish, places(B, other_wire)), Waits)


TWO = Wish("j", TaskWish(node_id="b"), TaskWish(node_id="a"), failover=True)


def test_a_source_that_was_taken_stays_and_one_that_was_named_goes_where_the_document_says() -> None:
    d = Place("d", "D", jobs=9, max=10)
    assert place(TWO, places(DEAD, B, d), "b", "a") == Placed("b", "", "id a"), "beside Dest, instead of a"
    for at, source in (("b", ""), ("d", "d")):
        assert place(TWO, places(A, B, d), "b", at, was_taken=True) == Placed("b", source, "id a")
        assert place(TWO, places(A, B, d), "b", at) == Placed("b", "a"), "it was not taken there"
    assert place(TWO, places(A, B, replace(d, is_dead=True)), "b", "d", was_taken=True) == Placed("b", "a")
    assert place(TWO, places(A, B, replace(d, is_draining=True)), "b", "d", was_taken=True) == Placed("b", "a")
    strict = replace(TWO, failover=False)
    assert place(strict, places(A, B, d), "b", "d", was_taken=True) == Placed("b", "a"), "without Failover"
    by_name = replace(TWO, src=TaskWish(node_name="A"))
    assert place(by_name, places(DEAD, B), "b", "a") == Placed("b", "", "name A")


# ---- Balance ----


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 12), min_size=2, max_size=5), st.data())
def test_balance_moves_no_more_than_it_must(counts: list[int], data: st.DataObject) -> None:
    owners = {f"{node}-{job}": str(node) for node, count in enumerate(counts) for job in range(count)}
    wishes = {job: Wish(job, copying=data.draw(st.booleans()) and data.draw(st.booleans())) for job in owners}
    all_places = places(*(Place(str(node), jobs=count, max=100) for node, count in enumerate(counts)))
    moves = rebalance(wishes, owners, all_places)
    assert not any(wishes[move.job].copying for move in moves)
    assert len({move.job for move in moves}) == len(moves), "no job is moved twice"
    after = owners | {move.job: move.to for move in moves}
    assert rebalance(wishes, after, all_places) == ()
    if not any(wish.copying for wish in wishes.values()):
        ends = Counter(after.values())
        assert max(ends.values(), default=0) - min(ends[str(node)] for node in range(len(counts))) <= 1
        fair = sum(counts) // len(counts)
        assert len(moves) <= sum(max(0, count - fair) for count in counts)


def test_pinned_jobs_and_draining_nodes_take_no_part_in_balance() -> None:
    owners = {f"j{n}": "a" for n in range(6)}
    wishes = {job: Wish(job, TaskWish(node_id="a") if job != "j0" else TaskWish()) for job in owners}
    two = places(Place("a", jobs=6, max=10), Place("b", max=10))
    assert [(move.job, move.to) for move in rebalance(wishes, owners, two)] == [("j0", "b")]
    assert rebalance(wishes, owners, places(Place("a", jobs=6, max=10), Place("b", is_draining=True))) == ()
