"""Jobs that choose by patterns, leave out, rename and filter: full copy and log, from outside."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.end_to_end.conftest import World, run, value
from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import connect, query
from udup.sandbox.api import Json


def _rows(world: World, table: str, columns: str = "*") -> list[tuple[object, ...]]:
    with closing(connect(world.target.endpoint)) as connection:
        return query(connection, f"SELECT {columns} FROM {table} ORDER BY 1")


def _tables(world: World, schema: str) -> str:
    sql = "SELECT GROUP_CONCAT(TABLE_NAME ORDER BY 1) FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s"
    return str(value(world.target.endpoint, sql, schema))


def _drop(world: World, *schemas: str) -> None:
    for server in (world.source, world.target):
        run(server.endpoint, "SET foreign_key_checks = 0", *(f"DROP DATABASE IF EXISTS {each}" for each in schemas))


def _start(world: World, job: str, do: list[Json], **src: object) -> None:
    world.post(world.document(job, [], src={"ReplicateDoDb": do, **src}))
    world.runs(job)


def test_schemas_and_tables_arrive_under_their_new_names(world: World, name: str) -> None:
    shop, logs, new, kept = f"{name}_shop", f"{name}_log1", f"{name}_s2", f"{name}_log1_kept"
    _drop(world, shop, logs, new, kept, f"{name}_log2", f"{name}_log2_kept")
    world.on_source(
        f"CREATE DATABASE {shop} CHARACTER SET latin1",
        f"CREATE DATABASE {logs}",
        f"USE {shop}",
        "CREATE TABLE customer (id INT PRIMARY KEY, name VARCHAR(20), KEY (name))",
        "CREATE TABLE item (id INT PRIMARY KEY, c INT, FOREIGN KEY (c) REFERENCES customer (id) ON DELETE CASCADE)",
        f"CREATE TABLE {logs}.day_01 (id INT PRIMARY KEY, c INT, CONSTRAINT f FOREIGN KEY (c) REFERENCES customer (id))"
        .replace("REFERENCES customer", f"REFERENCES {shop}.customer"),
        f"CREATE TABLE {logs}.other (id INT PRIMARY KEY)",
        "CREATE VIEW both_of AS SELECT customer.name, item.id FROM customer JOIN item ON item.c = customer.id",
        "CREATE TRIGGER noted AFTER INSERT ON item FOR EACH ROW"
        " UPDATE customer SET name = CONCAT(name, '!') WHERE id = NEW.c",
        f"CREATE PROCEDURE add_item(n INT) INSERT INTO {shop}.item VALUES (n, 1)",
        f"CREATE EVENT ev ON SCHEDULE EVERY 1 DAY DO DELETE FROM {logs}.day_01",
        "INSERT INTO customer VALUES (1, 'Äpfel'), (2, 'b')",
        "INSERT INTO item VALUES (1, 1)",
        f"INSERT INTO {logs}.day_01 VALUES (1, 2)",
    )  # fmt: skip
    rules: list[Json] = [
        {"TableSchema": shop, "TableSchemaRename": new, "Tables": [{"TableName": "customer", "TableRename": "kunde"}]},
        {"TableSchema": shop, "TableSchemaRename": new},
        {"TableSchemaRegex": f"^({name}_log\\d)$", "TableSchemaRename": "${1}_kept",
         "Tables": [{"TableRegex": "^day_(\\d+)$", "TableRename": "d${1}"}]},
    ]  # fmt: skip
    try:
        _start(world, name, rules)
        assert set(world.node.job(name)["Progress"]["tables"]) == {f"{shop}.customer", f"{shop}.item", f"{logs}.day_01"}
        world.on_source(
            f"USE {shop}",
            "CALL add_item(2)",
            "ALTER TABLE item ADD COLUMN n INT DEFAULT 7, ADD CONSTRAINT g FOREIGN KEY (n) REFERENCES customer (id)"
            .replace("DEFAULT 7", "DEFAULT 1"),
            "INSERT INTO item VALUES (3, 2, 2)",
            "CREATE TABLE more LIKE customer",
            "INSERT INTO more SELECT * FROM customer",
            f"RENAME TABLE more TO {shop}.`more ``or`` less`",
            "CREATE TABLE made AS SELECT id, c FROM item",
            "DROP PROCEDURE add_item",
            "DROP EVENT ev",
            "DROP TRIGGER noted",
            f"CREATE OR REPLACE VIEW both_of AS SELECT COUNT(*) AS n FROM {shop}.customer AS c",
            f"CREATE TABLE {logs}.day_02 (id INT PRIMARY KEY)",
            f"INSERT INTO {logs}.day_02 VALUES (5)",
            f"CREATE DATABASE {name}_log2",
            f"CREATE TABLE {name}_log2.day_7 (id INT PRIMARY KEY)",
            f"INSERT INTO {name}_log2.day_7 VALUES (9)",
            f"DROP TABLE {logs}.other",
            f"ALTER DATABASE {shop} CHARACTER SET utf8mb4",
            f"DELETE FROM {shop}.item WHERE id = 1",
        )  # fmt: skip
        world.level(name)
        assert _tables(world, new) == "both_of,item,kunde,made,more `or` less"
        assert _tables(world, kept) == "d01,d02" and _rows(world, f"{kept}.d02") == [(5,)]
        assert _rows(world, f"{name}_log2_kept.d7") == [(9,)]
        assert _rows(world, f"{new}.item") == [(2, 1, 1), (3, 2, 2)]
        assert _rows(world, f"{new}.kunde") == [(1, "Äpfel!!"), (2, "b!")] == _rows(world, f"{new}.`more ``or`` less`")
        assert _rows(world, f"{new}.made") == [(1, 1), (2, 1), (3, 2)] and _rows(world, f"{new}.both_of") == [(2,)]
        parents = "SELECT GROUP_CONCAT(UNIQUE_CONSTRAINT_SCHEMA, '.', REFERENCED_TABLE_NAME ORDER BY TABLE_NAME, 1)"
        sql = f"{parents} FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA LIKE %s"
        assert value(world.target.endpoint, sql, f"{name}%") == ",".join([f"{new}.kunde"] * 3)
        old = "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME IN (%s, %s)"
        assert value(world.target.endpoint, old, shop, logs) == 0
    finally:
        _drop(world, shop, logs, new, kept, f"{name}_log2", f"{name}_log2_kept")


def test_what_is_ignored_stays_away_and_lists_are_carried_in_part(world: World, name: str) -> None:
    for table in ("a", "b", "log_1", "secret"):
        world.on_source(
            f"CREATE DATABASE IF NOT EXISTS {name}",
            f"CREATE TABLE {name}.{table} (id INT PRIMARY KEY)",
            f"INSERT INTO {name}.{table} VALUES (1)",
        )
    ignored = [{"TableSchema": name, "Tables": [{"TableName": "secret"}, {"TableRegex": "^log_"}]}]
    _start(world, name, [{"TableSchema": name}], ReplicateIgnoreDb=ignored)
    world.on_source(
        f"USE {name}",
        "CREATE PROCEDURE p() SELECT 1",
        "UPDATE a, secret SET a.id = 2, secret.id = 3",
        "UPDATE b, log_1 SET b.id = 5, log_1.id = 6",
        "CREATE TRIGGER ours BEFORE INSERT ON a FOR EACH ROW SET @a = 1",
        "CREATE TRIGGER others BEFORE INSERT ON log_1 FOR EACH ROW SET @a = 1",
        "DROP TRIGGER ours",
        "DROP TRIGGER others",
        "CREATE TABLE log_2 (id INT)",
        "INSERT INTO log_2 VALUES (1)",
        "CREATE TABLE c (id INT PRIMARY KEY)",
        "INSERT INTO c VALUES (1)",
        "RENAME TABLE log_1 TO log_3, a TO d, secret TO log_9",
        "DROP TABLE log_2, b, log_3",
    )
    world.level(name)
    assert _tables(world, name) == "c,d" and _rows(world, f"{name}.d") == [(2,)]
    triggers = "SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %s"
    assert value(world.target.endpoint, triggers, name) == 0
    routines = "SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = %s"
    assert value(world.target.endpoint, routines, name) == 1
    world.on_source(f"RENAME TABLE {name}.d TO {name}.log_d")
    assert f"takes {name}.d out of the job as {name}.log_d" in world.failure(name)
    assert _tables(world, name) == "c,d"


def test_a_table_that_a_rename_brings_into_the_job_stops_it(world: World, name: str) -> None:
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.keep_1 (id INT PRIMARY KEY)",
        f"CREATE TABLE {name}.other (id INT PRIMARY KEY)",
    )
    _start(world, name, [{"TableSchema": name, "Tables": [{"TableRegex": "^keep_"}]}])
    world.on_source(f"INSERT INTO {name}.keep_1 VALUES (1)")
    world.level(name)
    world.on_source(f"RENAME TABLE {name}.other TO {name}.keep_2")
    reason = world.failure(name)
    assert f"brings {name}.other, outside of the job, into it as {name}.keep_2" in reason and "another ID" in reason
    assert _rows(world, f"{name}.keep_1") == [(1,)]


def test_names_that_would_meet_and_a_changed_rename_are_refused(world: World, name: str) -> None:
    world.on_source(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t_v1 (id INT PRIMARY KEY)")
    rule: Json = {"TableSchema": name, "Tables": [{"TableRegex": "^(\\w+)_v\\d$", "TableRename": "${1}"}]}
    _start(world, name, [rule])
    world.on_source(
        f"CREATE TABLE IF NOT EXISTS {name}.t_v2 (id INT PRIMARY KEY)", f"INSERT INTO {name}.t_v2 VALUES (1)"
    )
    assert f"{name}.t_v1 and {name}.t_v2 would both be {name}.t on the target" in world.failure(name)
    assert _rows(world, f"{name}.t") == []
    other = f"{name}_o"
    world.post(world.document(other, [], src={"ReplicateDoDb": [rule]}))
    assert f"{name}.t_v1 and {name}.t_v2 would both be {name}.t on the target" in world.failure(other)
    with pytest.raises(UdupError, match="which stays in the job: what is on the target was made as the job has it now"):
        world.post(world.document(name, [], src={"ReplicateDoDb": [{"TableSchema": name}]}))


def test_kinds_of_changes_that_are_filtered_do_not_arrive(world: World, name: str) -> None:
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT PRIMARY KEY, a INT, KEY (a))",
        f"CREATE TABLE {name}.gone (id INT PRIMARY KEY)",
        f"CREATE TABLE {name}.log (id INT PRIMARY KEY)",
        f"CREATE TRIGGER {name}.deleted AFTER DELETE ON {name}.t FOR EACH ROW INSERT INTO {name}.log VALUES (OLD.id)",
        f"INSERT INTO {name}.t VALUES (1, 1), (2, 2), (3, 3)",
    )
    words = ["NoDMLDelete", "noddldroptable", "NoDDLTruncate", "NoDDLDropIndex", "NoDDLAlterTableAlterColumn"]
    _start(world, name, [{"TableSchema": name}], SqlFilter=words)
    world.on_source(
        f"USE {name}",
        "DELETE FROM t WHERE id = 1",
        "BEGIN", "INSERT INTO t VALUES (4, 4)", "DELETE FROM t WHERE id = 2", "UPDATE t SET a = 9 WHERE id = 3",
        "DELETE FROM t WHERE id = 4", "COMMIT",
        "DROP TABLE gone", "TRUNCATE log", "DROP INDEX a ON t", "ALTER TABLE t ALTER COLUMN a SET DEFAULT 5",
        "ALTER TABLE t ADD COLUMN b INT",
        "INSERT INTO t VALUES (5, 5, 5)",
    )  # fmt: skip
    world.level(name)
    assert _rows(world, f"{name}.t", "id, a") == [(1, 1), (2, 2), (3, 9), (4, 4), (5, 5)]
    assert _rows(world, f"{name}.log") == [(1,), (2,), (4,)] and _tables(world, name) == "gone,log,t"
    column = "FROM information_schema.COLUMNS WHERE COLUMN_NAME = 'a' AND TABLE_SCHEMA = %s"
    assert value(world.target.endpoint, f"SELECT COLUMN_KEY {column}", name) == "MUL"
    assert value(world.target.endpoint, f"SELECT COLUMN_DEFAULT {column}", name) is None
    assert any(
        "NoDDLAlterTableAlterColumn: the target differs" in each
        for each in world.node.job(name)["Progress"]["warnings"]
    )
    world.on_source(f"ALTER TABLE {name}.t ALTER COLUMN a DROP DEFAULT, ADD COLUMN c INT")
    assert "leaves ALTER COLUMN out of a statement that does ADD COLUMN as well" in world.failure(name)
    world.post(world.document(name, [name], src={"SqlFilter": [*words, "NoDDLAlterTable"]}))
    world.level(name)
    world.on_source(f"INSERT INTO {name}.t (id, a) VALUES (6, 6)")
    assert "4 columns on the source and 3 on the target" in world.failure(name)
