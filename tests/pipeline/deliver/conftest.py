"""A subscription whose source has two tables."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.pipeline.deliver.machine import Subscription, T, U
from tests.pipeline.machine import in_memory
from tests.pipeline.memory_link import Network
from udup.drivers.fake.messages import FakeSink
from udup.drivers.fake.server import FakeServer, Settings
from udup.pipeline.deliver import deliverer


@pytest.fixture
def subscription(monkeypatch: pytest.MonkeyPatch) -> Iterator[Subscription]:
    monkeypatch.setattr(deliverer, "PLACE_SECONDS", 0.05)
    monkeypatch.setattr(deliverer, "PLACE_AT_REST_SECONDS", 0.05)
    source = FakeServer("alpha", Settings(part_bytes=2000, beat_s=0.05, chunk_rows=10, piece_bytes=200))
    made = Subscription(source, FakeSink(), Network())
    source.log.create(T)
    source.log.create(U)
    with in_memory(made.network):
        yield made
