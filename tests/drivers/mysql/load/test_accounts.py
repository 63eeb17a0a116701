"""Which account statements are carried, and what an account that may not make accounts is told before a copy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.full_copy import run
from tests.source_log import logged_by
from udup.base.endpoint import Endpoint
from udup.base.errors import Refused, Unsupported
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.dictionary.catalog import Account
from udup.drivers.mysql.load.accounts import conflicting_accounts
from udup.drivers.mysql.snapshot.accounts import is_carried, read_accounts
from udup.sandbox.server import MysqlServer

KEPT = frozenset({"root", "repl"})


@pytest.fixture
def users(source: MysqlServer, schema: str) -> Iterator[str]:
    """A prefix of user names; those that begin with it are dropped afterwards."""
    yield schema
    with closing(connect(source.endpoint)) as connection:
        for (name,) in query(
            connection, "SELECT CONCAT(QUOTE(User), '@', QUOTE(Host)) FROM mysql.user WHERE User LIKE %s", f"{schema}%"
        ):
            run(connection, f"DROP USER {name}")


def test_statements_about_kept_users_are_passed_over_and_mixed_ones_refused(source: MysqlServer, users: str) -> None:
    one, two = f"{users}1", f"{users}2"
    ours = [
        f"CREATE USER {one}@'%' IDENTIFIED BY 'root', {two} COMMENT 'to root'",
        f"CREATE ROLE IF NOT EXISTS `{users}to`",
        f"GRANT `{users}to` TO {one}, {two} WITH ADMIN OPTION",
        f"SET DEFAULT ROLE `{users}to` TO {one}",
        f"RENAME USER {two} TO {users}3",
        f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {users}3",
        f"DROP USER IF EXISTS {users}3",
    ]
    kept = ["ALTER USER root@localhost ACCOUNT UNLOCK", f"GRANT `{users}to` TO root@localhost"]
    mixed = [f"GRANT PROCESS ON *.* TO {one}, root@localhost", f"REVOKE `{users}to` FROM root@localhost, {one}"]
    events = logged_by(source.endpoint, lambda connection: run(connection, *ours, *kept, *mixed))
    assert [is_carried(each.query(), KEPT) for each in events[: len(ours)]] == [True] * len(ours)
    assert [is_carried(each.query(), KEPT) for each in events[len(ours) : -2]] == [False] * len(kept)
    for event in events[-2:]:
        with pytest.raises(Unsupported, match=r"root.*separate statements"):
            is_carried(event.query(), KEPT)


def test_missing_privileges_are_told_with_their_grant(source: MysqlServer, users: str) -> None:
    with closing(connect(source.endpoint)) as connection:
        run(connection, f"CREATE USER {users}_poor IDENTIFIED BY 'poor'", f"GRANT PROCESS ON *.* TO {users}_poor")
    endpoint = Endpoint(source.endpoint.host, source.endpoint.port, f"{users}_poor", "poor")
    with closing(connect(endpoint)) as connection:
        (fault,) = conflicting_accounts(connection, [Account("`a`@`%`", "CREATE USER", "", ())], "Dest")
        assert "CREATE USER" in fault.problem and f"GRANT CREATE USER ON *.* TO '{users}_poor'@'%'" in fault.remedy
        with pytest.raises(Refused, match=r"GRANT SELECT ON mysql\.\*"):
            read_accounts(connection, KEPT)
