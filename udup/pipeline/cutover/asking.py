"""Questions to servers, from threads: each has a time for its answer, so that one that is silent holds nothing up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from udup.base import runtime
from udup.base.errors import Unavailable

#: Seconds for a server's answer, to all questions of the check, and until all counters are raised: one that is silent
#: for longer is taken to be away.
ANSWER_SECONDS, CHECK_SECONDS, COUNTERS_SECONDS = 90.0, 600.0, 900.0

T = TypeVar("T")


async def ask(question: Callable[..., T], *args: Any, seconds: float = ANSWER_SECONDS) -> T:
    """Return what a server answers; `Unavailable` if it does not."""
    try:
        return await asyncio.wait_for(runtime.in_thread(question, *args), seconds)
    except TimeoutError as error:
        raise Unavailable(f"there is no answer within {seconds:g} s") from error
