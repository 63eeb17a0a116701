"""Jobs that have some rows of a table: full copy and log, from outside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from tests.end_to_end.conftest import World
from udup.drivers.mysql.client.connection import connect, query
from udup.sandbox.api import Json
from udup.sandbox.server import MysqlServer


def _start(world: World, job: str, do: list[Json], **src: object) -> None:
    world.post(world.document(job, [], src={"ReplicateDoDb": do, **src}))
    world.runs(job)


ORDERS = (
    "CREATE TABLE {}.orders (id INT PRIMARY KEY, region VARCHAR(10), total DECIMAL(10,2), note TEXT,"
    " paid TIMESTAMP(3) NULL)"
)


def _eu(server: MysqlServer, table: str, where: str = "TRUE") -> list[tuple[object, ...]]:
    with closing(connect(server.endpoint)) as connection:
        return query(connection, f"SELECT * FROM {table} WHERE {where} ORDER BY id")


@pytest.fixture
def whole_rows(world: World) -> Iterator[None]:
    world.on_source("SET GLOBAL binlog_row_metadata = 'FULL'")
    yield
    world.on_source("SET GLOBAL binlog_row_metadata = 'MINIMAL'")


@pytest.mark.usefixtures("whole_rows")
def test_a_job_with_a_where_has_its_rows_alone(world: World, name: str) -> None:
    where = "region = 'eu' AND (total >= 10 OR paid > '2024-01-01') AND note LIKE '%x%'"
    rows = ", ".join(
        f"({n}, ELT(1 + {n} % 3, 'eu', 'us', 'EU'), {n % 23}, IF({n} % 5, 'x', NULL), '{2022 + n % 4}-03-0{1 + n % 9}')"
        for n in range(500)
    )
    world.on_source(
        f"CREATE DATABASE {name}",
        ORDERS.format(name),
        f"CREATE TABLE {name}.other LIKE {name}.orders",
        f"INSERT INTO {name}.orders VALUES {rows}",
        f"INSERT INTO {name}.other SELECT * FROM {name}.orders",
    )
    tables: list[Json] = [{"TableName": "orders", "Where": where, "TableRename": "eu_orders"}, {"TableName": "other"}]
    _start(world, name, [{"TableSchema": name, "Tables": tables}], ChunkSize=50)
    assert _eu(world.target, f"{name}.eu_orders") == _eu(world.source, f"{name}.orders", where) != []
    progress = world.node.job(name)["Progress"]["tables"][f"{name}.orders"]
    assert progress["rows"] == len(_eu(world.source, f"{name}.orders", where))
    world.on_source(
        f"USE {name}",
        "UPDATE orders SET region = IF(region = 'eu', 'us', 'eu'), total = total + 1",
        "UPDATE orders JOIN other USING (id) SET orders.note = 'yxy', other.note = 'z' WHERE id % 7 = 0",
        "DELETE FROM orders WHERE id % 11 = 0",
        "INSERT INTO orders VALUES (1001, 'eu', 50, 'x', NULL), (1002, 'us', 50, 'x', NULL)",
        "ALTER TABLE orders ADD COLUMN extra INT DEFAULT 4 AFTER id",
        "UPDATE orders SET extra = id, paid = NOW(3) WHERE id % 2",
    )
    world.level(name)
    assert _eu(world.target, f"{name}.eu_orders") == _eu(world.source, f"{name}.orders", where) != []
    assert _eu(world.target, f"{name}.other") == _eu(world.source, f"{name}.other")
    world.on_source(f"ALTER TABLE {name}.orders MODIFY region VARCHAR(20)")
    assert "changes region of" in world.failure(name)


@pytest.mark.usefixtures("whole_rows")
def test_a_where_that_cannot_be_is_refused_before_the_start(world: World, name: str) -> None:
    world.on_source(f"CREATE DATABASE {name}", ORDERS.format(name))
    for where, reason in {
        "status = 1": "error 1054: Unknown column 'status' in 'where clause'",
        "total > (SELECT 1)": "a subquery, which looks at more than the row",
        "paid < NOW()": "the function NOW, which is not among those",
    }.items():
        tables: list[Json] = [{"TableName": "orders", "Where": where}]
        document = world.document(name, [], src={"ReplicateDoDb": [{"TableSchema": name, "Tables": tables}]})
        with httpx.Client(base_url=world.node.url, timeout=60, trust_env=False) as client:
            answer = client.post("/v1/validate/job", json=document).json()
        (check,) = [each for each in answer["Checks"] if each["Check"] == "row_filters"]
        assert check["Result"] == "fail" and reason in check["Found"], check
