"""A job that stands at one transaction is got going again by passing over it, and says so for ever after."""

from __future__ import annotations

import itertools
import subprocess
import sys

from tests.end_to_end.conftest import World, value, wait_for


def _udup(world: World, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "udup", "job", *args, "--address", world.node.url]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def _skip(world: World, job: str, gtid: str) -> subprocess.CompletedProcess[str]:
    return _udup(world, "skip", job, "--gtid", gtid, "--yes")


def _last_gtid(world: World) -> str:
    """The source's newest transaction that has no tag; other tests of the server's may have given theirs some."""
    own = str(value(world.source.endpoint, "SELECT @@global.server_uuid"))
    [executed] = [each for each in world.executed().replace("\n", "").split(",") if each.startswith(own)]
    untagged = itertools.takewhile(lambda part: part[0].isdigit(), executed.split(":")[1:])
    return f"{own}:{max(int(part.split('-')[-1]) for part in untagged)}"


def _rows(world: World, name: str) -> str:
    return str(value(world.target.endpoint, f"SELECT GROUP_CONCAT(id, ':', a ORDER BY id) FROM {name}.t"))


def test_a_row_that_was_deleted_on_the_target_costs_one_transaction_and_the_ledger_says_which(
    following: World, name: str
) -> None:
    world = following
    world.on_target(f"DELETE FROM {name}.t WHERE id = 1")
    world.on_source(f"UPDATE {name}.t SET a = 10 WHERE id = 1")
    gtid = _last_gtid(world)
    world.on_source(f"UPDATE {name}.t SET a = 20 WHERE id = 2")
    reason = world.failure(name)
    assert f"udup job repair {name} {name}.t" in reason
    assert reason.endswith(f"or pass over the transaction: udup job skip {name} --gtid {gtid}")
    told = world.node.job(name)
    failure = told["Failure"]
    assert (told["Shown"], told["Group"], told["NeedsYou"], failure["Kind"]) == (
        "diverged", "needs_you", True, "row_missing",
    )  # fmt: skip
    assert (failure["Gtid"], failure["Table"], failure["Key"]) == (gtid, f"{name}.t", "column 1 = 1")
    assert failure["SourceKeepsUntil"] > told["ShownSince"] == failure["At"]
    assert [each["Act"] for each in failure["Remedies"]] == ["repair", "resume", "skip"]
    uuid, _, number = gtid.rpartition(":")
    refused = _skip(world, name, f"{uuid}:{int(number) + 1}")
    assert refused.returncode == 1 and f"stands at {gtid}" in refused.stderr, refused.stderr
    done = _skip(world, name, gtid)
    assert done.returncode == 0 and "differs from the source" in done.stdout, done
    world.runs(name)
    wait_for(lambda: _rows(world, name) == "2:20,3:3", lambda: _rows(world, name))
    again = _skip(world, name, gtid)
    assert again.returncode == 1 and "passed over already" in again.stderr
    assert world.node.job(name)["Stage"] == "running", "a run is not disturbed"
    world.node.stop()
    world.node.start()
    world.runs(name)
    [entry] = world.node.job(name)["Skipped"]
    assert (entry["Gtid"], entry["Confirmed"]) == (gtid, True) and f"{name}.t" in entry["Table"]
    shown = _udup(world, "status", name).stdout
    assert "passed over" in shown and gtid in shown


