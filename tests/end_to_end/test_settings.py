"""A job carries what its document says, the way its document says, whatever the settings."""

from __future__ import annotations

import httpx
import pytest

from tests.end_to_end.conftest import DEADLINE, World, value
from udup.sandbox.api import Json

ROWS = (
    "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 300) SELECT n, REPEAT('x', 100) FROM n"
)

TABLES = "SELECT GROUP_CONCAT(TABLE_NAME ORDER BY TABLE_NAME) FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s"


def _fill(world: World, schema: str, table: str = "t") -> None:
    world.on_source(
        f"CREATE DATABASE IF NOT EXISTS {schema}",
        f"CREATE TABLE {schema}.{table} (id INT PRIMARY KEY, a VARCHAR(100))",
        f"INSERT INTO {schema}.{table} {ROWS}",
    )


def _change(world: World, schema: str, transactions: int = 40) -> None:
    changes = [f"UPDATE {schema}.t SET a = {number} WHERE id % 50 = {number}" for number in range(transactions)]
    world.on_source(
        *changes, f"DELETE FROM {schema}.t WHERE id > 290", f"INSERT INTO {schema}.t (id, a) VALUES (999, 'new')"
    )


@pytest.mark.parametrize(
    ("src", "dest"),
    [
        ({"ReplChanBufferSize": 1, "MsgBytesLimit": 1}, {"ParallelWorkers": 1}),
        ({"ReplChanBufferSize": 1}, {"ParallelWorkers": 8}),
        ({"MsgBytesLimit": 1, "ChunkSize": 7}, {"ParallelWorkers": 3}),
    ],
)
def test_the_smallest_buffers_and_any_number_of_workers_carry_everything(
    world: World, name: str, src: Json, dest: Json
) -> None:
    _fill(world, name)
    world.start(name, [name], src=src, dest=dest)
    _change(world, name)
    world.level_and_equal(name, name)


def test_chosen_tables_are_carried_and_others_left_alone(world: World, name: str) -> None:
    for table in ("t", "other"):
        _fill(world, name, table)
    world.on_target(
        f"CREATE DATABASE {name}", f"CREATE TABLE {name}.other (id INT)", f"INSERT INTO {name}.other VALUES (7)"
    )
    chosen = [{"TableSchema": name, "Tables": [{"TableName": "t"}]}]
    world.start(name, [], src={"ReplicateDoDb": chosen})
    world.on_source(
        f"INSERT INTO {name}.other VALUES (1001, 'not for us')",
        f"ALTER TABLE {name}.other ADD COLUMN n INT",
        f"CREATE TABLE {name}.third AS SELECT * FROM {name}.t",
        f"UPDATE {name}.t, {name}.other SET t.a = 'both', other.a = 'both' WHERE t.id = other.id AND t.id < 10",
        f"DELETE {name}.other, {name}.t FROM {name}.other JOIN {name}.t USING (id) WHERE t.id > 250",
        f"ALTER TABLE {name}.t ADD COLUMN n INT DEFAULT 5",
        f"INSERT INTO {name}.t VALUES (2000, 'ours', 1)",
        f"DROP TABLE {name}.third",
    )
    _change(world, name)
    world.level(name)
    assert value(world.target.endpoint, f"SELECT GROUP_CONCAT(id) FROM {name}.other") == "7"
    assert value(world.target.endpoint, TABLES, name) == "other,t"
    checksum = f"SELECT CONCAT_WS('/', COUNT(*), SUM(CRC32(CONCAT_WS('-', id, a, n)))) FROM {name}.t"
    assert value(world.target.endpoint, checksum) == value(world.source.endpoint, checksum)


