"""A node whose disk fills up says so, and works again by itself when there is room."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.small_disk import fill, small_disk
from udup.drivers.mysql.client.connection import connect, query, scalar
from udup.sandbox.api import Json, job_document
from udup.sandbox.node import UdupNode
from udup.sandbox.server import MysqlServer

DEADLINE = 60.0

#: Bytes of the file system: what a node needs, and some more.
SIZE = "24m"


@pytest.fixture
def disk(server_folder: Path) -> Iterator[Path]:
    with small_disk(server_folder, SIZE) as folder:
        yield folder


@pytest.fixture
def node(disk: Path) -> Iterator[UdupNode]:
    with UdupNode(disk / "node") as node:
        yield node


@pytest.fixture
def job(node: UdupNode, source: MysqlServer, target: MysqlServer, schema: str) -> str:
    with closing(connect(source.endpoint)) as connection:
        query(connection, f"CREATE DATABASE {schema}")
        query(connection, f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")
    node.post_job({**job_document(schema, source.endpoint, target.endpoint, [schema]), "ID": schema})
    node.wait_stage(schema)
    return schema


def _wait(condition: Callable[[], bool], what: Callable[[], object]) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, what()
        time.sleep(0.2)


def _health(node: UdupNode) -> Json:
    answer: Json = httpx.get(f"{node.url}/v1/health/ready", timeout=30).json()
    return answer


def _pause(node: UdupNode, job: str) -> httpx.Response:
    return httpx.put(f"{node.url}/v1/job/{job}/pause", timeout=30)


@pytest.fixture
def waiting(node: UdupNode, source: MysqlServer, job: str) -> str:
    """Another job, whose servers are away: its commands are stored, and the job that runs is left alone."""
    ends = (replace(source.endpoint, port=port) for port in (1, 2))
    node.post_job({**job_document("waiting", *ends, [job]), "ID": "waiting"})
    return "waiting"


def _until_refused(node: UdupNode, job: str) -> tuple[httpx.Response, str]:
    """Return the answer to the first command that cannot be stored, and the stage that it asks for.

    What fits into the last block of a file is stored on a full disk, too.
    """
    for _ in range(50):
        for command, stage in (("resume", "pending"), ("pause", "paused")):
            answer = httpx.put(f"{node.url}/v1/job/{job}/{command}", timeout=30)
            if answer.status_code != 200:
                return answer, stage
    raise AssertionError("a full disk takes everything")


def test_a_full_disk_is_told_and_what_was_asked_is_done_when_there_is_room(
    node: UdupNode, job: str, waiting: str, disk: Path, source: MysqlServer, target: MysqlServer
) -> None:
    assert _health(node)["Ready"] is True
    fill(ballast := disk / "ballast")
    refused, wanted = _until_refused(node, waiting)
    assert refused.status_code == 503 and "is full" in refused.text, refused.text
    health = _health(node)
    assert health["Ready"] is False
    assert any("is full" in each for each in health["Problems"]), health
    with closing(connect(source.endpoint)) as connection:  # the job itself needs no disk of the node's
        query(connection, f"INSERT INTO {job}.t VALUES (1)")
    with closing(connect(target.endpoint)) as connection:
        _wait(lambda: scalar(connection, f"SELECT COUNT(*) FROM {job}.t") == 1, lambda: node.job(job))

    ballast.unlink()
    _wait(lambda: _health(node)["Ready"] is True, lambda: _health(node))
    _wait(lambda: node.job(waiting)["Stage"] == wanted, lambda: node.job(waiting))
    assert httpx.put(f"{node.url}/v1/job/{waiting}/pause", timeout=30).status_code == 200
    assert node.job(job)["Stage"] == "running"
    log = node.log.read_text()
    assert "store_takes_no_writes" in log
    assert "store_takes_writes_again" in log


def test_a_node_that_is_started_on_a_full_disk_works_when_there_is_room(node: UdupNode, job: str, disk: Path) -> None:
    """nats-server takes no more than what is free when it starts, unless it is told."""
    node.stop()
    fill(ballast := disk / "ballast")
    with ballast.open("r+b") as file:
        file.truncate(ballast.stat().st_size - (256 << 10))  # its settings and its log are to be written
    node.start()
    _wait(lambda: _health(node)["Ready"] is False, lambda: _health(node))
    assert any("is full" in each for each in _health(node)["Problems"])
    ballast.unlink()
    _wait(lambda: _health(node)["Ready"] is True, lambda: _health(node))
    _wait(lambda: _pause(node, job).status_code == 200, lambda: _pause(node, job).text)
    _wait(lambda: node.job(job)["Stage"] == "paused", lambda: node.job(job))
