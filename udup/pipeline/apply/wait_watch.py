"""Looks into what the target's side waits for, once that lasts: the server is asked, on a connection of its own.

A wait is noticed here (a statement under way, an order that a worker has not carried out, a copy in which nothing
moves), and the server is asked rarely, and only while it lasts: a job that is well asks nothing, and while nothing is
under way nobody looks.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from udup.base import logs, runtime
from udup.base.errors import Side
from udup.pipeline.apply.lag import Lag
from udup.pipeline.apply.open_orders import OpenOrders
from udup.pipeline.apply.progress import WaitReport
from udup.pipeline.ports import TargetControl
from udup.pipeline.waits import TOLD_SECONDS, SessionWait, Wait, WaitKind, Waits, explained

#: Seconds that a wait must last until the server is asked for its reason; between two questions, at first and at most:
#: a wait that goes on for hours has one reason, and its server may be in trouble.
ASKED_SECONDS, AGAIN_SECONDS, LONGEST_AGAIN_SECONDS = 3.0, 6.0, 60.0

#: Seconds without a word of the source until that is told. It says every few seconds that there is nothing.
SILENT_SECONDS = 10.0

#: Seconds between looks whether anything waits.
_LOOK_SECONDS = 1.0


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        [ended] = await asyncio.gather(task, return_exceptions=True)
        if isinstance(ended, Exception):  # what is shown of waits is no reason to end a run
            logs.logger("applier").error("waits_not_looked_at", exc_info=ended)


def telling(
    shown: Callable[[], Wait | None], report: Callable[[WaitReport], None]
) -> AbstractAsyncContextManager[None]:
    """Report what a run waits for that has not begun yet, and so has no other progress to tell."""

    async def tell() -> None:
        told = None
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            wait = shown()
            if wait != told:
                report(WaitReport(wait))
                told = wait

    return _beside(tell())


class WaitWatch:
    """`run` beside the run; `shown` is what is told.

    `moved` counts what a copy has loaded, None while there is none.
    """

    def __init__(
        self, control: TargetControl, waits: Waits, orders: OpenOrders, lag: Lag, moved: Callable[[], int | None]
    ) -> None:
        self._control = control
        self._waits = waits
        self._orders = orders
        self._lag = lag
        self._moved = moved
        self._moved_to: int | None = None
        self._moved_at = runtime.now()
        self._sessions: tuple[SessionWait, ...] = ()
        self._begun = asyncio.Event()

    def begun(self) -> None:
        """Look, in the event loop, for as long as anything is under way: something is from now on."""
        self._begun.set()

    def running(self) -> AbstractAsyncContextManager[None]:
        """Look, for as long as this is entered."""
        return _beside(self.run())

    def telling(self, report: Callable[[WaitReport], None]) -> AbstractAsyncContextManager[None]:
        """Report what a run waits for that has not begun yet."""
        return telling(lambda: self.shown(TOLD_SECONDS), report)

    async def run(self) -> None:
        """Look until cancelled."""
        asked_at: float | None = None
        asked_of: float | None = None  # since when what was asked about has lasted
        pause = AGAIN_SECONDS
        while True:
            if not self._is_at_work:
                await self._begun.wait()
            self._begun.clear()
            await asyncio.sleep(_LOOK_SECONDS)
            if not self._is_waiting():
                self._sessions, asked_at = (), None
                continue
            longest = self._longest(ASKED_SECONDS)
            since = None if longest is None else longest.since
            is_other = asked_at is None or since != asked_of
            if is_other:
                pause = AGAIN_SECONDS
            if asked_at is None or runtime.now() - asked_at >= pause:
                pause, asked_of = pause if is_other else min(2 * pause, LONGEST_AGAIN_SECONDS), since
                self._sessions = await self._control.look_at_waits()
                asked_at = runtime.now()

    @property
    def _is_at_work(self) -> bool:
        return self._waits.any or self._orders.any or self._moved() is not None

    def _is_waiting(self) -> bool:
        return self._longest(ASKED_SECONDS) is not None or self._copy_stands()

    def _copy_stands(self) -> bool:
        moved = self._moved()
        if moved is None or moved != self._moved_to:
            self._moved_to, self._moved_at = moved, runtime.now()
        return moved is not None and runtime.now() - self._moved_at >= ASKED_SECONDS

    def _longest(self, seconds: float) -> Wait | None:
        found = [each for each in (self._waits.longest(seconds), self._orders.longest(seconds)) if each is not None]
        return min(found, key=lambda wait: wait.since, default=None)

    def shown(self, seconds: float) -> Wait | None:
        """Return what the run has been waiting for longest, None if nothing for so many seconds."""
        wait, copying = self._longest(seconds), self._moved() is not None
        if wait is not None or copying:
            return explained(wait, self._sessions)
        silent = self._lag.silent_ms
        if silent < SILENT_SECONDS * 1000:
            return None
        return Wait(WaitKind.SOURCE, Side.SOURCE, runtime.wall() - silent / 1000)
