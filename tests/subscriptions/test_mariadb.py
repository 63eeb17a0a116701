"""A subscription to a MariaDB: a snapshot, then changes, each once and in order, under its own GTIDs."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest

from tests.subscriptions.world import DEADLINE, Subscribed, rebuilt
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import connect
from udup.drivers.mysql.client.log_state import read_executed
from udup.sandbox.node import UdupNode
from udup.sandbox.server import MysqlServer


@dataclass
class FromMariaDB(Subscribed):
    def level(self, seconds: float = DEADLINE) -> None:
        wanted = GtidSet.parse(self.executed())

        def has_all() -> bool:
            applied = self.node.job(self.name)["Progress"].get("applied_gtid") or ""
            return wanted <= GtidSet.parse(applied)

        self.wait_for(has_all, lambda: self.node.job(self.name), seconds)

    def executed(self) -> str:
        with closing(connect(self.source.endpoint)) as connection:
            return read_executed(connection)


@pytest.fixture
def world(mariadb_source: MysqlServer, subscribing_node: UdupNode) -> Iterator[FromMariaDB]:
    world = FromMariaDB(mariadb_source, subscribing_node, f"m_{uuid.uuid4().hex[:10]}")
    world.on_source(f"CREATE DATABASE {world.name}")
    yield world
    world.forget_all()
    world.on_source(f"DROP DATABASE {world.name}")


def test_a_snapshot_and_what_follows_it(world: FromMariaDB) -> None:
    world.on_source(
        f"CREATE TABLE {world.name}.t (id INT PRIMARY KEY, a BIGINT, b VARCHAR(50), c DOUBLE) CHARSET utf8mb4",
        f"INSERT INTO {world.name}.t VALUES (1, 10, 'one', 1.5), (2, NULL, 'zwei', 2), (3, -3, 'ŧree', 1e100)",
    )
    world.post()
    world.level()
    world.on_source(
        f"UPDATE {world.name}.t SET a = 11 WHERE id = 1",
        f"DELETE FROM {world.name}.t WHERE id = 2",
        f"ALTER TABLE {world.name}.t ADD COLUMN d DATE",
        f"INSERT INTO {world.name}.t VALUES (4, 4, NULL, 0.1, '2024-02-29')",
    )
    world.level()
    events = world.rows_of("t")
    assert [event.op for event in events if event.value] == ["r", "r", "r", "u", "d", "c"]
    rows = {row["id"]: row for row in rebuilt(events).values()}
    assert rows[1]["a"] == 11 and rows[4]["d"] is not None and 2 not in rows
    changed = next(event for event in events if event.op == "u")
    assert changed.value["source"]["gtid"] == changed.id.split(":")[0]
    assert changed.value["source"]["gtid"].count("-") == 2
