"""A subscription into the node's own JetStream: a snapshot, then changes, each once and in order."""

from __future__ import annotations

import os
import random
import signal
import threading
from contextlib import closing

from tests.subscriptions.world import Subscribed, rebuilt
from udup.drivers.mysql.client.connection import connect, query

#: Columns that say in JSON what they say in a SELECT.
_TABLE = "(id INT PRIMARY KEY, a BIGINT, b VARCHAR(50), c DOUBLE)"


def _selected(world: Subscribed, table: str = "t") -> list[dict[str, object]]:
    with closing(connect(world.source.endpoint)) as connection:
        rows = query(connection, f"SELECT id, a, b, c FROM {world.name}.{table} ORDER BY id")
    return [dict(zip(("id", "a", "b", "c"), row, strict=True)) for row in rows]


def _by_id(rows: dict[str, dict[str, object]]) -> list[dict[str, object]]:
    return sorted(rows.values(), key=lambda row: int(str(row["id"])))


def test_a_snapshot_and_what_follows_it(world: Subscribed) -> None:
    world.on_source(
        f"CREATE TABLE {world.name}.t {_TABLE}",
        f"INSERT INTO {world.name}.t VALUES (1, 10, 'one', 1.5), (2, NULL, 'zwei', 2), (3, -3, 'ŧree', 1e100)",
    )
    world.post()
    world.level()
    world.on_source(
        f"UPDATE {world.name}.t SET a = 11 WHERE id = 1",
        f"DELETE FROM {world.name}.t WHERE id = 2",
        f"INSERT INTO {world.name}.t VALUES (4, 4, NULL, 0.1)",
        f"UPDATE {world.name}.t SET id = 5 WHERE id = 3",
    )
    world.level()
    events = world.rows_of("t")
    assert [event.op for event in events if event.value] == ["r", "r", "r", "u", "d", "c", "d", "c"]
    assert [event.value["source"]["snapshot"] for event in events[:3]] == ["first", "true", "last"]
    assert _by_id(rebuilt(events)) == _selected(world)
    xid = f"'{world.name}'"
    prepared = ("XA START {}", f"INSERT INTO {world.name}.t VALUES (6, 6, NULL, 0)", "XA END {}", "XA PREPARE {}")
    world.on_source(*(each.format(xid) for each in prepared))
    world.told_level()  # what is prepared only is no change yet
    assert len(world.rows_of("t")) == len(events)
    world.on_source(f"XA COMMIT {xid}")
    world.level()
    assert [event.op for event in world.rows_of("t")[len(events) :]] == ["c"]


def test_the_envelope_says_where_a_change_comes_from(world: Subscribed) -> None:
    world.on_source(f"CREATE TABLE {world.name}.t {_TABLE}")
    world.post()
    world.on_source(f"INSERT INTO {world.name}.t VALUES (1, 1, 'a', 1)")
    world.level()
    [event] = world.rows_of("t")
    source = event.value["source"]
    assert list(event.value) == ["before", "after", "source", "transaction", "op", "ts_ms", "ts_us", "ts_ns"]
    assert (source["connector"], source["name"], source["db"], source["table"]) == (
        "mysql",
        world.name,
        world.name,
        "t",
    )
    assert source["gtid"] in event.id and source["file"] and source["pos"] > 4 and source["row"] == 0
    assert event.key == {"id": 1}


def test_schema_changes_tell_the_tables_and_what_they_are_read_by(world: Subscribed) -> None:
    world.on_source(f"CREATE TABLE {world.name}.t {_TABLE}", f"INSERT INTO {world.name}.t VALUES (1, 1, 'a', 1)")
    world.post(dest={"TinyInt1AsBoolean": True})
    world.level()
    world.on_source(
        f"CREATE TABLE {world.name}.u (id INT PRIMARY KEY, b BOOL)", f"INSERT INTO {world.name}.u VALUES (1, 1)"
    )
    world.level()
    world.on_source(f"DROP TABLE {world.name}.u")
    world.level()
    told = [event.value for event in world.events(world.name)]
    kinds = [[change["type"] for change in value["tableChanges"]] for value in told]
    assert kinds == [[], ["DROP"], ["CREATE"], ["CREATE"], ["DROP"]]
    assert [value["source"]["snapshot"] for value in told] == ["true"] * 3 + ["false"] * 2
    assert told[3]["ddl"] == f"CREATE TABLE {world.name}.u (id INT PRIMARY KEY, b BOOL)"
    [change] = told[3]["tableChanges"]
    assert change["id"] == f'"{world.name}"."u"'
    assert [column["typeName"] for column in change["table"]["columns"]] == ["INT", "TINYINT"]
    assert [event.value["after"] for event in world.rows_of("u")] == [{"id": 1, "b": True}]


def test_a_source_that_names_no_columns_is_read_by_its_dictionary(world: Subscribed) -> None:
    world.on_source(f"CREATE TABLE {world.name}.t {_TABLE}", "SET GLOBAL binlog_row_metadata = 'MINIMAL'")
    try:
        world.post()
        world.level()
        world.on_source(f"INSERT INTO {world.name}.t VALUES (1, 1, 'a', 1)")
        world.on_source(f"ALTER TABLE {world.name}.t ADD COLUMN e ENUM('x', 'y') DEFAULT 'y'")
        world.on_source(f"UPDATE {world.name}.t SET a = 2")
        world.level()
        values = [event.value["after"] for event in world.rows_of("t")]
        assert [list(value)[:2] for value in values] == [["id", "a"]] * 2
        assert [value.get("e") for value in values] == [None, "y"]
    finally:
        world.on_source("SET GLOBAL binlog_row_metadata = 'FULL'")


def test_kills_of_every_process_lose_nothing_and_double_nothing(world: Subscribed) -> None:
    world.on_source(
        f"CREATE TABLE {world.name}.t {_TABLE}",
        f"INSERT INTO {world.name}.t WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 900)"
        " SELECT n, n, CONCAT('row ', n), n / 2 FROM n",
    )
    world.post()
    stop = threading.Event()
    chance = random.Random(7)

    def write() -> None:
        mine = random.Random(8)
        with closing(connect(world.source.endpoint)) as connection:
            while not stop.is_set():
                first = mine.randrange(1000)
                query(connection, "BEGIN")
                query(connection, f"REPLACE INTO {world.name}.t VALUES ({first}, {mine.randrange(99)}, 'w', 1)")
                query(connection, f"UPDATE {world.name}.t SET a = a + 1 WHERE id BETWEEN {first} AND {first + 20}")
                query(connection, f"DELETE FROM {world.name}.t WHERE id = {mine.randrange(1000)}")
                query(connection, "COMMIT" if mine.random() < 0.9 else "ROLLBACK")
                stop.wait(0.002)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(6):
            pids = [pid for pid, title in world.node.pids().items() if pid != world.node.pid and _killable(title)]
            os.kill(chance.choice(pids), signal.SIGKILL)
            stop.wait(0.7)
    finally:
        stop.set()
        writer.join()
    world.level(90)
    assert _by_id(rebuilt(world.rows_of("t"))) == _selected(world)
    assert world.node.job(world.name)["Progress"]["restarts"] > 0


def _killable(title: str) -> bool:
    return "extractor" in title or "applier" in title or "nats-server" in title
