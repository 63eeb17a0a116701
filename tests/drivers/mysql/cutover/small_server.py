"""A server in memory that knows how triggers are read and made, and may die before or after each statement."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from udup.drivers.mysql.client.facts import ServerFacts
from udup.drivers.mysql.client.privileges import parse_grants

_CREATE = re.compile(r"CREATE TRIGGER (\w+) (BEFORE|AFTER) (\w+) ON (\w+) ")
_ALTER = re.compile(r"ALTER DATABASE `(\w+)` COLLATE (\w+)")


class Died(BaseException):
    """The process is gone."""


@dataclass
class SmallServer:
    """`collations` are those of schemas. `triggers`: schema, name, table, moment, change and the schema's collation."""

    collations: dict[str, str]
    tables: list[tuple[str, str]] = field(default_factory=list)
    triggers: list[tuple[str, ...]] = field(default_factory=list)
    folds: int = 0
    dies_at: int = 0
    points: int = 0
    sent: list[str] = field(default_factory=list)

    def connection(self) -> Any:
        return _Connection(self)

    def point(self) -> None:
        self.points += 1
        if self.points == self.dies_at:
            raise Died

    def run(self, session: dict[str, str], sql: str, args: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        self.sent.append(sql)
        if sql.startswith("USE "):
            session["schema"] = sql[5:-1]
        elif found := _ALTER.match(sql):
            self.collations[found[1]] = found[2]
        elif found := _CREATE.match(sql):
            name, moment, change, table = found.groups()
            schema = session["schema"]
            self.triggers.append((schema, name, table, moment, change, self.collations[schema]))
        elif sql.startswith("SELECT @@collation_database"):
            return [(self.collations[session["schema"]],)]
        elif sql.startswith("SELECT @@lower_case_table_names"):
            return [(self.folds,)]
        elif sql.startswith("SELECT SCHEMA_NAME, DEFAULT_COLLATION_NAME"):
            return list(self.collations.items())
        elif "EVENT_OBJECT_TABLE, DEFINER" in sql:
            return [(*each[:3], "a@b") for each in self.triggers]
        elif "FROM information_schema.TRIGGERS" in sql:
            return sorted((each[:5] for each in self.triggers), key=lambda each: (each[0], *each[2:]))
        elif "FROM information_schema.TABLES" in sql:
            return list(self.tables)
        else:
            assert sql.startswith("SET "), sql
        return []


class _Connection:
    is_mariadb = False

    def __init__(self, server: SmallServer) -> None:
        self.open = True
        self._server = server
        self._session: dict[str, str] = {}
        self._rows: list[tuple[Any, ...]] = []

    def get_server_info(self) -> str:
        return "9.7.4"

    @contextmanager
    def cursor(self) -> Iterator[_Connection]:
        yield self

    @contextmanager
    def showing_statements(self) -> Iterator[None]:
        yield

    @contextmanager
    def holding(self, size: int) -> Iterator[None]:
        yield

    def execute(self, sql: str | bytes, args: Any = None) -> None:
        if not self.open:
            raise Died
        try:
            self._server.point()
            text = sql.decode() if isinstance(sql, bytes) else sql
            self._rows = self._server.run(self._session, text, args or ())
            self._server.point()
        except Died:
            self.open = False
            raise

    def nextset(self) -> None:
        return None

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._rows


def facts(*grants: str) -> ServerFacts:
    """Return what is seen of a server by an account with these grants."""
    privileges = parse_grants([f"GRANT {each} TO `u`@`%`" for each in grants])
    return ServerFacts("there:3306", "'u'@'%'", (9, 7, 0), "9.7.0", False, {}, privileges, {}, frozenset())
