"""Jobs that share a server: what one keeps current, or has made, no other one touches."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.end_to_end.conftest import World, run, value, wait_for
from udup.sandbox.api import Json


@pytest.fixture
def filled(world: World, name: str) -> Iterator[World]:
    world.on_source(
        f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (a INT)", f"INSERT INTO {name}.t VALUES (1), (1), (2)"
    )
    yield world
    for job in list(world.posted):
        httpx.delete(f"{world.node.url}/v1/job/{job}?purge=true", timeout=40)
        world.posted.discard(job)


def _back(world: World, job: str, name: str) -> Json:
    """A job of the other direction, from now on."""
    document = world.document(job, [name], gtid=str(value(world.target.endpoint, "SELECT @@GLOBAL.gtid_executed")))
    src, dest = (task["Config"] for task in document["Tasks"])
    src["ConnectionConfig"], dest["ConnectionConfig"] = dest["ConnectionConfig"], src["ConnectionConfig"]
    return document


def _checks(world: World, document: Json, name: str) -> list[Json]:
    answer = httpx.post(f"{world.node.url}/v1/validate/job", json=document, timeout=60).json()
    return [each for each in answer["Checks"] if each["Check"] == name]


@pytest.mark.parametrize("kind", ["drop_table_if_exists", "gtid"])
def test_a_second_job_into_the_same_table_is_refused_before_it_touches_anything(
    filled: World, name: str, kind: str
) -> None:
    filled.start(name, [name])
    more = {"gtid": filled.executed()} if kind == "gtid" else {"dest": {"DropTableIfExists": True}}
    document = filled.document(f"{name}-2", [name], **more)
    [check] = _checks(filled, document, "other_jobs")
    assert check["Result"] == "fail" and f"'{name}'" in check["Found"], check
    filled.post(document)
    reason = filled.failure(f"{name}-2")
    assert f"job '{name}'" in reason and f"`{name}`.`t`" in reason and "DELETE FROM udup.claim" in reason, reason
    filled.on_source(f"INSERT INTO {name}.t VALUES (3), (3)")
    filled.level_and_equal(name, name)


def test_a_table_that_the_log_makes_later_is_not_taken_from_another_job(filled: World, name: str) -> None:
    """Both jobs carry schemas that become one on the target."""
    filled.on_source(f"CREATE DATABASE {name}_2")
    try:
        filled.start(name, [name])
        renamed = [{"TableSchema": f"{name}_2", "TableSchemaRename": name}]
        filled.start(f"{name}-2", [], src={"ReplicateDoDb": renamed})
        filled.on_source(f"CREATE TABLE {name}_2.u (a INT)", f"INSERT INTO {name}_2.u VALUES (7)")
        filled.level(f"{name}-2")
        filled.on_source(f"CREATE TABLE {name}_2.t (a INT)")
        reason = filled.failure(f"{name}-2")
        assert f"job '{name}'" in reason and str(value(filled.source.endpoint, "SELECT @@server_uuid")) in reason
        filled.on_source(f"INSERT INTO {name}.t VALUES (3)", f"DROP TABLE {name}.t")
        filled.level(name)
        httpx.put(f"{filled.node.url}/v1/job/{name}-2/resume", timeout=20)
        filled.runs(f"{name}-2")
        filled.level(f"{name}-2")
        assert value(filled.target.endpoint, f"SELECT COUNT(*) FROM {name}.t") == 0
    finally:
        filled.on_source(f"DROP DATABASE {name}_2")


def test_a_job_back_to_where_another_one_reads_is_refused_and_a_deleted_one_is_in_nobodys_way(
    filled: World, name: str
) -> None:
    filled.start(name, [name])
    document = _back(filled, f"{name}-back", name)
    [check] = _checks(filled, document, "rings")
    assert check["Result"] == "fail" and f"'{name}'" in check["Found"], check
    filled.post(document)
    reason = filled.failure(f"{name}-back")
    assert f"job '{name}'" in reason and "two-way jobs" in reason and "purge=true" in reason, reason
    filled.on_source(f"INSERT INTO {name}.t VALUES (3)")
    filled.level_and_equal(name, name)
    filled.forget(name)  # its checkpoint stays, its claims are nobody's
    # The job back has a checkpoint by its first `Gtid`: without it another one counts.
    purged = httpx.delete(f"{filled.node.url}/v1/job/{name}-back", params={"purge": "true"}, timeout=60)
    assert purged.status_code == 200, purged.text
    filled.post(_back(filled, f"{name}-back", name))
    filled.node.wait_stage(f"{name}-back")
    run(filled.target.endpoint, f"INSERT INTO {name}.t VALUES (4)")
    wait_for(
        lambda: value(filled.source.endpoint, f"SELECT COUNT(*) FROM {name}.t WHERE a = 4") == 1,
        lambda: filled.node.job(f"{name}-back"),
    )
    run(filled.source.endpoint, f"DELETE FROM udup.claim WHERE job = '{name}-back'")


def test_what_the_target_has_of_its_own_is_refused_at_every_start_and_told_by_a_validation(
    filled: World, name: str
) -> None:
    filled.on_source(f"CREATE PROCEDURE {name}.p() SELECT 'ours'", f"CREATE VIEW {name}.v AS SELECT * FROM {name}.t")
    theirs = f"CREATE PROCEDURE {name}.p() SELECT 'theirs'"
    filled.on_target(f"CREATE DATABASE {name}", theirs, f"CREATE VIEW {name}.t AS SELECT 1 AS a")
    document = filled.document(name, [name])
    found = [each for each in _checks(filled, document, "existing_tables") if each["Result"] == "fail"]
    assert len(found) == 1 and f"DROP VIEW `{name}`.`t`" in str(found) and f"DROP PROCEDURE `{name}`.`p`" in str(found)
    filled.post(document)
    for _ in range(2):
        reason = filled.failure(name)
        assert f"DROP PROCEDURE `{name}`.`p`" in reason and f"DROP VIEW `{name}`.`t`" in reason, reason
        assert (
            value(
                filled.target.endpoint,
                "SELECT ROUTINE_DEFINITION FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = %s",
                name,
            )
            == "SELECT 'theirs'"
        )
        httpx.put(f"{filled.node.url}/v1/job/{name}/resume", timeout=20)
    filled.failure(name)
    filled.on_target(f"DROP PROCEDURE {name}.p", f"DROP VIEW {name}.t")
    httpx.put(f"{filled.node.url}/v1/job/{name}/resume", timeout=20)
    filled.runs(name)
    filled.level_and_equal(name, name)
