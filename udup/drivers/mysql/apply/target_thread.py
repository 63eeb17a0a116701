"""The one thread that uses DestApplier's own connection to the target, so that its statements follow each other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import Side
from udup.drivers.mysql.client.seam import seam

T = TypeVar("T")


class TargetThread:
    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._pool = runtime.Pool(1, "applier")

    async def run(self, function: Callable[[], T]) -> T:
        """Run it there, while the event loop stays free; MySQL's errors become Udup's."""
        with seam(Side.TARGET, self._endpoint):
            return await asyncio.get_running_loop().run_in_executor(self._pool, function)

    def end(self) -> None:
        """Wait for what runs, and end the thread."""
        self._pool.shutdown(wait=True, cancel_futures=True)
