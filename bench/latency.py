"""How soon a commit on the source is visible on the target: the same probe for every contestant, idle and under load.

A probe is one row, committed on its own. The clock starts when the source has acknowledged the commit, and stops when
a second connection, which asks the target without pause, sees the row.
"""

from __future__ import annotations

import time
from statistics import quantiles

from bench.contestants import Contestant, Replica, Udup
from bench.results import Line, Result
from bench.servers import Bench, executed, pretend_copied, session
from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import Connection, query, scalar
from udup.sandbox import shop
from udup.sandbox.load import WriteLoad
from udup.verify.compare import compare

#: Rows of the shop that the load works on; it is filled on both sides by the same statements, not copied.
SHOP_ROWS = 20_000

#: Transactions a second of the load.
LOAD_RATE = 300.0

#: Seconds from one probe's arrival to the next probe.
PAUSE = 0.02

#: Seconds after which a probe counts as lost.
PROBE_DEADLINE = 30.0

#: Seconds for the target to be level at the start and after the load.
DEADLINE = 120.0

PROBE_TABLE = f"CREATE TABLE {shop.SCHEMA}.probe (id BIGINT PRIMARY KEY, at DATETIME(6))"


def run(bench: Bench) -> Result:
    probes = 100 if bench.quick else 500
    result = Result("latency", f"from commit on the source to the row on the target, {probes} probes each", "ms")
    replica = Replica()
    result.attempt(replica.name, lambda: _measure(bench, replica, probes))
    result.attempt(Udup.name, lambda: _measure_udup(bench, probes))
    return result


def prepare(endpoint: Endpoint) -> None:
    shop.fill(endpoint, SHOP_ROWS)
    with session(endpoint) as connection:
        query(connection, PROBE_TABLE)


def _measure_udup(bench: Bench, probes: int) -> list[Line]:
    with bench.node() as node:
        return _measure(bench, Udup(node), probes)


def _measure(bench: Bench, contestant: Contestant, probes: int) -> list[Line]:
    with bench.server(f"source-{contestant.key}") as source, bench.server(f"target-{contestant.key}") as target:
        prepare(source.endpoint)
        prepare(target.endpoint)
        base = executed(source.endpoint)
        pretend_copied(target.endpoint, base)
        contestant.start(source.endpoint, target.endpoint, base, [shop.SCHEMA])
        with session(source.endpoint) as writing, session(target.endpoint) as reading:
            probe(writing, reading, 0)
            idle = [probe(writing, reading, 1 + n) for n in range(probes)]
            with WriteLoad(source.endpoint, rate=LOAD_RATE) as load:
                time.sleep(1.0)  # the writers are connected and at their pace
                loaded = [probe(writing, reading, 1 + probes + n) for n in range(probes)]
            stats = load.stats
        contestant.wait_level(executed(source.endpoint), DEADLINE)
        disable_events(target.endpoint)
        verdict = compare(source.endpoint, target.endpoint, [shop.SCHEMA]).report()
    return [
        *_lines(contestant.name, "idle", idle, ""),
        *_lines(contestant.name, f"at {LOAD_RATE:.0f} tx/s", loaded, f"{stats.transactions} transactions; {verdict}"),
    ]


def probe(writing: Connection, reading: Connection, number: int) -> float:
    """Milliseconds of one probe."""
    query(writing, f"INSERT INTO {shop.SCHEMA}.probe VALUES ({number}, NOW(6))")
    began = time.perf_counter()
    asked = f"SELECT 1 FROM {shop.SCHEMA}.probe WHERE id = {number}"
    while scalar(reading, asked) is None:
        if time.perf_counter() - began > PROBE_DEADLINE:
            raise UdupError(f"probe {number} was not on the target after {PROBE_DEADLINE:.0f} s")
    seconds = time.perf_counter() - began
    time.sleep(PAUSE)
    return seconds * 1000


def _lines(contestant: str, what: str, milliseconds: list[float], detail: str) -> list[Line]:
    cuts = quantiles(milliseconds, n=100)
    return [
        Line(contestant, cuts[49], detail, f"{what}, p50"),
        Line(contestant, cuts[98], "", f"{what}, p99"),
    ]


def disable_events(endpoint: Endpoint) -> None:
    """As a copy leaves them on a target; here the shop was made there by itself."""
    with session(endpoint, shop.SCHEMA) as connection:
        query(connection, "ALTER EVENT expire_sessions DISABLE")
