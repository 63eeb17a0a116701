"""Asks the source again and again for its time and for what it has executed.

What the source has executed is asked for as well as read, so that what it does not send is known too. Heartbeats to the
target carry both, and a source that was reset is detected by them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from udup.base import runtime
from udup.base.errors import UdupError
from udup.pipeline.extract.counters import ExtractCounters
from udup.pipeline.extract.reset_guard import ResetGuard
from udup.pipeline.ports import Source, SourceClock
from udup.pipeline.records import Beat

#: Seconds between reports, each with a question to the source; and while nothing comes from it.
REPORT_SECONDS, IDLE_SECONDS = 1.0, 4.0

#: Seconds between looks whether an idle source has begun to send.
_LOOK_SECONDS = 0.5

#: Seconds without an answer that a copy is worth, and between two tries to ask on another connection.
COPY_PATIENCE_SECONDS, AGAIN_SECONDS = 120.0, 5.0

T = TypeVar("T")


class SourceWatch:
    """`run` asks, on threads of `pool`, and calls `report` after each answer; `beat` may be called on any thread.

    `needs_log`: the log after a copy will be read, so it is to be there.
    """

    def __init__(
        self,
        source: Source,
        counters: ExtractCounters,
        pool: runtime.Pool,
        report: Callable[[], None],
        *,
        needs_log: bool = True,
    ) -> None:
        self._source = source
        self._counters = counters
        self._pool = pool
        self._report = report
        self._needs_log = needs_log
        self._guard = ResetGuard()
        self._executed: str | None = None
        #: The position of the copy under way, after which the log will be read, if it will, when the target has all of
        #: it and has built its indexes; None while there is none.
        self.copy_position: str | None = None
        self._clock_offset_us = 0  # from the clock that this machine's owner does not set

    @property
    def executed(self) -> str | None:
        """Return what the source had executed when it was asked last; None until it has answered."""
        return self._executed

    def beat(self) -> Beat | None:
        """Return the source's time and what it has executed, None while that is not known."""
        executed = self._executed
        return None if executed is None else Beat(runtime.now_us() + self._clock_offset_us, executed)

    async def run(self) -> None:
        """Ask until cancelled.

        Raise `Unsupported` when the source has forgotten what this job has read from it, `Refused` when it has purged
        what the job will read when its copy has ended. A source that does not answer ends the run; while rows are
        copied, only when it has not answered on other connections either, for long.
        """
        clock: SourceClock | None = await self._in_thread(self._source.open_clock)
        answered_at = runtime.now()
        try:
            amount = self._counters.amount
            while True:
                try:
                    if clock is None:
                        clock = await self._in_thread(self._source.open_clock)
                    await self._ask(clock)
                    if self._needs_log and (position := self.copy_position) is not None:
                        await self._in_thread(clock.check_kept, position)
                except UdupError as error:
                    if not self._is_worth_another_try(error, answered_at):
                        raise
                    if clock is not None:
                        clock.close()
                    clock = None
                    await asyncio.sleep(AGAIN_SECONDS)
                    continue
                answered_at = runtime.now()
                self._report()
                if self._executed is not None:
                    self._guard.check(self._source.position(self._executed), self._counters.extracted)
                end = runtime.now() + IDLE_SECONDS
                await asyncio.sleep(REPORT_SECONDS)
                while self._counters.amount == amount and runtime.now() < end:
                    await asyncio.sleep(_LOOK_SECONDS)
                amount = self._counters.amount
        finally:
            if clock is not None:
                clock.close()

    def _is_worth_another_try(self, error: UdupError, answered_at: float) -> bool:
        """Return whether the clock is to be opened once more: the rows that were copied would be copied again."""
        is_copying = self.copy_position is not None
        return is_copying and error.kind.passes and runtime.now() - answered_at < COPY_PATIENCE_SECONDS

    async def _in_thread(self, function: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *args)

    async def _ask(self, clock: SourceClock) -> None:
        before = runtime.now_us()
        source_us, executed = await self._in_thread(clock.read)
        self._clock_offset_us = source_us - (before + runtime.now_us()) // 2
        self._executed = executed
