"""The target stands at a mark of the log while a comparison opens its snapshot there, a moment at most.

Nothing waits for a comparison that has died, or that wanted a mark of before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

#: Seconds that nothing is applied for a comparison, at most.
STAND_SECONDS = 2.0


class TargetMarks:
    """In the event loop."""

    def __init__(self) -> None:
        self._expected: dict[int, Callable[[], object]] = {}
        self._stands: tuple[int, asyncio.Event] | None = None

    def expect(self, number: int, reached: Callable[[], object]) -> None:
        """Have the target stand at the mark of this number, and call `reached` then. No other mark is waited for."""
        self._expected = {number: reached}

    def release(self, number: int) -> bool:
        """Go on; return whether the target has stood at this mark until now."""
        self._expected.pop(number, None)
        if self._stands is None or self._stands[0] != number:
            return False
        self._stands[1].set()
        self._stands = None
        return True

    async def stand(self, number: int) -> None:
        """Wait at a mark until it is released."""
        reached = self._expected.pop(number, None)
        if reached is None:
            return
        released = asyncio.Event()
        self._stands = number, released
        reached()
        try:
            async with asyncio.timeout(STAND_SECONDS):
                await released.wait()
        except TimeoutError:
            self._stands = None
