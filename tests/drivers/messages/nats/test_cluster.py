"""A stream that three servers keep: one of them is killed, whichever, and each event is there once and in order."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.drivers.messages.nats.numbered_writer import AGAIN, DONE, Writer
from tests.drivers.messages.nats.served import PATIENCE, Served, cluster
from tests.drivers.messages.nats.small_sink import SmallSink
from udup.base.errors import UdupError, Unavailable
from udup.drivers.messages.nats.connection import ApiError

pytestmark = pytest.mark.slow

LAST = 12_000


@pytest.fixture
def servers(server_folder: Path) -> Iterator[list[Served]]:
    made = cluster(server_folder / f"cluster-{uuid.uuid4().hex[:8]}")
    yield made
    for each in made:
        each.kill()


async def _info(sink: SmallSink) -> dict[str, Any]:
    """What is told of the stream, once somebody leads."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            async with sink.asked() as connection, asyncio.timeout(1):
                return await connection.ask(f"STREAM.INFO.{sink.sink().stream}")
        except ApiError:
            return {}  # there is none yet
        except (UdupError, TimeoutError):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)


def test_a_leader_and_a_follower_are_killed_in_the_middle(servers: list[Served]) -> None:
    url = ",".join(each.address for each in servers)
    sink, run, killed = SmallSink("", "shop", keys={"Url": url, "Replicas": 3}), 0, list[Served]()
    asyncio.run(_info(sink))
    for last in (LAST // 2, LAST):
        writer = Writer(sink, run := run + 1, last)
        _wait_for(sink, last - LAST // 3, writer)
        leader = int(asyncio.run(_info(sink))["cluster"]["leader"].removeprefix("n"))
        for each in killed:
            each.start()
        killed.append(servers[leader if not killed else (leader + 1) % 3])
        killed[-1].kill()
        deadline = time.monotonic() + PATIENCE
        while (code := writer.wait(PATIENCE)) != DONE:
            assert code == AGAIN and time.monotonic() < deadline, writer.said
            writer = Writer(sink, run := run + 1, last)
    assert _numbers(sink) == list(range(LAST))
    assert asyncio.run(_info(sink))["config"]["num_replicas"] == 3


def _numbers(sink: SmallSink) -> list[int]:
    """Return what is in the stream, as soon as the two servers that are left let it be read."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return asyncio.run(sink.numbers())
        except Unavailable:
            assert time.monotonic() < deadline


def _wait_for(sink: SmallSink, number: int, writer: Writer) -> None:
    """Return when the stream has had as many messages, or the writer has ended."""
    deadline = time.monotonic() + PATIENCE
    while writer.code is None:
        info = asyncio.run(_info(sink))
        if info and info["state"]["last_seq"] >= number:
            return
        assert time.monotonic() < deadline
        time.sleep(0.02)
