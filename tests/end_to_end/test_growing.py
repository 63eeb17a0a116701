"""A running job gets tables, loses some, loads some again, while its source is written to. Real servers, real kills."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import httpx
import pytest

from tests.end_to_end.conftest import NUMBERS, World, value, wait_for
from udup.drivers.mysql.apply import ahead
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import connect, query, scalar
from udup.pipeline.positions import AheadNote, AheadNotes
from udup.pipeline.selection.selection import Selection
from udup.sandbox.api import Json

JSON = {"Accept": "application/json"}

#: Rows of each table before the job begins.
ROWS = 500


@pytest.fixture
def running(world: World, name: str) -> str:
    """A job of table `a` alone, of a schema of three tables."""
    world.on_source(
        f"CREATE DATABASE {name}",
        *(f"CREATE TABLE {name}.{each} (id INT AUTO_INCREMENT PRIMARY KEY, n INT NOT NULL)" for each in "abc"),
        *(f"INSERT INTO {name}.{each} (n) {NUMBERS.format(ROWS)} SELECT n FROM n" for each in "abc"),
    )
    world.post(_document(world, name, "a"))
    world.runs(name)
    return name


def _document(world: World, name: str, *tables: str) -> Json:
    only = [{"TableSchema": name, "Tables": [{"TableName": each} for each in tables]}]
    return world.document(name, [], src={"ReplicateDoDb": only})


@contextmanager
def _writes(world: World, name: str) -> Iterator[None]:
    """Transactions over all three tables, one after the other."""
    ends = threading.Event()

    def write() -> None:
        with closing(connect(world.source.endpoint, autocommit=True)) as connection:
            number = 0
            while not ends.wait(0.004):
                number += 1
                connection.begin()
                for each in "abc":
                    query(connection, f"INSERT INTO {name}.{each} (n) VALUES ({number})")
                    query(connection, f"UPDATE {name}.{each} SET n = n + 1 WHERE id = {number % ROWS + 1}")
                    query(connection, f"DELETE FROM {name}.{each} WHERE id = {number * 7 % ROWS + 1}")
                connection.commit()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        ends.set()
        writer.join()


def _put(world: World, path: str, **query: Any) -> httpx.Response:
    return httpx.put(world.node.url + path, params=query, headers=JSON, timeout=60)


def _live(world: World, name: str) -> None:
    """Wait until the job's tables are its own again."""
    wait_for(lambda: world.node.job(name)["Growing"] is None, lambda: world.node.job(name), 90)
    world.runs(name)


def _equal(world: World, name: str, *tables: str) -> None:
    world.level(name)
    for each in tables:
        sql = f"SELECT COUNT(*), SUM(CRC32(CONCAT_WS(',', id, n))) FROM {name}.{each}"
        found = []
        for server in (world.source, world.target):
            with closing(connect(server.endpoint)) as connection:
                found.append(query(connection, sql))
        assert found[0] == found[1], each


def test_new_tables_join_a_job_under_writes_and_are_listed_nowhere_as_a_job(world: World, running: str) -> None:
    with _writes(world, running):
        world.post(_document(world, running, "a", "b", "c"))
        wait_for(lambda: world.node.job(running)["Growing"] is not None, lambda: world.node.job(running))
        listed = httpx.get(f"{world.node.url}/v1/jobs", timeout=30).json()
        assert not [each["ID"] for each in listed if " " in each["ID"]]
        _live(world, running)
    _equal(world, running, *"abc")
    claims = "SELECT GROUP_CONCAT(DISTINCT job) FROM udup.claim WHERE table_schema = %s"
    assert value(world.target.endpoint, claims, running) == running


def test_a_table_is_loaded_again_and_a_wrong_row_is_right_then(world: World, running: str) -> None:
    world.post(_document(world, running, "a", "b"))
    _live(world, running)
    with closing(connect(world.target.endpoint, autocommit=True)) as connection:
        query(connection, f"UPDATE {running}.b SET n = -1 WHERE id = 400")
    with _writes(world, running):
        answer = _put(world, f"/v1/job/{running}/tables/{running}.b/reload")
        assert answer.status_code == 200 and answer.json()["Tables"] == [f"{running}.b"]
        again = _put(world, f"/v1/job/{running}/reload", table=f"{running}.a")
        assert again.status_code == 503 and "still loading" in again.text
        _live(world, running)
    _equal(world, running, *"ab")


