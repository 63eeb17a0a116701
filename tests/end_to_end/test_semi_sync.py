"""A semi-synchronous source sends a transaction before it counts it as executed: that is no lost past."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace

import httpx
import pytest

from tests.end_to_end.conftest import World, value, wait_for
from udup.drivers.mysql.client.connection import MySQLError, connect, query
from udup.drivers.mysql.stream.position import waits_for_replica

#: Milliseconds for which the source waits for a replica that never comes.
WAITS_MS = 5000


@pytest.fixture
def semi_sync(world: World) -> Iterator[World]:
    try:
        world.on_source("INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'")
    except MySQLError as error:
        pytest.skip(f"this server has no semi-synchronous replication: {error}")
    world.on_source(f"SET GLOBAL rpl_semi_sync_source_timeout = {WAITS_MS}")
    yield world
    world.on_source("SET GLOBAL rpl_semi_sync_source_enabled = OFF")
    for _ in range(50):
        with suppress(MySQLError):  # a session that waits has not seen it yet
            world.on_source("UNINSTALL PLUGIN rpl_semi_sync_source")
            return
        time.sleep(0.1)


def test_a_transaction_that_waits_for_a_replica_is_no_lost_past(semi_sync: World, name: str) -> None:
    """Its row is in the target and its GTID not in gtid_executed when the next run begins."""
    world = semi_sync
    world.on_source(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (id INT PRIMARY KEY)")
    world.start(name, [name])
    world.on_source("SET GLOBAL rpl_semi_sync_source_enabled = ON")
    waiting = threading.Thread(target=world.on_source, args=(f"INSERT INTO {name}.t VALUES (1)",))
    begun = time.monotonic()
    waiting.start()
    rows = f"SELECT COUNT(*) FROM {name}.t"
    wait_for(lambda: value(world.target.endpoint, rows) == 1, lambda: world.node.job(name))
    assert value(world.source.endpoint, rows) == 0, "the source has not committed it"
    with closing(connect(world.source.endpoint)) as connection:
        for (dump,) in query(
            connection, "SELECT ID FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'"
        ):
            query(connection, f"KILL {dump}")
    waiting.join(30)
    assert time.monotonic() - begun > WAITS_MS / 1000 / 2
    world.on_source(f"INSERT INTO {name}.t VALUES (2)")
    world.level_and_equal(name, name)
    assert world.node.job(name)["Stage"] != "failed"


def test_level_is_about_what_is_committed_and_a_source_that_was_closed_has_committed_all(
    semi_sync: World, name: str
) -> None:
    """What waits for a replica is not asked for; closing the source waits until it is committed, and then it is."""
    world = semi_sync
    world.on_source(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (id INT PRIMARY KEY)")
    world.start(name, [name])
    world.on_source("SET GLOBAL rpl_semi_sync_source_enabled = ON")
    waiting = threading.Thread(target=world.on_source, args=(f"INSERT INTO {name}.t VALUES (1)",))
    waiting.start()
    try:
        rows = f"SELECT COUNT(*) FROM {name}.t"
        wait_for(lambda: value(world.target.endpoint, rows) == 1, lambda: world.node.job(name))
        found = httpx.get(f"{world.node.url}/v1/job/{name}/level", timeout=40).json()
        assert found["Level"] is True
        world.on_source("SET GLOBAL super_read_only = ON")
        assert value(world.source.endpoint, rows) == 1
        found = httpx.get(f"{world.node.url}/v1/job/{name}/level", timeout=40).json()
        assert found["Level"] is True
        assert value(world.source.endpoint, "SELECT GTID_SUBSET(%s, %s)", world.executed(), found["Wanted"])
    finally:
        waiting.join(30)
        world.on_source("SET GLOBAL super_read_only = OFF", "SET GLOBAL read_only = OFF")


def test_commits_that_stand_still_are_seen_with_and_without_process(semi_sync: World, name: str) -> None:
    """A run that follows such a source is not ended for what it does not count."""
    world = semi_sync
    world.on_source(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (id INT PRIMARY KEY)")
    world.on_source(f"CREATE USER {name} IDENTIFIED BY 'P4ss-word'", "SET GLOBAL rpl_semi_sync_source_timeout = 25000")
    world.on_source("SET GLOBAL rpl_semi_sync_source_enabled = ON")
    plain = replace(world.source.endpoint, user=name, password="P4ss-word")
    with closing(connect(world.source.endpoint)) as seeing, closing(connect(plain)) as blind:
        assert not waits_for_replica(seeing) and not waits_for_replica(blind)
        waiting = threading.Thread(target=world.on_source, args=(f"INSERT INTO {name}.t VALUES (1)",))
        waiting.start()
        try:
            wait_for(lambda: waits_for_replica(blind), lambda: query(seeing, "SHOW PROCESSLIST"))
            wait_for(lambda: waits_for_replica(seeing), lambda: query(seeing, "SHOW PROCESSLIST"))
        finally:
            world.on_source("SET GLOBAL rpl_semi_sync_source_enabled = OFF")
            waiting.join(30)
        assert not waits_for_replica(seeing) and not waits_for_replica(blind)
    world.on_source(f"DROP USER {name}")
