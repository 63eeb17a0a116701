"""Sources that another node reads in place of the one that the document names: they stay there."""

from __future__ import annotations

import dataclasses

from msgspec.structs import replace

from tests.cluster.test_coordinator import FAR, Bucket, speaks
from udup.cluster.coordinator import Wanted
from udup.cluster.guest_words import WIRE
from udup.cluster.orders import Drain, drain_key
from udup.cluster.owners import LEADER, NOWHERE, Owner, key_of
from udup.cluster.placement import TaskWish


def _far(bucket: Bucket, here: str, dead: str = "") -> tuple[str, str, int]:
    """Return who owns the job then, where its source is, and how often that was written."""
    bucket.see(here, dead)
    speaks(bucket, WIRE)
    writes = bucket.settle()
    owner = bucket.owners.jobs["j"]
    return owner.node, owner.source, sum(write.key == key_of("j") for write in writes)


def _begin(bucket: Bucket) -> None:
    bucket.put(replace(bucket.owners.jobs["j"], run="1:1"))


def test_a_node_of_the_source_that_comes_and_goes_costs_one_run() -> None:
    bucket = Bucket("abc", [FAR])
    assert _far(bucket, "abc") == ("b", "c", 1)
    _, source, writes = _far(bucket, "ab", "c")
    assert source in ("", "a") and writes == 1
    for _ in range(3):
        _begin(bucket)
        assert _far(bucket, "abc") == ("b", source, 0), "it does not move back by itself"
        assert _far(bucket, "ab", "c") == ("b", source, 0)


def _taken_beside_dest() -> Bucket:
    bucket = Bucket("bc", [FAR])
    _far(bucket, "bc")
    assert _far(bucket, "b", "c") == ("b", "", 1)
    _begin(bucket)
    return bucket


def test_a_source_that_was_taken_beside_dest_stays_there_until_the_document_changes() -> None:
    bucket = _taken_beside_dest()
    assert _far(bucket, "bcd") == ("b", "", 0)
    bucket.wanted = Wanted({"j": dataclasses.replace(FAR, src=TaskWish(node_id="d"))}, 2, {})
    assert _far(bucket, "bcd") == ("b", "d", 1)
    bucket = _taken_beside_dest()
    bucket.wanted = Wanted({"j": dataclasses.replace(FAR, src=FAR.dest)}, 2, {})
    assert _far(bucket, "bc") == ("b", "", 1) and not bucket.owners.jobs["j"].instead
    bucket.wanted = Wanted({"j": FAR}, 3, {})
    assert _far(bucket, "bc") == ("b", "c", 1), "what was taken before another document is forgotten"
    bucket = _taken_beside_dest()
    bucket.wanted = Wanted({"j": dataclasses.replace(FAR, failover=False)}, 2, {})
    assert _far(bucket, "b", "c") == ("b", NOWHERE, 1), "without Failover it is waited for"
    assert _far(bucket, "bc") == ("b", "c", 1)


def test_a_source_that_was_taken_goes_home_with_a_job_that_moves_anyway() -> None:
    bucket = _taken_beside_dest()
    bucket.order(Drain(drains="b"), drain_key("b"))
    assert _far(bucket, "bcd") == ("b", "", 1)
    going = bucket.owners.jobs["j"]
    assert going.to in ("c", "d") and going.instead
    bucket.put(going.given(going.to))
    assert _far(bucket, "bcd")[1] == ("c" if going.to == "d" else "")
    bucket = _taken_beside_dest()
    node, source, _ = _far(bucket, "cd", "b")
    assert node in ("c", "d") and (source or node) == "c"


def test_an_older_node_reads_and_drops_that_a_source_was_taken_and_no_run_begins_for_that() -> None:
    bucket = Bucket("ab", [FAR])
    bucket.put(Owner(node="a"), LEADER)
    bucket.put(Owner(node="b", job="j", run="1:1"))
    source = _far(bucket, "b", "c")[1]
    assert (source, _far(bucket, "b", "c")[2]) == ("", 0)
    assert _far(bucket, "bc") == ("b", "c", 1), "nothing says that it was taken"
