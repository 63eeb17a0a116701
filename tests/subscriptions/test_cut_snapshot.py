"""A snapshot that is cut in the middle of a large table, while the table is written: each row comes once."""

from __future__ import annotations

import random
import threading
from collections import Counter
from contextlib import closing

from tests.subscriptions.world import Subscribed, rebuilt
from udup.drivers.mysql.client.connection import connect, query

_ROWS = 60_000

#: Messages that come between two kills.
_BETWEEN = 3000


def _write(world: Subscribed, stop: threading.Event) -> None:
    """Change, move, remove and make rows all over the table, until told to stop."""
    chance = random.Random(8)
    table = f"{world.name}.t"
    with closing(connect(world.source.endpoint)) as connection:
        while not stop.is_set():
            first, key = chance.randrange(_ROWS), chance.randrange(2 * _ROWS)
            query(connection, "BEGIN")
            query(connection, f"UPDATE {table} SET n = n + 1 WHERE a BETWEEN {first} AND {first + 5}")
            query(connection, f"DELETE FROM {table} WHERE a = {chance.randrange(_ROWS)}")
            query(connection, f"UPDATE IGNORE {table} SET a = {key} WHERE a = {chance.randrange(_ROWS)}")
            query(connection, f"REPLACE INTO {table} VALUES ({chance.randrange(_ROWS)}, 1, 1, 'new')")
            query(connection, "COMMIT")
            stop.wait(0.005)


def test_kills_in_the_middle_of_a_table_bring_no_row_twice(world: Subscribed) -> None:
    table = f"{world.name}.t"
    world.on_source(
        f"CREATE TABLE {table} (a INT, b SMALLINT, n INT, v VARCHAR(500), PRIMARY KEY (a, b))",
        f"SET SESSION cte_max_recursion_depth = {_ROWS}",
        f"INSERT INTO {table} WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {_ROWS})"
        " SELECT n, n % 3 - 1, n, REPEAT('x', n % 400) FROM n",
    )
    stop = threading.Event()
    writer = threading.Thread(target=_write, args=(world, stop))
    writer.start()
    try:
        world.node.post_job(world.document())
        world.posted.append(world.name)
        for process in ("extractor", "applier", "nats-server"):
            enough = world.size() + _BETWEEN
            world.wait_for(lambda enough=enough: world.size() > enough, world.size)  # type: ignore[misc]
            world.kill(process)
        world.wait_for(lambda: world.size() > _ROWS, world.size)
    finally:
        stop.set()
        writer.join()
    world.level(90)
    events = world.rows_of("t")
    with closing(connect(world.source.endpoint)) as connection:
        wanted = query(connection, f"SELECT a, b, n, v FROM {table} ORDER BY a, b")
    rows = rebuilt(events)
    found = sorted((row["a"], row["b"], row["n"], row["v"]) for row in rows.values())
    assert found == [tuple(row) for row in wanted]
    tries = Counter(event.id.partition(":")[0] for event in events if event.op == "r")
    assert len(tries) > 1, f"no kill came in the middle of the snapshot: {tries}"
