"""Level is said only of what was asked after the question came: the cut-over, migrations, and who waits for either."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from tests.end_to_end.conftest import DEADLINE, World, value, wait_for
from udup.base.endpoint import Endpoint
from udup.cli import cli
from udup.cli.commands import ExitCode
from udup.drivers.mysql.client.connection import MySQLError, connect, query
from udup.sandbox.api import Json

#: Cut-overs of one job, one after the other.
_TIMES = 8

_WRITERS = 3


@pytest.fixture
def filled(world: World, name: str) -> World:
    world.on_source(
        f"CREATE DATABASE {name}",
        *(f"CREATE TABLE {name}.t{table} (id INT AUTO_INCREMENT PRIMARY KEY, a INT)" for table in range(_WRITERS)),
    )
    return world


@pytest.fixture
def writable(world: World) -> Iterator[None]:
    """The source is writable again at the end, whatever a test has done to it."""
    yield
    _open(world)


def _open(world: World) -> None:
    world.on_source("SET GLOBAL super_read_only = OFF", "SET GLOBAL read_only = OFF")


def _close(world: World) -> None:
    world.on_source("SET GLOBAL super_read_only = ON")


@contextmanager
def _writing(world: World, schema: str) -> Iterator[None]:
    """Writers, each to its own table, until the block ends or the source takes no more."""
    stop = threading.Event()

    def write(table: int) -> None:
        with suppress(MySQLError), closing(connect(world.source.endpoint, database=schema)) as connection:
            while not stop.wait(0.001):
                query(connection, f"INSERT INTO t{table} (a) VALUES (0), (1), (2)")

    threads = [threading.Thread(target=write, args=(table,)) for table in range(_WRITERS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _rows(endpoint: Endpoint, schema: str) -> list[int]:
    with closing(connect(endpoint)) as connection:
        return [int(query(connection, f"SELECT COUNT(*) FROM {schema}.t{table}")[0][0]) for table in range(_WRITERS)]


def _ask(world: World, job: str, **params: object) -> httpx.Response:
    return httpx.get(f"{world.node.url}/v1/job/{job}/level", params=params, timeout=60)  # type: ignore[arg-type]


def _level(world: World, job: str, **params: object) -> Json:
    answer = _ask(world, job, **params)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def _grows(world: World, schema: str) -> None:
    before = sum(_rows(world.target.endpoint, schema))
    wait_for(lambda: sum(_rows(world.target.endpoint, schema)) > before + 30, lambda: world.node.api.actors())


@contextmanager
def _held(world: World, job: str) -> Iterator[None]:
    """Nothing of the job can be committed on the target: its checkpoint's rows are locked."""
    with closing(connect(world.target.endpoint)) as holding:
        query(holding, "START TRANSACTION")
        query(holding, "SELECT * FROM udup.checkpoint WHERE job = %s FOR UPDATE", job)
        yield
        query(holding, "ROLLBACK")


# ---- The question ----


def test_at_the_moment_of_the_answer_the_target_has_every_row_of_a_source_that_was_closed(
    filled: World, name: str, writable: None
) -> None:
    filled.start(name, [name])
    for _ in range(_TIMES):
        with _writing(filled, name):
            _grows(filled, name)
            _close(filled)
            answer = _level(filled, name, timeout=DEADLINE)
            target = _rows(filled.target.endpoint, name)
        assert answer["Level"] is True, answer
        assert target == _rows(filled.source.endpoint, name)
        assert value(filled.source.endpoint, "SELECT GTID_SUBSET(%s, %s)", filled.executed(), answer["Applied"])
        _open(filled)


def test_what_the_job_does_not_carry_is_there_about_a_second_after_it_was_committed(filled: World, name: str) -> None:
    """Skipped transactions come to the checkpoint with its base row, which is written once a second."""
    filled.start(name, [name])
    filled.on_source(f"CREATE DATABASE {name}_other", f"CREATE TABLE {name}_other.t (id INT PRIMARY KEY)")
    began = time.monotonic()
    answer = _level(filled, name, timeout=DEADLINE)
    assert answer["Level"] is True and time.monotonic() - began < 10
    filled.on_source(f"DROP DATABASE {name}_other")


