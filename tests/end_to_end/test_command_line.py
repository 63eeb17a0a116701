"""The command line against a real node: every command, its exit codes, and that --json is what the API answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from click.testing import CliRunner, Result

from tests.end_to_end.conftest import DEADLINE, World, forget_settings_of_the_command_line, wait_for
from udup.cli import cli
from udup.cli.commands import ExitCode
from udup.sandbox.api import Json

Udup = Callable[..., Result]


@pytest.fixture
def udup(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Udup:
    """The command in an empty folder, told where the node is as a user would: by the node's settings."""
    monkeypatch.chdir(tmp_path)
    forget_settings_of_the_command_line(monkeypatch)
    environment = {"HOME": str(tmp_path), "UDUP_CONFIG": str(world.node.config)}

    def run(*words: str, answer: str | None = None) -> Result:
        result = CliRunner().invoke(cli, words, env=environment, input=answer, prog_name="udup")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


@pytest.fixture
def running(world: World, name: str) -> str:
    """A running job of this name and ID, with a table of three rows."""
    _fill(world, name)
    world.start(name, [name])
    return name


def _fill(world: World, schema: str) -> None:
    world.on_source(
        f"CREATE DATABASE {schema}",
        f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)",
        f"INSERT INTO {schema}.t VALUES (1), (2), (3)",
    )


def _write(document: Json, file: str = "job.json") -> str:
    Path(file).write_text(json.dumps(document))
    return file


def _api(world: World, path: str) -> Any:
    return httpx.get(world.node.url + path, timeout=30, verify=False).json()


def _done(result: Result) -> str:
    """What a command printed that did what it was asked to."""
    assert result.exit_code == ExitCode.OK, result.output
    assert not result.stderr, result.stderr
    return result.stdout


def _refused(result: Result, *texts: str, code: int = ExitCode.FAILED) -> None:
    assert result.exit_code == code, result.output
    for text in texts:
        assert text in result.stderr, result.stderr


def test_a_job_is_watched_until_it_runs_and_deleted_when_it_is_confirmed(world: World, name: str, udup: Udup) -> None:
    _fill(world, name)
    file = _write(world.document(name, [name]))
    world.posted.add(name)
    shown = _done(udup("job", "run", "--watch", file))
    assert f"job {name} registered" in shown and "running" in shown.splitlines()[-1]
    assert "\x1b" not in shown
    _refused(udup("job", "delete", name), "--yes", code=ExitCode.USAGE)
    assert "Cancelling job delete" in udup("job", "delete", name[:-1], answer="n\n").stdout
    assert _api(world, f"/v1/job/{name}")["Stage"] == "running"
    assert "with its checkpoint" in udup("job", "delete", "--purge", name, answer="y\n").stdout
    _refused(udup("job", "status", name), f'No job(s) with prefix or id "{name}" found')
    wait_for(lambda: world.applied(name) == "", lambda: world.applied(name))


def test_a_watched_job_that_cannot_start_ends_with_every_reason(world: World, name: str, udup: Udup) -> None:
    _fill(world, name)
    world.on_target(f"CREATE DATABASE {name}")
    for table in ("t", "u"):
        world.on_target(f"CREATE TABLE {name}.{table} (id INT)", f"INSERT INTO {name}.{table} VALUES (1)")
    world.on_source(f"CREATE TABLE {name}.u (id INT PRIMARY KEY)")
    file = _write(world.document(name, [name]))
    world.posted.add(name)
    result = udup("job", "run", "-watch", file)
    _refused(result, f"job {name} has failed\n", code=ExitCode.JOB_FAILED)
    assert [line for line in result.stderr.splitlines() if line.startswith("  Dest ") and "is not empty" in line][1:]
    status = _done(udup("job", "status", name))
    assert "Stage" in status and "Reasons" in status and "DropTableIfExists" in status
    assert "Terminated" in _done(udup("job", "logs", name)) or "Driver Failure" in _done(udup("job", "logs", name))
    _refused(udup("job", "status", "--watch", name), "has failed", code=ExitCode.JOB_FAILED)


def test_watching_ends_in_time_and_the_job_goes_on_whatever_it_is_called(world: World, name: str, udup: Udup) -> None:
    job = f"{name}/ü?#%41&"  # a job may be called so
    document = world.document(job, [name], dest={"MaxRetries": 1000})
    document["Tasks"][1]["Config"]["ConnectionConfig"]["Port"] = 1
    result = udup("job", "run", "--watch", "--timeout=0.1", "--json", _write(document))
    _refused(result, f"job {job} is still pending after 0 s; it goes on", code=ExitCode.TIMED_OUT)
    assert all(json.loads(line)["ID"] == job for line in result.stdout.splitlines())
    assert json.loads(_done(udup("job", "status", "--json", job)))["Stage"] == "pending"
    assert f"job {job} deleted" in _done(udup("job", "stop", "--yes", job))
    assert _api(world, "/v1/jobs") == []


