"""Jobs from and to servers whose accounts have what managed MySQL grants, and no more."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest

from tests.conftest import MakeServer
from tests.end_to_end.conftest import World, run, wait_for
from tests.full_copy import flushes
from tests.managed import AIVEN, RDS_SOURCE, managed_account
from udup.drivers.mysql.client.connection import connect
from udup.sandbox.api import job_document
from udup.sandbox.server import MysqlServer


@pytest.fixture
def managed(world: World, mysql_server: MakeServer) -> Iterator[World]:
    """The same node and target, with a source that shows nothing in performance_schema, as Amazon's by default."""
    source = mysql_server(performance_schema="OFF")
    yield replace(world, source=source, posted=world.posted)


@contextmanager
def _writing(source: MysqlServer, schema: str) -> Iterator[list[int]]:
    """Three writers of transactions over two tables of the job and one beside; rows are changed and moved too."""
    stop, done, errors = threading.Event(), [0, 0, 0], list[BaseException]()

    def write(writer: int) -> None:
        try:
            with closing(connect(source.endpoint, autocommit=False)) as connection:
                while not stop.is_set():
                    number = done[writer] * 3 + writer
                    for statement in (
                        f"INSERT INTO {schema}.t VALUES ({number}, {writer}, 'row {number}')",
                        f"UPDATE {schema}.t SET a = a + 3 WHERE id = {number // 2} AND a % 3 = {writer}",
                        f"INSERT INTO {schema}.u SELECT {number}, COUNT(*) FROM {schema}.t WHERE id = {number // 3}",
                        f"INSERT INTO {schema}_beside.b VALUES ({number})",
                    ):
                        connection.cursor().execute(statement)
                    connection.commit()
                    done[writer] += 1
        except BaseException as error:  # noqa: BLE001 -- looked at below
            errors.append(error)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield done
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert errors == []


def test_a_job_from_a_source_without_the_global_lock_to_a_target_without_session_variables(
    managed: World, name: str
) -> None:
    """Copied while three sessions write, followed, and level: both servers hold the same."""
    run(
        managed.source.endpoint,
        f"CREATE DATABASE {name}",
        f"CREATE DATABASE {name}_beside",
        f"CREATE TABLE {name}.t (id INT PRIMARY KEY, a INT, c VARCHAR(40), KEY (a))",
        f"CREATE TABLE {name}.u (id INT PRIMARY KEY, n INT)",
        f"CREATE TABLE {name}_beside.b (id INT PRIMARY KEY)",
    )
    flushed = flushes(managed.source.endpoint)
    with (
        managed_account(managed.source, RDS_SOURCE) as source,
        managed_account(managed.target, AIVEN) as target,
    ):
        with _writing(managed.source, name) as done:
            wait_for(lambda: min(done) > 5, lambda: done)
            managed.post(job_document(name, source, target, [name]) | {"ID": name})
            managed.runs(name)
            run(managed.source.endpoint, f"ALTER TABLE {name}.u ADD INDEX (n)")
            copied = sum(done)
            wait_for(lambda: sum(done) > copied + 20, lambda: managed.node.job(name))
            warnings = managed.node.job(name)["Progress"]["warnings"]
        managed.level_and_equal(name, name)
        managed.forget(name)
    assert any("LOCK TABLES … READ" in each and "nothing has to be done" in each for each in warnings), warnings
    assert flushes(managed.source.endpoint) == flushed, "no global lock was asked for"
