"""One run of a job in one event loop: the real engines over fake servers and a network in memory.

What a supervisor does otherwise, in a few lines: workers begin when the applier wants them, the extractor when the
target is ready, and whatever fails ends all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from tests.pipeline.memory_link import Network
from udup.base.errors import Failure, Transient, UdupError
from udup.drivers.fake.checkpoint import JobRows
from udup.drivers.fake.drivers import end_of
from udup.drivers.fake.faults import Gate
from udup.drivers.fake.position import FakePosition
from udup.drivers.fake.replay import rows_at, tables_at
from udup.drivers.fake.server import FakeServer
from udup.drivers.fake.source import FakeSource
from udup.drivers.fake.source_log import Writing
from udup.drivers.fake.target import FakeTarget
from udup.pipeline.apply.applier import Applier
from udup.pipeline.apply.crew import Seat
from udup.pipeline.apply.progress import ApplyProgress
from udup.pipeline.apply.readiness import Staff, TargetReady
from udup.pipeline.apply.settings import ApplierSettings, WorkerSettings
from udup.pipeline.apply.worker import Worker
from udup.pipeline.extract.extractor import Extractor
from udup.pipeline.extract.progress import ExtractProgress
from udup.pipeline.extract.settings import ExtractorSettings
from udup.pipeline.ownership import Owner, TableName
from udup.pipeline.ports import Scope
from udup.pipeline.positions import AheadNotes
from udup.pipeline.selection.selection import Selection
from udup.pipeline.start_note import JobStart
from udup.pipeline.transport.flow import Windows
from udup.pipeline.transport.link import Link

#: Tables of the source.
T, U = ("s", "t"), ("s", "u")

#: Seconds that a run may take at most, on whatever machine.
_DEADLINE = 20.0


@dataclass
class Machine:
    """A job between two servers. `run` is one attempt; the servers stay between attempts."""

    source: FakeServer
    target: FakeServer
    network: Network
    job: str = "job"
    workers: int = 2
    window_messages: int = 64
    window_bytes: int | None = None
    message_bytes: int = 2000
    serial: bool = False
    drop_existing: bool = False
    start_after: str | None = None
    copy_alone: bool = False
    selection: Selection = field(default_factory=Selection)
    owner: Owner = field(default_factory=lambda: Owner("token", "the owner"))
    runs: int = 0
    applied: list[ApplyProgress] = field(default_factory=list)
    extracted: list[ExtractProgress] = field(default_factory=list)
    begun_after: list[str | None] = field(default_factory=list)  # of each run
    applier: Applier | None = None
    extractor: Extractor | None = None
    crew: dict[Seat, asyncio.Future[None]] = field(default_factory=dict)  # of the run
    most_workers: int = 0

    # ---- What writers do on the source ----

    def insert(self, *keys: str, table: TableName = T, zone: str = "UTC") -> int:
        """Commit a transaction of new rows; return its number."""
        return self._write(Writing.insert, keys, table, zone)

    def update(self, *keys: str, table: TableName = T, zone: str = "UTC") -> int:
        """The same of rows that are there."""
        return self._write(Writing.update, keys, table, zone)

    def _write(
        self, change: Callable[[Writing, TableName, str], object], keys: tuple[str, ...], table: TableName, zone: str
    ) -> int:
        def fill(writing: Writing) -> None:
            for key in keys:
                change(writing, table, key)

        return self.source.log.write(fill, context={"time_zone": zone})

    # ---- What is there ----

    def position(self) -> FakePosition:
        """Return what the checkpoint and the definitions that were run say to be in the target."""
        rows = self.target.jobs.rows.get(self.job)
        if rows is None or rows.is_copying:
            return FakePosition()
        position = rows.position()
        for own, gtid in self.target.statements_run.items():
            if own.startswith(f"{rows.mark}:"):
                position.update(FakePosition.parse(gtid))
        return position

    def is_level(self) -> bool:
        """Return whether everything of the source's log that is the job's is in the target, and noted."""
        with self.target.changed:
            rows = self.target.jobs.rows.get(self.job)
            return rows is not None and not rows.is_copying and self.source.log.executed <= rows.position()

    def look(self) -> None:
        """Raise if the target's rows are not the source's at the checkpoint's position."""
        rows = self.target.jobs.rows.get(self.job)
        if rows is None or rows.is_copying:
            return
        expected = rows_at(list(self.source.log.entries), self.position(), self.selection, rows.ahead)
        found = {name: dict(table.rows) for name, table in sorted(self.target.tables.items())}
        if self.job in self.target.jobs.notes:  # rows of tables that undo nothing may be there already
            for name in [name for name in found if not self.target.tables[name].transactional]:
                del found[name]
                expected.pop(name, None)
        assert found == expected, f"at {self.position()} the target has {found}, the source had {expected}"

    def begin_with(self, executed: FakePosition, notes: AheadNotes) -> None:
        """Have the target begin at a position, and have more of some tables: what a copy or another job has left."""
        rows = JobRows(1 << 40, str(executed), "mark", 0, self.selection.digest, source_uuid=self.source.uuid)
        rows.began, rows.ahead = JobStart(self.job).note, notes.merged(executed)
        self.target.jobs.rows[self.job] = rows
        self.target.tables.update(tables_at(list(self.source.log.entries), executed, self.selection, notes))

    def is_same(self) -> bool:
        """Return whether both servers have the same rows."""
        return self.target.all_rows() == self.source.all_rows()

    # ---- A run ----

    async def run_to_the_end(self, times: int = 5, *, until: Callable[[], bool] | None = None) -> list[UdupError]:
        """Run until all is in the target, again after whatever is worth it; return what has ended the runs before."""
        ended: list[UdupError] = []
        for _ in range(times):
            try:
                await self.run(until)
                return ended
            except Transient as error:
                ended.append(error)
        raise AssertionError(f"does not come to an end: {ended}")

    async def run_that_is_cut(self) -> None:
        """Run until something ends it, which is to be `Transient`, and then once more until all is in the target."""
        with pytest.raises(Transient):
            await self.run(lambda: False)
        await self.run()

    async def caught_up(self) -> None:
        """Wait, beside a run, until all is in the target."""
        async with asyncio.timeout(_DEADLINE):
            while not self.is_level():
                await asyncio.sleep(0.005)

    async def reached(self, gate: Gate) -> None:
        """Wait, beside a run, until a held call stands at its gate."""
        async with asyncio.timeout(_DEADLINE):
            while not gate.is_reached:
                await asyncio.sleep(0.002)

    async def run(self, until: Callable[[], bool] | None = None) -> None:
        """Run until a condition holds, by default until all is in the target; raise what ends the run before."""
        self.runs += 1
        self.crew = {}
        until = until or self.is_level
        tasks: list[asyncio.Future[None]] = []
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def begin(engine: Applier | Worker | Extractor) -> asyncio.Future[None]:
            task = asyncio.ensure_future(engine.run())
            tasks.append(task)
            task.add_done_callback(self._worker_ends if isinstance(engine, Worker) else self._ends(ended))
            return task

        def on_told(event: Staff | TargetReady) -> None:
            if isinstance(event, Staff):
                self.crew_of_run(event, lambda seat: begin(Worker(self._worker(seat), FakeTarget(self.target))))
            else:
                self.begun_after.append(event.start_after)
                self.extractor = Extractor(self._extractor(event), FakeSource(self.source), self.extracted.append)
                begin(self.extractor)

        self.applier = Applier(self._applier(), FakeTarget(self.target), on_told, self.applied.append)
        begin(self.applier)
        try:
            await self._wait(until, ended)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if ended.done() and not ended.cancelled():
                ended.exception()

    def _worker_ends(self, task: asyncio.Future[None]) -> None:
        """The applier is told, and says what it means, as it is by the actor of the worker."""
        if not task.cancelled() and (error := task.exception()) is not None and self.applier is not None:
            self.applier.worker_failed(Failure.of(error))

    def _ends(self, ended: asyncio.Future[None]) -> Callable[[asyncio.Future[None]], None]:
        def end(task: asyncio.Future[None]) -> None:
            if task.cancelled() or ended.done():
                return
            if (error := task.exception()) is not None:
                ended.set_exception(error)
            else:
                ended.set_result(None)

        return end

    @staticmethod
    async def _wait(until: Callable[[], bool], ended: asyncio.Future[None]) -> None:
        async with asyncio.timeout(_DEADLINE):
            while not until():
                if ended.done():
                    ended.result()
                    return
                await asyncio.sleep(0.002)

    def drain(self) -> None:
        assert self.applier is not None
        self.applier.drain()

    def _applier(self) -> ApplierSettings:
        return ApplierSettings(
            "",
            self.job,
            self.runs,
            end_of(self.target),
            self.workers,
            self.owner,
            self.selection,
            self.start_after,
            self.drop_existing,
            self.window_messages,
            serial=self.serial,
        )

    def crew_of_run(self, staff: Staff, begin: Callable[[Seat], asyncio.Future[None]]) -> None:
        """Have just these workers, as a supervisor has."""
        for seat in [seat for seat in self.crew if seat not in staff.seats]:
            self.crew.pop(seat).cancel()
        for seat in staff.seats:
            if seat not in self.crew:
                self.crew[seat] = begin(seat)
        self.most_workers = max(self.most_workers, len(self.crew))

    def _worker(self, seat: Seat) -> WorkerSettings:
        return WorkerSettings("", self.job, self.runs, seat.slot, seat.number, end_of(self.target))

    def _extractor(self, ready: TargetReady) -> ExtractorSettings:
        return ExtractorSettings(
            "",
            self.job,
            self.runs,
            end_of(self.source),
            Scope(self.selection),
            ready.start_after,
            self.workers,
            Windows.of(8 << 20, self.workers)
            if self.window_bytes is None
            else Windows(self.window_bytes, self.window_bytes),
            self.window_messages,
            self.message_bytes,
            stamps=ready.stamps,
            source_uuid=ready.source_uuid,
            ahead=ready.ahead,
            prepared=ready.prepared,
            copied=ready.copied,
            copy_alone=self.copy_alone,
        )


@contextmanager
def in_memory(network: Network) -> Iterator[None]:
    """Have the engines take this network for NATS."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Link, "open", network.open)
        yield
