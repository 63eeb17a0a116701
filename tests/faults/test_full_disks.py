"""A server whose disk is full is waited for, and everything is on the target when there is room."""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from tests.faults import engines
from tests.faults.engines import Job
from tests.quick_servers import QUICK
from tests.small_disk import fill, small_disk
from udup.base.errors import Transient
from udup.drivers.mysql.client.connection import MySQLError, connect, query
from udup.node.nats_server import NatsServer
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.server import MysqlServer


@pytest.fixture
def disk(server_folder: Path) -> Iterator[Path]:
    with small_disk(server_folder, "400m") as folder:
        yield folder


@pytest.fixture
def nats(server_folder: Path) -> Iterator[NatsServer]:
    server = NatsServer(Path(tempfile.mkdtemp(prefix="nats-", dir=server_folder)), 0)
    server.start()
    yield server
    server.stop()


def _job(source: MysqlServer, target: MysqlServer, nats: NatsServer, schema: str) -> Job:
    """Return one whose source has a table with a row."""
    with closing(connect(source.endpoint)) as connection:
        query(connection, f"CREATE DATABASE {schema}")
        query(connection, f"CREATE TABLE {schema}.t (id INT AUTO_INCREMENT PRIMARY KEY, v LONGTEXT)")
        query(connection, f"INSERT INTO {schema}.t (v) VALUES ('a')")
    ends = source.endpoint, target.endpoint
    return Job(*ends, ends, nats.url, schema, name=schema)


@pytest.mark.timeout(400)  # a server looks once a minute whether there is room for its binary log
def test_a_full_target_is_waited_for(
    source: MysqlServer,
    schema: str,
    programs: MysqlPrograms,
    disk: Path,
    nats: NatsServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engines, "RUN_SECONDS", 180.0)
    options = {**QUICK, "innodb-redo-log-capacity": "8M"}
    with MysqlServer(programs, disk / "target", options=options) as target:
        job = _job(source, target, nats, schema)

        def fill_and_write(size: int) -> None:
            ballast = disk / "ballast"
            fill(ballast)
            with closing(connect(source.endpoint)) as connection:
                for _ in range(20):
                    query(connection, f"INSERT INTO {schema}.t (v) VALUES (REPEAT('x', {size}))")
            time.sleep(3)
            ballast.unlink()

        # A table without room is an error. Small rows have room there, and their log has none: the server waits.
        for size in (1_000_000, 500):
            asyncio.run(job.come_to_the_end(partial(fill_and_write, size)))
        assert job.rows(0) == job.rows(1)
        assert all(isinstance(ended, Transient) for ended in job.ended), job.ended


@pytest.mark.timeout(400)
def test_a_full_source_is_waited_for(
    target: MysqlServer,
    schema: str,
    programs: MysqlPrograms,
    disk: Path,
    nats: NatsServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its own sessions wait or are refused. What they commit in the end arrives, and what is half written does not."""
    monkeypatch.setattr(engines, "RUN_SECONDS", 180.0)
    options = {**QUICK, "innodb-redo-log-capacity": "8M"}
    with MysqlServer(programs, disk / "source", options=options) as source:
        job = _job(source, target, nats, schema)
        waited: list[float] = []

        def fill_and_write() -> None:
            ballast = disk / "ballast"
            fill(ballast)
            room = threading.Timer(3, ballast.unlink)
            room.start()
            begun, written = time.monotonic(), 0
            with closing(connect(source.endpoint)) as connection:
                while written < 20:
                    try:
                        query(connection, f"INSERT INTO {schema}.t (v) VALUES (REPEAT('x', 1000000))")
                        written += 1
                    except MySQLError:  # the table is full
                        time.sleep(0.1)
            room.join()
            waited.append(time.monotonic() - begun)

        asyncio.run(job.come_to_the_end(fill_and_write))
        assert waited[0] >= 3, "nothing waited for room"
        assert job.rows(0) == job.rows(1) and len(job.rows(0)["t"]) == 21
        assert all(isinstance(ended, Transient) for ended in job.ended), job.ended
