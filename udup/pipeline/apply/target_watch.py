"""Notices that the target is away, does not answer or takes no changes, also while a job has nothing to apply.

At rest it is asked on the control's own connection. While something is under way there, a statement may take hours for
a good reason: then it is asked on another connection, and only whether it answers at all counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from udup.base import runtime
from udup.base.errors import Side, Unavailable
from udup.pipeline.ports import TargetControl

#: Seconds without a word from the target until it is asked: at rest, and while something is under way.
REST_SECONDS, BUSY_SECONDS = 3.0, 10.0

#: Questions on another connection that must stay without an answer, one after the other: a server under load is slow.
_APART_TRIES = 2

#: Seconds for the answer to a question: more than the driver gives itself.
ANSWER_SECONDS = 15.0

#: Seconds that a question may be open before the target counts as silent.
SILENT_SECONDS = 2.0

_LOOK_SECONDS = 1.0


class TargetWatch:
    """`answered` is called whenever the target has carried something out."""

    def __init__(self, control: TargetControl) -> None:
        self._control = control
        self._last_word = runtime.now()
        self._asked_at: float | None = None

    def answered(self) -> None:
        """Note that the target has answered something just now."""
        self._last_word = runtime.now()

    @property
    def silent_ms(self) -> int:
        """Return how long the target has answered nothing; 0 unless a question to it is open for long."""
        now = runtime.now()
        if self._asked_at is None or now - self._asked_at < SILENT_SECONDS:
            return 0
        return int((now - self._last_word) * 1000)

    async def advance(self, executed: str, definitions: int, stamps: str, source_uuid: str) -> None:
        """Write the checkpoint's base row."""
        await self._control.advance(executed, definitions, stamps, source_uuid)
        self.answered()

    async def run(self, is_at_rest: Callable[[], bool]) -> None:
        """Ask until cancelled. Raise `Unavailable` when the target cannot be used.

        `is_at_rest`: nothing else is asked of it, so that a question waits behind nothing.
        """
        self.answered()
        failed = 0
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            at_rest = is_at_rest()
            if runtime.now() - self._last_word < (REST_SECONDS if at_rest else BUSY_SECONDS):
                failed = 0
                continue
            try:
                await self._ask(apart=not at_rest)
                failed = 0
            except Unavailable:
                failed += 1
                if at_rest or failed >= _APART_TRIES:
                    raise

    async def _ask(self, *, apart: bool) -> None:
        self._asked_at = runtime.now()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._control.check(apart=apart)
        except TimeoutError as error:
            text = f"the target has answered nothing for {runtime.now() - self._last_word:.0f} s"
            raise Unavailable(text).of(Side.TARGET) from error
        finally:
            self._asked_at = None
        self.answered()
