"""The demo from beginning to end: servers, shop, job, load, screen, comparison."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console

from udup.base.errors import Transient, UdupError
from udup.cli.progress import Observer, View
from udup.cli.watch import Screen, open_screen
from udup.demo.ending import FAILED, ended
from udup.demo.kept import show_kept
from udup.demo.servers import MYSQL, DemoServers
from udup.demo.verdict import Numbers, show_verdict
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import connect
from udup.sandbox import shop
from udup.sandbox.api import ApiClient, job_document
from udup.sandbox.load import WriteLoad
from udup.verify.compare import Comparison, compare
from udup.verify.positions import executed

#: Seconds between two looks at the job.
POLL_SECONDS = 0.2

#: Seconds without any progress after which the demo gives up.
STALL_SECONDS = 120.0


def run_demo(
    keep: bool = False,
    rows: int = 300_000,
    seconds: float = 30.0,
    rate: float = 300.0,
    families: tuple[str, str] = (MYSQL, MYSQL),
    console: Console | None = None,
) -> int:
    """The demo with about `rows` rows, `seconds` of replication under `rate` transactions a second.

    `families` are the source's and the target's. Answers the exit status: 0 only if both sides are equal. With `keep`
    the servers stay. Must run in the main thread.
    """
    out = console or Console()
    return ended(out, lambda: _Demo(out, rows, seconds, rate, families).run(keep))


class _Demo:
    def __init__(self, console: Console, rows: int, seconds: float, rate: float, families: tuple[str, str]) -> None:
        self._console = console
        self._rows = rows
        self._seconds = seconds
        self._rate = rate
        self._families = families
        self._observer = Observer()

    def run(self, keep: bool) -> int:
        with DemoServers(self._say, self._families) as servers:
            self._say(f"filling the shop with {self._rows:,} rows")
            filled = shop.fill(servers.source, self._rows)
            self._say(f"filled: {filled:,} rows")
            job_id = servers.api.post_job(job_document("demo", servers.source, servers.target, [shop.SCHEMA]))
            self._say(f"job {job_id} posted; {self._rate:.0f} transactions a second are written from now on")
            comparison = self._replicate(servers, job_id)
            if keep:
                servers.keep()
                show_kept(self._console, servers, job_id)
        return 0 if comparison.equal else FAILED

    def _replicate(self, servers: DemoServers, job_id: str) -> Comparison:
        self._observer = Observer()
        with WriteLoad(servers.source, rate=self._rate) as load:
            watch = _Watch(servers.api, job_id, self._observer, lambda: load.stats.transactions)
            with open_screen(self._console) as screen:
                copied = watch.until(screen, lambda view: not view.copying)
                watch.until(screen, lambda view: view.stage == "running")
                end = time.monotonic() + self._seconds
                watch.until(screen, lambda view: time.monotonic() >= end)
                stats = load.stop()
                stopped = time.monotonic()
                watch.until(screen, _Level(servers, watch).reached)
        level = time.monotonic() - stopped
        self._say("comparing every table on both sides")
        comparison = compare(servers.source, servers.target, [shop.SCHEMA])
        numbers = Numbers(copied.rows, copied.seconds, level, stats)
        show_verdict(self._console, comparison, numbers, self._observer)
        return comparison

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


class _Watch:
    """Looks at the job and shows what it sees until something is true."""

    def __init__(self, api: ApiClient, job_id: str, observer: Observer, written: Callable[[], int]) -> None:
        self._api = api
        self._job_id = job_id
        self._observer = observer
        self._written = written
        self.applied = ""

    def until(self, screen: Screen, reached: Callable[[View], bool]) -> View:
        """The first view for which `reached` holds; `UdupError` if the job fails or nothing moves any more."""
        moved, before = time.monotonic(), None
        while True:
            try:
                job = self._api.job(self._job_id)
            except Transient as error:
                job = {"Stage": "pending", "Progress": {"last_error": str(error)}}
            view = self._observer.view(job, self._written())
            self.applied = str((job.get("Progress") or {}).get("applied_gtid") or "")
            screen.show(view)
            if view.stage == "failed":
                raise UdupError(f"the job failed: {view.last_error or job.get('StatusDescription')}")
            if reached(view):
                return view
            state = (view.stage, view.rows, self.applied)
            if state != before:
                moved, before = time.monotonic(), state
            elif time.monotonic() - moved > STALL_SECONDS:
                raise UdupError(f"the job has not moved for {STALL_SECONDS:.0f} s: {view.stage}, {view.last_error}")
            time.sleep(POLL_SECONDS)


class _Level:
    """Whether the target has everything that the source had when the writing was over."""

    def __init__(self, servers: DemoServers, watch: _Watch) -> None:
        self._watch = watch
        with connect(servers.source) as connection:
            self._wanted = executed(connection)

    def reached(self, _view: View) -> bool:
        return self._wanted <= GtidSet.parse(self._watch.applied)
