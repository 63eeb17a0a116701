"""What a server is asked about itself: in few rows, and with the same answer."""

from __future__ import annotations

import re
from contextlib import closing

import pytest

from udup.drivers.mysql.client import privileges
from udup.drivers.mysql.client.connection import Connection, connect, query
from udup.drivers.mysql.client.facts import read_facts, rows_in_one
from udup.drivers.mysql.client.privileges import parse_grants
from udup.sandbox.server import MysqlServer

_COLLATIONS = "information_schema.COLLATIONS WHERE ID IS NOT NULL"


def test_rows_that_come_as_one_value_are_those_that_a_server_has(source: MysqlServer) -> None:
    with closing(connect(source.endpoint)) as connection:
        columns = ("ID", "COLLATION_NAME", "CHARACTER_SET_NAME")
        wanted = [tuple(map(str, row)) for row in query(connection, f"SELECT {', '.join(columns)} FROM {_COLLATIONS}")]
        assert sorted(rows_in_one(connection, columns, _COLLATIONS)) == sorted(wanted)
        before = _shown(connection)
        variables = read_facts(connection).variables
        still = dict(before.items() & _shown(connection).items())  # the server itself changes some of them
        assert len(still) > 500 and before.keys() <= variables.keys()
        assert {name: variables[name][:1000] for name in still} == {name: still[name][:1000] for name in still}
        query(connection, "SET SESSION group_concat_max_len = 100")  # too short: row by row
        assert sorted(rows_in_one(connection, columns, _COLLATIONS)) == sorted(wanted)
        assert read_facts(connection).variables.keys() == variables.keys()


def _shown(connection: Connection) -> dict[str, str]:
    """Return what SHOW says; it breaks the line between the servers of a set of GTIDs."""
    return {name.lower(): str(value).replace(",\n", ",") for name, value in query(connection, "SHOW GLOBAL VARIABLES")}


@pytest.mark.parametrize(
    "line",
    [
        "GRANT SELECT, INSERT, LOCK TABLES ON *.* TO `a`@`%`",
        "GRANT ALL PRIVILEGES ON `shop`.* TO `a`@`%` WITH GRANT OPTION",
        r"GRANT SELECT ON `sh\_op%`.* TO `a`@`%`",
        "GRANT BACKUP_ADMIN,XA_RECOVER_ADMIN ON *.* TO `a`@`%`",
        "REVOKE INSERT, DELETE ON `shop`.* FROM `a`@`%`",
        "GRANT SELECT ON `shop`.`t ON ``*``` TO `a`@`%`",
        "GRANT SELECT (`a`), INSERT ON `shop`.`t` TO `a`@`%`",
        "GRANT EXECUTE ON PROCEDURE `shop`.`p` TO `a`@`%`",
        "GRANT PROXY ON ``@`` TO `a`@`%` WITH GRANT OPTION",
        "GRANT `role`@`%` TO `a`@`%`",
    ],
)
def test_a_plain_grant_is_read_as_by_its_tokens(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = parse_grants([line])
    monkeypatch.setattr(privileges, "_PLAIN", re.compile("(?!)"))
    assert found == parse_grants([line])
