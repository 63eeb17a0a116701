"""What the API reads: nothing is said of jobs before the store was read."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.newer_records import before_formats, newer_record
from udup.base.errors import Transient
from udup.jobs import DesiredState, JobRecord, Stage
from udup.jobs.unread import read_record
from udup.node import reads
from udup.node.reads import Reads
from udup.store.sealing import Keyring, load_keyring
from udup.store.snapshot import Snapshot, write_snapshot


class _Store:
    """Meets an error that nobody foresaw, the first time, or has these records."""

    def __init__(self, records: list[JobRecord] | None = None) -> None:
        self.loaded = 0
        self.records = records

    async def load(self) -> tuple[list[Any], int]:
        self.loaded += 1
        if self.records is not None:
            return self.records, 7
        if self.loaded == 1:
            raise ValueError("no JSON")
        return [], 7

    confirmed = None

    async def progress(self) -> dict[str, Any]:
        return {}

    async def gone(self) -> tuple[Any, ...]:
        return ()

    async def close(self) -> None:
        """Nothing is open."""


def test_after_a_look_that_failed_no_job_is_said_not_to_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    store = _Store()

    async def opened(*_: object, **_how: object) -> _Store:
        return store

    monkeypatch.setattr(reads.JobStore, "open", opened)
    monkeypatch.setattr(reads, "CACHE_SECONDS", 60.0)
    looked = Reads("nats://127.0.0.1:1", Keyring({}, ""))
    for _ in range(2):
        with pytest.raises(Transient, match="cannot be read: ValueError"):
            looked.job("one")
    assert store.loaded == 1, "of a moment"
    looked.forget()
    assert looked.jobs("") == ([], 7)
    looked.close()


def test_jobs_that_this_version_does_not_understand_are_shown_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """By their record, or by their document; they are not said to run."""
    understood = JobRecord.model_validate(before_formats("understood"))
    document = {**understood.document, "Type": "teleport"}
    other = understood.model_copy(update={"id": "document", "document": document})
    paused = other.model_copy(update={"id": "paused", "desired": DesiredState.PAUSE})
    record = read_record({**newer_record("record"), "stage": "rewinding"}, "key")
    store = _Store([understood, other, paused, record])

    async def opened(*_: object, **_how: object) -> _Store:
        return store

    monkeypatch.setattr(reads.JobStore, "open", opened)
    looked = Reads("nats://127.0.0.1:1", Keyring({}, ""))
    try:
        found = {each.id: each for each in looked.jobs("")[0]}
    finally:
        looked.close()
    assert {job_id: each.stage for job_id, each in found.items()} == {
        "understood": Stage.COPYING, "document": Stage.PENDING, "paused": Stage.COPYING, "record": Stage.PENDING,
    }  # fmt: skip
    assert not found["understood"].status_description and not found["paused"].status_description
    for job_id, why in (("document", "teleport"), ("record", "stage: ")):
        told = found[job_id].status_description
        assert "does not understand" in told and why in told and "The job is not carried out" in told


def test_until_the_store_is_read_what_the_node_knew_last_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keys = load_keyring(Path(), base64.b64encode(bytes(32)).decode())
    record = before_formats("known")
    file = tmp_path / "jobs.snapshot"
    values = {"0123456789abcdef": json.dumps(keys.seal("known", record)).encode()}
    write_snapshot(file, Snapshot("id", "", 0, 3, values))
    store = _Store([])
    away = True

    async def opened(*_: object, **_how: object) -> _Store:
        if away:
            raise Transient("cannot connect to NATS")
        return store

    monkeypatch.setattr(reads.JobStore, "open", opened)
    monkeypatch.setattr(reads, "CACHE_SECONDS", 0.0)
    looked = Reads("nats://127.0.0.1:1", keys, file)
    for _ in range(2):
        found, index = looked.jobs("")
        assert [each.id for each in found] == ["known"] and index == 9 > record["modify_index"]
    [problem] = looked.problems()
    assert problem.startswith("the job store has not been read yet")
    away = False
    assert looked.jobs("") == ([], 7) and looked.problems() == []
    store.records, store.loaded = None, 0
    with pytest.raises(Transient):
        looked.jobs("")  # it has been read: what was known before that is old
    looked.close()
    for damaged in (None, b"damaged"):
        file.unlink()
        if damaged is not None:
            file.write_bytes(damaged)
        away, looked = True, Reads("nats://127.0.0.1:1", keys, file)
        with pytest.raises(Transient, match="cannot connect"):
            looked.jobs("")
        looked.close()
        file.touch()
