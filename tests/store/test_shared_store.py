"""A store that several managers keep begins once, and is never written again by what one node remembers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import pytest
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.client import JetStreamContext
from nats.js.errors import NotFoundError

from tests.store.fake_bucket import Bucket
from udup.store.batch import Message
from udup.store.beginning import Statement, Turn, begin, decide
from udup.store.mark import COMPLETE, Mark
from udup.store.mirror import Mirror
from udup.store.owned import OwnedBucket, Settled, WrittenByAnother
from udup.store.snapshot import Snapshot

MARK = Mark("the-store", 7)


class Shared(Bucket):
    """The managers' bucket, which one replica may lag behind, and which may have no leader."""

    def __init__(self) -> None:
        super().__init__(batches=True)
        self.behind, self.led = 0, True

    async def read(self, seq: int) -> list[Message]:
        found = [each for each in await super().read(seq) if each.seq <= self.last - self.behind]
        self.behind = max(self.behind - 1, 0)
        return found

    async def stream_info(self, name: str) -> object:
        if not self.led:
            raise NatsTimeoutError
        return await super().stream_info(name)

    async def publish(self, subject: str, data: bytes, *, headers: dict[str, str], timeout: float = 0) -> object:
        return await super().publish(subject, data, headers=headers)


@pytest.fixture
def bucket() -> Shared:
    made = Shared()
    made.put("a", b"1")
    made.put(COMPLETE, MARK.data)
    return made


def _mirror(bucket: Bucket) -> Mirror:
    return Mirror(cast("JetStreamContext", bucket), "jobs", bucket, shared=True)


def _owned(bucket: Bucket) -> OwnedBucket:
    return OwnedBucket(cast("JetStreamContext", bucket), "jobs", lambda: _mirror(bucket), "this", shared=True)


async def _opened(bucket: Bucket, snapshot: Snapshot | None = None) -> tuple[OwnedBucket, Settled]:
    owned, mirror = _owned(bucket), _mirror(bucket)
    await owned.ensure()
    await mirror.refresh()
    return owned, await owned.settle(mirror, snapshot)


# ---- What is never done ----


def test_a_store_that_is_not_found_is_not_made(bucket: Shared) -> None:
    async def work() -> None:
        owned, _ = await _opened(bucket)
        bucket.lost(gone=True)
        with pytest.raises(NotFoundError):
            await owned.ensure()
        with pytest.raises(NotFoundError):
            await owned.replace("a", b"2")

    asyncio.run(work())
    assert bucket.gone


def test_a_record_of_a_store_that_is_not_found_may_be_there(bucket: Shared) -> None:
    """As a server says that was started just now: who deletes must not hear that there is nothing to delete."""

    async def work() -> None:
        owned, _ = await _opened(bucket)
        bucket.gone = True
        with pytest.raises(NotFoundError):
            await owned.reread("a")
        bucket.gone = False
        assert (await owned.reread("a")).data == b"1"  # type: ignore[union-attr]
        assert await owned.reread("b") is None

    asyncio.run(work())


def test_what_this_node_has_removed_does_not_come_back_by_a_late_write_of_its_own(bucket: Shared) -> None:
    async def work() -> None:
        owned, _ = await _opened(bucket)
        known = owned.revisions["a"]
        await owned.remove("a")
        owned.expect("a", known)
        with pytest.raises(WrittenByAnother):
            await owned.replace("a", b"late")
        assert await owned.reread("a") is None
        await owned.replace("a", b"another")  # it is known that it was removed

    asyncio.run(work())
    assert bucket.values["a"] == b"another"


@pytest.mark.parametrize("empty", [True, False])
def test_a_store_that_seems_to_have_lost_something_is_not_written_again(bucket: Shared, empty: bool) -> None:
    async def work() -> None:
        owned, _ = await _opened(bucket)
        if empty:
            bucket.lost()
            with pytest.raises(NotFoundError):
                await owned.ensure()
        else:
            del bucket.messages[1]
            await owned.ensure()

    asyncio.run(work())
    assert bucket.values == {}


def test_a_store_that_its_managers_have_begun_again_is_written_by_its_own_numbers(bucket: Shared) -> None:
    """As after a recovery, of a node that has gone on meanwhile: the old numbers were higher."""

    async def work() -> None:
        owned, _ = await _opened(bucket)
        for number in range(40):
            await owned.replace("a", b"%d" % number)
        await owned.replace("b", b"kept")
        bucket.lost()
        for key, value in (("a", b"older"), ("b", b"kept"), ("c", b"new"), (COMPLETE, Mark("the-store", 60).data)):
            bucket.put(key, value)
        await owned.ensure()
        assert await owned.replace("b", b"next") == 60 + bucket.last
        with pytest.raises(WrittenByAnother):  # it has to be read before
            await owned.replace("a", b"unseen")
        assert (await owned.reread("a")).data == b"older"  # type: ignore[union-attr]
        await owned.replace("a", b"seen")
        assert {key: bucket.values[key] for key in "abc"} == {"a": b"seen", "b": b"next", "c": b"new"}

    asyncio.run(work())


def test_a_file_that_is_ahead_of_a_replica_overwrites_nothing(bucket: Shared) -> None:
    kept = Snapshot(MARK.store, "", MARK.base, 99, {"a": b"file", "b": b"file"})
    _, settled = asyncio.run(_opened(bucket, kept))
    assert settled is Settled.STORE and bucket.values == {"a": b"1"}
    other = Snapshot("another", "", 0, 99, {"b": b"file"})
    assert asyncio.run(_opened(bucket, other))[1] is Settled.ANOTHER


