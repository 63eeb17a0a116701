"""A broker for all tests of a process, and others of a test's own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drivers.messages.kafka.broker import Broker


@pytest.fixture(scope="session")
def broker(server_folder: Path) -> Iterator[Broker]:
    """Shared: work below your own `prefix`, and leave it running."""
    broker = Broker(server_folder / f"kafka-{uuid.uuid4().hex[:8]}")
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture
def own_broker(server_folder: Path) -> Iterator[Broker]:
    """One that a test may kill. It is not started."""
    broker = Broker(server_folder / f"kafka-{uuid.uuid4().hex[:8]}")
    yield broker
    broker.kill()


@pytest.fixture
def prefix() -> str:
    return f"p{uuid.uuid4().hex[:10]}"
