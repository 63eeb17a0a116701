"""An application that goes on while its tables are copied to a target that does not take the rows."""

from __future__ import annotations

import threading
import time
from contextlib import closing

from tests.end_to_end.conftest import DEADLINE, POLL, World, value, wait_for
from udup.drivers.mysql.client.connection import connect, query

ROWS = 50_000

TABLES = {"keyed": "id INT PRIMARY KEY, a VARCHAR(300)", "keyless": "id INT, a VARCHAR(300)"}

#: Seconds that a statement of the application may take on a machine that is busy; without a bound it was a minute.
LONGEST = 5.0

#: Seconds for which the target is kept from taking rows.
HELD = 3.0


class _Application(threading.Thread):
    """Reads and writes every table in turn, and remembers how long the longest statement took, and which it was."""

    def __init__(self, world: World, schema: str) -> None:
        super().__init__(daemon=True)
        self._world = world
        self._schema = schema
        self._end = threading.Event()
        self.longest = (0.0, "")
        self.statements = 0

    def run(self) -> None:
        with closing(connect(self._world.source.endpoint)) as connection:
            query(connection, "SET lock_wait_timeout = 30")
            number = 0
            while not self._end.is_set():
                number += 1
                for table in TABLES:
                    for sql in (
                        f"SELECT a FROM {self._schema}.{table} LIMIT 1",
                        f"INSERT INTO {self._schema}.{table} VALUES ({-number}, 'new')",
                    ):
                        begun = time.monotonic()
                        query(connection, sql)
                        self.longest = max(self.longest, (time.monotonic() - begun, sql))
                        self.statements += 1
                time.sleep(POLL)

    def end(self) -> None:
        self._end.set()
        self.join(40)
        assert not self.is_alive()


def test_the_application_waits_for_no_target(world: World, name: str) -> None:
    world.on_source(f"CREATE DATABASE {name}")
    numbers = f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})"
    for table, columns in TABLES.items():
        world.on_source(f"CREATE TABLE {name}.{table} ({columns})")
        with closing(connect(world.source.endpoint)) as connection:
            query(connection, f"SET cte_max_recursion_depth = {ROWS}")
            query(connection, f"INSERT INTO {name}.{table} {numbers} SELECT i, REPEAT('x', 290) FROM n")
    there = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    application = _Application(world, name)
    application.start()
    world.post(world.document(name, [name], src={"ChunkSize": 1000}, workers=2))
    with closing(connect(world.target.endpoint)) as target:
        end = time.monotonic() + DEADLINE
        while query(target, there, name, "keyless")[0][0] == 0:
            assert time.monotonic() < end, world.node.job(name)
        query(target, "LOCK TABLES " + ", ".join(f"{name}.{table} READ" for table in sorted(TABLES)))
        held = time.monotonic()
        wait_for(lambda: world.node.job(name)["Stage"] == "copying", lambda: world.node.job(name))
        altered = [_alter(world, name, table) for _ in range(2) for table in TABLES]
        time.sleep(max(0.0, HELD - (time.monotonic() - held)))
        assert world.node.job(name)["Stage"] == "copying"
        query(target, "UNLOCK TABLES")
    world.node.wait_stage(name, deadline=DEADLINE)
    application.end()
    world.level_and_equal(name, name)
    print(f"longest of {application.statements}: {application.longest}; ALTER: {max(altered):.3f} s")
    assert application.statements > 20
    assert application.longest[0] < LONGEST, application.longest
    assert max(altered) < LONGEST, altered
    assert world.node.job(name)["Progress"]["restarts"] == 0, world.node.job(name)["Progress"]
    assert value(world.target.endpoint, f"SELECT COUNT(*) FROM {name}.keyed WHERE id > 0") == ROWS


def _alter(world: World, name: str, table: str) -> float:
    """How long a change of the table takes that is done at once, but for locks."""
    begun = time.monotonic()
    world.on_source("SET lock_wait_timeout = 30", f"ALTER TABLE {name}.{table} COMMENT = 'at {begun}'")
    return time.monotonic() - begun
