"""Jobs carried out by a real Udup server, from outside: two MySQL servers, one Udup server, job after job."""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.quick_servers import QUICK
from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import Connection, connect, query, scalar
from udup.sandbox.api import Json, job_document
from udup.sandbox.node import UdupNode
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.server import MysqlServer
from udup.verify.compare import compare

#: Numbers from 1 on, as a WITH clause: `NUMBERS.format(20)`.
NUMBERS = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {})"

#: Seconds for a job to run, to come level, to fail: far more than it takes, for a machine that is busy.
DEADLINE = 45.0

#: Seconds between looks: each costs the servers something, and there are only two cores for all. Those of a long wait
#: grow.
POLL, LONGEST_POLL = 0.05, 0.15

#: Looks at the servers until the node is asked whether the job has failed, which costs it several times as much.
LOOKS = 8


def wait_for(condition: Callable[[], bool], what: Callable[[], object], seconds: float = DEADLINE) -> None:
    end, pause = time.monotonic() + seconds, POLL
    while not condition():
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what()}"
        time.sleep(pause)
        pause = min(pause * 1.1, LONGEST_POLL)


def run(endpoint: Endpoint, *statements: str) -> None:
    """Statements on one connection of a client, which begins as the server has its sessions begin."""
    with closing(connect(endpoint, None)) as connection:
        for statement in statements:
            query(connection, statement)


def value(endpoint: Endpoint, sql: str, *args: object) -> Any:
    with closing(connect(endpoint, None)) as connection:
        return scalar(connection, sql, *args)


def applied(connection: Connection, job: str) -> str:
    rows = query(connection, "SELECT gtids FROM udup.checkpoint WHERE job = %s AND gtids <> ''", job)
    return ",".join(str(row[0]) for row in rows)


def forget_settings_of_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have `udup` find the server by the node's settings alone."""
    for variable in ("UDUP_TOKEN", "UDUP_API_TOKEN", "UDUP_ADDR", "UDUP_REGION", "UDUP_HTTP_AUTH", "UDUP_CA_FILE"):
        monkeypatch.delenv(variable, raising=False)


@dataclass
class World:
    source: MysqlServer
    target: MysqlServer
    node: UdupNode
    posted: set[str] = field(default_factory=set)

    def on_source(self, *statements: str) -> None:
        run(self.source.endpoint, *statements)

    def on_target(self, *statements: str) -> None:
        run(self.target.endpoint, *statements)

    def need_workers(self, job: str, schema: str, count: int = 1) -> None:
        """Write transactions that DestApplier does not apply itself, until the job has so many workers."""
        rows = ", ".join(f"('{'much ' * 2000}')" for _ in range(20))
        self.on_source(f"CREATE TABLE IF NOT EXISTS {schema}.wide (id INT AUTO_INCREMENT PRIMARY KEY, t TEXT)")

        def are_there() -> bool:
            roles = [actor["Role"] for actor in self.node.api.actors() if actor["JobID"] == job]
            if roles.count("worker") >= count:
                return True
            self.on_source(*[f"INSERT INTO {schema}.wide (t) VALUES {rows}"] * 20)
            return False

        wait_for(are_there, self.node.api.actors)

    def executed(self) -> str:
        return str(value(self.source.endpoint, "SELECT @@GLOBAL.gtid_executed"))

    def document(
        self, job: str, schemas: Iterable[str], src: Json | None = None, dest: Json | None = None, **more: Any
    ) -> Json:
        """A job's document; `src` and `dest` are put into its tasks' Config."""
        made = job_document(job, self.source.endpoint, self.target.endpoint, list(schemas), **more)
        made["ID"] = job
        for task, config in zip(made["Tasks"], (src, dest), strict=True):
            task["Config"].update(config or {})
        return made

    def start(self, job: str, schemas: Iterable[str], **more: Any) -> None:
        """Post a job and wait until it runs."""
        self.post(self.document(job, schemas, **more))
        self.runs(job)

    def runs(self, job: str) -> None:
        """Wait until a job runs, and until its progress, which is told a moment later, says so as well.

        The set may be empty: fresh servers have executed nothing.
        """
        self.node.wait_stage(job, deadline=DEADLINE)

        def told() -> bool:
            applied = self.node.job(job)["Progress"].get("applied_gtid")
            return bool(applied) or (applied is not None and not self.executed())

        wait_for(told, lambda: self.node.job(job))

    def post(self, document: Json) -> None:
        self.node.post_job(document)
        self.posted.add(document["ID"])

    def forget(self, job: str) -> None:
        self.node.delete_job(job)
        self.posted.discard(job)

    def forget_all(self) -> None:
        """Leave no job to the tests that follow, in whatever state a failed test left it; a cut-over is undone."""
        for job in list(self.posted):
            for _ in range(10):
                try:
                    self.forget(job)
                    break
                except UdupError:
                    httpx.delete(f"{self.node.url}/v1/job/{quote(job, safe='')}/cutover", timeout=15)
                    time.sleep(1)
            else:
                self.forget(job)

    def failure(self, job: str) -> str:
        """Wait until the job has failed: what its StatusDescription says."""
        shown = self.node.wait_stage(job, ("failed",), DEADLINE)
        assert shown["Status"] == "dead"
        return str(shown["StatusDescription"])

    def applied(self, job: str) -> str:
        """What the target's checkpoint says, which is what counts."""
        with closing(connect(self.target.endpoint)) as connection:
            return applied(connection, job)

    def level(self, job: str, seconds: float = DEADLINE) -> None:
        """Wait until everything that the source has executed is in the target; fail with the job's reason."""
        wanted = self.executed()
        end = time.monotonic() + seconds
        with closing(connect(self.source.endpoint)) as source, closing(connect(self.target.endpoint)) as target:
            for look in itertools.count(1):
                if scalar(source, "SELECT GTID_SUBSET(%s, %s)", wanted, applied(target, job)):
                    return
                if look % LOOKS == 0:
                    shown = self.node.job(job)
                    if shown["Stage"] == "failed" or time.monotonic() > end:
                        raise UdupError(f"{job} is not level: {shown['Stage']}: {shown['StatusDescription']} {shown}")
                time.sleep(POLL)

    def assert_equal(self, *schemas: str) -> None:
        comparison = compare(self.source.endpoint, self.target.endpoint, schemas)
        assert comparison.equal, comparison.report()

    def level_and_equal(self, job: str, *schemas: str) -> None:
        self.level(job)
        self.assert_equal(*schemas)