def test_with_a_gtid_set_nothing_is_copied_and_all_after_it_is_carried(world: World, name: str) -> None:
    world.on_source(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.before_it (id INT)")
    after = world.executed()
    _fill(world, name)
    world.on_target(f"CREATE DATABASE {name}")
    world.start(name, [name], gtid=after)
    _change(world, name)
    world.level(name)
    assert value(world.target.endpoint, TABLES, name) == "t"
    sums = f"SELECT CONCAT(COUNT(*), '/', SUM(CRC32(CONCAT(id, a)))) FROM {name}.t"
    assert value(world.target.endpoint, sums) == value(world.source.endpoint, sums)


def test_a_target_without_local_infile_is_filled_by_inserts(world: World, name: str) -> None:
    _fill(world, name)
    world.on_source(f"CREATE TABLE {name}.b (id INT PRIMARY KEY, b LONGBLOB, j JSON)")
    world.on_source(f'INSERT INTO {name}.b VALUES (1, 0x00275C0A09FF1A, \'{{"a": "\\\\u00fc"}}\'), (2, NULL, NULL)')
    world.on_target("SET GLOBAL local_infile = OFF")
    try:
        world.start(name, [name])
        _change(world, name)
        world.level_and_equal(name, name)
    finally:
        world.on_target("SET GLOBAL local_infile = ON")


def test_an_existing_table_is_replaced_when_the_job_says_so(world: World, name: str) -> None:
    _fill(world, name)
    world.on_target(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (x INT)", f"INSERT INTO {name}.t VALUES (1)")
    world.start(name, [name], dest={"DropTableIfExists": True})
    world.level_and_equal(name, name)


def test_definitions_of_more_than_a_message_are_copied(world: World, name: str) -> None:
    """A catalog has no bound: thousands of tables, or a few with long comments."""
    columns = ", ".join(f"c{number} INT COMMENT '{'long ' * 190}'" for number in range(100))
    world.on_source(f"CREATE DATABASE {name}", *(f"CREATE TABLE {name}.t{n} ({columns})" for n in range(14)))
    world.on_source(f"CREATE PROCEDURE {name}.p() SELECT '{'much ' * 250_000}'")
    world.start(name, [name])
    world.on_source(f"INSERT INTO {name}.t3 (c1) VALUES (1)")
    world.level_and_equal(name, name)


def test_a_definition_of_more_than_a_message_is_carried(world: World, name: str) -> None:
    _fill(world, name)
    world.start(name, [name])
    world.on_source(f"CREATE PROCEDURE {name}.p() SELECT '{'much ' * 250_000}'")
    _change(world, name)
    world.level_and_equal(name, name)


def test_a_job_posted_again_goes_on_with_its_new_settings(world: World, name: str) -> None:
    _fill(world, name)
    world.start(name, [name], workers=1)
    assert _workers(world, name) == 0, "there is no work for them"
    world.need_workers(name, name)
    index = world.node.job(name)["JobModifyIndex"]
    world.start(name, [name], workers=3)
    world.need_workers(name, name, 3)
    assert world.node.job(name)["JobModifyIndex"] > index
    world.on_source(f"UPDATE {name}.t SET a = 'after'")
    world.level_and_equal(name, name)


def test_a_job_posted_again_with_another_name_for_what_it_has_is_refused(world: World, name: str) -> None:
    _fill(world, name)
    world.start(name, [name])
    other = world.document(name, [], src={"ReplicateDoDb": [{"TableSchema": name, "TableSchemaRename": f"{name}_x"}]})
    for check in ("true", "false"):
        answer = httpx.put(f"{world.node.url}/v1/jobs?check={check}", json=other, timeout=30)
        assert answer.status_code == 400 and f"another name on the target of {name}" in answer.text
    assert world.node.job(name)["Stage"] == "running"
    world.level_and_equal(name, name)


def _actors(world: World, job: str) -> list[Json]:
    return [actor for actor in world.node.api.actors() if actor["JobID"] == job]


def _workers(world: World, job: str) -> int:
    return sum(actor["Role"] == "worker" for actor in _actors(world, job))


def test_two_jobs_run_side_by_side(world: World, name: str) -> None:
    for schema in (f"{name}_a", f"{name}_b"):
        _fill(world, schema)
        world.post(world.document(schema, [schema]))
    try:
        for schema in (f"{name}_a", f"{name}_b"):
            world.node.wait_stage(schema, deadline=DEADLINE)
            _change(world, schema)
        for schema in (f"{name}_a", f"{name}_b"):
            world.level_and_equal(schema, schema)
            world.forget(schema)
    finally:
        for schema in (f"{name}_a", f"{name}_b"):
            world.on_source(f"DROP DATABASE {schema}")
            world.on_target(f"DROP DATABASE IF EXISTS {schema}")