def test_tables_that_are_taken_out_stay_as_they_are_and_others_may_have_them(world: World, running: str) -> None:
    world.post(_document(world, running, "a", "b"))
    _live(world, running)
    answer = httpx.put(
        f"{world.node.url}/v1/jobs", json=_document(world, running, "b"), headers=JSON, timeout=60
    ).json()
    assert f"{running}.a: on the target as now" in answer["Warning"]
    _live(world, running)
    listed = httpx.get(f"{world.node.url}/v1/job/{running}/tables", timeout=30).json()
    assert [(each["Table"], each["State"]) for each in listed["Tables"]] == [(f"{running}.b", "live")]
    world.on_source(f"INSERT INTO {running}.a (n) VALUES (7)", f"INSERT INTO {running}.b (n) VALUES (7)")
    _equal(world, running, "b")
    assert value(world.target.endpoint, f"SELECT COUNT(*) FROM {running}.a") == ROWS
    claims = "SELECT GROUP_CONCAT(table_name) FROM udup.claim WHERE job = %s"
    assert value(world.target.endpoint, claims, running) == "b"


def test_all_of_it_at_once_with_everything_killed(world: World, running: str) -> None:
    """More tables and one less, while each process of the job is killed again and again."""
    dice, roles = random.Random(5), ("extractor", "applier", "worker", "supervisor", "store")
    with _writes(world, running):
        world.post(_document(world, running, "b", "c"))
        for _ in range(12):
            for actor in world.node.api.actors():
                if actor["JobID"].startswith(running) and actor["Role"] in roles and dice.random() < 0.4:
                    with suppress(ProcessLookupError):
                        os.kill(int(actor["Pid"]), signal.SIGKILL)
            time.sleep(dice.random() * 0.6)
        _live(world, running)
    _equal(world, running, *"bc")


def _keys(server: Any, name: str) -> list[tuple[str, str]]:
    sql = (
        "SELECT TABLE_NAME, REFERENCED_TABLE_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS"
        f" WHERE CONSTRAINT_SCHEMA = '{name}' ORDER BY 1, 2"
    )
    with closing(connect(server.endpoint)) as connection:
        return [(str(child), str(parent)) for child, parent in query(connection, sql)]


def _child(world: World, name: str, rule: str = "") -> None:
    world.on_source(
        f"CREATE TABLE {name}.child (id INT AUTO_INCREMENT PRIMARY KEY, n INT NOT NULL, a_id INT,"
        f" CONSTRAINT of_a FOREIGN KEY (a_id) REFERENCES {name}.a (id) {rule})",
        f"INSERT INTO {name}.child (n, a_id) SELECT n, id FROM {name}.a",
    )


@contextmanager
def _families(world: World, name: str) -> Iterator[None]:
    """Transactions that make a parent and its child, and take both away again, in orders that a foreign key minds."""
    ends = threading.Event()

    def write() -> None:
        with closing(connect(world.source.endpoint, autocommit=True)) as connection:
            while not ends.wait(0.004):
                query(connection, f"INSERT INTO {name}.a (n) VALUES (7)")
                made = query(connection, "SELECT LAST_INSERT_ID()")[0][0]
                query(connection, f"INSERT INTO {name}.child (n, a_id) VALUES (1, {made})")
                if made % 3:
                    query(connection, f"DELETE FROM {name}.child WHERE a_id = {made}")
                    query(connection, f"DELETE FROM {name}.a WHERE id = {made}")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        ends.set()
        writer.join()


def test_a_foreign_key_that_only_checks_is_made_when_both_tables_are_joined(world: World, running: str) -> None:
    """The child comes to its parent's job; the parent is loaded again, then the child; then the key is dropped."""
    _child(world, running)
    with _families(world, running):
        world.post(_document(world, running, "a", "child"))
        _live(world, running)
        wait_for(lambda: _keys(world.target, running) == [("child", "a")], lambda: world.node.job(running))
        for each in ("a", "child"):
            assert _put(world, f"/v1/job/{running}/tables/{running}.{each}/reload").status_code == 200
            _live(world, running)
            wait_for(lambda: _keys(world.target, running) == [("child", "a")], lambda: world.node.job(running))
    assert value(world.target.endpoint, "SELECT COUNT(*) FROM udup.later_key WHERE job = %s", running) == 0
    world.on_source(f"ALTER TABLE {running}.child DROP FOREIGN KEY of_a", f"INSERT INTO {running}.child (n) VALUES (3)")
    _equal(world, running, "a", "child")
    assert _keys(world.target, running) == []


