"""Jobs whose target has other columns than the source: maps, tables that are there already, wider types."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import httpx
import pytest

from tests.end_to_end.conftest import NUMBERS, World, wait_for
from udup.drivers.mysql.client.connection import connect, query
from udup.sandbox.api import Json
from udup.sandbox.server import MysqlServer


def rows(server: MysqlServer, sql: str) -> list[tuple[object, ...]]:
    with closing(connect(server.endpoint)) as connection:
        return query(connection, sql)


def document(world: World, job: str, tables: list[Json], dest: Json | None = None, **src: object) -> Json:
    return world.document(job, [], src={"ReplicateDoDb": [{"TableSchema": job, "Tables": tables}], **src}, dest=dest)


def start(world: World, job: str, tables: list[Json], dest: Json | None = None, **src: object) -> None:
    world.post(document(world, job, tables, dest, **src))
    world.runs(job)


def resume(world: World, job: str) -> None:
    httpx.put(f"{world.node.url}/v1/job/{job}/resume", timeout=30).raise_for_status()


def there(world: World, table: str) -> bool:
    sql = "SELECT CONCAT_WS('.', TABLE_SCHEMA, TABLE_NAME) FROM information_schema.TABLES"
    return (table,) in rows(world.target, sql)


def kill_in_the_copy(world: World, job: str, blocking: str, begin: Callable[[], None] = lambda: None) -> None:
    """Kill the node when rows are there and one is held back by somebody's row on the target, and start it again.

    `begin` is called when that row is there.
    """
    with closing(connect(world.target.endpoint)) as connection:
        connection.begin()
        query(connection, blocking)
        begin()
        wait_for(lambda: bool(world.node.job(job)["Progress"].get("copied_rows")), lambda: world.node.job(job))
        assert world.node.job(job)["Stage"] == "copying"
        world.node.kill()
    world.node.start()
    world.runs(job)


@pytest.fixture
def named_columns(world: World) -> Iterator[None]:
    world.on_source("SET GLOBAL binlog_row_metadata = 'FULL'")
    yield
    world.on_source("SET GLOBAL binlog_row_metadata = 'MINIMAL'")


PEOPLE = (
    "CREATE TABLE {}.people (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, secret VARBINARY(20), name VARCHAR(30),"
    " kind ENUM('a', 'b', 'c') DEFAULT 'b', born DATETIME(3), balance DECIMAL(12,4), tags SET('x', 'y', 'z'), doc JSON,"
    " full_name VARCHAR(80) AS (CONCAT(name, '!')), KEY of_secret (secret), KEY of_name (name),"
    " CONSTRAINT rich CHECK (balance > -1000), CONSTRAINT dark CHECK (secret <> 'no')) COMMENT 'a `secret`'"
)
MAP: Json = {
    "TableName": "people",
    "ColumnMapFrom": ["name", "id", "doc", "balance", "kind", "tags", "born"],
    "ColumnMapTo": ["label", "nr", "doc", "money", "Art", "tags", "birth"],
}
MAPPED = "SELECT name, id, doc, balance, kind, tags, born FROM {}.people ORDER BY id"


def fill(world: World, name: str, count: int) -> None:
    world.on_source(
        f"CREATE DATABASE {name}",
        f"USE {name}",
        "SET SESSION cte_max_recursion_depth = 100000",
        PEOPLE.format(name),
        f"INSERT INTO {name}.people (secret, name, born, balance, tags, doc) {NUMBERS.format(count)} SELECT"
        " UNHEX(SUBSTR(SHA2(n, 256), 1, 20)), CONCAT('näme ', n), '2001-02-03' + INTERVAL n SECOND, n / 7,"
        " n % 8, JSON_OBJECT('n', n) FROM n",
    )


@pytest.mark.usefixtures("named_columns")
@pytest.mark.parametrize("mode", ["events", "statements"])
def test_a_job_with_a_column_map_has_these_columns_under_their_new_names(world: World, name: str, mode: str) -> None:
    fill(world, name, 300)
    world.on_source(f"CREATE TRIGGER {name}.tr BEFORE INSERT ON {name}.people FOR EACH ROW SET NEW.secret = 'q'")
    start(world, name, [{**MAP, "TableRename": "persons"}], {"ApplyMode": mode}, ChunkSize=50)
    world.on_source(
        f"USE {name}",
        "UPDATE people SET secret = 'x' WHERE id < 100",
        "UPDATE people SET name = UPPER(name), secret = 'y', doc = JSON_SET(doc, '$.m', id) WHERE id % 3 = 0",
        "DELETE FROM people WHERE id % 11 = 0",
        "INSERT INTO people (secret, name) VALUES ('s', 'new'), (NULL, NULL)",
        "SET SESSION binlog_row_image = 'MINIMAL'",
        "UPDATE people SET secret = 'z' WHERE id % 5 = 0",
        "UPDATE people SET balance = balance + 1, secret = 'q' WHERE id % 7 = 0",
        "DELETE FROM people WHERE id % 13 = 0",
        "SET SESSION binlog_row_image = 'NOBLOB'",
        "UPDATE people SET name = 'n' WHERE id = 17",
        "SET SESSION binlog_row_image = 'FULL'",
        "CREATE TRIGGER later BEFORE DELETE ON people FOR EACH ROW SET @x = OLD.secret",
        "ALTER TABLE people ADD COLUMN extra INT DEFAULT 4 FIRST, DROP COLUMN full_name",
        "ALTER TABLE people MODIFY COLUMN secret VARBINARY(40) FIRST",
        "UPDATE people SET extra = id, name = CONCAT(name, '?') WHERE id % 2",
        "REPLACE INTO people (id, name) VALUES (2, 'two')",
    )
    world.level(name)
    here = rows(world.target, f"SELECT * FROM {name}.persons ORDER BY nr")
    assert here == rows(world.source, MAPPED.format(name)) != []
    (made,) = rows(world.target, f"SHOW CREATE TABLE {name}.persons")
    assert "`of_name` (`label`)" in str(made[1]) and "of_secret" not in str(made[1]) and "dark" not in str(made[1])
    assert "CONSTRAINT `rich` CHECK ((`money` >" in str(made[1]) and "a `secret`" in str(made[1])
    told = " ".join(world.node.job(name)["Progress"]["warnings"])
    assert [each in told for each in ("the index of_secret", "the constraint dark", "the trigger tr")] == [True] * 3
    assert not rows(world.target, f"SHOW TRIGGERS FROM {name}")
    world.on_source(f"ALTER TABLE {name}.people MODIFY name VARCHAR(40)")
    assert "udup job skip" in world.failure(name)
    world.on_target(f"ALTER TABLE {name}.persons MODIFY label VARCHAR(40)")


@pytest.mark.usefixtures("named_columns")
def test_a_where_and_a_map_go_together(world: World, name: str) -> None:
    fill(world, name, 60)
    start(world, name, [{"TableName": "people", "ColumnMapFrom": ["id", "name"], "Where": "balance < 5"}], ChunkSize=10)
    world.on_source(
        f"USE {name}",
        "UPDATE people SET balance = 9 WHERE id = 3",
        "UPDATE people SET balance = 1 WHERE id = 50",
        "UPDATE people SET name = 'x', secret = 'y' WHERE id IN (1, 55)",
    )
    world.level(name)
    wanted = rows(world.source, f"SELECT id, name FROM {name}.people WHERE balance < 5 ORDER BY id")
    assert rows(world.target, f"SELECT * FROM {name}.people ORDER BY id") == wanted != []


@pytest.mark.usefixtures("named_columns")
@pytest.mark.parametrize("mode", ["events", "statements"])
def test_a_map_survives_a_node_that_is_killed_in_the_copy_and_in_the_log(world: World, name: str, mode: str) -> None:
    fill(world, name, 5_000)
    world.post(document(world, name, [MAP], {"ApplyMode": mode}, ChunkSize=20))
    wait_for(lambda: there(world, f"{name}.people"), lambda: world.node.job(name))
    kill_in_the_copy(world, name, f"INSERT INTO {name}.people (nr) VALUES (5000)")
    for number in range(5):
        world.on_source(f"UPDATE {name}.people SET balance = {number}, secret = {number} WHERE id % 10 = {number}")
    world.node.kill()
    world.node.start()
    world.on_source(f"DELETE FROM {name}.people WHERE id % 10 = 9")
    world.runs(name)
    world.level(name)
    here = rows(world.target, f"SELECT * FROM {name}.people ORDER BY nr")
    assert here == rows(world.source, MAPPED.format(name))


def checks(world: World, made: Json) -> dict[str, str]:
    with httpx.Client(base_url=world.node.url, timeout=60, trust_env=False) as client:
        answer = client.post("/v1/validate/job", json=made).json()
    failed = [each for each in answer["Checks"] if each["Result"] == "fail"]
    return {
        name: " ".join(each["Found"] for each in failed if each["Check"] == name)
        for name in {each["Check"] for each in failed}
    }


@pytest.mark.usefixtures("named_columns")
def test_a_map_that_cannot_be_is_refused_before_the_start(world: World, name: str) -> None:
    world.on_source(
        f"CREATE DATABASE {name}",
        PEOPLE.format(name),
        f"CREATE TABLE {name}.child (id INT PRIMARY KEY, person INT UNSIGNED, CONSTRAINT par FOREIGN KEY (person)"
        f" REFERENCES {name}.people (id))",
    )
    for columns, names, reason in (
        (["id", "nmae"], [], "names nmae, and the table has no such column"),
        (["name"], [], "lacks id of the primary key"),
        (["id", "full_name"], [], "names full_name, which the source computes"),
        (["id"], ["nr"], "the foreign key par of"),
    ):
        entry: Json = {"TableName": "people", "ColumnMapFrom": columns, "ColumnMapTo": names}
        found = checks(world, document(world, name, [entry, {"TableName": "child"}]))
        assert reason in found["column_maps"], (columns, found)


EVENTS_NEED = "rows are carried between equal definitions only"


@pytest.mark.usefixtures("named_columns")
def test_a_copy_fills_tables_that_are_there(world: World, name: str) -> None:
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.a (id INT PRIMARY KEY, n VARCHAR(10), UNIQUE KEY (n))",
        f"INSERT INTO {name}.a VALUES (1, 'x'), (2, 'y')",
    )
    made = document(world, name, [{"TableName": "a"}], {"SkipCreateDbTable": True})
    assert "not on the target" in checks(world, made)["existing_tables"]
    world.on_target(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.a (id INT PRIMARY KEY, n VARCHAR(10), own INT DEFAULT 7, KEY of_own (own))"
        " COMMENT 'mine'",
        f"INSERT INTO {name}.a VALUES (5, 'old', 1)",
    )
    assert "hold rows" in checks(world, made)["existing_tables"]
    world.on_target(f"TRUNCATE TABLE {name}.a", f"ALTER TABLE {name}.a MODIFY n VARCHAR(11)")
    assert "column 2 (n)" in checks(world, made)["existing_tables"]
    world.post(made)
    assert "ApproveHeterogeneous" in world.failure(name)
    world.on_target(f"ALTER TABLE {name}.a MODIFY n VARCHAR(10)")
    resume(world, name)
    world.runs(name)
    world.on_source(f"INSERT INTO {name}.a VALUES (3, 'z')", f"UPDATE {name}.a SET n = 'w' WHERE id = 1")
    world.level(name)
    assert rows(world.target, f"SELECT * FROM {name}.a ORDER BY id") == [(1, "w", 7), (2, "y", 7), (3, "z", 7)]
    assert "mine" in str(rows(world.target, f"SHOW CREATE TABLE {name}.a"))


def test_what_would_make_tables_that_are_there_differ_is_refused_before_the_copy(world: World, name: str) -> None:
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.p (id INT PRIMARY KEY, n INT DEFAULT 1)",
        f"CREATE TABLE {name}.c (id INT PRIMARY KEY, p INT,"
        f" FOREIGN KEY (p) REFERENCES {name}.p (id) ON DELETE CASCADE)",
        f"INSERT INTO {name}.p (id) VALUES (1), (2)",
        f"INSERT INTO {name}.c VALUES (10, 1)",
    )
    world.on_target(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.p (id INT PRIMARY KEY, n INT DEFAULT 5) ENGINE=BLACKHOLE",
        f"CREATE TABLE {name}.c (id INT PRIMARY KEY, p INT, own INT)",
    )
    made = document(world, name, [{"TableName": "p"}, {"TableName": "c"}], {"SkipCreateDbTable": True})
    found = checks(world, made)["existing_tables"]
    for part in ("column n has the default '5', and on the source '1'", "BLACKHOLE", "columns of its own (own)"):
        assert part in found, found
    world.on_target(
        f"USE {name}",
        "ALTER TABLE p ENGINE=InnoDB, ALTER COLUMN n SET DEFAULT 1",
        "ALTER TABLE c DROP COLUMN own",
        "CREATE TABLE mine (id INT PRIMARY KEY, p INT,"
        " CONSTRAINT k FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE)",
    )
    assert "the foreign key `k`" in checks(world, made)["existing_tables"]
    world.post(made)
    assert "DROP FOREIGN KEY `k`" in world.failure(name)
    world.on_target(
        f"USE {name}", "DROP TABLE mine", "ALTER TABLE c ADD FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE"
    )
    resume(world, name)
    world.runs(name)
    world.on_source(
        f"USE {name}",
        "SET SESSION binlog_row_image = 'MINIMAL'",
        "INSERT INTO p (id) VALUES (3)",
        "DELETE FROM p WHERE id = 1",
    )
    world.level(name)
    assert rows(world.target, f"SELECT * FROM {name}.p ORDER BY id") == [(2, 1), (3, 1)]
    assert rows(world.target, f"SELECT COUNT(*) FROM {name}.c") == [(0,)]


def test_a_filled_table_is_emptied_when_its_copy_begins_again(world: World, name: str) -> None:
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.a (id INT PRIMARY KEY, n INT)",
        f"USE {name}",
        "SET SESSION cte_max_recursion_depth = 100000",
        f"INSERT INTO {name}.a {NUMBERS.format(20_000)} SELECT n, n FROM n",
    )
    world.on_target(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.a (id INT PRIMARY KEY, n INT, KEY (n))")
    made = document(world, name, [{"TableName": "a"}], {"SkipCreateDbTable": True}, ChunkSize=100)
    kill_in_the_copy(world, name, f"INSERT INTO {name}.a VALUES (20000, 0)", lambda: world.post(made))
    assert rows(world.target, f"SELECT COUNT(*), SUM(n) FROM {name}.a") == rows(
        world.source, f"SELECT COUNT(*), SUM(n) FROM {name}.a"
    )
    assert rows(world.target, f"SHOW INDEX FROM {name}.a WHERE Key_name = 'n'")


NARROW = (
    "CREATE TABLE {}.t (id INT PRIMARY KEY, i SMALLINT UNSIGNED, v VARCHAR(20) CHARACTER SET latin1, d DECIMAL(8,2),"
    " at DATETIME, e ENUM('a', 'b'), f FLOAT, b VARBINARY(5), x TEXT, w DATE, j JSON)"
)
WIDE = (
    "CREATE TABLE {}.t (w DATETIME(2), x LONGTEXT, b BLOB, f DOUBLE, e ENUM('a', 'b', 'c') NOT NULL, at DATETIME(6),"
    " d DECIMAL(20,4), v VARCHAR(50) CHARACTER SET utf8mb4, i BIGINT, own INT DEFAULT 7, j JSON, id BIGINT UNSIGNED"
    " PRIMARY KEY)"
)


@pytest.mark.usefixtures("named_columns")
def test_wider_types_take_every_value_in_copy_and_log(world: World, name: str) -> None:
    world.on_source(
        f"CREATE DATABASE {name}",
        NARROW.format(name),
        "SET SESSION sql_mode = ''",
        f"INSERT INTO {name}.t VALUES (1, 65535, 'é€ü', 1.25, '2020-01-02 03:04:05', 'b', 0.1, x'00ff27', 'x''\\n',"
        """ '2020-02-03', '{"a": 1}'), (2, 0, NULL, NULL, NULL, 'a', NULL, NULL, NULL, NULL, CAST(NOW() AS JSON))""",
    )
    world.on_target(f"CREATE DATABASE {name}", WIDE.format(name))
    start(world, name, [{"TableName": "t"}], {"SkipCreateDbTable": True, "ApproveHeterogeneous": True})
    world.on_source(
        f"USE {name}",
        "INSERT INTO t SELECT id + 10, i, CONCAT(v, 'ß'), d, at, e, f, b, x, w, j FROM t",
        "UPDATE t SET i = i - 1, v = 'ÿ', at = NOW() WHERE id = 11 OR i = 0 AND id = 99",
        "UPDATE t SET id = 77 WHERE id = 2",
        "DELETE FROM t WHERE id = 12",
    )
    world.level(name)
    shown = (
        "SELECT id, i, HEX(CONVERT(v USING utf8mb4)), d + 0.0000, CAST(at AS DATETIME(6)), e + 0, f * 1e0, b, x,"
        " CAST(w AS DATETIME), j FROM {}.t ORDER BY id"
    )
    there = [tuple(map(str, row)) for row in rows(world.source, shown.format(name))]
    here = [tuple(map(str, row)) for row in rows(world.target, shown.format(name))]
    assert here == there and len(here) == 3
    world.on_source(f"UPDATE {name}.t SET e = NULL WHERE id = 11")
    reason = world.failure(name)
    assert f"table {name}.t, the row id = 11: e is NULL" in reason and "NOT NULL" in reason, reason


@pytest.mark.usefixtures("named_columns")
def test_rows_are_found_by_keys_of_other_types_and_without_any(world: World, name: str) -> None:
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.k (code VARCHAR(9) CHARACTER SET latin1 PRIMARY KEY, n INT)",
        f"CREATE TABLE {name}.bare (a VARCHAR(5) CHARACTER SET latin1, b DECIMAL(5,2), left_out INT)",
        f"INSERT INTO {name}.k VALUES ('é', 1), ('x', 2), ('ü ', 3)",
        f"INSERT INTO {name}.bare VALUES ('é', 1.5, 1), ('é', 1.5, 2), (NULL, NULL, 3)",
    )
    world.on_target(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.k (n BIGINT, code VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY)",
        f"CREATE TABLE {name}.bare (b DECIMAL(9,4), x TEXT CHARACTER SET utf8mb4)",
    )
    mapped: Json = {"TableName": "bare", "ColumnMapFrom": ["a", "b"], "ColumnMapTo": ["x", "b"]}
    start(world, name, [{"TableName": "k"}, mapped], {"SkipCreateDbTable": True, "ApproveHeterogeneous": True})
    world.on_source(
        f"USE {name}",
        "UPDATE k SET n = 11 WHERE code = 'é'",
        "UPDATE k SET code = 'ß' WHERE n = 3",
        "DELETE FROM k WHERE n = 2",
        "DELETE FROM bare WHERE left_out = 2",
        "UPDATE bare SET a = 'ö', b = 2 WHERE left_out = 3",
        "UPDATE bare SET left_out = 9",
    )
    world.level(name)
    assert rows(world.target, f"SELECT code, n FROM {name}.k ORDER BY n") == [("ß", 3), ("é", 11)]
    assert [(x, float(b)) for x, b in rows(world.target, f"SELECT x, b FROM {name}.bare ORDER BY b")] == [  # type: ignore[arg-type]
        ("é", 1.5),
        ("ö", 2.0),
    ]


@pytest.mark.usefixtures("named_columns")
@pytest.mark.parametrize(
    ("source", "target", "fits", "does_not"),
    [
        ("DECIMAL(10,4)", "DECIMAL(6,2)", "'1234.5600'", "1.005"),
        ("VARCHAR(20)", "VARCHAR(20) CHARACTER SET latin1", "'ä€'", "'ł'"),
        ("VARCHAR(20) CHARACTER SET utf8mb3", "VARCHAR(20) CHARACTER SET latin1", "'ä€'", "'ł'"),
        ("VARCHAR(20)", "VARCHAR(20) CHARACTER SET utf8mb3", "'ł'", "_utf8mb4 x'f09f9880'"),
        ("VARCHAR(20) CHARACTER SET utf8mb3", "VARCHAR(3) CHARACTER SET utf8mb4", "'łł'", "'łłłł'"),
        ("DATETIME(6)", "DATETIME(1)", "'2020-01-01 00:00:00.5'", "'2020-01-01 00:00:00.51'"),
    ],
)
def test_a_value_that_does_not_fit_stops_the_job_in_copy_and_log(
    world: World, name: str, source: str, target: str, fits: str, does_not: str
) -> None:
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT PRIMARY KEY, v {source})",
        f"INSERT INTO {name}.t VALUES (1, {fits}), (2, {does_not})",
    )
    world.on_target(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (id INT PRIMARY KEY, v {target})")
    world.post(document(world, name, [{"TableName": "t"}], {"SkipCreateDbTable": True, "ApproveHeterogeneous": True}))
    reason = world.failure(name)
    assert f"table {name}.t, the row id = 2: v is" in reason and "no value of" in reason, reason
    world.on_source(f"UPDATE {name}.t SET v = {fits} WHERE id = 2")
    resume(world, name)
    world.runs(name)
    world.on_source(f"INSERT INTO {name}.t VALUES (3, {fits})", f"UPDATE {name}.t SET v = {does_not} WHERE id = 1")
    reason = world.failure(name)
    gtid = rows(world.source, "SELECT @@server_uuid")[0][0]
    assert f"table {name}.t, the row id = 1: v is" in reason and str(gtid) in reason, reason
    world.on_target(f"ALTER TABLE {name}.t MODIFY v {source}")
    resume(world, name)
    world.runs(name)
    world.level(name)
    same = f"SELECT id, v FROM {name}.t ORDER BY id"
    assert rows(world.target, same) == rows(world.source, same)
