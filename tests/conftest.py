"""Real MySQL servers for the tests: a source and a target for the whole run, others on demand.

Nothing is left behind: the servers' folders go at the end, and the servers die with the test run if that is killed.
"""

from __future__ import annotations

import signal
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.client.names import quote
from udup.sandbox.cache import silent
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.provision import provision
from udup.sandbox.server import MysqlServer

MakeServer = Callable[..., MysqlServer]

#: Files and folders of tests that take long, the longest first.
_SLOW = (
    *("conformance/", "faults/", "jobs/test_life_cycle", "test_demo", "soak/"),
    *("jobs/", "test_node", "sandbox/", "web/"),
)

_programs = pytest.StashKey[MysqlPrograms]()


def pytest_configure() -> None:
    """Hear Ctrl-C: a shell that starts the suite in the background ignores SIGINT for it and all its children.

    Python leaves an ignored signal ignored, and so does exec. The tests of Ctrl-C start programs that must hear it.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Where several processes share the tests, the one that has them gets MySQL first: it alone is heard."""
    if getattr(session.config.option, "numprocesses", None):
        _provide(session.config)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest come first, so that no process is left alone with one of them at the end."""
    here = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        name = item.path.relative_to(here).as_posix()
        return next((place for place, slow in enumerate(_SLOW) if name.startswith(slow)), len(_SLOW))

    items.sort(key=place)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Gets MySQL before the first test, and only if a test wants it: a download has no place in a test's time limit."""
    wanted = any("programs" in getattr(item, "fixturenames", ()) for item in session.items)
    if wanted and not session.config.option.collectonly:
        _provide(session.config)


def _provide(config: pytest.Config) -> None:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    say = reporter.write_line if reporter is not None else silent
    try:
        config.stash[_programs] = provision(say)
    except UdupError as error:
        pytest.exit(f"the tests need a MySQL server: {error}", returncode=pytest.ExitCode.USAGE_ERROR)


@pytest.fixture(scope="session")
def programs(pytestconfig: pytest.Config) -> MysqlPrograms:
    """The programs of a real MySQL, 8.0 or newer."""
    return pytestconfig.stash[_programs]


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """Where the servers of this run live; removed at the end."""
    with tempfile.TemporaryDirectory(prefix="udup-tests-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def source(programs: MysqlPrograms, server_folder: Path) -> Iterator[MysqlServer]:
    """The server to copy from, shared by all tests: work in your own `schema`, change no global settings."""
    with MysqlServer(programs, server_folder / "source") as server:
        yield server


@pytest.fixture(scope="session")
def target(programs: MysqlPrograms, server_folder: Path) -> Iterator[MysqlServer]:
    """The server to copy to, shared by all tests like `source`."""
    with MysqlServer(programs, server_folder / "target") as server:
        yield server


@pytest.fixture
def schema(source: MysqlServer, target: MysqlServer) -> Iterator[str]:
    """A schema name of the test's own. The test creates it; it is dropped on both sides afterwards."""
    name = f"test_{uuid.uuid4().hex[:12]}"  # not `random`: it starts over from the same seed in every test
    yield name
    for server in (source, target):
        connection = connect(server.endpoint)
        try:
            query(connection, f"DROP DATABASE IF EXISTS {quote(name)}")
        finally:
            connection.close()


@pytest.fixture
def mysql_server(programs: MysqlPrograms, server_folder: Path) -> Iterator[MakeServer]:
    """Makes started servers of the test's own: `mysql_server(binlog_row_image="MINIMAL")`; wiped afterwards."""
    with ExitStack() as servers:

        def make(options: Mapping[str, str | int] | None = None, /, **more: str | int) -> MysqlServer:
            folder = server_folder / f"own-{uuid.uuid4().hex[:12]}"
            return servers.enter_context(MysqlServer(programs, folder, options={**(options or {}), **more}))

        yield make
