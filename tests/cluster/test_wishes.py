"""What the coordinator reads of a stored record."""

from __future__ import annotations

import json
from typing import Any

import pytest

from udup.cluster.beats import Beat, Hearing, Role
from udup.cluster.coordinator import KnownNode
from udup.cluster.limits import Limits
from udup.cluster.nodes_kept import NodeRecord, node_key
from udup.cluster.owners import Owner, Owners, key_of
from udup.cluster.placement import TaskWish
from udup.cluster.ports import Change, News
from udup.cluster.wishes import Wishes, wish_of
from udup.jobs import JobRecord, Stage

_SRC, _DEST = {"Type": "Src", "Driver": "MySQL"}, {"Type": "Dest", "Driver": "MySQL"}

KEY = "0123456789abcdef"


def _stored(job: str = "a", document: dict[str, Any] | None = None, **more: Any) -> bytes:
    return JobRecord(id=job, document=document or {"Tasks": [_SRC, _DEST]}, **more).to_json()


def test_a_document_says_where_its_job_may_be_in_any_spelling() -> None:
    tasks = [{**_SRC, "NodeID": "n"}, {**_DEST, "nodeid": "n"}]
    wish = wish_of(_stored(document={"tasks": tasks, "datacenters": ["east"], "failover": True}))
    assert wish is not None and wish.datacenters == ("east",) and wish.failover
    assert wish.src == wish.dest == TaskWish("n", "", "MySQL") and not wish.copying


@pytest.mark.parametrize("key", ["NodeId", "NodeName"])
def test_a_node_that_one_task_names_is_meant_for_both(key: str) -> None:
    for tasks in ([{**_SRC, key: "n"}, _DEST], [_SRC, {**_DEST, key: "n"}]):
        wish = wish_of(_stored(document={"Tasks": tasks}))
        assert wish is not None and wish.src == wish.dest and wish.dest.is_pinned


def test_two_nodes_are_left_apart_and_a_copy_is_seen() -> None:
    wish = wish_of(_stored(document={"Tasks": [{**_SRC, "NodeId": "m"}, {**_DEST, "NodeId": "n"}]}))
    assert wish is not None and (wish.src.node_id, wish.dest.node_id) == ("m", "n")
    copying = wish_of(_stored(stage=Stage.COPYING))
    assert copying is not None and copying.copying


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"id": 1}', b"\xff"])
def test_what_is_no_record_is_no_wish(data: bytes) -> None:
    assert wish_of(data) is None


def test_nothing_is_wanted_before_the_store_is_whole_and_what_is_removed_shall_be_nobodys() -> None:
    owners, wishes = Owners(), Wishes(3.0)
    owners.take_news(News("m", 1, (Change(key_of("gone"), Owner(node="n", job="gone").encode(), 1),)))
    wishes.take({KEY: _stored()}, owners)
    assert wishes.wanted is None
    values = {KEY: _stored(), "complete": b"{}", "gone": json.dumps([]).encode()}
    wishes.take(values, owners)
    first = wishes.wanted
    assert first is not None and {job: wish.ended for job, wish in first.wishes.items()} == {"a": False, "gone": True}
    wishes.take(dict(values), owners)
    assert wishes.wanted is first, "nothing has changed"
    wishes.take({**values, KEY: _stored(document={"Failover": True})}, owners)
    assert wishes.wanted is not None and wishes.wanted.version > first.version


def test_a_node_that_falls_silent_is_known_and_since_when() -> None:
    owners, wishes, hearing = Owners(), Wishes(3.0), Hearing("me", Role.MANAGER, 3, Limits(), 0.0)
    wishes.take({"complete": b"{}"}, owners)
    hearing.hear(Beat(node="n", incarnation="i", number=1, name="north"), 0.0)
    wishes.hear(hearing, 1.0, 1001.0)
    assert wishes.wanted is not None and wishes.wanted.nodes["n"].since == ""
    version = wishes.wanted.version
    for now in (4.0, 5.0):
        wishes.hear(hearing, now, 1000.0 + now)
        node = wishes.wanted.nodes["n"]
        assert (node.name, node.since) == ("north", "1970-01-01T00:16:40Z")
    assert wishes.wanted.version == version + 1


def test_a_node_that_never_came_back_is_known_by_its_record_until_that_is_removed() -> None:
    wishes, owners, hearing = Wishes(3.0), Owners(), Hearing("n0", Role.MANAGER, 1, Limits(), 0.0)
    owners.take_news(News("one", 0, ()))
    records = [NodeRecord(known="n1", name="east-1", datacenter="east"), NodeRecord(known="n2", removed=True)]
    for seq, each in enumerate(records, 1):
        owners.take(Change(node_key(each.known), each.encode(), seq))
    for _ in range(2):
        wishes.take({"complete": b"{}"}, owners)
        wishes.hear(hearing, 9.0, 1000.0)
    assert wishes.wanted is not None
    assert wishes.wanted.nodes == {"n1": KnownNode("n1", "east-1", "east")}
    hearing.hear(Beat(node="n1", incarnation="1", number=1), 9.0)
    owners.take(Change(node_key("n1"), None, 3))
    wishes.take({"complete": b"{}"}, owners)
    wishes.hear(hearing, 10.0, 1000.0)
    assert set(wishes.wanted.nodes) == {"n1"}, "it is here"
    wishes.hear(hearing, 20.0, 1010.0)
    assert not wishes.wanted.nodes


def test_a_job_whose_key_was_removed_is_not_placed_by_what_was_read_before() -> None:
    owners, wishes = Owners(), Wishes(3.0)
    values = {KEY: _stored(), "complete": b"{}"}
    wishes.take(values, owners)
    wishes.removed(key_of("another"))
    assert wishes.wanted is not None and set(wishes.wanted.wishes) == {"a"}
    before = wishes.wanted.version
    wishes.removed(key_of("a"))
    assert not wishes.wanted.wishes and wishes.wanted.version > before
    wishes.take(values, owners)  # it was posted again
    assert set(wishes.wanted.wishes) == {"a"}
