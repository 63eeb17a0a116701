"""A database is moved from one family to the other by a cut-over, and a way back is kept open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import httpx
import pytest

from tests.end_to_end.conftest import World, run, value, wait_for
from udup.drivers.mysql.client.connection import connect
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


def test_a_move_to_mariadb_has_a_way_back(world: Families, name: str) -> None:
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(100), at TIMESTAMP(6) NULL)",
        f"CREATE INDEX e ON {name}.t ((LENGTH(v)))",
        f"CREATE VIEW {name}.w AS SELECT id, v FROM {name}.t",
        f"INSERT INTO {name}.t (v, at) VALUES ('a', '2026-01-01 00:00:01.5'), ('b', NULL)",
    )
    document, told = world.document(name, [name]), f"{name}.t: the index e on an expression is left out on the target"
    checks = httpx.post(f"{world.node.url}/v1/validate/job", json=document, timeout=30).json()["Checks"]
    (found,) = [each for each in checks if each["Check"] == "definitions"]
    assert found["Result"] == "warn" and told in found["Found"], checks
    world.start(name, [name])
    world.on_source(f"INSERT INTO {name}.t (v) VALUES ('c')", f"ALTER TABLE {name}.t ADD n INT DEFAULT 5")
    address = f"{world.node.url}/v1/job/{name}/cutover"
    told = httpx.post(address, json={"WritesStopped": True, "Reverse": True}, timeout=30).json()
    assert told["Success"], told
    world.posted.add(f"{name}-back")
    wait_for(lambda: httpx.get(address, timeout=15).json()["State"] == "done", lambda: httpx.get(address).text)
    world.node.wait_stage(f"{name}-back", deadline=60)
    world.on_target(f"INSERT INTO {name}.t (v) VALUES ('d')", f"UPDATE {name}.t SET v = 'z' WHERE id = 1")
    rows = f"SELECT GROUP_CONCAT(id, v, n ORDER BY id) FROM {name}.t"
    wait_for(
        lambda: value(world.source.endpoint, rows) == "1z5,2b5,3c5,4d5",
        lambda: (value(world.source.endpoint, rows), world.node.job(f"{name}-back")),
    )
