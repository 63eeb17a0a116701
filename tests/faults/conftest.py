"""A household for faults: two servers of its own, a shop, a Udup server, a job; anything in it may be killed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from udup.mysql.connection import connect, query, scalar
from udup.sandbox import shop
from udup.sandbox.api import job_document
from udup.sandbox.compare import compare, wait_level
from udup.sandbox.load import WriteLoad
from udup.sandbox.node import UdupNode
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.server import MysqlServer

#: Rows of the shop: enough that a full copy can be hit in its middle.
ROWS = 60_000

#: Seconds for the target to come level when the load has ended, and for a job to run again.
LEVEL_SECONDS, STAGE_SECONDS = 60.0, 90.0

JOB = "shop"


@dataclass
class Household:
    """`job` posts the job anew; `check` ends the load and holds the two servers against each other."""

    source: MysqlServer
    target: MysqlServer
    node: UdupNode
    load: WriteLoad | None = None
    posted: bool = field(default=False)

    def post_job(self) -> None:
        document = {**job_document(JOB, self.source.endpoint, self.target.endpoint, ["shop"]), "ID": JOB}
        self.node.post_job(document)
        self.posted = True

    def start_load(self, *, ddl: bool = False) -> None:
        self.load = WriteLoad(self.source.endpoint, rate=150, ddl=ddl)
        self.load.start()

    def pid_of(self, role: str) -> int:
        actors = httpx.get(f"{self.node.url}/v1/agent/actors", timeout=10).json()
        return next(int(actor["Pid"]) for actor in actors if actor["Role"] == role)

    def progress(self) -> dict[str, object]:
        return dict(self.node.job(JOB)["Progress"])

    def applied(self) -> str:
        """What the target's checkpoint says, which is what counts."""
        with connect(self.target.endpoint) as connection:
            rows = query(connection, "SELECT gtids FROM udup.checkpoint WHERE job = %s AND gtids <> ''", JOB)
        return ",".join(str(row[0]) for row in rows)

    def wait_applied(self, transactions: int) -> None:
        """Until the load has got so much further on the target."""
        before = self._ledger(self.target)
        wait_for(lambda: self._ledger(self.target) >= before + transactions, STAGE_SECONDS, "the job goes on")

    def _ledger(self, server: MysqlServer) -> int:
        with connect(server.endpoint) as connection:
            return int(scalar(connection, "SELECT COUNT(*) FROM shop.ledger"))

    def check(self) -> None:
        """No transaction lost, none applied twice, every table equal: `ledger` has no primary key to hide behind."""
        if self.load is not None:
            self.load.stop()
        assert wait_level(self.source.endpoint, self.applied, LEVEL_SECONDS), self.node.job(JOB)
        comparison = compare(self.source.endpoint, self.target.endpoint, ["shop"])
        assert comparison.equal, comparison.report()
        assert self._ledger(self.target) == self._ledger(self.source) > 0


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.02)


def kill(pid: int) -> None:
    """SIGKILL, and wait until it is gone."""
    os.kill(pid, signal.SIGKILL)

    def gone() -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
        except FileNotFoundError:
            return True

    wait_for(gone, 10, f"process {pid} ends")


@pytest.fixture(scope="package")
def servers(programs: MysqlPrograms, server_folder: Path) -> Iterator[tuple[MysqlServer, MysqlServer]]:
    """A source with a shop on it, and a target: for this package alone, since its tests kill them."""
    with (
        MysqlServer(programs, server_folder / "fault-source") as source,
        MysqlServer(programs, server_folder / "fault-target") as target,
    ):
        shop.fill(source.endpoint, ROWS)
        yield source, target


@pytest.fixture
def household(servers: tuple[MysqlServer, MysqlServer], tmp_path: Path) -> Iterator[Household]:
    """An empty target, a new Udup server, no job yet; nothing is left running afterwards."""
    source, target = servers
    for server in servers:
        if not server.running:
            server.restart()
    with connect(target.endpoint) as connection:
        for schema in ("shop", "udup"):
            query(connection, f"DROP DATABASE IF EXISTS {schema}")
    with UdupNode(tmp_path / "node") as node:
        household = Household(source, target, node)
        try:
            yield household
        finally:
            if household.load is not None:
                household.load.stop()
    assert not node.pids(), "processes were left behind"
