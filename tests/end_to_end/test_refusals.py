"""What cannot be carried exactly stops the job with its reason, and leaves the target as it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import psutil
import pytest

from tests.end_to_end.conftest import World, run, value, wait_for
from udup.base.errors import UdupError
from udup.sandbox.api import Json, job_document
from udup.sandbox.node import UdupNode
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.server import MysqlServer


@pytest.fixture
def filled(world: World, name: str) -> World:
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT PRIMARY KEY, a INT)",
        f"INSERT INTO {name}.t VALUES (1, 1), (2, 2), (3, 3)",
    )
    return world


def _gtid_of(world: World, *statements: str) -> str:
    """Run statements of one transaction on the source; its GTID."""
    before = world.executed()
    world.on_source(*statements)
    sql = "SELECT GTID_SUBTRACT(@@GLOBAL.gtid_executed, %s)"
    return str(value(world.source.endpoint, sql, before))


def test_rows_logged_as_a_statement_fail_the_job_with_their_gtid(filled: World, name: str) -> None:
    filled.start(name, [name])
    gtid = _gtid_of(filled, "SET SESSION binlog_format = 'STATEMENT'", f"USE {name}", "UPDATE t SET a = 9 WHERE id = 1")
    reason = filled.failure(name)
    assert gtid in reason and "binlog_format=ROW" in reason and "UPDATE t SET a = 9" in reason
    assert value(filled.target.endpoint, f"SELECT a FROM {name}.t WHERE id = 1") == 1


@pytest.mark.parametrize("change", ["UPDATE {0}.t SET a = 77 WHERE id = 2", "DELETE FROM {0}.t WHERE id = 2"])
def test_a_row_that_is_gone_on_the_target_fails_the_job_and_nothing_of_its_transaction_is_applied(
    filled: World, name: str, change: str
) -> None:
    filled.start(name, [name])
    filled.on_target(f"DELETE FROM {name}.t WHERE id = 2")
    filled.on_source(f"INSERT INTO {name}.t VALUES (10, 0)")
    statements = ("BEGIN", f"INSERT INTO {name}.t VALUES (50, 0)", change.format(name), "COMMIT")
    gtid = _gtid_of(filled, *statements)
    filled.on_source(f"INSERT INTO {name}.t VALUES (60, 0)")
    reason = filled.failure(name)
    assert gtid in reason and "1032" in reason and f"looks for in {name}.t: column 1 = 2)" in reason
    # 60 depends on nothing before it, so another worker may have committed it already.
    assert value(filled.target.endpoint, f"SELECT GROUP_CONCAT(id ORDER BY id) FROM {name}.t WHERE id < 60") == "1,3,10"
    filled.on_target(f"INSERT INTO {name}.t VALUES (2, 2)")
    filled.start(name, [name])
    filled.level_and_equal(name, name)


def test_a_row_that_is_there_already_fails_the_job_with_its_gtid(filled: World, name: str) -> None:
    filled.start(name, [name])
    filled.on_target(f"INSERT INTO {name}.t VALUES (70, 0)")
    gtid = _gtid_of(filled, f"INSERT INTO {name}.t VALUES (69, 0), (70, 1), (71, 0)")
    reason = filled.failure(name)
    assert gtid in reason and "1062" in reason and "'70'" in reason and f"{name}.t" in reason
    assert value(filled.target.endpoint, f"SELECT COUNT(*) FROM {name}.t WHERE id IN (69, 71)") == 0


def test_a_target_table_of_another_definition_fails_the_job_before_its_rows(filled: World, name: str) -> None:
    filled.start(name, [name])
    filled.on_target(f"ALTER TABLE {name}.t MODIFY a INT UNSIGNED")
    filled.on_source(f"ALTER TABLE {name}.t COMMENT 'looked at anew'", f"INSERT INTO {name}.t VALUES (10, -5)")
    reason = filled.failure(name)
    assert f"{name}.t" in reason and "unsigned" in reason.lower()
    assert value(filled.target.endpoint, f"SELECT COUNT(*) FROM {name}.t") == 3


def test_a_target_table_with_rows_is_refused_and_kept(filled: World, name: str) -> None:
    filled.on_source(f"CREATE TABLE {name}.u (id INT PRIMARY KEY)")
    for table in ("t", "u"):
        filled.on_target(f"CREATE DATABASE IF NOT EXISTS {name}", f"CREATE TABLE {name}.{table} (x INT)")
        filled.on_target(f"INSERT INTO {name}.{table} VALUES (5)")
    filled.post(filled.document(name, [name]))
    reason = filled.failure(name)
    assert f"`{name}`.`t`" in reason and f"`{name}`.`u`" in reason and "DropTableIfExists" in reason
    assert value(filled.target.endpoint, f"SELECT x FROM {name}.t") == 5


def test_a_wrong_password_is_told_by_server_and_account_and_never_shown(filled: World, name: str) -> None:
    document = filled.document(name, [name])
    for task, password in zip(document["Tasks"], ("wrong-secret-1", "wrong-secret-2"), strict=True):
        task["Config"]["ConnectionConfig"]["Password"] = password
    filled.post(document)
    reason = filled.failure(name)
    assert "1045" in reason and "root@" in reason
    assert str(filled.source.endpoint.port) in reason or str(filled.target.endpoint.port) in reason
    shown = httpx.get(f"{filled.node.url}/v1/jobs", timeout=10, verify=False).text + str(filled.node.job(name))
    assert "wrong-secret" not in shown + filled.node.log.read_text()


def test_every_missing_privilege_on_both_sides_is_told_at_once(filled: World, name: str) -> None:
    document = filled.document(name, [name])
    for server, task in zip((filled.source, filled.target), document["Tasks"], strict=True):
        run(server.endpoint, f"CREATE USER {name}_u IDENTIFIED BY 'pw-of-nobody'")
        task["Config"]["ConnectionConfig"].update(User=f"{name}_u", Password="pw-of-nobody")
    try:
        filled.post(document)
        reason = filled.failure(name)
        for missing in ("REPLICATION SLAVE", "REPLICATION CLIENT", "SELECT", "INSERT"):
            assert missing in reason, reason
        assert "Src" in reason and "Dest" in reason and "GRANT" in reason
    finally:
        for server in (filled.source, filled.target):
            run(server.endpoint, f"DROP USER {name}_u")


def test_purged_transactions_are_refused_by_name(filled: World, name: str) -> None:
    start = filled.executed()
    filled.on_source(f"INSERT INTO {name}.t VALUES (20, 0)", "FLUSH BINARY LOGS")
    last = value(filled.source.endpoint, "SHOW BINARY LOG STATUS")
    filled.on_source(f"INSERT INTO {name}.t VALUES (21, 0)", f"PURGE BINARY LOGS TO '{last}'")
    filled.post(filled.document(name, [name], gtid=start))
    reason = filled.failure(name)
    assert "purged" in reason and start.split(":")[0] in reason


def test_transactions_that_the_source_never_had_are_refused(filled: World, name: str) -> None:
    own = value(filled.source.endpoint, "SELECT @@server_uuid")
    others = filled.executed()  # of other servers as well, some of it purged: that is not what this is about
    filled.post(filled.document(name, [name], gtid=f"{others},{own}:1-99999999"))
    assert "never executed" in filled.failure(name)


@pytest.fixture(scope="module")
def plain_server(programs: MysqlPrograms, server_folder: Path) -> Iterator[MysqlServer]:
    folder = server_folder / "jobs-plain"
    options = {"gtid-mode": "OFF", "enforce-gtid-consistency": "OFF", "binlog-format": "MIXED"}
    with MysqlServer(programs, folder, options=options) as server:
        yield server


def test_every_wrong_setting_of_the_source_is_told_at_once(filled: World, name: str, plain_server: MysqlServer) -> None:
    document = job_document(name, plain_server.endpoint, filled.target.endpoint, [name])
    filled.post({**document, "ID": name})
    reason = filled.failure(name)
    for setting in ("gtid_mode", "enforce_gtid_consistency", "binlog_format"):
        assert setting in reason, reason


def test_a_target_without_gtids_is_refused(filled: World, name: str, plain_server: MysqlServer) -> None:
    document = job_document(name, filled.source.endpoint, plain_server.endpoint, [name])
    filled.post({**document, "ID": name})
    assert "gtid_mode" in filled.failure(name)
    assert value(plain_server.endpoint, "SHOW DATABASES LIKE %s", name) is None
    assert value(plain_server.endpoint, "SHOW DATABASES LIKE 'udup'") is None


def test_a_job_from_a_server_to_itself_is_refused_at_once(filled: World, name: str) -> None:
    same = replace(filled.source.endpoint)
    with pytest.raises(UdupError, match="same server"):
        filled.node.post_job({**job_document(name, same, same, [name]), "ID": name})


def test_a_deleted_job_leaves_no_actor_and_no_stream_and_may_be_made_anew(filled: World, name: str) -> None:
    filled.start(name, [name])
    assert {actor["Role"] for actor in _actors(filled.node, name)} == {"extractor", "applier"}
    pids = [int(actor["Pid"]) for actor in _actors(filled.node, name)]
    filled.forget(name)
    assert not _actors(filled.node, name)
    wait_for(lambda: not any(psutil.pid_exists(pid) for pid in pids), lambda: pids)
    streams = filled.node.data / "nats" / "jetstream"
    assert not list(streams.rglob("UDUP_JOB_*/msgs/*.blk"))
    with pytest.raises(UdupError, match="404"):
        filled.node.job(name)
    dumps = "SELECT COUNT(*) FROM performance_schema.processlist WHERE COMMAND LIKE 'Binlog Dump%'"
    wait_for(lambda: value(filled.source.endpoint, dumps) == 0, lambda: "no dump is left on the source")
    filled.on_source(f"INSERT INTO {name}.t VALUES (30, 0)")
    filled.start(name, [name])
    filled.level_and_equal(name, name)


def _actors(node: UdupNode, job: str) -> list[Json]:
    return [actor for actor in node.api.actors() if actor["JobID"] == job]
