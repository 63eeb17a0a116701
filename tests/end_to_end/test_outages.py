"""A server that is away is waited for: the job says for what, since when and why, and goes on by itself."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

import httpx
import pytest

from tests.end_to_end.conftest import World, wait_for
from tests.frozen import frozen
from udup.drivers.mysql.client.connection import connect, query
from udup.sandbox.api import Json
from udup.sandbox.server import MysqlServer


def _waits_for(world: World, job: str, side: str, seconds: float = 40.0) -> Json:
    """Wait until the job says that it waits for this side; return what it says."""

    def waits() -> Json:
        return world.node.job(job)["Progress"].get("reconnecting") or {}

    wait_for(lambda: waits().get("side") == side, lambda: world.node.job(job), seconds)
    return waits()


def _shown(world: World, job: str) -> Json:
    shown: Json = world.node.job(job)["Progress"]
    return shown


def _get(world: World, path: str) -> httpx.Response:
    return httpx.get(f"{world.node.url}{path}", timeout=30)


def _put(world: World, job: str, command: str) -> None:
    assert httpx.put(f"{world.node.url}/v1/job/{job}/{command}", timeout=30).status_code == 200


def _lag_grows(world: World, job: str) -> None:
    """Wait until the lag has grown over a second, and see that the job is never level meanwhile."""

    def has_grown() -> bool:
        shown = _shown(world, job)
        assert not shown["level"]
        return (shown["lag_ms"] or 0) > 1500

    wait_for(has_grown, lambda: _shown(world, job), 15)


def _goes_on(world: World, job: str, key: int) -> None:
    """Insert a row at the source and see it arrive; then the job waits for nothing and is level."""
    world.on_source(f"INSERT INTO {job}.t VALUES ({key})")
    world.level_and_equal(job, job)
    wait_for(lambda: bool(_shown(world, job)["level"]), lambda: _shown(world, job))
    assert _shown(world, job)["reconnecting"] is None
    world.node.wait_stage(job, ("running",))


@pytest.fixture
def followed_job(world: World, name: str) -> str:
    """A job that follows one table, and is level."""
    world.on_source(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (id INT PRIMARY KEY)")
    world.start(name, [name])
    world.level(name)
    return name


@contextmanager
def _stopped(server: MysqlServer) -> Iterator[None]:
    server.stop()
    try:
        yield
    finally:
        server.start()


def test_a_target_that_is_stopped_is_waited_for_and_the_node_stays_ready(world: World, followed_job: str) -> None:
    job = followed_job
    with _stopped(world.target):
        world.on_source(f"INSERT INTO {job}.t VALUES (1)")
        waits = _waits_for(world, job, "target")
        assert waits["kind"] == "Unavailable" and waits["attempts"] >= 1
        assert time.time() - 60 < waits["since"] <= time.time() + 1
        _lag_grows(world, job)
        health = _get(world, "/v1/health/ready")
        assert health.status_code == 200
        assert health.json()["Ready"] and health.json()["Reconnecting"] == {"target": 1}
        metrics = _get(world, "/metrics").text
        assert f'udup_job_connected{{job_id="{job}",job_name="{job}",side="target"}} 0.0' in metrics
        assert f'udup_job_connected{{job_id="{job}",job_name="{job}",side="source"}} 1.0' in metrics
        wait_for(lambda: _waits_for(world, job, "target")["attempts"] >= 3, lambda: _shown(world, job))
        assert _waits_for(world, job, "target")["since"] == waits["since"]
        told = world.node.job(job)
        assert (told["Shown"], told["Group"], told["NeedsYou"]) == ("reconnecting", "healing", False)
        assert told["Waits"]["For"] == "target" and told["Waits"]["To"].endswith(f":{world.target.endpoint.port}")
        assert f'udup_job_shown{{job_id="{job}",job_name="{job}",state="reconnecting"}} 1.0' in metrics
        assert told["Failure"] is None
    _put(world, job, "resume")  # it tries at once
    _goes_on(world, job, 2)


@pytest.mark.slow  # waits for time-outs, or starts a node
def test_a_node_that_is_started_again_meanwhile_still_says_since_when(world: World, followed_job: str) -> None:
    job = followed_job
    with _stopped(world.target):
        since = _waits_for(world, job, "target")["since"]
        world.node.stop()
        world.node.start()
        waits = _waits_for(world, job, "target")
        assert waits["since"] == since
        _lag_grows(world, job)
    _goes_on(world, job, 1)


def test_an_idle_job_notices_that_its_target_is_read_only_and_a_start_waits_for_it(
    world: World, followed_job: str
) -> None:
    job = followed_job
    world.on_target("SET GLOBAL super_read_only = ON")
    try:
        assert "super_read_only" in _waits_for(world, job, "target")["why"]
        _put(world, job, "pause")
        world.node.wait_stage(job, ("paused",))
        shown = _shown(world, job)
        assert shown["reconnecting"] is None and not shown["level"]
        _put(world, job, "resume")
        assert "super_read_only" in _waits_for(world, job, "target")["why"], "a start waits as well"
    finally:
        world.on_target("SET GLOBAL super_read_only = OFF", "SET GLOBAL read_only = OFF")
    _goes_on(world, job, 1)


def test_a_job_that_is_posted_while_its_target_is_away_starts_when_it_is_back(world: World, name: str) -> None:
    world.on_source(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (id INT PRIMARY KEY)")
    with _stopped(world.target):
        world.post(world.document(name, [name]))
        _waits_for(world, name, "target")
        assert world.node.job(name)["Stage"] == "pending"
    world.runs(name)
    _goes_on(world, name, 1)


def test_a_source_that_is_stopped_is_waited_for_and_the_lag_is_told(world: World, followed_job: str) -> None:
    job = followed_job
    with _stopped(world.source):
        _waits_for(world, job, "source")
        _lag_grows(world, job)
    _goes_on(world, job, 1)


def test_two_servers_that_are_stopped_have_states_of_their_own(world: World, followed_job: str) -> None:
    job = followed_job

    def away() -> dict[str, Json]:
        return {each["side"]: each for each in (_shown(world, job)["reconnecting"] or {}).get("sides", [])}

    def connected(metrics: str, side: str) -> bool:
        return f'udup_job_connected{{job_id="{job}",job_name="{job}",side="{side}"}} 1.0' in metrics

    with _stopped(world.source):
        _waits_for(world, job, "source")
        with _stopped(world.target):
            wait_for(lambda: set(away()) == {"source", "target"}, away, 40)
            wait_for(lambda: "2003" in away()["target"]["why"], away, 40)  # before, that it shuts down
            both = away()
            assert both["source"]["since"] < both["target"]["since"] <= time.time() + 1
            assert both["source"]["to"] == str(world.source.endpoint)
            metrics = _get(world, "/metrics").text
            assert not connected(metrics, "source") and not connected(metrics, "target") and connected(metrics, "nats")
            assert _get(world, "/v1/health").json()["Reconnecting"] == {"source": 1, "target": 1}
            assert _shown(world, job)["tx_per_s"] == 0
        wait_for(lambda: set(away()) == {"source"}, away, 40)
        assert away()["source"]["since"] == both["source"]["since"]
        assert connected(_get(world, "/metrics").text, "target")
    _goes_on(world, job, 1)


@pytest.mark.slow  # waits for time-outs
@pytest.mark.parametrize("side", ["source", "target"])
def test_an_idle_job_notices_that_a_server_hangs(world: World, followed_job: str, side: str) -> None:
    job = followed_job
    server = world.source if side == "source" else world.target
    with frozen(server.pid):
        wait_for(lambda: not _shown(world, job)["level"], lambda: _shown(world, job), 15)
        _waits_for(world, job, side)
        _lag_grows(world, job)
    _goes_on(world, job, 1)


@pytest.mark.slow  # waits for time-outs, or starts a node
def test_a_target_that_hangs_in_a_commit_is_not_called_level(world: World, followed_job: str) -> None:
    """DestApplier's loop stands still in the commit, and says nothing: the source's side says that there is more."""
    job = followed_job
    wait_for(lambda: bool(_shown(world, job)["level"]), lambda: _shown(world, job))
    with frozen(world.target.pid):
        world.on_source(f"INSERT INTO {job}.t VALUES (1)")
        wait_for(lambda: not _shown(world, job)["level"], lambda: _shown(world, job), 8)
        _lag_grows(world, job)  # what is under way outlasts a stall of a minute: the run need not end by it
    _goes_on(world, job, 2)


def test_a_table_that_somebody_locks_on_the_target_is_waited_for_within_the_run(
    world: World, followed_job: str
) -> None:
    """DestApplier's loop does not stand still for it: a worker waits, and the job goes on reporting."""
    job = followed_job
    with closing(connect(world.target.endpoint)) as locker:
        query(locker, f"LOCK TABLES {job}.t READ")
        world.on_source(f"INSERT INTO {job}.t VALUES (1)")
        wait_for(lambda: not _shown(world, job)["level"], lambda: _shown(world, job))
        began = _shown(world, job)["reported_at"]
        wait_for(lambda: _shown(world, job)["reported_at"] > began + 5, lambda: _shown(world, job))
        assert not _shown(world, job)["level"] and _shown(world, job)["lag_ms"] > 4000
    _goes_on(world, job, 2)
    assert not _shown(world, job)["restart_history"]


