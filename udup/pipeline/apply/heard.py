"""What the reports of both engines of the target's side have in common: what came from the source, and what it says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from udup.base import runtime
from udup.pipeline.apply.lag import Lag, Rate
from udup.pipeline.apply.progress import ApplyProgress
from udup.pipeline.ports import Position
from udup.pipeline.records import Batch, Beat
from udup.pipeline.within import set_within

#: Seconds between reports of progress; and while little happens.
REPORT_SECONDS, IDLE_SECONDS = 0.5, 2.0

#: Seconds by which a look comes after the moment from which on a server counts as silent.
_AFTER_SECONDS = 0.05


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
        self._has_news = False  # since the last report: more than heartbeats that say the same

    def wake(self) -> None:
        """Have the next report made soon: something has happened."""
        self._has_news = True
        self._changed.set()

    async def next_report(self, told: ApplyProgress, *, copying: bool = False) -> bool:
        """Return when it is time for the report after this one, and whether that would say the same.

        At rest nothing wakes this but what happens: a word of the source's side, which comes every few seconds, a
        question to the target that stays without an answer, or the moment from which on the source counts as silent.
        """
        if copying or not told.is_at_rest:
            await asyncio.sleep(REPORT_SECONDS)
            if not copying:
                await set_within(self._changed, IDLE_SECONDS)
                self._changed.clear()
            self._has_news = False
            return False
        began = runtime.now()
        happened = await set_within(self._changed, self.lag.silent_in + _AFTER_SECONDS)
        self._changed.clear()
        if (left := began + REPORT_SECONDS - runtime.now()) > 0:
            await asyncio.sleep(left)
        is_same, self._has_news = happened and not self._has_news, False
        return is_same

    def received(self, batch: Batch, size: int) -> bool:
        """Note a message of the log; one that holds heartbeats alone is not counted. Return whether it is one."""
        self.lag.heard()
        self._changed.set()
        if all(isinstance(record, Beat) for record in batch.records):
            return True
        self._has_news = True
        self._messages += 1
        self._bytes.total += size
        return False

    def beat(self, beat: Beat) -> None:
        """Note what the source says of its clock, and of what it has executed, or that it says nothing."""
        if beat.silent_us:
            self.lag.silent_for(beat.silent_us / 1e6)
            self._has_news = True
            return
        self.lag.beat(beat.source_us)
        if beat.executed != self._source_executed:
            self._source_executed, self._source_set = beat.executed, self._parse(beat.executed)
            self._has_news = True
