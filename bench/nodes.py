"""Two hundred small jobs on five nodes of a cluster: how they spread, what a node's death costs, what rest costs.

Five managers, each a server of its own on this machine, that share processes between jobs. One of them is killed with
all its processes; its jobs are written to at that moment. Traffic is what the nats-servers count over their links
while nothing is written.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx
import nats
import psutil

from bench.many_jobs import DEADLINE, SHARED, _again, _cpu, _fill, _get_jobs, _pss, _seconds, _wait
from bench.results import OURS, Line, Result
from bench.servers import SETTINGS, Bench, session
from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import query
from udup.sandbox.api import job_document
from udup.sandbox.node import UdupNode
from udup.sandbox.ports import free_port
from udup.sandbox.server import MysqlServer
from udup.store.sealing import KEY_BYTES

NODES = 5

JOBS, QUICK_JOBS = 200, 40

#: Seconds over which traffic and CPU at rest are taken, and before that.
REST_SECONDS, SETTLE_SECONDS = 20.0, 15.0

#: GET /v1/jobs at each node.
REQUESTS = 200


def run(bench: Bench) -> Result:
    count = QUICK_JOBS if bench.quick else JOBS
    result = Result("nodes", f"{count} small jobs on {NODES} nodes, share_processes {SHARED}", "see each")
    result.attempt(OURS, lambda: _measure(bench, count))
    return result


def _measure(bench: Bench, count: int) -> list[Line]:
    settings = {**SETTINGS, "max_connections": 20 * count + 100, "innodb_buffer_pool_size": "256M"}
    names = [f"small_{number:03}" for number in range(count)]
    with (
        MysqlServer(bench.programs, bench.folder / "source-nodes", options=settings) as source,
        MysqlServer(bench.programs, bench.folder / "target-nodes", options=settings) as target,
        _cluster(bench.folder / "nodes") as nodes,
    ):
        _fill(source.endpoint, names)
        began = time.monotonic()
        with ThreadPoolExecutor(NODES) as pool:
            list(pool.map(partial(_post, nodes, source.endpoint, target.endpoint), enumerate(names)))
        lines = [_line("all posted after, s", time.monotonic() - began)]
        _wait_level(nodes[0], names)
        lines.append(_line("all running after, s", time.monotonic() - began))
        lines += _spread(nodes)
        lines += _at_rest(nodes)
        lines += [line for node in nodes for line in _listing(node)]
        lines += _takeover(nodes, source.endpoint, target.endpoint)
        return lines


@contextmanager
def _cluster(folder: Path) -> Iterator[list[UdupNode]]:
    key = base64.b64encode(os.urandom(KEY_BYTES)).decode()
    leaves, routes = [free_port() for _ in range(NODES)], [free_port() for _ in range(NODES)]
    nodes = []
    for number in range(NODES):
        join = ", ".join(f'"127.0.0.1:{port}"' for port in routes if port != routes[number])
        settings = (
            f'[node]\nname = "n{number}"\n\n[jobs]\nshare_processes = {SHARED}\n\n[cluster]\nrole = "manager"\n'
            f'name = "bench"\nsecret = "a-secret-of-the-bench"\njoin = [{join}]\n\n[secrets]\nkey = "{key}"\n'
        )
        ports = f"leaf = {leaves[number]}\ncluster = {routes[number]}\n"
        nodes.append(UdupNode(folder / f"n{number}", settings=settings, ports=ports))
    with ThreadPoolExecutor(NODES) as pool:
        try:
            list(pool.map(UdupNode.start, nodes))
            yield nodes
        finally:
            list(pool.map(UdupNode.stop, nodes))


def _line(what: str, value: float, detail: str = "") -> Line:
    return Line(OURS, value, detail, what)


def _post(nodes: list[UdupNode], source: Endpoint, target: Endpoint, job: tuple[int, str]) -> None:
    number, name = job
    document = {**job_document(name, source, target, [name], workers=1), "ID": name}
    _again(partial(nodes[number % NODES].post_job, document))


def _jobs(node: UdupNode) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = httpx.get(f"{node.url}/v1/jobs", timeout=30, trust_env=False).json()
    return found


def _wait_level(node: UdupNode, names: list[str]) -> None:
    def missing() -> list[str]:
        with suppress(httpx.HTTPError):
            level = {job["ID"]: job["JobSummary"]["Progress"].get("level") for job in _jobs(node)}
            return [name for name in names if not level.get(name)]
        return names

    _wait(lambda: not missing(), lambda: f"{len(missing())} of {len(names)} jobs do not run: {missing()[:3]}")


def _id(node: UdupNode) -> str:
    return (node.data / "agent" / "node-id").read_text().strip()


def _owned(node: UdupNode) -> dict[str, str]:
    """Return the node of each job."""
    placed = httpx.get(f"{node.url}/v1/allocations", timeout=30, trust_env=False).json()
    return {each["JobID"]: each["NodeID"] for each in placed if each["DesiredStatus"] == "run"}


def _spread(nodes: list[UdupNode]) -> list[Line]:
    counts = Counter(_owned(nodes[0]).values())
    each = sorted(counts[_id(node)] for node in nodes)
    return [_line("jobs of the node with the least", each[0]), _line("jobs of the node with the most", each[-1])]


# ---- At rest ----


def _at_rest(nodes: list[UdupNode]) -> list[Line]:
    time.sleep(SETTLE_SECONDS)
    processes = [psutil.Process(pid) for node in nodes for pid in node.pids()]
    cpu, before, began = _cpu(processes), _traffic(nodes), time.monotonic()
    time.sleep(REST_SECONDS)
    after, seconds = _traffic(nodes), time.monotonic() - began
    share = (_cpu(processes) - cpu) / seconds
    rates = [(after[what] - before[what]) / seconds / NODES for what in ("messages", "bytes", "linked", "linked_bytes")]
    memory = sum(_pss(process) for process in processes) / (1 << 20)
    disk = [sum(file.stat().st_size for file in _files(node)) / (1 << 20) for node in nodes]
    return [
        _line("memory of all nodes, MiB PSS", memory, f"{len(processes)} processes"),
        _line("CPU of all nodes at rest, % of a core", 100 * share),
        _line("messages a second of a node's nats-server", rates[0], "in and out, of its clients and links"),
        _line("KiB a second of a node's nats-server", rates[1] / 1024),
        _line("messages a second over a node's links", rates[2], "in and out"),
        _line("KiB a second over a node's links", rates[3] / 1024),
        _line("the store of a node on its disk, MiB", median(disk)),
    ]


def _files(node: UdupNode) -> list[Path]:
    return [file for file in (node.data / "nats" / "cluster").rglob("*") if file.is_file()]


def _traffic(nodes: list[UdupNode]) -> Counter[str]:
    """Return what the nats-servers have counted in all."""
    found: Counter[str] = Counter()
    for kind in ("VARZ", "ROUTEZ"):
        for answer in asyncio.run(_ask(nodes[0], kind)):
            if kind == "VARZ":
                found["messages"] += answer["in_msgs"] + answer["out_msgs"]
                found["bytes"] += answer["in_bytes"] + answer["out_bytes"]
            else:
                for route in answer.get("routes", ()):
                    found["linked"] += route["in_msgs"] + route["out_msgs"]
                    found["linked_bytes"] += route["in_bytes"] + route["out_bytes"]
    return found


async def _ask(node: UdupNode, kind: str) -> list[dict[str, Any]]:
    """Return what each nats-server of the cluster says of itself."""
    client = await nats.connect((node.data / "nats" / "system-url").read_text())
    try:
        inbox = client.new_inbox()
        answers = await client.subscribe(inbox)
        await client.publish(f"$SYS.REQ.SERVER.PING.{kind}", b"{}", reply=inbox)
        return [json.loads((await answers.next_msg(10)).data)["data"] for _ in range(NODES)]
    finally:
        await client.close()


def _listing(node: UdupNode) -> list[Line]:
    with httpx.Client(base_url=node.url, timeout=60, trust_env=False) as client:
        size = len(client.get("/v1/jobs").content)
        cuts = quantiles([_seconds(lambda: _get_jobs(client)) for _ in range(REQUESTS)], n=100)
    name = node.folder.name
    return [
        _line(f"list at {name}, p50 ms", cuts[49] * 1000, f"{size >> 10} KiB, one client"),
        _line(f"list at {name}, p99 ms", cuts[98] * 1000),
    ]


# ---- A node dies ----


def _takeover(nodes: list[UdupNode], source: Endpoint, target: Endpoint) -> list[Line]:
    """Kill the last node; its jobs are written to, and each must commit elsewhere."""
    dead = nodes[-1]
    owned = _owned(nodes[0])
    lost = sorted(job for job, node in owned.items() if node == _id(dead))
    kept = sorted(set(owned) - set(lost))
    began = time.monotonic()
    dead.kill()
    dead.end_leftovers()
    with session(source) as connection:
        for job in (*lost, *kept):
            query(connection, f"INSERT INTO {job}.t VALUES (3, 'three')")
    arrived = _arrivals(target, [*lost, *kept], began)
    taken = sorted(arrived[job] for job in lost)
    _wait(lambda: _all_run(nodes[0], lost), lambda: "not all run")
    running = time.monotonic() - began
    others = max(arrived[job] for job in kept)
    after = Counter(_owned(nodes[0]).values())
    each = sorted(after[_id(node)] for node in nodes[:-1])
    return [
        _line("kill -9: jobs of the dead node", len(lost)),
        _line("kill -9: first job commits elsewhere after, s", taken[0]),
        _line("kill -9: half of them after, s", median(taken)),
        _line("kill -9: all of them after, s", taken[-1]),
        _line("kill -9: all are shown as running after, s", running),
        _line("kill -9: last commit of a job of another node, s", others, "all were written to at the same moment"),
        _line("kill -9: jobs of the least of the rest", each[0]),
        _line("kill -9: jobs of the most of the rest", each[-1]),
    ]


def _all_run(node: UdupNode, names: list[str]) -> bool:
    stages = {job["ID"]: job["JobSummary"].get("Stage") for job in _jobs(node)}
    return all(stages.get(name) == "running" for name in names)


def _arrivals(target: Endpoint, names: list[str], began: float) -> dict[str, float]:
    """Return after how many seconds each job's row has come."""
    found: dict[str, float] = {}
    with session(target) as connection:
        while len(found) < len(names):
            for name in names:
                if name not in found and query(connection, f"SELECT 1 FROM {name}.t WHERE id = 3"):
                    found[name] = time.monotonic() - began
            if time.monotonic() - began > DEADLINE:
                raise UdupError(f"{len(names) - len(found)} jobs have not gone on within {DEADLINE:.0f} s")
            time.sleep(0.05)
    return found
