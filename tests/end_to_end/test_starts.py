"""Jobs that begin without a copy, at every kind of place, and copies alone: real servers, with processes killed."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from tests.end_to_end.conftest import DEADLINE, World, forget_settings_of_the_command_line, value, wait_for
from udup.cli import cli
from udup.drivers.mysql.client.connection import connect, query
from udup.sandbox.api import Json

TABLE = "CREATE TABLE {}.t (id INT PRIMARY KEY, a INT)"


@pytest.fixture
def equal(world: World, name: str) -> World:
    """A table that is the same on both sides, with three rows."""
    rows = f"INSERT INTO {name}.t VALUES (1, 1), (2, 2), (3, 3)"
    for run in (world.on_source, world.on_target):
        run(f"CREATE DATABASE {name}", TABLE.format(name), rows)
    return world


def _ids(world: World, name: str) -> list[int]:
    with closing(connect(world.target.endpoint)) as connection:
        return [int(row[0]) for row in query(connection, f"SELECT id FROM {name}.t ORDER BY id")]


def _end_of_log(world: World) -> tuple[str, int]:
    with closing(connect(world.source.endpoint)) as connection:
        [(file, offset, *_)] = query(connection, "SHOW BINARY LOG STATUS")
        return str(file), int(offset)


def _post(world: World, document: Json) -> httpx.Response:
    world.posted.add(document["ID"])
    return httpx.post(f"{world.node.url}/v1/jobs", json=document, timeout=60)


def _refused(world: World, document: Json) -> str:
    answer = _post(world, document)
    world.posted.discard(document["ID"])
    assert answer.status_code == 400, answer.text
    return answer.text


def _pause(world: World, job: str) -> None:
    assert httpx.put(f"{world.node.url}/v1/job/{job}/pause", timeout=15).status_code == 200
    world.node.wait_stage(job, ("paused",), DEADLINE)


def _resume(world: World, job: str) -> None:
    assert httpx.put(f"{world.node.url}/v1/job/{job}/resume", timeout=15).status_code == 200


# ---- Each kind of start ----


def test_auto_gtid_begins_with_what_is_committed_after_the_answer(equal: World, name: str) -> None:
    equal.on_source(f"INSERT INTO {name}.t VALUES (4, 4)")  # in the log, and not on the target on purpose
    before = equal.executed()
    equal.post(equal.document(name, [name], src={"AutoGtid": True}))
    equal.on_source(f"INSERT INTO {name}.t VALUES (5, 5)")
    shown = equal.node.job(name)["Start"]
    assert shown["At"] == "now" and shown["Time"].startswith("20")
    assert value(equal.source.endpoint, "SELECT @@server_uuid") == shown["Server"]
    assert value(equal.source.endpoint, "SELECT GTID_SUBSET(%s, %s)", before, shown["After"])
    equal.node.wait_stage(name, deadline=DEADLINE)
    equal.level(name)
    assert _ids(equal, name) == [1, 2, 3, 5]


def test_gtid_start_begins_with_that_transaction(equal: World, name: str) -> None:
    equal.on_source(f"INSERT INTO {name}.t VALUES (4, 4)")
    before = equal.executed()
    equal.on_source(f"INSERT INTO {name}.t VALUES (5, 5)")
    gtid = value(equal.source.endpoint, "SELECT GTID_SUBTRACT(@@GLOBAL.gtid_executed, %s)", before)
    equal.start(name, [name], src={"GtidStart": gtid})
    equal.on_source(f"INSERT INTO {name}.t VALUES (6, 6)")
    equal.level(name)
    assert _ids(equal, name) == [1, 2, 3, 5, 6]
    assert equal.node.job(name)["Start"]["At"] == f"with {gtid}"


def test_a_file_and_an_offset_begin_with_what_stands_there(equal: World, name: str) -> None:
    equal.on_source(f"INSERT INTO {name}.t VALUES (4, 4)")
    file, offset = _end_of_log(equal)
    equal.on_source(f"INSERT INTO {name}.t VALUES (5, 5)", "FLUSH BINARY LOGS", f"INSERT INTO {name}.t VALUES (6, 6)")
    equal.start(name, [name], src={"BinlogFile": file, "BinlogPos": offset})
    equal.level(name)
    assert _ids(equal, name) == [1, 2, 3, 5, 6]
    said = _refused(equal, equal.document(f"{name}_x", [name], src={"BinlogFile": file, "BinlogPos": offset + 1}))
    assert "BinlogPos" in said and f"{offset + 1} of {file} is in the middle of" in said
    assert f"write {offset} to begin with that transaction" in said
    said = _refused(equal, equal.document(f"{name}_x", [name], src={"BinlogFile": "gone.000001"}))
    assert "has no file 'gone.000001' in its binary log" in said and "SHOW BINARY LOGS" in said


def test_a_start_that_was_wrong_is_corrected_by_the_next_document(equal: World, name: str) -> None:
    """It has left no checkpoint behind, which would hold the job to it."""
    never = "11111111-1111-1111-1111-111111111111:1-5"
    before = equal.executed()
    equal.on_source(f"INSERT INTO {name}.t VALUES (4, 4)")
    purged = f"{before.rpartition('-')[0]}-1" if "-" in before.rpartition(":")[2] else before
    equal.on_source("FLUSH BINARY LOGS")
    file, _ = _end_of_log(equal)
    equal.on_source(f"PURGE BINARY LOGS TO '{file}'")
    equal.post(equal.document(name, [name], src={"Gtid": f"{purged},{never}"}))
    assert "purged" in equal.failure(name)
    equal.post(equal.document(name, [name], src={"BinlogFile": file}))
    equal.runs(name)
    equal.on_source(f"INSERT INTO {name}.t VALUES (5, 5)")
    equal.level(name)
    assert _ids(equal, name) == [1, 2, 3, 5]


def test_a_document_that_contradicts_itself_is_refused_with_every_fault(equal: World, name: str) -> None:
    src = {"AutoGtid": True, "GtidStart": "x:1", "SkipIncrementalCopy": True}
    said = _refused(equal, equal.document(name, [name], src=src, dest={"AutoGtid": True}))
    for text in ("GtidStart: must be the GTID of one", "keep GtidStart or AutoGtid", "is a copy alone", "in the Src's"):
        assert text in said
    assert httpx.get(f"{equal.node.url}/v1/job/{name}", timeout=15).status_code == 404


# ---- Decided once ----


@contextmanager
def _counting(world: World, name: str) -> Iterator[list[int]]:
    """Commit a row after the other on the source; yields the numbers that are committed."""
    stop, committed = threading.Event(), [3]

    def write() -> None:
        with closing(connect(world.source.endpoint)) as connection:
            while not stop.wait(0.002):
                query(connection, f"INSERT INTO {name}.t VALUES ({committed[-1] + 1}, 0)")
                committed.append(committed[-1] + 1)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield committed
    finally:
        stop.set()
        thread.join()


def _has_all_since(world: World, name: str, last_before: int, first_after: int) -> None:
    """The target has its own rows, and all from one on that was committed while the job was posted."""
    world.level(name)
    ids = [each for each in _ids(world, name) if each > 3]
    assert ids == list(range(ids[0], ids[-1] + 1)), "a transaction was left out"
    assert last_before < ids[0] <= first_after, "it began later than it was asked to"


@pytest.mark.parametrize("when", [0.0, 0.05, 0.3, 1.0])
def test_a_node_killed_at_once_after_the_answer_begins_where_it_was_asked_to(
    equal: World, name: str, when: float
) -> None:
    """Before the first checkpoint, while it is written, and after it; the source is written to all the time."""
    with _counting(equal, name) as committed:
        wait_for(lambda: committed[-1] > 10, lambda: committed[-1])
        before = committed[-1]
        equal.post(equal.document(name, [name], src={"AutoGtid": True}))
        after = committed[-1] + 1
        time.sleep(when)
        equal.node.kill()
        equal.node.end_leftovers()
        time.sleep(0.2)  # rows that are written meanwhile must not be taken for what was before
        equal.node.start()
        equal.node.wait_stage(name, deadline=DEADLINE)
    _has_all_since(equal, name, before, after + 1)


def test_a_job_that_could_not_start_for_long_begins_where_it_was_asked_to(equal: World, name: str) -> None:
    """The target is away when it is posted; it is paused, resumed and given another document before its first run."""
    document = equal.document(name, [name], src={"AutoGtid": True})
    before = equal.executed()
    equal.target.stop()
    try:
        equal.post(document)
        decided = equal.node.job(name)["Start"]
        equal.on_source(f"INSERT INTO {name}.t VALUES (4, 4)")
        _pause(equal, name)
        document["Tasks"][1]["Config"]["ParallelWorkers"] = 2
        assert _post(equal, document).status_code == 200
        _pause(equal, name)
        equal.on_source(f"INSERT INTO {name}.t VALUES (5, 5)")
        _resume(equal, name)
    finally:
        equal.target.start()
    equal.node.wait_stage(name, deadline=DEADLINE)
    equal.level_and_equal(name, name)
    assert equal.node.job(name)["Start"] == decided
    assert value(equal.source.endpoint, "SELECT GTID_SUBSET(%s, %s)", before, decided["After"])


def test_a_source_that_is_away_is_told_and_nothing_is_stored(equal: World, name: str) -> None:
    document = equal.document(name, [name], src={"AutoGtid": True})
    equal.source.stop()
    try:
        answer = _post(equal, document)
        assert answer.status_code == 503 and "nothing is stored" in answer.text, answer.text
    finally:
        equal.source.start()
    assert httpx.get(f"{equal.node.url}/v1/job/{name}", timeout=15).status_code == 404
    equal.post(document)
    equal.node.wait_stage(name, deadline=DEADLINE)


def test_another_start_of_a_job_that_has_begun_is_refused_and_a_purge_lets_it_begin_again(
    equal: World, name: str
) -> None:
    document = equal.document(name, [name], src={"AutoGtid": True})
    equal.post(document)
    equal.runs(name)
    other = equal.document(name, [name], src={"GtidStart": f"{value(equal.source.endpoint, 'SELECT @@server_uuid')}:1"})
    answer = _post(equal, other)
    assert answer.status_code == 400 and f"udup job delete --purge {name}" in answer.text, answer.text
    assert equal.node.job(name)["Stage"] == "running"
    began = equal.node.job(name)["Start"]
    equal.on_source(f"INSERT INTO {name}.t VALUES (4, 4)")
    equal.level(name)
    assert httpx.delete(f"{equal.node.url}/v1/job/{name}?purge=true", timeout=40).status_code == 200
    equal.on_target(f"DELETE FROM {name}.t WHERE id = 4")
    equal.post(document)
    equal.runs(name)
    assert equal.node.job(name)["Start"]["After"] != began["After"]
    equal.on_source(f"INSERT INTO {name}.t VALUES (5, 5)")
    equal.level(name)
    assert _ids(equal, name) == [1, 2, 3, 5]


# ---- A copy alone ----


def test_a_copy_alone_is_complete_and_follows_later_without_a_second_copy(
    world: World, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT PRIMARY KEY, a INT, KEY (a))",
        f"CREATE VIEW {name}.v AS SELECT id FROM {name}.t",
        f"INSERT INTO {name}.t VALUES (1, 1), (2, 2)",
    )
    alone = world.document(name, [name], src={"SkipIncrementalCopy": True})
    forget_settings_of_the_command_line(monkeypatch)
    (tmp_path / "job.json").write_text(json.dumps(alone))
    world.posted.add(name)
    environment = {"HOME": str(tmp_path), "UDUP_CONFIG": str(world.node.config)}
    words = ["job", "run", "--watch", "--timeout", "60", str(tmp_path / "job.json")]
    ran = CliRunner().invoke(cli, words, env=environment, prog_name="udup")
    assert ran.exit_code == 0, ran.output
    shown = world.node.job(name)
    assert (shown["Stage"], shown["Status"], shown["Start"]) == ("completed", "complete", None)
    assert shown["Progress"]["copied_rows"] == 2
    world.assert_equal(name)
    world.on_source(f"INSERT INTO {name}.t VALUES (3, 3)", f"ALTER TABLE {name}.t ADD COLUMN b INT DEFAULT 7")
    applied = world.applied(name)
    _resume(world, name)
    world.node.wait_stage(name, ("completed",), DEADLINE)
    assert _ids(world, name) == [1, 2] and world.applied(name) == applied, "resumed, it has its copy"

    follows = world.document(name, [name])
    assert _post(world, follows).status_code == 200
    world.runs(name)
    world.on_source(f"INSERT INTO {name}.t VALUES (4, 4, 4)")
    world.level_and_equal(name, name)
    copied = value(world.target.endpoint, "SELECT COUNT(*) FROM udup.copied_table WHERE job = %s", name)
    assert int(copied) == 0 and _ids(world, name) == [1, 2, 3, 4]

    assert _post(world, alone).status_code == 200
    world.node.wait_stage(name, ("completed",), DEADLINE)
    world.on_source(f"INSERT INTO {name}.t VALUES (5, 5, 5)")
    assert _ids(world, name) == [1, 2, 3, 4], "the key ends a job that follows: it has its copy"


def test_a_copy_alone_needs_no_log_behind_it(world: World, name: str) -> None:
    world.on_source(f"CREATE DATABASE {name}", TABLE.format(name), f"INSERT INTO {name}.t VALUES (1, 1)")
    world.post(world.document(name, [name], src={"SkipIncrementalCopy": True}))
    world.node.wait_stage(name, ("completed",), DEADLINE)
    world.on_source(f"INSERT INTO {name}.t VALUES (2, 2)", "FLUSH BINARY LOGS")
    world.on_source(f"PURGE BINARY LOGS TO '{_end_of_log(world)[0]}'")
    _resume(world, name)
    world.node.wait_stage(name, ("completed",), DEADLINE)
    answer = _post(world, world.document(name, [name]))
    assert answer.status_code == 200
    assert "has purged" in world.failure(name)


@pytest.mark.parametrize("when", [0.1, 0.6])
def test_a_node_killed_in_a_copy_alone_completes_it(world: World, name: str, when: float) -> None:
    world.on_source(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (id INT AUTO_INCREMENT PRIMARY KEY, a INT)")
    world.on_source(f"INSERT INTO {name}.t (a) VALUES (0), (0), (0), (0)")
    world.on_source(*[f"INSERT INTO {name}.t (a) SELECT a FROM {name}.t"] * 12)
    world.post(world.document(name, [name], src={"SkipIncrementalCopy": True}))
    time.sleep(when)
    world.node.kill()
    world.node.end_leftovers()
    world.node.start()
    world.node.wait_stage(name, ("completed",), DEADLINE)
    world.assert_equal(name)


# ---- Validation ----


def _checks(world: World, document: Json) -> dict[str, Any]:
    answer = httpx.post(f"{world.node.url}/v1/validate/job", json=document, timeout=60).json()
    return {f"{each['Task']} {each['Check']}": each for each in answer["Checks"]}


def test_a_validation_says_where_a_job_would_begin_and_which_tables_are_missing(equal: World, name: str) -> None:
    file, offset = _end_of_log(equal)
    found = _checks(equal, equal.document(name, [name], src={"BinlogFile": file, "BinlogPos": offset}))
    assert found["Src start_position"]["Result"] == "pass"
    assert found["Src start_position"]["Found"].startswith(f"at {file}:{offset}: after ")
    assert found["Dest existing_tables"]["Result"] == "pass", "they are there, and no copy is in their way"
    equal.on_source(f"CREATE TABLE {name}.other (id INT PRIMARY KEY)")
    found = _checks(equal, equal.document(name, [name], src={"AutoGtid": True}))
    assert found["Dest existing_tables"]["Result"] == "warn"
    assert f"not on the target: {name}.other" in found["Dest existing_tables"]["Found"]
    assert "AutoGtid" in found["Dest existing_tables"]["Remedy"]
    found = _checks(equal, equal.document(name, [name], src={"BinlogFile": file, "BinlogPos": offset - 1}))
    assert (
        found["Src start_position"]["Result"] == "fail" and "in the middle of" in found["Src start_position"]["Found"]
    )
    assert "Src start_position" not in _checks(equal, equal.document(name, [name]))