def test_a_target_without_room_for_connections_is_waited_for(world: World, followed_job: str) -> None:
    job = followed_job
    with ExitStack() as held:
        admin = held.enter_context(closing(connect(world.target.endpoint)))
        [(before,)] = query(admin, "SELECT @@global.max_connections")
        try:
            query(admin, "SET GLOBAL max_connections = 1")
            own = query(admin, "SELECT CONNECTION_ID()")[0][0]
            for number, *_ in query(admin, "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'root'"):
                if number != own:
                    query(admin, f"KILL {number}")
            wait_for(
                lambda: "1040" in _waits_for(world, job, "target")["why"], lambda: _shown(world, job)["reconnecting"]
            )
        finally:
            query(admin, f"SET GLOBAL max_connections = {before}")
    _goes_on(world, job, 1)


def test_a_nats_server_that_is_killed_costs_a_job_nothing(world: World, followed_job: str) -> None:
    job = followed_job
    [nats] = [pid for pid, title in world.node.pids().items() if "nats-server" in title]
    os.kill(nats, signal.SIGKILL)
    _until(lambda: bool(_shown(world, job)["restart_history"]), lambda: "no run has ended by it")
    _goes_on(world, job, 1)
    assert any("NATS" in each["error"] for each in _shown(world, job)["restart_history"])


def _until(condition: Callable[[], bool], what: Callable[[], object]) -> None:
    """Wait for a condition whose question may find nobody there for a moment."""

    def holds() -> bool:
        try:
            return condition()
        except Exception:  # noqa: BLE001 - the node's store is being made again
            return False

    wait_for(holds, what)
