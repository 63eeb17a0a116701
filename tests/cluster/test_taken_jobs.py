"""Jobs that a node has taken in place of the one that the document names: they stay there until it names another."""

from __future__ import annotations

import dataclasses

from msgspec.structs import replace

from tests.cluster.test_coordinator import Bucket, speaks
from udup.cluster.coordinator import Wanted
from udup.cluster.guest_words import WIRE
from udup.cluster.orders import Drain, drain_key
from udup.cluster.owners import LEADER, Owner
from udup.cluster.placement import TaskWish, Wish

PINNED = Wish("j", TaskWish(node_id="b"), TaskWish(node_id="b"), failover=True)


def _names(node: str) -> Wish:
    return dataclasses.replace(PINNED, dest=TaskWish(node_id=node), src=TaskWish(node_id=node))


def _at(bucket: Bucket, here: str, dead: str = "") -> tuple[str, str]:
    """Return who owns the job, and who is to get it."""
    bucket.see(here, dead)
    speaks(bucket, WIRE)
    bucket.settle()
    owner = bucket.owners.jobs["j"]
    return owner.node, owner.to


def _handed_over(bucket: Bucket) -> None:
    owner = bucket.owners.jobs["j"]
    bucket.put(replace(owner.given(owner.to), run="1:1"))


def test_a_document_that_names_another_node_moves_the_job_there() -> None:
    bucket = Bucket("abc", [PINNED])
    assert _at(bucket, "abc") == ("b", "")
    bucket.wanted = Wanted({"j": _names("c")}, 2, {})
    assert _at(bucket, "abc") == ("b", "c")
    _handed_over(bucket)
    assert _at(bucket, "abc") == ("c", "")


def test_one_that_was_taken_goes_where_another_document_says_and_back_by_none() -> None:
    bucket = Bucket("abc", [PINNED])
    _at(bucket, "abc")
    taken, _ = _at(bucket, "ac", "b")
    assert taken in "ac"
    bucket.put(replace(bucket.owners.jobs["j"], run="1:1"))
    assert _at(bucket, "abc") == (taken, ""), "it does not move back by itself"
    other = "c" if taken == "a" else "a"
    bucket.wanted = Wanted({"j": _names(other)}, 2, {})
    assert _at(bucket, "abc") == (taken, other)


def test_one_that_is_named_and_away_is_not_waited_for() -> None:
    bucket = Bucket("abc", [PINNED])
    _at(bucket, "abc")
    bucket.wanted = Wanted({"j": _names("c")}, 2, {})
    assert _at(bucket, "ab", "c") == ("b", "")
    assert _at(bucket, "abc") == ("b", "c")


def test_one_that_was_given_up_by_a_draining_node_does_not_come_back_by_itself() -> None:
    bucket = Bucket("abc", [PINNED])
    _at(bucket, "abc")
    bucket.order(Drain(drains="b"), drain_key("b"))
    _, to = _at(bucket, "abc")
    assert to in ("a", "c")
    _handed_over(bucket)
    bucket.order(None, drain_key("b"))
    assert _at(bucket, "abc") == (to, "")


def test_one_that_an_older_node_has_taken_goes_back_once() -> None:
    bucket = Bucket("abc", [PINNED])
    bucket.put(Owner(node="a"), LEADER)
    bucket.put(Owner(node="c", job="j", run="1:1", why="node b is down"))
    assert _at(bucket, "abc") == ("c", "b")
