"""Logs that are out of the ordinary: other engines, foreign GTIDs, what a source has lost."""

from __future__ import annotations

import uuid

import httpx

from tests.end_to_end.conftest import DEADLINE, World, value, wait_for
from udup.drivers.mysql.binlog.gtid import GtidSet


def test_rows_of_engines_without_transactions_go_to_tables_that_have_them(world: World, name: str) -> None:
    """The target's tables are InnoDB. A MEMORY table is empty after a restart, and the log says so."""
    tables = {"m": "MyISAM", "h": "MEMORY", "c": "CSV"}
    world.on_source(f"CREATE DATABASE {name}")
    world.on_target(f"CREATE DATABASE {name}")
    for table, engine in tables.items():
        columns = "id INT NOT NULL, a INT NOT NULL"
        world.on_source(f"CREATE TABLE {name}.{table} ({columns}) ENGINE={engine}")
        world.on_target(f"CREATE TABLE {name}.{table} ({columns}) ENGINE=InnoDB")
    world.start(name, [name], gtid=world.executed())
    for table in tables:
        world.on_source(
            f"INSERT INTO {name}.{table} VALUES (1, 1), (1, 1), (2, 2)",
            f"UPDATE {name}.{table} SET a = 5 WHERE id = 1 LIMIT 1",
            f"DELETE FROM {name}.{table} WHERE id = 2",
        )
    world.level(name)
    for table in tables:
        rows = f"SELECT GROUP_CONCAT(a ORDER BY a) FROM {name}.{table}"
        assert value(world.target.endpoint, rows) == value(world.source.endpoint, rows) == "1,5"
    world.source.restart()
    world.on_source(f"INSERT INTO {name}.h VALUES (9, 9)")
    world.level(name)
    assert value(world.target.endpoint, f"SELECT GROUP_CONCAT(a) FROM {name}.h") == "9"


def test_a_target_table_without_transactions_takes_what_changes_it_alone(world: World, name: str) -> None:
    """A transaction of the source that changes others with it could not be undone as a whole."""
    world.on_source(
        f"CREATE DATABASE {name}", f"CREATE TABLE {name}.m (id INT PRIMARY KEY)", f"CREATE TABLE {name}.i (id INT)"
    )
    world.start(name, [name])
    world.on_target(f"ALTER TABLE {name}.m ENGINE=MyISAM")
    world.on_source(f"INSERT INTO {name}.m VALUES (1), (2)", f"UPDATE {name}.m SET id = 3 WHERE id = 2")
    world.level(name)
    assert value(world.target.endpoint, f"SELECT GROUP_CONCAT(id ORDER BY id) FROM {name}.m") == "1,3"
    world.on_source("BEGIN", f"INSERT INTO {name}.m VALUES (4)", f"INSERT INTO {name}.i VALUES (1)", "COMMIT")
    reason = world.failure(name)
    assert f"ALTER TABLE {name}.m ENGINE=InnoDB" in reason and f"together with {name}.i" in reason
    assert str(value(world.source.endpoint, "SELECT @@server_uuid")) in reason
    assert value(world.target.endpoint, f"SELECT COUNT(*) FROM {name}.m") == 2
    world.on_target(f"ALTER TABLE {name}.m ENGINE=InnoDB")
    world.start(name, [name])
    world.level_and_equal(name, name)


def test_gtids_of_other_servers_with_gaps_and_tags_are_carried_once(world: World, name: str) -> None:
    other = str(uuid.uuid4())
    world.on_source(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (id INT)")
    world.start(name, [name])

    def insert(number: int, gtid: str) -> None:
        world.on_source(f"SET gtid_next = '{gtid}'", f"INSERT INTO {name}.t VALUES ({number})")

    insert(1, f"{other}:5")
    insert(2, f"{other}:9")
    insert(3, f"{other}:tag:7")
    world.level(name)
    world.forget(name)
    insert(4, f"{other}:7")
    insert(5, f"{other}:tag:2")
    insert(6, "AUTOMATIC:tag")
    world.start(name, [name])
    insert(7, f"{other}:1")
    world.level_and_equal(name, name)
    assert value(world.target.endpoint, f"SELECT GROUP_CONCAT(id ORDER BY id) FROM {name}.t") == "1,2,3,4,5,6,7"
    applied = GtidSet.parse(world.applied(name))  # of the base row and the workers' rows together
    assert GtidSet.parse(f"{other}:1:5:7:9,{other}:tag:2:7") <= applied
    assert not GtidSet.parse(f"{other}:2") <= applied


def test_purged_logs_stop_the_job_and_are_named(world: World, name: str) -> None:
    world.on_source(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (id INT)")
    world.start(name, [name])
    world.level(name)
    world.forget(name)
    before = world.executed()
    world.on_source(f"INSERT INTO {name}.t VALUES (1)", "FLUSH BINARY LOGS")
    lost = value(world.source.endpoint, "SELECT GTID_SUBTRACT(@@GLOBAL.gtid_executed, %s)", before)
    world.on_source("PURGE BINARY LOGS BEFORE NOW() + INTERVAL 1 DAY")
    world.post(world.document(name, [name]))
    reason = world.failure(name)
    assert str(lost) in reason and "purged" in reason


def test_a_source_that_has_forgotten_its_past_stops_the_job(world: World, name: str) -> None:
    world.on_source(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (id INT)", f"INSERT INTO {name}.t VALUES (1)")
    world.start(name, [name])
    world.level(name)
    world.on_source("RESET BINARY LOGS AND GTIDS", f"INSERT INTO {name}.t VALUES (2)")
    reason = world.failure(name)
    assert any(text in reason for text in ("never executed", "more GTIDs than", "no longer executed")), reason
    assert value(world.target.endpoint, f"SELECT GROUP_CONCAT(id) FROM {name}.t") == "1"


def test_a_source_that_was_reset_and_has_executed_more_than_before_is_not_followed_on(world: World, name: str) -> None:
    """The GTIDs alone say that only the last of its transactions are missing on the target."""
    world.on_source("RESET BINARY LOGS AND GTIDS")  # of what other tests have left in them
    world.on_source(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (id INT)", f"INSERT INTO {name}.t VALUES (1)")
    world.start(name, [name])
    known = "SELECT stamps FROM udup.checkpoint WHERE job = %s AND slot = 0"
    wait_for(lambda: bool(value(world.target.endpoint, known, name)), lambda: world.node.job(name))
    before = len(GtidSet.parse(world.executed()))
    assert httpx.put(f"{world.node.url}/v1/job/{name}/pause", timeout=20).json()["Success"]
    world.node.wait_stage(name, ("paused",), DEADLINE)
    world.on_source("RESET BINARY LOGS AND GTIDS", *[f"INSERT INTO {name}.t VALUES (2)"] * (before + 5))
    assert httpx.put(f"{world.node.url}/v1/job/{name}/resume", timeout=20).json()["Success"]
    reason = world.failure(name)
    assert "were reset" in reason and "A new copy is needed" in reason, reason
    assert value(world.target.endpoint, f"SELECT COUNT(*) FROM {name}.t") == 1
    assert httpx.delete(f"{world.node.url}/v1/job/{name}?purge=true", timeout=40).status_code == 200
    world.post(world.document(name, [name], dest={"DropTableIfExists": True}))
    world.runs(name)
    world.level_and_equal(name, name)
