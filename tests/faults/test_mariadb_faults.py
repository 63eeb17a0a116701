"""Whatever is killed between MariaDB and MySQL, in each direction and between two MariaDB: nothing is lost or doubled.

One scenario for the log and one for the copy, in which processes of Udup's and both servers are killed one after the
other. `make test` has both directions between the families, `make test-servers` MariaDB to MariaDB and more kills in
the middle of a copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from tests.faults.conftest import (
    BEFORE,
    JOB,
    RATE_BESIDE_A_COPY,
    ROWS,
    SOURCE_OPTIONS,
    STAGE_SECONDS,
    Household,
    kill,
    wait_for,
)
from tests.quick_servers import QUICK
from udup.sandbox import shop
from udup.sandbox.node import UdupNode
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.server import MysqlServer

MYSQL, MARIADB = "mysql", "mariadb"


@pytest.fixture(
    scope="module",
    params=[
        (MYSQL, MARIADB),
        (MARIADB, MYSQL),
        pytest.param((MARIADB, MARIADB), marks=pytest.mark.not_always),
    ],
    ids="-to-".join,
)
def there(
    request: pytest.FixtureRequest,
    servers: tuple[MysqlServer, MysqlServer],
    mariadb_programs: MysqlPrograms,
    server_folder: Path,
) -> Iterator[Household]:
    """Servers of this pair with a shop on the source, and a Udup server of their own between them."""
    name = f"fault-{mariadb_programs.name.replace(' ', '-').lower()}-{'-'.join(request.param)}"
    with ExitStack() as stack:

        def server(place: int) -> MysqlServer:
            if request.param[place] == MYSQL:
                return servers[place]
            options = (SOURCE_OPTIONS, QUICK)[place]
            return stack.enter_context(
                MysqlServer(mariadb_programs, server_folder / f"{name}-{place}", options=options)
            )

        source, target = server(0), server(1)
        if request.param[0] == MARIADB:
            shop.fill(source.endpoint, ROWS)
        yield Household(source, target, stack.enter_context(UdupNode(server_folder / f"{name}-node")))


@pytest.fixture
def running(there: Household) -> Iterator[Household]:
    """The job runs under write load with definitions in it: the one of the test before if all is well with it."""
    there.carry_on_under_load()
    yield there
    there.revive()
    there.stop_load()


@pytest.fixture
def empty(there: Household) -> Iterator[Household]:
    """An empty target and no job yet."""
    there.revive()
    there.begin_anew()
    yield there
    there.revive()
    there.stop_load()


def _kill(home: Household, what: str) -> None:
    if what in ("source", "target"):
        server = home.source if what == "source" else home.target
        server.kill()
        server.restart()
    elif what == "node":
        home.node.kill()
        home.node.start()
    elif what == "nats":
        kill(next(pid for pid, title in home.node.pids().items() if "nats-server" in title))
    else:
        if what == "worker":
            home.need_a_worker()
        kill(home.pid_of(what))


@pytest.mark.parametrize(
    "victims",
    [
        ("worker", "applier", "target"),
        ("extractor", "source"),
        pytest.param(("supervisor", "nats", "node", "target"), marks=pytest.mark.not_always),
    ],
    ids="-".join,
)
def test_kills_while_changes_come_lose_and_double_nothing(running: Household, victims: tuple[str, ...]) -> None:
    for victim in victims:
        _kill(running, victim)
        running.wait_applied(BEFORE)
    running.check()


@pytest.mark.parametrize(
    "victims",
    [("extractor", "target"), pytest.param(("applier", "source"), marks=pytest.mark.not_always)],
    ids="-".join,
)
def test_kills_while_a_copy_runs_only_delay_it(empty: Household, victims: tuple[str, ...]) -> None:
    empty.start_load(rate=RATE_BESIDE_A_COPY)
    empty.post_job(chunk_rows=60)
    for number, victim in enumerate(victims):
        wait_for(lambda: _told(empty, "copied_rows") > 0, STAGE_SECONDS, "rows are copied")
        assert number or empty.node.job(JOB)["Stage"] == "copying"
        before = _told(empty, "restarts")
        _kill(empty, victim)
        wait_for(partial(_has_begun_again, empty, before), STAGE_SECONDS, "the copy begins again")
    empty.node.wait_stage(JOB, deadline=STAGE_SECONDS)
    empty.check()


def _told(home: Household, what: str) -> int:
    return int(home.node.job(JOB)["Progress"].get(what) or 0)


def _has_begun_again(home: Household, restarts: int) -> bool:
    return _told(home, "restarts") > restarts
