"""A job whose source has two tables, and whose target's rows are looked at after each commit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.pipeline.machine import Machine, T, U, in_memory
from tests.pipeline.memory_link import Network
from udup.drivers.fake.server import FakeServer, Settings
from udup.pipeline.apply import applier, inline, loaders


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    monkeypatch.setattr(applier, "FLUSH_SECONDS", 0.05)
    source = FakeServer("alpha", Settings(part_bytes=2000, beat_s=0.05, chunk_rows=10, piece_bytes=200))
    machine = Machine(source, FakeServer("omega"), Network())
    machine.target.watch(machine.look)
    source.log.create(T)
    source.log.create(U)
    with in_memory(machine.network):
        yield machine


@pytest.fixture
def by_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is small enough for DestApplier itself."""
    monkeypatch.setattr(inline, "INLINE_BYTES", 0)
    monkeypatch.setattr(loaders, "loaders_for", lambda _tables, workers: workers)
