"""One job posted to two nodes, at any moment: one has it, the other waits and says for whom; nothing differs."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.conftest import NUMBERS, World, value, wait_for
from udup.base.errors import Transient
from udup.drivers.mysql.apply.own_tables import create_tables
from udup.drivers.mysql.client.connection import Connection, connect, query
from udup.sandbox.api import Json
from udup.sandbox.node import UdupNode

ROWS = 20_000


@pytest.fixture(scope="module")
def second(server_folder: Path) -> Iterator[UdupNode]:
    with UdupNode(server_folder / "jobs-node-2") as node:
        yield node


@dataclass
class Two:
    """The job of `name` on the node of before, and perhaps on the one that comes after."""

    world: World
    name: str
    first: UdupNode
    second: UdupNode

    def document(self) -> Json:
        return self.world.document(self.name, [self.name], src={"ChunkSize": 500}, workers=2)

    def shown(self) -> list[tuple[str, str]]:
        """Stage and reason on both nodes."""
        jobs = [node.job(self.name) for node in (self.first, self.second)]
        return [(str(job["Stage"]), str(job["StatusDescription"])) for job in jobs]

    def settle_and_compare(self) -> tuple[UdupNode, str]:
        """Until one node runs the job and the other waits for it; who runs it, and what the other says.

        Then all is equal.
        """

        def settled() -> bool:
            shown = self.shown()
            if sorted(stage for stage, _ in shown) != ["pending", "running"]:
                return False
            waiting = 0 if shown[0][0] == "pending" else 1
            return str((self.second, self.first)[waiting].data) in shown[waiting][1]

        wait_for(settled, self.shown)
        self.world.on_source(
            f"INSERT INTO {self.name}.keyless VALUES (-1), (-1)", f"UPDATE {self.name}.t SET a = -a WHERE id % 100 = 0"
        )
        shown = self.shown()
        running = 0 if shown[0][0] == "running" else 1
        owner = (self.first, self.second)[running]
        World(self.world.source, self.world.target, owner).level_and_equal(self.name, self.name)
        assert value(self.world.target.endpoint, f"SELECT COUNT(*) FROM {self.name}.t") == ROWS
        assert all(stage != "failed" for stage, _ in self.shown()), self.shown()
        return owner, shown[1 - running][1]

    def copied(self) -> bool:
        with suppress(Exception):  # there is no such table yet
            return bool(value(self.world.target.endpoint, f"SELECT 1 FROM {self.name}.t LIMIT 1"))
        return False


@pytest.fixture
def two(world: World, second: UdupNode, name: str) -> Iterator[Two]:
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT PRIMARY KEY, a INT, b CHAR(200), KEY (a), KEY (b))",
        f"CREATE TABLE {name}.keyless (a INT)",
        "SET SESSION cte_max_recursion_depth = 100000",
        f"INSERT INTO {name}.t {NUMBERS.format(ROWS)} SELECT n, n, REPEAT('x', 200) FROM n",
        f"INSERT INTO {name}.keyless {NUMBERS.format(ROWS)} SELECT n FROM n",
    )
    yield Two(world, name, world.node, second)
    for node in (world.node, second):
        node.delete_job(name)


# ---- Moments of a copy, each held still on the target until the second node has been told ----


@contextmanager
def _held(two: Two, statement: str) -> Iterator[Connection]:
    """A transaction of somebody else's on the target, in the way of what the copy does next."""
    with closing(connect(two.world.target.endpoint)) as connection:
        create_tables(connection)
        query(connection, "START TRANSACTION")
        query(connection, statement)
        yield connection


@contextmanager
def _before_the_first_ddl(two: Two) -> Iterator[None]:
    with _held(two, "SELECT * FROM udup.copied_table FOR UPDATE"):
        two.first.post_job(two.document())
        two.first.wait_stage(two.name, ("copying",))
        yield


@contextmanager
def _while_chunks_are_loaded(two: Two) -> Iterator[None]:
    two.first.post_job(two.document())
    wait_for(two.copied, two.shown)
    yield


@contextmanager
def _at_the_building_of_indexes(two: Two) -> Iterator[None]:
    """The ALTER waits for a reader of the table."""
    two.first.post_job(two.document())
    wait_for(two.copied, two.shown)
    with _held(two, f"SELECT * FROM {two.name}.t LIMIT 1"):
        altering = f"SELECT COUNT(*) FROM performance_schema.processlist WHERE INFO LIKE 'ALTER TABLE `{two.name}`%'"
        wait_for(lambda: value(two.world.target.endpoint, altering) > 0, two.shown)
        yield


@contextmanager
def _at_its_end(two: Two) -> Iterator[None]:
    """The checkpoint waits for a reader of its row."""
    two.first.post_job(two.document())
    wait_for(two.copied, two.shown)
    with _held(two, f"SELECT * FROM udup.checkpoint WHERE job = '{two.name}' FOR SHARE"):
        wait_for(
            lambda: two.first.job(two.name)["Progress"].get("copy_phase") == "done",
            lambda: two.first.job(two.name)["Progress"],
        )
        yield


@contextmanager
def _in_the_log(two: Two) -> Iterator[None]:
    two.first.post_job(two.document())
    two.first.wait_stage(two.name)
    two.world.on_source(f"INSERT INTO {two.name}.keyless SELECT a FROM {two.name}.t LIMIT 500")
    yield


MOMENTS = (
    _before_the_first_ddl,
    _while_chunks_are_loaded,
    _at_the_building_of_indexes,
    _at_its_end,
    _in_the_log,
)


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.__name__.strip("_"))
def test_a_second_node_may_be_given_the_job_at_any_moment(two: Two, moment: Callable[[Two], Iterator[None]]) -> None:
    with moment(two):  # type: ignore[attr-defined]
        two.second.post_job(two.document())
    owner, told = two.settle_and_compare()
    assert owner is two.second, two.shown()
    assert str(two.second.data) in told and "KILL" in told, told


# ---- A node that freezes and thaws ----


def _signal(node: UdupNode, number: signal.Signals) -> None:
    for pid in node.pids():
        with suppress(ProcessLookupError):
            os.kill(pid, number)


@pytest.mark.parametrize(
    "moment", [_while_chunks_are_loaded, _at_the_building_of_indexes, _in_the_log], ids=lambda m: m.__name__.strip("_")
)
def test_a_frozen_node_is_taken_over_at_once_and_changes_nothing_when_it_thaws(
    two: Two, moment: Callable[[Two], Iterator[None]]
) -> None:
    with moment(two):  # type: ignore[attr-defined]
        _signal(two.first, signal.SIGSTOP)
    try:
        two.second.post_job(two.document())
        two.second.wait_stage(two.name)
    finally:
        _signal(two.first, signal.SIGCONT)
    owner, _ = two.settle_and_compare()
    assert owner is two.second


def test_who_waits_goes_on_when_the_owner_is_gone(two: Two) -> None:
    with _in_the_log(two):
        two.second.post_job(two.document())
    owner, _ = two.settle_and_compare()
    assert owner is two.second
    two.second.delete_job(two.name)
    two.first.wait_stage(two.name)
    two.world.on_source(f"INSERT INTO {two.name}.keyless VALUES (-2)")
    two.world.level_and_equal(two.name, two.name)
    two.second.post_job(two.document())  # somebody wants it there again
    assert two.settle_and_compare()[0] is two.second
    with suppress(Transient):
        two.first.delete_job(two.name)
