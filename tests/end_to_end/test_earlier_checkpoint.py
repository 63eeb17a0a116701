"""A job that ran under the version before goes on from the checkpoint that this made, without a copy."""

from __future__ import annotations

from contextlib import closing

from tests.end_to_end.conftest import World
from tests.end_to_end.growing import begin, document, equal, live, put
from udup.drivers.mysql.client.connection import connect, query
from udup.jobs.words import Stage

_NAME = "{} VARCHAR({}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL"
_JOB = _NAME.format("job", 255)
_SCHEMA, _TABLE = _NAME.format("table_schema", 64), _NAME.format("table_name", 64)
_ASCII = "CHARACTER SET ascii COLLATE ascii_bin NOT NULL"

#: The tables as version 0.4 made them, those that a following job has rows of.
EARLIER = (
    f"""CREATE TABLE udup.checkpoint ({_JOB}, slot INT NOT NULL, version BIGINT NOT NULL, gtids LONGTEXT {_ASCII},
    mark CHAR(36) {_ASCII} DEFAULT '', definitions BIGINT NOT NULL DEFAULT 0, selection CHAR(64) {_ASCII} DEFAULT '',
    stamps VARCHAR(1000) {_ASCII} DEFAULT '', source_uuid CHAR(36) {_ASCII} DEFAULT '',
    {_NAME.format("owner", 250)} DEFAULT '', began VARCHAR(100) {_ASCII} DEFAULT '',
    PRIMARY KEY (job, slot, version)) ROW_FORMAT=DYNAMIC""",
    f"""CREATE TABLE udup.claim ({_SCHEMA}, {_TABLE}, {_JOB}, source_uuid CHAR(36) {_ASCII},
    {_NAME.format("source_schema", 64)}, {_NAME.format("source_table", 64)}, {_NAME.format("source", 250)},
    {_NAME.format("node", 250)}, since TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (table_schema, table_name), KEY (job)) ROW_FORMAT=DYNAMIC""",
    f"""CREATE TABLE udup.copied_table ({_JOB}, {_SCHEMA}, {_TABLE}, incarnation VARCHAR(64) {_ASCII},
    PRIMARY KEY (job, table_schema, table_name)) ROW_FORMAT=DYNAMIC""",
    f"""CREATE TABLE udup.copied_object ({_JOB}, kind VARCHAR(16) {_ASCII}, {_NAME.format("object_schema", 64)},
    {_NAME.format("object_name", 64)}, PRIMARY KEY (job, kind, object_schema, object_name)) ROW_FORMAT=DYNAMIC""",
    f"""CREATE TABLE udup.prepared ({_JOB}, xid VARCHAR(300) {_ASCII}, piece INT NOT NULL, events LONGBLOB NOT NULL,
    PRIMARY KEY (job, xid, piece)) ROW_FORMAT=DYNAMIC""",
)


def _as_before(world: World) -> None:
    """Have the target hold what the version before would have left of its jobs."""
    with closing(connect(world.target.endpoint)) as connection:
        kept = {}
        for statement in EARLIER:
            table = statement.split()[2]
            columns = statement[statement.index("(") :]
            sql = (
                "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) = %s"
                " ORDER BY ORDINAL_POSITION"
            )
            names = [str(each) for (each,) in query(connection, sql, table) if f"{each} " in columns]
            kept[table] = names, query(connection, f"SELECT {', '.join(names)} FROM {table}")
        query(connection, "DROP DATABASE udup")
        query(connection, "CREATE DATABASE udup CHARACTER SET utf8mb4")
        for statement in EARLIER:
            query(connection, statement)
        for table, (names, rows) in kept.items():
            for row in rows:
                values = ", ".join(["%s"] * len(names))
                query(connection, f"INSERT INTO {table} ({', '.join(names)}) VALUES ({values})", *row)
        connection.commit()
        assert kept["udup.checkpoint"][1] and kept["udup.claim"][1]


def test_a_job_of_the_version_before_goes_on_without_a_copy_and_gets_tables(world: World, name: str) -> None:
    begin(world, name, "a", "b")
    world.on_target(f"INSERT INTO {name}.a VALUES (9000000, 1)")  # a copy would not leave that there
    put(world, f"/v1/job/{name}/pause")
    world.node.wait_stage(name, [Stage.PAUSED])
    world.on_source(f"INSERT INTO {name}.a (n) VALUES (-1)", f"UPDATE {name}.b SET n = n + 1 WHERE id < 10")
    _as_before(world)
    put(world, f"/v1/job/{name}/resume")
    world.runs(name)
    equal(world, name, "b")
    with closing(connect(world.target.endpoint)) as connection:
        assert query(connection, f"SELECT n FROM {name}.a WHERE id = 9000000 OR n < 0 ORDER BY n") == [(-1,), (1,)]
    world.on_target(f"DELETE FROM {name}.a WHERE id = 9000000")
    world.post(document(world, name, "a", "b", "c"))
    live(world, name)
    equal(world, name, *"abc")
