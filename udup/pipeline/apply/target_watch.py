"""Notices that the target is away, does not answer or takes no changes, also while a job has nothing to apply.

At rest it is asked on the control's own connection, and one question without an answer ends the run: nothing is lost.
While something is under way there (a copy, an index, DDL), a statement may take hours for a good reason: then it is
asked on another connection, and only whether it answers at all counts. That costs such a statement nothing: the
driver's own connection is watched by the driver, who gives it up sooner than is done here. A stall of a minute is told
(the lag grows, the job is not level) and ends nothing that would take long to be done again. A run that applies small
transactions costs nothing to begin again, so two questions without an answer end it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from udup.base import runtime
from udup.base.errors import Side, UdupError, Unavailable
from udup.pipeline.ports.tables import TableChange
from udup.pipeline.within import set_within

#: Seconds without a word from the target until it is asked: at rest, and while something is under way. At rest it may
#: be asked sooner by so many seconds, when the process is awake for something else.
REST_SECONDS, BUSY_SECONDS, SOONER_SECONDS = 6.5, 10.0, 2.0

#: Questions on another connection that must stay without an answer, one after the other, over how many seconds, and
#: seconds between two of them: more than a driver waits for on a connection that is under way.
APART_TRIES, APART_SECONDS, AGAIN_SECONDS = 9, 60.0, 5.0

#: The same for a run that has nothing under way which would take long to be done again.
SMALL_TRIES = 2

#: Seconds for the answer to a question, and to one on another connection: more than the driver gives itself.
ANSWER_SECONDS, APART_ANSWER_SECONDS = 15.0, 20.0

#: Seconds that a question may be open before the target counts as silent; one that has failed counts at once.
SILENT_SECONDS = 2.0

#: Seconds by which it is told later, so that it is told.
_AFTER_SECONDS = 0.05

#: Seconds between looks while something is under way.
_LOOK_SECONDS = 1.0


class WatchedTarget(Protocol):
    """What is asked of a target; see `TargetControl`."""

    async def check(self, *, apart: bool = False) -> None: ...

    async def advance(
        self, executed: str, definitions: int, stamps: str, source_uuid: str, changes: Sequence[TableChange] = ()
    ) -> None: ...


class TargetWatch:
    """`answered` is called whenever the target has carried something out; `on_silence` when it counts as silent."""

    def __init__(self, control: WatchedTarget, on_silence: Callable[[], None] = lambda: None) -> None:
        self._control = control
        self._on_silence = on_silence
        self._last_word = runtime.now()
        self._asked_at: float | None = None  # the first of the questions that were not answered yet
        self._failed = 0
        self._is_asking = False
        self._awake = asyncio.Event()

    def answered(self) -> None:
        """Note that the target has answered something just now."""
        self._last_word = runtime.now()
        self._asked_at = self._last_word if self._is_asking else None  # what is open may stay so
        self._failed = 0

    @property
    def silent_ms(self) -> int:
        """Return how long the target has answered nothing; 0 unless a question to it is open for long, or failed."""
        now = runtime.now()
        if self._asked_at is None or (now - self._asked_at < SILENT_SECONDS and not self._failed):
            return 0
        return int((now - self._last_word) * 1000)

    async def advance(
        self, executed: str, definitions: int, stamps: str, source_uuid: str, changes: Sequence[TableChange] = ()
    ) -> None:
        """Write the checkpoint's base row."""
        await self._control.advance(executed, definitions, stamps, source_uuid, changes)
        self.answered()

    async def run(self, is_at_rest: Callable[[], bool], does_long_work: Callable[[], bool]) -> None:
        """Ask until cancelled. Raise `Unavailable` when the target cannot be used.

        `is_at_rest`: nothing else is asked of it, so that a question waits behind nothing. `does_long_work`: what is
        under way would take long to be done again.
        """
        self.answered()
        while True:
            sooner = await self._pause(at_rest=is_at_rest())
            at_rest = is_at_rest()
            if runtime.now() - self._last_word < (REST_SECONDS - sooner if at_rest else BUSY_SECONDS):
                continue
            try:
                await self._ask(apart=not at_rest)
            except UdupError as error:
                if at_rest or not error.kind.passes or self._is_given_up(patient=does_long_work()):
                    raise

    def awake(self) -> None:
        """Ask now, in the event loop, if that is due in a moment: something else has woken this process."""
        if runtime.now() - self._last_word >= REST_SECONDS - SOONER_SECONDS:
            self._awake.set()

    async def _pause(self, *, at_rest: bool) -> float:
        """Return when it may be time to ask, and how much sooner than at the latest."""
        if self._failed or not at_rest:
            await asyncio.sleep(AGAIN_SECONDS if self._failed else _LOOK_SECONDS)
            return 0.0
        self._awake.clear()
        left = max(_LOOK_SECONDS, self._last_word + REST_SECONDS - runtime.now())
        return SOONER_SECONDS if await set_within(self._awake, left) else 0.0

    def _is_given_up(self, *, patient: bool) -> bool:
        """Note a question apart that nobody has answered; return whether that has been so for long enough."""
        self._failed += 1
        if self._asked_at is None:
            return False
        if not patient:
            return self._failed >= SMALL_TRIES
        return self._failed >= APART_TRIES and runtime.now() - self._asked_at >= APART_SECONDS

    async def _ask(self, *, apart: bool) -> None:
        self._is_asking = True
        if self._asked_at is None:
            self._asked_at = runtime.now()
        silent = asyncio.get_running_loop().call_later(SILENT_SECONDS + _AFTER_SECONDS, self._on_silence)
        try:
            async with asyncio.timeout(APART_ANSWER_SECONDS if apart else ANSWER_SECONDS):
                await self._control.check(apart=apart)
        except TimeoutError as error:
            text = f"the target has answered nothing for {runtime.now() - self._last_word:.0f} s"
            raise Unavailable(text).of(Side.TARGET) from error
        finally:
            self._is_asking = False
            silent.cancel()
        self.answered()
