"""Tables without transactions, copied while they are written to, and followed."""

from __future__ import annotations

import threading
import time
from contextlib import closing

from tests.end_to_end.conftest import NUMBERS, World, value
from udup.drivers.mysql.client.connection import connect, query


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
                time.sleep(0.1)  # each change of such a table is a commit of its own on the target
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


def test_tables_of_other_engines_become_innodb_where_the_job_says_so(world: World, name: str) -> None:
    columns = "id INT NOT NULL, a VARCHAR(20) NOT NULL"
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.m ({columns}, PRIMARY KEY (id), KEY (a(5))) ENGINE=MyISAM ROW_FORMAT=FIXED",
        f"CREATE TABLE {name}.h ({columns}, KEY (a) USING HASH) ENGINE=MEMORY",
        f"CREATE TABLE {name}.c ({columns}) ENGINE=CSV",
        f"CREATE TABLE {name}.z (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, a TEXT) ENGINE=ARCHIVE",
        f"INSERT INTO {name}.m VALUES (1, 'one'), (2, 'two')",
        f"INSERT INTO {name}.h VALUES (1, 'one'), (1, 'one')",
        f"INSERT INTO {name}.c VALUES (1, 'one'), (2, 'two')",
        f"INSERT INTO {name}.z (a) VALUES ('one'), ('two')",
    )
    world.start(name, [name], dest={"Engine": "innodb"})
    world.on_source(
        f"INSERT INTO {name}.m VALUES (3, 'three')",
        f"DELETE FROM {name}.h LIMIT 1",
        f"UPDATE {name}.c SET a = 'changed' WHERE id = 2",
        f"INSERT INTO {name}.z (a) VALUES ('three')",
        f"CREATE TABLE {name}.p (id INT PRIMARY KEY) ENGINE=MyISAM",
        f"CREATE TABLE {name}.k (id INT, p INT, FOREIGN KEY (p) REFERENCES {name}.p (id)) ENGINE=MyISAM",
        f"CREATE TABLE {name}.l LIKE {name}.m",
        f"INSERT INTO {name}.k VALUES (1, 7), (2, 8)",
        f"INSERT INTO {name}.l VALUES (1, 'x')",
        f"ALTER TABLE {name}.l ENGINE=InnoDB, ROW_FORMAT=DEFAULT",
        f"ALTER TABLE {name}.l ENGINE=MyISAM, ROW_FORMAT=FIXED",
        f"INSERT INTO {name}.l VALUES (2, 'y')",
    )
    world.level(name)
    for table in "mhczkl":
        sums = f"SELECT GROUP_CONCAT(CONCAT_WS('/', t.*) ORDER BY id) FROM {name}.{table} t".replace(
            "t.*", "id, p" if table == "k" else "id, a"
        )
        assert value(world.target.endpoint, sums) == value(world.source.endpoint, sums) != None, table  # noqa: E711
    engines = "SELECT GROUP_CONCAT(DISTINCT ENGINE) FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s"
    assert value(world.target.endpoint, engines, name) == "InnoDB"
    assert value(world.target.endpoint, "SELECT number FROM udup.unsure WHERE job = %s", name) == 0, "no marks"


def test_what_innodb_cannot_take_is_named_before_a_row_is_copied(world: World, name: str) -> None:
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.g (a INT, n INT NOT NULL AUTO_INCREMENT, PRIMARY KEY (a, n)) ENGINE=MyISAM",
        f"CREATE TABLE {name}.m (a INT) ENGINE=MERGE UNION=()",
        f"CREATE TABLE {name}.w ({', '.join(f'c{i} INT' for i in range(1100))}) ENGINE=MyISAM",
    )
    world.post(world.document(name, [name], dest={"Engine": "InnoDB"}))
    reason = world.failure(name)
    assert f"{name}.g numbers `n` within groups" in reason and f"{name}.m is a MERGE" in reason
    world.on_source(f"DROP TABLE {name}.g, {name}.m")
    world.post(world.document(name, [name], dest={"Engine": "InnoDB"}))
    reason = world.failure(name)
    assert f"`{name}`.`w` (MyISAM)" in reason and '"Engine"' in reason


def test_a_merge_table_is_in_the_job_with_what_it_shows_also_without_a_copy(world: World, name: str) -> None:
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.m1 (id INT) ENGINE=MyISAM",
        f"CREATE TABLE {name}.above (id INT) ENGINE=MERGE UNION=({name}.m1)",
    )
    document = world.document(name, [], src={"Gtid": world.executed()})
    document["Tasks"][0]["Config"]["ReplicateDoDb"] = [{"TableSchema": name, "Tables": [{"TableName": "m1"}]}]
    world.post(document)
    assert f"the MERGE table {name}.above through which it may be written" in world.failure(name)
