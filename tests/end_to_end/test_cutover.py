"""Applications leave the old server for the new one and lose nothing; and come back by the way back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from tests.end_to_end.conftest import DEADLINE, World, forget_settings_of_the_command_line, run, value, wait_for
from udup.base.endpoint import Endpoint
from udup.cli import cli
from udup.drivers.mysql.client.connection import MySQLError, connect, query
from udup.sandbox.api import Json
from udup.verify.compare import compare

Udup = Callable[..., Result]

READ_ONLY = "SELECT CONCAT(@@global.read_only, @@global.super_read_only)"


@pytest.fixture
def udup(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Udup:
    forget_settings_of_the_command_line(monkeypatch)
    environment = {"HOME": str(tmp_path), "UDUP_CONFIG": str(world.node.config)}

    def call(*words: str) -> Result:
        result = CliRunner().invoke(cli, ["job", "cutover", *words], env=environment, prog_name="udup")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return call


@pytest.fixture
def shop(world: World, name: str) -> Iterator[str]:
    """A running job of this ID, whose schema has counters, an event that writes and one that is disabled."""
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT AUTO_INCREMENT PRIMARY KEY, a INT)",
        f"CREATE TABLE {name}.ledger (a INT)",
        f"CREATE TABLE {name}.empty_one (id BIGINT AUTO_INCREMENT PRIMARY KEY)",
        f"INSERT INTO {name}.t (a) VALUES (1), (2), (3)",
        f"CREATE EVENT {name}.ticks ON SCHEDULE EVERY 1 SECOND DO INSERT INTO {name}.t (a) VALUES (-1)",
        f"CREATE EVENT {name}.off ON SCHEDULE EVERY 1 SECOND DISABLE DO INSERT INTO {name}.t (a) VALUES (-2)",
    )
    world.start(name, [name])
    yield name
    for server in (world.source, world.target):
        run(server.endpoint, "SET GLOBAL super_read_only = OFF", "SET GLOBAL read_only = OFF")


def _rows(endpoint: Endpoint, sql: str) -> list[Any]:
    with closing(connect(endpoint, None)) as connection:
        return query(connection, sql)


class Writers:
    """Applications that write to a server until it lets them no more; what is committed is counted."""

    def __init__(self, endpoint: Endpoint, schema: str) -> None:
        self._endpoint, self._schema = endpoint, schema
        self.committed = 0
        self.refused = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def _write(self) -> None:
        with closing(connect(self._endpoint, None, autocommit=False)) as connection:
            while not self._stop.wait(0.002):
                try:
                    query(connection, f"INSERT INTO {self._schema}.t (a) VALUES (0), (0)")
                    query(connection, f"INSERT INTO {self._schema}.ledger VALUES (1)")
                    connection.commit()
                except MySQLError as error:
                    self.refused = str(error)
                    return
                self.committed += 1

    def __enter__(self) -> Writers:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()


def _statuses(endpoint: Endpoint, schema: str) -> dict[str, str]:
    sql = f"SELECT EVENT_NAME, STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA = '{schema}'"
    return {str(name): str(status).replace("SLAVESIDE", "REPLICA_SIDE") for name, status in _rows(endpoint, sql)}


def _counter(endpoint: Endpoint, schema: str, table: str) -> int:
    with closing(connect(endpoint)) as connection:
        query(connection, "SET SESSION information_schema_stats_expiry = 0")
        sql = "SELECT AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
        return int(query(connection, sql, schema, table)[0][0] or 1)


def _cutover(world: World, job: str) -> Json:
    found: Json = httpx.get(f"{world.node.url}/v1/job/{job}/cutover", timeout=15).json()
    return found


def _step(cutover: Json, name: str) -> Json:
    found: Json = next(step for step in cutover["Steps"] if step["Step"] == name)
    return found


def _post(world: World, job: str, **body: Any) -> httpx.Response:
    return httpx.post(f"{world.node.url}/v1/job/{job}/cutover", json=body, timeout=15)


def _is_over(world: World, job: str, state: str, seconds: float = DEADLINE) -> Json:
    def over() -> bool:
        try:
            return str(_cutover(world, job).get("State")) not in ("running", "undoing")
        except httpx.HTTPError:
            return False  # the node is being started

    wait_for(over, lambda: world.node.log.read_text()[-3000:], seconds)
    cutover = _cutover(world, job)
    assert cutover["State"] == state, cutover
    return cutover


def test_a_whole_cut_over_and_back_again(world: World, udup: Udup, shop: str) -> None:
    old, new = world.source.endpoint, world.target.endpoint
    world.on_source(f"INSERT INTO {shop}.empty_one VALUES (500)", f"DELETE FROM {shop}.empty_one")
    world.level(shop)
    told = udup(shop, "--source-read-only", "--enable-events", "--reverse", "--dry-run")
    assert told.exit_code == 0, told.output
    assert f"would end job {shop}" in told.output and value(old, READ_ONLY) == "00"
    assert f"job {shop}-back from" in told.output

    with Writers(old, shop) as writers:
        wait_for(lambda: writers.committed > 20, lambda: writers.refused)
        done = udup(shop, "--source-read-only", "--enable-events", "--reverse", "--yes")
        assert done.exit_code == 0, done.output + world.node.log.read_text()[-3000:]
    assert "1290" in writers.refused, "they wrote until the source was closed"
    said = [line for line in done.output.splitlines() if line.startswith("position")]
    assert "applications may write to" in said[-1], done.output
    world.posted.add(f"{shop}-back")
    assert value(new, f"SELECT COUNT(*) FROM {shop}.ledger") == writers.committed, "nothing is lost, nothing doubled"
    assert value(old, f"SELECT COUNT(*) FROM {shop}.ledger") == writers.committed
    assert world.node.job(shop)["Stage"] == "completed"
    assert _statuses(new, shop) == {"ticks": "ENABLED", "off": "DISABLED"}
    assert _statuses(old, shop) == {"ticks": "REPLICA_SIDE_DISABLED", "off": "DISABLED"}
    assert _counter(new, shop, "empty_one") == _counter(old, shop, "empty_one") == 501
    assert _counter(new, shop, "t") >= _counter(old, shop, "t")
    assert value(old, READ_ONLY) == "10", "open for Udup alone"

    run(new, f"INSERT INTO {shop}.ledger VALUES (77)", f"CREATE TABLE {shop}.later (id INT PRIMARY KEY)")
    world.node.wait_stage(f"{shop}-back", deadline=DEADLINE)
    _same(world, shop)
    assert value(old, f"SELECT COUNT(*) FROM {shop}.ledger WHERE a = 77") == 1

    resumed = httpx.put(f"{world.node.url}/v1/job/{shop}/resume", timeout=15)
    assert resumed.status_code == 409 and "was cut over" in resumed.text, "the old way would overwrite the new server"

    with Writers(new, shop) as writers:
        wait_for(lambda: writers.committed > 20, lambda: writers.refused)
        back = udup(f"{shop}-back", "--source-read-only", "--enable-events", "--reverse", "--yes")
        assert back.exit_code == 0, back.output + world.node.log.read_text()[-3000:]
    assert f"may write to {old} as soon as SET GLOBAL read_only = OFF was run there" in back.output
    assert f"may write to {old} now" not in back.output
    third = _cutover(world, f"{shop}-back")["WayBack"]
    world.posted.add(third)
    assert third == f"{shop}-2"
    run(old, "SET GLOBAL read_only = OFF", f"INSERT INTO {shop}.ledger VALUES (78)")
    world.node.wait_stage(third, deadline=DEADLINE)
    assert _statuses(old, shop) == {"ticks": "ENABLED", "off": "DISABLED"}
    assert _statuses(new, shop) == {"ticks": "REPLICA_SIDE_DISABLED", "off": "DISABLED"}
    _same(world, shop)
    assert value(new, f"SELECT COUNT(*) FROM {shop}.ledger WHERE a = 78") == 1


def _same(world: World, schema: str) -> None:
    """Wait until both servers hold the same rows, with an event that goes on writing."""

    def equal() -> bool:
        tables = compare(world.source.endpoint, world.target.endpoint, [schema]).tables
        return bool(tables) and all(table.equal for table in tables)

    wait_for(equal, lambda: compare(world.source.endpoint, world.target.endpoint, [schema]).report())


def _drained(world: World, shop: str) -> None:
    world.on_source(f"ALTER EVENT {shop}.ticks DISABLE")
    world.level(shop)


def test_a_prepared_transaction_leaves_everything_as_it_was(world: World, udup: Udup, shop: str) -> None:
    world.on_source(
        f"XA START '{shop}'", f"INSERT INTO {shop}.t (a) VALUES (9)", f"XA END '{shop}'", f"XA PREPARE '{shop}'"
    )
    refused = udup(shop, "--source-read-only", "--reverse", "--yes")
    world.on_source(f"XA COMMIT '{shop}'")
    assert refused.exit_code == 4 and "prepared" in refused.output and shop.encode().hex() in refused.output
    assert value(world.source.endpoint, READ_ONLY) == "00"
    assert _cutover(world, shop)["State"] == "undone" and "udup job cutover" in refused.output
    _drained(world, shop)
    world.assert_equal(shop)


def test_a_transaction_that_had_begun_and_could_still_be_prepared_holds_the_switch_up(
    world: World, udup: Udup, shop: str
) -> None:
    """A read-only MySQL server lets it be prepared and committed all the same."""
    with closing(connect(world.source.endpoint, None)) as connection:
        for statement in (f"XA START '{shop}'", f"INSERT INTO {shop}.t (a) VALUES (9)"):
            query(connection, statement)
        refused = udup(shop, "--source-read-only", "--timeout", "2", "--yes")
        assert refused.exit_code == 4 and "XA" in refused.output, refused.output
        assert value(world.source.endpoint, READ_ONLY) == "00"
        for statement in (f"XA END '{shop}'", f"XA ROLLBACK '{shop}'"):
            query(connection, statement)
    world.level(shop)


def test_a_level_that_cannot_be_reached_leaves_the_source_as_it_was_found(world: World, udup: Udup, shop: str) -> None:
    world.on_source("SET GLOBAL read_only = ON")
    world.level(shop)
    with closing(connect(world.target.endpoint, None)) as connection:
        query(connection, "START TRANSACTION")
        query(connection, f"SELECT * FROM {shop}.t WHERE id = 1 FOR UPDATE")
        world.on_source(f"UPDATE {shop}.t SET a = 100 WHERE id = 1")
        undone = udup(shop, "--source-read-only", "--timeout", "2", "--yes")
        connection.rollback()
    assert undone.exit_code == 4 and "not level within 2 s" in undone.output, undone.output
    assert value(world.source.endpoint, READ_ONLY) == "10", "exactly as it was found"
    world.on_source("SET GLOBAL read_only = OFF")
    _drained(world, shop)
    world.assert_equal(shop)
    assert world.node.job(shop)["Stage"] == "running"


def test_whoever_holds_a_lock_on_the_source_is_named(world: World, udup: Udup, shop: str) -> None:
    with closing(connect(world.source.endpoint, None)) as connection:
        query(connection, f"LOCK TABLES {shop}.t WRITE")
        number = query(connection, "SELECT CONNECTION_ID()")[0][0]
        undone = udup(shop, "--source-read-only", "--timeout", "1", "--yes")
    assert undone.exit_code == 4 and f"KILL {number} ends it" in undone.output, undone.output
    assert value(world.source.endpoint, READ_ONLY) == "00"


def test_a_source_that_is_left_open_needs_somebodys_word_and_whoever_breaks_it_is_noticed(
    world: World, udup: Udup, shop: str
) -> None:
    refused = udup(shop, "--yes")
    assert refused.exit_code == 4 and "--source-read-only" in refused.output
    with Writers(world.source.endpoint, shop) as writers:
        wait_for(lambda: writers.committed > 20, lambda: writers.refused)
        undone = udup(shop, "--writes-stopped", "--timeout", "3", "--yes")
    assert undone.exit_code == 4, undone.output
    assert "somebody still writes" in undone.output or "not level" in undone.output
    _drained(world, shop)
    done = udup(shop, "--writes-stopped", "--yes")
    assert done.exit_code == 0, done.output
    assert world.node.job(shop)["Stage"] == "completed" and value(world.source.endpoint, READ_ONLY) == "00"


@pytest.mark.parametrize("at", ["check", "level", "end"])
def test_a_node_that_is_killed_in_the_middle_carries_it_on(world: World, udup: Udup, shop: str, at: str) -> None:
    _drained(world, shop)
    with closing(connect(world.target.endpoint, None)) as connection:
        query(connection, "START TRANSACTION")
        query(connection, f"SELECT * FROM {shop}.t WHERE id = 1 FOR UPDATE")
        world.on_source(f"UPDATE {shop}.t SET a = 100 WHERE id = 1")  # so that it cannot be level yet
        answer = _post(world, shop, SourceReadOnly=True, Reverse=True, Timeout=120)
        assert answer.status_code == 200, answer.text
        if at == "level":
            wait_for(lambda: _step(_cutover(world, shop), "level")["State"] == "doing", lambda: _cutover(world, shop))
        if at == "end":
            connection.rollback()
            wait_for(lambda: _step(_cutover(world, shop), "counters")["State"] == "done", lambda: _cutover(world, shop))
        world.node.kill()
        connection.rollback()
    world.node.start()
    world.posted.add(f"{shop}-back")
    done = _is_over(world, shop, "done")
    assert value(world.source.endpoint, READ_ONLY) == "10" and done["WayBack"] == f"{shop}-back"
    assert value(world.target.endpoint, f"SELECT a FROM {shop}.t WHERE id = 1") == 100
    world.on_target(f"INSERT INTO {shop}.ledger VALUES (5)")
    wait_for(
        lambda: value(world.source.endpoint, f"SELECT COUNT(*) FROM {shop}.ledger") == 1,
        lambda: world.node.job(f"{shop}-back"),
    )
    world.assert_equal(shop)


def test_an_abort_opens_the_source_again(world: World, udup: Udup, shop: str) -> None:
    with closing(connect(world.target.endpoint, None)) as connection:
        query(connection, "START TRANSACTION")
        query(connection, f"SELECT * FROM {shop}.t WHERE id = 1 FOR UPDATE")
        world.on_source(f"UPDATE {shop}.t SET a = 100 WHERE id = 1")
        _post(world, shop, SourceReadOnly=True, Timeout=120)
        wait_for(lambda: value(world.source.endpoint, READ_ONLY) == "11", lambda: _cutover(world, shop))
        answer = httpx.put(f"{world.node.url}/v1/job/{shop}/pause", timeout=15)
        assert answer.status_code == 409 and "--abort" in answer.text
        assert httpx.put(f"{world.node.url}/v1/job/{shop}/resume", timeout=15).json()["Success"] is False, "it runs"
        assert world.node.job(shop)["Cutover"]["State"] == "running"
        assert _post(world, shop, SourceReadOnly=True).json()["Success"] is False, "one is under way"
        aborted = udup(shop, "--abort")
        connection.rollback()
    assert aborted.exit_code == 0 and value(world.source.endpoint, READ_ONLY) == "00"
    late = udup(shop, "--abort")
    assert late.exit_code == 0, "there is nothing to undo any more"
    _drained(world, shop)
    world.assert_equal(shop)


def test_an_abort_right_behind_the_switch_undoes_nothing_and_says_what_that_means(
    world: World, udup: Udup, shop: str
) -> None:
    with closing(connect(world.target.endpoint, None, autocommit=False)) as connection:
        query(connection, f"SELECT * FROM udup.claim WHERE job = '{shop}' FOR UPDATE")
        with Writers(world.source.endpoint, shop):
            _post(world, shop, SourceReadOnly=True, Timeout=120)
            wait_for(lambda: world.node.job(shop)["Stage"] == "completed", lambda: _cutover(world, shop))
        aborted = udup(shop, "--abort")
        connection.rollback()
    assert aborted.exit_code == 4, aborted.output
    source, target = world.source.endpoint, world.target.endpoint
    for told in (
        "the abort came after the switch, so nothing was undone",
        f"The source {source} stays read-only",
        "SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF",
        f"No application may write to {target} yet",
        "Left to do: end, triggers, position. To carry that on: udup job cutover",
    ):
        assert told in aborted.output, aborted.output
    assert value(source, READ_ONLY) == "11" and _step(_cutover(world, shop), "end")["State"] == "waiting"
    shown = world.node.job(shop)["Progress"]
    assert (shown["lag_ms"], shown["level"]) == (0, True)
    for key in ("source_gtid", "applied_gtid"):
        assert not value(target, "SELECT GTID_SUBTRACT(%s, %s)", world.executed(), shown[key]), shown
    done = udup(shop, "--source-read-only", "--yes", "--timeout", "120")
    assert done.exit_code == 0 and f"applications may write to {target} now" in done.output, done.output
    world.assert_equal(shop)


def test_what_an_account_lacks_is_told_before_anything_is_changed(world: World, udup: Udup, shop: str) -> None:
    user = f"'u{shop[2:]}'@'%'"
    world.on_source(
        f"CREATE USER {user} IDENTIFIED BY 'secret'",
        f"GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT, SHOW VIEW, TRIGGER, EVENT ON *.* TO {user}",
    )
    weak = replace(world.source.endpoint, user=user.split("'")[1], password="secret")
    document = world.document(shop, [shop])
    document["Tasks"][0]["Config"]["ConnectionConfig"].update(User=weak.user, Password=weak.password)
    world.post(document)
    world.runs(shop)
    refused = udup(shop, "--source-read-only", "--reverse", "--yes")
    world.forget(shop)
    world.on_source(f"DROP USER {user}")
    assert refused.exit_code == 4
    for privilege in (
        "XA_RECOVER_ADMIN",
        "SYSTEM_VARIABLES_ADMIN",
        "CONNECTION_ADMIN",
        "INSERT",
    ):
        assert privilege in refused.output, refused.output
    assert value(world.source.endpoint, READ_ONLY) == "00"


def test_a_way_back_of_a_job_with_new_names_puts_them_back(world: World, udup: Udup, name: str) -> None:
    new_name = f"{name}_n"
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT AUTO_INCREMENT PRIMARY KEY, a INT)",
        f"CREATE TABLE {name}.own (id INT PRIMARY KEY)",
        f"INSERT INTO {name}.t (a) VALUES (1), (2)",
        f"DELETE FROM {name}.t WHERE a = 2",
    )
    rename = {"TableSchema": name, "TableSchemaRename": new_name, "Tables": [{"TableName": "t", "TableRename": "u"}]}
    document = world.document(name, [], src={"ReplicateDoDb": [rename]})
    world.post(document)
    world.runs(name)
    try:
        done = udup(name, "--source-read-only", "--reverse", "--yes")
        world.posted.add(f"{name}-back")
        assert done.exit_code == 0, done.output
        world.on_target(f"INSERT INTO {new_name}.u (a) VALUES (3)", f"CREATE TABLE {new_name}.own (id INT)")
        here = f"SELECT GROUP_CONCAT(id, '=', a ORDER BY id) FROM {name}.t"
        wait_for(lambda: value(world.source.endpoint, here) == "1=1,3=3", lambda: world.node.job(f"{name}-back"))
        back = world.node.wait_stage(f"{name}-back", ("catching_up", "running"), DEADLINE)
        assert back["Progress"]["restarts"] == 0
    finally:
        run(world.source.endpoint, "SET GLOBAL super_read_only = OFF", "SET GLOBAL read_only = OFF")
        run(world.target.endpoint, f"DROP DATABASE IF EXISTS {new_name}")
