"""What a job tells of itself is what happened: counts to the row, positions to the byte, and a lag that is none."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.end_to_end.conftest import World, wait_for
from tests.frozen import frozen
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import connect, query

#: Milliseconds of silence of the source that must show: more than a late heartbeat.
SILENT_MS = 3500


def _read(world: World, path: str) -> httpx.Response:
    return httpx.get(f"{world.node.url}{path}", timeout=20, verify=False, trust_env=False).raise_for_status()


def _progress(world: World, job: str) -> dict[str, Any]:
    progress: dict[str, Any] = world.node.job(job)["Progress"]
    return progress


def _wait_for_progress(world: World, job: str, expected: dict[str, Any]) -> dict[str, Any]:
    """Until all of it is told; what is told then."""

    def differing() -> dict[str, Any]:
        progress = _progress(world, job)
        return {key: progress.get(key) for key, value in expected.items() if progress.get(key) != value}

    wait_for(lambda: not differing(), lambda: f"expected {expected}, still different: {differing()}")
    return _progress(world, job)


def _prepare(world: World, name: str) -> None:
    world.on_source(
        f"CREATE DATABASE {name}",
        f"USE {name}",
        "CREATE TABLE a (id INT PRIMARY KEY, t LONGTEXT)",
        "CREATE TABLE b (id INT PRIMARY KEY)",
        "INSERT INTO a VALUES (1, 'one'), (2, 'two'), (3, 'three')",
        "ANALYZE TABLE a, b",
    )


def _write(world: World, name: str) -> None:
    """7 transactions of the job, one of them large; 1 definition; 2 transactions of nobody's."""
    world.on_source(
        f"USE {name}",
        "INSERT INTO a VALUES (11, 'x'), (12, 'x'), (13, 'x'), (14, 'x'), (15, 'x')",
        "UPDATE a SET t = 'y' WHERE id > 12",
        "DELETE FROM a WHERE id < 3",
        "INSERT INTO a SELECT id + 100, REPEAT(t, 400000) FROM a",
        "ALTER TABLE b ADD COLUMN n INT",
        "INSERT INTO b VALUES (1, 1), (2, 2)",
        "CREATE TABLE c AS SELECT * FROM b",
        "INSERT INTO c VALUES (3, 3)",
        f"CREATE DATABASE {name}_other",
        f"DROP DATABASE {name}_other",
    )


def test_a_job_tells_what_it_has_read_and_applied(world: World, name: str) -> None:
    _prepare(world, name)
    world.start(name, [name])
    executed = str(GtidSet.parse(world.executed()))  # written as Udup writes it, tags by themselves
    copied = _wait_for_progress(
        world,
        name,
        {
            "level": True,
            "lag_ms": 0,
            "applied_gtid": executed,
            "copied_rows": 3,
            "copy_total_rows": 3,
            "copy_read_rows": 3,
            "copy_tables": 2,
            "copy_tables_complete": 2,
            "copy_phase": "done",
            "eta_s": 0,
        },
    )
    assert copied["tables"][f"{name}.a"] | {"rows": 3, "total": 3, "complete": True} == copied["tables"][f"{name}.a"]
    assert copied["copy_sent_bytes"] > 0

    _write(world, name)
    world.level_and_equal(name, name)
    executed = str(GtidSet.parse(world.executed()))  # written as Udup writes it, tags by themselves
    with closing(connect(world.source.endpoint)) as connection:
        file, position = query(connection, "SHOW BINARY LOG STATUS")[0][:2]
    told = _wait_for_progress(
        world,
        name,
        {
            "applied_gtid": executed,
            "extracted_gtid": executed,
            "source_gtid": executed,
            "binlog_file": file,
            "binlog_position": int(position),
            "inserts": 14,  # 5 and 6 into a, 2 into b, 1 into c; those of CREATE … SELECT are not counted
            "updates": 3,
            "deletes": 2,
            "rows": 19,
            "definitions": 1,
            "transactions": 8,  # with the definition
            "extracted_transactions": 7,
            "extracted_definitions": 1,
            "skipped_transactions": 2,
            "waiting": 0,
            "groups": 0,
            "buffer_messages": 0,
            "lag_ms": 0,
            "level": True,
            "restarts": 0,
        },
    )
    assert told["received_messages"] == told["sent_messages"] > 7
    assert told["received_bytes"] == told["sent_bytes"] > 2_000_000

    tasks = {}
    for allocation in _read(world, f"/v1/job/{name}/allocations").json():
        tasks |= _read(world, f"/v1/agent/allocation/{allocation['ID']}/stats").json()["Tasks"]
    source, target = tasks["Src"], tasks["Dest"]
    assert target["TableStats"] == {"InsertCount": 14, "UpdateCount": 3, "DelCount": 2}
    assert (source["CurrentCoordinates"]["File"], source["CurrentCoordinates"]["Position"]) == (file, int(position))
    assert source["CurrentCoordinates"]["RetrievedGtidSet"] == target["CurrentCoordinates"]["GtidSet"] == executed
    assert source["RowsCount"] == target["RowsCount"] == 3
    assert source["MsgStat"]["OutBytes"] > target["MsgStat"]["InBytes"] == told["received_bytes"]
    assert target["DelayCount"] == {"Num": 0, "Time": 0}

    families = {family.name: family for family in text_string_to_metric_families(_read(world, "/metrics").text)}
    rows = {
        sample.labels["operation"]: sample.value
        for sample in families["udup_job_applied_rows"].samples
        if sample.labels["job_id"] == name
    }
    assert rows == {"insert": 14, "update": 3, "delete": 2}
    roles = {sample.labels["role"] for sample in families["udup_process_resident_memory_bytes"].samples}
    assert {"supervisor", "extractor", "applier"} <= roles

    def tables() -> dict[str, list[int]]:
        page = _read(world, f"/v1/job/{name}/tables").json()
        assert page["ChangesSince"] and not page["ChangesProblem"]
        return {
            each["Table"].partition(".")[2]: [each[key] for key in ("Inserted", "Updated", "Deleted", "Uncounted")]
            for each in page["Tables"]
        }

    # With the rows of CREATE … SELECT, which are in the log.
    wanted = {"a": [11, 3, 2, 0], "b": [2, 0, 0, 0], "c": [3, 0, 0, 0]}
    wait_for(lambda: tables() == wanted, tables)
    last = _read(world, f"/v1/job/{name}/tables?limit=1").json()["Tables"][0]
    assert last["LastGtid"] and last["LastChange"] and GtidSet.parse(last["LastGtid"]) <= GtidSet.parse(executed)


def test_the_lag_grows_while_the_source_is_silent(world: World, name: str) -> None:
    _prepare(world, name)
    world.start(name, [name])
    _wait_for_progress(world, name, {"level": True, "lag_ms": 0})
    with frozen(world.source.pid):
        wait_for(lambda: (_progress(world, name)["lag_ms"] or 0) > SILENT_MS, lambda: _progress(world, name))
        assert _progress(world, name)["level"] is False, "nobody knows what the source does"
    _wait_for_progress(world, name, {"level": True, "lag_ms": 0})
