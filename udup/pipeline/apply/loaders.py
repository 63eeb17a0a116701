"""Who loads the rows of a full copy: workers, as many as there is work for; what is small, DestApplier's own process.

A process, its connections and their ends cost more than a small copy itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from udup.base.errors import Failure, UdupError
from udup.pipeline.apply.crew import Crew
from udup.pipeline.apply.settings import ApplierSettings, WorkerSettings
from udup.pipeline.apply.worker import Worker
from udup.pipeline.orders import ExpectCopy
from udup.pipeline.ports import Target
from udup.pipeline.records import CopyTable

#: What one loader takes without another beside it, by the source's estimate: bytes of rows, and tables.
ONE_BYTES, ONE_TABLES = 8 << 20, 50


def loaders_for(tables: Collection[CopyTable], workers: int) -> int:
    """Return how many workers are to load these tables; 0: so little that it is loaded in this process."""
    size = sum(table.bytes_estimate for table in tables)
    if size <= ONE_BYTES and len(tables) <= ONE_TABLES:
        return 0
    return min(workers, max(size // ONE_BYTES, len(tables) // ONE_TABLES) + 1)


class Loaders:
    """`failed` is told what ended the one in this process."""

    def __init__(
        self, settings: ApplierSettings, target: Target, crew: Crew, failed: Callable[[Failure], None]
    ) -> None:
        self._settings = settings
        self._target = target
        self._crew = crew
        self._failed = failed
        self._here: asyncio.Task[None] | None = None

    async def begin(self, order: ExpectCopy, tables: Collection[CopyTable]) -> int:
        """Have loaders expect the rows of these tables; return how many they are when they listen."""
        count = loaders_for(tables, self._settings.workers)
        if count:
            self._crew.expect_copy(order, count)
        else:
            self._begin_here(order)
        await self._crew.all_open()
        return max(count, 1)

    def _begin_here(self, order: ExpectCopy) -> None:
        seat, settings = self._crew.expect_copy_here(order), self._settings
        work = WorkerSettings(
            settings.nats_url, settings.job, settings.run, seat.slot, seat.number, settings.end, loads_only=True
        )
        self._here = asyncio.create_task(Worker(work, self._target).run())
        self._here.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            self._failed(Failure.of(error) if isinstance(error, UdupError) else Failure.of_machine(error))

    async def end(self) -> None:
        """Note that all rows are loaded, or that the run is over."""
        self._crew.end_copy()
        if self._here is not None:
            self._here.cancel()
            await asyncio.gather(self._here, return_exceptions=True)
            self._here = None
