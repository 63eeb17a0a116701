"""What the API reads: nothing is said of jobs before the store was read."""

from __future__ import annotations

from typing import Any

import pytest

from udup.base.errors import Transient
from udup.node import reads
from udup.node.reads import Reads
from udup.store.sealing import Keyring


class _Store:
    """Meets an error that nobody foresaw, the first time."""

    def __init__(self) -> None:
        self.loaded = 0

    async def load(self) -> tuple[list[Any], int]:
        self.loaded += 1
        if self.loaded == 1:
            raise ValueError("no JSON")
        return [], 7

    async def progress(self) -> dict[str, Any]:
        return {}

    async def gone(self) -> tuple[Any, ...]:
        return ()

    async def close(self) -> None:
        """Nothing is open."""


def test_after_a_look_that_failed_no_job_is_said_not_to_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    store = _Store()

    async def opened(*_: object) -> _Store:
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
