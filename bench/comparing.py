"""What a continuous comparison costs the source and replication: turns with it and without, one after the other.

In the turns of the first kind writers write at a rate, and probes measure how soon a commit is on the target
(`latency.py`); CPU is that of each process, in seconds a second. In those of the second kind some writers write as fast
as the source lets them.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import mean, quantiles

import httpx
import psutil

from bench.contestants import Udup
from bench.latency import DEADLINE, LOAD_RATE, PROBE_TABLE, probe
from bench.results import OURS, Line, Result
from bench.servers import Bench, executed, pretend_copied, session
from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import query
from udup.sandbox import shop
from udup.sandbox.load import WriteLoad
from udup.sandbox.node import UdupNode
from udup.sandbox.server import MysqlServer

#: Rows of the shop, seconds of a turn, and turns of each kind with and without.
ROWS, QUICK_ROWS, TURN_SECONDS, TURNS = 300_000, 30_000, 20.0, 4

#: A rate that no source keeps up with, and how many writers try.
FULL_RATE, WRITERS = 1_000_000.0, 4

COMPARING = f"{OURS}, comparing"

_ROLES = ("extractor", "applier", "worker", "verifier")


@dataclass
class _Turns:
    """What was measured, of all turns of one contestant."""

    lags: list[float] = field(default_factory=list)
    cpu: dict[str, list[float]] = field(default_factory=dict)
    rates: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class _Field:
    """Two servers and a job between them."""

    source: MysqlServer
    target: MysqlServer
    node: UdupNode
    udup: Udup
    probes: Iterator[int]

    def ask(self, method: str, **arguments: object) -> dict[str, object]:
        url = f"{self.node.url}/v1/job/{self.udup.job_id}/compare"
        answer = httpx.request(method, url, timeout=30, **arguments)  # type: ignore[arg-type]
        if answer.status_code != 200:
            raise UdupError(f"{method} {url}: {answer.text}")
        return dict(answer.json())

    @contextmanager
    def comparing(self, on: bool) -> Iterator[None]:
        """Compare all the time, or do not."""
        if not on:
            yield
            return
        self.ask("POST", json={"Continuous": True})
        try:
            end = time.monotonic() + DEADLINE
            while not self.ask("GET")["RowsCompared"]:
                if time.monotonic() > end:
                    raise UdupError(f"the comparison does not begin: {self.ask('GET')}")
                time.sleep(0.1)
            yield
            shown = self.ask("GET")
            if shown["Differences"] or shown["LastRoundDifferences"]:
                raise UdupError(f"the servers differ: {shown}")
        finally:
            self.ask("DELETE")

    def processes(self) -> dict[str, float]:
        """Return the CPU seconds of each kind of process until now."""
        pids = [("source", self.source.pid), ("target", self.target.pid)]
        pids += [(str(each["Role"]), int(each["Pid"])) for each in self.node.api.actors() if each["Role"] in _ROLES]
        found: dict[str, float] = {}
        for role, pid in pids:
            times = psutil.Process(pid).cpu_times()
            found[role] = found.get(role, 0.0) + times.user + times.system
        return found


def run(bench: Bench) -> Result:
    rows, seconds = (QUICK_ROWS, TURN_SECONDS / 2) if bench.quick else (ROWS, TURN_SECONDS)
    title = f"a continuous comparison of {rows} rows, {TURNS} turns of {seconds:.0f} s with it and without, in turn"
    result = Result("comparing", title, "see each")
    result.attempt(OURS, lambda: _measure(bench, rows, seconds))
    return result


def _measure(bench: Bench, rows: int, seconds: float) -> list[Line]:
    with bench.server("source") as source, bench.server("target") as target, bench.node() as node:
        for server in (source, target):
            shop.fill(server.endpoint, rows)
            with session(server.endpoint) as connection:
                query(connection, PROBE_TABLE)
        base = executed(source.endpoint)
        pretend_copied(target.endpoint, base)
        udup = Udup(node)
        udup.start(source.endpoint, target.endpoint, base, [shop.SCHEMA])
        found = _Field(source, target, node, udup, itertools.count())
        told = {False: _Turns(), True: _Turns()}
        for number in range(2 * TURNS):
            on = bool(number % 2)
            with found.comparing(on):
                _at_a_rate(found, told[on], seconds)
            udup.wait_level(executed(source.endpoint), DEADLINE)
            with found.comparing(on):
                _at_full_speed(found, told[on], seconds / 2)
            udup.wait_level(executed(source.endpoint), 10 * DEADLINE)
    return [*_lines(OURS, told[False]), *_lines(COMPARING, told[True])]


def _at_a_rate(found: _Field, told: _Turns, seconds: float) -> None:
    with (
        WriteLoad(found.source.endpoint, rate=LOAD_RATE),
        session(found.source.endpoint) as writing,
        session(found.target.endpoint) as reading,
    ):
        time.sleep(1.0)  # the writers are connected and at their pace
        before, began = found.processes(), time.monotonic()
        while time.monotonic() - began < seconds:
            told.lags.append(probe(writing, reading, next(found.probes)))
            time.sleep(0.05)
        passed = time.monotonic() - began
        for role, used in found.processes().items():
            told.cpu.setdefault(role, []).append((used - before.get(role, 0.0)) / passed)


def _at_full_speed(found: _Field, told: _Turns, seconds: float) -> None:
    with WriteLoad(found.source.endpoint, rate=FULL_RATE, writers=WRITERS) as load:
        time.sleep(1.0)
        before, began = load.stats.transactions, time.monotonic()
        time.sleep(seconds)
        told.rates.append((load.stats.transactions - before) / (time.monotonic() - began))


def _lines(contestant: str, turns: _Turns) -> list[Line]:
    cuts = quantiles(turns.lags, n=100)
    lines = [
        Line(contestant, cuts[49], f"{len(turns.lags)} probes", f"at {LOAD_RATE:.0f} tx/s, lag p50, ms"),
        Line(contestant, cuts[98], "", f"at {LOAD_RATE:.0f} tx/s, lag p99, ms"),
    ]
    for role in ("source", "target", *_ROLES):
        used = mean(turns.cpu.get(role, [0.0]))
        lines.append(Line(contestant, used * 1000, "", f"at {LOAD_RATE:.0f} tx/s, CPU of {role}, ms a second"))
    each = ", ".join(f"{rate:.0f}" for rate in turns.rates)
    lines.append(Line(contestant, 1e6 / mean(turns.rates), f"tx/s: {each}", f"{WRITERS} writers, µs a transaction"))
    return lines