def test_a_transaction_that_waits_on_the_target_is_missing_by_name(filled: World, name: str) -> None:
    filled.start(name, [name])
    assert _level(filled, name, timeout=DEADLINE)["Level"] is True
    before = filled.executed()
    with _held(filled, name):
        filled.on_source(f"INSERT INTO {name}.t0 (a) VALUES (1)")
        for timeout in (0, 0.5):
            answer = _level(filled, name, timeout=timeout)
            assert answer["Level"] is False and "1 transaction is not in the target yet" in answer["Why"]
            assert value(filled.source.endpoint, "SELECT GTID_SUBTRACT(%s, %s)", filled.executed(), before) == answer[
                "Missing"
            ].replace(",", ",\n")
        assert _level(filled, name, gtid=before, timeout=0)["Level"] is True, "that was there before"
    assert _level(filled, name, timeout=DEADLINE)["Level"] is True


def test_a_prepared_transaction_is_as_far_on_the_target_as_on_the_source(filled: World, name: str) -> None:
    filled.start(name, [name])
    with closing(connect(filled.source.endpoint, database=name)) as connection:
        query(connection, f"XA START '{name}'")
        query(connection, "INSERT INTO t0 (a) VALUES (7)")
        query(connection, f"XA END '{name}'")
        query(connection, f"XA PREPARE '{name}'")
        assert _level(filled, name, timeout=DEADLINE)["Level"] is True
        assert _rows(filled.target.endpoint, name) == _rows(filled.source.endpoint, name)
        query(connection, f"XA COMMIT '{name}'")
    assert _level(filled, name, timeout=DEADLINE)["Level"] is True
    assert _rows(filled.target.endpoint, name)[0] == 1


def test_a_paused_job_and_a_failed_one_are_answered_at_once(filled: World, name: str) -> None:
    filled.start(name, [name])
    assert httpx.put(f"{filled.node.url}/v1/job/{name}/pause", timeout=15).status_code == 200
    filled.node.wait_stage(name, ("paused",), DEADLINE)
    filled.on_source(f"INSERT INTO {name}.t0 (a) VALUES (1)")
    began = time.monotonic()
    answer = _level(filled, name, timeout=120)
    assert (answer["Level"], answer["Stage"]) == (False, "paused") and f"udup job resume {name}" in answer["Why"]
    filled.on_target(f"INSERT INTO {name}.t0 (id, a) VALUES (1, 9)")
    assert httpx.put(f"{filled.node.url}/v1/job/{name}/resume", timeout=15).status_code == 200
    filled.failure(name)
    answer = _level(filled, name, timeout=120)
    assert (answer["Level"], answer["Stage"]) == (False, "failed") and "the job has failed" in answer["Why"]
    assert answer["Missing"] and time.monotonic() - began < 100


def test_what_cannot_be_asked_says_so(world: World, name: str) -> None:
    assert _ask(world, "unheard-of").status_code == 404
    document = world.document(name, [name])
    document["Tasks"][0]["Config"]["ConnectionConfig"]["Password"] = "wrong"
    world.post(document)
    world.failure(name)
    assert "Access denied" in _level(world, name)["Why"]


# ---- Migrations ----


def _migration(world: World, name: str, **more: object) -> None:
    world.post({**world.document(name, [name]), "Type": "migration", **more})


def test_a_migration_under_load_ends_with_all_that_was_committed_before_it_looked_level(
    filled: World, name: str
) -> None:
    with _writing(filled, name):
        _migration(filled, name)
        filled.node.wait_stage(name, ("completed",), DEADLINE)
    log = filled.node.log.read_text()
    assert log.count("migration_looks_level") >= 1
    assert sum(_rows(filled.target.endpoint, name)) > 0


def test_a_migration_that_is_told_to_finish_ends_with_every_row_of_a_source_that_was_closed(
    filled: World, name: str, writable: None
) -> None:
    _migration(filled, name, EndWhen="finished")
    with _writing(filled, name):
        filled.node.wait_stage(name, ("running",), DEADLINE)
        _grows(filled, name)
        assert filled.node.job(name)["EndWhen"] == "finished"
        _close(filled)
        answer = httpx.post(f"{filled.node.url}/v1/job/{name}/finish", timeout=15)
        assert answer.status_code == 200 and answer.json()["Success"] is True
        filled.node.wait_stage(name, ("completed",), DEADLINE)
        assert _rows(filled.target.endpoint, name) == _rows(filled.source.endpoint, name)
    answer = httpx.post(f"{filled.node.url}/v1/job/{name}/finish", timeout=15)
    assert (answer.status_code, answer.json()["Success"]) == (200, False)
    assert _level(filled, name)["Level"] is True


