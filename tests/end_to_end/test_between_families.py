"""A database is moved from one family to the other by a cut-over, and a way back is kept open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace

import httpx
import pytest

from tests.end_to_end.conftest import World, run, value, wait_for
from udup.drivers.mysql.client.connection import MySQLError, connect
from udup.drivers.mysql.client.log_state import read_executed
from udup.sandbox.node import UdupNode
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.server import MysqlServer


@dataclass
class Families(World):
    """Whose source is asked in its own words for what it has executed."""

    def executed(self) -> str:
        with closing(connect(self.source.endpoint)) as connection:
            return read_executed(connection)


@pytest.fixture
def servers(
    mariadb_programs: MysqlPrograms, mariadb_source: MysqlServer, pair: tuple[MysqlServer, MysqlServer]
) -> tuple[MysqlServer, MysqlServer]:
    return pair[1], mariadb_source


@pytest.fixture
def world(servers: tuple[MysqlServer, MysqlServer], node: UdupNode, name: str) -> Iterator[Families]:
    world = Families(*servers, node)
    yield world
    world.forget_all()
    for server in servers:
        run(server.endpoint, "SET GLOBAL read_only = OFF", f"DROP DATABASE IF EXISTS {name}")


@pytest.fixture
def other_way(world: Families) -> Iterator[Families]:
    """The same servers, MariaDB the source."""
    other = Families(world.target, world.source, world.node)
    yield other
    other.forget_all()


def _cut_over(world: World, job: str, state: str = "done", **body: bool) -> str:
    """Have one carried out to this state; return what it says in the end."""
    address = f"{world.node.url}/v1/job/{job}/cutover"
    told = httpx.post(address, json=body, timeout=30).json()
    assert told["Success"], told
    world.posted.add(f"{job.removesuffix('-back')}-back")
    wait_for(lambda: httpx.get(address, timeout=15).json()["State"] == state, lambda: httpx.get(address).text)
    return str(httpx.get(address, timeout=15).json()["Text"])


def _wait_rows(server: MysqlServer, sql: str, wanted: str, world: World) -> None:
    wait_for(
        lambda: value(server.endpoint, sql) == wanted, lambda: (value(server.endpoint, sql), world.node.api.jobs())
    )


def test_a_move_to_mariadb_has_a_way_back(world: Families, name: str) -> None:
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(100), at TIMESTAMP(6) NULL)",
        f"CREATE INDEX e ON {name}.t ((LENGTH(v)))",
        f"CREATE TABLE {name}.docs (id INT PRIMARY KEY, doc JSON, n INT)",
        f"CREATE TABLE {name}.vectors (id INT PRIMARY KEY, v VECTOR(2))",
        f"CREATE TABLE {name}.loose (doc JSON)",
        f"CREATE VIEW {name}.w AS SELECT id, v FROM {name}.t",
        f"INSERT INTO {name}.t (v, at) VALUES ('a', '2026-01-01 00:00:01.5'), ('b', NULL)",
        f"INSERT INTO {name}.docs VALUES (1, JSON_OBJECT('d', DATE '2026-01-01', 'm', 1.10), 1), (2, '[1]', 1)",
        f"""INSERT INTO {name}.loose VALUES ('{{"b": 1, "a": [1.5, "x"]}}'), ('70000')""",
    )
    checks = httpx.post(f"{world.node.url}/v1/validate/job", json=world.document(name, [name]), timeout=30).json()[
        "Checks"
    ]
    told = [(each["Result"], each["Found"]) for each in checks if each["Check"] == "definitions"]
    assert told == [("warn", f"{name}.t: the index e on an expression is left out on the target, which has none")], (
        checks
    )
    world.start(name, [name])
    world.on_source(f"INSERT INTO {name}.t (v) VALUES ('c')", f"ALTER TABLE {name}.t ADD n INT DEFAULT 5")
    _cut_over(world, name, WritesStopped=True, Reverse=True)
    world.node.wait_stage(f"{name}-back", deadline=60)
    world.on_target(
        f"INSERT INTO {name}.t (v) VALUES ('d')",
        f"UPDATE {name}.t SET v = 'z' WHERE id = 1",
        f"UPDATE {name}.docs SET n = 2",
        f"""UPDATE {name}.docs SET doc = '{{"aa": 1.0, "b": [18446744073709551615, "ä"]}}' WHERE id = 2""",
        f"INSERT INTO {name}.docs VALUES (3, NULL, 3), (4, ' [true] ', 3)",
        f"INSERT INTO {name}.vectors VALUES (1, x'0000803F00000040'), (2, NULL)",
        f"DELETE FROM {name}.loose WHERE doc LIKE '%x%'",
        f"UPDATE {name}.loose SET doc = '[]'",
    )
    rows = f"SELECT GROUP_CONCAT(id, v, n ORDER BY id) FROM {name}.t"
    _wait_rows(world.source, rows, "1z5,2b5,3c5,4d5", world)
    documents = f"SELECT GROUP_CONCAT(id, ':', n, IFNULL(doc, 'none') ORDER BY id) FROM {name}.docs"
    wanted = '1:2{"d": "2026-01-01", "m": 1.10},2:2{"b": [18446744073709551615, "ä"], "aa": 1.0},3:3none,4:3[true]'
    _wait_rows(world.source, documents, wanted, world)
    vectors = f"SELECT GROUP_CONCAT(id, IFNULL(VECTOR_TO_STRING(v), '') ORDER BY id) FROM {name}.vectors"
    _wait_rows(world.source, vectors, "1[1.00000e+00,2.00000e+00],2", world)
    _wait_rows(world.source, f"SELECT GROUP_CONCAT(doc) FROM {name}.loose", "[]", world)
    kinds = f"SELECT CONCAT(JSON_TYPE(doc->'$.d'), JSON_TYPE(doc->'$.m')) FROM {name}.docs WHERE id = 1"
    assert value(world.source.endpoint, kinds) == "DATEDECIMAL", "an update of another column leaves a document alone"


def test_a_move_from_mariadb_closes_it_and_comes_back(other_way: Families, name: str) -> None:
    """`--source-read-only` in both directions: who is closed is asked, and what is closed lets nobody write."""
    world, back = other_way, f"{name}-back"
    old, new = world.source, world.target
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT AUTO_INCREMENT PRIMARY KEY, doc JSON, u UUID, i INET6 DEFAULT '::1', v INET4)",
        f"INSERT INTO {name}.t (doc, u, v) VALUES ('[1]', '01020304-0506-0708-090a-0b0c0d0e0f10', '10.0.0.1')",
        f"CREATE EVENT {name}.ticks ON SCHEDULE EVERY 1 HOUR DO INSERT INTO {name}.t () VALUES ()",
        f"CREATE USER '{name}'@'%' IDENTIFIED BY 'x'",
        f"GRANT ALL ON {name}.* TO '{name}'@'%'",
    )
    world.start(name, [name])
    refused = _cut_over(world, name, "undone", SourceReadOnly=True, Reverse=True)
    assert "'root'@'" in refused and "--writes-stopped" in refused
    _cut_over(world, name, SourceReadOnly=True, WritesStopped=True, EnableEvents=True, Reverse=True)
    application = replace(old.endpoint, user=name, password="x")
    with pytest.raises(MySQLError, match="1290"):
        run(application, f"INSERT INTO {name}.t () VALUES ()")
    world.node.wait_stage(back, deadline=60)
    world.on_target(
        f"""INSERT INTO {name}.t (doc, u, i, v) SELECT '[2]', REVERSE(u), i, v FROM {name}.t""",
        f"UPDATE {name}.t SET v = INET6_ATON('10.0.0.2') WHERE id = 1",
    )
    rows = f"SELECT GROUP_CONCAT(id, doc, u, i, v ORDER BY id) FROM {name}.t"
    wanted = "1[1]01020304-0506-0708-090a-0b0c0d0e0f10::110.0.0.2,2[2]100f0e0d-0c0b-0a09-0807-060504030201::110.0.0.1"
    _wait_rows(old, rows, wanted, world)
    text = _cut_over(world, back, SourceReadOnly=True, EnableEvents=True)
    assert "SET GLOBAL read_only = OFF" in text
    with pytest.raises(MySQLError, match="1290"):
        run(new.endpoint, f"INSERT INTO {name}.t () VALUES ()")
    run(old.endpoint, "SET GLOBAL read_only = OFF")
    run(application, f"INSERT INTO {name}.t () VALUES ()")
    states = f"SELECT STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA = '{name}'"
    assert value(old.endpoint, states) == "ENABLED"
    run(new.endpoint, "SET GLOBAL super_read_only = OFF", "SET GLOBAL read_only = OFF")
    run(old.endpoint, f"DROP USER '{name}'@'%'")
