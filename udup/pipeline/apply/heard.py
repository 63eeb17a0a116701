"""What the reports of both engines of the target's side have in common: what came from the source, and what it says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from udup.pipeline.apply.lag import Lag, Rate
from udup.pipeline.ports import Position
from udup.pipeline.records import Batch, Beat


class Heard:
    """`position` parses a position of the source."""

    def __init__(self, position: Callable[[str], Position]) -> None:
        self.lag = Lag()
        self._parse = position
        self._bytes = Rate()
        self._messages = 0
        self._source_executed: str | None = None  # until the source has said it; a new server's set is empty
        self._source_set = position("")
        self._caught_up = False
        self._changed = asyncio.Event()

    async def progress_changed(self, seconds: float) -> None:
        """Return when something has happened since the last time, or after so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        self._changed.clear()

    def received(self, batch: Batch, size: int) -> None:
        """Note a message of the log; one that holds heartbeats alone is not counted."""
        self.lag.heard()
        if any(not isinstance(record, Beat) for record in batch.records):
            self._messages += 1
            self._bytes.total += size
            self._changed.set()

    def beat(self, beat: Beat) -> None:
        """Note what the source says of its clock, and of what it has executed."""
        self.lag.beat(beat.source_us)
        if beat.executed != self._source_executed:
            self._source_executed, self._source_set = beat.executed, self._parse(beat.executed)
            self._changed.set()
        elif not self._caught_up:
            self._changed.set()
