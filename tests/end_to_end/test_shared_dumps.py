"""Jobs of one source in one process: the source is read once, whatever becomes of one of them or of the process."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.end_to_end.conftest import run, wait_for
from udup.drivers.mysql.client.connection import connect
from udup.drivers.mysql.client.processes import end_session, read_processes
from udup.jobs.words import Stage
from udup.sandbox.api import job_document
from udup.sandbox.node import UdupNode
from udup.sandbox.server import MysqlServer
from udup.verify.compare import compare

JOBS = ("one", "two", "three", "four")


@pytest.fixture
def node(server_folder: Path) -> Iterator[UdupNode]:
    with UdupNode(server_folder / "dumps-node", settings="[jobs]\nshare_processes = 4\nshare_dumps = true") as node:
        yield node


class _Writer:
    """Writes to all schemas in turn until it is ended."""

    def __init__(self, source: MysqlServer, schemas: list[str]) -> None:
        self._source, self._schemas = source, schemas
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def _write(self) -> None:
        with closing(connect(self._source.endpoint)) as connection:
            while not self._ended.wait(0.05):
                for schema in self._schemas:
                    connection.cursor().execute(f"INSERT INTO {schema}.t (a) VALUES (REPEAT('x', 300)), ('y')")

    def __enter__(self) -> _Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


def _dumps(source: MysqlServer, user: str) -> list[int]:
    """Return the sessions by which Udup reads the log."""
    with closing(connect(source.endpoint)) as connection:
        found = read_processes(connection)
    return [each.number for each in found if each.command == "Binlog Dump GTID" and each.user == user]


def test_four_jobs_of_one_source_read_its_log_once(
    node: UdupNode, source: MysqlServer, target: MysqlServer, name: str
) -> None:
    schemas = [f"{name}_{job}" for job in JOBS]
    user = f"u_{name}"[:30]
    run(source.endpoint, f"CREATE USER {user} IDENTIFIED BY 'p'", f"GRANT ALL ON *.* TO {user}")
    end = source.endpoint.__class__(source.endpoint.host, source.endpoint.port, user, "p")
    for schema in schemas:
        table = f"CREATE TABLE {schema}.t (id INT AUTO_INCREMENT PRIMARY KEY, a LONGTEXT)"
        run(source.endpoint, f"CREATE DATABASE {schema}", table, f"INSERT INTO {schema}.t (a) VALUES ('copied')")
        document = {**job_document(schema, end, target.endpoint, [schema], workers=1), "ID": schema}
        node.post_job(document)
    try:
        for schema in schemas:
            wait_for(lambda: _runs(node, schema), lambda: node.job(schema))  # noqa: B023
        with _Writer(source, schemas):
            wait_for(lambda: len(_dumps(source, user)) == 1, lambda: _told(node, source, user))
            _ask(node, schemas[0], "pause")
            node.wait_stage(schemas[0], [Stage.PAUSED])
            run(source.endpoint, f"INSERT INTO {schemas[1]}.t (a) VALUES (REPEAT('z', 3000000))")
            assert len(_dumps(source, user)) == 1
            _ask(node, schemas[0], "resume")
            wait_for(
                lambda: len(_dumps(source, user)) == 1 and _runs(node, schemas[0]), lambda: _told(node, source, user)
            )
            _kill(source, _dumps(source, user)[0])
            wait_for(lambda: len(_dumps(source, user)) == len(schemas), lambda: _told(node, source, user))
            extractors = {each["Pid"] for each in node.api.actors() if each["Role"] == "extractor" and each["JobID"]}
            os.kill(int(extractors.pop()), signal.SIGKILL)
            wait_for(lambda: len(_dumps(source, user)) == 1, lambda: _told(node, source, user))
        for schema in schemas:
            wait_for(lambda: compare(source.endpoint, target.endpoint, [schema]).equal, lambda: node.job(schema))  # noqa: B023
    finally:
        for schema in schemas:
            node.delete_job(schema)
            for server in (source, target):
                run(server.endpoint, f"DROP DATABASE IF EXISTS {schema}")
        run(source.endpoint, f"DROP USER {user}")


def _told(node: UdupNode, source: MysqlServer, user: str) -> tuple[list[int], list[str]]:
    """Return what a failure shows: the dumps, and what the node has said of them."""
    return _dumps(source, user), [line for line in node.log.read_text().splitlines() if "dump" in line][-20:]


def _runs(node: UdupNode, job: str) -> bool:
    return bool(node.job(job)["Progress"].get("level"))


def _ask(node: UdupNode, job: str, what: str) -> None:
    assert httpx.put(f"{node.url}/v1/job/{job}/{what}", timeout=30).status_code == 200


def _kill(source: MysqlServer, number: int) -> None:
    with closing(connect(source.endpoint)) as connection:
        end_session(connection, number)
