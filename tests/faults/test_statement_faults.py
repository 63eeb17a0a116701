"""Kills while rows get to the target by statements, under an account with exactly what Amazon RDS grants.

The load holds small transactions, definitions, and one large transaction in parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from tests.faults.conftest import AFTER, BEFORE, JOB, LEVEL_SECONDS, STAGE_SECONDS, Household, kill, wait_for
from tests.managed import managed_account
from udup.base.endpoint import Endpoint
from udup.drivers.mysql.client.connection import connect, query
from udup.sandbox.api import job_document
from udup.verify.compare import compare, wait_level

#: Rows of a transaction that comes in parts.
LARGE = 20_000

#: Rows of a table that is made again, and what each of them costs meanwhile: seconds in all.
SLOW, SLOWLY = 120, "AS (SHA2(REPEAT(text, 40000), 512)) STORED"

#: A definition of it that runs on a server, by what the server says of the session.
_RUNNING = "SELECT ID, STATE FROM information_schema.PROCESSLIST WHERE INFO LIKE 'ALTER TABLE shop.slow%'"


@pytest.fixture(scope="module")
def account(home: Household) -> Iterator[Endpoint]:
    """The account of this file's job, which ends before it does."""
    home.revive()
    home.sound = False  # a job of another file is not by statements
    with closing(connect(home.target.endpoint)) as root:  # a customer's accounts have no SYSTEM_USER there
        query(root, "REVOKE SYSTEM_USER ON *.* FROM 'root'@'127.0.0.1'")
        query(root, "SET PERSIST log_bin_trust_function_creators = ON")
    with managed_account(home.target) as account:
        yield account
        home.revive()
        home.node.delete_job(JOB)
        home.sound = False


@pytest.fixture
def by_statements(home: Household, account: Endpoint) -> Iterator[Household]:
    """The job runs under load with DDL in it, its rows go by statements: that of the test before if all is well."""
    home.revive()
    if not home.sound:
        home.begin_anew()
        home.node.post_job({**job_document(JOB, home.source.endpoint, account, ["shop"]), "ID": JOB})
    home.node.wait_stage(JOB, deadline=STAGE_SECONDS)
    home.start_load(ddl=True)
    home.wait_applied(BEFORE)
    yield home
    home.revive()
    home.stop_load()
    with closing(connect(home.source.endpoint)) as source:
        query(source, "DROP TABLE IF EXISTS shop.large, shop.much, shop.slow")


def _check(job: Household) -> None:
    """As `Household.check` does; the trigger stays off the target."""
    job.stop_load()
    assert wait_level(job.source.endpoint, job.applied, LEVEL_SECONDS), job.node.job(JOB)
    comparison = compare(job.source.endpoint, job.target.endpoint, ["shop"])
    assert all(each.startswith("TRIGGER") for each in comparison.definitions), comparison.report()
    assert replace(comparison, definitions=()).equal, comparison.report()
    with closing(connect(job.source.endpoint)) as one, closing(connect(job.target.endpoint)) as other:
        ledger = "SELECT COUNT(*) FROM shop.ledger"
        assert query(one, ledger) == query(other, ledger)
    job.sound = True


@pytest.mark.parametrize("role", ["worker", "applier"])
def test_a_killed_actor_loses_and_doubles_nothing(by_statements: Household, role: str) -> None:
    for _ in range(3):
        by_statements.need_a_worker()
        victim = by_statements.pid_of(role)
        kill(victim)
        by_statements.wait_applied(AFTER)
    assert any("by INSERT, UPDATE and DELETE" in str(each) for each in by_statements.progress()["warnings"])  # type: ignore[attr-defined]
    _check(by_statements)


def test_a_target_killed_in_a_large_transaction_loses_and_doubles_nothing(by_statements: Household) -> None:
    by_statements.stop_load()
    with closing(connect(by_statements.source.endpoint)) as source:
        query(source, "CREATE TABLE shop.large (id INT PRIMARY KEY, text VARCHAR(200))")
        numbers = f"WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {LARGE})"
        query(source, "SET cte_max_recursion_depth = 1000000")
        query(source, f"INSERT INTO shop.large {numbers} SELECT n, REPEAT('x', 150) FROM n")
        query(source, "UPDATE shop.large SET text = CONCAT(id, text)")
    begun = "SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_rows_modified > 1000"
    with closing(connect(by_statements.target.endpoint)) as target:
        wait_for(lambda: query(target, begun)[0][0] > 0, STAGE_SECONDS, "the large transaction is being applied")
    by_statements.target.kill()
    by_statements.target.restart()
    _check(by_statements)


