"""A table that comes into a running subscription by a new document: its rows come while the log goes on."""

from __future__ import annotations

import random
import threading
from contextlib import closing

import httpx

from tests.subscriptions.world import Subscribed, rebuilt
from udup.drivers.mysql.client.connection import connect, query

_ROWS = 30_000


def _chosen(world: Subscribed, *tables: str) -> dict[str, object]:
    chosen = [{"TableName": table} for table in tables]
    return {"ReplicateDoDb": [{"TableSchema": world.name, "Tables": chosen}], "ChunkSize": 3000}


def _write(world: Subscribed, stop: threading.Event) -> None:
    """Change, move, remove and make rows of both tables, until told to stop."""
    chance = random.Random(5)
    with closing(connect(world.source.endpoint)) as connection:
        while not stop.is_set():
            query(connection, "BEGIN")
            for table in (f"{world.name}.a", f"{world.name}.b"):
                key, other = chance.randrange(_ROWS), chance.randrange(2 * _ROWS)
                query(connection, f"UPDATE {table} SET n = n + 1 WHERE id BETWEEN {key} AND {key + 5}")
                query(connection, f"UPDATE IGNORE {table} SET id = {other} WHERE id = {key}")
                query(connection, f"DELETE FROM {table} WHERE id = {chance.randrange(_ROWS)}")
                query(connection, f"REPLACE INTO {table} VALUES ({chance.randrange(_ROWS)}, 0)")
            query(connection, "COMMIT")
            stop.wait(0.01)


def test_a_table_joins_while_everything_is_written_and_killed(world: Subscribed) -> None:
    for table in "ab":
        world.on_source(
            f"CREATE TABLE {world.name}.{table} (id INT PRIMARY KEY, n INT)",
            f"SET SESSION cte_max_recursion_depth = {_ROWS}",
            f"INSERT INTO {world.name}.{table} WITH RECURSIVE n (n) AS"
            f" (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {_ROWS}) SELECT n, n FROM n",
        )
    world.post(_chosen(world, "a"))
    world.level()
    stop = threading.Event()
    writer = threading.Thread(target=_write, args=(world, stop))
    writer.start()
    try:
        begun = world.size()
        world.node.post_job(world.document(_chosen(world, "a", "b")))
        for process in ("extractor", "applier", "nats-server"):
            enough = max(begun, world.size()) + 2500
            world.wait_for(lambda enough=enough: world.size() > enough, world.size)  # type: ignore[misc]
            world.kill(process)
        world.wait_for(lambda: world.size() > begun + _ROWS, world.size)
    finally:
        stop.set()
        writer.join()
    world.level(90)
    for table in "ab":
        events = world.rows_of(table)
        with closing(connect(world.source.endpoint)) as connection:
            wanted = dict(query(connection, f"SELECT id, n FROM {world.name}.{table}"))
        assert {row["id"]: row["n"] for row in rebuilt(events).values()} == wanted, table
        reads = [event for event in events if event.op == "r"]
        marks = {event.value["source"]["snapshot"] for event in reads}
        assert ("incremental" in marks) is (table == "b")
        assert table == "a" or len({event.id.partition(":")[0] for event in reads}) > 1


def test_rows_come_again_when_somebody_asks_for_them(world: Subscribed) -> None:
    table = f"{world.name}.t"
    world.on_source(f"CREATE TABLE {table} (id INT PRIMARY KEY, n INT)", f"INSERT INTO {table} VALUES (1, 1), (2, 2)")
    world.post()
    world.level()
    world.on_source(f"UPDATE {table} SET n = 3 WHERE id = 1")
    answer = httpx.put(f"{world.node.url}/v1/job/{world.name}/snapshot", params={"table": table}, timeout=30)
    assert answer.status_code == 200, answer.text
    world.wait_for(lambda: [each.op for each in world.rows_of("t")].count("r") == 4, lambda: world.rows_of("t"))
    world.on_source(f"UPDATE {table} SET n = 4 WHERE id = 1")
    world.level()
    events = world.rows_of("t")
    assert [(each.op, each.value["after"]["n"]) for each in events] == [
        ("r", 1),
        ("r", 2),
        ("u", 3),
        ("r", 3),
        ("r", 2),
        ("u", 4),
    ]
    assert [each.value["source"]["snapshot"] for each in events[3:5]] == ["incremental", "incremental"]
    refused = httpx.put(f"{world.node.url}/v1/job/{world.name}/snapshot", params={"table": "other.t"}, timeout=30)
    assert refused.status_code == 400 and "other.t" in refused.text


def test_rows_that_are_asked_for_of_a_paused_job_come_when_it_goes_on(world: Subscribed) -> None:
    table = f"{world.name}.t"
    world.on_source(f"CREATE TABLE {table} (id INT PRIMARY KEY, n INT)", f"INSERT INTO {table} VALUES (1, 1)")
    world.post()
    world.level()
    for method, act in (("POST", "pause"), ("PUT", f"snapshot?table={table}"), ("POST", "resume")):
        answer = httpx.request(method, f"{world.node.url}/v1/job/{world.name}/{act}", timeout=30)
        assert answer.status_code == 200, answer.text
        if act == "pause":
            world.node.wait_stage(world.name, ("paused",))
            world.on_source(f"UPDATE {table} SET n = 2")
    world.wait_for(lambda: [each.op for each in world.rows_of("t")].count("r") == 2, lambda: world.rows_of("t"))
    world.level()
    events = [(each.op, each.value["after"]["n"]) for each in world.rows_of("t")]
    assert events == [("r", 1), ("u", 2), ("r", 2)]
