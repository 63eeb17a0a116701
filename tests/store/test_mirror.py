"""A bucket is read while its owner writes to it, and no key is missed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from nats.js.client import JetStreamContext
from nats.js.errors import NotFoundError

from udup.store.mirror import Mirror


class Bucket:
    """JetStream's answers for a bucket that keeps one value of each key; `meanwhile` runs behind each reading."""

    def __init__(self) -> None:
        self.created = datetime(2026, 1, 1, tzinfo=UTC)
        self.last = 0
        self.messages: dict[int, tuple[str, bytes, dict[str, str] | None]] = {}
        self.asked = 0
        self.meanwhile: list[Callable[[], None]] = []

    def put(self, key: str, data: bytes, headers: dict[str, str] | None = None) -> None:
        self.messages = {seq: each for seq, each in self.messages.items() if each[0] != key}
        self.last += 1
        self.messages[self.last] = key, data, headers

    def purge(self, key: str) -> None:
        self.put(key, b"", {"KV-Operation": "PURGE"})

    async def stream_info(self, name: str) -> Any:
        assert name == "KV_jobs"
        return SimpleNamespace(created=self.created, state=SimpleNamespace(last_seq=self.last))

    async def get_msg(self, name: str, *, seq: int, subject: str, **how: bool) -> Any:
        assert (name, subject, how) == ("KV_jobs", "$KV.jobs.>", {"next": True})
        self.asked += 1
        found = min((each for each in self.messages if each >= seq), default=None)
        if found is None:
            raise NotFoundError
        key, data, headers = self.messages[found]
        if self.meanwhile:
            self.meanwhile.pop(0)()
        return SimpleNamespace(subject=f"$KV.jobs.{key}", seq=found, data=data, headers=headers)


def _mirror(bucket: Bucket) -> Mirror:
    return Mirror(cast("JetStreamContext", bucket), "jobs")


def test_a_key_that_is_written_while_the_first_look_reads_the_others_is_there() -> None:
    bucket = Bucket()
    for key in ("a", "b", "c"):
        bucket.put(key, b"1")
    bucket.meanwhile = [lambda: bucket.put("b", b"2"), lambda: bucket.put("a", b"2")]
    mirror = _mirror(bucket)
    asyncio.run(mirror.refresh())
    assert mirror.values == {"a": b"2", "b": b"2", "c": b"1"}
    assert mirror.last == bucket.last


def test_nothing_is_read_where_nothing_has_changed_and_what_has_not_stays_the_same_object() -> None:
    bucket = Bucket()
    bucket.put("a", b"long enough not to be interned")
    bucket.put("b", b"1")
    mirror = _mirror(bucket)
    asyncio.run(mirror.refresh())
    first = mirror.values["a"]
    bucket.asked = 0
    asyncio.run(mirror.refresh())
    assert bucket.asked == 0
    bucket.put("b", b"2")
    asyncio.run(mirror.refresh())
    assert mirror.values["b"] == b"2" and mirror.values["a"] is first
    assert bucket.asked == 2


def test_what_was_removed_is_gone() -> None:
    bucket = Bucket()
    bucket.put("a", b"1")
    bucket.put("b", b"1")
    mirror = _mirror(bucket)
    asyncio.run(mirror.refresh())
    bucket.purge("a")
    asyncio.run(mirror.refresh())
    assert mirror.values == {"b": b"1"} and mirror.last == bucket.last
    bucket.put("a", b"2")
    bucket.purge("b")
    asyncio.run(mirror.refresh())
    assert mirror.values == {"a": b"2"} and mirror.last == bucket.last


def test_another_bucket_of_that_name_is_read_from_its_beginning() -> None:
    bucket = Bucket()
    bucket.put("a", b"1")
    mirror = _mirror(bucket)
    asyncio.run(mirror.refresh())
    made_again = Bucket()
    made_again.created = datetime(2026, 1, 2, tzinfo=UTC)
    made_again.put("b", b"1")
    mirror._context = cast("JetStreamContext", made_again)
    asyncio.run(mirror.refresh())
    assert mirror.values == {"b": b"1"}
