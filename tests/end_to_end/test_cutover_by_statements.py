"""A job by statements has no triggers on its target; the cut-over makes them, and asks for no more than is granted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.end_to_end.conftest import World, run, value
from tests.end_to_end.test_cutover import Udup, udup
from tests.managed import RDS_SOURCE, managed_account
from udup.base.endpoint import Endpoint
from udup.drivers.mysql.client.connection import connect, query
from udup.sandbox.api import job_document
from udup.verify.compare import compare

__all__ = ("udup",)


@pytest.fixture
def accounts(world: World) -> Iterator[tuple[Endpoint, Endpoint]]:
    """What a customer of a managed service has on both servers; on the target without what its owner would grant."""
    run(world.target.endpoint, "SET GLOBAL log_bin_trust_function_creators = ON")
    with managed_account(world.source, RDS_SOURCE) as source, managed_account(world.target) as target:
        yield source, target
    run(world.target.endpoint, "SET GLOBAL log_bin_trust_function_creators = OFF")


@pytest.fixture
def shop(world: World, name: str, accounts: tuple[Endpoint, Endpoint]) -> Iterator[str]:
    """A running job by statements, one of whose triggers is made while it runs."""
    run(
        world.source.endpoint,
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT AUTO_INCREMENT PRIMARY KEY, a INT)",
        f"CREATE TABLE {name}.audit (id INT AUTO_INCREMENT PRIMARY KEY, a INT)",
        f"CREATE USER {name}",
        f"GRANT ALL ON {name}.* TO {name}",
        "SET SESSION sql_mode = 'ANSI'",
        f"CREATE DEFINER={name} TRIGGER {name}.z AFTER INSERT ON {name}.t FOR EACH ROW"
        f" INSERT INTO {name}.audit (a) VALUES (NEW.a)",
        f"INSERT INTO {name}.t (a) VALUES (1), (2)",
    )
    run(world.target.endpoint, f"CREATE USER {name}", f"GRANT ALL ON {name}.* TO {name}")
    world.post(job_document(name, *accounts, [name]) | {"ID": name})
    world.runs(name)
    run(
        world.source.endpoint,
        f"CREATE DEFINER={name} TRIGGER {name}.a AFTER INSERT ON {name}.t FOR EACH ROW"
        f" INSERT INTO {name}.audit (a) VALUES (NEW.a * 100)",
        f"INSERT INTO {name}.t (a) VALUES (3)",
    )
    yield name
    for server in (world.source, world.target):
        run(server.endpoint, f"DROP USER {name}")


def _triggers(endpoint: Endpoint, schema: str) -> list[tuple[object, ...]]:
    sql = (
        "SELECT TRIGGER_NAME, ACTION_ORDER, ACTION_STATEMENT, SQL_MODE, DEFINER, CHARACTER_SET_CLIENT"
        " FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %s ORDER BY 1"
    )
    with closing(connect(endpoint)) as connection:
        return query(connection, sql, schema)


def test_triggers_are_there_before_applications_write_and_ran_for_nothing_that_was_carried(
    world: World, shop: str, udup: Udup
) -> None:
    world.level(shop)
    dry = udup(shop, "--writes-stopped", "--dry-run")
    assert dry.exit_code == 0 and f"{shop}.z, {shop}.a" in dry.output, dry.output
    assert _triggers(world.target.endpoint, shop) == []
    done = udup(shop, "--writes-stopped", "--yes")
    assert done.exit_code == 0, done.output
    assert f"made on the target: {shop}.z, {shop}.a" in done.output
    assert _triggers(world.target.endpoint, shop) == _triggers(world.source.endpoint, shop)
    comparison = compare(world.source.endpoint, world.target.endpoint, [shop])
    assert comparison.equal, comparison.report()
    run(world.target.endpoint, f"INSERT INTO {shop}.t (a) VALUES (4)")
    assert value(world.target.endpoint, f"SELECT GROUP_CONCAT(a ORDER BY id) FROM {shop}.audit") == "1,2,3,300,4,400"


def test_a_source_that_grants_no_read_only_is_told_with_what_is_left(world: World, shop: str, udup: Udup) -> None:
    refused = udup(shop, "--source-read-only", "--dry-run")
    assert refused.exit_code != 0
    told = refused.output
    assert "SYSTEM_VARIABLES_ADMIN" in told and "--writes-stopped in place of --source-read-only" in told, told
    assert value(world.source.endpoint, "SELECT @@global.super_read_only") == 0


def test_what_the_account_lacks_for_triggers_is_told_before_anything_is_changed(
    world: World, shop: str, udup: Udup
) -> None:
    run(world.target.endpoint, "SET GLOBAL log_bin_trust_function_creators = OFF")
    refused = udup(shop, "--writes-stopped", "--yes")
    assert refused.exit_code == 4, refused.output
    assert f"trigger {shop}.z" in refused.output and "log_bin_trust_function_creators = ON" in refused.output
    assert world.node.job(shop)["Stage"] == "running"