# ---- Replicas ----


def test_what_a_replica_has_not_heard_of_yet_is_waited_for(bucket: Shared) -> None:
    async def work() -> None:
        mirror = _mirror(bucket)
        await mirror.refresh()
        bucket.put("b", b"2")
        bucket.behind = 3
        await mirror.catch_up()
        assert mirror.values["b"] == b"2"
        bucket.put("c", b"3")
        bucket.behind = 3
        await mirror.catch_up_if_led()
        assert mirror.values["c"] == b"3"

    asyncio.run(work())


def test_a_store_without_leader_is_read(bucket: Shared) -> None:
    """Also if the last message that is known was replaced by another one."""

    async def work() -> None:
        mirror = _mirror(bucket)
        await mirror.refresh()
        bucket.put(COMPLETE, MARK.data)
        bucket.put("a", b"2")
        bucket.led = False
        await mirror.refresh()
        await mirror.catch_up_if_led()
        assert mirror.values == {"a": b"2", COMPLETE: MARK.data}

    asyncio.run(work())


def test_a_write_without_answer_is_tried_again_and_done_once(bucket: Shared) -> None:
    async def work() -> None:
        owned, _ = await _opened(bucket)
        bucket.lose = ["before", "before", "after", "before"]
        await owned.replace("a", b"2")
        assert owned.snapshot().values == {"a": b"2"}

    asyncio.run(work())
    assert bucket.values == {"a": b"2"}


def test_the_nodes_file_has_what_others_wrote_and_what_was_written_here(bucket: Shared) -> None:
    async def work() -> Snapshot:
        owned, _ = await _opened(bucket)
        mirror = _mirror(bucket)
        bucket.put("of-another", b"1")
        await mirror.refresh()
        await owned.replace("b", b"2")
        await owned.remove("a")
        return owned.beside(mirror)

    kept = asyncio.run(work())
    assert kept.values == {"of-another": b"1", "b": b"2"} and kept.store == MARK.store


# ---- The beginning ----


@pytest.mark.parametrize(
    ("said", "turn", "why"),
    [
        ([Statement("b")], Turn.WAIT, "1 of 3 managers"),
        ([Statement("a"), Statement("b"), Statement("c")], Turn.WAIT, "node a begins"),
        ([Statement("b"), Statement("c"), Statement("d")], Turn.OWN, ""),
        ([Statement("a"), Statement("b", 5), Statement("c")], Turn.OWN, ""),
        ([Statement("a"), Statement("b"), Statement("c", 5)], Turn.WAIT, "node c begins"),
        ([Statement("a", 1), Statement("b", 5), Statement("c")], Turn.STUCK, "a and b both have jobs"),
        ([Statement("a", 5), Statement("b"), Statement("c", has_seen=True)], Turn.STUCK, "when node c last saw it"),
        ([Statement("b"), Statement("c", has_seen=True)], Turn.STUCK, "udup cluster recover"),
    ],
)
def test_whose_turn_it_is(said: list[Statement], turn: Turn, why: str) -> None:
    found, told = decide(said, "b", 3)
    assert found is turn and why in told
    assert [Statement.of(each.data) for each in said] == said
    assert Statement.of(b"{}") is None and Statement.of(b"x") is None


def test_a_beginning_that_was_cut_short_is_completed_and_overwrites_nothing() -> None:
    bucket = Shared()
    brought = Snapshot("s", "", 10, 5, {"a": b"1", "b": b"2", "c": b"3"})
    bucket.gone = True
    bucket.create_key_value = _made(bucket)  # type: ignore[method-assign]
    bucket.lose = ["", "after"]

    async def work() -> list[str]:
        context = cast("JetStreamContext", bucket)
        with pytest.raises(NatsTimeoutError):
            await begin(context, "jobs", 3, brought)
        assert not bucket.is_complete and bucket.values == {"a": b"1", "b": b"2"}
        bucket.put("a", b"another's")
        return list(await begin(context, "jobs", 3, brought))

    assert asyncio.run(work()) == ["a"]
    assert bucket.values == {"a": b"another's", "b": b"2", "c": b"3"}
    (mark,) = (data for key, data, _ in bucket.messages.values() if key == COMPLETE)
    assert Mark.of(mark) == Mark("s", 15)


def _made(bucket: Shared) -> Callable[[object], object]:
    async def create_key_value(config: object) -> None:
        assert config.replicas == 3  # type: ignore[attr-defined]
        bucket.gone = False

    return create_key_value


def test_a_client_that_goes_to_another_node_finds_what_it_has_seen_there(bucket: Shared) -> None:
    """A mirror that is confirmed has all that any other had shown before; one that is not says so."""

    async def work() -> None:
        one, other = _mirror(bucket), _mirror(bucket)
        for mirror in (one, other):
            assert mirror.confirmed is None
            await mirror.refresh()
            assert mirror.confirmed is None, "another replica may have more"
            await mirror.catch_up_if_led()
            assert mirror.confirmed is not None
        bucket.put("b", b"2")
        await one.refresh()
        await one.catch_up_if_led()
        bucket.behind = 5  # the other's replica
        before = other.confirmed
        await other.refresh()
        assert other.last < one.last and other.confirmed == before
        bucket.led = False
        await other.catch_up_if_led()
        assert other.last < one.last and other.confirmed == before, "nobody could say"
        bucket.led, other._unled_until = True, 0.0
        await other.catch_up_if_led()
        assert other.last == one.last and other.values["b"] == b"2"
        assert other.confirmed is not None and before is not None and other.confirmed > before

    asyncio.run(work())
