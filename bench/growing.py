"""How far a job's own tables are behind while new ones are copied, followed and joined to it (docs/jobs.md).

The shop is written to at 300 transactions a second all the time. A probe is a row of it, as in `latency`: from its
commit on the source until the target shows it. Both the copy's work and the moment at which the job's run ends and
another takes the new tables in fall upon these probes. Behind that the job gets another document, by which its run ends
as well: what that costs on the same machine in the same minute is what the join is to be measured against.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from bench.contestants import Udup
from bench.latency import DEADLINE, LOAD_RATE, disable_events, prepare, probe
from bench.results import Line, Result
from bench.servers import WORKERS, Bench, executed, pretend_copied, session
from udup.base.endpoint import Endpoint
from udup.drivers.mysql.client.connection import Connection, query
from udup.sandbox import shop
from udup.sandbox.api import Json, job_document
from udup.sandbox.load import WriteLoad
from udup.verify.compare import compare

SCHEMA = "arriving"

#: Rows of the new table, and seconds in which the job has its own tables alone.
ROWS, BEFORE_SECONDS = 200_000, 10.0

#: Seconds between looks whether the tables have come: to ask costs the node something.
LOOK_SECONDS = 0.5

#: What the lag of the old tables is to stay below, in milliseconds.
WANTED_MS = 2000.0

_FILL = (
    f"INSERT INTO {SCHEMA}.event (at, kind, told) WITH RECURSIVE n (n) AS"
    " (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 10000)"
    " SELECT NOW(6), n % 7, REPEAT(SHA2(n, 256), 2) FROM n"
)


def run(bench: Bench) -> Result:
    rows = bench.rows or (ROWS // 10 if bench.quick else ROWS)
    title = f"a job at {LOAD_RATE:.0f} tx/s gets a table of {rows:,} rows: how late its own tables are"
    result = Result("growing", f"{title}; wanted below {WANTED_MS:.0f} ms", "ms")
    result.attempt(Udup.name, lambda: _measure(bench, rows))
    return result


def _measure(bench: Bench, rows: int) -> list[Line]:
    with bench.node() as node, bench.server("source") as source, bench.server("target") as target:
        for endpoint in (source.endpoint, target.endpoint):
            prepare(endpoint)
        base = executed(source.endpoint)
        pretend_copied(target.endpoint, base)
        _fill(source.endpoint, rows)
        udup = Udup(node)
        udup.start(source.endpoint, target.endpoint, base, [shop.SCHEMA])
        with session(source.endpoint) as writing, session(target.endpoint) as reading:
            probes = _Probes(writing, reading)
            probes.until(lambda: True)
            with WriteLoad(source.endpoint, rate=LOAD_RATE) as load:
                end = time.monotonic() + BEFORE_SECONDS
                alone = probes.until(lambda: time.monotonic() > end)
                began, written = time.monotonic(), load.stats.transactions
                node.post_job(_wider(udup, source.endpoint, target.endpoint, base))
                grown = probes.until(lambda: node.job(udup.job_id)["Growing"] is None)
                seconds = time.monotonic() - began
                written = load.stats.transactions - written
                again = time.monotonic() + BEFORE_SECONDS
                node.post_job(_wider(udup, source.endpoint, target.endpoint, base, workers=WORKERS + 1))
                changed = probes.until(lambda: time.monotonic() > again)
        udup.wait_level(executed(source.endpoint), DEADLINE)
        disable_events(target.endpoint)
        verdict = compare(source.endpoint, target.endpoint, [shop.SCHEMA, SCHEMA]).report()
    told = f"{len(grown)} probes; joined after {seconds:.1f} s; {written / seconds:.0f} tx/s reached; {verdict}"
    return [
        *_lines("before", alone, f"{len(alone)} probes"),
        *_lines("while tables come", grown, told),
        *_lines("with another document", changed, f"{len(changed)} probes"),
    ]


def _fill(source: Endpoint, rows: int) -> None:
    """A new table, which the job does not have yet."""
    with session(source) as connection:
        query(connection, f"CREATE DATABASE {SCHEMA}")
        columns = "id BIGINT AUTO_INCREMENT PRIMARY KEY, at DATETIME(6), kind INT, told VARCHAR(200), KEY (kind, at)"
        query(connection, f"CREATE TABLE {SCHEMA}.event ({columns})")
    with session(source, SCHEMA) as connection:
        query(connection, "SET SESSION cte_max_recursion_depth = 20000")
        for _ in range(rows // 10_000):
            query(connection, _FILL)


def _wider(udup: Udup, source: Endpoint, target: Endpoint, base: str, workers: int = WORKERS) -> Json:
    made = job_document("bench", source, target, [shop.SCHEMA, SCHEMA], gtid=base, workers=workers)
    return {**made, "ID": udup.job_id}


class _Probes:
    """Probes one after the other; `until` looks now and then whether to end."""

    def __init__(self, writing: Connection, reading: Connection) -> None:
        self._writing, self._reading = writing, reading
        self._number = 0

    def until(self, ended: Callable[[], bool]) -> list[float]:
        """Return the milliseconds of each, one at least."""
        found: list[float] = []
        looked = time.monotonic()
        while True:
            found.append(probe(self._writing, self._reading, self._number))
            self._number += 1
            if time.monotonic() - looked > LOOK_SECONDS:
                looked = time.monotonic()
                if ended():
                    return found


def _lines(what: str, milliseconds: list[float], detail: str) -> list[Line]:
    ordered = sorted(milliseconds)
    at = {"p50": len(ordered) // 2, "p99": len(ordered) * 99 // 100, "longest": len(ordered) - 1}
    return [Line(Udup.name, ordered[at[name]], detail if name == "longest" else "", f"{what}, {name}") for name in at]
