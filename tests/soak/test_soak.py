"""A short soak in every test run; `python -m tests.soak --seconds 3600` is the long one."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.soak.run import Plan, Soak
from udup.sandbox.node import UdupNode
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.server import MysqlServer


@pytest.mark.parametrize("without_transactions", [False, True])
def test_a_random_workload_with_kills_leaves_both_servers_equal(
    programs: MysqlPrograms, tmp_path: Path, without_transactions: bool
) -> None:
    """With tables without transactions as well, none of the MySQL servers is killed. In every other run of the first,
    some rows and columns of further tables are carried, which needs names in the log; in the others tables come into
    the job, leave it and are loaded again, and it is compared and repaired.
    """
    seconds = 7 if without_transactions else 12
    seed = time.time_ns()
    shaped = not without_transactions and seed // 1000 % 2 == 0
    plan = Plan(
        seed=str(seed),
        seconds=seconds,
        round_seconds=seconds,
        writers=1 if without_transactions else 2,
        ddl_seconds=0.7,
        kill_seconds=3 if without_transactions else 4,
        without_transactions=without_transactions,
        shaped=shaped,
        growth_seconds=0.0 if shaped or without_transactions else 1.5,
    )
    with (
        MysqlServer(programs, tmp_path / "source", options=plan.source_options) as source,
        MysqlServer(programs, tmp_path / "target") as target,
        UdupNode(tmp_path / "node") as node,
    ):
        Soak(source, target, node, plan, print).run()
