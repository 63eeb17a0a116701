"""Source and target at two sites with a slow line between: a full copy, a backlog, and single commits.

Udup has a node at each site: what goes over the line goes from node to node. Beside it one node at the target's site,
and MySQL's own replica there, each connected to the source over the same line, with and without compression.
"""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from bench import backlog
from bench.contestants import Contestant, Replica, Udup
from bench.results import Line, Result
from bench.servers import WORKERS, Bench, executed, pretend_copied, session
from bench.slow_line import SlowLine
from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import query, scalar
from udup.jobs.words import Stage
from udup.sandbox.api import job_document
from udup.sandbox.node import UdupNode
from udup.sandbox.ports import free_port
from udup.store.sealing import KEY_BYTES
from udup.verify.compare import compare

#: The line: bits a second each way, and one way's delay; a round trip takes 50 ms.
MEGABITS, DELAY_S = 10.0, 0.025

SCHEMA = backlog.SCHEMA
ROWS, SMALL, PROBES = 150_000, 15_000, 60
DEADLINE = 300.0

_ROW = (
    "CONCAT('Customer ', n), CONCAT(n, ' ', ELT(1 + n % 5, 'Main', 'High', 'Station', 'Church', 'Mill'), ' Street'),"
    " ELT(1 + n % 4, 'Vienna', 'Graz', 'Linz', 'Salzburg'), LEFT(SHA2(n, 256), 32), RAND(n) * 10000,"
    " '2026-01-01' + INTERVAL n MINUTE"
)


def run(bench: Bench) -> Result:
    result = Result("wan", f"over {MEGABITS:.0f} Mbit/s with a round trip of {2000 * DELAY_S:.0f} ms", "s")
    for compression in ("zstd", "none"):
        name = Udup.name if compression == "zstd" else f"Udup, Compression {compression}"
        result.attempt(name, partial(_two_nodes, bench, name, compression))
    result.attempt("Udup, one node", partial(_one_node, bench, "Udup, one node at the target"))
    for algorithm in ("zstd", "uncompressed"):
        result.attempt(f"MySQL's replica, {algorithm}", partial(_replica, bench, algorithm))
    return result


