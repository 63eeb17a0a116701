"""A nats-server for the tests of a file, and sinks on it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drivers.messages.nats.small_sink import SmallSink
from udup.node.nats_server import NatsServer


@pytest.fixture(scope="module")
def nats(server_folder: Path) -> Iterator[NatsServer]:
    server = NatsServer(server_folder / f"sink-{uuid.uuid4().hex[:8]}", 0)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def sink(nats: NatsServer) -> SmallSink:
    """A job's sink with a prefix of the test's own."""
    return SmallSink(nats.url, f"p{uuid.uuid4().hex[:12]}")
