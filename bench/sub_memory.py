"""Memory of a subscription's processes: with a very large transaction, and while the sink stands still.

A sink that stands still is nats-server stopped by a signal; the records of the log come through the same server, so
what is seen is how much gathers before everybody waits.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench import bigtx
from bench.results import OURS, Line, Result
from bench.servers import Bench, session
from bench.subscribed import FILLED_FAST, JetStream, Processes, Subscription
from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import query

#: MB of the transaction.
SIZE, QUICK_SIZE = 300, 60

#: Seconds that the sink stands still; the job's owner is not missed for so long.
STOPPED_SECONDS = 6.0

#: MB by which a process may grow.
GROWTH_GOAL = 64.0

#: Processes that are looked at, and seconds between two looks.
ROLES, LOOK_SECONDS = ("extractor", "applier"), 0.1


def run(bench: Bench) -> Result:
    megabytes = bench.megabytes or (QUICK_SIZE if bench.quick else SIZE)
    result = Result("submemory", f"a transaction of {megabytes} MB, and a sink that stands still", "MB")
    with bench.server("source", **FILLED_FAST) as source, bench.node() as node:
        bigtx.create(source.endpoint)
        job = Subscription(node, source.endpoint, bigtx.SCHEMA, "memory", JetStream(node))
        job.post()
        processes = Processes.of(bench.folder, job.job)
        result.attempt(OURS, lambda: _transaction(job, processes, megabytes, result))
        result.attempt(OURS, lambda: _stopped(job, processes, result))
    return result


def _transaction(job: Subscription, processes: Processes, megabytes: int, result: Result) -> list[Line]:
    with _growth(processes) as lines:
        bigtx.write(job.source, megabytes * 1_000_000)
        began = time.monotonic()
        job.wait_level()
        result.note(f"the transaction was delivered {time.monotonic() - began:.1f} s after its commit")
    return _named(lines, "one transaction")


def _stopped(job: Subscription, processes: Processes, result: Result) -> list[Line]:
    """Write as fast as one connection does while nats-server stands still; then everything has to come."""
    server = processes.found.get("nats-server", [])
    if len(server) != 1:
        raise UdupError(f"one nats-server was looked for, {len(server)} were found")
    with _growth(processes) as lines:
        os.kill(server[0].pid, signal.SIGSTOP)
        try:
            rows = _write_for(job.source, STOPPED_SECONDS)
        finally:
            os.kill(server[0].pid, signal.SIGCONT)
        began = time.monotonic()
        job.wait_level()
        megabytes = rows * bigtx.ROW_BYTES / 1e6
        result.note(f"stopped for {STOPPED_SECONDS:.0f} s: {megabytes:.0f} MB were written meanwhile")
        result.note(f"level {time.monotonic() - began:.1f} s after it went on")
    return _named(lines, "sink stopped")


def _write_for(source: Endpoint, seconds: float) -> int:
    end, rows = time.monotonic() + seconds, 0
    with session(source, bigtx.SCHEMA) as connection:
        while time.monotonic() < end:
            rows += 1
            payload = f"REPEAT(UNHEX(SHA2({rows}, 256)), {bigtx.ROW_BYTES // 32})"
            query(connection, f"INSERT INTO big VALUES ({-rows}, 'row', {payload})")
    return rows


@contextmanager
def _growth(processes: Processes) -> Iterator[dict[str, tuple[float, float]]]:
    """Provide, once it is left, each role's memory at the beginning and the most that was seen."""
    begin = processes.resident()
    most = dict(begin)
    done = threading.Event()

    def look() -> None:
        while not done.wait(LOOK_SECONDS):
            for role, megabytes in processes.resident().items():
                most[role] = max(most.get(role, 0.0), megabytes)

    thread = threading.Thread(target=look)
    thread.start()
    lines: dict[str, tuple[float, float]] = {}
    try:
        yield lines
    finally:
        done.set()
        thread.join()
        lines.update({role: (begin[role], most[role]) for role in begin})


def _named(growth: dict[str, tuple[float, float]], what: str) -> list[Line]:
    lines = []
    for role in (*ROLES, "nats-server"):
        begin, most = growth[role]
        much = role in ROLES and most - begin > GROWTH_GOAL
        told = f"from {begin:.0f} MB{f': GREW BY MORE THAN {GROWTH_GOAL:.0f} MB' if much else ''}"
        lines.append(Line(OURS, most, told, f"{what}: most of {role}"))
    return lines
