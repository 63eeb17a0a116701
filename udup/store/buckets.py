"""Buckets of JetStream: how one is made, by whoever may, and what says that NATS did not answer."""

from __future__ import annotations

import asyncio
from typing import Any

from nats.errors import Error as NatsError
from nats.js.api import KeyValueConfig, StorageType
from nats.js.client import JetStreamContext
from nats.js.errors import APIError

#: What is raised where NATS does not answer.
LOST = (NatsError, OSError, TimeoutError, asyncio.TimeoutError)


async def make_bucket(context: JetStreamContext, name: str, storage: StorageType, replicas: int = 1) -> Any:
    """Make a bucket that keeps one value of each key, and may be read in batches."""
    config = KeyValueConfig(bucket=name, history=1, storage=storage, direct=True, replicas=replicas)
    return await context.create_key_value(config)


async def allow_direct(context: JetStreamContext, info: Any) -> None:
    """Let a bucket be read in batches that an earlier version made; where that is refused it is read singly."""
    if info.config.allow_direct:
        return
    info.config.allow_direct = True
    try:
        await context.update_stream(info.config)
    except APIError:
        return
