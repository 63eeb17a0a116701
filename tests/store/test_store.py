"""The job store keeps what it was given, through restarts of NATS and even the loss of NATS's own files."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from nats.js.api import KeyValueConfig

from tests.jobs.newer_records import newer_record
from udup.base.errors import Refused, Transient
from udup.jobs import JobRecord, Stage, UnreadRecord
from udup.jobs.allocation import Evaluation, Trigger
from udup.jobs.numbers import last_index, ordered, placed
from udup.node.nats_server import NatsServer
from udup.store import batch
from udup.store.batch import BatchReader, Message, NoBatches
from udup.store.sealing import KEY_BYTES, load_keyring
from udup.store.store import JobStore, key_of

KEYS = load_keyring(Path(), base64.b64encode(os.urandom(KEY_BYTES)).decode())


@pytest.fixture
def nats(server_folder: Path, tmp_path: Path) -> Iterator[NatsServer]:
    server = NatsServer(tmp_path / "nats", 0)
    server.start()
    yield server
    server.stop()


def _with_store(url: str, work: Callable[[JobStore], Awaitable[None]]) -> None:
    async def run() -> None:
        store = await JobStore.open(url, "test", KEYS, owner=True)
        try:
            await work(store)
        finally:
            await store.close()

    asyncio.run(asyncio.wait_for(run(), 30))


async def _until_it_answers(call: Callable[[], Awaitable[object]]) -> None:
    """The connection is taken up again in the background."""
    end = time.monotonic() + 15
    while True:
        try:
            await call()
            return
        except Transient:
            assert time.monotonic() < end
            await asyncio.sleep(0.05)


def _record(job_id: str, **more: object) -> JobRecord:
    return JobRecord(id=job_id, document={"Name": "größe", "Tasks": [{"Password": "secret"}]}, **more)  # type: ignore[arg-type]


IDS = ["plain", "a/b.c*>", "größe-表", "x" * 255]


def test_jobs_of_any_name_are_kept_over_a_restart(nats: NatsServer) -> None:
    records = {job_id: _record(job_id, modify_index=number) for number, job_id in enumerate(IDS, 1)}

    async def save(store: JobStore) -> None:
        assert (await store.load())[0] == []
        for record in records.values():
            await store.save(record)

    async def load(store: JobStore) -> None:
        found, index = await store.load()
        assert {record.id: record for record in found} == records
        assert index >= len(IDS)

    _with_store(nats.url, save)
    nats.stop()
    nats.start()
    _with_store(nats.url, load)


def test_a_job_is_replaced_and_removed(nats: NatsServer) -> None:
    async def work(store: JobStore) -> None:
        await store.save(_record("a"))
        await store.save(_record("a", stage=Stage.RUNNING))
        await store.save(_record("b"))
        await store.save_progress("a", {"lag_ms": 5})
        assert (await store.progress())["a"] == {"lag_ms": 5}
        found, _ = await store.load()
        assert {record.id: record.stage for record in found} == {"a": Stage.RUNNING, "b": Stage.PENDING}
        await store.remove("a")
        await store.remove("a")
        await store.remove("never there")
        found, _ = await store.load()
        assert [record.id for record in found] == ["b"]
        assert "a" not in await store.progress()

    _with_store(nats.url, work)


def test_a_report_is_as_new_as_the_last_note_that_it_holds(nats: NatsServer) -> None:
    async def work(store: JobStore) -> None:
        level = {"level": True, "lag_ms": 0, "reported_at": 5.0, "current_until": 5.0}
        for job in "abc":
            await store.save_progress(job, level)
        await store.save_signs("this", {key_of("a"): (5.0, 9.0), key_of("b"): (4.0, 9.0)})
        await store.save_signs("that", {key_of("c"): (5.0, 11.0)})
        shown = await store.progress()
        assert shown == {
            "a": {**level, "reported_at": 9.0, "current_until": 9.0},
            "b": level,
            "c": {**level, "reported_at": 11.0, "current_until": 11.0},
        }

    _with_store(nats.url, work)


def test_the_index_never_goes_back_even_when_the_newest_job_is_removed(nats: NatsServer) -> None:
    async def work(store: JobStore) -> None:
        for number in range(1, 6):
            await store.save(_record(f"job {number}", modify_index=number))
        _, before = await store.load()
        await store.remove("job 5")
        _, after = await store.load()
        assert after >= before >= 5

    _with_store(nats.url, work)


def test_a_store_that_is_lost_while_in_use_is_written_again(nats: NatsServer) -> None:
    async def work(store: JobStore) -> None:
        await store.save(_record("a"))
        await store.save(_record("b"))
        nats.stop()
        shutil.rmtree(nats._folder / "jetstream")
        nats.start()
        await _until_it_answers(store.restore)
        found, _ = await store.load()
        assert {record.id for record in found} == {"a", "b"}

    _with_store(nats.url, work)


def test_a_reader_of_a_store_that_is_not_complete_is_told_to_come_again(nats: NatsServer) -> None:
    async def work() -> None:
        owner = await JobStore.open(nats.url, "owner", KEYS, owner=True)
        reader = await JobStore.open(nats.url, "reader", KEYS)
        try:
            with pytest.raises(Transient):
                await reader.load()
            await owner.load()
            await owner.save(_record("a"))
            found, _ = await reader.load()
            assert [record.id for record in found] == ["a"]
        finally:
            await owner.close()
            await reader.close()

    asyncio.run(asyncio.wait_for(work(), 30))


def test_a_reader_follows_what_is_changed_removed_and_lost(nats: NatsServer) -> None:
    async def run() -> None:
        owner = await JobStore.open(nats.url, "owner", KEYS, owner=True)
        await owner.load()
        reader = await JobStore.open(nats.url, "reader", KEYS)
        gone = (
            Evaluation(id="e", job_id="b", job_type="synchronous", triggered_by=Trigger.DEREGISTER, modify_index=50),
        )

        async def seen() -> dict[str, int]:
            records, _ = await reader.load()
            return {record.id: record.modify_index for record in records}

        for number, job_id in enumerate(("a", "b", "c"), 1):
            await owner.save(_record(job_id, modify_index=number))
        assert await seen() == {"a": 1, "b": 2, "c": 3}
        kept = {record.id: record for record in (await reader.load())[0]}
        await owner.save(_record("a", modify_index=4))
        await owner.save(_record("a", modify_index=5))
        await owner.save_gone(gone)
        await owner.remove("b")
        assert await seen() == {"a": 5, "c": 3}
        records, index = await reader.load()
        assert next(record for record in records if record.id == "c") is kept["c"], "not made again"
        assert index >= 50 and await reader.gone() == gone
        await owner._context.delete_stream("KV_udup_jobs")
        await owner.restore()
        await _until_it_answers(reader.load)
        assert await seen() == {"a": 5, "c": 3} and await reader.gone() == gone
        for store in (reader, owner):
            await store.close()

    asyncio.run(asyncio.wait_for(run(), 30))


def test_a_roll_back_to_this_version_and_forth_again_loses_nothing_of_a_newer_one(nats: NatsServer) -> None:
    """What a newer version has stored: one job with more fields, one with words that are unknown here, and more."""
    more, words = newer_record("more"), {**newer_record("words"), "stage": "rewinding"}
    gone = [{"id": "e", "triggered_by": "job-moved"}, {**_gone().model_dump(mode="json"), "new_field": 1}]
    stored = {key_of("more"): more, key_of("words"): words, "gone": gone, "node.1": {"id": "1"}}

    async def newer(store: JobStore) -> None:
        await store.load()
        bucket = await store._context.key_value("udup_jobs")
        for key, value in stored.items():
            job_id = value["id"] if isinstance(value, dict) else ""
            await bucket.put(key, json.dumps(KEYS.seal(job_id, value)).encode())
        await bucket.put("0" * 16, b"damaged")

    async def this(store: JobStore) -> None:
        before = dict((await store._jobs()).values)
        records = {record.id: record for record in (await store.load())[0]}
        assert [job_id for job_id, record in records.items() if isinstance(record, UnreadRecord)] == ["words", "0" * 16]
        await store.save(records["more"].model_copy(update={"stage": Stage.PAUSED}))
        await store.save_gone([*(await store.gone()), _gone()])
        await store.remove("0" * 16)
        after = (await store._jobs()).values
        assert {key for key in before if after.get(key) != before[key]} == {
            key_of("more"),
            "gone",
            "0" * 16,
            "complete",
        }
        await store._context.delete_stream("KV_udup_jobs")
        await _until_it_answers(store.restore)

    async def newer_again(store: JobStore) -> None:
        values = (await store._jobs()).values
        found = {key: json.loads(values[key]) for key in stored}
        opened = {
            key: KEYS.open(value["id"], value) if isinstance(value, dict) else value for key, value in found.items()
        }
        assert opened[key_of("more")] == {**more, "stage": "paused"}
        assert opened[key_of("words")] == words and opened["node.1"] == {"id": "1"}
        assert opened["gone"] == [*gone, _gone().model_dump(mode="json")]

    for version in (newer, this, newer_again):
        _with_store(nats.url, version)


def _gone() -> Evaluation:
    return Evaluation(id="g", job_id="b", job_type="synchronous", triggered_by=Trigger.DEREGISTER, modify_index=50)


def test_two_servers_on_one_store_overwrite_nothing_of_each_other(nats: NatsServer) -> None:
    async def run() -> None:
        this = await JobStore.open(nats.url, "this", KEYS, owner=True, writer="this")
        await this.load()
        for job_id in ("a", "b"):
            await this.save(_record(job_id))
        other = await JobStore.open(nats.url, "other", KEYS, owner=True, writer="other")
        await other.load()
        theirs = _record("a", stage=Stage.PAUSED)
        await other.save(theirs)
        await other.remove("b")
        for call in (lambda: this.save(_record("a", stage=Stage.RUNNING)), lambda: this.remove("a")):
            with pytest.raises(Refused, match=r"job a was written by another .* two Udup servers use one job store"):
                await call()
        with pytest.raises(Refused, match="job b was removed by another"):
            await this.save(_record("b", stage=Stage.RUNNING))
        await this.save(theirs)
        await other.save_gone([_gone()])
        mine = _gone().model_copy(update={"id": "mine"})
        await this.save_gone([mine])
        assert (await other.load())[0] == [theirs] and await other.gone() == (_gone(), mine)
        await this.save(_record("c"))
        assert {record.id for record in (await this.load())[0]} == {"a", "c"}
        for store in (this, other):
            await store.close()

    asyncio.run(asyncio.wait_for(run(), 30))


def test_indexes_are_of_the_store_the_same_for_all_who_read_and_never_go_back(nats: NatsServer) -> None:
    """Whoever writes beside, whatever is lost, and also where an earlier version counted otherwise."""

    def at(record: JobRecord, position: int) -> JobRecord:
        return placed(record, 1, position)

    def ordered_now(job_id: str) -> JobRecord:
        return _record(job_id, modify_index=ordered(1), create_index=ordered(1))

    async def run() -> None:
        this = await JobStore.open(nats.url, "this", KEYS, owner=True, writer="this")
        other = await JobStore.open(nats.url, "other", KEYS, owner=True, writer="other")
        reader = await JobStore.open(nats.url, "reader", KEYS)
        assert [(await store.load())[1] for store in (this, other, reader)] == [5, 5, 5]
        positions = [
            await store.save(ordered_now(name), at) for store, name in ((this, "a"), (other, "b"), (this, "c"))
        ]
        assert positions == [2, 3, 4]
        records, index = await reader.load()
        assert {each.id: each.modify_index for each in records} == {"a": 6, "b": 8, "c": 10} and index == 11
        assert all(each.create_index == each.modify_index for each in records)
        for store in (this, other):
            await store.close()
        this = await JobStore.open(nats.url, "this", KEYS, owner=True, writer="this again")
        assert (await this.load())[1] == index
        await this._context.delete_stream("KV_udup_jobs")
        await this.restore()
        after, lost = await reader.load()
        assert sorted(after, key=lambda each: each.id) == sorted(records, key=lambda each: each.id) and lost >= index
        bucket = await this._context.key_value("udup_jobs")
        await bucket.put(key_of("a"), this._sealed(_record("a", modify_index=1000)))
        assert (await reader.load())[1] == 1000
        later = await JobStore.open(nats.url, "later", KEYS, owner=True, writer="later")
        assert 1000 <= (await later.load())[1] <= 1003
        position = await later.save(ordered_now("a"), at)
        records, index = await reader.load()
        assert index == last_index(position) > 1000
        assert next(each for each in records if each.id == "a").modify_index == index - 1
        for store in (this, later, reader):
            await store.close()

    asyncio.run(asyncio.wait_for(run(), 30))


async def _batches(store: JobStore, *, seq: int = 1) -> list[Message]:
    return await BatchReader(store._client, "KV_udup_jobs", "$KV.udup_jobs.>", 4.0).read(seq)


def test_a_bucket_that_an_earlier_version_made_is_read_singly_until_its_owner_opens_it(nats: NatsServer) -> None:
    async def run() -> None:
        reader = await JobStore.open(nats.url, "reader", KEYS)
        bucket = await reader._context.create_key_value(KeyValueConfig(bucket="udup_jobs", history=1))
        for name in ("a", "b"):
            await bucket.put(key_of(name), reader._sealed(_record(name)))
        await bucket.put("complete", b"")
        with pytest.raises(NoBatches):
            await _batches(reader)
        before = {record.id: record for record in (await reader.load())[0]}
        owner = await JobStore.open(nats.url, "owner", KEYS, owner=True)
        assert {record.id for record in (await owner.load())[0]} == {"a", "b"} == before.keys()
        assert [message.subject for message in await _batches(reader)][:2] == [
            f"$KV.udup_jobs.{key_of(x)}" for x in "ab"
        ]
        await owner.save(_record("b", modify_index=7))
        after = {record.id: record for record in (await reader.load())[0]}
        assert after["a"] is before["a"] and after["b"].modify_index == 7
        for store in (reader, owner):
            await store.close()

    asyncio.run(asyncio.wait_for(run(), 30))


def test_more_than_one_answer_holds_is_read_in_several(nats: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """By number, and by bytes: a single message may be larger than an answer is to be."""

    async def work(store: JobStore) -> None:
        await store.load()
        for number in range(7):
            await store.save(JobRecord(id=str(number), document={"Name": "x" * (6000 if number == 3 else 10)}))
        for name, most in (("BATCH", 2), ("BATCH_BYTES", 4000)):
            with monkeypatch.context() as patch:
                patch.setattr(batch, name, most)
                assert len(await _batches(store)) == 8
                assert len(await _batches(store, seq=5)) == 4
        assert await _batches(store, seq=99) == []

    _with_store(nats.url, work)


def test_a_record_that_nats_never_takes_is_refused_and_others_are_stored(nats: NatsServer) -> None:
    async def work(store: JobStore) -> None:
        await store.load()
        large = JobRecord(id="large", document={"Name": "größe" * (store.max_bytes // 4)})
        with pytest.raises(Refused, match=r"NATS takes .* raise max_payload"):
            await store.save(large)
        fits = JobRecord(id="fits", document={"Name": "größe" * (store.max_bytes // 8)})
        await store.save(fits)
        tables = {f"s.{'t' * 60}{number}": {"rows": number} for number in range(store.max_bytes // 64)}
        await store.save_progress("fits", {"rows": 7, "tables": tables})
        await store.restore()
        found, _ = await store.load()
        assert found == [fits]
        assert await store.progress() == {"fits": {"rows": 7, "tables": None}}

    _with_store(nats.url, work)
