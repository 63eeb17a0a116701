"""A household for faults: two servers of its own, a shop, a Udup server, a job; anything in it may be killed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.quick_servers import QUICK
from udup.base.errors import Transient
from udup.drivers.mysql.client.connection import connect, query, scalar
from udup.sandbox import shop
from udup.sandbox.api import job_document
from udup.sandbox.load import WriteLoad
from udup.sandbox.node import UdupNode
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.server import MysqlServer
from udup.verify.compare import compare, wait_level

#: Rows of the shop: enough that a full copy can be hit in its middle.
ROWS = 24_000

#: Seconds for the target to come level when the load has ended, and for a job to run again.
LEVEL_SECONDS, STAGE_SECONDS = 180.0, 180.0

#: Transactions a second of the load: as they are waited for, and beside a copy, where they are many without.
RATE, RATE_BESIDE_A_COPY = 100, 40

JOB = "shop"

#: Row filters need the names of columns in the log, also after a restart.
SOURCE_OPTIONS = QUICK | {"binlog-row-metadata": "FULL"}

#: Transactions that must be applied before a kill, and again after it.
BEFORE, AFTER = 40, 100


@dataclass
class Household:
    """`begin_anew` empties the target and forgets the job; `check` ends the load and holds the two servers against each
    other. `sound` says that the last check was well and nothing has been done since.
    """

    source: MysqlServer
    target: MysqlServer
    node: UdupNode
    load: WriteLoad | None = None
    sound: bool = False

    def revive(self) -> None:
        """Whatever a test has left killed runs again."""
        for each in (self.source, self.target):
            if not each.running:
                each.restart()
        if not self.node.running:
            self.node.end_leftovers()
            self.node.start()

    def begin_anew(self) -> None:
        self.sound = False
        self.node.delete_job(JOB)
        with connect(self.target.endpoint) as connection:
            for schema in ("shop", "udup"):
                query(connection, f"DROP DATABASE IF EXISTS {schema}")

    def post_job(self, *, chunk_rows: int | None = None) -> None:
        """Post the job; `chunk_rows`: few in a chunk, so that its copy takes long enough to be hit in its middle."""
        document = {**job_document(JOB, self.source.endpoint, self.target.endpoint, ["shop"]), "ID": JOB}
        if chunk_rows is not None:
            document["Tasks"][0]["Config"]["ChunkSize"] = chunk_rows
        self.node.post_job(document)

    def start_load(self, *, rate: int = RATE, ddl: bool = False) -> None:
        self.sound = False
        self.load = WriteLoad(self.source.endpoint, rate=rate, ddl=ddl)
        self.load.start()

    def carry_on_under_load(self) -> None:
        """Have the job run under write load with DDL in it: the one of the test before if all is well with it."""
        self.revive()
        if not self.sound:
            self.begin_anew()
            self.post_job()
        self.node.wait_stage(JOB, deadline=STAGE_SECONDS)
        self.start_load(ddl=True)
        self.wait_applied(BEFORE)

    def stop_load(self) -> None:
        if self.load is not None:
            self.load.stop()
            self.load = None

    def need_a_worker(self, *statements: str) -> None:
        """Commit what DestApplier does not apply itself, by default in the shop, and wait until a worker is there."""
        much = "CREATE TABLE IF NOT EXISTS shop.much (id INT AUTO_INCREMENT PRIMARY KEY, t LONGTEXT)"
        with connect(self.source.endpoint) as connection:
            for statement in statements or (much, "INSERT INTO shop.much (t) VALUES (REPEAT('much ', 20000))"):
                query(connection, statement)
        wait_for(lambda: any(self._pids_of("worker")), STAGE_SECONDS, "a worker")

    def pid_of(self, role: str) -> int:
        """A live process of this role, as soon as there is one: a run may have just begun again."""
        found: list[int] = []

        def is_there() -> bool:
            with suppress(Transient):
                found.extend(self._pids_of(role))
            return bool(found)

        wait_for(is_there, STAGE_SECONDS, f"a live {role}")
        return found[0]

    def _pids_of(self, role: str) -> Iterator[int]:
        pids = (int(actor["Pid"]) for actor in self.node.api.actors() if actor["Role"] == role)
        return (pid for pid in pids if psutil.pid_exists(pid))

    def wait_successor(self, role: str, victim: int) -> None:
        """Until another process has taken the place of a killed one."""

        def taken() -> bool:
            with suppress(Transient):  # the supervisor itself may be on its way back
                return next(self._pids_of(role), victim) != victim
            return False

        wait_for(taken, STAGE_SECONDS, f"another {role}")

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
            wait_for(lambda: self._ledger(self.source) > 0, STAGE_SECONDS, "the load has begun to write")
        self.stop_load()
        assert wait_level(self.source.endpoint, self.applied, LEVEL_SECONDS), self.node.job(JOB)
        comparison = compare(self.source.endpoint, self.target.endpoint, ["shop"])
        assert comparison.equal, comparison.report()
        assert self._ledger(self.target) == self._ledger(self.source) > 0
        self.sound = True


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.1)


def kill(pid: int) -> None:
    """SIGKILL, and wait until it is gone."""
    os.kill(pid, signal.SIGKILL)

    def gone() -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
        except (FileNotFoundError, ProcessLookupError):  # the second when it goes between opening and reading
            return True

    wait_for(gone, 10, f"process {pid} ends")


@pytest.fixture(scope="package")
def servers(programs: MysqlPrograms, server_folder: Path) -> Iterator[tuple[MysqlServer, MysqlServer]]:
    """A source with a shop on it, and a target: for this package alone, since its tests kill them."""
    with (
        MysqlServer(programs, server_folder / "fault-source", options=SOURCE_OPTIONS) as source,
        MysqlServer(programs, server_folder / "fault-target", options=QUICK) as target,
    ):
        shop.fill(source.endpoint, ROWS)
        yield source, target


@pytest.fixture(scope="package")
def home(servers: tuple[MysqlServer, MysqlServer], server_folder: Path) -> Iterator[Household]:
    """The servers with a Udup server between them; nothing of it is left running in the end."""
    with UdupNode(server_folder / "fault-node") as node:
        yield Household(*servers, node)
    assert not node.pids(), "processes were left behind"


@pytest.fixture
def household(home: Household) -> Iterator[Household]:
    """An empty target and no job yet."""
    home.revive()
    home.begin_anew()
    yield home
    home.stop_load()


@pytest.fixture
def running(home: Household) -> Iterator[Household]:
    """The job runs under write load with DDL in it: the one of the test before if all is well with it."""
    home.carry_on_under_load()
    yield home
    home.stop_load()
