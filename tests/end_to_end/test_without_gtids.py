"""A source that writes changes without a GTID for a while: a job that has not got them says so, every time."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.end_to_end.conftest import World, value, wait_for

#: The way from gtid_mode ON to where changes have no GTID, and back.
AWAY = [f"SET GLOBAL gtid_mode = '{mode}'" for mode in ("ON_PERMISSIVE", "OFF_PERMISSIVE")]
BACK = [f"SET GLOBAL gtid_mode = '{mode}'" for mode in ("ON_PERMISSIVE", "ON")]


@pytest.fixture
def world(world: World, name: str) -> Iterator[World]:
    """With a table of one row, and a job that has it."""
    world.on_source(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (id INT PRIMARY KEY)")
    world.on_source(f"INSERT INTO {name}.t VALUES (1)")
    yield world
    for back in BACK:
        world.on_source(back)
    world.on_source("FLUSH STATUS")


def _wish(world: World, name: str, what: str) -> None:
    answer = httpx.put(f"{world.node.url}/v1/job/{name}/{what}", timeout=40)
    assert answer.status_code == 200, answer.text


def _rows(world: World, name: str) -> str:
    return str(value(world.target.endpoint, f"SELECT GROUP_CONCAT(id ORDER BY id) FROM {name}.t"))


def _copy_anew(world: World, name: str) -> None:
    """What the message says."""
    world.on_source("FLUSH STATUS")
    answer = httpx.delete(f"{world.node.url}/v1/job/{name}?purge=true", timeout=40)
    assert answer.status_code == 200, answer.text
    world.posted.discard(name)
    world.post(world.document(name, [name], dest={"DropTableIfExists": True}))
    world.runs(name)
    world.level_and_equal(name, name)


def test_a_change_without_a_gtid_while_a_job_is_paused_is_not_passed_over(world: World, name: str) -> None:
    world.start(name, [name])
    world.level(name)
    _wish(world, name, "pause")
    wait_for(lambda: world.node.job(name)["Stage"] == "paused", lambda: world.node.job(name))
    world.on_source(*AWAY, f"INSERT INTO {name}.t VALUES (2)", *BACK, "FLUSH BINARY LOGS")
    for after in ("FLUSH STATUS", f"INSERT INTO {name}.t VALUES (3)"):
        _wish(world, name, "resume")
        reason = world.failure(name)
        assert "changes without a GTID (binlog." in reason and "job delete --purge" in reason
        assert _rows(world, name) == "1"
        world.on_source(after)
    _wish(world, name, "resume")
    assert "changes without a GTID (binlog." in world.failure(name)
    _copy_anew(world, name)
    assert _rows(world, name) == "1,2,3"


def test_a_change_without_a_gtid_while_a_job_runs_is_not_passed_over(world: World, name: str) -> None:
    """Whether the dump meets it, is refused because of gtid_mode, or would begin behind it."""
    world.start(name, [name])
    world.on_source(*AWAY, f"INSERT INTO {name}.t VALUES (2)", f"DELETE FROM {name}.t WHERE id = 1", *BACK)
    assert "without a GTID" in world.failure(name)
    assert _rows(world, name) == "1"
    _wish(world, name, "resume")
    assert "without a GTID (binlog." in world.failure(name)
    _copy_anew(world, name)


def test_a_job_that_has_still_to_read_up_to_such_a_change_stops_there(world: World, name: str) -> None:
    world.start(name, [name])
    world.level(name)
    _wish(world, name, "pause")
    wait_for(lambda: world.node.job(name)["Stage"] == "paused", lambda: world.node.job(name))
    world.on_source(f"INSERT INTO {name}.t VALUES (2)", *AWAY, f"INSERT INTO {name}.t VALUES (3)", *BACK)
    world.on_source(f"INSERT INTO {name}.t VALUES (4)")
    for _ in range(3):
        _wish(world, name, "resume")
        assert "without a GTID" in world.failure(name)
        assert _rows(world, name) in ("1", "1,2")
    _copy_anew(world, name)


def test_a_change_of_gtid_mode_without_a_change_of_rows_costs_nothing(world: World, name: str) -> None:
    world.start(name, [name])
    world.on_source(*AWAY[:1])
    world.on_source(f"INSERT INTO {name}.t VALUES (2)", *BACK[1:], "FLUSH BINARY LOGS", "FLUSH BINARY LOGS")
    if world.node.job(name)["Stage"] == "failed":  # it has looked at the source meanwhile
        _wish(world, name, "resume")
    world.runs(name)
    world.on_source(f"INSERT INTO {name}.t VALUES (3)")
    world.level_and_equal(name, name)
    _wish(world, name, "pause")
    wait_for(lambda: world.node.job(name)["Stage"] == "paused", lambda: world.node.job(name))
    world.on_source(*AWAY, *BACK, "FLUSH BINARY LOGS", f"INSERT INTO {name}.t VALUES (4)")
    _wish(world, name, "resume")
    world.level_and_equal(name, name)


def test_a_copy_after_such_a_change_waits_for_a_gtid_behind_it(world: World, name: str) -> None:
    world.on_source(*AWAY, f"INSERT INTO {name}.t VALUES (2)")
    world.post(world.document(name, [name]))
    reason = world.failure(name)
    assert "gtid_mode is OFF_PERMISSIVE, not ON" in reason and "'OFF_PERMISSIVE'" not in reason
    world.on_source(*BACK)
    _wish(world, name, "resume")
    assert "FLUSH STATUS" in world.failure(name)
    world.on_source("FLUSH STATUS")
    _wish(world, name, "resume")
    world.level_and_equal(name, name)


def test_an_incident_stops_the_job_each_time(world: World, name: str) -> None:
    """The row is in the source's table, which has no transactions, and could not be written into its log."""
    world.on_target(f"CREATE DATABASE {name}")
    world.on_target(f"CREATE TABLE {name}.t (id INT PRIMARY KEY)", f"INSERT INTO {name}.t VALUES (1)")
    world.on_target(f"CREATE TABLE {name}.m (a LONGTEXT)")
    world.on_source(f"CREATE TABLE {name}.m (a LONGTEXT) ENGINE=MyISAM")
    world.start(name, [name], gtid=world.executed())
    before = value(world.source.endpoint, "SELECT @@GLOBAL.max_binlog_stmt_cache_size")
    world.on_source("SET GLOBAL max_binlog_stmt_cache_size = 4096")
    with pytest.raises(Exception, match="max_binlog_stmt_cache_size"):
        world.on_source(f"INSERT INTO {name}.m VALUES (REPEAT('x', 100000))")
    world.on_source(f"SET GLOBAL max_binlog_stmt_cache_size = {before}", "FLUSH BINARY LOGS")
    assert "an incident event" in world.failure(name)
    _wish(world, name, "resume")
    reason = world.failure(name)
    assert "an incident event" in reason and "job delete --purge" in reason
