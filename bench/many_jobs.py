"""What a hundred small jobs cost on one server: to start, to keep idle, to list, to delete.

Each has a schema of its own with one small table, a full copy, and one worker. Memory is PSS (what the processes share
is divided among them), CPU is that of all of Udup's processes including nats-server, while nothing is written.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from statistics import quantiles

import httpx
import psutil

from bench.results import OURS, Line, Result
from bench.servers import SETTINGS, Bench, session
from udup.base.endpoint import Endpoint
from udup.base.errors import Transient, UdupError
from udup.drivers.mysql.client.connection import query
from udup.sandbox.api import job_document
from udup.sandbox.node import UdupNode
from udup.sandbox.server import MysqlServer

JOBS, QUICK_JOBS = 100, 20

#: Each job's tasks have processes of their own; or those of so many jobs share one.
SHARED = 16
SHARING = f"{OURS}, share_processes {SHARED}"

#: Seconds for all jobs to run, and to be gone.
DEADLINE = 600.0

#: Seconds without writes over which CPU is taken, and before that, for everything to come to rest.
IDLE_SECONDS, REST_SECONDS = 15.0, 10.0

#: GET /v1/jobs: how many, over how many connections.
REQUESTS, CONNECTIONS = 1000, 8


def run(bench: Bench) -> Result:
    count = QUICK_JOBS if bench.quick else JOBS
    result = Result("many", f"{count} small jobs on one server, ParallelWorkers 1", "see each")
    for who, share in ((OURS, 1), (SHARING, SHARED)):
        result.attempt(who, lambda who=who, share=share: _measure(bench, count, who, share))  # type: ignore[misc]
    return result


def _measure(bench: Bench, count: int, who: str, share: int) -> list[Line]:
    settings = {**SETTINGS, "max_connections": 20 * count + 100, "innodb_buffer_pool_size": "256M"}
    names = [f"small_{number:03}" for number in range(count)]
    with (
        MysqlServer(bench.programs, bench.folder / f"source-many-{share}", options=settings) as source,
        MysqlServer(bench.programs, bench.folder / f"target-many-{share}", options=settings) as target,
        bench.node(f"[jobs]\nshare_processes = {share}") as node,
    ):
        _fill(source.endpoint, names)
        lines = [
            _line("all running after, s", _seconds(lambda: _start(node, source.endpoint, target.endpoint, names))),
            *_at_rest(node, count),
            *_listing(node),
            _line("all running after a restart, s", _seconds(lambda: _restart(node, names))),
            _line("all deleted and gone after, s", _seconds(lambda: _delete(node, names))),
        ]
        return [replace(line, contestant=who) for line in lines]


def _line(what: str, value: float, detail: str = "") -> Line:
    return Line(OURS, value, detail, what)


def _seconds(work: Callable[[], None]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _fill(source: Endpoint, names: Iterable[str]) -> None:
    with session(source) as connection:
        for name in names:
            query(connection, f"CREATE DATABASE {name}")
            query(connection, f"CREATE TABLE {name}.t (id INT PRIMARY KEY, a VARCHAR(20))")
            query(connection, f"INSERT INTO {name}.t VALUES (1, 'one'), (2, 'two')")


def _start(node: UdupNode, source: Endpoint, target: Endpoint, names: list[str]) -> None:
    for name in names:
        _again(partial(node.post_job, {**job_document(name, source, target, [name], workers=1), "ID": name}))
    _wait_running(node, names)


def _again(request: Callable[[], object]) -> None:
    """As a client does that is told to come again in a moment."""
    end = time.monotonic() + DEADLINE
    while True:
        try:
            request()
            return
        except Transient:
            if time.monotonic() > end:
                raise
            time.sleep(1)


def _wait_running(node: UdupNode, names: list[str]) -> None:
    """Every one runs, and has said so since this server was started."""

    def missing() -> list[str]:
        jobs = httpx.get(f"{node.url}/v1/jobs", timeout=30).json()
        level = {job["ID"]: job["JobSummary"]["Progress"].get("level") for job in jobs}
        return [name for name in names if not level.get(name)]

    _wait(lambda: not missing(), lambda: f"{len(missing())} of {len(names)} jobs do not run: {missing()[:3]}")


def _restart(node: UdupNode, names: list[str]) -> None:
    node.stop()
    node.start()
    _wait_running(node, names)


def _delete(node: UdupNode, names: list[str]) -> None:
    for name in names:
        _again(partial(node.delete_job, name))

    def left() -> int:
        return sum("extractor" in title or "applier" in title for title in node.pids().values())

    _wait(lambda: not left(), lambda: f"{left()} processes of deleted jobs still live")


def _wait(condition: Callable[[], bool], what: Callable[[], str]) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            raise UdupError(f"not within {DEADLINE:.0f} s: {what()}")
        time.sleep(0.2)


def _at_rest(node: UdupNode, count: int) -> list[Line]:
    time.sleep(REST_SECONDS)
    processes = [psutil.Process(pid) for pid in node.pids()]
    before = _cpu(processes)
    began = time.monotonic()
    time.sleep(IDLE_SECONDS)
    share = (_cpu(processes) - before) / (time.monotonic() - began)
    memory = sum(_pss(process) for process in processes) / (1 << 20)
    detail = f"{len(processes)} processes"
    return [
        _line("memory, MiB PSS", memory, detail),
        _line("memory a job, MiB PSS", memory / count),
        _line("CPU at rest, % of a core", 100 * share, detail),
    ]


def _cpu(processes: Iterable[psutil.Process]) -> float:
    total = 0.0
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def _pss(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.NoSuchProcess):
        return int(process.memory_full_info().pss)
    return 0


def _listing(node: UdupNode) -> list[Line]:
    """Each connection is one client that asks again as soon as it is answered."""

    def ask(share: int) -> list[float]:
        with httpx.Client(base_url=node.url, timeout=60, trust_env=False) as client:
            return [_seconds(lambda: _get_jobs(client)) for _ in range(share)]

    began = time.monotonic()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        times = [each for part in pool.map(ask, [REQUESTS // CONNECTIONS] * CONNECTIONS) for each in part]
    seconds = time.monotonic() - began
    detail = f"{REQUESTS} GET /v1/jobs over {CONNECTIONS} connections, {len(times) / seconds:.0f} a second"
    cuts = quantiles(times, n=100)
    return [_line("list, p50 ms", cuts[49] * 1000, detail), _line("list, p99 ms", cuts[98] * 1000)]


def _get_jobs(client: httpx.Client) -> None:
    answer = client.get("/v1/jobs")
    if answer.status_code != httpx.codes.OK:
        raise UdupError(f"GET /v1/jobs was answered {answer.status_code}: {answer.text}")
