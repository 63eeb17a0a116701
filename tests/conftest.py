"""Real servers for the tests: a MySQL source and target for the whole run, others on demand.

Nothing is left behind: the servers' folders go at the end, and the servers die with the test run if that is killed.

A test whose fixtures start a server (MySQL, NATS, a node) is marked `server` by itself, and no other test can start
one: `make check` runs the tests without servers, in seconds. What takes long all the same is marked `slow` by hand.
"""

from __future__ import annotations

import functools
import gc
import itertools
import os
import signal
import ssl
import tempfile
import uuid
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import certifi
import pytest

from tests import other_servers, promtool
from tests.console import browser
from tests.other_servers import (
    MakeServer,
    drop_schema,
    making,
    mariadb_programs,
    mariadb_server,
    mariadb_source,
    mariadb_target,
    mysql56_programs,
    mysql56_server,
    mysql56_source,
    mysql56_target,
    new_schema,
    newest_mariadb,
)
from tests.quick_servers import QUICK
from udup.base.errors import UdupError
from udup.node.nats_server import NatsServer
from udup.sandbox.cache import Say, silent
from udup.sandbox.node import UdupNode
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.provision import provision
from udup.sandbox.server import MysqlServer

__all__ = [  # the fixtures of servers besides the newest MySQL
    "mariadb_programs",
    "mariadb_server",
    "mariadb_source",
    "mariadb_target",
    "mysql56_programs",
    "mysql56_server",
    "mysql56_source",
    "mysql56_target",
    "new_schema",
    "newest_mariadb",
]

_HERE = Path(__file__).parent

#: Files and folders of tests that take long, the longest first. Those at the very beginning alternate: full disks and
#: outages wait for minutes, and the others compute meanwhile. Two files of demos wait for each other: far apart.
_SLOW = (
    *("faults/test_full_disks", "conformance/test_managed", "conformance/test_incremental"),
    *("end_to_end/test_outages", "conformance/", "faults/", "demo/test_demo", "end_to_end/test_waits"),
    *("console/", "end_to_end/", "node/", "subscriptions/", "demo/test_subscribe_demo", "soak/"),
    *("cluster/test_real_servers", "sandbox/", "drivers/mysql/snapshot/", "drivers/", "verify/", "web/"),
)

#: Tests that wait for nothing: between those that do, so that a process computes while the others wait. How many files
#: of the others stand between two of theirs.
_COMPUTING, _BETWEEN = "sim/", 7

#: Folders of which every test needs servers: they are not even read where none with a server is wanted.
_ALL_SERVERS = frozenset({"conformance", "end_to_end", "faults", "soak"})

#: Files of which every test is slow: where no slow ones are wanted, they are not read either.
_ALL_SLOW = frozenset({"web/test_described_answers.py"})

#: What every fixture that starts a server asks for, itself or through others.
_SERVER_FIXTURES = frozenset({"programs", "server_folder", "mariadb_programs", "mysql56_programs"})

#: The fixture that every test in a browser asks for, through others.
_BROWSER = "one_browser"

_programs = pytest.StashKey[MysqlPrograms]()


def pytest_configure() -> None:
    """Hear Ctrl-C: a shell that starts the suite in the background ignores SIGINT for it and all its children.

    Python leaves an ignored signal ignored, and so does exec. The tests of Ctrl-C start programs that must hear it.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for server in (MysqlServer, NatsServer, UdupNode):
        _guard(server)
    _read_authorities_once()


def _read_authorities_once() -> None:
    """Give every `httpx.get(…)` one TLS context: it reads the authorities' certificates, 30 ms of CPU, for HTTP too."""
    public = {certifi.where(), *(os.environ[name] for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if name in os.environ)}
    create = ssl.create_default_context
    shared = functools.cache(create)

    def create_or_share(*args: Any, **kwargs: Any) -> ssl.SSLContext:
        of_the_public = not args and bool(kwargs) and public.issuperset(kwargs.values())
        return shared(**kwargs) if of_the_public else create(*args, **kwargs)

    ssl.create_default_context = create_or_share


def _guard(server: type[MysqlServer] | type[NatsServer] | type[UdupNode]) -> None:
    """Make a test fail that starts such a server without a fixture by which it is known to."""
    start = server.start

    @functools.wraps(start)
    def guarded(self: Any) -> None:
        if not _may_start_servers:
            pytest.fail(f"a test that starts a {server.__name__} asks for the fixture server_folder")
        start(self)

    server.start = guarded  # type: ignore[method-assign]


#: Whether the test that runs is marked `server`; true outside of tests.
_may_start_servers = True


def pytest_runtest_logstart() -> None:
    """Between two tests, fixtures of a wider scope end."""
    _allow(True)


def pytest_runtest_setup(item: pytest.Item) -> None:
    _allow(item.get_closest_marker("server") is not None)


def _allow(servers: bool) -> None:
    global _may_start_servers
    _may_start_servers = servers


