"""A database is moved from one family to the other by a cut-over, and a way back is kept open."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from tests.end_to_end.conftest import World, forget_settings_of_the_command_line, run, value, wait_for
from tests.recipes import sections
from udup.cli import cli
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


GUIDE = Path(__file__).parents[2] / "docs" / "servers.md"

_BLOCK = re.compile(r"^```(sh|sql \w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

#: Columns that the two families have otherwise, by the family of the old server, and values of another row.
_COLUMNS = {
    "MariaDB": ("doc JSON, u UUID, i INET6 DEFAULT '::1', v INET4", "'[1]', UUID(), '::2', '10.0.0.1'"),
    "10.5": ("doc JSON, u BINARY(16), i INET6 DEFAULT '::1', v INT", "'[1]', REPEAT('u', 16), '::2', 4"),
    "MySQL": ("doc JSON, u BINARY(16), v VECTOR(2)", "'[1]', UUID_TO_BIN(UUID()), STRING_TO_VECTOR('[1,2]')"),
}


def _recipe() -> tuple[dict[str, list[str]], list[tuple[str, str]]]:
    """Return the statements of each family's account, and the steps in their order."""
    accounts: dict[str, list[str]] = {}
    steps: list[tuple[str, str]] = []
    for where, block in _BLOCK.findall(sections(GUIDE)["Moving between the two"]):
        lines = [line.removesuffix(";") for line in block.splitlines()]
        if where in ("sql mysql", "sql mariadb"):
            accounts[where.split()[1]] = lines
        else:
            steps += [(where, line) for line in lines]
    return accounts, steps


@pytest.fixture(
    params=[
        ("MariaDB", "MySQL"),
        ("MySQL", "MariaDB"),
        pytest.param(("MariaDB", "MariaDB"), marks=pytest.mark.not_always),
    ],
    ids="-to-".join,
)
def move(request: pytest.FixtureRequest, world: Families) -> Families:
    """An old server and a new one of these families."""
    old, new = request.param
    if old == new:
        return Families(world.target, request.getfixturevalue("mariadb_target"), world.node)
    return world if old == "MySQL" else Families(world.target, world.source, world.node)


@pytest.fixture
def guide(move: Families) -> Iterator[list[tuple[str, str]]]:
    """Both servers have the account that the guide gives them, and no schema of its name; numbers are strict."""
    statements, steps = _recipe()
    servers = (move.source, move.target)
    for server in servers:
        if server.kind == "MariaDB":
            run(server.endpoint, "SET GLOBAL gtid_strict_mode = ON")
        run(server.endpoint, "DROP DATABASE IF EXISTS shop", "DROP USER IF EXISTS 'udup'@'%'")
        run(server.endpoint, *statements[server.kind.lower()])
    yield steps
    for server in servers:
        endpoint = server.endpoint
        if server.kind == "MySQL":
            trusts = "log_bin_trust_function_creators"
            run(endpoint, "SET GLOBAL super_read_only = OFF", f"RESET PERSIST {trusts}", f"SET GLOBAL {trusts} = OFF")
        run(endpoint, "SET GLOBAL read_only = OFF", "DROP DATABASE IF EXISTS shop")
    for job in ("shop", "shop-back"):
        httpx.delete(f"{move.node.url}/v1/job/{job}?purge=true", timeout=30)
    for server in servers:
        run(server.endpoint, "DROP USER 'udup'@'%'", "DROP USER IF EXISTS 'app'@'%'")
        if server.kind == "MariaDB":
            run(server.endpoint, "SET GLOBAL gtid_strict_mode = OFF")


def test_the_guide_to_a_move_is_run_as_it_stands_there_and_back(
    move: Families, guide: list[tuple[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = move.source, move.target
    is_old = old.kind == "MariaDB" and old.programs.version < (10, 10, 0)
    columns, values = _COLUMNS["10.5" if is_old else old.kind]
    run(
        old.endpoint,
        "CREATE DATABASE shop",
        f"CREATE TABLE shop.t (id INT AUTO_INCREMENT PRIMARY KEY, {columns})",
        f"INSERT INTO shop.t VALUES (1, {values})",
        "CREATE VIEW shop.w AS SELECT id, doc FROM shop.t",
        "CREATE TRIGGER shop.g BEFORE INSERT ON shop.t FOR EACH ROW SET NEW.id = NEW.id",
        "CREATE EVENT shop.ticks ON SCHEDULE EVERY 1 HOUR DO DELETE FROM shop.t WHERE id < 0",
    )
    for server in (old, new):
        run(server.endpoint, "CREATE USER 'app'@'%' IDENTIFIED BY 'x'", "GRANT ALL ON shop.* TO 'app'@'%'")
    ends = [
        {"Host": server.endpoint.host, "Port": server.endpoint.port, "User": "udup", "Password": "a-password"}
        for server in (old, new)
    ]
    source = {"ReplicateDoDb": [{"TableSchema": "shop"}], "ConnectionConfig": ends[0]}
    tasks = [{"Type": "Src", "Config": source}, {"Type": "Dest", "Config": {"ConnectionConfig": ends[1]}}]
    document = {"ID": "shop", "Name": "shop", "Type": "synchronous", "Tasks": tasks}
    (tmp_path / "shop.json").write_text(json.dumps(document))
    monkeypatch.chdir(tmp_path)
    forget_settings_of_the_command_line(monkeypatch)
    environment = {"HOME": str(tmp_path), "UDUP_CONFIG": str(move.node.config)}
    for where, text in guide:
        if where != "sh":
            run(old.endpoint, text)
            continue
        result = CliRunner().invoke(cli, text.split()[1:], env=environment, prog_name="udup")
        assert result.exit_code == 0, f"{text} ended with {result.exit_code}:\n{result.output}"
        if "shop-back" in text and "wait" in text:
            _nobody_writes(old)
            run(new.endpoint, "ALTER TABLE shop.t ADD n INT DEFAULT 4")
            _write(new, "INSERT INTO shop.t (doc, u, v) SELECT '[2]', u, v FROM shop.t")
    _nobody_writes(new)
    _write(old, "UPDATE shop.t SET id = 3 WHERE id = 2")
    rows = "SELECT GROUP_CONCAT(id, doc, n ORDER BY id) FROM shop.t"
    assert value(old.endpoint, rows) == "1[1]4,3[2]4"
    sql = "SELECT COUNT(DISTINCT HEX(u)) + COUNT(DISTINCT HEX(v)) FROM shop.t"
    assert value(old.endpoint, sql) == 2, "what the other family has as bytes came back as it went"
    status = "SELECT STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'shop'"
    assert value(old.endpoint, status) == "ENABLED"


def _write(server: MysqlServer, statement: str) -> None:
    """Write as an application does."""
    run(replace(server.endpoint, user="app", password="x"), statement)


def _nobody_writes(server: MysqlServer) -> None:
    with pytest.raises(MySQLError, match="1290"):
        _write(server, "INSERT INTO shop.t (doc) VALUES (NULL)")
