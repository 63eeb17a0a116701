"""A job between the families is compared: no false alarm, and what was changed of rows and definitions is found."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest

from tests.end_to_end.conftest import World, run, wait_for
from udup.drivers.mysql.client.connection import connect
from udup.drivers.mysql.client.log_state import read_executed
from udup.sandbox.node import UdupNode
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.server import MysqlServer

#: Columns of both families, each with a value and another one.
_COMMON = [
    *(("TINYINT", "-7", "7"), ("SMALLINT UNSIGNED", "65535", "1"), ("MEDIUMINT", "-8388608", "0")),
    *(("INT(9) ZEROFILL", "42", "43"), ("BIGINT UNSIGNED", "18446744073709551615", "1")),
    *(("DECIMAL(30,10)", "1.0000000001", "2"), ("FLOAT", "0.1", "0.2"), ("DOUBLE", "1e-300", "1e-301")),
    *(("BIT(9)", "b'101'", "b'111'"), ("DATE", "'2026-02-28'", "'2026-02-27'"), ("YEAR", "2024", "2025")),
    *(("DATETIME(6)", "'2026-01-01 00:00:00.000001'", "'2026-01-01 00:00:00'"), ("TIME(3)", "'-12:00:00.5'", "0")),
    *(("TIMESTAMP(3) NULL", "'2026-01-01 00:00:00.001'", "NULL"), ("CHAR(9)", "'ä '", "'ä'")),
    *(("VARCHAR(20) DEFAULT 'it''s'", "'x '", "'x'"), ("VARCHAR(20) COLLATE utf8mb4_bin", "''", "NULL")),
    *(("VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci NOT NULL", "'é'", "'e'"), ("TEXT", "'a'", "'b'")),
    *(("BINARY(4)", "x'0102'", "x'01'"), ("VARBINARY(9) DEFAULT x'00FF'", "x'00'", "x'0000'"), ("BLOB", "x'00'", "''")),
    *(("ENUM('a','b','it''s')", "'a'", "'b'"), ("SET('a','b')", "'a,b'", "''"), ("JSON", "'[1, 2.5]'", "'[1]'")),
    *(("GEOMETRY", "POINT(1, 2)", "POINT(2, 1)"), ("INT COMMENT 'it''s \"one\"'", "1", "NULL")),
    ("TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP", "'2026-01-01'", "'2026-01-02'"),
]

#: Of one family alone.
_OWN = {
    "MySQL": [("VECTOR(2)", "STRING_TO_VECTOR('[1,2]')", "STRING_TO_VECTOR('[2,1]')")],
    "MariaDB": [
        *(("UUID", "'00000000-0000-0000-0000-000000000001'", "UUID()"), ("INET6 DEFAULT '::1'", "'::2'", "'::3'")),
        *(("INET4", "'10.0.0.1'", "'10.0.0.2'"), ("VECTOR(2)", "VEC_FromText('[1,2]')", "VEC_FromText('[2,1]')")),
    ],
}


@dataclass
class Families(World):
    """Whose source is asked in its own words for what it has executed."""

    def executed(self) -> str:
        with closing(connect(self.source.endpoint)) as connection:
            return read_executed(connection)


@pytest.fixture(params=["MySQL", "MariaDB"])
def world(
    request: pytest.FixtureRequest,
    mariadb_programs: MysqlPrograms,
    mariadb_source: MysqlServer,
    pair: tuple[MysqlServer, MysqlServer],
    node: UdupNode,
    name: str,
) -> Iterator[Families]:
    """The source is of the family that is named."""
    servers = (pair[0], mariadb_source) if request.param == "MySQL" else (mariadb_source, pair[1])
    world = Families(*servers, node)
    yield world
    world.forget_all()
    for server in servers:
        run(server.endpoint, f"DROP DATABASE IF EXISTS {name}")


def _udup(world: World, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "udup", "job", *args, "--address", world.node.url]
    return subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)


def test_a_job_between_the_families_is_compared_and_repaired(
    world: Families, name: str, request: pytest.FixtureRequest
) -> None:
    family = request.node.callspec.params["world"]
    columns = _COMMON + _OWN[family]
    defined = ", ".join(f"c{number} {kind}" for number, (kind, _, _) in enumerate(columns))
    one, other = (", ".join(column[at] for column in columns) for at in (1, 2))
    own = f"CREATE INDEX e ON {name}.many ((c0 + 1))" if family == "MySQL" else f"CREATE SEQUENCE {name}.s"
    world.on_source(
        f"CREATE DATABASE {name} CHARACTER SET utf8mb4",
        f"CREATE TABLE {name}.many (id INT AUTO_INCREMENT PRIMARY KEY, {defined}, g INT AS (c0 + 1) STORED,"
        " v INT AS (c0 * 2) VIRTUAL, KEY some (c3, c15(3)), UNIQUE KEY once (c4, id), FULLTEXT KEY words (c18),"
        " CHECK (c0 < 100)) COMMENT 'it''s all'",
        f"CREATE TABLE {name}.children (id INT PRIMARY KEY, p INT, CONSTRAINT of_many FOREIGN KEY (p)"
        f" REFERENCES {name}.many (id) ON DELETE CASCADE) CHARACTER SET latin1",
        f"CREATE TABLE {name}.parts (id INT, d DATE, KEY (id)) PARTITION BY RANGE (YEAR(d))"
        " (PARTITION p0 VALUES LESS THAN (2000), PARTITION p1 VALUES LESS THAN MAXVALUE)",
        f"CREATE VIEW {name}.w AS SELECT id, c0 FROM {name}.many",
        f"CREATE PROCEDURE {name}.p(a INT) SELECT a",
        own,
    )
    world.start(name, [name])
    named = ", ".join(f"c{number}" for number in range(len(columns)))
    world.on_source(
        f"INSERT INTO {name}.many ({named}) VALUES ({one}), ({other}), ({one})",
        f"INSERT INTO {name}.children VALUES (1, 1), (2, 3)",
        f"INSERT INTO {name}.parts VALUES (1, '1999-01-01'), (1, '2026-01-01'), (2, NULL)",
        f"ALTER TABLE {name}.children ADD COLUMN added VARCHAR(9) NOT NULL DEFAULT 'x', ADD KEY (added)",
    )
    wait_for(lambda: "equal" in _udup(world, "compare", name).stdout, lambda: _udup(world, "compare", name).stdout)
    world.on_target(
        f"UPDATE {name}.many SET c16 = 'none', c5 = 9, c27 = c27 WHERE id = 1",
        f"DELETE FROM {name}.many WHERE id = 2",
        f"INSERT INTO {name}.parts VALUES (7, NULL)",
        f"ALTER TABLE {name}.many DROP KEY some, MODIFY c17 VARCHAR(30) CHARACTER SET latin1 NOT NULL",
        f"ALTER TABLE {name}.children ADD KEY for_reports (added, id), ADD COLUMN mine INT",
        f"DROP VIEW {name}.w",
    )
    unlike = _udup(world, "compare", name)
    told = unlike.stdout.splitlines()
    assert unlike.returncode == 1, unlike
    wanted = {
        *(f"{name}.many 1 differs c5, c16", f"{name}.many 2 missing", f"{name}.many: index some is not on the target"),
        f"{name}.many: column c17: source varchar(20), target varchar(30)",
        f"{name}.children: index for_reports is only on the target (told, and does not count)",
        f"{name}.children: column mine is only on the target (told, and does not count)",
        f"view {name}.w is not on the target",
    }
    assert wanted <= set(told), unlike.stdout
    assert next(line for line in told if line.startswith(f"{name}.parts")).endswith(" extra"), unlike.stdout
    for line in told:
        if line.startswith("    ALTER TABLE"):
            world.on_target(*line.strip().split("; "))
    repaired = _udup(world, "repair", name, "--all")
    assert repaired.returncode == 0 and repaired.stdout.splitlines()[-1] == "equal", repaired
