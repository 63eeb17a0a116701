"""A definition in which a MariaDB itself died: what it has logged when it came back is found, and nobody is asked."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from tests.drivers.mysql.apply.test_ddl_runner import Job, _definition
from udup.base.errors import Divergence, Transient
from udup.drivers.mysql.apply import ddl_runner
from udup.drivers.mysql.apply.run_ddl import Attempt
from udup.drivers.mysql.client.connection import connect, query, scalar
from udup.drivers.mysql.mariadb import once
from udup.pipeline.records import Definition
from udup.sandbox.server import MysqlServer


def run(server: MysqlServer, *statements: str) -> None:
    with closing(connect(server.endpoint)) as connection:
        for statement in statements:
            query(connection, statement)


@pytest.fixture
def both(source: MysqlServer, mariadb_target: MysqlServer, new_schema: Callable[..., str]) -> str:
    schema = new_schema(source, mariadb_target)
    for server in (source, mariadb_target):
        run(server, f"CREATE DATABASE {schema}", f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, a INT)")
    return schema


@pytest.fixture
def job(mariadb_target: MysqlServer, both: str) -> Iterator[Job]:
    made = Job(mariadb_target.endpoint, both)
    made.own = f"{uuid.uuid4()}:1"
    yield made
    if made.control.open:
        made.control.close()


@pytest.fixture
def interrupted(source: MysqlServer, both: str, job: Job, monkeypatch: pytest.MonkeyPatch) -> Definition:
    """A definition of which nobody has heard whether it has run."""
    definition = _definition(source, both, f"ALTER TABLE {both}.t ADD b INT")

    def dies(*args: object) -> None:
        next(each for each in args if isinstance(each, Attempt)).sent = True
        raise Transient("the connection is lost")

    with monkeypatch.context() as patch, pytest.raises(Transient):
        patch.setattr(ddl_runner, "run_ddl", dies)
        job.run(definition)
    job.take_over()
    return definition


def _columns(server: MysqlServer, schema: str) -> int:
    sql = "SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = 't'"
    with closing(connect(server.endpoint)) as connection:
        return int(scalar(connection, sql, schema))


def test_what_a_server_has_logged_when_it_came_back_has_run(
    mariadb_target: MysqlServer, both: str, job: Job, interrupted: Definition
) -> None:
    # As it does, at the beginning of a file:
    run(mariadb_target, "FLUSH BINARY LOGS", f"{once.sign(job.own).decode()}ALTER TABLE {both}.t ADD b INT")
    job.run(interrupted)
    assert _columns(mariadb_target, both) == 3


def test_what_somebody_else_has_changed_makes_somebody_be_asked(
    mariadb_target: MysqlServer, both: str, job: Job, interrupted: Definition
) -> None:
    run(mariadb_target, f"{once.sign('another:1').decode()}ALTER TABLE {both}.t ADD b INT")
    if mariadb_target.programs.version < (10, 6, 0):
        job.run(interrupted)  # whose definitions and log are not one: what the objects are decides
        return
    with pytest.raises(Divergence, match="the target's log does not have it, and what it changes is not as it was"):
        job.run(interrupted)


def test_a_definition_is_logged_with_its_sign(
    source: MysqlServer, mariadb_target: MysqlServer, both: str, job: Job
) -> None:
    run(mariadb_target, "FLUSH BINARY LOGS")
    job.run(_definition(source, both, f"ALTER TABLE {both}.t ADD b INT"))
    assert once.is_recovered(job.control, job.own)
