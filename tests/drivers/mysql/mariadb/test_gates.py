"""The gates of a cut-over on MariaDB keep to the contract; who can write to a read-only one is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.drivers.contract.gates import GateContract
from tests.drivers.mysql.gates import MySQLGatePair
from tests.quick_servers import QUICK
from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import MySQLError, connect, query
from udup.drivers.mysql.cutover.source_gate import MySQLSourceGate
from udup.pipeline.ports import CutoverNeeds
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.server import MysqlServer


class MariaGatePair(MySQLGatePair):
    """An old MariaDB, whose `read_only` is what both closes it and opens it for Udup."""

    tells_udup_alone = False


@pytest.fixture(scope="module")
def old_server(mariadb_programs: MysqlPrograms, server_folder: Path) -> Iterator[MysqlServer]:
    """A server of this module's own, which is made read-only; its events run, and it tells XA that has begun."""
    folder = server_folder / f"gates-{mariadb_programs.name.replace(' ', '-').lower()}"
    tells = {"instrument": "transaction=ON", "consumer-events-transactions-current": "ON"}
    options = {**QUICK, "event_scheduler": "ON", "performance_schema": "ON"}
    options |= {f"performance-schema-{name}": value for name, value in tells.items()}
    with MysqlServer(mariadb_programs, folder, options=options) as server:
        yield server


@pytest.fixture
def gates(old_server: MysqlServer, target: MysqlServer, schema: str) -> Iterator[MariaGatePair]:
    with MariaGatePair(old_server.endpoint, target.endpoint, schema).left_as_found() as pair:
        yield pair


class TestMariaGates(GateContract): ...


@pytest.fixture
def accounts(gates: MariaGatePair, old_server: MysqlServer) -> Iterator[dict[str, Endpoint]]:
    """Accounts that may write to the test's table, by how they may write to a closed server."""
    name = gates.schema
    made = {each: replace(old_server.endpoint, user=f"{name}_{each}", password="secret") for each in _GRANTS}
    with closing(connect(old_server.endpoint)) as connection:
        query(connection, f"CREATE ROLE {name}_inner")
        query(connection, f"CREATE ROLE {name}_outer")
        query(connection, f"GRANT READ_ONLY ADMIN ON *.* TO {name}_inner")
        query(connection, f"GRANT {name}_inner TO {name}_outer")
        for each, (lock, grants) in _GRANTS.items():
            query(connection, f"CREATE USER '{name}_{each}'@'%' IDENTIFIED BY 'secret' {lock}")
            for grant in (f"INSERT ON {name}.*", *grants):
                query(connection, f"GRANT {grant.format(name)} TO '{name}_{each}'@'%'")
    yield made
    with closing(connect(old_server.endpoint)) as connection:
        for each in made.values():
            query(connection, f"DROP USER '{each.user}'@'%'")
        query(connection, f"DROP ROLE {name}_inner, {name}_outer")


_GRANTS = {
    "app": ("", ()),
    "admin": ("", ("READ_ONLY ADMIN ON *.*",)),
    "role": ("", ("{}_outer",)),
    "super": ("", ("SUPER ON *.*",)),
    "locked": ("ACCOUNT LOCK", ("READ_ONLY ADMIN ON *.*",)),
}


def _writes(account: Endpoint, schema: str) -> bool:
    """Return whether the account can write, with any role that it has."""
    try:
        with closing(connect(account, None)) as connection:
            if account.user.endswith("_role"):
                query(connection, f"SET ROLE {schema}_outer")
            query(connection, f"INSERT INTO {schema}.t VALUES ()")
    except (MySQLError, UdupError):
        return False
    return True


def test_the_accounts_that_are_named_are_those_that_write_on(
    gates: MariaGatePair, accounts: dict[str, Endpoint]
) -> None:
    gates.old.close(5)
    told = " ".join(gates.old.look().besides)
    named = {each for each, account in accounts.items() if f"'{account.user}'@'%'" in told}
    assert named == {each for each, account in accounts.items() if _writes(account, gates.schema)}
    assert {"admin", "role"} <= named and not {"app", "locked"} & named


def test_an_account_that_may_not_see_others_says_so(gates: MariaGatePair, accounts: dict[str, Endpoint]) -> None:
    (told,) = MySQLSourceGate(accounts["app"]).look().besides
    assert "may not see" in told and "GRANT SELECT ON mysql.global_priv" in told


def test_what_the_account_lacks_is_told_with_the_statement(gates: MariaGatePair, accounts: dict[str, Endpoint]) -> None:
    needs = CutoverNeeds(freeze=True, reverse=True)
    for account, lacks in (("app", {"READ_ONLY ADMIN", "SUPER"}), ("admin", {"SUPER"})):
        checks = MySQLSourceGate(accounts[account]).checks(needs, gates.scope)
        told = " ".join(each.remedy for each in checks if each.outcome == "fail")
        assert {each for each in ("READ_ONLY ADMIN", "SUPER") if f"GRANT {each} ON *.*" in told} == lacks


def test_events_do_not_run_while_it_is_closed(gates: MariaGatePair) -> None:
    """Those of accounts that a read-only server lets write would go on."""
    found = gates.old.look()
    assert found.runs_events
    gates.old.close(5)
    assert not gates.old.look().runs_events
    assert gates.old.how_to_restore(found.found).endswith("SET GLOBAL event_scheduler = ON")
    gates.old.restore(found.found)
    assert gates.old.look() == found
