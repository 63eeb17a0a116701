"""Jobs from and to servers whose accounts have what managed MySQL grants, and no more."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import MakeServer
from tests.end_to_end.conftest import World, run, wait_for
from tests.full_copy import flushes
from tests.managed import AIVEN, RDS_MASTER, RDS_SOURCE, managed_account
from udup.base.endpoint import Endpoint
from udup.drivers.mysql.client.connection import connect
from udup.sandbox.api import job_document
from udup.sandbox.server import MysqlServer

_DOCUMENT = (Path(__file__).parents[2] / "docs" / "managed-mysql.md").read_text("utf-8")

#: Its GRANT statements, for a source and for a target: with and without the privilege that BINLOG needs.
_SOURCE, _TARGET, _TARGET_WITHOUT = re.findall(r"^```sql\n(.*?)^```$", _DOCUMENT, re.DOTALL | re.MULTILINE)


@contextmanager
def _made(by: Endpoint, block: str, name: str) -> Iterator[Endpoint]:
    """Yield the job's account, made by the service's own administrator with the statements of the document."""
    account = f"'u{name[:20]}'@'%'"
    text = block.replace("'udup'@'%'", account).replace("`shop`", f"`{name}`")
    run(by, *(each for each in text.split(";\n") if each.strip()))
    yield replace(by, user=account.split("'")[1], password="a-password")
    run(by, f"DROP USER {account}")


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
                    stop.wait(0.01)  # a busy machine must be able to follow
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


@pytest.mark.parametrize(
    ("privileges", "block", "by_statements"),
    [(AIVEN, _TARGET, False), (RDS_MASTER, _TARGET_WITHOUT, True)],
    ids=["events", "statements"],
)
def test_a_job_from_a_source_without_the_global_lock_to_a_target_without_session_variables(
    managed: World, name: str, privileges: Sequence[str], block: str, by_statements: bool
) -> None:
    """Copied while three sessions write, followed, and level: both servers hold the same. With the accounts that the
    document has, made by what these services call their administrators.
    """
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
        managed_account(managed.source, RDS_SOURCE) as master,
        managed_account(managed.target, privileges) as admin,
        _made(master, _SOURCE, name) as source,
        _made(admin, block, name) as target,
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
    assert any("by statements" in each for each in warnings) == by_statements, warnings
    assert any("LOCK TABLES … READ" in each and "nothing has to be done" in each for each in warnings), warnings
    assert flushes(managed.source.endpoint) == flushed, "no global lock was asked for"


def test_binlog_admin_with_session_variables_is_as_good_as_a_replication_applier(world: World, name: str) -> None:
    """Rows, a definition, and a table without transactions, whose rows go between two marks."""
    other = _TARGET.replace("REPLICATION_APPLIER", "BINLOG_ADMIN, SESSION_VARIABLES_ADMIN")
    assert other != _TARGET
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT PRIMARY KEY, a INT)",
        f"CREATE TABLE {name}.m (id INT PRIMARY KEY) ENGINE=MyISAM",
        f"INSERT INTO {name}.t VALUES (1, 1), (2, 2)",
    )
    with _made(world.target.endpoint, other, name) as target:
        world.post(job_document(name, world.source.endpoint, target, [name]) | {"ID": name})
        world.runs(name)
        world.on_source(
            f"UPDATE {name}.t SET a = 3",
            f"ALTER TABLE {name}.t ADD c INT DEFAULT 7",
            f"INSERT INTO {name}.m VALUES (1), (2)",
            f"INSERT INTO {name}.t (id) VALUES (3)",
            f"XA START '{name}'",
            f"INSERT INTO {name}.t (id) VALUES (4)",
            f"XA END '{name}'",
            f"XA PREPARE '{name}'",
            f"XA COMMIT '{name}'",
        )
        world.level_and_equal(name, name)
        world.forget(name)
