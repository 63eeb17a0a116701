"""The demo of a subscription: a shop's changes pass on the screen, and rebuild its tables, which are compared."""

from __future__ import annotations

import asyncio
import time
from statistics import quantiles

from rich.console import Console
from rich.table import Table

from udup.base.errors import UdupError
from udup.demo.ending import FAILED, ended
from udup.demo.events import Reader, open_reader
from udup.demo.feed import Feed
from udup.demo.kept import show_kept_subscription
from udup.demo.rebuilt import RebuiltShop, TableResult
from udup.demo.servers import MYSQL, DemoServers
from udup.drivers.mysql.client.connection import connect, scalar
from udup.sandbox import shop
from udup.sandbox.api import Json, subscription_document
from udup.sandbox.load import WriteLoad
from udup.sandbox.load_process import LoadStats

#: The job's name and the first part of its subjects, its stream, and who reads it.
JOB, STREAM, READER = "demo", "DEMO", "reader"

#: Seconds for the last events to come once the writing is over.
END_SECONDS = 60.0

#: Seconds between two looks at the job.
_POLL_SECONDS = 0.2


def run_subscribe_demo(
    keep: bool = False,
    rows: int = 30_000,
    seconds: float = 20.0,
    rate: float = 100.0,
    source: str = MYSQL,
    console: Console | None = None,
) -> int:
    """The demo with about `rows` rows, and `seconds` of changes at `rate` transactions a second; `source`: its family.

    Answers the exit status: 0 only if every rebuilt table is equal. With `keep` the servers stay. Must run in the main
    thread.
    """
    out = console or Console()
    return ended(out, lambda: _Demo(out, rows, seconds, rate, source).run(keep))


class _Demo:
    def __init__(self, console: Console, rows: int, seconds: float, rate: float, source: str) -> None:
        self._console = console
        self._rows = rows
        self._seconds = seconds
        self._rate = rate
        self._family = source
        self._delays_ms: list[float] = []

    def run(self, keep: bool) -> int:
        with DemoServers(self._say, (self._family, self._family), subscribe=True) as servers:
            self._say(f"filling the shop with {self._rows:,} rows")
            self._say(f"filled: {shop.fill(servers.source, self._rows):,} rows")
            document = subscription_document(JOB, servers.source, [shop.SCHEMA], JOB, STREAM)
            job_id = servers.api.post_job(document)
            self._say(f"subscription {job_id} posted: a snapshot first, then each change, into the stream {STREAM}")
            servers.api.wait_stage(job_id)
            consumer = servers.api.add_consumer(READER, [STREAM])
            rebuilt = RebuiltShop(servers.source, shop.SCHEMA)
            stats = asyncio.run(self._follow(servers, job_id, consumer, rebuilt))
            equal = self._verdict(rebuilt, stats)
            if keep:
                servers.keep()
                show_kept_subscription(self._console, servers, job_id, STREAM, consumer)
        return 0 if equal else FAILED

    async def _follow(self, servers: DemoServers, job_id: str, consumer: Json, rebuilt: RebuiltShop) -> LoadStats:
        feed = Feed(self._console, lambda table: rebuilt.tables[table].columns)
        async with open_reader(consumer["Address"], READER, consumer["Password"], STREAM) as reader:
            while await reader.waiting():
                await self._take(reader, rebuilt, feed)
            self._say(f"read {rebuilt.events.total():,} rows of the snapshot; a few of the changes, as they come:")
            with WriteLoad(servers.source, rate=self._rate) as load:
                end = time.monotonic() + self._seconds
                while time.monotonic() < end:
                    await self._take(reader, rebuilt, feed)
                stats = await asyncio.to_thread(load.stop)
            self._say("the writing is over")
            await self._last(servers, job_id, reader, rebuilt, feed)
        return stats

    async def _take(self, reader: Reader, rebuilt: RebuiltShop, feed: Feed) -> None:
        for event in await reader.events():
            rebuilt.take(event)
            if event.committed_us is not None:
                self._delays_ms.append(time.time() * 1000 - event.committed_us / 1000)
            feed.show(event)

    async def _last(self, servers: DemoServers, job_id: str, reader: Reader, rebuilt: RebuiltShop, feed: Feed) -> None:
        """Read until all is there that the source has executed by now."""
        end = time.monotonic() + END_SECONDS
        while not _is_delivered(servers, job_id):
            await self._take(reader, rebuilt, feed)
            if time.monotonic() > end:
                raise UdupError(f"not everything was delivered in {END_SECONDS:.0f} s: {servers.api.job(job_id)}")
            await asyncio.sleep(_POLL_SECONDS)
        while await reader.waiting():
            await self._take(reader, rebuilt, feed)

    def _verdict(self, rebuilt: RebuiltShop, stats: LoadStats) -> bool:
        self._say("comparing every table, rebuilt from the events alone, with SELECT on the source")
        results = rebuilt.compare()
        self._console.print(_table(results))
        written = f"{stats.transactions:,} transactions, {stats.rollbacks} rolled back"
        self._say(f"events: {sum(each.events for each in results):,}, each once and in order; written: {written}")
        if len(self._delays_ms) > 1:
            cuts = quantiles(self._delays_ms, n=100)
            self._say(
                f"from the source's commit to this consumer: median {cuts[49]:.0f} ms, 99 of 100 {cuts[98]:.0f} ms"
            )
        equal = all(each.equal for each in results)
        rows = sum(each.rebuilt for each in results)
        if equal:
            self._console.print(f"[bold green]EQUAL[/]: {len(results)} tables, {rows:,} rows", highlight=False)
        else:
            self._console.print("[bold red]NOT EQUAL[/]", highlight=False)
        return equal

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


def _is_delivered(servers: DemoServers, job_id: str) -> bool:
    """Return whether the sink's position has what the source has executed."""
    delivered = (servers.api.job(job_id).get("Progress") or {}).get("applied_gtid") or ""
    connection = connect(servers.source)
    try:
        return bool(scalar(connection, "SELECT GTID_SUBSET(@@GLOBAL.gtid_executed, %s)", str(delivered)))
    finally:
        connection.close()


def _table(results: list[TableResult]) -> Table:
    table = Table(title="tables rebuilt from the events alone, every value compared", title_justify="left")
    for title in ("table", "events", "rebuilt rows", "source rows", ""):
        table.add_column(title, justify="left" if title in ("table", "") else "right")
    for each in results:
        verdict = "equal" if each.equal else f"[bold red]NOT EQUAL: {each.wrong} rows[/]"
        table.add_row(each.name, f"{each.events:,}", f"{each.rebuilt:,}", f"{each.selected:,}", verdict)
    return table
