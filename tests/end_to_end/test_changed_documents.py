"""A running job is given another document: what cannot start is refused, and the old run goes on untouched."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from tests.end_to_end.conftest import DEADLINE, NUMBERS, World, value, wait_for
from udup.cli import cli
from udup.cli.commands import ExitCode
from udup.sandbox.api import Json
from udup.sandbox.ports import free_port

Udup = Callable[..., Result]

JSON = {"Accept": "application/json"}


@pytest.fixture
def running(world: World, name: str) -> Json:
    """The document of a running job, which has a table of three rows."""
    world.on_source(
        f"CREATE DATABASE {name}",
        *(f"CREATE TABLE {name}.{table} (id INT PRIMARY KEY)" for table in ("t", "u")),
        f"INSERT INTO {name}.t VALUES (1), (2), (3)",
    )
    only = [{"TableSchema": name, "Tables": [{"TableName": "t"}]}]
    document = world.document(name, [], src={"ReplicateDoDb": only})
    world.post(document)
    world.runs(name)
    return document


@pytest.fixture
def udup(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Udup:
    monkeypatch.chdir(tmp_path)
    environment = {"HOME": str(tmp_path), "UDUP_CONFIG": str(world.node.config)}

    def run(*words: str, answer: str | None = None) -> Result:
        return CliRunner().invoke(cli, words, env=environment, input=answer, prog_name="udup")

    return run


def _changed(document: Json, task: int = 0, connection: Json | None = None, **config: Any) -> Json:
    made = copy.deepcopy(document)
    made["Tasks"][task]["Config"].update(config)
    made["Tasks"][task]["Config"]["ConnectionConfig"].update(connection or {})
    return made


def _put(world: World, document: Json, **query: str) -> httpx.Response:
    return httpx.put(f"{world.node.url}/v1/jobs", json=document, params=query, headers=JSON, timeout=60)


def _get(world: World, path: str) -> Any:
    return httpx.get(world.node.url + path, timeout=30).json()


def _act(world: World, path: str) -> httpx.Response:
    return httpx.put(world.node.url + path, headers=JSON, timeout=60)


def _runs_begun(world: World, name: str) -> int:
    allocations = _get(world, f"/v1/job/{name}/allocations?all=true")
    of_target = [each["TaskStates"]["Dest"]["Events"] for each in allocations if each["Task"] == "Dest"]
    return sum(event["Type"] == "Started" for events in of_target for event in events)


def _goes_on(world: World, name: str, row: int) -> None:
    """The job applies what comes now, in the run that it had."""
    world.on_source(f"INSERT INTO {name}.t VALUES ({row})")
    there = f"SELECT COUNT(*) FROM {name}.t WHERE id = {row}"
    wait_for(lambda: value(world.target.endpoint, there) == 1, lambda: world.node.job(name))
    job = world.node.job(name)
    assert job["Stage"] in ("catching_up", "running") and job["Progress"]["restarts"] == 0


def test_a_document_that_could_not_start_is_refused_and_the_run_goes_on(world: World, name: str, running: Json) -> None:
    before, begun = world.node.job(name), _runs_begun(world, name)
    wrong = {
        "Access denied": _changed(running, connection={"Password": "wrong-secret"}),
        "Connection refused": _changed(running, 1, connection={"Port": free_port()}),
        "cannot connect": _changed(running, 1, NatsAddr=f"127.0.0.1:{free_port()}"),
        "Gtid has no effect any more": _changed(running, Gtid="3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5"),
    }
    for row, (text, document) in enumerate(wrong.items(), 100):
        answer = _put(world, document)
        assert answer.status_code == 409, answer.text
        told = answer.json()
        (fault,) = told["details"]
        assert text in fault["problem"] and "wrong-secret" not in answer.text, told
        assert f"job {name} goes on" in told["error"] and "--no-check" in told["error"]
        _goes_on(world, name, row)
    assert _runs_begun(world, name) == begun
    after = world.node.job(name)
    assert (after["Tasks"], after["JobModifyIndex"]) == (before["Tasks"], before["JobModifyIndex"])
    assert len(_get(world, f"/v1/job/{name}/history")) == 1


def test_the_faults_of_both_servers_are_told_at_once(world: World, name: str, running: Json) -> None:
    wrong = {"Password": "wrong-secret"}
    answer = _put(world, _changed(_changed(running, connection=wrong), 1, connection=wrong))
    fields = [fault["field"] for fault in answer.json()["details"]]
    assert answer.status_code == 409 and [field[:4] for field in fields] == ["Src ", "Dest"], answer.text
    assert str(world.source.endpoint.port) in fields[0] and str(world.target.endpoint.port) in fields[1]
    _goes_on(world, name, 100)


def test_the_document_that_a_job_has_changes_nothing(world: World, name: str, running: Json) -> None:
    begun, before = _runs_begun(world, name), world.node.job(name)
    for document in (running, world.node.job(name), {"Job": running}):
        answer = _put(world, document)
        assert (answer.status_code, answer.json()["Success"]) == (200, True)
        assert answer.json()["Index"] > before["ModifyIndex"]
    _goes_on(world, name, 100)
    assert _runs_begun(world, name) == begun
    assert world.node.job(name)["JobModifyIndex"] == before["JobModifyIndex"]
    assert [each["TriggeredBy"] for each in _get(world, f"/v1/job/{name}/evaluations")] == ["job-register"] * 4


def test_a_good_document_replaces_the_old_one_under_load(world: World, name: str, running: Json) -> None:
    """What the source executes while it is checked is no fault, though the target may have it already."""
    for workers in (2, 3, 5):
        world.on_source(f"DELETE FROM {name}.t WHERE id > 1000")
        world.on_source(*(f"INSERT INTO {name}.t VALUES ({row})" for row in range(2000, 2100)))
        answer = _put(world, _changed(running, 1, ParallelWorkers=workers))
        assert answer.status_code == 200, answer.text
    world.runs(name)
    world.level(name)
    assert world.node.job(name)["Tasks"][1]["Config"]["ParallelWorkers"] == 5


def test_a_document_for_a_job_that_copies_is_checked_and_replaces_the_old_one(world: World, name: str) -> None:
    """What its own copy has left on the target is in nobody's way."""
    world.on_source(f"CREATE DATABASE {name}")
    for table in "abcdef":
        world.on_source(
            f"CREATE TABLE {name}.{table} (id INT PRIMARY KEY, p CHAR(200) NOT NULL DEFAULT 'p')",
            "SET cte_max_recursion_depth = 100000",
            f"INSERT INTO {name}.{table} (id) {NUMBERS.format(20_000)} SELECT n FROM n",
        )
    document = world.document(name, [name], src={"ChunkSize": 20})
    world.post(document)
    world.node.wait_stage(name, ("copying",), DEADLINE)
    wait_for(lambda: _copied_rows(world, name) > 0, lambda: world.node.job(name))
    assert world.node.job(name)["Stage"] == "copying"
    answer = _put(world, _changed(document, ChunkSize=5000))
    assert answer.status_code == 200, answer.text
    assert _get(world, f"/v1/job/{name}/history")[0]["Number"] == 1
    world.runs(name)
    world.level_and_equal(name, name)


