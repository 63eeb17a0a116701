"""Whatever is killed during a full copy, the copy begins again cleanly and the target comes out equal."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.faults.conftest import JOB, RATE_BESIDE_A_COPY, STAGE_SECONDS, Household, kill, wait_for
from udup.drivers.mysql.client.connection import connect, query

#: A table that makes the copy large enough for workers.
_HEAVY = (
    "CREATE TABLE IF NOT EXISTS shop.heavy (a INT PRIMARY KEY, t VARCHAR(6000))",
    "INSERT IGNORE INTO shop.heavy WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 900)"
    " SELECT n, REPEAT('x', 6000) FROM n",
    "INSERT IGNORE INTO shop.heavy SELECT a + 900, t FROM shop.heavy",
    "ANALYZE NO_WRITE_TO_BINLOG TABLE shop.heavy",
)


@pytest.fixture(scope="module", autouse=True)
def _leave_no_heavy_table(home: Household) -> Iterator[None]:
    """The jobs of the files that follow copy the shop, too, and need no workers for it."""
    yield
    home.revive()
    with closing(connect(home.source.endpoint)) as connection:
        query(connection, "DROP TABLE IF EXISTS shop.heavy")


@pytest.fixture
def copying(household: Household) -> Household:
    """A full copy in its middle, under write load; one of its tables is just dropped on the source."""
    with closing(connect(household.source.endpoint)) as connection:
        query(connection, "CREATE TABLE IF NOT EXISTS shop.passing (a INT PRIMARY KEY) SELECT 1 AS a")
        for statement in _HEAVY:
            query(connection, statement)
        household.start_load(rate=RATE_BESIDE_A_COPY)
        household.post_job(chunk_rows=60)
        wait_for(lambda: _share_copied(household) > 0.15, STAGE_SECONDS, "rows are copied")
        query(connection, "DROP TABLE shop.passing")
    assert household.node.job(JOB)["Stage"] == "copying"
    return household


def _share_copied(household: Household) -> float:
    progress = household.node.job(JOB)["Progress"]
    total = sum(table["total"] for table in progress.get("tables", {}).values())
    return progress.get("copied_rows", 0) / total if total else 0.0


def finish(household: Household) -> None:
    household.node.wait_stage(JOB, deadline=STAGE_SECONDS)
    household.check()


@pytest.mark.parametrize("role", ["worker", "applier", "extractor", "supervisor"])
def test_a_killed_actor_only_delays_the_copy(copying: Household, role: str) -> None:
    kill(copying.pid_of(role))
    finish(copying)


def test_a_killed_main_process_only_delays_the_copy(copying: Household) -> None:
    copying.node.kill()
    copying.node.start()
    finish(copying)


@pytest.mark.parametrize("store", ["kept", "deleted"])
def test_a_killed_nats_server_only_delays_the_copy(copying: Household, store: str) -> None:
    pid = next(pid for pid, title in copying.node.pids().items() if "nats-server" in title)
    if store == "deleted":
        shutil.rmtree(copying.node.data / "nats" / "jetstream")
    kill(pid)
    finish(copying)


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_killed_mysql_server_only_delays_the_copy(copying: Household, side: str) -> None:
    server = copying.source if side == "source" else copying.target
    server.kill()
    server.restart()
    finish(copying)
