"""Tables without transactions, copied while they are written to, and followed."""

from __future__ import annotations

import threading
import time
from contextlib import closing

from tests.jobs.conftest import NUMBERS, World, value
from udup.mysql.connection import connect, query


def test_rows_that_are_written_while_the_copy_begins_arrive_once(world: World, name: str) -> None:
    """No key to hide behind: a row that is both in the copy and in the log would be there twice."""
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.log (turn INT, v CHAR(100)) ENGINE=MyISAM",
        f"CREATE TABLE {name}.large (turn INT, v CHAR(255) NOT NULL) ENGINE=MyISAM",
        f"CREATE TABLE {name}.heap (turn INT) ENGINE=MEMORY",
        f"CREATE TABLE {name}.i (id INT AUTO_INCREMENT PRIMARY KEY, v INT)",
        f"INSERT INTO {name}.log {NUMBERS.format(900)} SELECT n, 'x' FROM n",
        f"INSERT INTO {name}.large {NUMBERS.format(900)} SELECT n, REPEAT('y', 255) FROM n",
        *[f"INSERT INTO {name}.large SELECT * FROM {name}.large" for _ in range(4)],
    )
    stop = threading.Event()

    def write() -> None:
        with closing(connect(world.source.endpoint)) as connection:
            turn = 1000
            while not stop.is_set():
                turn += 1
                time.sleep(0.1)  # what changes such a table is applied one by one
                query(connection, f"INSERT INTO {name}.log VALUES ({turn}, 'a'), ({turn}, 'a')")
                query(connection, f"INSERT INTO {name}.i (v) VALUES ({turn})")
                query(connection, f"INSERT INTO {name}.large VALUES ({turn}, 'b')")
                query(connection, f"INSERT INTO {name}.heap VALUES ({turn})")
                query(connection, f"UPDATE {name}.log SET v = 'c' WHERE turn = {turn} LIMIT 1")

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    try:
        world.start(name, [name])
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    world.level_and_equal(name, name)
    engines = "SELECT GROUP_CONCAT(ENGINE ORDER BY TABLE_NAME) FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s"
    assert value(world.target.endpoint, engines, name) == "MEMORY,InnoDB,MyISAM,MyISAM"