def _copied_rows(world: World, name: str) -> int:
    tables = world.node.job(name)["Progress"].get("tables") or {}
    return sum(int(table.get("rows") or 0) for table in tables.values())


def test_what_cannot_be_checked_is_stored_when_that_is_wanted(world: World, name: str, running: Json) -> None:
    away = _changed(running, 1, connection={"Port": free_port()})
    assert _put(world, away).status_code == 409
    assert _put(world, away, check="false").status_code == 200
    wait_for(lambda: world.node.job(name)["Progress"]["restarts"] > 0, lambda: world.node.job(name))
    assert world.node.job(name)["Stage"] != "running"
    assert _act(world, f"/v1/job/{name}/revert").status_code == 200
    world.runs(name)
    _still_applies(world, name, 100)


def _still_applies(world: World, name: str, row: int) -> None:
    world.on_source(f"INSERT INTO {name}.t VALUES ({row})")
    world.level(name)


def test_a_job_is_reverted_with_the_passwords_that_it_had_and_its_history_shows_none(
    world: World, name: str, running: Json
) -> None:
    world.on_source(f"CREATE USER {name}_u IDENTIFIED BY 'pw-of-nobody'", f"GRANT ALL ON *.* TO {name}_u")
    try:
        other = {"User": f"{name}_u", "Password": "pw-of-nobody"}
        assert _put(world, _changed(running, connection=other)).status_code == 200
        world.runs(name)
        assert _act(world, f"/v1/job/{name}/revert?to=9").status_code == 404
        assert _act(world, f"/v1/job/{name}/revert?to=x").status_code == 400
        assert _act(world, f"/v1/job/{name}/revert?to=1").status_code == 200
        world.runs(name)
        _still_applies(world, name, 100)
        shown = httpx.get(f"{world.node.url}/v1/job/{name}/history", timeout=30)
        first, second, third = shown.json()
        assert [each["How"] for each in (first, second, third)] == ["posted", "posted", "reverted to 1"]
        assert [each["Number"] for each in (first, second, third)] == [1, 2, 3] and third["Present"]
        changed = {change["Key"]: (change["Before"], change["After"]) for change in second["Changes"]}
        connection = "Tasks[Src].Config.ConnectionConfig"
        assert changed[f"{connection}.Password"] == ("******", "******")
        assert changed[f"{connection}.User"][1] == f"'{name}_u'"
        assert "pw-of-nobody" not in shown.text + world.node.log.read_text()
        files = [path for path in (world.node.data / "nats").rglob("*") if path.is_file()]
        assert files and not any(b"pw-of-nobody" in path.read_bytes() for path in files)
        world.on_source(f"DROP USER {name}_u")
        refused = _act(world, f"/v1/job/{name}/revert?to=2")
        assert refused.status_code == 409 and "Access denied" in refused.json()["details"][0]["problem"]
        _still_applies(world, name, 101)
    finally:
        world.on_source(f"DROP USER IF EXISTS {name}_u")


