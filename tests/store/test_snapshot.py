"""The node's own file of what the job store held: which of the two is right, and that nothing deleted comes back."""

from __future__ import annotations

import asyncio
import base64
import stat
from contextlib import suppress
from pathlib import Path
from typing import cast

import pytest
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.client import JetStreamContext
from structlog.testing import capture_logs

from tests.store.fake_bucket import Bucket
from udup.store.mark import COMPLETE, Mark
from udup.store.mirror import Mirror
from udup.store.owned import OwnedBucket, Settled
from udup.store.sealing import KEY_BYTES, load_keyring
from udup.store.snapshot import Snapshot, SnapshotDamaged, put_aside, read_snapshot, write_snapshot
from udup.store.store import JobStore


class Server:
    """A server with a file, which survives it; each `start` is another life."""

    def __init__(self) -> None:
        self.file: Snapshot | None = None
        self.owned: OwnedBucket

    def start(self, bucket: Bucket) -> Settled:
        return asyncio.run(self._start(bucket))

    async def _start(self, bucket: Bucket) -> Settled:
        def mirror() -> Mirror:
            return Mirror(cast("JetStreamContext", bucket), "jobs", bucket)

        self.owned = OwnedBucket(cast("JetStreamContext", bucket), "jobs", mirror, "this")
        if self.file is not None:
            self.owned.remember(self.file)
        await self.owned.ensure()
        read = mirror()
        await read.refresh()
        settled = await self.owned.settle(read, self.file)
        self.keep()
        return settled

    def keep(self) -> None:
        self.file = self.owned.snapshot()

    def write(self, key: str, data: bytes, *, kept: bool = True) -> None:
        asyncio.run(self.owned.replace(key, data))
        if kept:
            self.keep()

    def remove(self, key: str) -> None:
        asyncio.run(self.owned.remove(key))
        self.keep()

    def look(self) -> None:
        asyncio.run(self.owned.ensure())


@pytest.fixture
def bucket() -> Bucket:
    return Bucket(batches=True)


@pytest.fixture
def server(bucket: Bucket) -> Server:
    """One whose job `a` was paused, and whose job `gone` was deleted; `b` runs."""
    made = Server()
    assert made.start(bucket) is Settled.STORE
    for key in ("gone", "a", "b"):
        made.write(key, b"runs")
    made.write("a", b"paused")
    made.remove("gone")
    return made


NOW = {"a": b"paused", "b": b"runs"}


def test_a_store_and_a_file_that_say_the_same_stay_as_they_are(server: Server, bucket: Bucket) -> None:
    before = bucket.last
    assert server.start(bucket) is Settled.STORE
    assert bucket.values == NOW and bucket.last == before


def test_a_store_that_was_lost_is_written_by_the_file_and_its_history_goes_on(server: Server, bucket: Bucket) -> None:
    assert server.file is not None
    for _ in range(3):
        before = server.file
        bucket.lost(gone=True)
        assert server.start(bucket) is Settled.STORE and server.owned.written_again
        assert bucket.values == NOW and server.owned.values == NOW
        assert server.file.position > before.position and server.file.store == before.store


@pytest.mark.parametrize("after", range(1, 6))
def test_a_server_that_dies_while_it_writes_a_lost_store_again_is_followed_by_one_that_does(
    server: Server, bucket: Bucket, after: int
) -> None:
    bucket.lost()
    bucket.lose = [*([""] * (after - 1)), "before"]
    with suppress(NatsError):
        server.start(bucket)
    bucket.lose = []
    server.start(bucket)
    assert bucket.values == NOW


def test_what_the_store_has_gone_on_to_since_is_right(server: Server, bucket: Bucket) -> None:
    """The file is of yesterday: a copy of the folder was put back."""
    yesterday = server.file
    server.write("b", b"paused")
    server.remove("a")
    server.write("c", b"new")
    server.file = yesterday
    assert server.start(bucket) is Settled.STORE
    assert bucket.values == {"b": b"paused", "c": b"new"} == server.owned.values


@pytest.mark.parametrize("dies", range(8))
def test_a_store_of_yesterday_is_brought_to_what_the_file_says(server: Server, bucket: Bucket, dies: int) -> None:
    """NATS has lost what it wrote last, or its folder was put back: no job runs that was paused or deleted since."""
    yesterday = dict(bucket.messages), bucket.last
    server.write("b", b"paused")
    server.remove("a")
    server.write("c", b"new")
    bucket.messages, bucket.last = yesterday
    old, new = bucket.values, {"b": b"paused", "c": b"new"}
    if dies:
        bucket.lose = [*([""] * (dies - 1)), "before"]
        with suppress(NatsError):
            server.start(bucket)
        bucket.lose = []
        assert bucket.values in (old, new) or not bucket.is_complete, "a reader must not take half of it for the whole"
    server.start(bucket)
    assert bucket.values == new == server.owned.values
    server.write("c", b"newer")
    assert server.start(bucket) is Settled.STORE and bucket.values == {"b": b"paused", "c": b"newer"}


