"""Jobs whose tasks share a process: each runs as in one of its own, and what dies with the process goes on."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.end_to_end.conftest import run, wait_for
from udup.sandbox.api import job_document
from udup.sandbox.node import UdupNode
from udup.sandbox.server import MysqlServer
from udup.verify.compare import compare

JOBS = ("one", "two", "three")


@pytest.fixture
def node(server_folder: Path) -> Iterator[UdupNode]:
    with UdupNode(server_folder / "shared-node", settings="[jobs]\nshare_processes = 2") as node:
        yield node


def _pids(node: UdupNode, role: str) -> dict[str, int]:
    return {actor["JobID"]: int(actor["Pid"]) for actor in node.api.actors() if actor["Role"] == role}


def test_jobs_in_shared_processes_go_on_when_these_are_killed(
    node: UdupNode, source: MysqlServer, target: MysqlServer, name: str
) -> None:
    schemas = [f"{name}_{job}" for job in JOBS]
    for schema in schemas:
        table = f"CREATE TABLE {schema}.t (id INT AUTO_INCREMENT PRIMARY KEY, a LONGTEXT)"
        run(source.endpoint, f"CREATE DATABASE {schema}", table, f"INSERT INTO {schema}.t (a) VALUES ('copied')")
        document = {**job_document(schema, source.endpoint, target.endpoint, [schema], workers=1), "ID": schema}
        document["Tasks"][1]["Config"]["DropTableIfExists"] = True
        node.post_job(document)
    try:
        for schema in schemas:
            node.wait_stage(schema, deadline=60)
        for role in ("extractor", "applier"):
            pids = _pids(node, role)
            assert sorted(pids) == sorted(schemas) and len(set(pids.values())) == 2, pids
            shared = max(pids.values(), key=list(pids.values()).count)
            for schema in schemas:
                run(source.endpoint, f"INSERT INTO {schema}.t (a) VALUES ('before'), (REPEAT('x', 50000))")
            os.kill(shared, signal.SIGKILL)
            for schema in schemas:
                run(source.endpoint, f"INSERT INTO {schema}.t (a) VALUES ('after')")
            wait_for(lambda: all(_equal(source, target, schema) for schema in schemas), lambda: node.job(schemas[0]))
            assert shared not in _pids(node, role).values()
        ended = [pid for role in ("extractor", "applier") for pid in _pids(node, role).values()]
        for schema in schemas[:2]:
            node.delete_job(schema)
        run(source.endpoint, f"INSERT INTO {schemas[2]}.t (a) VALUES ('alone')")
        wait_for(lambda: _equal(source, target, schemas[2]), lambda: node.job(schemas[2]))
    finally:
        for schema in schemas:
            node.delete_job(schema)
            for server in (source, target):
                run(server.endpoint, f"DROP DATABASE IF EXISTS {schema}")
    wait_for(lambda: not any(psutil.pid_exists(pid) for pid in ended), lambda: ended)


def _equal(source: MysqlServer, target: MysqlServer, schema: str) -> bool:
    return compare(source.endpoint, target.endpoint, [schema]).equal