def test_after_a_statement_that_the_target_refuses_the_next_ones_run_exactly_once(following: World, name: str) -> None:
    world = following
    world.on_target(f"ALTER TABLE {name}.t ADD COLUMN b INT")
    world.on_source(f"ALTER TABLE {name}.t ADD COLUMN b INT")
    gtid = _last_gtid(world)
    world.on_source(f"ALTER TABLE {name}.t ADD COLUMN c INT DEFAULT 7", f"INSERT INTO {name}.t VALUES (4, 4, 4, 4)")
    assert gtid in world.failure(name)
    failure = world.node.job(name)["Failure"]
    assert (failure["Kind"], failure["Gtid"]) == ("statement_refused", gtid)
    assert "ADD COLUMN b INT" in failure["Statement"] and "1060" in failure["Params"]["error"]
    assert _skip(world, name, gtid).returncode == 0
    wait_for(lambda: value(world.target.endpoint, f"SELECT COUNT(*) FROM {name}.t") == 4, lambda: world.node.job(name))
    assert value(world.target.endpoint, f"SELECT GROUP_CONCAT(c ORDER BY id) FROM {name}.t") == "7,7,7,4"
    world.on_source(f"ALTER TABLE {name}.t ADD COLUMN d INT")
    columns = (
        "SELECT GROUP_CONCAT(COLUMN_NAME ORDER BY ORDINAL_POSITION) FROM information_schema.COLUMNS"
        f" WHERE TABLE_SCHEMA = '{name}'"
    )
    wait_for(lambda: value(world.target.endpoint, columns) == "id,a,b,c,d", lambda: world.node.job(name))


def test_the_kept_rows_of_a_prepared_transaction_go_with_its_end(following: World, name: str) -> None:
    world = following
    xid = f"'{name}'"
    world.on_source(f"XA START {xid}", f"UPDATE {name}.t SET a = 10 WHERE id = 1", f"XA END {xid}", f"XA PREPARE {xid}")
    kept = f"SELECT COUNT(*) FROM udup.prepared WHERE job = '{name}'"
    wait_for(lambda: value(world.target.endpoint, kept) > 0, lambda: world.node.job(name))
    world.on_target(f"DELETE FROM {name}.t WHERE id = 1")
    world.on_source(f"XA COMMIT {xid}")
    gtid = _last_gtid(world)
    assert gtid in world.failure(name)
    assert _skip(world, name, gtid).returncode == 0
    world.runs(name)
    assert value(world.target.endpoint, kept) == 0
    # The name is free for another one.
    world.on_source(f"XA START {xid}", f"UPDATE {name}.t SET a = 20 WHERE id = 2", f"XA END {xid}", f"XA PREPARE {xid}")
    world.on_source(f"XA COMMIT {xid}")
    wait_for(lambda: _rows(world, name) == "2:20,3:3", lambda: world.node.job(name))


def test_of_a_table_without_transactions_a_refused_row_is_passed_over(world: World, name: str) -> None:
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT PRIMARY KEY, a INT) ENGINE=MyISAM",
        f"INSERT INTO {name}.t VALUES (1, 1), (2, 2)",
    )
    world.start(name, [name])
    world.on_target(f"INSERT INTO {name}.t VALUES (3, 0)")
    world.on_source(f"INSERT INTO {name}.t VALUES (3, 3)")
    gtid = _last_gtid(world)
    world.on_source(f"INSERT INTO {name}.t VALUES (4, 4)")
    assert gtid in world.failure(name)
    failure = world.node.job(name)["Failure"]
    assert (failure["Kind"], failure["Params"]["table"]) == ("unsettled", f"{name}.t")
    assert [each["Act"] for each in failure["Remedies"]] == ["statement", "settle", "settle", "skip"]
    done = _skip(world, name, gtid)
    assert done.returncode == 0, done.stderr
    wait_for(lambda: _rows(world, name) == "1:1,2:2,3:0,4:4", lambda: (_rows(world, name), world.node.job(name)))


def test_what_the_source_logs_and_udup_cannot_carry_is_passed_over(following: World, name: str) -> None:
    world = following
    world.on_source("SET SESSION binlog_format = 'STATEMENT'", f"UPDATE {name}.t SET a = 10 WHERE id = 1")
    gtid = _last_gtid(world)
    world.on_source(f"UPDATE {name}.t SET a = 20 WHERE id = 2")
    assert gtid in world.failure(name)
    failure = world.node.job(name)["Failure"]
    assert (failure["Kind"], failure["Gtid"]) == ("unsupported", gtid)
    assert "UPDATE" in failure["Statement"], "of one statement"
    assert _skip(world, name, gtid).returncode == 0
    wait_for(lambda: _rows(world, name) == "1:1,2:20,3:3", lambda: (_rows(world, name), world.node.job(name)))
