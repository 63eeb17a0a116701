"""Servers besides the newest MySQL: MariaDB of several series, MySQL 5.6. Fixtures, and which of them a run has.

A test asks for `mariadb_source`, `mariadb_target` or makes servers of its own with `mariadb_server`, and is then run
with the newest MariaDB; with all of them if the environment has `UDUP_TEST_SERVERS=all` (`make test-servers`). Those of
MySQL 5.6 (`mysql56_source`, `mysql56_target`, `mysql56_server`) run there alone. They are marked `other_servers`.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.quick_servers import QUICK
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.client.names import quote
from udup.sandbox.cache import Say
from udup.sandbox.debian import DEBIAN_MARIADB
from udup.sandbox.npm import old_mysql_programs
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.provision import NEWEST_MARIADB, provision_mariadb
from udup.sandbox.server import MysqlServer

#: The mark of tests that use any of them, and that of tests which not every run has.
OTHER_SERVERS, NOT_ALWAYS = "other_servers", "not_always"

#: "all": every series of MariaDB, and MySQL 5.6.
CHOICE_VARIABLE = "UDUP_TEST_SERVERS"

#: The fixtures of which a test's programs are found out before it runs.
_MARIADB, _NEWEST, _MYSQL_56 = "mariadb_programs", "newest_mariadb", "mysql56_programs"


def every_server() -> bool:
    return os.environ.get(CHOICE_VARIABLE) == "all"


def mark(item: pytest.Item) -> None:
    """Mark a test by the servers that its fixtures start."""
    names = getattr(item, "fixturenames", ())
    if not {_MARIADB, _NEWEST, _MYSQL_56}.isdisjoint(names):
        item.add_marker(OTHER_SERVERS)
    if _MYSQL_56 in names:
        item.add_marker(NOT_ALWAYS)


def leave_out(items: list[pytest.Item], config: pytest.Config) -> None:
    """Take the tests out that this run does not have."""
    if every_server():
        return
    left_out = [item for item in items if item.get_closest_marker(NOT_ALWAYS) is not None]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item.get_closest_marker(NOT_ALWAYS) is None]


def provide(items: list[pytest.Item], say: Say) -> None:
    """Get what the tests will use into the cache: a download has no place in a test's time limit."""
    for series in sorted({item.callspec.params.get(_MARIADB, "") for item in items if hasattr(item, "callspec")}):
        if series:
            provision_mariadb(series, say)
    if any(_NEWEST in getattr(item, "fixturenames", ()) for item in items):
        provision_mariadb(NEWEST_MARIADB, say)
    if any(_MYSQL_56 in getattr(item, "fixturenames", ()) for item in items):
        old_mysql_programs(say)


@pytest.fixture(
    scope="session",
    params=[
        pytest.param(series, marks=[] if series == NEWEST_MARIADB else [pytest.mark.not_always])
        for series in DEBIAN_MARIADB
    ],
)
def mariadb_programs(request: pytest.FixtureRequest) -> MysqlPrograms:
    """The programs of a MariaDB; of each series in turn where all are wanted."""
    return provision_mariadb(request.param)


@pytest.fixture(scope="session")
def newest_mariadb() -> MysqlPrograms:
    """The programs of the newest MariaDB alone."""
    return provision_mariadb(NEWEST_MARIADB)


@pytest.fixture(scope="session")
def mysql56_programs() -> MysqlPrograms:
    return old_mysql_programs(lambda _line: None)


def _shared(programs: MysqlPrograms, folder: Path, role: str) -> Iterator[MysqlServer]:
    name = f"{programs.name.replace(' ', '-').lower()}-{role}"
    with MysqlServer(programs, folder / name, options=QUICK) as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_source(mariadb_programs: MysqlPrograms, server_folder: Path) -> Iterator[MysqlServer]:
    """A MariaDB to copy from, shared by all tests: work in a schema of `new_schema`, change no global settings."""
    yield from _shared(mariadb_programs, server_folder, "source")


@pytest.fixture(scope="session")
def mariadb_target(mariadb_programs: MysqlPrograms, server_folder: Path) -> Iterator[MysqlServer]:
    """A MariaDB to copy to, shared by all tests like `mariadb_source`, and of the same series."""
    yield from _shared(mariadb_programs, server_folder, "target")


@pytest.fixture(scope="session")
def mysql56_source(mysql56_programs: MysqlPrograms, server_folder: Path) -> Iterator[MysqlServer]:
    """A MySQL 5.6 to copy from, shared by all tests."""
    yield from _shared(mysql56_programs, server_folder, "source")


@pytest.fixture(scope="session")
def mysql56_target(mysql56_programs: MysqlPrograms, server_folder: Path) -> Iterator[MysqlServer]:
    """A MySQL 5.6 to copy to, shared by all tests."""
    yield from _shared(mysql56_programs, server_folder, "target")


MakeServer = Callable[..., MysqlServer]


def making(programs: MysqlPrograms, folder: Path) -> Iterator[MakeServer]:
    """Yield a maker of started servers of a test's own; they are wiped afterwards."""
    with ExitStack() as servers:

        def make(options: Mapping[str, str | int] | None = None, /, **more: str | int) -> MysqlServer:
            own = folder / f"own-{uuid.uuid4().hex[:12]}"
            return servers.enter_context(MysqlServer(programs, own, options={**QUICK, **(options or {}), **more}))

        yield make


@pytest.fixture
def mariadb_server(mariadb_programs: MysqlPrograms, server_folder: Path) -> Iterator[MakeServer]:
    """Makes started MariaDB servers of the test's own: `mariadb_server(log_bin_compress="ON")`; wiped afterwards."""
    yield from making(mariadb_programs, server_folder)


@pytest.fixture
def mysql56_server(mysql56_programs: MysqlPrograms, server_folder: Path) -> Iterator[MakeServer]:
    """Makes started servers of MySQL 5.6, as `mysql_server` does; wiped afterwards."""
    yield from making(mysql56_programs, server_folder)


@pytest.fixture
def new_schema() -> Iterator[Callable[..., str]]:
    """Makes a name for a schema: `new_schema(source, mariadb_target)`; it is dropped on these servers afterwards."""
    made: list[tuple[str, tuple[MysqlServer, ...]]] = []

    def name(*servers: MysqlServer) -> str:
        made.append((f"test_{uuid.uuid4().hex[:12]}", servers))
        return made[-1][0]

    yield name
    for schema, servers in made:
        for server in servers:
            drop_schema(server, schema)


def drop_schema(server: MysqlServer, schema: str) -> None:
    connection = connect(server.endpoint)
    try:
        query(connection, f"DROP DATABASE IF EXISTS {quote(schema)}")
    finally:
        connection.close()
