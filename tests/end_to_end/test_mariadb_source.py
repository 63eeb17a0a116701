"""A MariaDB is copied and followed to MySQL: rows of every kind of log, definitions, XA, and deaths in between."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass

import httpx
import pytest

from tests.end_to_end.conftest import DEADLINE, POLL, World, run, value, wait_for
from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, is_transient, query
from udup.drivers.mysql.client.log_state import read_executed
from udup.drivers.mysql.client.sessions import SHOP_WRITER
from udup.sandbox.node import UdupNode
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.server import MysqlServer


@dataclass
class FromMariaDB(World):
    """Whose source is asked for its GTIDs as MariaDB has them."""

    def executed(self) -> str:
        with closing(connect(self.source.endpoint)) as connection:
            return read_executed(connection)

    def level(self, job: str, seconds: float = DEADLINE) -> None:
        wanted, end = GtidSet.parse(self.executed()), time.monotonic() + seconds
        while not wanted <= GtidSet.parse(self.applied(job)):
            shown = self.node.job(job)
            if shown["Stage"] == "failed" or time.monotonic() > end:
                raise UdupError(f"{job} is not level: {shown['Stage']}: {shown['StatusDescription']} {shown}")
            time.sleep(POLL)


@pytest.fixture(scope="module")
def servers(
    mariadb_programs: MysqlPrograms, mariadb_source: MysqlServer, pair: tuple[MysqlServer, MysqlServer]
) -> tuple[MysqlServer, MysqlServer]:
    return mariadb_source, pair[1]


@pytest.fixture
def world(servers: tuple[MysqlServer, MysqlServer], node: UdupNode) -> Iterator[FromMariaDB]:
    world = FromMariaDB(*servers, node)
    yield world
    world.forget_all()


@pytest.fixture
def name(servers: tuple[MysqlServer, MysqlServer], name: str) -> Iterator[str]:
    yield name
    for server in servers:
        run(server.endpoint, f"DROP DATABASE IF EXISTS {name}")


def _kinds_of_log(name: str, far: int) -> list[str]:
    """Return statements of one session whose log is of every kind that MariaDB has; `far`: a number that is free."""
    table = f"{name}.t"
    return [
        "SET SESSION binlog_row_image = 'MINIMAL'",
        f"UPDATE {table} SET v = 'minimal' WHERE id = 10",
        f"DELETE FROM {table} WHERE id = 11",
        "SET SESSION binlog_row_image = 'NOBLOB'",
        f"UPDATE {table} SET n = 3 WHERE id = 12",
        "SET SESSION binlog_row_image = 'FULL'",
        f"INSERT INTO {table} (id, b) VALUES (2000, REPEAT('compressed', 3000))",
        f"UPDATE {table} SET b = CONCAT(b, 'more') WHERE id = 2000",
        "XA START 'one', 'b', 7",
        f"INSERT INTO {table} (id, v) VALUES (2001, 'xa')",
        "XA END 'one', 'b', 7",
        "XA PREPARE 'one', 'b', 7",
        "XA COMMIT 'one', 'b', 7",
        "XA START 'two'",
        f"INSERT INTO {table} (id, v) VALUES (2002, 'xa')",
        "XA END 'two'",
        "XA PREPARE 'two'",
        "XA ROLLBACK 'two'",
        f"CREATE SEQUENCE {name}.s",
        f"CREATE TABLE {name}.numbered (id BIGINT PRIMARY KEY, v INT)",
        f"INSERT INTO {name}.numbered VALUES (NEXTVAL({name}.s), 1), (NEXTVAL({name}.s), 2)",
        f"CREATE TABLE {name}.parent (id INT PRIMARY KEY)",
        f"CREATE TABLE {name}.child (id INT PRIMARY KEY, p INT,"
        f" FOREIGN KEY (p) REFERENCES {name}.parent (id) ON DELETE CASCADE ON UPDATE CASCADE)",
        f"INSERT INTO {name}.parent VALUES (1), (2), (3)",
        f"INSERT INTO {name}.child VALUES (1, 1), (2, 2), (3, 3)",
        f"DELETE FROM {name}.parent WHERE id = 1",
        f"UPDATE {name}.parent SET id = 20 WHERE id = 2",
        "SET SESSION gtid_domain_id = 7",
        f"INSERT INTO {table} (id, v) VALUES (2003, 'another domain')",
        "SET SESSION gtid_domain_id = 0",
        f"SET SESSION gtid_seq_no = {far}",
        f"INSERT INTO {table} (id, v) VALUES (2004, 'behind a gap')",
        f"INSERT INTO {table} (id, b) VALUES (2005, REPEAT('l', 3000000))",
        f"INSERT INTO {table} (id, b) SELECT 3000 + seq, REPEAT('m', 2000) FROM {name}.seq_1_to_1000",
        f"TRUNCATE TABLE {name}.child",
        f"DROP SEQUENCE {name}.s",
        f"RENAME TABLE {name}.numbered TO {name}.renamed",
    ]


def _last_number(world: FromMariaDB) -> int:
    return max(stop for _, ranges in GtidSet.parse(world.executed()).items() for _, stop in ranges)


def test_every_kind_of_log_is_carried(world: FromMariaDB, name: str) -> None:
    world.on_source(
        f"CREATE DATABASE {name} COLLATE utf8mb4_general_ci",
        f"CREATE TABLE {name}.t (id INT PRIMARY KEY, v VARCHAR(100), n DECIMAL(10,2), b LONGBLOB)",
        f"INSERT INTO {name}.t SELECT seq, CONCAT('v', seq), seq / 4, REPEAT('x', seq) FROM {name}.seq_1_to_50",
    )
    world.start(name, [name])
    try:
        world.on_source("SET GLOBAL log_bin_compress = 1", *_kinds_of_log(name, _last_number(world) + 1000))
    finally:
        world.on_source("SET GLOBAL log_bin_compress = 0")
    world.level_and_equal(name, name)


def test_a_job_copies_and_follows(world: FromMariaDB, name: str) -> None:
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT PRIMARY KEY, v VARCHAR(100), n DECIMAL(10,2), b LONGBLOB)",
        f"INSERT INTO {name}.t SELECT seq, CONCAT('v', seq), seq / 4, REPEAT('x', seq) FROM {name}.seq_1_to_500",
    )
    world.start(name, [name])
    world.on_source(
        f"INSERT INTO {name}.t VALUES (1001, 'new', 1.5, NULL), (1002, 'new', NULL, 'b')",
        f"UPDATE {name}.t SET v = 'changed' WHERE id < 100",
        f"DELETE FROM {name}.t WHERE id BETWEEN 200 AND 300",
        f"ALTER TABLE {name}.t ADD COLUMN more INT DEFAULT 7",
        f"INSERT INTO {name}.t (id, more) VALUES (1003, 8)",
        f"CREATE TABLE {name}.made AS SELECT id, v FROM {name}.t WHERE id > 400",
    )
    world.level_and_equal(name, name)


#: Columns of every type, with values; those of MariaDB alone with the version that has them.
_TYPES: tuple[tuple[str, tuple[str, ...], tuple[int, int]], ...] = (
    ("TINYINT", ("-128", "127", "NULL"), (10, 5)),
    ("SMALLINT UNSIGNED", ("0", "65535"), (10, 5)),
    ("MEDIUMINT", ("-8388608", "8388607"), (10, 5)),
    ("BIGINT UNSIGNED", ("18446744073709551615", "1"), (10, 5)),
    ("FLOAT", ("1.5", "-3.4e38"), (10, 5)),
    ("DOUBLE", ("1.25", "1e300"), (10, 5)),
    ("DECIMAL(65,30)", ("12345678901234567890.123456789012345678901234567890", "-0.1"), (10, 5)),
    ("BIT(17)", ("b'10101010101010101'", "b'0'"), (10, 5)),
    ("YEAR", ("1901", "0"), (10, 5)),
    ("DATE", ("'2024-02-29'", "'0000-00-00'"), (10, 5)),
    ("TIME(6)", ("'-01:00:00.000001'", "'838:59:58.999999'"), (10, 5)),
    ("DATETIME(6)", ("'2024-01-01 00:00:00.123456'", "'9999-12-31 23:59:59'"), (10, 5)),
    ("TIMESTAMP(6) NULL", ("'2024-01-01 00:00:00.654321'", "NULL"), (10, 5)),
    ("CHAR(20) CHARSET utf8mb4 COLLATE utf8mb4_general_ci", ("'äöü€😀'", "'x  '"), (10, 5)),
    ("VARCHAR(300) CHARSET latin1", ("REPEAT('é', 250)", "''"), (10, 5)),
    ("VARBINARY(300)", ("REPEAT(x'00', 256)", "x'ff'"), (10, 5)),
    ("LONGTEXT CHARSET utf8mb4 COLLATE utf8mb4_bin", ("REPEAT('l', 70000)", "''"), (10, 5)),
    ("LONGBLOB", ("REPEAT(x'02', 70000)", "NULL"), (10, 5)),
    ("ENUM('a','b','ü') CHARSET utf8mb4 COLLATE utf8mb4_general_ci", ("'a'", "'ü'"), (10, 5)),
    ("SET('x','y','z') CHARSET latin1", ("'x,z'", "''"), (10, 5)),
    ("GEOMETRY", ("ST_GEOMFROMTEXT('LINESTRING(0 0,1 1)')", "NULL"), (10, 5)),
    ("JSON", ('\'{"a": [1, 2.5, "x", null, true]}\'', "'[]'"), (10, 5)),
    ("INET6", ("'2001:db8::1'", "NULL"), (10, 5)),
    ("INET4", ("'192.0.2.1'", "NULL"), (10, 10)),
    ("UUID", ("'123e4567-e89b-12d3-a456-426655440000'", "NULL"), (10, 7)),
    ("VECTOR(3)", ("VEC_FROMTEXT('[1,2,3]')", "NULL"), (11, 7)),
)


def test_values_of_every_type_are_copied_and_carried(world: FromMariaDB, name: str) -> None:
    types = [(kind, values) for kind, values, since in _TYPES if world.source.programs.version[:2] >= since]
    columns = ", ".join(f"c{place} {kind}" for place, (kind, _) in enumerate(types))

    def row(turn: int) -> str:
        return ", ".join(values[turn % len(values)] for _, values in types)

    modes = "SET NAMES utf8mb4, SESSION sql_mode = '', time_zone = '+00:00'"
    world.on_source(
        f"CREATE DATABASE {name} COLLATE utf8mb4_general_ci",
        modes,
        f"CREATE TABLE {name}.t (id INT PRIMARY KEY, {columns}) CHARSET utf8mb4 COLLATE utf8mb4_general_ci",
        *(f"INSERT INTO {name}.t VALUES ({turn}, {row(turn)})" for turn in range(3)),
    )
    world.start(name, [name])
    world.on_source(
        modes,
        *(f"INSERT INTO {name}.t VALUES ({turn}, {row(turn)})" for turn in range(10, 13)),
        f"UPDATE {name}.t SET id = id + 100 WHERE id < 2",
        f"DELETE FROM {name}.t WHERE id = 12",
    )
    world.level(name)
    shown = ", ".join(f"HEX(CAST(c{place} AS BINARY))" for place in range(len(types)))
    sql = f"SELECT id, {shown} FROM {name}.t ORDER BY id"
    there, here = (_rows(server.endpoint, modes, sql) for server in (world.target, world.source))
    assert there == here


def _rows(endpoint: Endpoint, modes: str, sql: str) -> list[tuple[object, ...]]:
    with closing(connect(endpoint)) as connection:
        query(connection, modes)
        return query(connection, sql)


def test_another_mariadb_gets_all_of_it(mariadb_target: MysqlServer, world: FromMariaDB, name: str) -> None:
    there = FromMariaDB(world.source, mariadb_target, world.node)
    try:
        there.on_source(
            f"CREATE DATABASE {name}",
            f"CREATE TABLE {name}.t (id INT PRIMARY KEY, v VARCHAR(100), n DECIMAL(10,2), b LONGBLOB)",
            f"INSERT INTO {name}.t SELECT seq, CONCAT('v', seq), seq / 4, REPEAT('x', seq) FROM {name}.seq_1_to_50",
        )
        there.start(name, [name])
        there.on_source(*_kinds_of_log(name, _last_number(there) + 1000))
        there.level_and_equal(name, name)
    finally:
        there.forget_all()
        there.on_target(f"DROP DATABASE IF EXISTS {name}")


def test_a_sequence_goes_on_behind_all_that_the_source_gave(
    mariadb_target: MysqlServer, world: FromMariaDB, name: str
) -> None:
    """Of a job of single tables under another schema's name, while sessions take numbers side by side."""
    there = FromMariaDB(world.source, mariadb_target, world.node)
    new = f"{name}_new"
    try:
        there.on_source(
            f"CREATE DATABASE {name}",
            f"CREATE SEQUENCE {name}.s NOCACHE",
            f"CREATE SEQUENCE {name}.other",
            f"CREATE TABLE {name}.t (id BIGINT PRIMARY KEY DEFAULT NEXTVAL({name}.s), a INT)",
            f"INSERT INTO {name}.t (a) SELECT seq FROM {name}.seq_1_to_20",
        )
        document = there.document(name, [name])
        tables = [{"TableName": "t"}, {"TableName": "s"}]
        chosen = [{"TableSchema": name, "TableSchemaRename": new, "Tables": tables}]
        document["Tasks"][0]["Config"]["ReplicateDoDb"] = chosen
        there.post(document)
        wait_for(lambda: there.node.job(name)["Stage"] == "running", lambda: there.node.job(name))
        with ThreadPoolExecutor(4) as pool:
            insert = f"INSERT INTO {name}.t (a) VALUES (1), (2)"
            list(pool.map(lambda _: there.on_source(*[insert] * 10, f"SELECT NEXTVAL({name}.other)"), range(4)))
        there.level(name)
        count = "SELECT COUNT(*), MAX(id) FROM {}.t"
        assert _rows(mariadb_target.endpoint, "DO 1", count.format(new)) == [(100, 100)]
        [(given,)] = _rows(mariadb_target.endpoint, "DO 1", f"SELECT NEXTVAL({new}.s)")
        assert given == 101
        there.on_target(f"INSERT INTO {new}.t (a) VALUES (3)")
        assert _rows(mariadb_target.endpoint, "DO 1", f"SELECT MAX(id) FROM {new}.t") == [(102,)]
        with pytest.raises(MySQLError):
            there.on_target(f"SELECT NEXTVAL({new}.other)")
    finally:
        there.forget_all()
        there.on_target(f"DROP DATABASE IF EXISTS {new}")


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("t (id INT) WITH SYSTEM VERSIONING", "{name}.t: WITH SYSTEM VERSIONING and without a primary key"),
        (
            "t (id INT PRIMARY KEY, s BIGINT UNSIGNED GENERATED ALWAYS AS ROW START, e BIGINT UNSIGNED GENERATED ALWAYS"
            " AS ROW END, PERIOD FOR SYSTEM_TIME (s, e)) WITH SYSTEM VERSIONING",
            "{name}.t: WITH SYSTEM VERSIONING by transactions",
        ),
        ("t (id INT PRIMARY KEY, row_end TIMESTAMP(6) NOT NULL DEFAULT 0)", "{name}.t, column row_end"),
    ],
)
def test_what_cannot_be_carried_is_refused_at_the_start(world: FromMariaDB, name: str, table: str, told: str) -> None:
    world.on_source(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.{table}")
    world.post(world.document(name, [name]))
    assert told.format(name=name) in world.failure(name)


def test_an_aria_table_is_read_under_a_lock_and_is_innodb_there(world: FromMariaDB, name: str) -> None:
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.a (id INT PRIMARY KEY, v INT) ENGINE = Aria",
        f"INSERT INTO {name}.a VALUES (1, 1), (2, 2)",
    )
    world.start(name, [name])
    world.on_source(f"INSERT INTO {name}.a VALUES (3, 3)", f"UPDATE {name}.a SET v = 5 WHERE id = 1")
    world.level(name)
    assert value(world.target.endpoint, f"SELECT GROUP_CONCAT(id, ':', v ORDER BY id) FROM {name}.a") == "1:5,2:2,3:3"


