"""What a server computes from rows is the same on both sides, in the copy and after it, whatever the sessions are."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.conftest import MakeServer
from tests.end_to_end.conftest import NUMBERS, World, run, value, wait_for
from udup.base.endpoint import Endpoint
from udup.drivers.mysql.client.connection import connect, query

EVENTS = (
    "CREATE TABLE {}.ev (id INT PRIMARY KEY AUTO_INCREMENT, at TIMESTAMP NULL, s VARCHAR(30), a DECIMAL(10, 2),"
    " day DATE AS (DATE(at)) STORED, hour INT AS (HOUR(at)) VIRTUAL, d DATE AS (STR_TO_DATE(s, '%Y-%m-%d')) STORED,"
    " n INT AS (CAST(s AS SIGNED)) STORED, part VARCHAR(40) AS (a / 7) STORED, KEY (hour), UNIQUE KEY (d),"
    " KEY zoned ((DATE_FORMAT(at, '%H:%i'))), CONSTRAINT early CHECK (HOUR(at) < 24))"
)


@pytest.fixture
def in_tokyo(world: World) -> Iterator[World]:
    """Both servers nine hours ahead; sessions from now on."""
    servers = (world.source, world.target)
    for server in servers:
        run(server.endpoint, "SET GLOBAL time_zone = '+09:00'")
    yield world
    for server in servers:
        run(server.endpoint, "SET GLOBAL time_zone = DEFAULT, sql_mode = DEFAULT, div_precision_increment = DEFAULT")


def _rows(endpoint: Endpoint, schema: str, table: str = "ev") -> list[object]:
    """What is stored; of a virtual column what its index holds."""
    with closing(connect(endpoint)) as connection:
        query(connection, "SET time_zone = '+00:00'")
        stored = query(connection, f"SELECT id, at, s, day, d, n, part FROM {schema}.{table} ORDER BY id")
        hours = query(connection, f"SELECT id, hour FROM {schema}.{table} FORCE INDEX (hour) ORDER BY hour, id")
    return [stored, hours]


def _assert_equal(world: World, schema: str) -> None:
    assert _rows(world.target.endpoint, schema) == _rows(world.source.endpoint, schema)


def test_computed_values_are_those_of_the_sources_sessions_in_copy_and_log(in_tokyo: World, name: str) -> None:
    world = in_tokyo
    world.on_source("SET GLOBAL div_precision_increment = 7")
    world.on_source(
        f"CREATE DATABASE {name}",
        EVENTS.format(name),
        f"INSERT INTO {name}.ev (at, a) VALUES ('2024-06-01 03:00:00', 1), ('2024-06-01 23:59:59', 2)",
        f"INSERT IGNORE INTO {name}.ev (s) VALUES ('2024-02-30'), ('2024-02-30'), ('abc'), ('12 apples')",
    )
    world.start(name, [name])
    _assert_equal(world, name)
    world.on_source(
        f"INSERT INTO {name}.ev (at, a) VALUES ('2024-06-01 03:00:00', 3)",
        "SET time_zone = '-05:00'",
        f"INSERT INTO {name}.ev (at) VALUES ('2024-06-01 03:00:00')",
        f"UPDATE {name}.ev SET at = '2024-01-01 00:30:00' WHERE id = 1",
        f"INSERT IGNORE INTO {name}.ev (s) VALUES ('2024-02-30'), ('2024-02-30')",
        "SET sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+11:00'",
        f"INSERT INTO {name}.ev (s) VALUES ('2024-02-30')",
        "SET cte_max_recursion_depth = 100000",
        f"INSERT INTO {name}.ev (at) {NUMBERS.format(20000)} SELECT FROM_UNIXTIME(n * 3600) FROM n",
        "XA START 'x'",
        f"INSERT INTO {name}.ev (at) VALUES ('2024-06-01 03:00:00')",
        *("XA END 'x'", "XA PREPARE 'x'", "SET time_zone = '+01:00'", "XA COMMIT 'x'"),
        f"INSERT INTO {name}.ev (at) VALUES ('2024-06-01 03:00:00')",
        f"CREATE TABLE {name}.plain (id INT)",
        # Neither of these has used its zone when its BEGIN is written.
        *(
            "BEGIN",
            f"INSERT INTO {name}.plain VALUES (1)",
            f"INSERT INTO {name}.ev (at) VALUES ('2024-06-01 03:00:00')",
        ),
        "COMMIT",
        f"CREATE TABLE {name}.made (id INT PRIMARY KEY, at TIMESTAMP NULL, s VARCHAR(9), day DATE AS (DATE(at)) STORED,"
        " hour INT AS (HOUR(at)), d DATE, n INT, part INT, KEY (hour))"
        f" SELECT id, at FROM {name}.ev",
        f"INSERT INTO {name}.made (id, at) VALUES (900000, '2024-06-01 00:30:00')",
    )
    world.level(name)
    _assert_equal(world, name)
    assert _rows(world.target.endpoint, name, "made") == _rows(world.source.endpoint, name, "made")


def _workers(world: World, job: str) -> list[int]:
    actors = world.node.api.actors()
    return [int(actor["Pid"]) for actor in actors if (actor["Role"], actor["JobID"]) == ("worker", job)]


def test_sessions_of_many_zones_at_once_are_told_apart_while_workers_are_killed(in_tokyo: World, name: str) -> None:
    world = in_tokyo
    world.on_source(f"CREATE DATABASE {name}", EVENTS.format(name), f"CREATE TABLE {name}.plain (id INT PRIMARY KEY)")
    world.start(name, [name], dest={"ParallelWorkers": 4})
    zones = [f"{sign}{hour:02d}:00" for hour in range(1, 12) for sign in "+-"]
    statements = []
    for number in range(300):
        statements.append(f"SET time_zone = '{zones[number % len(zones)]}'")
        statements.append(f"INSERT INTO {name}.ev (at) VALUES ('2024-06-01 {number % 24:02d}:00:00')")
        statements.append(f"INSERT INTO {name}.plain VALUES ({number})")
    prepared = f"INSERT INTO {name}.ev (at) VALUES ('2024-06-01 20:00:00')"
    world.on_source(*statements[:450])
    world.on_source(
        *("SET time_zone = '-10:30'", f"XA START '{name}'", prepared, f"XA END '{name}'", f"XA PREPARE '{name}'")
    )
    try:
        rows = ", ".join(f"({number})" for number in range(100_000, 105_000))
        world.on_source(f"INSERT INTO {name}.plain VALUES {rows}")
        wait_for(lambda: bool(_workers(world, name)), lambda: world.node.api.actors())
        os.kill(_workers(world, name)[0], signal.SIGKILL)
        world.on_source(*statements[450:])
    finally:  # else the schema could not be dropped
        world.on_source(f"XA COMMIT '{name}'")
    world.level(name)
    _assert_equal(world, name)


def test_rows_of_another_session_stop_the_copy_or_are_computed_anew_as_the_job_says(in_tokyo: World, name: str) -> None:
    world = in_tokyo
    world.on_source(
        f"CREATE DATABASE {name}",
        EVENTS.format(name),
        f"INSERT INTO {name}.ev (at) VALUES ('2024-06-01 03:00:00')",
        "SET time_zone = '-05:00'",
        f"INSERT INTO {name}.ev (at) VALUES ('2024-06-01 20:00:00')",
    )
    world.post(world.document(name, [name]))
    reason = world.failure(name)
    assert f"table {name}.ev: generated column day" in reason and "part" not in reason.split(" came to ")[0]
    assert "time_zone = '+09:00'" in reason and '"GeneratedColumns": "recompute"' in reason
    world.post(world.document(name, [name], dest={"GeneratedColumns": "recompute"}))
    world.runs(name)
    days = f"SELECT GROUP_CONCAT(day ORDER BY id) FROM {name}.ev"
    assert value(world.source.endpoint, days) == "2024-06-01,2024-06-01"
    assert value(world.target.endpoint, days) == "2024-06-01,2024-06-02"
    wait_for(
        lambda: "came to other values" in str(world.node.job(name)["Progress"].get("warnings")),
        lambda: world.node.job(name),
    )
    warnings = world.node.job(name)["Progress"]["warnings"]
    told = [each for each in warnings if "came to other values" in each]
    assert [each.split(" came to ")[0] for each in told] == [
        f"table {name}.ev: generated column day",
        f"table {name}.ev: generated column hour in its index hour",
    ]


def test_the_index_of_a_virtual_column_is_compared_as_well(in_tokyo: World, name: str) -> None:
    world = in_tokyo
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.v (id INT PRIMARY KEY, at TIMESTAMP NULL, hour INT AS (HOUR(at)) VIRTUAL, KEY (hour))",
        "SET time_zone = '-05:00'",
        f"INSERT INTO {name}.v (id, at) VALUES (1, '2024-06-01 03:00:00')",
    )
    world.post(world.document(name, [name]))
    assert f"table {name}.v: generated column hour in its index hour" in world.failure(name)


@pytest.mark.parametrize("local_infile", ["ON", "OFF"])
def test_dates_that_the_sources_own_mode_refuses_come_beside_computed_columns(
    in_tokyo: World, name: str, local_infile: str
) -> None:
    world = in_tokyo
    world.on_target(f"SET GLOBAL local_infile = {local_infile}")
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.old (id INT PRIMARY KEY, d DATE, at TIMESTAMP NULL, j JSON, e ENUM('a','b'),"
        " twice INT AS (id * 2) STORED, hour INT AS (HOUR(at)) STORED, many INT AS (CAST(j AS SIGNED)) STORED)",
        f"CREATE TABLE {name}.keyless LIKE {name}.old",
        f"ALTER TABLE {name}.keyless DROP PRIMARY KEY",
        "SET sql_mode = 'ALLOW_INVALID_DATES'",
        f"INSERT INTO {name}.old (id, d, at, j, e) VALUES (1, '0000-00-00', '0000-00-00', '1', 'a'),"
        " (2, '2024-02-30', '2024-06-01 03:00:00', '\"x\"', 0), (3, '2024-05-00', NULL, NULL, NULL),"
        " (4, NULL, '1970-01-01 09:00:01', '[1]', 'b'), (0, '9999-12-31', '2038-01-19 12:14:07', '{}', 'b')",
        f"INSERT INTO {name}.keyless (id, d, at, j, e) SELECT id, d, at, j, e FROM {name}.old",
        f"INSERT INTO {name}.keyless (id, d, at, j, e) SELECT id, d, at, j, e FROM {name}.old",
    )
    try:
        world.start(name, [name])
        world.assert_equal(name)
        for table in ("old", "keyless"):
            hours = f"SELECT GROUP_CONCAT(hour ORDER BY id, hour) FROM {name}.{table}"
            assert value(world.target.endpoint, hours) == value(world.source.endpoint, hours)
    finally:
        world.on_target("SET GLOBAL local_infile = ON")


def test_definitions_of_a_session_whose_literals_are_utf16_are_carried(world: World, name: str) -> None:
    world.on_source(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (id INT PRIMARY KEY)")
    world.start(name, [name])
    for number, collation in enumerate(("ucs2_bin", "utf16_unicode_ci", "utf16le_bin", "utf32_bin")):
        world.on_source(
            f"SET collation_connection = {collation}",
            f"CREATE TABLE {name}.of_{collation} (id INT PRIMARY KEY, a VARCHAR(20) DEFAULT 'ä', b INT AS (id + 1))",
            f"ALTER TABLE {name}.t ADD COLUMN c{number} VARCHAR(20) DEFAULT 'б' COMMENT 'é'",
            f"CREATE VIEW {name}.v_{collation} AS SELECT id, 'x' AS x FROM {name}.t",
            f"CREATE EVENT {name}.e_{collation} ON SCHEDULE EVERY 1 YEAR DO INSERT INTO {name}.t (id) VALUES (9)",
            f"CREATE TRIGGER {name}.t_{collation} BEFORE INSERT ON {name}.of_{collation} FOR EACH ROW SET NEW.a = 'y'",
            f"INSERT INTO {name}.of_{collation} (id, a) VALUES (1, 'zü')",
            f"CREATE TABLE {name}.s_{collation} (id INT PRIMARY KEY) AS SELECT id, 'w' AS w FROM {name}.of_{collation}",
        )
    world.level_and_equal(name, name)


def test_the_sources_system_zone_is_had_on_a_target_in_another(
    world: World, name: str, mysql_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server's SYSTEM is the zone of its machine: Kolkata, half an hour off the rest, for the source alone."""
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    indian = World(mysql_server(), world.target, world.node)
    monkeypatch.undo()
    indian.on_source(
        f"CREATE DATABASE {name}",
        EVENTS.format(name),
        f"INSERT INTO {name}.ev (at) VALUES ('2024-06-01 03:00:00'), ('2024-06-01 00:10:00')",
    )
    assert value(indian.source.endpoint, "SELECT TIMEDIFF(NOW(), UTC_TIMESTAMP())").seconds == 19_800
    indian.start(name, [name])
    try:
        _assert_equal(indian, name)
        indian.on_source(
            f"INSERT INTO {name}.ev (at) VALUES ('2024-06-02 01:00:00')",
            f"ALTER TABLE {name}.ev ADD COLUMN minute VARCHAR(5) AS (DATE_FORMAT(at, '%H:%i')) STORED,"
            " ADD COLUMN since TIMESTAMP NOT NULL DEFAULT '2024-05-05 05:05:05'",
            f"INSERT INTO {name}.ev (at) VALUES ('2024-06-02 02:00:00')",
        )
        indian.level_and_equal(name, name)
        _assert_equal(indian, name)
        minutes = f"SELECT GROUP_CONCAT(minute ORDER BY id) FROM {name}.ev"
        assert value(indian.target.endpoint, minutes) == "03:00,00:10,01:00,02:00"
    finally:
        indian.forget(name)
