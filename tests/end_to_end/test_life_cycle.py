"""A job's life: paused and resumed at any stage, a migration that ends, an update, a purge, a second chance."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import httpx
import psutil
import pytest

from tests.end_to_end.conftest import DEADLINE, World, value, wait_for
from udup.drivers.mysql.apply.own_tables import create_tables
from udup.drivers.mysql.client.connection import connect, query
from udup.sandbox.api import Json
from udup.sandbox.ports import free_port


@pytest.fixture
def filled(world: World, name: str) -> World:
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT AUTO_INCREMENT PRIMARY KEY, a INT)",
        f"CREATE TABLE {name}.ledger (a INT)",  # no key: what is applied twice shows
        f"INSERT INTO {name}.t (a) VALUES (1), (2), (3)",
    )
    return world


@contextmanager
def _writing(world: World, schema: str) -> Iterator[None]:
    """Transactions on the source, one after the other, until the block ends."""
    stop = threading.Event()

    def write() -> None:
        with closing(connect(world.source.endpoint, database=schema)) as connection:
            while not stop.wait(0.002):
                query(connection, "START TRANSACTION")
                query(connection, "INSERT INTO t (a) VALUES (0), (0)")
                query(connection, "UPDATE t SET a = a + 1 ORDER BY id DESC LIMIT 5")
                query(connection, "INSERT INTO ledger SELECT COUNT(*) FROM t")
                query(connection, "COMMIT")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _put(world: World, path: str) -> Json:
    answer = httpx.put(f"{world.node.url}/v1/job/{path}", timeout=15)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def _pause(world: World, job: str) -> None:
    assert _put(world, f"{job}/pause")["Index"] > 0
    assert world.node.job(job)["Status"] == "pause"
    world.node.wait_stage(job, ("paused",), DEADLINE)


def _get(world: World, path: str) -> Any:
    return httpx.get(f"{world.node.url}/v1/{path}", timeout=15, verify=False).json()


def _events(allocation: Json) -> list[str]:
    return [event["Type"] for event in allocation["TaskStates"][allocation["Task"]]["Events"]]


def _actors(world: World, job: str) -> list[int]:
    return [int(actor["Pid"]) for actor in _get(world, "agent/actors") if actor["JobID"] == job]


def _ledger(world: World, job: str) -> int:
    return int(value(world.target.endpoint, f"SELECT COUNT(*) FROM {job}.ledger"))


def _goes_on(world: World, job: str) -> None:
    before = _ledger(world, job)
    wait_for(lambda: _ledger(world, job) > before + 20, lambda: world.node.job(job))


def test_a_job_paused_updated_and_resumed_under_load_loses_and_doubles_nothing(filled: World, name: str) -> None:
    filled.start(name, [name], dest={"ParallelWorkers": 1})
    migration = f"{name}_m"
    filled.post({**filled.document(migration, [migration], gtid=filled.executed()), "Type": "migration"})
    filled.node.wait_stage(migration, ("completed",), DEADLINE)
    allocations = {allocation["ID"] for allocation in _get(filled, f"job/{name}/allocations")}
    with _writing(filled, name):
        _goes_on(filled, name)
        pids = _actors(filled, name)
        assert len(pids) == 2
        _pause(filled, name)
        assert _put(filled, f"{name}/pause") == {"Index": 0, "KnownLeader": False, "LastContact": 0, "Success": False}
        wait_for(lambda: not any(psutil.pid_exists(pid) for pid in pids), lambda: pids)
        assert not _actors(filled, name)
        rows = _ledger(filled, name)
        shown = _get(filled, f"job/{name}/allocations")
        assert {each["ID"] for each in shown} == allocations
        assert {each["DesiredStatus"] for each in shown} == {"pause"}
        assert all(_events(each)[-2:] == ["Killing", "Killed"] for each in shown)

        filled.node.stop()
        filled.node.start()
        assert filled.node.wait_stage(name, ("paused",), DEADLINE)["Status"] == "pause"
        assert filled.node.wait_stage(migration, ("completed",), DEADLINE)["Status"] == "complete"
        assert not _actors(filled, name) and not _actors(filled, migration)
        assert _ledger(filled, name) == rows, "a paused job applies nothing"

        assert _put(filled, f"{name}/resume")["Index"] > 0
        _goes_on(filled, name)
        filled.node.wait_stage(name, deadline=DEADLINE)
        assert _put(filled, f"{name}/resume")["Index"] == 0
        filled.post(filled.document(name, [name], src={"ReplChanBufferSize": 50}, workers=3))
        _goes_on(filled, name)
    filled.level_and_equal(name, name)
    triggers = [evaluation["TriggeredBy"] for evaluation in _get(filled, f"job/{name}/evaluations")]
    assert sorted(triggers) == ["job-pause", "job-register", "job-register", "job-resume"]
    assert filled.node.job(name)["Progress"]["restarts"] == 0


def test_a_copy_that_is_paused_begins_anew(filled: World, name: str) -> None:
    with closing(connect(filled.target.endpoint)) as holding:
        create_tables(holding)
        # Where a copy notes each table before it makes it: it waits there.
        query(holding, "START TRANSACTION")
        query(holding, "SELECT * FROM udup.copied_table FOR UPDATE")
        filled.post(filled.document(name, [name]))
        filled.node.wait_stage(name, ("copying",), DEADLINE)
        _pause(filled, name)
    assert value(filled.target.endpoint, "SELECT selection FROM udup.checkpoint WHERE job = %s", name) == "copying"
    filled.on_source(f"INSERT INTO {name}.t (a) VALUES (4)")
    assert _put(filled, f"{name}/resume")["Success"]
    filled.level_and_equal(name, name)


def test_a_migration_completes_by_itself_and_may_be_resumed_for_what_came_after(filled: World, name: str) -> None:
    def completed() -> None:
        shown = filled.node.wait_stage(name, ("completed",), DEADLINE)
        assert (shown["Status"], shown["StatusDescription"]) == ("complete", "")
        filled.assert_equal(name)
        assert not _actors(filled, name)

    document = filled.document(name, [name])
    filled.post({**document, "Type": "migration"})
    completed()
    for allocation in _get(filled, f"job/{name}/allocations"):
        state = allocation["TaskStates"][allocation["Task"]]
        assert (allocation["ClientStatus"], state["State"], state["Failed"]) == ("complete", "dead", False)
        assert _events(allocation) == ["Received", "Started", "Terminated"]
        assert (state["Events"][-1]["ExitCode"], state["Events"][-1]["Message"]) == (0, "")
    assert _put(filled, f"{name}/pause")["Success"] is False
    filled.on_source(f"INSERT INTO {name}.t (a) VALUES (4)", f"DELETE FROM {name}.t WHERE a = 1")
    assert _put(filled, f"{name}/resume")["Success"]
    completed()
    assert len(_get(filled, f"job/{name}/allocations")) == 4


def test_a_purge_removes_the_checkpoint_and_a_failed_one_keeps_the_job(filled: World, name: str) -> None:
    filled.start(name, [name])
    rows = "SELECT COUNT(*) FROM udup.checkpoint WHERE job = %s"
    assert value(filled.target.endpoint, rows, name) > 0
    answer = httpx.delete(f"{filled.node.url}/v1/job/{name}?purge=true", timeout=40)
    assert answer.status_code == 200, answer.text
    filled.posted.discard(name)
    assert value(filled.target.endpoint, rows, name) == 0
    assert not _actors(filled, name)
    ours = [each for each in _get(filled, "evaluations") if each["JobID"] == name]
    assert [each["TriggeredBy"] for each in ours] == ["job-deregister"]

    unreachable = filled.document(name, [name])
    unreachable["Tasks"][1]["Config"]["ConnectionConfig"]["Port"] = free_port()
    filled.post(unreachable)
    answer = httpx.delete(f"{filled.node.url}/v1/job/{name}?purge=true", timeout=40)
    assert answer.status_code == 503, answer.text
    assert "was not deleted" in answer.text and "without purge" in answer.text
    wait_for(lambda: filled.node.job(name)["Progress"]["restarts"] > 0, lambda: filled.node.job(name))
    filled.forget(name)


def test_a_failed_job_is_resumed_when_its_reason_is_gone(filled: World, name: str) -> None:
    filled.on_target(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (x INT)", f"INSERT INTO {name}.t VALUES (1)")
    filled.post(filled.document(name, [name]))
    reason = filled.failure(name)
    assert not _actors(filled, name)
    source, target = sorted(_get(filled, f"job/{name}/allocations"), key=lambda each: str(each["Task"]), reverse=True)
    assert (target["ClientStatus"], source["ClientStatus"]) == ("failed", "complete")
    assert _events(target) == ["Received", "Started", "Terminated", "Not Restarting"]
    assert _events(source) == ["Received", "Started", "Sibling Task Failed"]
    ended = target["TaskStates"]["Dest"]["Events"][2]
    assert (ended["ExitCode"], ended["Message"]) == (2, reason)

    filled.on_target(f"DROP DATABASE {name}")
    assert _put(filled, f"{name}/resume")["Success"]
    filled.node.wait_stage(name, deadline=DEADLINE)
    filled.level_and_equal(name, name)
    shown = _get(filled, f"job/{name}/allocations")
    assert sorted(each["ClientStatus"] for each in shown) == ["complete", "failed", "running", "running"]
    assert filled.node.job(name)["Progress"]["restart_history"][0]["error"] == reason


def test_wishes_in_any_order_and_number_leave_nothing_behind(filled: World, name: str) -> None:
    """Engines are stopped and actors dismissed at every moment of their beginning."""
    document = filled.document(name, [name], dest={"DropTableIfExists": True}, workers=3)
    path = f"{filled.node.url}/v1/job/{name}"
    dice = random.Random(7)
    said_before = filled.node.log.stat().st_size

    def wish(act: str) -> int:
        time.sleep(dice.random() / 3)
        return httpx.request(*acts[act], timeout=30, json=document if act == "post" else None).status_code

    acts = {
        "post": ("POST", f"{filled.node.url}/v1/jobs"),
        "pause": ("PUT", f"{path}/pause"),
        "resume": ("PUT", f"{path}/resume"),
        "delete": ("DELETE", path),
    }
    filled.post(document)
    with ThreadPoolExecutor(5) as pool:
        codes = set(pool.map(wish, dice.choices(["post", "post", "pause", "resume", "delete"], k=50)))
    assert codes <= {200, 404}
    filled.post(document)
    _put(filled, f"{name}/resume")
    filled.node.wait_stage(name, deadline=DEADLINE)
    filled.level_and_equal(name, name)
    assert "engine_stuck" not in filled.node.log.read_bytes()[said_before:].decode()

    def processes() -> set[int]:
        return {pid for pid, title in filled.node.pids().items() if f" of {name} " in title}

    wait_for(lambda: processes() == set(_actors(filled, name)), lambda: (processes(), _actors(filled, name)))
    assert len(processes()) == 2
    filled.forget(name)
    wait_for(lambda: not processes(), processes)


def test_there_is_no_pausing_of_a_job_that_is_not_there(world: World) -> None:
    for act in ("pause", "resume"):
        answer = httpx.put(f"{world.node.url}/v1/job/unheard-of/{act}", timeout=15)
        assert (answer.status_code, answer.text) == (404, "job not found")
