"""Accounts that are made by nothing but the statements of /v1/grants run their job: MySQL, MariaDB, odd names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from tests.end_to_end.conftest import World, run, value
from tests.end_to_end.test_mariadb_source import FromMariaDB
from udup.base.endpoint import Endpoint
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.client.names import quote
from udup.sandbox.api import Json, job_document
from udup.sandbox.node import UdupNode
from udup.sandbox.server import MysqlServer

#: What no statement may be broken by, and no name is taken for a pattern of.
ODD = "o`d'd\"\\ %_字"

_PASSWORD = "se'cret"


@dataclass
class Made:
    """A job's document for accounts of its own, and what these may do."""

    world: World
    user: str

    def statements(self, document: Json) -> dict[str, Any]:
        answer = httpx.post(f"{self.world.node.url}/v1/grants", json=document, timeout=20)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def job(self, name: str, schemas: list[str], src: Json | None = None) -> Json:
        """Have the accounts made for a job, and return its document with their password."""
        ends = [replace(each, user=self.user, password="") for each in (self._source, self._target)]
        document = job_document(name, *ends, schemas) | {"ID": name}
        document["Tasks"][0]["Config"].update(src or {})
        told = self.statements(document)
        for server, end in ((self._source, "Src"), (self._target, "Dest")):
            assert told[end]["Note"] == "" and told[end]["Version"]
            said = [
                each.replace("put the password here", _PASSWORD.replace("'", "''")) for each in told[end]["Statements"]
            ]
            run(server, *said)
        for task in document["Tasks"]:
            task["Config"]["ConnectionConfig"]["Password"] = _PASSWORD
        return document

    @property
    def _source(self) -> Endpoint:
        return self.world.source.endpoint

    @property
    def _target(self) -> Endpoint:
        return self.world.target.endpoint

    def check_optional(self, document: Json) -> None:
        """Have the servers take what only some jobs need, too."""
        told = self.statements(document)
        for server, end in ((self._source, "Src"), (self._target, "Dest")):
            assert told[end]["Optional"]
            run(server, *(each["Statement"] for each in told[end]["Optional"]))

    def sees(self, server: MysqlServer) -> set[str]:
        with closing(connect(replace(server.endpoint, user=self.user, password=_PASSWORD))) as connection:
            return {str(name) for (name,) in query(connection, "SHOW DATABASES")}


@pytest.fixture
def made(world: World, name: str) -> Iterator[Made]:
    user = f"u_{name}"[:30]
    yield Made(world, user)
    world.forget_all()
    for server in (world.source, world.target):
        run(server.endpoint, f"DROP USER IF EXISTS '{user}'@'%'")


def _fill(endpoint: Endpoint, schema: str, *tables: str) -> None:
    own = quote(schema)
    run(endpoint, f"CREATE DATABASE {own}")
    for table in tables:
        run(endpoint, f"CREATE TABLE {own}.{quote(table)} (id INT PRIMARY KEY, a INT)")
        run(endpoint, f"INSERT INTO {own}.{quote(table)} VALUES (1, 1), (2, 2)")


def test_a_job_of_a_schema_runs_and_its_accounts_see_no_other(world: World, name: str, made: Made) -> None:
    alike = name.replace("_", "x")  # what `_` in a GRANT would match
    _fill(world.source.endpoint, name, "t")
    _fill(world.source.endpoint, alike, "t")
    try:
        document = made.job(name, [name])
        world.post(document)
        world.runs(name)
        world.on_source(
            f"INSERT INTO {name}.t VALUES (3, 3)",
            f"CREATE TABLE {name}.later (id INT PRIMARY KEY)",
            f"ALTER TABLE {name}.t ADD INDEX (a)",
            f"TRUNCATE TABLE {name}.later",
            f"RENAME TABLE {name}.later TO {name}.latest",
            f"DROP TABLE {name}.latest",
        )
        world.level_and_equal(name, name)
        assert made.sees(world.source) & {name, alike, "udup"} == {name}
        assert made.sees(world.target) & {name, alike, "udup"} == {name, "udup"}
        account = document["Tasks"][0]["Config"]["ConnectionConfig"]
        asked = {"Side": "Src", "ConnectionConfig": account, "Schema": name}
        seen = httpx.post(f"{world.node.url}/v1/inspect", json=asked, timeout=20).json()
        assert seen["Reachable"] and [each["Schema"] for each in seen["Schemas"]] == [name], "what it may see"
        assert [(each["Table"], each["Key"]) for each in seen["Tables"]] == [("t", "primary")]
        made.check_optional(document)
    finally:
        world.on_source(f"DROP DATABASE {alike}")


def test_a_job_of_named_tables_runs_whatever_they_are_called(world: World, name: str, made: Made) -> None:
    schema = f"{name} {ODD}"
    _fill(world.source.endpoint, schema, ODD, "other")
    tables = {"ReplicateDoDb": [{"TableSchema": schema, "Tables": [{"TableName": ODD}]}]}
    try:
        world.post(made.job(name, [], tables))
        world.runs(name)
        own = f"{quote(schema)}.{quote(ODD)}"
        world.on_source(f"INSERT INTO {own} VALUES (3, 3)", f"ALTER TABLE {own} ADD b INT")
        world.level(name)
        assert value(world.target.endpoint, f"SELECT SUM(a) FROM {own}") == 6
        with closing(connect(replace(world.source.endpoint, user=made.user, password=_PASSWORD))) as connection:
            assert query(connection, f"SHOW TABLES FROM {quote(schema)}") == [(ODD,)]
    finally:
        for server in (world.source, world.target):
            run(server.endpoint, f"DROP DATABASE IF EXISTS {quote(schema)}")


def test_accounts_of_mariadb_run_a_job_from_one_to_another(
    mariadb_source: MysqlServer, mariadb_target: MysqlServer, node: UdupNode, name: str
) -> None:
    world = FromMariaDB(mariadb_source, mariadb_target, node)
    made = Made(world, f"u_{name}")
    _fill(mariadb_source.endpoint, name, "t")
    try:
        document = made.job(name, [name])
        world.post(document)
        world.runs(name)
        world.on_source(f"INSERT INTO {name}.t VALUES (3, 3)", f"ALTER TABLE {name}.t ADD INDEX (a)")
        world.level(name)
        assert value(mariadb_target.endpoint, f"SELECT SUM(a) FROM {name}.t") == 6
        assert made.sees(mariadb_source) & {name, "udup", "mysql"} <= {name, "mysql"}
        made.check_optional(document)
    finally:
        world.forget_all()
        for server in (mariadb_source, mariadb_target):
            run(server.endpoint, f"DROP DATABASE IF EXISTS {name}", f"DROP USER IF EXISTS '{made.user}'@'%'")