def test_a_store_that_loses_its_end_while_it_is_used_is_written_again(server: Server, bucket: Bucket) -> None:
    yesterday = dict(bucket.messages), bucket.last
    server.write("b", b"paused")
    server.remove("a")
    bucket.messages, bucket.last = yesterday
    bucket.lose = ["", "before"]
    with suppress(NatsError):
        server.look()
    server.look()
    assert bucket.values == {"b": b"paused"}
    before = bucket.last
    server.look()
    assert bucket.last == before, "once"


def test_another_store_is_right_and_nothing_is_written_into_it(server: Server) -> None:
    theirs, other = Bucket(batches=True, day=9), Server()
    other.start(theirs)
    other.write("a", b"theirs")
    before = theirs.last
    assert server.start(theirs) is Settled.ANOTHER
    assert theirs.values == {"a": b"theirs"} == server.owned.values and theirs.last == before


def test_a_node_that_goes_to_another_nats_and_back_runs_nothing_that_was_paused_there(
    server: Server, bucket: Bucket
) -> None:
    elsewhere = Bucket(batches=True, day=9)
    elsewhere.lost(gone=True)
    server.start(elsewhere)
    server.write("b", b"paused")
    server.remove("a")
    assert server.start(bucket) is Settled.BEHIND
    assert bucket.values == {"b": b"paused"}


def test_a_store_that_an_earlier_version_has_used_meanwhile_is_the_same(server: Server, bucket: Bucket) -> None:
    """It does not know of the file, and its mark is empty."""
    assert server.file is not None
    store = server.file.store
    bucket.put(COMPLETE, b"")
    bucket.put("b", b"paused")
    assert server.start(bucket) is Settled.STORE
    assert server.owned.values == {"a": b"paused", "b": b"paused"}
    assert Mark.of(next(data for key, data, _ in bucket.messages.values() if key == COMPLETE)).store == store


def test_a_store_of_an_earlier_version_is_taken_as_it_is(bucket: Bucket) -> None:
    bucket.put("a", b"runs")
    bucket.put(COMPLETE, b"")
    server = Server()
    assert server.start(bucket) is Settled.STORE
    assert bucket.values == {"a": b"runs"} == server.owned.values and server.file is not None and server.file.store


def test_a_file_holds_any_bytes_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "jobs.snapshot"
    assert read_snapshot(path) is None
    kept = Snapshot("id", "2026-01-01", 5, 7, {"a": '{"größe": 1}'.encode(), "b": b"\xff\x00", "c": b""})
    write_snapshot(path, kept)
    write_snapshot(path, kept)
    assert read_snapshot(path) == kept and kept.position == 12
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and [each.name for each in tmp_path.iterdir()] == [path.name]
    aside = put_aside(path)
    assert read_snapshot(path) is None and read_snapshot(aside) == kept


@pytest.mark.parametrize(
    "change", [lambda text: text[:-9], lambda text: text.replace(b"jobs 1", b"jobs 2"), lambda _: b""]
)
def test_a_file_that_is_damaged_or_of_a_newer_version_is_not_read(tmp_path: Path, change: object) -> None:
    path = tmp_path / "jobs.snapshot"
    write_snapshot(path, Snapshot("id", "", 0, 1, {"a": b"1"}))
    path.write_bytes(change(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(SnapshotDamaged, match=r"jobs\.snapshot"):
        read_snapshot(path)


def test_a_file_that_cannot_be_written_is_told_once_and_again_when_it_can(tmp_path: Path) -> None:
    """As while the disk is full: it is tried each second."""
    keys = load_keyring(Path(), base64.b64encode(bytes(KEY_BYTES)).decode())
    bucket, folder = cast("JetStreamContext", Bucket(batches=True)), tmp_path / "data"
    store = JobStore(cast("Client", None), bucket, keys, "this", folder / "jobs.snapshot")
    store._bucket = OwnedBucket(bucket, "jobs", lambda: Mirror(bucket, "jobs", cast("Bucket", bucket)), "this")
    asyncio.run(store._bucket.ensure())
    with capture_logs() as told:
        for _ in range(3):
            store.keep_snapshot()
        folder.mkdir()
        for _ in range(3):
            store.keep_snapshot()
    assert [each["event"] for each in told] == ["snapshot_not_written", "snapshot_written_again"]
    assert read_snapshot(folder / "jobs.snapshot") is not None
