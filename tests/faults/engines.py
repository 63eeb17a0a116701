"""A job carried out by the engines themselves, in one event loop, between two servers and a NATS behind proxies.

What the supervisor does otherwise, in a few lines: a look at the source, workers when the applier wants them, the
extractor when the target is ready; whatever fails ends all of them, and the next run begins.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from udup.base.endpoint import Endpoint
from udup.base.errors import Conflict, Failure, UdupError
from udup.drivers.mysql.client.connection import connect, query, scalar
from udup.drivers.mysql.source import MySQLSource
from udup.drivers.mysql.target import MySQLTarget
from udup.pipeline.apply.applier import Applier
from udup.pipeline.apply.crew import Seat
from udup.pipeline.apply.readiness import Staff, TargetReady
from udup.pipeline.apply.settings import ApplierSettings, WorkerSettings
from udup.pipeline.apply.worker import Worker
from udup.pipeline.extract.extractor import Extractor
from udup.pipeline.extract.settings import ExtractorSettings
from udup.pipeline.ownership import Owner
from udup.pipeline.ports import End, Scope
from udup.pipeline.selection.selection import Selection
from udup.pipeline.transport.flow import Windows

#: Seconds for one run, and for a job to come to its end; runs that it may need: one that fails, one or two more.
RUN_SECONDS, RUNS = 60.0, 4

#: A run that has ended by itself says so; one that hangs is an error of its own.
Ended = list[BaseException]


class HangsError(Exception):
    """A run has neither failed nor come to its end in time."""


@dataclass
class Job:
    """`source` and `target` as the engines see them; `look_at` are the servers themselves."""

    source: Endpoint
    target: Endpoint
    look_at: tuple[Endpoint, Endpoint]
    nats_url: str
    schema: str
    name: str = "job"
    workers: int = 2
    numbers: int = 0
    ended: Ended = field(default_factory=list)

    @property
    def selection(self) -> Selection:
        return Selection.of([(self.schema, [])])

    def is_level(self) -> bool:
        """Return whether the target's checkpoint has all that the source has executed."""
        with closing(connect(self.look_at[0])) as connection:
            wanted = MySQLSource(self.look_at[0]).position(str(scalar(connection, "SELECT @@global.gtid_executed")))
        found = MySQLTarget(self.look_at[1]).executed(self.name)
        return found is not None and wanted <= found

    def rows(self, side: int) -> dict[str, list[Any]]:
        """Return the rows of all tables on the source (0) or the target (1)."""
        with closing(connect(self.look_at[side])) as connection:
            tables = [
                row[0] for row in query(connection, f"SHOW FULL TABLES FROM {self.schema} WHERE Table_type <> 'VIEW'")
            ]
            return {name: sorted(query(connection, f"SELECT * FROM {self.schema}.{name}"), key=repr) for name in tables}

    async def come_to_the_end(self, meanwhile: Callable[[], None] | None = None) -> None:
        """Run until level, again after every failure that is one of Udup's. Whatever else ends a run is raised.

        `meanwhile` is done once, beside the first run that follows the log.
        """
        serial = False
        wanted = [] if meanwhile is None else [meanwhile]
        for _ in range(RUNS):
            try:
                await self._run(serial, wanted)
                return
            except UdupError as error:
                self.ended.append(error)
                serial = isinstance(error, Conflict)
        raise AssertionError(f"does not come to an end: {[f'{type(each).__name__}: {each}' for each in self.ended]}")

    async def _run(self, serial: bool, wanted: list[Callable[[], None]]) -> None:
        self.numbers += 1
        run = self.numbers
        source, target = MySQLSource(self.source), MySQLTarget(self.target)
        tasks: list[asyncio.Future[None]] = []
        failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def begin(engine: Coroutine[Any, Any, None], *, is_worker: bool = False) -> asyncio.Future[None]:
            task = asyncio.ensure_future(engine)
            tasks.append(task)
            task.add_done_callback(told_applier if is_worker else told)
            return task

        def told(task: asyncio.Future[None]) -> None:
            if not task.cancelled() and not failed.done() and (error := task.exception()) is not None:
                failed.set_exception(error)

        def told_applier(task: asyncio.Future[None]) -> None:
            if not task.cancelled() and (error := task.exception()) is not None:
                if not isinstance(error, UdupError):
                    told(task)
                applier.worker_failed(Failure.of(error))

        crew: dict[Seat, asyncio.Future[None]] = {}

        def on_told(event: Staff | TargetReady) -> None:
            if isinstance(event, Staff):
                for seat in [seat for seat in crew if seat not in event.seats]:
                    crew.pop(seat).cancel()
                for seat in [seat for seat in event.seats if seat not in crew]:
                    end = End("MySQL", self.target)
                    work = WorkerSettings(self.nats_url, self.name, run, seat.slot, seat.number, end)
                    crew[seat] = begin(Worker(work, target).run(), is_worker=True)
            else:
                begin(Extractor(self._extractor(run, event), source, lambda _: None).run())

        await asyncio.to_thread(source.look, Scope(self.selection))
        applier = Applier(self._applier(run, serial), target, on_told, lambda _: None)
        begin(applier.run())
        try:
            async with asyncio.timeout(RUN_SECONDS):
                await self._until_level(failed, wanted)
        except TimeoutError as error:
            raise HangsError(f"run {run} of {self.name}: ended before: {self.ended}") from error
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if failed.done():
                failed.exception()

    async def _until_level(self, failed: asyncio.Future[None], wanted: list[Callable[[], None]]) -> None:
        while True:
            if failed.done():
                failed.result()
            if await asyncio.to_thread(self.is_level):
                if not wanted:
                    return
                await asyncio.to_thread(wanted.pop())
            await asyncio.wait({failed}, timeout=0.05)

    def _applier(self, run: int, serial: bool) -> ApplierSettings:
        return ApplierSettings(
            nats_url=self.nats_url,
            job=self.name,
            run=run,
            end=End("MySQL", self.target),
            workers=self.workers,
            owner=Owner(f"token-{self.name}", "the test", by_force=True),
            selection=self.selection,
            start_after=None,
            drop_existing=False,
            window_messages=64,
            serial=serial,
        )

    def _extractor(self, run: int, event: TargetReady) -> ExtractorSettings:
        return ExtractorSettings(
            nats_url=self.nats_url,
            job=self.name,
            run=run,
            end=End("MySQL", self.source),
            scope=Scope(self.selection),
            start_after=event.start_after,
            stamps=event.stamps,
            source_uuid=event.source_uuid,
            prepared=event.prepared,
            workers=self.workers,
            windows=Windows.of(16 << 20, self.workers),
            window_messages=64,
            message_bytes=20_000,
            chunk_rows=40,
        )


def through(endpoint: Endpoint, port: int) -> Endpoint:
    """Return the same server behind a proxy."""
    return replace(endpoint, port=port)