@pytest.fixture(scope="package")
def pair(programs: MysqlPrograms, server_folder: Path) -> Iterator[tuple[MysqlServer, MysqlServer]]:
    """Servers for this package alone: its tests change global settings and read whole servers."""
    with (
        MysqlServer(programs, server_folder / "jobs-source", options=QUICK) as source,
        MysqlServer(programs, server_folder / "jobs-target", options=QUICK) as target,
    ):
        yield source, target


@pytest.fixture(scope="package")
def node(server_folder: Path) -> Iterator[UdupNode]:
    with UdupNode(server_folder / "jobs-node") as node:
        yield node


@pytest.fixture(scope="module")
def followed(request: pytest.FixtureRequest, pair: tuple[MysqlServer, MysqlServer], node: UdupNode) -> Iterator[World]:
    """A whole server's job, named by the module's `JOB`, without a copy: it starts after all that the source has."""
    job = request.module.JOB
    world = World(*pair, node)
    world.start(job, [], gtid=world.executed())
    yield world
    world.forget(job)


@pytest.fixture
def world(pair: tuple[MysqlServer, MysqlServer], node: UdupNode) -> Iterator[World]:
    """Every job of the test is deleted afterwards."""
    world = World(*pair, node)
    yield world
    assert node.running, (
        f"the Udup server ended ({node._process.poll() if node._process else None}):\n{node.log.read_text()[-3000:]}"
    )
    world.forget_all()


@pytest.fixture
def name(pair: tuple[MysqlServer, MysqlServer]) -> Iterator[str]:
    """A name for the test's job and its schema, which is dropped on both sides afterwards."""
    name = f"j_{uuid.uuid4().hex[:10]}"
    yield name
    for server in pair:
        run(server.endpoint, f"DROP DATABASE IF EXISTS {name}")


@pytest.fixture
def following(world: World, name: str) -> World:
    """With a job of this name that follows a table of three rows."""
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT PRIMARY KEY, a INT)",
        f"INSERT INTO {name}.t VALUES (1, 1), (2, 2), (3, 3)",
    )
    world.start(name, [name])
    return world
