"""The one writer of a bucket notices whoever else writes there, and overwrites nobody."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.client import JetStreamContext

from tests.store.fake_bucket import Bucket
from udup.store.mirror import Mirror
from udup.store.owned import WRITER, OwnedBucket, WrittenByAnother


class Writer:
    """One server's StoreKeeper, which has read the bucket."""

    def __init__(self, bucket: Bucket, name: str = "this") -> None:
        self.owned = OwnedBucket(cast("JetStreamContext", bucket), "jobs", self._mirror, name)
        self._bucket = bucket
        asyncio.run(self._open())

    def _mirror(self) -> Mirror:
        return Mirror(cast("JetStreamContext", self._bucket), "jobs", self._bucket)

    async def _open(self) -> None:
        await self.owned.ensure()
        mirror = self._mirror()
        await mirror.refresh()
        await self.owned.settle(mirror, None)

    def write(self, key: str, data: bytes) -> int:
        return asyncio.run(self.owned.replace(key, data))

    def remove(self, key: str) -> None:
        asyncio.run(self.owned.remove(key))

    def look(self) -> None:
        asyncio.run(self.owned.ensure())


@pytest.fixture
def bucket() -> Bucket:
    return Bucket(batches=True)


def test_values_follow_each_other_and_a_key_that_was_removed_comes_again(bucket: Bucket) -> None:
    writer = Writer(bucket)
    numbers = [writer.write("a", b"1"), writer.write("a", b"2")]
    assert numbers == sorted(numbers)
    writer.remove("a")
    assert bucket.values == {}
    Writer(bucket).write("a", b"3")
    assert bucket.values == {"a": b"3"}


def test_what_another_server_has_written_or_removed_is_not_overwritten(bucket: Bucket) -> None:
    this, other = Writer(bucket), Writer(bucket, "other")
    this.write("a", b"1")
    for attempt in (lambda: other.write("a", b"2"), lambda: other.remove("a")):
        with pytest.raises(WrittenByAnother) as caught:
            attempt()
        assert (caught.value.found.data, caught.value.found.writer) == (b"1", "this")
    third = Writer(bucket, "third")
    third.remove("a")
    with pytest.raises(WrittenByAnother):
        this.write("a", b"3")
    assert bucket.values == {}
    this.write("b", b"1")
    assert bucket.values == {"b": b"1"}, "other jobs are stored"


def test_somebody_without_a_name_is_another(bucket: Bucket) -> None:
    this = Writer(bucket, "")
    this.write("a", b"1")
    bucket.put("a", b"by hand")
    with pytest.raises(WrittenByAnother):
        this.write("a", b"2")
    assert bucket.values == {"a": b"by hand"}


@pytest.mark.parametrize("lost", [["before"], ["after"]])
def test_a_write_whose_answer_was_lost_is_done_once(bucket: Bucket, lost: list[str]) -> None:
    writer = Writer(bucket)
    writer.write("a", b"1")
    bucket.lose = list(lost)
    before = bucket.last
    assert writer.write("a", b"2") == bucket.last == before + 1
    bucket.lose = list(lost)
    writer.remove("a")
    assert bucket.values == {} and bucket.last == before + 2
    bucket.lose = ["before", "before"]
    with pytest.raises(NatsTimeoutError):
        writer.write("a", b"3")
    assert writer.write("a", b"3") == before + 3


def test_the_last_write_of_a_store_keeper_that_was_replaced_may_come_late(bucket: Bucket) -> None:
    """The same write is repeated and found done; where nobody repeats it, it was never answered and is written over."""
    before = Writer(bucket)
    before.write("a", b"1")
    after = Writer(bucket)
    late = before.write("a", b"2")
    assert after.write("a", b"2") == late == bucket.last
    before.write("a", b"late")
    after.write("a", b"3")
    assert bucket.values == {"a": b"3"}


@pytest.mark.parametrize("looks", [True, False])
def test_a_bucket_that_was_lost_is_made_again_with_everything(bucket: Bucket, looks: bool) -> None:
    writer = Writer(bucket)
    for key in ("a", "b", "c"):
        writer.write(key, b"1")
    writer.remove("c")
    bucket.lost(gone=True)
    if looks:
        writer.look()
        assert bucket.values == {"a": b"1", "b": b"1"}
        assert bucket.messages[bucket.last][0] == "complete", "the mark last"
    writer.write("a", b"2")
    assert bucket.values == {"a": b"2", "b": b"1"}


def test_what_somebody_began_to_write_again_is_completed(bucket: Bucket) -> None:
    writer = Writer(bucket)
    for key in ("a", "b"):
        writer.write(key, b"1")
    bucket.lost()
    bucket.put("a", b"1", {WRITER: "this"})
    writer.look()
    assert bucket.values == {"a": b"1", "b": b"1"} and bucket.revision("complete") == 3
    writer.write("a", b"2")
    assert bucket.values == {"a": b"2", "b": b"1"}


def test_what_another_has_written_of_a_half_written_store_is_not_overwritten(bucket: Bucket) -> None:
    writer = Writer(bucket)
    for key in ("a", "b"):
        writer.write(key, b"1")
    bucket.lost()
    bucket.put("a", b"theirs", {WRITER: "other"})
    writer.look()
    with pytest.raises(WrittenByAnother):
        writer.write("a", b"2")
    assert bucket.values == {"a": b"theirs", "b": b"1"}


def test_another_complete_store_in_the_place_of_this_one_is_not_written_into(bucket: Bucket) -> None:
    writer = Writer(bucket)
    for key in ("a", "b"):
        writer.write(key, b"1")
    bucket.lost()
    bucket.put("b", b"theirs")
    bucket.put("complete", b"")
    writer.look()
    assert bucket.values == {"b": b"theirs"}
    with pytest.raises(WrittenByAnother):
        writer.write("b", b"2")


@pytest.mark.parametrize("looks", [True, False])
def test_what_was_taken_out_of_the_stream_by_hand_is_written_again(bucket: Bucket, looks: bool) -> None:
    writer = Writer(bucket)
    for key in ("a", "b"):
        writer.write(key, b"1")
    bucket.messages.clear()
    if looks:
        writer.look()
        assert bucket.values == {"a": b"1", "b": b"1"} and bucket.is_complete
    writer.write("a", b"2")
    writer.look()
    assert bucket.values == {"a": b"2", "b": b"1"} and bucket.is_complete
    before = bucket.last
    writer.look()
    assert bucket.last == before