def test_what_was_told_to_finish_outlives_the_server(filled: World, name: str) -> None:
    _migration(filled, name, EndWhen="finished")
    filled.node.wait_stage(name, ("running",), DEADLINE)
    with _held(filled, name):
        filled.on_source(f"INSERT INTO {name}.t0 (a) VALUES (1)")
        assert httpx.post(f"{filled.node.url}/v1/job/{name}/finish", timeout=15).status_code == 200
        filled.node.stop()
    filled.node.start()
    filled.node.wait_stage(name, ("completed",), DEADLINE)
    assert _rows(filled.target.endpoint, name)[0] == 1


def test_a_job_that_never_ends_cannot_be_finished(filled: World, name: str) -> None:
    filled.start(name, [name])
    answer = httpx.post(f"{filled.node.url}/v1/job/{name}/finish", timeout=15)
    assert answer.status_code == 400 and "without end" in answer.text


# ---- The command line ----

Udup = Callable[..., Result]


@pytest.fixture
def udup(world: World, tmp_path: Path) -> Udup:
    environment = {"HOME": str(tmp_path), "UDUP_CONFIG": str(world.node.config)}

    def run(*words: str) -> Result:
        result = CliRunner().invoke(cli, words, env=environment, prog_name="udup")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


def test_the_command_waits_and_its_exit_code_says_how_it_ended(filled: World, name: str, udup: Udup) -> None:
    filled.start(name, [name])
    filled.on_source(f"INSERT INTO {name}.t0 (a) VALUES (1)")
    result = udup("job", "wait", name, "--timeout", str(DEADLINE))
    assert result.exit_code == ExitCode.OK, result.output
    assert "Level   = yes" in result.stdout and "Missing" not in result.stdout
    told: Any = json.loads(udup("job", "wait", name, "--json").stdout)
    assert (told["Level"], told["Wanted"], told["Missing"]) == (True, told["Applied"], "")

    with _held(filled, name):
        filled.on_source(f"INSERT INTO {name}.t0 (a) VALUES (2)")
        result = udup("job", "wait", name, "--timeout", "0.3")
        assert result.exit_code == ExitCode.TIMED_OUT and "Missing = " in result.stdout
        assert "1 transaction is not in the target yet" in result.stderr
    gtid = "3e11fa47-71ca-11e1-9e33-c80aa9429562:1"
    told = json.loads(udup("job", "wait", name, "--gtid", gtid, "--timeout", "0", "--json").stdout)
    assert (told["Level"], told["Missing"]) == (False, gtid)
    assert udup("job", "wait", name, "--gtid", "x", "--timeout", "0").exit_code == ExitCode.FAILED
    assert udup("job", "finish", name).exit_code == ExitCode.FAILED

    assert udup("job", "pause", name).exit_code == ExitCode.OK
    filled.node.wait_stage(name, ("paused",), DEADLINE)
    filled.on_source(f"INSERT INTO {name}.t0 (a) VALUES (3)")
    result = udup("job", "wait", name)
    assert result.exit_code == ExitCode.JOB_FAILED and "is paused" in result.stderr
    assert udup("job", "wait", "unheard-of").exit_code == ExitCode.FAILED


def test_who_waits_survives_a_server_that_is_started_again(filled: World, name: str, udup: Udup) -> None:
    filled.start(name, [name])
    results: list[Result] = []
    with _held(filled, name):
        filled.on_source(f"INSERT INTO {name}.t0 (a) VALUES (1)")
        waits = threading.Thread(target=lambda: results.append(udup("job", "wait", name, "--timeout", "120")))
        waits.start()
        time.sleep(0.5)
        filled.node.stop()
        assert not results
    filled.node.start()
    waits.join(DEADLINE * 2)
    assert results and results[0].exit_code == ExitCode.OK, results and results[0].output
    assert _rows(filled.target.endpoint, name)[0] == 1
