"""How fast a subscription works off a backlog: log file, JSON, JetStream or Kafka; small and large transactions.

Every job is paused while the backlog is written, and then resumed. The clock starts when the first messages are in the
sink, so what starting costs is not in it, and stops with the last one; processor time is counted between the two.
"""

from __future__ import annotations

import time
from functools import partial

from bench.results import OURS, Line, Result
from bench.servers import Bench, executed, session
from bench.subscribed import FILLED_FAST, JetStream, Kafka, Processes, Sink, Subscription, broker, wait
from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import query
from udup.sandbox.node import UdupNode

ROWS, QUICK_ROWS = 275_000, 27_500

#: Rows of a transaction, and `RowsPerMessage`.
TRANSACTIONS = (1, 20, 500)
PACKED = (1, 20)

_TABLE = """
CREATE TABLE {schema}.t (id INT PRIMARY KEY, a BIGINT UNSIGNED, b VARCHAR(50), c DATETIME(6), d TIMESTAMP,
    e DECIMAL(12, 2), f JSON, g ENUM('a', 'b'), h DATE, i DOUBLE, j TEXT, k INT)
"""

#: Makes rows `first` to `last` - 1, `size` of them a transaction.
_FILL = """
CREATE PROCEDURE {schema}.fill(first INT, last INT, size INT)
BEGIN
    WHILE first < last DO
        INSERT INTO {schema}.t WITH RECURSIVE n (n) AS (SELECT first UNION ALL SELECT n + 1 FROM n
            WHERE n + 1 < LEAST(first + size, last))
            SELECT n, n * 7, CONCAT('customer ', n), '2026-01-02 03:04:05.123456', '2026-01-02 03:04:05', n / 100,
            JSON_OBJECT('a', n, 'b', 'text', 'c', JSON_ARRAY(1, 2, 3)), 'a', '2026-01-02', n / 3e0,
            REPEAT('x', 60), NULL FROM n;
        SET first = first + size;
    END WHILE;
END
"""


def run(bench: Bench) -> Result:
    rows = bench.rows or (QUICK_ROWS if bench.quick else ROWS)
    result = Result("sub", f"a backlog of {rows:,} rows of 12 columns into a sink", "µs a row")
    with (
        bench.server("source", **FILLED_FAST) as source,
        bench.node() as node,
        broker(bench.folder / "broker") as kafka,
    ):
        for size in TRANSACTIONS:
            sinks: tuple[Sink, ...] = (JetStream(node), Kafka(kafka))
            result.attempt(OURS, partial(_measure_size, bench, source.endpoint, node, sinks, size, rows))
    return result


def _measure_size(
    bench: Bench, source: Endpoint, node: UdupNode, sinks: tuple[Sink, ...], size: int, rows: int
) -> list[Line]:
    schema = f"sub_{size}"
    with session(source) as connection:
        query(connection, f"CREATE DATABASE {schema}")
        query(connection, _TABLE.format(schema=schema))
        query(connection, _FILL.format(schema=schema))
    jobs = [
        Subscription(node, source, schema, f"{sink.name.lower()}_{size}_{packed}", sink, packed)
        for sink in sinks
        for packed in PACKED
    ]
    for job in jobs:
        job.post()
        job.pause()
    with session(source) as connection:
        query(connection, f"CALL {schema}.fill(0, {rows}, {size})")
    lines = []
    for job in jobs:
        lines.append(_drain(bench, job, size, rows))
        node.delete_job(job.job)
    return lines


def _drain(bench: Bench, job: Subscription, size: int, rows: int) -> Line:
    """Have a job work off the backlog; return what a row took."""
    wanted = executed(job.source)
    in_message = min(size, job.rows_per_message)
    with job.sink.count(job.job, f"{job.schema}.t") as count:
        before = count()
        job.resume()
        wait(lambda: count() > before + 2, lambda: f"nothing of {job.job} came")  # a run's own notes come first
        began, had = time.monotonic(), count()
        processes = Processes.of(bench.folder, job.job)
        taken = processes.seconds()
        ended, last, looks = began, had, 0

        def is_done() -> bool:
            nonlocal ended, last, looks
            if (now := count()) != last:
                last, ended = now, time.monotonic()
                return False
            looks += 1
            return looks % 20 == 0 and job.is_level(wanted)

        wait(is_done, lambda: f"{job.job} did not get level: {job.node.job(job.job)}")
    measured = rows - (had - before) * in_message
    if measured < rows / 2:
        raise UdupError(f"{job.job} had delivered {rows - measured} of {rows} rows at the first look: give more --rows")
    seconds = ended - began
    spent = {role: (now - taken.get(role, 0.0)) / measured * 1e6 for role, now in processes.seconds().items()}
    shares = ", ".join(f"{role} {each:.1f}" for role, each in sorted(spent.items()) if each >= 0.1)
    told = f"{measured / seconds:,.0f} rows/s"
    if in_message > 1:
        told += f", {measured / seconds / in_message:,.0f} messages/s"
    what = f"{job.sink.name}, {size} rows a transaction, {job.rows_per_message} a message"
    return Line(OURS, seconds / measured * 1e6, f"{told}; µs of CPU a row: {shares}", what)