def test_a_foreign_key_that_changes_rows_keeps_tables_together(world: World, running: str) -> None:
    """On the source, or on the target alone; whichever end comes, or comes again."""
    _child(world, running, "ON DELETE CASCADE")
    apart = httpx.put(
        f"{world.node.url}/v1/jobs", json=_document(world, running, "a", "child"), headers=JSON, timeout=60
    )
    assert apart.status_code == 409 and f"refers to {running}.a" in apart.text
    assert world.node.job(running)["Growing"] is None
    world.post(_document(world, running, "b"))
    _live(world, running)
    world.on_target(f"DROP TABLE {running}.a")
    world.post(_document(world, running, "a", "b", "child"))
    _live(world, running)
    for each in ("a", "child"):
        one = _put(world, f"/v1/job/{running}/reload", table=f"{running}.{each}")
        assert one.status_code == 400 and f"reload ID {running}.child {running}.a" in one.text
    both = _put(world, f"/v1/job/{running}/reload", table=[f"{running}.a", f"{running}.child"])
    assert both.status_code == 200, both.text
    _live(world, running)
    world.on_target(
        f"ALTER TABLE {running}.b ADD CONSTRAINT own FOREIGN KEY (id) REFERENCES {running}.a (id) ON DELETE CASCADE"
    )
    refused = _put(world, f"/v1/job/{running}/reload", table=[f"{running}.a", f"{running}.child"])
    assert refused.status_code == 400 and "own of" in refused.text and "DROP FOREIGN KEY" in refused.text
    _equal(world, running, "a", "child")


def test_a_rename_between_tables_that_are_apart_waits_for_the_join(world: World, running: str) -> None:
    """A table is exchanged for another, which neither part of the job could carry by itself."""
    waiting = "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT' AND trx_query LIKE %s"
    with closing(connect(world.target.endpoint)) as holder:
        holder.begin()
        query(holder, "SELECT * FROM udup.copied_table FOR UPDATE")  # the copy has its snapshot, and comes no further
        world.post(world.document(running, [running]))  # all of the schema
        wait_for(
            lambda: value(world.target.endpoint, waiting, "%udup.copied_table%") > 0, lambda: world.node.job(running)
        )
        world.on_source(
            f"RENAME TABLE {running}.a TO {running}.x, {running}.b TO {running}.a, {running}.x TO {running}.b",
            f"INSERT INTO {running}.a (n) VALUES (-5)",
        )
    _live(world, running)
    _equal(world, running, *"abc")


def test_a_table_that_is_behind_a_statement_is_loaded_again_by_itself(world: World, running: str) -> None:
    """Two tables are exchanged, of which one has it already: as a copy that was resumed in between leaves them."""
    world.post(world.document(running, [running]))
    _live(world, running)
    assert _put(world, f"/v1/job/{running}/pause").status_code == 200
    wait_for(lambda: world.node.job(running)["Status"] == "pause", lambda: world.node.job(running))
    name = running
    world.on_source(
        f"RENAME TABLE {name}.a TO {name}.x, {name}.c TO {name}.a, {name}.x TO {name}.c",
        f"INSERT INTO {name}.a (n) VALUES (-7)",
        f"INSERT INTO {name}.c (n) VALUES (-8)",
    )
    with closing(connect(world.source.endpoint)) as source, closing(connect(world.target.endpoint)) as target:
        rows = query(source, f"SELECT id, n FROM {name}.c")
        query(target, f"DELETE FROM {name}.c")
        query(target, f"INSERT INTO {name}.c (id, n) VALUES " + ", ".join(f"({each[0]}, {each[1]})" for each in rows))
        has = GtidSet.parse(str(scalar(source, "SELECT @@gtid_executed")))
        others = Selection.of([(name, [])]).without(Selection.of([(name, ["a", "b"])]))
        notes = AheadNotes([AheadNote(others, has, objects=True)])
        digest = str(scalar(target, "SELECT selection FROM udup.checkpoint WHERE job = %s AND slot = 0", name))
        ahead.write(target, name, notes)
        sql = "UPDATE udup.checkpoint SET selection = %s WHERE job = %s AND slot = 0"
        query(target, sql, ahead.digest_with(notes, digest), name)
    assert _put(world, f"/v1/job/{name}/resume").status_code == 200
    wait_for(lambda: world.node.job(name)["Growing"] is not None, lambda: world.node.job(name))
    assert [each["Table"] for each in world.node.job(name)["Growing"]["Tables"]] == [f"{name}.a"]
    _live(world, name)
    _equal(world, name, *"abc")