def test_a_failed_or_paused_job_takes_a_document_as_before(world: World, name: str, running: Json) -> None:
    assert _act(world, f"/v1/job/{name}/pause").status_code == 200
    world.node.wait_stage(name, ("paused",), DEADLINE)
    wrong = _changed(running, connection={"Password": "wrong-secret"})
    assert _put(world, wrong).status_code == 200
    assert "Access denied" in world.failure(name)
    assert _put(world, running).status_code == 200
    world.runs(name)


def test_the_command_tells_what_a_wrong_document_would_do_and_gives_the_old_one_back(
    world: World, name: str, running: Json, udup: Udup
) -> None:
    wrong = _changed(running, connection={"Password": "wrong-secret"})
    Path("wrong.json").write_text(json.dumps(wrong))
    Path("good.json").write_text(json.dumps(_changed(running, 1, ParallelWorkers=2)))
    refused = udup("job", "run", "wrong.json")
    assert refused.exit_code == ExitCode.FAILED and not refused.stdout
    for text in ("(409)", f"job {name} goes on by the document that it has", "Access denied", "--no-check"):
        assert text in refused.stderr, refused.stderr
    assert "wrong-secret" not in refused.stderr
    _goes_on(world, name, 100)
    assert udup("job", "run", "good.json").exit_code == ExitCode.OK
    world.runs(name)
    listed = udup("job", "history", name).stdout
    assert "Tasks[Dest].Config.ParallelWorkers: 4 → 2" in listed and "posted (present)" in listed
    assert "reverted to 1: Tasks[Dest].Config.ParallelWorkers: 2 → 4" in udup("job", "revert", name).stdout
    world.runs(name)
    Path("away.json").write_text(udup("job", "export", name).stdout.replace(f'"ID": "{name}"', '"ID": "elsewhere"'))
    refused = udup("job", "run", "away.json")
    assert refused.exit_code == ExitCode.FAILED
    assert "Tasks[0].Config.ConnectionConfig.Password: is the mask" in refused.stderr
    assert "env:UDUP_SECRET_NAME" in refused.stderr
    _still_applies(world, name, 101)


def test_a_deleted_job_leaves_no_document(world: World, name: str, running: Json) -> None:
    assert _put(world, _changed(running, 1, ParallelWorkers=2)).status_code == 200
    world.forget(name)
    assert httpx.get(f"{world.node.url}/v1/job/{name}/history", timeout=30).status_code == 404
    assert _act(world, f"/v1/job/{name}/revert").status_code == 404
    world.post(running)
    assert [each["Number"] for each in _get(world, f"/v1/job/{name}/history")] == [1]
