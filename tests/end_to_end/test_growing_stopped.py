"""Tables of a job that has stopped, or that cannot be had: what a user does gets it going again."""

from __future__ import annotations

from contextlib import closing
from urllib.parse import quote

import httpx

from tests.end_to_end.conftest import World, value, wait_for
from tests.end_to_end.growing import begin, delete, document, equal, live, put, writes
from udup.drivers.mysql.client.connection import connect, query

#: What a side job has on the target, besides the tables that it made.
LEFT = "SELECT COUNT(*) FROM udup.{} WHERE job = %s"

TABLES = ("checkpoint", "claim", "copied_table", "copied_object", "copied_part", "copied_chunk", "ahead")


def test_a_reload_or_a_document_without_the_table_gets_a_job_going_that_has_stopped_at_its_row(
    world: World, name: str
) -> None:
    begin(world, name, *"ab")
    _stops(world, name, 3)
    answer = put(world, f"/v1/job/{name}/reload", table=f"{name}.b")
    assert answer.status_code == 200, answer.text
    live(world, name)
    equal(world, name, *"ab")
    _stops(world, name, 5)
    world.post(document(world, name, "a", "c"))
    live(world, name)
    equal(world, name, *"ac")
    assert value(world.target.endpoint, f"SELECT COUNT(*) FROM {name}.b WHERE id = 5") == 0, "it is as it was"


def _stops(world: World, name: str, row: int) -> None:
    """Have the job stop at a row of `b` which is not on the target."""
    world.on_target(f"DELETE FROM {name}.b WHERE id = {row}")
    world.on_source(f"UPDATE {name}.b SET n = 77 WHERE id = {row}", f"INSERT INTO {name}.a (n) VALUES (7)")
    why = world.failure(name)
    assert f"udup job repair {name} {name}.b" in why


def test_new_tables_and_a_reload_that_cannot_be_are_given_up_and_nothing_half_done_stays(
    world: World, name: str
) -> None:
    """A table that comes is on the target already, with rows; one that is loaded again is in use there, and stays."""
    begin(world, name, "a", "b")
    world.on_target(
        f"CREATE TABLE {name}.c (id INT PRIMARY KEY, n INT)",
        f"INSERT INTO {name}.c VALUES (1, 1)",
    )
    with writes(world, name):
        more = document(world, name, "a", "b", "c")
        assert httpx.post(f"{world.node.url}/v1/jobs", json=more, timeout=60).status_code == 409, "it is told at once"
        httpx.post(f"{world.node.url}/v1/jobs?check=false", json=more, timeout=60).raise_for_status()
        _fails(world, name)
        nothing = put(world, f"/v1/job/{name}/reload", table=f"{name}.b")
        assert nothing.status_code == 503 and f"udup job reload {name} --give-up" in nothing.text
        world.post(document(world, name, "a", "b"))
        live(world, name)
        with closing(connect(world.target.endpoint)) as reader:
            reader.begin()
            query(reader, f"SELECT COUNT(*) FROM {name}.b")
            assert put(world, f"/v1/job/{name}/reload", table=f"{name}.b").status_code == 200
            wait_for(lambda: _waits(world, name), lambda: world.node.job(name))
            answer = delete(world, f"/v1/job/{name}/reload").json()
            assert answer["Success"] and f"{name}.b: not in job {name} any more" in answer["Warning"]
            live(world, name)
    equal(world, name, "a")
    side = f"{name} tables"
    assert {each: value(world.target.endpoint, LEFT.format(each), side) for each in TABLES} == dict.fromkeys(TABLES, 0)
    assert not delete(world, f"/v1/job/{name}/reload").json()["Success"]
    actors = world.node.api.actors()
    assert not [each for each in actors if each["JobID"] == side]
    claims = "SELECT GROUP_CONCAT(table_name) FROM udup.claim WHERE job = %s"
    assert value(world.target.endpoint, claims, name) == "a"


def _waits(world: World, name: str) -> bool:
    """Whether a table of the job is waited for on the target, as somebody uses it."""
    sql = "SELECT COUNT(*) FROM information_schema.processlist WHERE state LIKE %s AND info LIKE %s"
    return bool(value(world.target.endpoint, sql, "%metadata lock%", f"%{name}%"))


def _fails(world: World, name: str) -> None:
    """Wait until the new tables cannot be had; the job itself goes on."""
    wait_for(lambda: (world.node.job(name)["Growing"] or {}).get("State") == "failed", lambda: world.node.job(name))
    assert world.node.job(name)["Growing"]["Problem"] and world.node.job(name)["Stage"] != "failed"


def test_a_job_that_is_paused_and_posted_with_another_where_meanwhile_comes_to_its_end(world: World, name: str) -> None:
    """While its new tables come, it is paused and resumed, and its document changes twice."""
    begin(world, name, "a")
    with writes(world, name):
        world.post(document(world, name, "a", "b", "c"))
        httpx.post(f"{world.node.url}/v1/job/{quote(name)}/pause", timeout=60).raise_for_status()
        wait_for(lambda: world.node.job(name)["Stage"] == "paused", lambda: world.node.job(name))
        more = document(world, name, "a", "b", "c")
        more["Tasks"][1]["Config"]["ParallelWorkers"] = 2
        world.post(more)
        httpx.post(f"{world.node.url}/v1/job/{quote(name)}/resume", timeout=60).raise_for_status()
        for tables in (("a", {"TableName": "b", "Where": "n > 5"}, "c"), ("b", "c")):
            other = httpx.put(f"{world.node.url}/v1/jobs", json=document(world, name, *tables), timeout=60)
            assert (other.status_code, "--give-up" in other.text) == (503, True), other.text
        live(world, name)
    equal(world, name, *"abc")


def test_a_prepared_transaction_brings_no_rows_of_tables_that_the_job_has_let_go_of(world: World, name: str) -> None:
    begin(world, name, "a", "b")
    with closing(connect(world.source.endpoint, autocommit=True)) as connection:
        query(connection, f"XA START '{name}'")
        for each in "aba":
            query(connection, f"INSERT INTO {name}.{each} (n) VALUES (-9)")
        query(connection, f"XA END '{name}'")
        query(connection, f"XA PREPARE '{name}'")
    world.level(name)
    world.post(document(world, name, "a"))
    live(world, name)
    world.on_source(f"XA COMMIT '{name}'")
    equal(world, name, "a")
    found = [value(world.target.endpoint, f"SELECT COUNT(*) FROM {name}.{each} WHERE n = -9") for each in "ab"]
    assert found == [2, 0]
