"""Consumers of a node's own JetStream for the tests: connections by plain nats-py."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import nats
from nats.aio.client import Client

from udup.web.ports import ConsumerCredentials

#: Streams of the tests, and their subjects.
OWN, OTHER, LARGE = "SHOP1", "SHOP2", "UDUP_shop1_LARGE"
ROWS = 6

SECONDS = 20.0


def work_as(url: str, work: Callable[[Client], Awaitable[Any]], **options: Any) -> Any:
    """Do something with a connection."""

    async def connected() -> Any:
        async with client_of(url, **options) as client:
            return await work(client)

    return asyncio.run(asyncio.wait_for(connected(), SECONDS))


@contextlib.asynccontextmanager
async def client_of(url: str, **options: Any) -> AsyncIterator[Client]:
    async def quiet(_error: Exception) -> None:
        """Each call tells its own errors."""

    settings: dict[str, Any] = {"error_cb": quiet, "allow_reconnect": False, "max_reconnect_attempts": 0, **options}
    client = await nats.connect(url, **settings)
    try:
        yield client
    finally:
        await client.close()


def url_of(made: ConsumerCredentials) -> str:
    return made.address.replace("//", f"//{made.consumer.name}:{made.password}@")


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    end = time.monotonic() + SECONDS / 2
    while not await holds():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)
