"""A wait for an event that is bounded: what wakes a quiet engine is what happens, and a timer only if nothing does."""

from __future__ import annotations

import asyncio
from contextlib import suppress


async def set_within(event: asyncio.Event, seconds: float) -> bool:
    """Return whether the event is set, at once when it is, after so many seconds if it is not."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            return await event.wait()
    return False
