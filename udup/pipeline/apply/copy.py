"""A full copy on the target's side: make the tables, count the rows in, build what was left out, bring the objects.

The checkpoint is written when everything stands. Tables that an earlier try has brought whole are left alone. What each
step does to the target is the driver's (`CopyWriter`); here is their order, and what may run side by side.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from udup.base import runtime
from udup.base.causes import Cause, reason
from udup.base.errors import Divergence
from udup.pipeline.apply.copy_progress import CopyMeter, TableCopy
from udup.pipeline.apply.loaders import Loaders
from udup.pipeline.apply.progress import CopyProgress
from udup.pipeline.orders import ChunkLoaded, ExpectCopy
from udup.pipeline.ports import CopyWriter
from udup.pipeline.records import CopyEnd, CopyPlan, CopyTotals, StartRows

#: What to do when a table has not what was sent.
_COPY_AGAIN = "see that nobody else writes to it on the target, then resume the job: it is copied again"


class CopyRun:
    """`loaders` take the rows, `start_rows` tells the extractor to begin."""

    def __init__(
        self,
        writer: CopyWriter,
        plan: CopyPlan,
        workers: int,
        loaders: Loaders,
        start_rows: Callable[[StartRows], Awaitable[None]],
    ) -> None:
        self._writer = writer
        self._loaders = loaders
        self._start_rows = start_rows
        self._tables = [TableCopy(table) for table in plan.tables]
        self._pool = runtime.Pool(workers, "build")
        self._building: list[asyncio.Future[None]] = []
        self._loaded = asyncio.Event()
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._meter = CopyMeter(self._tables)
        self._phase = "tables"
        self._end: asyncio.Future[CopyEnd] = asyncio.get_running_loop().create_future()
        self.finished = False

    async def run(self) -> str:
        """Return by which notes the log is read when everything stands; the caller then writes the checkpoint."""
        plan = await self._in_thread(self._writer.make_tables)
        count = await self._loaders.begin(ExpectCopy(plan.instructions), [state.table for state in self._tables])
        self._phase = "rows"
        await self._start_rows(msgspec.structs.replace(plan.start, loaders=count))
        await self._or_failure(self._loaded.wait())
        await self._loaders.end()
        self._phase = "indexes"
        # One that fails has said so by `_built`; the others of a copy that is given up fail with nobody to ask them.
        await self._or_failure(asyncio.gather(*self._building, return_exceptions=True))
        self._phase = "foreign keys"
        await self._in_thread(self._writer.finish_tables)
        self._phase = "objects"
        await self._in_thread(self._writer.make_objects)
        await self._or_failure(asyncio.shield(self._end))
        self._phase = "done"
        self._pool.shutdown(wait=False)
        return self._end.result().ahead

    def abort(self) -> None:
        """End what is under way; no thread is left when it returns."""
        self._writer.abort()
        self._pool.shutdown(wait=True, cancel_futures=True)
        _looked_at(self._failure)

    async def _or_failure(self, awaitable: Awaitable[Any]) -> None:
        waited = asyncio.ensure_future(awaitable)
        await asyncio.wait({waited, self._failure}, return_when=asyncio.FIRST_COMPLETED)
        if self._failure.done():
            waited.cancel()
            waited.add_done_callback(_looked_at)
            self._failure.result()
        await waited

    async def _in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *args)

    # ---- What the extractor and the workers say ----

    def take(self, record: CopyTotals | CopyEnd) -> None:
        if isinstance(record, CopyTotals):
            self._tables[record.table].totals = record
            self._check(record.table)
        elif not self._end.done():
            self._end.set_result(record)
        self._check_all()

    def loaded(self, chunk: ChunkLoaded) -> None:
        self._tables[chunk.table].loaded(chunk.rows)
        self._check(chunk.table)
        self._check_all()

    def _check(self, number: int) -> None:
        """Have the indexes of a table built as soon as its rows are all there, beside the rows of others."""
        state = self._tables[number]
        if not state.complete or state.totals is None:
            return
        if state.rows != state.totals.rows:
            name = f"`{state.table.schema}`.`{state.table.name}`"
            told = f"{name}: {state.totals.rows} rows were read and {state.rows} loaded; {_COPY_AGAIN}"
            table = f"{state.table.schema}.{state.table.name}"
            self._fail(Divergence(told, table=table).because(reason(Cause.COPY_DIFFERS, {"table": table})))
            return
        building = asyncio.ensure_future(self._in_thread(self._writer.finish_table, number, state.totals))
        building.add_done_callback(self._built)
        self._building.append(building)

    def _built(self, building: asyncio.Future[None]) -> None:
        if not building.cancelled() and (error := building.exception()) is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """Tell the first failure at once, whatever is still on its way."""
        if not self._failure.done():
            self._failure.set_exception(error)

    def _check_all(self) -> None:
        if all(state.complete for state in self._tables):
            self._loaded.set()

    # ---- What is shown ----

    @property
    def rows_loaded(self) -> int:
        """Return how many rows are in the target, for looking whether anything moves."""
        return sum(state.rows for state in self._tables)

    @property
    def told(self) -> tuple[str, ...]:
        """What is to be known of what was made."""
        return tuple(self._writer.told)

    def progress(self) -> CopyProgress:
        return self._meter.progress(self._phase, self._writer.warnings, finished=self.finished)


def _looked_at(future: asyncio.Future[Any]) -> None:
    """Look at what a future has come to, so that asyncio logs nothing: something else has ended the run."""
    if future.done() and not future.cancelled():
        future.exception()