def test_a_job_is_validated_by_looking_at_both_servers(world: World, name: str, udup: Udup) -> None:
    _fill(world, name)
    good = world.document(name, [name])
    assert "The job can start" in _done(udup("validate", _write(good)))
    good["Tasks"][1]["Config"]["ConnectionConfig"]["Port"] = 1
    result = udup("validate", "-", answer=json.dumps({"Job": good}))
    assert result.exit_code == ExitCode.FAILED
    assert "The job would not start" in result.stdout and "What to do" in result.stdout
    answer = udup("validate", "--json", _write(good))
    assert answer.exit_code == ExitCode.FAILED and json.loads(answer.stdout)["Error"]


@pytest.mark.parametrize(
    ("document", "texts"),
    [
        ({}, ["was refused (400), 2 faults:\n", "\n  Name: ", "\n  Tasks: "]),
        ({"Name": "n", "ID": "a b", "Tasks": []}, ["\n  ID: ", "\n  Tasks: there must be exactly one Src"]),
        ({"Job": 5}, ["was refused (400): Job: must be an object"]),
        ({"Name": "n", "Region": "mars"}, ["No path to region 'mars'"]),
    ],
)
def test_a_refused_job_is_told_with_every_fault(udup: Udup, document: Json, texts: list[str]) -> None:
    for words in (["job", "run"], ["validate"]):
        _refused(udup(*words, _write(document)), *texts)
    result = udup("start", "job.json")
    _refused(result)
    assert result.stderr.startswith("Error submitting job: Unexpected response code: 400 (")


def test_what_is_there_is_shown_as_tables_and_as_the_apis_own_json(world: World, udup: Udup, running: str) -> None:
    node = _api(world, "/v1/nodes")[0]["ID"]
    # A job may be said to run a moment before its source has told what it has executed; then its lag is known.
    wait_for(lambda: world.node.job(running)["Progress"].get("level") is True, lambda: world.node.job(running))
    for words, path in [
        ("job list", "/v1/jobs"),
        (f"job list {running}", f"/v1/jobs?prefix={running}"),
        (f"job status {running[:-2]}", f"/v1/job/{running}"),
        (f"status -short {running}", f"/v1/job/{running}"),
        ("status", "/v1/jobs"),
        ("node list", "/v1/nodes"),
        ("node status --self", f"/v1/node/{node}"),
        (f"node status {node[:5]}", f"/v1/node/{node}"),
        ("members", "/v1/members"),
        ("agent-config -servers", "/v1/servers"),
        ("admin tree", "/v1/agent/actors"),
    ]:
        assert _still(json.loads(_done(udup(*words.split(), "--json")))) == _still(_api(world, path)), words
    logs = json.loads(_done(udup("job", "logs", running, "--json")))
    assert [each["Task"] for each in logs["Allocations"]] and logs["Job"]["ID"] == running
    samples = json.loads(_done(udup("metrics", "udup_job_info", "--json")))
    assert [each["value"] for each in samples if each["labels"]["job_id"] == running] == ["1.0"]
    _check_tables(udup, running, _api(world, "/v1/nodes")[0])


def _still(value: Any) -> Any:
    """An answer without what changes from one moment to the next."""
    if isinstance(value, dict):
        return {key: _still(item) for key, item in value.items() if key not in ("Progress", "Rss", "ModifyIndex")}
    return [_still(item) for item in value] if isinstance(value, list) else value


def _check_tables(udup: Udup, running: str, node: Json) -> None:
    for words, texts in [
        ("job list", [running, "synchronous", "running", "100%"]),
        (f"job status {running}", ["ID           = ", f"{running}.t", "Lag ", "Src", "Dest"]),
        (f"job status --verbose {running}", ["Applied"]),
        (f"job logs {running}", ["Src   Received", "Dest  Started"]),
        ("node list --allocs", [node["ID"][:8], "ready", "Running Allocs"]),
        ("node status --self", ["Drivers = MySQL", node["Name"]]),
        (f"node status -verbose {node['ID'][:3]}", [node["ID"]]),
        ("members", ["alive", "true", node["Name"]]),
        ("members -detailed", ["role=server"]),
        ("status", [running]),
        (f"job-status -evals -all-allocs -verbose {running}", [f"= {running}", "job-register", "Created At"]),
        ("node-status", ["ID", "DC", "Name", "Status", node["ID"][:8]]),
        ("node-status -allocs", ["Running Allocs"]),
        ("node-status -self", ["Drivers = MySQL"]),
        ("agent-config -servers", ["127.0.0.1:"]),
        ("metrics", ["# HELP udup_job_info", f'job_id="{running}"']),
        ("metrics --table udup_job_stage", ["Metric", f"job_id={running}", "stage=running"]),
    ]:
        shown = _done(udup(*words.split()))
        assert [text for text in texts if text not in shown] == [], (words, shown)
    _refused(udup("node", "status", "zz"), 'No node(s) with prefix "zz" found')
    _refused(udup("node-status", "a"), "at least two characters")
    _refused(udup("status", "-region=mars"), "Error querying jobs: Unexpected response code: 400")
    _refused(udup("agent-config", "-update-servers", "192.0.2.1:8191"), "Error updating server list: ")