def test_a_killed_server_loses_and_doubles_nothing(by_statements: Household) -> None:
    by_statements.target.kill()
    by_statements.target.restart()
    by_statements.wait_applied(AFTER)
    by_statements.node.kill()
    wait_for(lambda: not by_statements.node.pids(), 5, "every process of the killed server ends")
    by_statements.node.start()
    by_statements.wait_applied(AFTER)
    _check(by_statements)


@pytest.fixture
def slow(by_statements: Household) -> Household:
    """A table on both servers whose ALTER takes seconds; nothing else is written."""
    by_statements.stop_load()
    with closing(connect(by_statements.source.endpoint)) as source:
        query(source, "DROP TABLE IF EXISTS shop.slow")
        query(source, "CREATE TABLE shop.slow (id INT PRIMARY KEY, text VARCHAR(200))")
        numbers = f"WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {SLOW})"
        query(source, f"INSERT INTO shop.slow {numbers} SELECT n, REPEAT('x', 150) FROM n")
    assert wait_level(by_statements.source.endpoint, by_statements.applied, LEVEL_SECONDS)
    return by_statements


def _alter(home: Household) -> None:
    """What the log has then: a definition that would be refused the second time."""
    with closing(connect(home.source.endpoint)) as source:
        query(source, f"ALTER TABLE shop.slow ADD COLUMN sum VARCHAR(128) {SLOWLY}, ADD COLUMN a INT DEFAULT 7")


def _change_rows(home: Household) -> None:
    """And rows that need it."""
    with closing(connect(home.source.endpoint)) as source:
        query(source, "UPDATE shop.slow SET a = 8 WHERE id < 5")


def _kill_node(home: Household) -> None:
    home.node.kill()
    wait_for(lambda: not home.node.pids(), 5, "every process of the killed server ends")


@pytest.mark.parametrize("ends_alone", [True, False])
def test_a_server_killed_while_a_definition_runs_has_it_once(slow: Household, ends_alone: bool) -> None:
    """The target goes on with it; it is through when the next run looks, or is ended by that run."""
    with closing(connect(slow.target.endpoint)) as target:
        _alter(slow)
        wait_for(
            lambda: any("copy" in str(state) or "alter" in str(state) for _, state in query(target, _RUNNING)),
            STAGE_SECONDS,
            "the definition runs on the target",
        )
        _kill_node(slow)
        if ends_alone:
            wait_for(lambda: not query(target, _RUNNING), STAGE_SECONDS, "the definition ends")
    _change_rows(slow)
    slow.node.start()
    _check(slow)


def test_a_server_killed_while_a_definition_waits_has_it_once(slow: Household) -> None:
    with closing(connect(slow.target.endpoint, None, autocommit=False)) as holder:
        query(holder, "SELECT COUNT(*) FROM shop.slow")
        _alter(slow)
        with closing(connect(slow.target.endpoint)) as target:
            wait_for(lambda: bool(query(target, _RUNNING)), STAGE_SECONDS, "the definition waits on the target")
            [(session, _)] = query(target, _RUNNING)
            _kill_node(slow)
            _change_rows(slow)
            slow.node.start()
            gone = f"SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = {session}"
            wait_for(lambda: not query(target, gone), STAGE_SECONDS, "the next run ends the session of the one before")
    _check(slow)


def test_a_target_killed_while_a_definition_runs_has_it_once(slow: Household) -> None:
    with closing(connect(slow.target.endpoint)) as target:
        _alter(slow)
        wait_for(lambda: bool(query(target, _RUNNING)), STAGE_SECONDS, "the definition runs on the target")
    slow.target.kill()
    _change_rows(slow)
    slow.target.restart()
    _check(slow)
