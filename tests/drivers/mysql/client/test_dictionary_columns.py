"""Questions to information_schema of servers that do not have all of its columns."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from udup.drivers.mysql.client import dictionary_columns
from udup.drivers.mysql.client.dictionary_columns import with_collations, with_known_columns

_SQL = "SELECT c.GENERATION_EXPRESSION, COALESCE(EXPRESSION, '') FROM … WHERE IS_VISIBLE = 'YES'"


class _Server:
    is_mariadb, version = False, (5, 6, 24)

    def __init__(self, host: str) -> None:
        self.host, self.port = host, 3306

    def get_server_info(self) -> str:
        return "5.6.24-log"


def _asked(host: str, found: list[tuple[str, str]]) -> tuple[str, int]:
    server: Any = _Server(host)
    with patch.object(dictionary_columns, "query", return_value=found) as query:
        first = with_known_columns(server, _SQL)
        assert with_known_columns(server, _SQL) == first
    return first, query.call_count


def test_a_server_that_has_all_is_asked_as_it_stands() -> None:
    everything = [("COLUMNS", "GENERATION_EXPRESSION"), ("STATISTICS", "EXPRESSION"), ("STATISTICS", "IS_VISIBLE")]
    assert _asked("new", everything) == (_SQL, 1)


def test_what_an_old_one_lacks_is_a_constant_and_it_is_asked_once() -> None:
    expected = "SELECT '', COALESCE(NULL, '') FROM … WHERE 'YES' = 'YES'"
    assert _asked("old", [("STATISTICS", "INDEX_NAME")]) == (expected, 1)


def test_mariadb_is_asked_for_collations_by_their_whole_names() -> None:
    server: Any = _Server("maria")
    server.is_mariadb, server.version = True, (10, 5, 23)
    sql = "SELECT l.ID FROM information_schema.COLLATIONS l"
    assert with_collations(server, sql) == sql
    server.version = (11, 8, 9)
    assert "FULL_COLLATION_NAME" in with_collations(server, sql)
    assert with_collations(server, sql).endswith(") l")
    assert with_collations(server, "FROM information_schema.COLLATIONS WHERE 1").endswith(") each_collation WHERE 1")
