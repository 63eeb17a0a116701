"""A short proof in every test run; `make soak SOAK=--proof` is the long one."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.soak.proof.run import Plan, Proof
from udup.sandbox.node import UdupNode
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.server import MysqlServer

_VICTIMS = ("verifier", "worker", "source connections", "extractor", "applier", "target connections")


@pytest.mark.timeout(600)  # its rounds rest for some seconds each, and a busy machine takes several times as long
def test_no_false_alarm_under_kills_and_every_change_behind_a_jobs_back_is_found_and_repaired(
    programs: MysqlPrograms, tmp_path: Path
) -> None:
    plan = Plan(str(time.time_ns()), seconds=9, rate=100, kill_seconds=1.4, victims=_VICTIMS, changes=1, rounds=1)
    with (
        MysqlServer(programs, tmp_path / "source", options=plan.source_options) as source,
        MysqlServer(programs, tmp_path / "target") as target,
        UdupNode(tmp_path / "node") as node,
    ):
        Proof(source, target, node, plan, print).run()
