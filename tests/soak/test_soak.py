"""A short soak in every test run; `python -m tests.soak --seconds 3600` is the long one."""

from __future__ import annotations

import time
from pathlib import Path

from tests.soak.run import Plan, Soak
from udup.sandbox.node import UdupNode
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.server import MysqlServer


def test_a_random_workload_with_kills_leaves_both_servers_equal(programs: MysqlPrograms, tmp_path: Path) -> None:
    plan = Plan(seed=str(time.time_ns()), seconds=12, round_seconds=12, writers=2, ddl_seconds=0.7, kill_seconds=4)
    with (
        MysqlServer(programs, tmp_path / "source") as source,
        MysqlServer(programs, tmp_path / "target") as target,
        UdupNode(tmp_path / "node") as node,
    ):
        Soak(source, target, node, plan, print).run()
