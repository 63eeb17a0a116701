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
from udup.drivers.mysql.client.connection import connect, query
from udup.sandbox.api import job_document
from udup.verify.compare import compare, wait_level

#: Rows of a transaction that comes in parts.
LARGE = 20_000


@pytest.fixture
def by_statements(home: Household) -> Iterator[Household]:
    """The job runs under load with DDL in it, and its rows go by statements."""
    home.revive()
    home.begin_anew()
    with closing(connect(home.target.endpoint)) as root:  # a customer's accounts have no SYSTEM_USER there
        query(root, "REVOKE SYSTEM_USER ON *.* FROM 'root'@'127.0.0.1'")
        query(root, "SET PERSIST log_bin_trust_function_creators = ON")
    with managed_account(home.target) as account:
        home.node.post_job({**job_document(JOB, home.source.endpoint, account, ["shop"]), "ID": JOB})
        home.node.wait_stage(JOB, deadline=STAGE_SECONDS)
        home.start_load(ddl=True)
        home.wait_applied(BEFORE)
        yield home
        home.revive()
        home.stop_load()
        home.node.delete_job(JOB)
        home.sound = False


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


@pytest.mark.parametrize("role", ["worker", "applier"])
def test_a_killed_actor_loses_and_doubles_nothing(by_statements: Household, role: str) -> None:
    for _ in range(3):
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
