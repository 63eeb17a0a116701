"""MySQL 5.6 as a source: copied and followed to a server of today, killed in between, cut over; refused as a target."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.end_to_end.conftest import World, forget_settings_of_the_command_line, run, value
from tests.subscriptions.world import Subscribed, rebuilt
from udup.cli import cli
from udup.drivers.mysql.client.connection import connect, query
from udup.sandbox.node import UdupNode
from udup.sandbox.server import MysqlServer


def _rows(server: MysqlServer, schema: str) -> dict[str, list[Any]]:
    """Return every table's rows by its name, texts as bytes: in the order of their values."""
    with closing(connect(server.endpoint)) as connection:
        query(connection, "SET SESSION sql_mode = 'ALLOW_INVALID_DATES'")
        tables = query(connection, f"SHOW FULL TABLES FROM {schema} WHERE Table_type <> 'VIEW'")
        found = {}
        for table, _ in tables:
            columns = query(connection, f"SHOW COLUMNS FROM {schema}.{table}")
            shown = ", ".join(_shown(str(name), str(kind)) for name, kind, *_ in columns)
            found[str(table)] = sorted(query(connection, f"SELECT {shown} FROM {schema}.{table}"), key=repr)
        return found


def _shown(name: str, kind: str) -> str:
    return f"{name} * 1e0" if kind == "float" else f"HEX(CAST({name} AS BINARY))"


def _definitions(server: MysqlServer, schema: str) -> list[tuple[str, ...]]:
    """Return what decides values of each column, in the words of servers of today."""
    sql = (
        "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, COALESCE(COLLATION_NAME, ''), IS_NULLABLE,"
        " COALESCE(COLUMN_DEFAULT, 'NULL'), EXTRA, COLUMN_KEY, COLUMN_TYPE LIKE '%unsigned%'"
        f" FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = '{schema}' ORDER BY 1, ORDINAL_POSITION"
    )
    with closing(connect(server.endpoint)) as connection:
        return [tuple(map(_of_today, row)) for row in query(connection, sql)]


def _of_today(value: object) -> str:
    text = re.sub(r"^utf8_", "utf8mb3_", str(value)).replace("DEFAULT_GENERATED", "").strip()
    return text.lower() if text.lower().startswith("on update") else text


def _are_equal(world: World, schema: str) -> None:
    world.level(schema)
    assert _definitions(world.source, schema) == _definitions(world.target, schema)
    assert _rows(world.source, schema) == _rows(world.target, schema)


@pytest.fixture
def old(mysql56_source: MysqlServer, pair: tuple[MysqlServer, MysqlServer], node: UdupNode) -> Iterator[World]:
    world = World(mysql56_source, pair[1], node)
    yield world
    world.forget_all()


@pytest.fixture
def shop(old: World, name: str) -> Iterator[str]:
    old.on_source(
        f"CREATE DATABASE {name} DEFAULT CHARACTER SET utf8",
        f"USE {name}",
        f"CREATE TABLE {name}.a (id INT AUTO_INCREMENT PRIMARY KEY, t TEXT, n INT UNSIGNED, d DATETIME(3),"
        " ts TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, e ENUM('x','y') DEFAULT 'x',"
        " m DECIMAL(10,3), v VARCHAR(10) CHARACTER SET latin1, b BLOB, y YEAR, tm TIME(2), bt BIT(5), f FLOAT,"
        " w VARCHAR(20) CHARACTER SET utf8mb4, KEY (n))",
        f"CREATE TABLE {name}.zero (id INT PRIMARY KEY, z TIMESTAMP NOT NULL DEFAULT '0000-00-00 00:00:00',"
        " dd DATE NOT NULL DEFAULT '0000-00-00') DEFAULT CHARSET utf8mb4",
        f"CREATE TABLE {name}.p (id INT PRIMARY KEY, g GEOMETRY)",
        f"CREATE TABLE {name}.child (id INT PRIMARY KEY, a_id INT, FOREIGN KEY (a_id) REFERENCES a (id)"
        " ON DELETE CASCADE)",
        f"CREATE TABLE {name}.keyless (t VARCHAR(20), n INT)",
        f"INSERT INTO {name}.a (t,n,d,v,b,y,tm,bt,f,w) VALUES ('hé',4000000000,'2020-01-01 01:02:03.456','ä',x'00ff',"
        "1999,'01:02:03.44',b'10101',1.5,'\U0001f600'),(NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL)",
        f"INSERT INTO {name}.zero VALUES (1,0,'0000-00-00'),(2,'2020-01-01','2020-00-00')",
        f"INSERT INTO {name}.p VALUES (1,GeomFromText('POINT(1 2)'))",
        f"INSERT INTO {name}.child VALUES (1,1),(2,2)",
        f"INSERT INTO {name}.keyless VALUES ('a',1),('a',1),('b',2)",
        f"CREATE VIEW {name}.v AS SELECT id, t FROM {name}.a",
        f"CREATE FUNCTION {name}.f (a INT) RETURNS INT DETERMINISTIC RETURN a+1",
        "SET SESSION sql_mode = 'NO_AUTO_CREATE_USER,STRICT_TRANS_TABLES'",
        f"CREATE PROCEDURE {name}.pr () SELECT 1",
        f"CREATE TRIGGER {name}.tr BEFORE INSERT ON {name}.a FOR EACH ROW SET NEW.n = IFNULL(NEW.n, 7)",
    )
    yield name
    run(old.source.endpoint, f"DROP DATABASE IF EXISTS {name}")