def test_a_job_with_stored_objects_is_cut_over(world: FromMariaDB, name: str) -> None:
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(100))",
        f"CREATE TRIGGER {name}.g BEFORE INSERT ON {name}.t FOR EACH ROW SET NEW.v = CONCAT(NEW.v, 'x')",
        f"CREATE VIEW {name}.w AS SELECT id, v FROM {name}.t",
        f"CREATE PROCEDURE {name}.p() SELECT 1",
        f"INSERT INTO {name}.t (v) VALUES ('a'), ('b')",
    )
    world.start(name, [name])
    world.on_source(f"INSERT INTO {name}.t (v) VALUES ('c')")
    world.level_and_equal(name, name)
    address = f"{world.node.url}/v1/job/{name}/cutover"
    assert httpx.post(address, json={"WritesStopped": True}, timeout=15).json()["Success"]
    wait_for(lambda: httpx.get(address, timeout=15).json()["State"] == "done", lambda: httpx.get(address).text)
    world.on_target(f"INSERT INTO {name}.t (v) VALUES ('d')")
    assert value(world.target.endpoint, f"SELECT GROUP_CONCAT(id, v ORDER BY id) FROM {name}.w") == "1ax,2bx,3cx,4dx"


class _Writers:
    """Sessions that write transactions over two tables until they are told to end."""

    def __init__(self, source: Endpoint, name: str, count: int) -> None:
        self._source, self._name, self._over = source, name, threading.Event()
        self.errors: list[Exception] = []
        self._threads = [threading.Thread(target=self._write, args=(number,)) for number in range(count)]

    def __enter__(self) -> _Writers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _write(self, number: int) -> None:
        chance = random.Random(number)
        try:
            with closing(connect(self._source, SHOP_WRITER)) as connection:
                while not self._over.is_set():
                    self._transaction(connection, chance)
                    self._over.wait(0.01)
        except Exception as error:  # noqa: BLE001 -- the test tells it
            self.errors.append(error)

    def _transaction(self, connection: Connection, chance: random.Random) -> None:
        one, other = sorted(chance.sample(range(1, 200), 2))
        try:
            query(connection, f"UPDATE {self._name}.account SET money = money - 1 WHERE id = {one}")
            query(connection, f"UPDATE {self._name}.account SET money = money + 1 WHERE id = {other}")
            query(connection, f"INSERT INTO {self._name}.moved (one, other) VALUES ({one}, {other})")
            connection.commit()
        except MySQLError as error:
            if not is_transient(error):
                raise
            connection.rollback()


