"""A whole server's job carries users, roles and grants when it is told to, and leaves some accounts alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.end_to_end.conftest import World, value
from udup.base.endpoint import Endpoint
from udup.drivers.mysql.client.connection import connect, query


def accounts(server: Endpoint, prefix: str) -> dict[str, list[object]]:
    """What the server prints of every account with this prefix."""
    found: dict[str, list[object]] = {}
    with closing(connect(server)) as connection:
        query(connection, "SET SESSION print_identified_with_as_hex = ON")
        names = "SELECT CONCAT(QUOTE(User), '@', QUOTE(Host)) FROM mysql.user WHERE User LIKE %s"
        for (name,) in query(connection, names, f"{prefix}%"):
            found[name] = [query(connection, f"SHOW {each} {name}") for each in ("CREATE USER", "GRANTS FOR")]
    return found


@pytest.fixture
def told(world: World, name: str) -> Iterator[World]:
    yield world
    for job in list(world.posted):  # it would drop them on the target at the same time
        world.forget(job)
    for endpoint in (world.source.endpoint, world.target.endpoint):
        for account in accounts(endpoint, name):
            with closing(connect(endpoint)) as connection:
                query(connection, f"DROP USER IF EXISTS {account}")


def test_accounts_are_copied_and_followed_with_their_passwords_and_rights(told: World, name: str) -> None:
    told.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT, a INT)",
        f"CREATE ROLE {name}_role, {name}_more",
        f"CREATE USER {name}_a@'%' IDENTIFIED BY 'first' REQUIRE SSL PASSWORD EXPIRE INTERVAL 9 DAY COMMENT 'it''s'",
        f"CREATE USER {name}_b@'10.0.0.%' IDENTIFIED BY 'second' ACCOUNT LOCK",
        f"GRANT SELECT (a), INSERT ON {name}.t TO {name}_role",
        f"GRANT ALL ON {name}.* TO {name}_b@'10.0.0.%' WITH GRANT OPTION",
        f"GRANT {name}_role, {name}_more TO {name}_a@'%'",
        f"SET DEFAULT ROLE {name}_role, {name}_more TO {name}_a@'%'",
        f"GRANT CONNECTION_ADMIN, PROCESS ON *.* TO {name}_a@'%'",
    )
    administrators = value(
        told.target.endpoint, "SELECT GROUP_CONCAT(authentication_string) FROM mysql.user WHERE User = 'root'"
    )
    told.start(name, [], src={"ExpandSyntaxSupport": True})
    copied = accounts(told.source.endpoint, name)
    assert len(copied) == 4 and accounts(told.target.endpoint, name) == copied
    told.on_source(
        f"CREATE USER {name}_c@localhost IDENTIFIED BY 'third', {name}_d IDENTIFIED WITH sha256_password BY 'fourth'",
        f"ALTER USER {name}_a@'%' IDENTIFIED BY 'changed' RETAIN CURRENT PASSWORD",
        f"SET PASSWORD FOR {name}_b@'10.0.0.%' = 'changed too'",
        f"RENAME USER {name}_b@'10.0.0.%' TO {name}_e@'%'",
        f"REVOKE INSERT ON {name}.t FROM {name}_role",
        f"GRANT EXECUTE ON {name}.* TO {name}_c@localhost, {name}_d",
        f"ALTER USER {name}_a@'%' DEFAULT ROLE {name}_more",
        f"DROP ROLE {name}_role",
        f"DROP USER {name}_d",
        "GRANT PROCESS ON *.* TO root@localhost",
        "SET PASSWORD FOR root@localhost = 'another'",
    )
    told.level(name)
    followed = accounts(told.source.endpoint, name)
    assert len(followed) == 4 and accounts(told.target.endpoint, name) == followed
    kept = value(told.target.endpoint, "SELECT GROUP_CONCAT(authentication_string) FROM mysql.user WHERE User = 'root'")
    assert kept == administrators


def test_an_account_that_is_otherwise_on_the_target_is_not_overwritten(told: World, name: str) -> None:
    told.on_source(f"CREATE DATABASE {name}", f"CREATE USER {name}_a IDENTIFIED BY 'one'")
    told.on_target(f"CREATE USER {name}_a IDENTIFIED BY 'two'")
    before = accounts(told.target.endpoint, name)
    told.post(told.document(name, [], src={"ExpandSyntaxSupport": True}))
    reason = told.failure(name)
    assert f"`{name}_a`@`%`" in reason and "another password" in reason and "DROP USER" in reason
    assert accounts(told.target.endpoint, name) == before
