"""Waiting for a server that is away for a while, being restarted: what is watched goes on without being asked."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from udup.cli.client import Unreachable

#: Seconds that a server may be away: a node starts in some 5.
ABSENCE_SECONDS = 60.0

#: Seconds between two tries.
_PAUSE_SECONDS = 0.5

Answer = TypeVar("Answer")


def patiently(question: Callable[[], Answer], seconds: float = ABSENCE_SECONDS) -> Answer:
    """The answer to a question that changes nothing; `Unreachable` when nobody has answered in all that time."""
    end = time.monotonic() + seconds
    while True:
        try:
            return question()
        except Unreachable:
            if time.monotonic() >= end:
                raise
        time.sleep(_PAUSE_SECONDS)
