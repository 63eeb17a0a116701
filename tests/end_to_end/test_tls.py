"""A job between servers that take encrypted connections only: every connection of it is, the dump and the copy too."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.certificates import Certificates, make_certificates
from tests.end_to_end.conftest import World, value
from udup.sandbox.api import Json

KINDS = (
    "SELECT GROUP_CONCAT(DISTINCT CONCAT(PROCESSLIST_COMMAND LIKE 'Binlog Dump%%', ' ', CONNECTION_TYPE)"
    " ORDER BY 1) FROM performance_schema.threads WHERE PROCESSLIST_USER = %s"
)


@pytest.fixture
def account(world: World) -> Iterator[str]:
    """An account on both servers that may do anything, over TLS only."""
    name = "over_tls"
    for say in (world.on_source, world.on_target):
        make = f"CREATE USER {name} IDENTIFIED BY 'pw' REQUIRE SSL"
        say("SET SESSION sql_log_bin = 0", make, f"GRANT ALL ON *.* TO {name}")
    yield name
    for say in (world.on_source, world.on_target):
        say("SET SESSION sql_log_bin = 0", f"DROP USER {name}")


@pytest.fixture
def certified(world: World) -> Iterator[Certificates]:
    """The source shows a certificate that is made out to its address."""
    made = make_certificates(world.source.folder / "certificates")
    variables = {"ssl_ca": made.ca, "ssl_cert": made.cert, "ssl_key": made.key}
    before = {name: value(world.source.endpoint, f"SELECT @@GLOBAL.{name}") for name in variables}
    _reload(world, {name: str(path) for name, path in variables.items()})
    yield made
    _reload(world, before)
    shutil.rmtree(world.source.folder / "certificates")


def _reload(world: World, variables: dict[str, Any]) -> None:
    world.on_source(*(f"SET GLOBAL {name} = '{path}'" for name, path in variables.items()), "ALTER INSTANCE RELOAD TLS")


def _document(world: World, job: str, account: str, source: Json, target: Json) -> Json:
    document = world.document(job, [job])
    for task, tls in zip(document["Tasks"], (source, target), strict=True):
        task["Config"]["ConnectionConfig"].update({"User": account, "Password": "pw", **tls})
    return document


def test_every_connection_of_a_job_is_encrypted_when_the_accounts_want_it(
    world: World, name: str, account: str, certified: Certificates
) -> None:
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT PRIMARY KEY)",
        f"INSERT INTO {name}.t VALUES (1), (2)",
    )
    source = {"SslMode": "VERIFY_IDENTITY", "SslCa": str(certified.ca), "Charset": "utf8mb4"}
    target = {"SslMode": "VERIFY_CA", "SslCa": str(world.target.data / "ca.pem")}
    world.post(_document(world, name, account, source, target))
    world.node.wait_stage(name)
    world.on_source(
        f"INSERT INTO {name}.t VALUES (3)", f"CREATE TABLE {name}.u (id INT)", f"INSERT INTO {name}.u VALUES (1)"
    )
    world.level_and_equal(name, name)
    assert value(world.source.endpoint, KINDS, account).split(",")[-1] == "1 SSL/TLS", "the dump"
    for server in (world.source, world.target):
        assert "TCP/IP" not in value(server.endpoint, KINDS, account)


def test_a_server_with_a_certificate_of_another_authority_fails_the_job_at_once(
    world: World, name: str, account: str, tmp_path: Path
) -> None:
    wrong = {"SslMode": "VERIFY_CA", "SslCa": str(make_certificates(tmp_path).ca)}
    world.post(_document(world, name, account, {"SslMode": "REQUIRED"}, wrong))
    told = world.failure(name)
    assert "certificate verify failed" in told and "SslCa" in told
