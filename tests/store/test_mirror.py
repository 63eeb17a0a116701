"""A bucket is read while its owner writes to it, and no key is missed: in batches, or singly from an old server."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from nats.js.client import JetStreamContext
from nats.js.errors import NotFoundError

from tests.store.fake_bucket import Bucket
from udup.store.mirror import SILENCES, Mirror


@pytest.fixture(params=["batches", "singly"])
def batches(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "batches")


def _mirror(bucket: Bucket) -> Mirror:
    return Mirror(cast("JetStreamContext", bucket), "jobs", bucket)


def _look(mirror: Mirror, bucket: Bucket) -> list[str]:
    """Look again; return what was asked."""
    mirror._context, mirror._batches = cast("JetStreamContext", bucket), bucket
    bucket.asked = []
    asyncio.run(mirror.refresh())
    assert mirror.last == bucket.last
    return bucket.asked


def test_a_key_that_is_written_while_the_first_look_reads_the_others_is_there(batches: bool) -> None:
    bucket = Bucket(batches=batches)
    for key in ("a", "b", "c"):
        bucket.put(key, b"1")
    bucket.meanwhile = [lambda: bucket.put("b", b"2"), lambda: bucket.put("a", b"2")]
    mirror = _mirror(bucket)
    _look(mirror, bucket)
    assert mirror.values == {"a": b"2", "b": b"2", "c": b"1"}
    assert mirror.revisions == {"a": 5, "b": 4, "c": 3}


def test_nothing_is_read_where_nothing_has_changed_and_what_has_not_stays_the_same_object(batches: bool) -> None:
    bucket = Bucket(batches=batches)
    bucket.put("a", b"long enough not to be interned")
    bucket.put("b", b"1")
    mirror = _mirror(bucket)
    _look(mirror, bucket)
    first = mirror.values["a"]
    assert _look(mirror, bucket) == (["batch"] if batches else ["info"])
    bucket.put("c", b"1")
    assert _look(mirror, bucket) == (["batch"] if batches else ["info", "single", "single"])
    bucket.put("c", b"2")
    assert _look(mirror, bucket) == (["batch", "info"] if batches else ["info", "single", "single"])
    assert mirror.values == {"a": first, "b": b"1", "c": b"2"} and mirror.values["a"] is first


def test_what_was_removed_is_gone(batches: bool) -> None:
    bucket = Bucket(batches=batches)
    bucket.put("a", b"1")
    bucket.put("b", b"1")
    mirror = _mirror(bucket)
    _look(mirror, bucket)
    bucket.purge("a")
    _look(mirror, bucket)
    assert mirror.values == {"b": b"1"} and mirror.revisions == {"b": 2, "a": 3}
    bucket.put("a", b"2")
    bucket.purge("b")
    _look(mirror, bucket)
    assert mirror.values == {"a": b"2"}


@pytest.mark.parametrize("keys", [("b",), ("a", "b"), ("a", "b", "c", "d", "e")])
def test_another_bucket_of_that_name_is_read_from_its_beginning(batches: bool, keys: tuple[str, ...]) -> None:
    """Also one that has come further than the one before it."""
    bucket = Bucket(batches=batches)
    for key in ("x", "y", "z"):
        bucket.put(key, b"1")
    mirror = _mirror(bucket)
    _look(mirror, bucket)
    other = Bucket(batches=batches, day=2)
    for key in keys:
        other.put(key, b"2")
    _look(mirror, other)
    assert mirror.values == dict.fromkeys(keys, b"2") and mirror.made == other.created


def test_an_empty_bucket_that_took_the_place_of_another_is_empty(batches: bool) -> None:
    bucket = Bucket(batches=batches)
    bucket.put("a", b"1")
    mirror = _mirror(bucket)
    _look(mirror, bucket)
    _look(mirror, Bucket(batches=batches, day=2))
    assert mirror.values == {}


def test_keys_that_were_taken_out_of_the_stream_without_a_mark_are_gone() -> None:
    bucket = Bucket(batches=True)
    for key in ("a", "b", "c"):
        bucket.put(key, b"1")
    mirror = _mirror(bucket)
    _look(mirror, bucket)
    del bucket.messages[1], bucket.messages[3]
    bucket.put("d", b"1")
    _look(mirror, bucket)
    assert mirror.values == {"b": b"1", "d": b"1"}


def test_a_server_that_learns_to_answer_in_batches_is_not_read_again() -> None:
    bucket = Bucket(batches=False)
    bucket.put("a", b"long enough not to be interned")
    mirror = _mirror(bucket)
    _look(mirror, bucket)
    first = mirror.values["a"]
    bucket.batches = True
    assert _look(mirror, bucket) == ["batch", "info"]
    assert _look(mirror, bucket) == ["batch"]
    assert mirror.values["a"] is first


def test_a_server_that_drops_requests_for_batches_is_read_singly_and_not_asked_for_ever() -> None:
    """An account may lack the permission to ask."""
    bucket = Bucket(batches=True)
    bucket.put("a", b"1")
    mirror = _mirror(bucket)
    bucket.silent = True
    for _ in range(SILENCES):
        assert "silence" in _look(mirror, bucket)
    bucket.put("b", b"1")
    assert _look(mirror, bucket) == ["info", "single", "single"]
    assert mirror.values == {"a": b"1", "b": b"1"}


def test_batches_are_asked_for_again_when_nats_itself_was_away() -> None:
    bucket = Bucket(batches=True)
    bucket.put("a", b"1")
    mirror = _mirror(bucket)
    _look(mirror, bucket)
    bucket.silent = bucket.gone = True
    for _ in range(2 * SILENCES):
        with pytest.raises(NotFoundError):
            _look(mirror, bucket)
    bucket.silent = bucket.gone = False
    assert _look(mirror, bucket) == ["batch"]
