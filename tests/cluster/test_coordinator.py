"""What the coordinator writes: one change at a time, and none without need."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter

import msgspec
import pytest
from msgspec.structs import replace

from udup.cluster.beats import Beat, Judgement, Role
from udup.cluster.coordinator import Coordinator, KnownNode, Wanted, Write
from udup.cluster.guest_words import WIRE
from udup.cluster.limits import Limits
from udup.cluster.nodes_kept import NodeRecord, node_key
from udup.cluster.orders import MOVES, Drain, Moves, drain_key
from udup.cluster.owners import LEADER, NOWHERE, Owner, Owners, key_of
from udup.cluster.placement import TaskWish, Wish
from udup.cluster.ports import Change, News


class Bucket:
    """A coordinator with its copy of the bucket, whose writes all come first."""

    def __init__(self, nodes: str, wishes: list[Wish], **draining: bool) -> None:
        self.owners = Owners()
        self.owners.take_news(News("one", 0, ()))
        self.coordinator = Coordinator("a", Role.MANAGER, self.owners, Limits())
        self.wanted = Wanted({wish.job: wish for wish in wishes}, 1, {})
        self.writes: list[Write] = []
        self.see(nodes, **draining)

    def see(self, here: str, dead: str = "", **draining: bool) -> None:
        beats = {
            node: Beat(node=node, incarnation="1", number=1, max=10_000, draining=draining.get(node, False))
            for node in here
        }
        self.judgement = Judgement(beats, frozenset(dead))

    def put(self, owner: Owner, key: str = "") -> None:
        self.owners.take(Change(key or key_of(owner.job), owner.encode(), self.owners.last + 1))

    def order(self, order: Drain | Moves | None, key: str) -> None:
        self.owners.take(Change(key, order.encode() if order else None, self.owners.last + 1))

    def settle(self) -> list[Write]:
        """Write until there is nothing more to write; return it, but for the records of nodes."""
        done: list[Write] = []
        while write := self.coordinator.decide(self.judgement, self.wanted):
            layout = self.owners.layout
            self.owners.take(Change(write.key, write.encode(), self.owners.last + 1))
            self.coordinator.written(write, layout)
            if not isinstance(write.order, NodeRecord):
                done.append(write)
        return done

    def counts(self) -> Counter[str]:
        return Counter(owner.node for owner in self.owners.jobs.values())


def jobs(count: int) -> list[Wish]:
    return [Wish(f"job{number}") for number in range(count)]


def _to(writes: list[Write]) -> int:
    """Return how many jobs begin to move."""
    return sum(bool(write.owner and write.owner.to) for write in writes)


def test_leadership_comes_first_and_then_every_job_is_spread() -> None:
    bucket = Bucket("abc", jobs(9))
    writes = bucket.settle()
    assert writes[0].key == LEADER
    assert bucket.counts() == {"a": 3, "b": 3, "c": 3}
    assert bucket.settle() == []


def test_a_fading_node_keeps_its_jobs_and_is_given_none_of_one_that_died_before_it() -> None:
    bucket = Bucket("abc", jobs(9))
    bucket.settle()
    bucket.see("ab", "c")
    bucket.judgement = dataclasses.replace(bucket.judgement, fading=frozenset("b"))
    bucket.settle()
    assert bucket.counts() == {"a": 6, "b": 3}
    bucket.see("ab", "c")
    assert bucket.settle() == [], "nothing moves by itself"


def test_a_job_that_a_fading_node_alone_could_carry_waits_until_that_is_heard_again() -> None:
    bucket = Bucket("ab", [Wish("job", dest=TaskWish(node_id="b"))])
    bucket.judgement = dataclasses.replace(bucket.judgement, fading=frozenset("b"))
    assert [each.key for each in bucket.settle()] == [LEADER]
    assert "is not ready" in bucket.coordinator.reason("job", bucket.judgement, bucket.wanted)
    bucket.judgement = dataclasses.replace(bucket.judgement, fading=frozenset())
    bucket.settle()
    assert bucket.counts() == {"b": 1}


def test_only_the_leader_places_and_a_dead_one_is_followed() -> None:
    bucket = Bucket("abc", jobs(3))
    bucket.put(Owner(node="b"), LEADER)
    assert bucket.settle() == []
    bucket.see("ac", "b")
    assert bucket.settle()[0].key == LEADER
    assert bucket.owners.leader == "a"


def test_a_leader_that_hangs_gives_its_own_jobs_away_and_does_not_fight_for_the_lead() -> None:
    bucket = Bucket("abc", jobs(6))
    bucket.settle()
    bucket.see("bc", "a")
    writes = bucket.settle()
    assert [write.taken_from for write in writes] == ["a", "a"]
    assert bucket.counts() == {"b": 3, "c": 3} and bucket.owners.leader == "a"


def test_before_the_bucket_was_read_nothing_is_decided_and_before_the_wishes_are_known_nothing_placed() -> None:
    bucket = Bucket("ab", jobs(2))
    bucket.owners.is_complete = False
    assert bucket.coordinator.decide(bucket.judgement, bucket.wanted) is None
    bucket.owners.is_complete = True
    assert bucket.coordinator.decide(bucket.judgement, None) is not None
    bucket.settle()
    assert bucket.coordinator.decide(bucket.judgement, None) is None


def test_the_jobs_of_a_dead_node_are_shared_out_and_no_other_moves() -> None:
    bucket = Bucket("abc", jobs(12))
    bucket.settle()
    before = {job: owner.node for job, owner in bucket.owners.jobs.items()}
    bucket.see("ab", "c")
    writes = bucket.settle()
    assert {write.taken_from for write in writes} == {"c"}
    assert bucket.counts() == {"a": 6, "b": 6}
    assert all(bucket.owners.jobs[job].node == node for job, node in before.items() if node != "c")
    assert all(write.owner and (write.owner.previous, write.owner.why) == ("c", "node c is down") for write in writes)
    bucket.see("abc")
    assert bucket.settle() == [], "it comes back, and nothing moves back"


def test_a_node_in_doubt_keeps_its_jobs() -> None:
    bucket = Bucket("abc", jobs(6))
    bucket.settle()
    bucket.see("ab")
    assert bucket.settle() == []


def test_a_draining_node_gives_up_its_jobs_some_at_a_time() -> None:
    bucket = Bucket("ab", [*jobs(30), Wish("pinned", TaskWish(node_id="a"))])
    bucket.settle()
    mine = sum(owner.node == "a" for owner in bucket.owners.jobs.values())
    bucket.see("ab", a=True)
    writes = bucket.settle()
    assert len(writes) == Limits().drain_moves
    assert all(write.owner and (write.owner.node, write.owner.to) == ("a", "b") for write in writes)
    while going := [owner for owner in bucket.owners.jobs.values() if owner.to]:
        bucket.put(Owner(node="b", job=going[0].job, previous="a"))
        bucket.settle()
        assert sum(bool(owner.to) for owner in bucket.owners.jobs.values()) <= Limits().drain_moves
    assert bucket.counts() == {"a": 1, "b": 30}
    assert mine == 16
    assert bucket.owners.jobs["pinned"].node == "a"


def test_a_job_on_its_way_goes_elsewhere_when_its_next_node_dies_and_there_when_its_owner_does() -> None:
    bucket = Bucket("abc", jobs(1), a=True)
    bucket.put(Owner(node="a"), LEADER)
    bucket.put(Owner(node="a", job="job0", to="b"))
    assert bucket.settle() == []
    bucket.see("ac", "b", a=True)
    bucket.settle()
    assert bucket.owners.jobs["job0"].to == "c"
    bucket.put(Owner(node="b", job="job0", to="c"))
    bucket.see("ac", "b")
    bucket.settle()
    assert (bucket.owners.jobs["job0"].node, bucket.owners.jobs["job0"].to) == ("c", "")


def test_moves_for_balance_are_made_two_at_a_time() -> None:
    bucket = Bucket("a", jobs(6))
    bucket.settle()
    bucket.see("ab")
    assert bucket.settle() == []
    bucket.order(Moves(moves={f"job{number}": "b" for number in range(3)}), MOVES)
    assert _to(bucket.settle()) == 2
    for job in [job for job, owner in bucket.owners.jobs.items() if owner.to]:
        bucket.put(Owner(node="b", job=job, previous="a"))
    assert _to(bucket.settle()) == 1
    for job in [job for job, owner in bucket.owners.jobs.items() if owner.to]:
        bucket.put(Owner(node="b", job=job, previous="a"))
    assert _to(bucket.settle()) == 0
    assert bucket.owners.orders.moves == {}
    assert bucket.counts() == {"a": 3, "b": 3}


def test_a_deleted_job_is_removed_by_the_coordinator_only_if_its_owner_is_dead() -> None:
    bucket = Bucket("ab", jobs(1))
    bucket.settle()
    node = bucket.owners.jobs["job0"].node
    bucket.wanted = Wanted({"job0": Wish("job0", ended=True)}, 2, {})
    assert bucket.settle() == []
    bucket.put(Owner(node="c", job="job0"))
    bucket.see("ab", "c")
    assert [write.owner for write in bucket.settle()] == [None]
    assert node
    assert bucket.owners.jobs == {}


def test_in_a_new_bucket_everybody_gets_what_they_had() -> None:
    bucket = Bucket("abc", jobs(9))
    bucket.settle()
    before = {job: owner.node for job, owner in bucket.owners.jobs.items()}
    bucket.owners.take_news(News("two", 40, ()))
    bucket.settle()
    assert {job: owner.node for job, owner in bucket.owners.jobs.items()} == before
    assert min(bucket.owners.revisions.values()) > 40


def test_why_a_job_waits_is_the_same_on_every_node() -> None:
    bucket = Bucket("ab", [Wish("j", TaskWish(node_id="c"))])
    bucket.wanted = Wanted(bucket.wanted.wishes, 1, {"c": KnownNode("c", "C", "dc1", "10:00")})
    bucket.see("ab", "c")
    bucket.settle()
    follower = Coordinator("b", Role.MANAGER, bucket.owners, Limits())
    for each in (bucket.coordinator, follower):
        assert "node C (c) is down since 10:00" in each.reason("j", bucket.judgement, bucket.wanted)
    bucket.see("abc")
    bucket.settle()
    assert bucket.coordinator.reason("j", bucket.judgement, bucket.wanted) == ""


def test_a_thousand_jobs_are_taken_over_in_little_time() -> None:
    bucket = Bucket("abcde", jobs(1000))
    bucket.settle()
    bucket.see("abcd", "e")
    began = time.process_time()
    assert len(bucket.settle()) == 200
    assert time.process_time() - began < 2.0


def test_a_node_drains_by_order_for_every_coordinator_until_the_order_is_taken_back() -> None:
    bucket = Bucket("ab", jobs(4))
    bucket.settle()
    bucket.order(Drain(drains="a"), drain_key("a"))
    assert {write.owner.to for write in bucket.settle() if write.owner} == {"b"}
    for job in [job for job, owner in bucket.owners.jobs.items() if owner.to]:
        bucket.put(Owner(node="b", job=job, previous="a"))
    assert bucket.settle() == [] and bucket.counts() == {"b": 4}
    bucket.put(Owner(node="b"), LEADER)
    bucket.coordinator = Coordinator("b", Role.MANAGER, bucket.owners, Limits())
    bucket.wanted = Wanted({wish.job: wish for wish in jobs(6)}, 2, {})
    bucket.settle()
    assert bucket.counts() == {"b": 6}, "another coordinator gives it nothing either"
    bucket.order(None, drain_key("a"))
    bucket.wanted = Wanted({wish.job: wish for wish in jobs(7)}, 3, {})
    bucket.settle()
    assert bucket.counts() == {"b": 6, "a": 1}, "it is given new ones, and none moves back"


def test_a_job_in_a_full_copy_leaves_a_node_that_drains_behind_its_copy_or_at_the_deadline() -> None:
    bucket = Bucket("ab", [Wish("j")])
    bucket.put(Owner(node="a"), LEADER)
    bucket.put(Owner(node="a", job="j"))
    copies = {"j": Wish("j", copying=True)}
    bucket.wanted = Wanted(copies, 2, {})
    bucket.order(Drain(drains="a", hurry_at=5.0), drain_key("a"))
    assert bucket.settle() == []
    bucket.wanted = Wanted(copies, 3, {}, hurried=frozenset("a"))
    assert [write.owner and write.owner.to for write in bucket.settle()] == ["b"]


def test_a_bucket_that_was_lost_gets_its_drains_again() -> None:
    bucket = Bucket("ab", jobs(2))
    bucket.order(Drain(drains="a"), drain_key("a"))
    bucket.settle()
    bucket.owners.take_news(News("two", 40, ()))
    assert drain_key("a") in {write.key for write in bucket.settle()}
    assert not bucket.owners.orders.lost() and bucket.counts() == {"b": 2}


def test_moves_that_cannot_be_are_taken_out_and_those_of_a_node_in_doubt_stand() -> None:
    bucket = Bucket("ab", [*jobs(1), Wish("copies", copying=True), Wish("pinned", TaskWish(node_id="a"))])
    bucket.put(Owner(node="a"), LEADER)
    for job in bucket.wanted.wishes:
        bucket.put(Owner(node="a", job=job))
    bucket.order(Moves(moves=dict.fromkeys([*bucket.wanted.wishes, "gone"], "c")), MOVES)
    bucket.settle()
    assert set(bucket.owners.orders.moves) == {"job0", "copies", "pinned"}, "nobody knows whether c is there"
    bucket.see("abc")
    bucket.settle()
    assert bucket.owners.jobs["job0"].to == "c" and set(bucket.owners.orders.moves) == {"job0"}
    bucket.put(Owner(node="c", job="job0", previous="a"))
    bucket.settle()
    assert bucket.owners.orders.moves == {} and bucket.counts() == {"a": 2, "c": 1}


FAR = Wish("j", TaskWish(node_id="b"), TaskWish(node_id="c"), failover=True)


def speaks(bucket: Bucket, wire: int) -> None:
    here = {node: replace(beat, wire=(wire, wire)) for node, beat in bucket.judgement.here.items()}
    bucket.judgement = Judgement(here, bucket.judgement.dead)


def test_a_source_whose_node_was_never_there_is_read_by_nobody_until_it_is() -> None:
    wish = dataclasses.replace(FAR, failover=False)
    bucket = Bucket("ab", [wish])
    speaks(bucket, WIRE)
    bucket.settle()
    assert (bucket.owners.jobs["j"].node, bucket.owners.jobs["j"].source) == ("b", NOWHERE), "not on the node of Dest"
    assert bucket.settle() == [] and NOWHERE not in bucket.coordinator.known(bucket.wanted)
    bucket.see("abc")
    speaks(bucket, WIRE)
    bucket.settle()
    assert bucket.owners.jobs["j"].source == "c"
    bucket.see("ab", dead="c")
    speaks(bucket, WIRE)
    bucket.settle()
    assert bucket.owners.jobs["j"].source == "c", "it is waited for there"
    wish = dataclasses.replace(wish, src=TaskWish(node_id="d"))
    bucket.wanted = Wanted({"j": wish}, 2, {})
    bucket.settle()
    assert bucket.owners.jobs["j"].source == NOWHERE, "another document, another node"


def test_a_begin_leaves_the_plan_and_all_else_makes_it_anew() -> None:
    bucket = Bucket("ab", jobs(4))
    bucket.put(Owner(node="a"), LEADER)
    begun = Owner(node="a", job="job0")
    bucket.put(begun)
    first = bucket.coordinator.decide(bucket.judgement, bucket.wanted)
    bucket.put(replace(begun, run="1:1"))
    assert bucket.coordinator.decide(bucket.judgement, bucket.wanted) is first
    bucket.put(replace(begun, run="1:1", failed={"b": "why"}))
    again = bucket.coordinator.decide(bucket.judgement, bucket.wanted)
    assert again is not first, "a node on which it has failed is avoided"
    speaks(bucket, WIRE)
    assert bucket.coordinator.decide(bucket.judgement, bucket.wanted) is not again, "the wire says who works with whom"


def test_a_bucket_that_was_lost_is_written_again_by_one_plan() -> None:
    bucket = Bucket("ab", jobs(5))
    bucket.settle()
    bucket.owners.take_news(News("two", 40, ()))
    bucket.put(Owner(node="a"), LEADER)
    layout = bucket.owners.layout
    assert len(bucket.settle()) == 5 and bucket.owners.layout == layout + 7, "and the records of both nodes"


def test_a_node_is_kept_by_a_record_that_follows_what_it_says_of_itself() -> None:
    bucket = Bucket("ab", jobs(2))
    bucket.settle()
    nodes = bucket.owners.orders.nodes
    assert {node: each.role for node, each in nodes.items()} == {"a": Role.MANAGER, "b": Role.MANAGER}
    last = bucket.owners.last
    bucket.see("a", "b")
    bucket.settle()
    assert set(nodes) == {"a", "b"}, "it is kept when it is dead"
    new = Beat(node="b", incarnation="2", number=1, max=9, name="new", role=Role.WITNESS)
    bucket.judgement = Judgement({**bucket.judgement.here, "b": new}, frozenset())
    bucket.settle()
    assert nodes["b"] == NodeRecord(known="b", name="new", role=Role.WITNESS)
    assert bucket.owners.last > last
    bucket.owners.take_news(News("two", 90, ()))
    bucket.put(Owner(node="a"), LEADER)
    bucket.settle()
    assert all(bucket.owners.orders.revisions[node_key(each)] > 90 for each in nodes), "a lost bucket has them again"


def test_a_manager_that_was_removed_and_comes_back_gets_no_job_and_keeps_its_mark() -> None:
    bucket = Bucket("abc", jobs(6))
    bucket.owners.take(Change(node_key("c"), NodeRecord(known="c", removed=True).encode(), bucket.owners.last + 1))
    bucket.settle()
    assert bucket.counts() == {"a": 3, "b": 3} and bucket.owners.orders.nodes["c"].removed


def test_an_earlier_version_takes_the_record_of_a_node_for_nothing() -> None:
    """Its keys were jobs, the leader, and what is ordered: all else was read as an owner."""
    with pytest.raises(msgspec.MsgspecError):
        msgspec.json.decode(NodeRecord(known="a", name="n").encode(), type=Owner)


def test_nodes_that_do_not_know_guests_have_no_part_in_a_job_on_two_of_them() -> None:
    bucket = Bucket("abc", [dataclasses.replace(FAR, failover=False)])
    speaks(bucket, 1)
    bucket.settle()
    assert "j" not in bucket.owners.jobs, "it would read the source itself"
    assert "another version" in bucket.coordinator.reason("j", bucket.judgement, bucket.wanted)


def test_a_job_that_moves_to_where_its_source_is_read_is_read_there_as_its_own() -> None:
    before = Owner(node="b", job="j", source="c", to="c", run="1:1", failed={"a": "why", "c": "why"})
    after = before.given("c")
    assert (after.node, after.source, after.to, after.previous, after.run) == ("c", "", "", "b", "")
    assert before.given("a").source == "c"


def test_a_part_of_a_job_is_where_that_is_and_goes_where_it_goes() -> None:
    wishes = [Wish("j"), Wish("j tables", part_of="j", failover=True), *jobs(6)]
    bucket = Bucket("abc", wishes)
    bucket.settle()
    home = bucket.owners.jobs["j"].node
    assert bucket.owners.jobs["j tables"].node == home
    bucket.see("abc".replace(home, ""), home)
    bucket.settle()
    there = bucket.owners.jobs["j"].node
    assert there != home and bucket.owners.jobs["j tables"].node == there


def test_a_part_of_a_job_that_is_nobodys_is_nobodys() -> None:
    bucket = Bucket("a", [Wish("j", datacenters=("elsewhere",)), Wish("j tables", part_of="j")])
    bucket.settle()
    assert not bucket.owners.jobs


def test_a_part_whose_job_is_deleted_is_given_to_a_node_which_removes_it() -> None:
    bucket = Bucket("ab", [Wish("j tables", part_of="j")])
    bucket.settle()
    assert bucket.owners.jobs["j tables"].node in "ab"
