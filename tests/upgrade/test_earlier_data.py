"""The folder that the version before has left, started with this one: its jobs go on, and nothing of them is lost.

`make.py` made what stands in `v0_4` with that version.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.end_to_end.conftest import run, value, wait_for
from tests.other_servers import MakeServer
from tests.quick_servers import QUICK
from tests.upgrade.make import ACCOUNT, DELETED, PASSWORD, PAUSED, RUNS, SOURCE, TARGET
from tests.upgrade.relay import Relay
from udup.drivers.mysql.client.connection import connect, query
from udup.sandbox.node import UdupNode
from udup.sandbox.server import MysqlServer

BEFORE = Path(__file__).parent / "v0_4"

#: A row that is on the target alone: a copy would not leave it there.
WITNESS = 9_000_000


@dataclass
class Left:
    """What the version before has left, and the servers that its jobs name."""

    node: UdupNode
    source: MysqlServer
    target: MysqlServer
    told: dict[str, Any]

    def rows(self, server: MysqlServer, job: str) -> list[tuple[Any, ...]]:
        with closing(connect(server.endpoint)) as connection:
            return list(query(connection, f"SELECT id, n FROM {job}.t WHERE id <> {WITNESS} ORDER BY id"))

    def comes_level(self, job: str) -> None:
        wait_for(
            lambda: self.rows(self.source, job) == self.rows(self.target, job),
            lambda: (self.node.job(job)["Stage"], self.node.job(job)["StatusDescription"]),
        )


@pytest.fixture
def left(mysql_server: MakeServer, tmp_path: Path) -> Iterator[Left]:
    told = json.loads((BEFORE / "left.json").read_text())
    source, target = mysql_server(**QUICK), mysql_server(**QUICK)
    account = (f"CREATE USER {ACCOUNT}@'%' IDENTIFIED BY '{PASSWORD}'", f"GRANT ALL ON *.* TO {ACCOUNT}@'%'")
    tables = [each for each in told["statements"] if "`udup`" not in each and " udup." not in each]
    run(source.endpoint, "SET sql_log_bin = 0", *account, *tables)
    run(source.endpoint, "RESET BINARY LOGS AND GTIDS", f"SET GLOBAL gtid_purged = '{told['executed']}'")
    run(target.endpoint, *account, *told["statements"])
    run(target.endpoint, *(f"INSERT INTO {job}.t VALUES ({WITNESS}, 1)" for job in (RUNS, PAUSED)))
    node = UdupNode(tmp_path / "node")
    node.data.mkdir(parents=True, mode=0o700)
    with tarfile.open(BEFORE / "data.tar.xz") as packed:
        packed.extractall(node.data, filter="data")
    with ExitStack() as stack:
        stack.enter_context(Relay(SOURCE, source.endpoint.port))
        stack.enter_context(Relay(TARGET, target.endpoint.port))
        stack.enter_context(node)
        yield Left(node, source, target, told)


def test_the_jobs_of_the_version_before_go_on_without_a_copy(left: Left) -> None:
    node, before = left.node, left.told["shown"]
    key = (node.data / "secret.key").read_bytes()
    assert {job["ID"] for job in httpx.get(f"{node.url}/v1/jobs", timeout=20).json()} == {RUNS, PAUSED}

    node.wait_stage(RUNS)
    run(left.source.endpoint, f"INSERT INTO {RUNS}.t VALUES (5, 5)", f"UPDATE {RUNS}.t SET n = -1 WHERE id = 2")
    left.comes_level(RUNS)
    checkpoint = "SELECT GTID_SUBSET(%s, GROUP_CONCAT(gtids)) FROM udup.checkpoint WHERE job = %s AND gtids <> ''"
    wanted = value(left.source.endpoint, "SELECT @@GLOBAL.gtid_executed")
    wait_for(lambda: value(left.target.endpoint, checkpoint, wanted, RUNS) == 1, lambda: node.job(RUNS))

    shown = node.job(PAUSED)
    assert shown["Stage"] == "paused"
    run(left.source.endpoint, f"DELETE FROM {PAUSED}.t WHERE id = 3")
    httpx.put(f"{node.url}/v1/job/{PAUSED}/resume", timeout=20).raise_for_status()
    left.comes_level(PAUSED)

    for job in (RUNS, PAUSED):
        assert value(left.target.endpoint, f"SELECT COUNT(*) FROM {job}.t WHERE id = {WITNESS}") == 1, "no copy"
        masked = [task["Config"]["ConnectionConfig"]["Password"] for task in node.job(job)["Tasks"]]
        assert masked == ["******", "******"], "the sealed passwords opened the servers, and are not shown"
    [restart] = before["jobs"][RUNS]["Progress"]["restart_history"]
    assert restart.items() <= node.job(RUNS)["Progress"]["restart_history"][0].items()
    evaluations = {each["ID"] for each in httpx.get(f"{node.url}/v1/evaluations", timeout=20).json()}
    assert {each["ID"] for each in before["evaluations"]} <= evaluations
    assert any(each["JobID"] == DELETED for each in before["evaluations"])
    assert (node.data / "secret.key").read_bytes() == key
