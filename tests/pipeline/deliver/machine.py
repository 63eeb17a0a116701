"""One run of a subscription in one event loop: the real engines between a fake source and a fake sink."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.pipeline.memory_link import Network
from udup.base.endpoint import Endpoint
from udup.base.errors import Transient, UdupError
from udup.drivers.fake.drivers import end_of
from udup.drivers.fake.messages import FakeDestination, FakeReader, FakeSink
from udup.drivers.fake.position import FakePosition
from udup.drivers.fake.server import FakeServer
from udup.drivers.fake.source import FakeSource
from udup.drivers.fake.source_log import Writing
from udup.pipeline.apply.progress import ApplyProgress
from udup.pipeline.apply.readiness import TargetReady
from udup.pipeline.apply.settings import ApplierSettings
from udup.pipeline.deliver.deliverer import Deliverer
from udup.pipeline.deliver.place import Place
from udup.pipeline.extract.extractor import Extractor
from udup.pipeline.extract.progress import ExtractProgress
from udup.pipeline.extract.settings import ExtractorSettings
from udup.pipeline.ownership import Owner, TableName
from udup.pipeline.ports import End, Scope
from udup.pipeline.ports.delivery import DeliveryPlan, Message
from udup.pipeline.selection.selection import Selection
from udup.pipeline.selection.sqlfilter import SqlFilter
from udup.pipeline.transport.flow import Windows

#: Tables of the source.
T, U = ("s", "t"), ("s", "u")

#: Seconds that a run may take at most, on whatever machine.
_DEADLINE = 20.0


@dataclass
class Subscription:
    """A job between a source and a sink. `run` is one attempt; both stay between attempts."""

    source: FakeServer
    sink: FakeSink
    network: Network
    start_after: str | None = ""
    selection: Selection = field(default_factory=Selection)
    sql_filter: SqlFilter = field(default_factory=SqlFilter)
    message_bytes: int = 2000
    incarnation: str = "one"
    wishes: tuple[tuple[int, tuple[str, ...]], ...] = ()
    runs: int = 0
    told: list[ApplyProgress] = field(default_factory=list)
    extracted: list[ExtractProgress] = field(default_factory=list)
    begun: list[TargetReady] = field(default_factory=list)  # of each run
    deliverer: Deliverer | None = None

    # ---- What writers do on the source ----

    def insert(self, *keys: str, table: TableName = T) -> int:
        """Commit a transaction of new rows; return its number."""

        def fill(writing: Writing) -> None:
            for key in keys:
                writing.insert(table, key)

        return self.source.log.write(fill)

    def update(self, *keys: str, table: TableName = T) -> int:
        """Commit a transaction that changes rows which are there."""

        def fill(writing: Writing) -> None:
            for key in keys:
                writing.update(table, key)

        return self.source.log.write(fill)

    # ---- What is there ----

    def position(self) -> FakePosition:
        text = self.sink.position
        return FakePosition() if text is None else Place.parse(text, FakePosition.parse).executed  # type: ignore[return-value]

    def is_level(self) -> bool:
        """Return whether the sink has everything of the source's log, and knows it."""
        with self.source.changed:
            return self.source.log.executed <= self.position()

    def rows(self, table: TableName = T) -> list[Message]:
        return [each for each in self.sink.messages if each.table == ".".join(table)]

    def ids(self) -> list[str]:
        return [each.id for each in self.sink.messages]

    # ---- A run ----

    async def run_to_the_end(self, times: int = 40, *, until: Callable[[], bool] | None = None) -> list[UdupError]:
        """Run until all is in the sink, again after whatever is worth it; return what has ended the runs before."""
        ended: list[UdupError] = []
        for _ in range(times):
            try:
                await self.run(until)
                return ended
            except Transient as error:
                ended.append(error)
        raise AssertionError(f"does not come to an end: {ended}")

    async def run(self, until: Callable[[], bool] | None = None) -> None:
        """Run until a condition holds, by default until all is in the sink; raise what ends the run before."""
        self.runs += 1
        until = until or self.is_level
        tasks: list[asyncio.Future[None]] = []

        def on_told(event: TargetReady) -> None:
            self.begun.append(event)
            extractor = Extractor(self._extractor(event), FakeSource(self.source), self.extracted.append)
            tasks.append(asyncio.ensure_future(extractor.run()))

        destination = FakeDestination(self.sink)
        self.deliverer = Deliverer(
            self._settings(), destination, FakeReader(), FakePosition.parse, on_told, self.told.append
        )
        tasks.append(asyncio.ensure_future(self.deliverer.run()))
        try:
            async with asyncio.timeout(_DEADLINE):
                while not until():
                    for task in list(tasks):
                        if task.done():
                            task.result()
                            return
                    await asyncio.sleep(0.002)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _settings(self) -> ApplierSettings:
        end = End("fake", Endpoint("sink", 0, "", ""), delivery=DeliveryPlan("prefix"))
        return ApplierSettings(
            "",
            "job",
            self.runs,
            end,
            1,
            Owner("token", "the owner"),
            self.selection,
            self.start_after,
            False,
            64,
            incarnation=self.incarnation,
            sql_filter=self.sql_filter,
        )

    def _extractor(self, ready: TargetReady) -> ExtractorSettings:
        return ExtractorSettings(
            "",
            "job",
            self.runs,
            end_of(self.source),
            Scope(self.selection),
            ready.start_after,
            1,
            Windows.of(8 << 20, 1),
            64,
            self.message_bytes,
            stamps=ready.stamps,
            source_uuid=ready.source_uuid,
            delivers=True,
            snapshot=ready.snapshot,
            snapshots=ready.snapshots,
            in_part=ready.in_part,
            wishes=self.wishes,
        )