def test_a_job_is_paused_and_resumed_and_its_log_says_so(world: World, udup: Udup, running: str) -> None:
    assert f"job {running} is being paused" in _done(udup("job", "pause", running))
    world.node.wait_stage(running, ("paused",), DEADLINE)
    assert f"job {running} is paused already" in _done(udup("job", "pause", running))
    _refused(udup("job", "status", "--watch", running), "is paused", code=ExitCode.JOB_FAILED)
    assert json.loads(_done(udup("job", "resume", "--json", running)))["Success"] is True
    world.node.wait_stage(running, deadline=DEADLINE)
    assert f"job {running} is running already" in _done(udup("job", "resume", running))
    log = _done(udup("job", "logs", running))
    assert "Ending at a transaction boundary" in log and "Kill" not in log and log.count("Started") == 4
    times = [line.split()[0] for line in log.splitlines()]
    assert times == sorted(times)


def test_actors_are_shown_as_a_tree_and_killed_by_name(world: World, udup: Udup, running: str) -> None:
    world.need_workers(running, running, 2)
    tree = _done(udup("admin", "tree")).splitlines()
    assert tree[1].startswith("supervisor ")
    assert any(line.startswith(("   ├─ worker", "│  ├─ worker")) for line in tree), tree
    _refused(udup("admin", "stacks", f"worker:{running}"), "is several actors", f"worker:{running}:")
    assert "File " in _done(udup("admin", "stacks", f"extractor:{running}"))
    victim = next(
        actor for actor in _api(world, "/v1/agent/actors") if (actor["Role"], actor["JobID"]) == ("extractor", running)
    )
    process = psutil.Process(victim["Pid"])
    assert "Cancelling" in udup("admin", "kill", str(victim["Pid"]), answer="n\n").stdout
    assert process.is_running()
    assert "killed" in _done(udup("admin", "kill", "-yes", f"extractor:{running}"))
    wait_for(lambda: not process.is_running(), lambda: process)
    wait_for(lambda: "the extractor died" in udup("job", "logs", running).stdout, lambda: udup("job", "logs", running))
    _refused(udup("admin", "kill", "-yes", "extractor:nobody"), "no actor 'extractor:nobody' lives", "supervisor  (pid")
    world.level_and_equal(running, running)


def test_the_originals_words_start_and_stop_a_job(world: World, name: str, udup: Udup) -> None:
    _fill(world, name)
    file = _write(world.document(name, [name]))
    assert _done(udup("status")) == "No running jobs\n" == _done(udup("job", "list"))
    world.posted.add(name)
    lines = _done(udup("start", "-detach", file)).splitlines()
    assert lines[0] == "Job registration successful" and lines[1].startswith("Evaluation ID: ")
    index = str(_api(world, f"/v1/job/{name}")["JobModifyIndex"])
    _refused(
        udup("start", "-check-index=1", file),
        "Error submitting job: Unexpected response code: 409 (Enforcing job modify index 1: ",
    )
    _refused(udup("job", "run", "--check-index", "0", file), "job already exists")
    lines = _done(udup("start", "-check-index", index, file)).splitlines()
    assert lines[0].startswith('==> Monitoring evaluation "') and lines[-1].endswith('finished with status "complete"')
    _refused(udup("stop", "nonsense-" + name), "No job(s) with prefix or id")
    _refused(udup("stop", name[:-1]), "-yes", code=ExitCode.USAGE)
    assert _done(udup("stop", "-yes=true", name[:-1])) == ""
    _refused(udup("status", name), f'No job(s) with prefix or id "{name}" found\n')


def test_a_prefix_of_several_jobs_names_them_and_changes_none(world: World, name: str, udup: Udup) -> None:
    jobs = [f"{name}-{letter}" for letter in "ab"]
    for job in jobs:
        document = world.document(job, [name])
        document["Tasks"][0]["Config"]["ConnectionConfig"]["Port"] = 1
        world.post(document)
    for words in (["job", "delete", "--yes"], ["job", "pause"], ["job", "status"], ["stop", "-yes"]):
        _refused(udup(*words, name), f'Prefix "{name}" matches several jobs:', *jobs)
    shown = _done(udup("status", name))
    assert shown.startswith("Prefix matched multiple jobs\n") and all(job in shown for job in jobs)
    assert [stub["ID"] for stub in _api(world, f"/v1/jobs?prefix={name}")] == jobs
    assert json.loads(_done(udup("job", "stop", "--json", "--yes", jobs[0])))["Success"] is True
    assert "deleted" in _done(udup("job", "stop", name, "--yes"))
    world.posted -= set(jobs)
