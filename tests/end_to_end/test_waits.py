"""What a job waits for is told while it waits: which lock, on which side, and the session that has it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx
import pytest

from tests.end_to_end.conftest import World, value, wait_for
from udup.base.endpoint import Endpoint
from udup.drivers.mysql.client.connection import connect, query, scalar


@contextmanager
def _held(endpoint: Endpoint, *statements: str, end: str = "ROLLBACK") -> Iterator[int]:
    """A session that has run these, and then stands idle; its ID."""
    with closing(connect(endpoint, None)) as connection:
        number = int(scalar(connection, "SELECT CONNECTION_ID()"))
        for statement in statements:
            query(connection, statement)
        yield number
        query(connection, end)


def _told(world: World, job: str, what: str, *, blocked: bool = True) -> dict[str, Any]:
    """Wait until the job tells that it waits for this, and by whom."""
    found: dict[str, Any] = {}

    def told() -> bool:
        wait = world.node.job(job)["Progress"].get("waiting_for") or {}
        found.clear()
        found.update(wait)
        return wait.get("what") == what and (not blocked or "blocked_by" in wait)

    wait_for(told, lambda: (found, world.node.job(job)["Progress"]), 40)
    return found


def _over(world: World, job: str) -> None:
    wait_for(lambda: world.node.job(job)["Progress"].get("waiting_for") is None, lambda: world.node.job(job))


def test_a_row_lock_is_told_with_the_session_that_holds_it(following: World, name: str) -> None:
    world = following
    statement = f"UPDATE {name}.t SET a = 0 WHERE id = 1"
    with _held(world.target.endpoint, "BEGIN", statement) as session:
        world.on_source(f"UPDATE {name}.t SET a = 10 WHERE id = 1")
        wait = _told(world, name, "row lock")
        assert wait["side"] == "target" and wait["table"] == f"{name}.t" and wait["worker"] >= 1
        other = wait["blocked_by"]
        assert (other["session"], other["idle"]) == (session, True)
        assert other["user"].startswith(world.target.endpoint.user) and other["statement"] == statement
        command = [sys.executable, "-m", "udup", "job", "status", name, "--address", world.node.url]
        shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout
        assert f"session {session} (" in shown and "idle in transaction" in shown, shown
        metrics = httpx.get(f"{world.node.url}/metrics", timeout=15).text
        [line] = [
            each
            for each in metrics.splitlines()
            if each.startswith("udup_job_waiting_seconds{") and f'job_id="{name}"' in each
        ]
        assert 'side="target"' in line and 'what="row lock"' in line and float(line.split()[-1]) >= 5
    _over(world, name)
    wait_for(lambda: value(world.target.endpoint, f"SELECT a FROM {name}.t WHERE id = 1") == 10, lambda: name)


def test_a_statement_behind_a_metadata_lock_is_told_with_the_session_that_holds_it(following: World, name: str) -> None:
    world = following
    with _held(world.target.endpoint, "BEGIN", f"SELECT COUNT(*) FROM {name}.t") as session:
        world.on_source(f"ALTER TABLE {name}.t ADD COLUMN b INT")
        wait = _told(world, name, "metadata lock")
        assert wait["blocked_by"]["session"] == session and wait["blocked_by"]["idle"]
        assert "ALTER TABLE" in wait["statement"] and wait["table"] == f"{name}.t" and ":" in wait["gtid"]
    _over(world, name)


@pytest.mark.parametrize(
    ("statement", "end", "what"),
    [
        ("FLUSH TABLES WITH READ LOCK", "UNLOCK TABLES", "global read lock"),
        ("LOCK TABLES {}.t READ", "UNLOCK TABLES", "table lock"),
    ],
)
def test_whoever_locks_the_target_while_a_job_follows_is_told(
    following: World, name: str, statement: str, end: str, what: str
) -> None:
    world = following
    with _held(world.target.endpoint, statement.format(name), end=end) as session:
        world.on_source(f"UPDATE {name}.t SET a = 10 WHERE id = 1")
        wait = _told(world, name, what)
        assert wait["blocked_by"]["session"] == session and wait["side"] == "target"
    _over(world, name)
    wait_for(lambda: value(world.target.endpoint, f"SELECT a FROM {name}.t WHERE id = 1") == 10, lambda: name)
    assert world.node.job(name)["Stage"] == "running"


def test_a_backup_lock_is_told_where_a_definition_waits_for_it(following: World, name: str) -> None:
    world = following
    with _held(world.target.endpoint, "LOCK INSTANCE FOR BACKUP", end="UNLOCK INSTANCE") as session:
        world.on_source(f"ALTER TABLE {name}.t ADD COLUMN b INT")
        assert _told(world, name, "backup lock")["blocked_by"]["session"] == session
    _over(world, name)


@pytest.mark.parametrize("is_first", [True, False])
def test_whoever_locks_the_target_while_a_copy_begins_is_told(world: World, name: str, is_first: bool) -> None:
    """Of the first job too, for which Udup's own tables have to be made before anything else."""
    if is_first:
        world.on_target("DROP DATABASE IF EXISTS udup")
    world.on_source(
        f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (id INT PRIMARY KEY)", f"INSERT INTO {name}.t VALUES (1)"
    )
    with _held(world.target.endpoint, "FLUSH TABLES WITH READ LOCK", end="UNLOCK TABLES") as session:
        world.post(world.document(name, [name]))
        assert _told(world, name, "global read lock")["blocked_by"]["session"] == session
    world.runs(name)


def test_a_copy_that_waits_for_the_end_of_prepared_transactions_says_so(world: World, name: str) -> None:
    world.on_source(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (id INT PRIMARY KEY)")
    xid = f"'{name}'"
    world.on_source(f"XA START {xid}", f"INSERT INTO {name}.t VALUES (1)", f"XA END {xid}", f"XA PREPARE {xid}")
    try:
        world.post(world.document(name, [name]))
        wait = _told(world, name, "prepared transactions", blocked=False)
        assert wait["side"] == "source" and name.encode().hex() in wait["statement"]
    finally:
        world.on_source(f"XA COMMIT {xid}")


def test_an_account_that_may_not_look_tells_the_kind_and_the_grant_that_would_tell_more(
    following: World, name: str
) -> None:
    world = following
    account = f"'{name}'@'%'"
    with closing(connect(world.target.endpoint)) as connection:
        query(connection, f"CREATE USER {account} IDENTIFIED BY 'Secret-1'")
        query(connection, f"GRANT SUPER, REPLICATION_APPLIER, SYSTEM_VARIABLES_ADMIN, CREATE USER ON *.* TO {account}")
        query(connection, f"GRANT ALL ON {name}.* TO {account}")
        query(connection, f"GRANT ALL ON udup.* TO {account}")
    try:
        config = {"ConnectionConfig": _config(world, name)}
        world.post(world.document(name, [name], dest=config))
        world.runs(name)
        with _held(world.target.endpoint, "BEGIN", f"SELECT COUNT(*) FROM {name}.t"):
            world.on_source(f"ALTER TABLE {name}.t ADD COLUMN b INT")
            wait = _told(world, name, "metadata lock", blocked=False)
            assert "blocked_by" not in wait and "GRANT SELECT ON performance_schema.*" in wait["hint"]
        _over(world, name)
    finally:
        world.forget(name)
        world.on_target(f"DROP USER {account}")


def _config(world: World, user: str) -> dict[str, Any]:
    target = world.target.endpoint
    return {"Host": target.host, "Port": target.port, "User": user, "Password": "Secret-1"}
