"""Kills while changes go from MySQL to MariaDB, definitions among them: nothing is lost, doubled, or run twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import AFTER, BEFORE, STAGE_SECONDS, Household, kill
from tests.quick_servers import QUICK
from udup.sandbox.node import UdupNode
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.server import MysqlServer


@pytest.fixture(scope="module")
def there(
    servers: tuple[MysqlServer, MysqlServer], mariadb_programs: MysqlPrograms, server_folder: Path
) -> Iterator[Household]:
    """The shop's server, a MariaDB to copy to, and a Udup server of their own between them."""
    folder = server_folder / f"fault-{mariadb_programs.name.replace(' ', '-').lower()}"
    with MysqlServer(mariadb_programs, folder, options=QUICK) as target, UdupNode(Path(f"{folder}-node")) as node:
        yield Household(servers[0], target, node)


@pytest.fixture
def running(there: Household) -> Iterator[Household]:
    """The job runs under write load with definitions in it: the one of the test before if all is well with it."""
    there.revive()
    if not there.sound:
        there.begin_anew()
        there.post_job()
    there.node.wait_stage("shop", deadline=STAGE_SECONDS)
    there.start_load(ddl=True)
    there.wait_applied(BEFORE)
    yield there
    there.revive()
    there.stop_load()


@pytest.mark.parametrize("role", ["worker", "applier"])
def test_a_killed_actor_loses_and_doubles_nothing(running: Household, role: str) -> None:
    running.need_a_worker()
    kill(running.pid_of(role))
    running.wait_applied(AFTER)
    running.check()


def test_a_mariadb_killed_again_and_again_loses_and_doubles_nothing(running: Household) -> None:
    """Without definitions: of one in which the server itself dies, somebody may be asked (`mariadb/once.py`)."""
    running.wait_applied(BEFORE)
    running.stop_load()
    running.start_load()
    for _ in range(3):
        running.target.kill()
        running.target.restart()
        running.wait_applied(BEFORE)
    running.check()
