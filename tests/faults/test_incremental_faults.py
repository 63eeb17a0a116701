"""Whatever is killed while changes are replicated, no transaction is lost and none is applied twice."""

from __future__ import annotations

import shutil

import pytest

from tests.faults.conftest import AFTER, BEFORE, JOB, Household, kill, wait_for


@pytest.mark.parametrize("role", ["worker", "applier", "extractor", "supervisor"])
def test_a_killed_actor_loses_and_doubles_nothing(running: Household, role: str) -> None:
    running.need_a_worker()
    victim = running.pid_of(role)
    kill(victim)
    running.wait_applied(AFTER)
    if role == "worker":
        running.need_a_worker()
    running.wait_successor(role, victim)
    running.check()


def test_a_worker_killed_again_and_again_loses_and_doubles_nothing(running: Household) -> None:
    for _ in range(4):
        running.need_a_worker()
        kill(running.pid_of("worker"))
        running.wait_applied(BEFORE)
    running.check()


def test_a_killed_main_process_leaves_nothing_and_its_successor_goes_on(running: Household) -> None:
    running.node.kill()
    wait_for(lambda: not running.node.pids(), 5, "every process of the killed server ends")
    running.node.start()
    running.wait_applied(AFTER)
    running.check()


def test_a_server_that_is_told_to_stop_does_and_its_successor_goes_on(running: Household) -> None:
    running.node.stop()
    running.node.start()
    running.wait_applied(AFTER)
    running.check()


@pytest.mark.parametrize("store", ["kept", "deleted"])
def test_a_killed_nats_server_loses_and_doubles_nothing(running: Household, store: str) -> None:
    pid = next(pid for pid, title in running.node.pids().items() if "nats-server" in title)
    if store == "deleted":
        shutil.rmtree(running.node.data / "nats" / "jetstream")
    kill(pid)
    running.wait_applied(AFTER)
    running.node.wait_stage(JOB, ("running", "catching_up"))  # the store may be being written anew
    running.check()


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_killed_mysql_server_loses_and_doubles_nothing(running: Household, side: str) -> None:
    server = running.source if side == "source" else running.target
    server.kill()
    server.restart()
    running.wait_applied(AFTER)
    running.check()