def pytest_sessionstart(session: pytest.Session) -> None:
    """Where several processes share the tests, the one that has them gets MySQL first: it alone is heard."""
    if getattr(session.config.option, "numprocesses", None):
        _provide(session.config)
        if "not slow" not in str(session.config.option.markexpr):
            browser.provide(_say(session.config))
            promtool.provide(_say(session.config))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    wanted = str(config.option.markexpr)
    if "not server" in wanted and _folder(collection_path) in _ALL_SERVERS:
        return True
    return True if "not slow" in wanted and _name(collection_path) in _ALL_SLOW else None


@functools.cache  # asked for each of thousands of tests, in each process
def _name(path: Path) -> str:
    """A test's file, as `_ALL_SLOW` has it."""
    return path.relative_to(_HERE).as_posix() if path.is_relative_to(_HERE) else ""


@functools.cache
def _folder(path: Path) -> str:
    """The folder of the tests that a file or folder is in."""
    return path.relative_to(_HERE).parts[0] if path.is_relative_to(_HERE) and path != _HERE else ""


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what needs a server, before `-m` chooses."""
    if not _SERVER_FIXTURES.isdisjoint(getattr(item, "fixturenames", ())):
        item.add_marker("server")
    elif _folder(item.path) in _ALL_SERVERS:
        raise pytest.UsageError(f"{item.nodeid} needs no server: it belongs beside what it tests")
    if _name(item.path) in _ALL_SLOW or _BROWSER in getattr(item, "fixturenames", ()):
        item.add_marker("slow")
    other_servers.mark(item)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item], config: pytest.Config) -> None:
    """The files that take longest come first, so that no process is left alone with one of them at the end."""
    other_servers.leave_out(items, config)

    def place(item: pytest.Item) -> int:
        name = _name(item.path)
        return next((place for place, slow in enumerate(_SLOW) if name.startswith(slow)), len(_SLOW))

    items.sort(key=place)
    items[:] = _interleaved(items)
    _check_ids(items)


def _interleaved(items: list[pytest.Item]) -> Iterator[pytest.Item]:
    """Yield the tests file by file, those that compute between those that wait."""
    files = [list(group) for _, group in itertools.groupby(items, key=lambda item: item.path)]
    computing = [file for file in files if _name(file[0].path).startswith(_COMPUTING)]
    waiting = [file for file in files if not _name(file[0].path).startswith(_COMPUTING)]
    for number, file in enumerate(waiting, start=_BETWEEN - 3):
        yield from file
        if computing and number % _BETWEEN == 0:
            yield from computing.pop(0)
    for file in computing:
        yield from file


def _check_ids(items: list[pytest.Item]) -> None:
    """Refuse two tests of one ID: of these, processes that share the tests run the first alone and say nothing."""
    twice = [each for each, times in Counter(item.nodeid for item in items).items() if times > 1]
    if twice:
        raise pytest.UsageError(f"tests that have one ID: {', '.join(sorted(twice))}")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without the collector of garbage, which finds none in hundreds of thousands of objects again and again.

    They stay for the whole run, so it leaves them alone afterwards as well, here and in what is forked.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Gets MySQL before the first test, and only if a test wants it: a download has no place in a test's time limit."""
    if session.config.option.collectonly:
        return
    if any("programs" in getattr(item, "fixturenames", ()) for item in session.items):
        _provide(session.config)
    if any(_BROWSER in getattr(item, "fixturenames", ()) for item in session.items):
        browser.provide(_say(session.config))
    _provide_others(session)


def _provide(config: pytest.Config) -> None:
    try:
        config.stash[_programs] = provision(_say(config))
    except UdupError as error:
        pytest.exit(f"the tests need a MySQL server: {error}", returncode=pytest.ExitCode.USAGE_ERROR)


def _provide_others(session: pytest.Session) -> None:
    try:
        other_servers.provide(session.items, _say(session.config))
    except UdupError as error:
        pytest.exit(f"the tests need another server: {error}", returncode=pytest.ExitCode.USAGE_ERROR)


def _say(config: pytest.Config) -> Say:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return silent if reporter is None else reporter.write_line


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
    with MysqlServer(programs, server_folder / "source", options=QUICK) as server:
        yield server


@pytest.fixture(scope="session")
def target(programs: MysqlPrograms, server_folder: Path) -> Iterator[MysqlServer]:
    """The server to copy to, shared by all tests like `source`."""
    with MysqlServer(programs, server_folder / "target", options=QUICK) as server:
        yield server


@pytest.fixture
def schema(source: MysqlServer, target: MysqlServer) -> Iterator[str]:
    """A schema name of the test's own. The test creates it; it is dropped on both sides afterwards."""
    name = f"test_{uuid.uuid4().hex[:12]}"  # not `random`: it starts over from the same seed in every test
    yield name
    for server in (source, target):
        drop_schema(server, name)


@pytest.fixture
def mysql_server(programs: MysqlPrograms, server_folder: Path) -> Iterator[MakeServer]:
    """Makes started servers of the test's own: `mysql_server(binlog_row_image="MINIMAL")`; wiped afterwards."""
    yield from making(programs, server_folder)