@pytest.fixture
def udup(old: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    forget_settings_of_the_command_line(monkeypatch)
    environment = {"HOME": str(tmp_path), "UDUP_CONFIG": str(old.node.config)}

    def call(*words: str) -> Result:
        return CliRunner().invoke(cli, ["job", "cutover", *words], env=environment, prog_name="udup")

    return call


def test_it_is_copied_and_followed(old: World, shop: str) -> None:
    old.start(shop, [shop])
    _are_equal(old, shop)
    old.on_source(
        f"INSERT INTO {shop}.a (t, n, f) VALUES ('x', 1, 0.1), ('y', NULL, 3e38)",
        f"UPDATE {shop}.a SET w = 'ÿ', d = NULL WHERE id = 1",
        f"DELETE FROM {shop}.a WHERE id = 2",
        f"DELETE FROM {shop}.keyless WHERE t = 'a' LIMIT 1",
        "SET SESSION sql_mode = 'NO_AUTO_CREATE_USER,ORACLE'",
        f"CREATE TABLE {shop}.late (id INT PRIMARY KEY, ts TIMESTAMP, s VARCHAR(9) CHARACTER SET utf8mb4)",
        f"INSERT INTO {shop}.late (id, s) VALUES (1, 'a')",
        f"ALTER TABLE {shop}.late ADD COLUMN u TEXT CHARACTER SET utf8mb4, ADD COLUMN ts2 TIMESTAMP",
        f"UPDATE {shop}.late SET u = 'b'",
        f"CREATE TABLE {shop}.same LIKE {shop}.late",
        # Neither the key nor the condition is one there.
        f"CREATE TABLE {shop}.passed_over (id INT PRIMARY KEY, p INT REFERENCES a (id), CHECK (p < 5))",
        f"INSERT INTO {shop}.passed_over VALUES (1, 999)",
        f"RENAME TABLE {shop}.same TO {shop}.other",
        f"TRUNCATE {shop}.p",
    )
    _are_equal(old, shop)


def test_its_rows_go_by_statements_and_by_filters_too(old: World, shop: str) -> None:
    """Its log says no signs: they come from its dictionary."""
    src = {
        "ReplicateDoDb": [
            {
                "TableSchema": shop,
                "Tables": [{"TableName": "a", "Where": "n > 3000000000 OR n IS NULL"}, {"TableName": "zero"}],
            }
        ]
    }
    old.start(shop, [], src=src, dest={"ApplyMode": "statements"})
    old.on_source(
        f"INSERT INTO {shop}.a (t, n, f, w) VALUES ('kept', 4294967295, 0.1, '\U0001f600'), ('left out', 7, 1, 'x')",
        f"UPDATE {shop}.a SET n = 4000000001 WHERE n = 4000000000",
        f"INSERT INTO {shop}.zero VALUES (3, 0, '2020-00-00')",
    )
    old.level(shop)
    sql = f"SELECT GROUP_CONCAT(n ORDER BY n) FROM {shop}.a WHERE n > 3000000000"
    assert value(old.target.endpoint, sql) == "4000000001,4294967295" == value(old.source.endpoint, sql)
    assert value(old.target.endpoint, f"SELECT COUNT(*) FROM {shop}.a WHERE n < 3000000000") == 0
    assert _rows(old.source, shop)["zero"] == _rows(old.target, shop)["zero"]


def test_a_job_whose_processes_are_killed_loses_nothing(old: World, shop: str) -> None:
    old.start(shop, [shop], dest={"ParallelWorkers": 2})
    texts = ", ".join(f"('{'much ' * 2000}')" for _ in range(20))
    for number in range(4):
        old.on_source(
            *[f"INSERT INTO {shop}.keyless (t, n) VALUES ('{number}', {each})" for each in range(30)],
            *[f"INSERT INTO {shop}.a (t) VALUES {texts}"] * 10,
            f"UPDATE {shop}.a SET n = n + {number + 1} WHERE n < 100",
            f"DELETE FROM {shop}.keyless WHERE n = {number} LIMIT 1",
            f"ALTER TABLE {shop}.keyless ADD COLUMN c{number} TIMESTAMP",
        )
        _kill_one(old, shop)
    _are_equal(old, shop)


def _kill_one(world: World, job: str) -> None:
    """End a process of the job by force: its worker where it has one, else the reader of its log."""
    found = [actor for actor in world.node.api.actors() if actor["JobID"] == job]
    found.sort(key=lambda actor: str(actor["Role"]), reverse=True)
    for actor in found:
        with suppress(ProcessLookupError):
            os.kill(int(actor["Pid"]), signal.SIGKILL)
            return


def test_applications_move_to_the_new_server(old: World, shop: str, udup: Callable[..., Result]) -> None:
    """The old one cannot be closed for all: what writes there is stopped by hand; and there is no way back to it."""
    old.start(shop, [shop])
    told = udup(shop, "--source-read-only", "--reverse", "--dry-run").output
    assert "has no super_read_only" in told and "--writes-stopped" in told, told
    back = udup(shop, "--writes-stopped", "--reverse", "--dry-run").output
    assert "only MySQL 8.0.18 and newer is replicated to" in back, back
    old.on_source(f"INSERT INTO {shop}.a (t) VALUES ('last')")
    done = udup(shop, "--writes-stopped", "--yes")
    assert done.exit_code == 0, done.output
    assert old.node.job(shop)["Stage"] == "completed"
    assert _rows(old.source, shop) == _rows(old.target, shop)


def test_it_is_no_target(old: World, shop: str, mysql56_target: MysqlServer) -> None:
    document = old.document(shop, [shop])
    document["Tasks"][1]["Config"]["ConnectionConfig"].update(
        Host=mysql56_target.endpoint.host, Port=mysql56_target.endpoint.port, Password=mysql56_target.endpoint.password
    )
    answer = old.node.api._request("POST", "/v1/validate/job", json=document).json()
    failed = [check for check in answer["Checks"] if check["Result"] == "fail"]
    assert [(each["Task"], each["Check"]) for each in failed] == [("Dest", "version")], failed
    assert "REPLICATION_APPLIER" in failed[0]["Found"]


def test_its_changes_are_delivered_with_names_and_signs(old: World, name: str) -> None:
    """Its log has neither: they are those of its dictionary, in the snapshot and behind it."""
    world = Subscribed(old.source, old.node, name)
    world.on_source(
        f"CREATE DATABASE {name} DEFAULT CHARACTER SET utf8",
        f"CREATE TABLE {name}.t (id INT UNSIGNED PRIMARY KEY, v VARCHAR(9), e ENUM('x','y'), d DATETIME(3), b BLOB)",
        f"INSERT INTO {name}.t VALUES (4000000000, 'é', 'y', '2020-01-02 03:04:05.678', x'00ff')",
    )
    world.post()
    world.on_source(
        f"INSERT INTO {name}.t VALUES (4000000001, 'ü', 'x', NULL, NULL)",
        f"UPDATE {name}.t SET v = 'z' WHERE id = 4000000000",
        f"ALTER TABLE {name}.t ADD COLUMN later TINYINT UNSIGNED",
        f"INSERT INTO {name}.t VALUES (3, 'a', 'x', NULL, NULL, 200)",
    )
    world.level()
    rows = rebuilt(world.rows_of("t"))
    found = {row["id"]: (row["v"], row["e"], row["d"], row["b"], row.get("later")) for row in rows.values()}
    assert found == {
        4000000000: ("z", "y", 1577934245678, "AP8=", None),
        4000000001: ("ü", "x", None, None, None),
        3: ("a", "x", None, None, 200),
    }
    world.forget_all()
