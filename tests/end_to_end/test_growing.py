"""A running job gets tables, loses some, loads some again, while its source is written to. Real servers, real kills."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import closing, suppress

import httpx

from tests.end_to_end.conftest import World, value, wait_for
from tests.end_to_end.growing import JSON, begin, document, equal, live, put, writes
from udup.drivers.mysql.client.connection import connect, query
from udup.sandbox.api import Json


def test_tables_join_a_job_are_loaded_again_and_leave_it(world: World, name: str) -> None:
    """One job, one change after the other, under writes."""
    begin(world, name, "a")
    with writes(world, name):
        world.post(document(world, name, "a", "b", "c"))
        wait_for(lambda: world.node.job(name)["Growing"] is not None, lambda: world.node.job(name))
        listed = httpx.get(f"{world.node.url}/v1/jobs", timeout=30).json()
        assert not [each["ID"] for each in listed if " " in each["ID"]], "it is shown as one job"
        live(world, name)
        assert _claimed(world, name) == "a,b,c"
        world.on_target(f"UPDATE {name}.b SET n = -1 WHERE id = 400")
        answer = put(world, f"/v1/job/{name}/tables/{name}.b/reload")
        assert answer.status_code == 200 and answer.json()["Tables"] == [f"{name}.b"]
        again = put(world, f"/v1/job/{name}/reload", table=f"{name}.a")
        assert again.status_code == 503 and "still loading" in again.text
        live(world, name)
    equal(world, name, *"abc")
    answer = _posted(world, document(world, name, "b", "c"))
    assert f"{name}.a: on the target as now" in answer.json()["Warning"]
    live(world, name)
    listed = httpx.get(f"{world.node.url}/v1/job/{name}/tables", timeout=30).json()
    assert [(each["Table"], each["State"]) for each in listed["Tables"]] == [(f"{name}.{t}", "live") for t in "bc"]
    world.on_source(f"INSERT INTO {name}.a (n) VALUES (-7)", f"INSERT INTO {name}.b (n) VALUES (-7)")
    equal(world, name, *"bc")
    assert value(world.target.endpoint, f"SELECT COUNT(*) FROM {name}.a WHERE n = -7") == 0, "it stays as it is"
    assert _claimed(world, name) == "b,c", "and others may have it"


def _claimed(world: World, name: str) -> str:
    sql = "SELECT GROUP_CONCAT(table_name ORDER BY 1) FROM udup.claim WHERE job = %s"
    return str(value(world.target.endpoint, sql, name))


def _posted(world: World, made: Json) -> httpx.Response:
    return httpx.put(f"{world.node.url}/v1/jobs", json=made, headers=JSON, timeout=60)


def test_all_of_it_at_once_with_everything_killed(world: World, name: str) -> None:
    """More tables and one less, while each process of the job is killed again and again."""
    dice, roles = random.Random(5), ("extractor", "applier", "worker", "supervisor", "store")
    begin(world, name, "a")
    with writes(world, name):
        world.post(document(world, name, "b", "c"))
        for _ in range(8):
            for actor in world.node.api.actors():
                if actor["JobID"].startswith(name) and actor["Role"] in roles and dice.random() < 0.4:
                    with suppress(ProcessLookupError):
                        os.kill(int(actor["Pid"]), signal.SIGKILL)
            time.sleep(dice.random() * 0.4)
        live(world, name)
    equal(world, name, *"bc")


def test_tables_that_refer_to_each_other_come_together_or_not_at_all(world: World, name: str) -> None:
    """By what a foreign key changes; one that only checks waits for both (`test_growing_keys.py`)."""
    begin(world, name, "a", child=f"a_id INT, FOREIGN KEY (a_id) REFERENCES {name}.a (id) ON DELETE CASCADE")
    world.on_source(f"INSERT INTO {name}.child VALUES (1, 1)")
    one = put(world, f"/v1/job/{name}/reload", table=f"{name}.a")
    assert one.status_code == 400 and "refers to" in one.text
    both = put(world, f"/v1/job/{name}/reload", table=[f"{name}.a", f"{name}.child"])
    assert both.status_code == 200, both.text
    live(world, name)
    equal(world, name, "a")
    assert value(world.target.endpoint, f"SELECT a_id FROM {name}.child") == 1
    world.post(document(world, name, "a"))
    live(world, name)
    apart = _posted(world, document(world, name, "a", "child"))
    assert (apart.status_code, f"refers to {name}.a" in apart.text) == (409, True), apart.text
    assert world.node.job(name)["Growing"] is None


def test_a_rename_between_tables_that_are_apart_waits_for_the_join(world: World, name: str) -> None:
    """A table is exchanged for another, which neither part of the job could carry by itself."""
    begin(world, name, "a")
    waiting = "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT' AND trx_query LIKE %s"
    with closing(connect(world.target.endpoint)) as holder:
        holder.begin()
        query(holder, "SELECT * FROM udup.copied_table FOR UPDATE")  # the copy has its snapshot, and comes no further
        world.post(world.document(name, [name]))  # all of the schema
        wait_for(lambda: value(world.target.endpoint, waiting, "%udup.copied_table%") > 0, lambda: world.node.job(name))
        world.on_source(
            f"RENAME TABLE {name}.a TO {name}.x, {name}.b TO {name}.a, {name}.x TO {name}.b",
            f"INSERT INTO {name}.a (n) VALUES (-5)",
        )
    live(world, name)
    equal(world, name, *"abc")