def _sizes(bench: Bench) -> tuple[int, int, int]:
    return (ROWS // 5, SMALL // 5, PROBES // 2) if bench.quick else (ROWS, SMALL, PROBES)


def _fill(endpoint: Endpoint, rows: int) -> None:
    backlog.create(endpoint)
    with session(endpoint, SCHEMA) as connection:
        query(connection, f"SET cte_max_recursion_depth = {rows + 1}")
        query(
            connection,
            "CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR(60), street VARCHAR(80), city VARCHAR(40),"
            " token CHAR(32), balance DECIMAL(12, 2), since DATETIME, KEY (city))",
        )
        query(
            connection,
            "INSERT INTO customers WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers"
            f" WHERE n < {rows}) SELECT n, {_ROW} FROM numbers",
        )
        query(connection, "CREATE TABLE probe (id BIGINT PRIMARY KEY, at DATETIME(6))")


# ---- Udup ----


class _Pair(Udup):
    """The nodes of two sites; the job is asked for at the target's. `document` is changed by `more`."""

    def __init__(self, node: UdupNode, **more: Any) -> None:
        super().__init__(node)
        self.more = more

    def begin(self, source: Endpoint, target: Endpoint) -> None:
        self._target = target
        document = {**job_document("bench", source, target, [SCHEMA], workers=WORKERS), **self.more}
        if self.more:
            for task in document["Tasks"]:
                task["NodeName"] = task["Type"]
        self.job_id = self.node.post_job(document)

    def act(self, what: str) -> None:
        self.node.api._request("POST", f"/v1/job/{self.job_id}/{what}").raise_for_status()


@contextmanager
def _nodes(folder: Path) -> Iterator[tuple[UdupNode, SlowLine]]:
    """A manager at the target's site, an agent at the source's, and the line between them."""
    key = base64.b64encode(os.urandom(KEY_BYTES)).decode()
    leaf, routes = free_port(), free_port()

    def node(name: str, role: str, join: str, ports: str) -> UdupNode:
        cluster = f'role = "{role}"\nname = "bench"\nsecret = "a-secret-of-the-bench"\njoin = [{join}]'
        settings = f'[node]\nname = "{name}"\n\n[cluster]\n{cluster}\n\n[secrets]\nkey = "{key}"\n'
        return UdupNode(folder / name, settings=settings, ports=ports)

    with SlowLine(leaf, MEGABITS, DELAY_S) as line:
        manager = node("Dest", "manager", "", f"leaf = {leaf}\ncluster = {routes}\n")
        with manager, node("Src", "agent", f'"127.0.0.1:{line.port}"', ""):
            yield manager, line


def _two_nodes(bench: Bench, name: str, compression: str) -> list[Line]:
    folder = bench.folder / f"wan-{compression}"
    with (
        bench.server(f"source-{compression}") as source,
        bench.server(f"target-{compression}") as target,
        _nodes(folder) as (node, line),
    ):
        job = _Pair(node, Compression=compression)
        return _measure_udup(bench, name, job, source.endpoint, source.endpoint, target.endpoint, line)


def _one_node(bench: Bench, name: str) -> list[Line]:
    with (
        bench.server("source-one") as source,
        bench.server("target-one") as target,
        bench.node() as node,
        SlowLine(source.endpoint.port, MEGABITS, DELAY_S) as line,
    ):
        over = replace(source.endpoint, port=line.port)
        return _measure_udup(bench, name, _Pair(node), source.endpoint, over, target.endpoint, line)


def _measure_udup(
    bench: Bench, name: str, job: _Pair, source: Endpoint, over: Endpoint, target: Endpoint, line: SlowLine
) -> list[Line]:
    rows, small, probes = _sizes(bench)
    _fill(source, rows)
    before, began = _carried(line), time.monotonic()
    job.begin(over, target)
    job.wait_level(executed(source), DEADLINE)
    seconds = time.monotonic() - began
    size = _size(source)
    told = f"{rows / seconds:.0f} rows/s, {size / seconds / 1e6:.2f} MB/s of data; {_told(line, before)}"
    lines = [Line(name, seconds, told, f"copy of {rows} rows")]
    job.act("pause")
    job.node.wait_stage(job.job_id, (Stage.PAUSED,))
    backlog.write(source, small, 0, 0)
    before, began = _carried(line), time.monotonic()
    job.act("resume")
    return [*lines, *_follow(name, job, source, target, began, before, line, small, probes)]


def _follow(
    name: str, job: Contestant, source: Endpoint, target: Endpoint, began: float, before: int, line: SlowLine,
    small: int, probes: int,
) -> list[Line]:  # fmt: skip
    job.wait_level(executed(source), DEADLINE)
    seconds = time.monotonic() - began
    told = f"{small / seconds:.0f} tx/s; {_told(line, before)}"
    latency = _latency(source, target, probes)
    verdict = compare(source, target, [SCHEMA]).report()
    return [
        Line(name, seconds, told, f"backlog of {small} transactions"),
        Line(name, latency, verdict, "commit to row, p50"),
    ]


def _latency(source: Endpoint, target: Endpoint, probes: int) -> float:
    found = []
    with session(source, SCHEMA) as writing, session(target, SCHEMA) as reading:
        for number in range(1, probes + 1):
            query(writing, f"INSERT INTO probe VALUES ({number}, NOW(6))")
            began = time.monotonic()
            while scalar(reading, f"SELECT 1 FROM probe WHERE id = {number}") is None:
                if time.monotonic() - began > DEADLINE:
                    raise UdupError(f"probe {number} was not on the target after {DEADLINE:.0f} s")
                time.sleep(0.001)
            found.append(time.monotonic() - began)
            time.sleep(0.02)
    return median(found)


# ---- MySQL's replica ----


class _Compressed(Replica):
    def __init__(self, algorithm: str) -> None:
        self.algorithm = algorithm

    def start(self, source: Endpoint, target: Endpoint, base: str, schemas: Any) -> None:
        with session(target) as connection:
            query(connection, "CHANGE REPLICATION SOURCE TO SOURCE_COMPRESSION_ALGORITHMS = %s", self.algorithm)
        super().start(source, target, base, schemas)


def _replica(bench: Bench, algorithm: str) -> list[Line]:
    rows, small, probes = _sizes(bench)
    with bench.server(f"source-{algorithm}") as source, bench.server(f"target-{algorithm}") as target:
        for each in (source, target):
            _fill(each.endpoint, rows)  # it copies nothing by itself
        base = executed(source.endpoint)
        pretend_copied(target.endpoint, base)
        backlog.write(source.endpoint, small, 0, 0)
        with SlowLine(source.endpoint.port, MEGABITS, DELAY_S) as line:
            replica, began = _Compressed(algorithm), time.monotonic()
            replica.start(replace(source.endpoint, port=line.port), target.endpoint, base, [SCHEMA])
            name = f"MySQL's replica, {algorithm}"
            return _follow(name, replica, source.endpoint, target.endpoint, began, 0, line, small, probes)


# ---- Figures ----


def _carried(line: SlowLine) -> int:
    return line.there.carried + line.back.carried


def _told(line: SlowLine, before: int) -> str:
    return f"{(_carried(line) - before) / 1e6:.1f} MB over the line"


def _size(endpoint: Endpoint) -> int:
    with session(endpoint) as connection:
        query(connection, f"ANALYZE TABLE {SCHEMA}.customers")
        asked = "SELECT SUM(data_length) FROM information_schema.tables WHERE table_schema = %s"
        return int(scalar(connection, asked, SCHEMA) or 0)