def test_deaths_lose_nothing_and_double_nothing(world: FromMariaDB, name: str) -> None:
    """The processes of a job are killed while it copies and while it follows four writers and DDL."""
    world.on_source(
        f"CREATE DATABASE {name} COLLATE utf8mb4_general_ci",
        f"CREATE TABLE {name}.account (id INT PRIMARY KEY, money BIGINT NOT NULL)",
        f"CREATE TABLE {name}.moved (id BIGINT AUTO_INCREMENT PRIMARY KEY, one INT, other INT)",
        f"INSERT INTO {name}.account SELECT seq, 1000 FROM {name}.seq_1_to_200",
    )
    with _Writers(world.source.endpoint, name, 4) as writers:
        world.post(world.document(name, [name]))
        killed = 0
        for turn in range(5):
            time.sleep(0.2)
            for actor in world.node.api.actors():
                if actor["JobID"] == name and chosen(actor["Role"], turn):
                    with suppress(ProcessLookupError):
                        os.kill(actor["Pid"], signal.SIGKILL)
                        killed += 1
            world.on_source(f"ALTER TABLE {name}.moved ADD COLUMN c{turn} INT DEFAULT {turn}")
    assert killed
    assert not writers.errors
    world.node.wait_stage(name, deadline=3 * DEADLINE)
    world.level(name, 3 * DEADLINE)
    world.assert_equal(name)
    assert value(world.target.endpoint, f"SELECT SUM(money) FROM {name}.account") == 200_000


def chosen(role: str, turn: int) -> bool:
    """Return whether a process is one of those that are killed in this turn."""
    return role == ("extractor", "applier", "worker")[turn % 3]
