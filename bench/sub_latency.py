"""How soon a consumer has a change: from the commit's return on the source until the message came, at rest and busy.

Each transaction is one row. The consumer is a process of its own with an ordinary client. Both clocks are the same
machine's.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from statistics import quantiles
from threading import Thread

from bench.results import OURS, Line, Result
from bench.servers import Bench, session
from bench.subscribed import NAMED, JetStream, Kafka, Sink, Subscription, broker, wait
from udup.base.endpoint import Endpoint
from udup.drivers.mysql.client.connection import query
from udup.sandbox.node import UdupNode

SCHEMA = "sublatency"
TABLE = f"{SCHEMA}.probe"

#: Transactions a second, and connections that write them.
RATES = {"at rest (10 a second)": (10, 1), "at 300 tx/s": (300, 4)}

SECONDS, QUICK_SECONDS = 20.0, 6.0

#: Milliseconds of p50 into JetStream that are wanted at rest.
GOAL = 5.0


def run(bench: Bench) -> Result:
    result = Result("sublatency", "from a commit's return to the message at a consumer", "ms")
    with bench.server("source", **NAMED) as source, bench.node() as node, broker(bench.folder / "broker") as kafka:
        with session(source.endpoint) as connection:
            query(connection, f"CREATE DATABASE {SCHEMA}")
            query(connection, f"CREATE TABLE {TABLE} (id BIGINT PRIMARY KEY, at DATETIME(6), note VARCHAR(60))")
        sinks: tuple[Sink, ...] = (JetStream(node), Kafka(kafka))
        for sink in sinks:
            result.attempt(OURS, partial(_measure, bench, source.endpoint, node, sink))
    return result


def _measure(bench: Bench, source: Endpoint, node: UdupNode, sink: Sink) -> list[Line]:
    job = Subscription(node, source, SCHEMA, f"latency_{sink.name.lower()}", sink)
    with session(source) as connection:
        query(connection, f"TRUNCATE TABLE {TABLE}")
    job.post()
    with session(source) as connection:
        query(connection, f"INSERT INTO {TABLE} VALUES (0, NOW(6), 'first')")  # the topic is there then
    job.wait_level()
    lines, first = [], 1
    with _consumer(sink.consumer(job.job, TABLE)) as came:
        for what, (rate, writers) in RATES.items():
            count = int(rate * (QUICK_SECONDS if bench.quick else SECONDS))
            committed = _write(source, first, count, rate, writers)
            wait(partial(committed.keys().__le__, came.keys()), partial(_missing, committed, came))
            lines += _lines(sink, what, [(came[each] - at) * 1000 for each, at in committed.items()])
            first += count
    node.delete_job(job.job)
    return lines


def _missing(committed: dict[int, float], came: dict[int, float]) -> str:
    return f"{len(committed.keys() - came.keys())} of {len(committed)} rows did not come"


def _lines(sink: Sink, what: str, milliseconds: list[float]) -> list[Line]:
    cuts = quantiles(milliseconds, n=100)
    late = isinstance(sink, JetStream) and cuts[49] > GOAL
    told = f"{len(milliseconds)} transactions; the longest {max(milliseconds):.0f} ms"
    return [
        Line(OURS, cuts[49], f"{told}{f': MORE THAN {GOAL:.0f} ms' if late else ''}", f"{sink.name}, {what}, p50"),
        Line(OURS, cuts[98], "", f"{sink.name}, {what}, p99"),
    ]


@contextmanager
def _consumer(arguments: list[str]) -> Iterator[dict[int, float]]:
    """Provide when each row came to a consumer, as it runs."""
    came: dict[int, float] = {}
    process = subprocess.Popen([sys.executable, "-m", "bench.consumer", *arguments], stdout=subprocess.PIPE, text=True)
    output = process.stdout
    assert output is not None
    while output.readline().strip() not in ("ready", ""):
        pass

    def read() -> None:
        for line in output:
            number, at = line.split()
            came[int(number)] = float(at)

    thread = Thread(target=read, daemon=True)
    thread.start()
    try:
        yield came
    finally:
        process.kill()
        process.wait()
        thread.join()


def _write(source: Endpoint, first: int, count: int, rate: float, writers: int) -> dict[int, float]:
    """Return when each row's commit had returned. Writers keep to the rate as far as the source lets them."""
    began = time.monotonic()

    def write(writer: int) -> dict[int, float]:
        committed = {}
        with session(source) as connection:
            for number in range(writer, count, writers):
                time.sleep(max(0.0, began + number / rate - time.monotonic()))
                query(connection, f"INSERT INTO {TABLE} VALUES ({first + number}, NOW(6), 'a probe of the latency')")
                committed[first + number] = time.time()
        return committed

    with ThreadPoolExecutor(writers) as pool:
        return {number: at for part in pool.map(write, range(writers)) for number, at in part.items()}
