"""Every kind of change arrives exactly: a whole-server job follows, and each test writes a schema of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.end_to_end.conftest import NUMBERS, World, run, value

JOB = "everything"


@pytest.fixture
def world(followed: World) -> Iterator[World]:
    """The job as it runs; if a test has broken it, the next one gets a new one."""
    if followed.node.job(JOB)["Stage"] == "failed":
        followed.forget(JOB)
        followed.on_target(f"DELETE FROM udup.checkpoint WHERE job = '{JOB}'")
        followed.start(JOB, [], gtid=followed.executed())
    yield followed


@pytest.fixture
def schema(world: World, name: str) -> str:
    world.on_source(f"CREATE DATABASE {name}")
    return name


WIDE = (
    "id INT PRIMARY KEY AUTO_INCREMENT, a VARCHAR(40), b LONGTEXT, c LONGBLOB, d JSON, e DECIMAL(20, 6), f DOUBLE,"
    " g DATETIME(6), h ENUM('x', 'ü', 'z'), i BIT(20), u BIGINT UNSIGNED UNIQUE, v VARCHAR(10) GENERATED ALWAYS AS"
    " (LEFT(a, 10)) STORED"
)
WRITES = (
    "INSERT INTO t (a, b, c, d, e, f, g, h, i, u) VALUES ('Äpfel 😀', REPEAT('long ', 2000), REPEAT(0x00FF27, 999),"
    " '{\"a\": [1, 2, {\"b\": null}], \"s\": \"text\"}', -1.5, 1e300, '2024-02-29 12:00:00.123456', 'ü', b'101', 1),"
    " (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 18446744073709551615)",
    "UPDATE t SET e = 7 WHERE id = 1",
    "UPDATE t SET b = CONCAT(b, 'x'), h = 'z' WHERE id = 1",
    "UPDATE t SET d = JSON_SET(d, '$.a[2].b', 'new', '$.more', TRUE) WHERE id = 1",
    "UPDATE t SET d = JSON_REMOVE(JSON_REPLACE(d, '$.s', REPEAT('y', 300)), '$.a[0]'), a = 'both' WHERE id = 1",
    "UPDATE t SET d = JSON_SET(d, '$.s', 'y') WHERE id = 1",
    "UPDATE t SET a = NULL, b = NULL, d = NULL WHERE id = 1",
    "INSERT INTO nokey VALUES (1, 'a'), (1, 'a'), (2, NULL)",
    "UPDATE nokey SET b = 'c' WHERE a = 1 LIMIT 1",
    "DELETE FROM nokey WHERE a = 2",
    "REPLACE INTO t (id, u) VALUES (5, 18446744073709551615)",
    "INSERT INTO t (id, u) VALUES (5, 9) ON DUPLICATE KEY UPDATE a = 'again'",
    "DELETE FROM t WHERE id = 1",
)


@pytest.mark.parametrize(
    "session",
    [
        "binlog_row_image = 'FULL'",
        "binlog_row_image = 'MINIMAL'",
        "binlog_row_image = 'NOBLOB'",
        "binlog_row_value_options = 'PARTIAL_JSON'",
        "binlog_row_value_options = 'PARTIAL_JSON', binlog_row_image = 'MINIMAL'",
        "binlog_transaction_compression = ON",
        "binlog_transaction_compression = ON, binlog_row_image = 'MINIMAL', binlog_row_value_options = 'PARTIAL_JSON'",
        "binlog_rows_query_log_events = ON",
        "gtid_next = 'AUTOMATIC:some_tag'",
    ],
)
def test_rows_arrive_however_the_source_logs_them(world: World, schema: str, session: str) -> None:
    world.on_source(
        f"USE {schema}",
        f"CREATE TABLE t ({WIDE})",
        "CREATE TABLE nokey (a INT, b VARCHAR(10))",
        *(f"SET SESSION {each}" for each in session.split(", ")),
        *WRITES,
    )
    world.level_and_equal(JOB, schema)
    assert value(world.target.endpoint, f"SELECT COUNT(*) FROM {schema}.nokey") == 2


def test_a_savepoint_that_is_rolled_back_to_leaves_nothing(world: World, schema: str) -> None:
    world.on_source(
        f"USE {schema}",
        "CREATE TABLE t (id INT PRIMARY KEY)",
        *("BEGIN", "INSERT INTO t VALUES (1)", "SAVEPOINT a", "INSERT INTO t VALUES (2)", "SAVEPOINT b"),
        *("INSERT INTO t VALUES (3)", "ROLLBACK TO a", "INSERT INTO t VALUES (4)", "RELEASE SAVEPOINT a", "COMMIT"),
        *("BEGIN", "INSERT INTO t VALUES (9)", "ROLLBACK"),
    )
    world.level_and_equal(JOB, schema)
    assert value(world.target.endpoint, f"SELECT GROUP_CONCAT(id ORDER BY id) FROM {schema}.t") == "1,4"


def test_cascades_and_triggers_of_the_source_are_applied_once(world: World, schema: str) -> None:
    world.on_source(
        f"USE {schema}",
        "CREATE TABLE parent (id INT PRIMARY KEY)",
        "CREATE TABLE child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parent (id)"
        " ON DELETE CASCADE ON UPDATE CASCADE)",
        "CREATE TABLE loose (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parent (id) ON DELETE SET NULL)",
        "CREATE TABLE log (at INT, what VARCHAR(20))",
        "CREATE TRIGGER noted AFTER INSERT ON child FOR EACH ROW INSERT INTO log VALUES (NEW.id, 'made')",
        "INSERT INTO parent VALUES (1), (2), (3)",
        "INSERT INTO child VALUES (10, 1), (11, 1), (20, 2), (30, 3)",
        "INSERT INTO loose VALUES (10, 1), (20, 2)",
        "UPDATE parent SET id = 7 WHERE id = 3",
        "DELETE FROM parent WHERE id = 1",
        "SET foreign_key_checks = 0",
        "INSERT INTO child VALUES (99, 999)",
    )
    world.level_and_equal(JOB, schema)
    assert value(world.target.endpoint, f"SELECT COUNT(*) FROM {schema}.log") == 5


def test_a_unique_key_goes_from_row_to_row_within_and_between_transactions(world: World, schema: str) -> None:
    hand_over = [
        statement
        for turn in range(60)
        for statement in (
            f"DELETE FROM t WHERE code = 'only' AND id = {turn}",
            f"INSERT INTO t VALUES ({turn + 1}, 'only')",
            "BEGIN",
            f"UPDATE t SET code = NULL WHERE id = {turn + 1}",
            f"UPDATE t SET code = 'only' WHERE id = 0 OR id = {turn + 1} LIMIT 1",
            "COMMIT",
            "DELETE FROM t WHERE id = 0",
        )
    ]
    world.on_source(f"USE {schema}", "CREATE TABLE t (id INT PRIMARY KEY, code VARCHAR(10) UNIQUE)", *hand_over)
    world.level_and_equal(JOB, schema)


def test_definitions_run_between_the_rows_that_they_are_about(world: World, schema: str) -> None:
    world.on_source(
        f"USE {schema}",
        "CREATE TABLE a (id INT PRIMARY KEY, n INT)",
        "INSERT INTO a VALUES (1, 1), (2, 2)",
        "CREATE TABLE b AS SELECT id, n * 2 AS twice FROM a",
        "INSERT INTO b VALUES (3, 6)",
        "ALTER TABLE a ADD COLUMN s VARCHAR(10) NOT NULL DEFAULT 'd' AFTER id, ADD INDEX (n)",
        "INSERT INTO a VALUES (3, 'x', 3)",
        "ALTER TABLE a MODIFY n BIGINT UNSIGNED, ALGORITHM = COPY",
        "UPDATE a SET n = 18446744073709551615 WHERE id = 3",
        "RENAME TABLE a TO c, b TO a",
        "INSERT INTO c VALUES (4, 'y', 4)",
        "TRUNCATE a",
        "INSERT INTO a VALUES (9, 9)",
        "CREATE TABLE gone (id INT)",
        "INSERT INTO gone VALUES (1)",
        "DROP TABLE gone",
        "CREATE TABLE gone (id INT PRIMARY KEY, other VARCHAR(9))",
        "INSERT INTO gone VALUES (1, 'anew')",
        "CREATE VIEW v AS SELECT s, n FROM c",
        "CREATE PROCEDURE p() INSERT INTO gone VALUES (2, 'called')",
        "CALL p()",
        "CREATE TABLE empty_copy AS SELECT * FROM c WHERE FALSE",
        "CREATE TABLE alike LIKE c",
        "INSERT INTO alike SELECT * FROM c",
        "ALTER TABLE c DROP COLUMN s",
        "DELETE FROM c WHERE id = 1",
    )
    world.level_and_equal(JOB, schema)


def test_schemas_come_and_go_with_the_whole_server(world: World, schema: str) -> None:
    world.on_source(
        f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)",
        f"DROP DATABASE {schema}",
        f"CREATE DATABASE {schema} CHARACTER SET latin1",
        f"ALTER DATABASE {schema} COLLATE latin1_german1_ci",
        f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, a VARCHAR(10))",
        f"INSERT INTO {schema}.t VALUES (1, 'ü')",
    )
    world.level_and_equal(JOB, schema)


def test_statements_over_several_tables_keep_every_row(world: World, schema: str) -> None:
    world.on_source(
        f"USE {schema}",
        "CREATE TABLE a (id INT PRIMARY KEY, n INT)",
        "CREATE TABLE b (id INT PRIMARY KEY, n INT)",
        "INSERT INTO a VALUES (1, 1), (2, 2)",
        "INSERT INTO b VALUES (1, 1), (2, 2)",
        "UPDATE a, b SET a.n = a.n + 1, b.n = b.n + 1 WHERE a.id = b.id",
        "UPDATE a, b SET a.n = a.n, b.n = 77 WHERE a.id = b.id",  # a has its TABLE_MAP and no rows
        "INSERT INTO a VALUES (3, 3)",
        "DELETE a, b FROM a JOIN b USING (id) WHERE id = 1",
    )
    world.level_and_equal(JOB, schema)


def test_the_log_may_rotate_and_change_its_checksums_under_load(world: World, schema: str) -> None:
    insert = f"INSERT INTO {schema}.t (a) {NUMBERS.format(20)} SELECT n FROM n"
    world.on_source(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY AUTO_INCREMENT, a INT)")
    for turn in range(6):
        world.on_source(insert, "FLUSH BINARY LOGS", f"UPDATE {schema}.t SET a = a + {turn} WHERE id % 3 = 0")
        algorithm = "NONE" if turn % 2 == 0 else "CRC32"
        world.on_source(f"SET GLOBAL binlog_checksum = {algorithm}", insert, f"DELETE FROM {schema}.t WHERE id % 7 = 0")
        if turn % 2 == 0:
            world.on_source(f"ALTER TABLE {schema}.t ADD COLUMN c{turn} INT", f"UPDATE {schema}.t SET c{turn} = id")
        world.on_source(f"CREATE TABLE {schema}.s{turn} AS SELECT * FROM {schema}.t")
    world.level_and_equal(JOB, schema)


def test_one_transaction_larger_than_the_window_arrives_whole(world: World, schema: str) -> None:
    world.on_source(
        f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, a CHAR(250) CHARACTER SET latin1, b CHAR(250))",
        "SET cte_max_recursion_depth = 100000",
        f"INSERT INTO {schema}.t {NUMBERS.format(100_000)} SELECT n, REPEAT('a', 250), REPEAT(n % 10, 250) FROM n",
        "SET binlog_transaction_compression = ON",
        f"UPDATE {schema}.t SET a = 'now small' WHERE id > 80000",
        f"DELETE FROM {schema}.t WHERE id > 90000",
    )
    world.level_and_equal(JOB, schema)
    assert value(world.target.endpoint, f"SELECT COUNT(*) FROM {schema}.t") == 90_000


def test_rows_of_many_megabytes_arrive(world: World, schema: str) -> None:
    world.on_source(
        "SET GLOBAL max_allowed_packet = 67108864",
        f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, a LONGBLOB)",
    )
    with_room = [f"INSERT INTO {schema}.t VALUES (1, REPEAT('a', 20000000)), (2, REPEAT('b', 3000000)), (3, 'c')"]
    world.on_source(*with_room, f"UPDATE {schema}.t SET a = CONCAT(a, 'end') WHERE id = 2")
    world.level(JOB)
    world.assert_equal(schema)


def test_the_systems_own_schemas_and_accounts_stay_as_they_are(world: World, schema: str) -> None:
    account = f"'{schema}'@'%'"
    world.on_source(
        f"CREATE USER {account} IDENTIFIED BY 'secret'",
        f"GRANT SELECT ON {schema}.* TO {account}",
        f"CREATE TEMPORARY TABLE {schema}.temporary (id INT)",
        f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)",
        f"INSERT INTO {schema}.t VALUES (1)",
        f"ANALYZE TABLE {schema}.t",
        f"DROP USER {account}",
    )
    world.level_and_equal(JOB, schema)
    assert value(world.target.endpoint, "SELECT COUNT(*) FROM mysql.user WHERE user = %s", schema) == 0


def test_nothing_was_retried_or_taken_one_by_one(world: World) -> None:
    """Runs last in this file: what is above passed without a conflict in between."""
    progress = world.node.job(JOB)["Progress"]
    assert progress["restarts"] == 0, progress["restart_history"]
    run(world.target.endpoint, "SELECT 1")
