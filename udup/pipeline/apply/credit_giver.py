"""Tells the sender what of the log is done with: when it is much, or after a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from udup.pipeline.apply.credits import Credits
from udup.pipeline.records import Credit, encode
from udup.pipeline.transport.link import Link, Subjects

#: Seconds after which the sender is told of what is done with, even if it is little.
CREDIT_SECONDS = 0.2


class CreditGiver:
    """`hurry` is called in the event loop when what is `done` has waited for long: `give` is to be called then."""

    def __init__(self, done: Credits, hurry: Callable[[], None]) -> None:
        self._credits = done
        self._hurry = hurry
        self._timer: asyncio.TimerHandle | None = None
        self._is_late = False

    async def give(self, link: Link, subjects: Subjects) -> None:
        """Send a credit if one is due; else see that what is owed is not late."""
        number = self._credits.due(late=self._is_late)
        self._is_late = False
        if number is not None:
            await link.publish(subjects.upstream, encode(Credit("log", number)))
        elif self._credits.owed and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(CREDIT_SECONDS, self._be_late)

    def _be_late(self) -> None:
        self._timer = None
        self._is_late = True
        self._hurry()
