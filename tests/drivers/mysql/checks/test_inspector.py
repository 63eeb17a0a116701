"""A server is looked at before there is a job: what it is, what it holds, and what keeps it from being seen."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from udup.base.endpoint import Endpoint
from udup.drivers.mysql.checks import inspector, looking
from udup.drivers.mysql.checks.inspector import MySQLInspector
from udup.drivers.mysql.client.connection import connect
from udup.drivers.mysql.client.names import quote
from udup.pipeline.ports.inspect import InspectWish, TableProblem
from udup.pipeline.selection.selection import Selection
from udup.sandbox.server import MysqlServer

#: Names that are legal, and that whoever puts them into a statement has to quote.
ODD = ["a`b", "c'd", 'e"f', "g\\h", "i%j", "k l", "m.n", "字", "o;p"]


@pytest.fixture
def filled(source: MysqlServer, schema: str) -> str:
    _run(
        source.endpoint,
        f"CREATE SCHEMA {quote(schema)}",
        f"CREATE TABLE {quote(schema)}.orders (id INT PRIMARY KEY)",
        f"CREATE TABLE {quote(schema)}.ways (id INT NOT NULL UNIQUE)",
        f"CREATE TABLE {quote(schema)}.notes (id INT UNIQUE)",
        f"CREATE TABLE {quote(schema)}.olds (id INT PRIMARY KEY) ENGINE = MyISAM",
        f"CREATE VIEW {quote(schema)}.seen AS SELECT 1",
        *(f"CREATE TABLE {quote(schema)}.{quote(name)} (id INT PRIMARY KEY)" for name in ODD),
    )
    return schema


def _run(endpoint: Endpoint, *statements: str) -> None:
    with closing(connect(endpoint)) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def test_a_server_is_told_with_schemas_and_tables(source: MysqlServer, filled: str) -> None:
    found = MySQLInspector(source.endpoint).look(InspectWish("Src", filled))
    assert (found.error, found.remedy) == ("", "")
    server = found.server
    assert server is not None and server.version.startswith(("8.", "9.")) and server.family == "MySQL"
    assert (server.gtid_mode, server.read_only, server.user.partition("@")[0]) == ("ON", False, "'root'")
    assert abs(server.clock_offset_ms) < 1000 and len(server.uuid) == 36 and server.log_kept_s
    own = next(each for each in found.schemas if each.schema == filled)
    assert own.tables == 4 + len(ODD) and own.bytes and own.rows is not None
    assert (
        "1 table without a primary or unique key" in own.warnings[0] and "1 table not transactional" in own.warnings[1]
    )
    assert own.counts == ((TableProblem.NO_KEY, 1), (TableProblem.NOT_TRANSACTIONAL, 1))
    assert not {"mysql", "sys", "information_schema", "performance_schema"} & {each.schema for each in found.schemas}
    by_name = {each.table: each for each in found.tables}
    assert set(by_name) == {"orders", "ways", "notes", "olds", *ODD}, "a view is none"
    assert [by_name[name].key for name in ("orders", "ways", "notes")] == ["primary", "unique", "none"]
    assert by_name["orders"].problem == "" and "ENGINE = InnoDB" in by_name["olds"].remedy
    assert "ADD PRIMARY KEY" in by_name["notes"].remedy
    assert [by_name[name].kind for name in ("orders", "notes", "olds")] == ["", "no_key", "not_transactional"]
    as_target = MySQLInspector(source.endpoint).look(InspectWish("Dest", filled))
    assert not any(each.problem for each in as_target.tables) and not any(each.warnings for each in as_target.schemas)


def test_tables_come_page_by_page_and_by_a_part_of_their_names(source: MysqlServer, filled: str) -> None:
    found: list[str] = []
    after = ""
    while after or not found:
        page = MySQLInspector(source.endpoint).look(InspectWish("Src", filled, after, limit=5))
        found += [each.table for each in page.tables]
        after = page.next
    assert found == sorted(["orders", "ways", "notes", "olds", *ODD])
    searched = MySQLInspector(source.endpoint).look(InspectWish("Src", filled, search="A`B"))
    assert [each.table for each in searched.tables] == ["a`b"]
    for name in ("no such", "x'; DROP SCHEMA mysql; --", "\\", "\0", filled.upper()):
        assert MySQLInspector(source.endpoint).look(InspectWish("Src", name)).tables == ()


def test_sizes_are_of_the_jobs_tables_alone(source: MysqlServer, filled: str) -> None:
    selection = Selection.of([(filled, ["orders", "notes"])])
    sizes = MySQLInspector(source.endpoint).sizes(selection)
    assert sorted((each.table, each.key, bool(each.bytes)) for each in sizes) == [
        ("notes", "none", True),
        ("orders", "primary", True),
    ]


def test_names_come_without_sizes_where_these_take_long(
    source: MysqlServer, filled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspector, "_SIZES", inspector._SIZES.replace("WHERE", "WHERE SLEEP(3) = 0 AND"))
    monkeypatch.setattr(inspector, "SIZES_S", 0.2)
    found = MySQLInspector(source.endpoint).look(InspectWish("Src", filled))
    assert found.server is not None and {each.bytes for each in found.tables} == {None}
    assert MySQLInspector(source.endpoint).sizes(Selection()) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"password": "wrong"}, "Access denied"),
        ({"user": "no'body`\\"}, "Access denied"),
        ({"host": "no.such.host.invalid"}, "no.such.host.invalid"),
        ({"port": 1}, "127.0.0.1:1"),
    ],
)
def test_a_server_that_lets_nobody_in_is_told_in_words(
    source: MysqlServer, change: dict[str, object], told: str
) -> None:
    found = MySQLInspector(replace(source.endpoint, **change)).look(InspectWish("Src"))  # type: ignore[arg-type]
    assert found.server is None and told in found.error and found.remedy
    assert "wrong" not in found.error


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of somebody who lets everybody connect and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_server_that_says_nothing_is_waited_for_a_bounded_time(silent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "CONNECT_TIMEOUT_S", 1)
    begun = time.monotonic()
    found = MySQLInspector(Endpoint("127.0.0.1", silent, "u", "secret")).look(InspectWish("Dest"))
    assert found.server is None and found.error and found.remedy and "secret" not in found.error
    assert time.monotonic() - begun < 8


def test_a_mariadb_is_told_as_what_it_is(mariadb_source: MysqlServer, new_schema: Callable[..., str]) -> None:
    schema = new_schema(mariadb_source)
    _run(
        mariadb_source.endpoint,
        f"CREATE SCHEMA {quote(schema)}",
        f"CREATE TABLE {quote(schema)}.orders (id INT PRIMARY KEY)",
        f"CREATE TABLE {quote(schema)}.notes (id INT) ENGINE = Aria",
    )
    found = MySQLInspector(mariadb_source.endpoint).look(InspectWish("Src", schema))
    assert found.error == "" and found.server is not None
    assert (found.server.family, found.server.gtid_mode) == ("MariaDB", "ON") and "MariaDB" in found.server.version
    assert [(each.table, each.key, each.engine) for each in found.tables] == [
        ("notes", "none", "Aria"),
        ("orders", "primary", "InnoDB"),
    ]
    sizes = MySQLInspector(mariadb_source.endpoint).sizes(Selection.of([(schema, [])]))
    assert {each.table: each.bytes is not None for each in sizes} == {"notes": True, "orders": True}
