"""A target that cannot take a job says so before the job starts, in full."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from tests.preflights import bare_account, changed, problems
from udup.base.endpoint import Endpoint
from udup.drivers.mysql.apply.checkpoint import Checkpoint
from udup.drivers.mysql.apply.own_tables import create_tables
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.checks.pair import check_pair, pair_checks, warn_pair
from udup.drivers.mysql.checks.target import check_target, target_checks, warn_target
from udup.drivers.mysql.checks.target_tables import StoredCheckpoint, read_checkpoint, read_unfinished
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.client.facts import ServerFacts, read_facts
from udup.drivers.mysql.client.privileges import Privileges
from udup.drivers.mysql.dictionary.present import Present
from udup.drivers.mysql.dictionary.used import COLLATION, INVISIBLE, PLUGIN, TYPE, Used
from udup.drivers.mysql.load.copied import CopyNotes
from udup.pipeline.checks import Outcome
from udup.pipeline.ports import ApplyMode
from udup.pipeline.selection.selection import Selection
from udup.sandbox.server import MysqlServer

EVERYTHING = Selection.of([])


@pytest.fixture(scope="module")
def ours(source: MysqlServer) -> ServerFacts:
    with closing(connect(source.endpoint)) as connection:
        return read_facts(connection)


@pytest.fixture(scope="module")
def theirs(target: MysqlServer) -> ServerFacts:
    with closing(connect(target.endpoint)) as connection:
        return read_facts(connection)


@pytest.fixture
def account(target: MysqlServer) -> Iterator[Endpoint]:
    """An account of the test's own, without privileges."""
    with bare_account(target) as endpoint:
        yield endpoint


def test_a_good_pair_has_no_faults(ours: ServerFacts, theirs: ServerFacts) -> None:
    assert check_target(theirs, EVERYTHING) == []
    assert check_pair(ours, theirs) == []
    assert warn_pair(ours, theirs) == []


def test_every_fault_is_told_at_once(theirs: ServerFacts) -> None:
    bad = changed(
        theirs, gtid_mode="OFF", super_read_only="ON", binlog_format="STATEMENT", max_allowed_packet="1048576"
    )
    faults = check_target(bad, EVERYTHING)
    assert len(faults) == 4
    assert all(fault.remedy and fault.where == f"Dest {theirs.address}" for fault in faults)


def test_a_cluster_that_denies_named_locks_is_refused(theirs: ServerFacts) -> None:
    for mode, refused in (("ENFORCING", True), ("MASTER", True), ("PERMISSIVE", False), ("DISABLED", False)):
        faults = check_target(changed(theirs, pxc_strict_mode=mode), EVERYTHING)
        assert bool(faults) == refused
        assert all("GET_LOCK" in fault.problem and "PERMISSIVE" in fault.remedy for fault in faults)


def test_the_grants_that_are_told_are_enough(account: Endpoint, target: MysqlServer) -> None:
    selection = Selection.of([("shop", []), ("part_of", ["t"])])
    with closing(connect(account)) as connection:
        faults = check_target(read_facts(connection), selection)
    assert len(faults) == 4
    assert "REPLICATION_APPLIER" in problems(faults)
    assert "on `udup`.*" in problems(faults)
    with closing(connect(target.endpoint)) as root:
        query(root, "CREATE DATABASE IF NOT EXISTS part_of")
        query(root, "CREATE TABLE IF NOT EXISTS part_of.t (id INT)")
        try:
            for fault in faults:
                query(root, fault.remedy)
            with closing(connect(account)) as connection:
                facts = read_facts(connection)
                assert check_target(facts, selection) == []
                assert "SESSION_VARIABLES_ADMIN" not in problems(faults), "nothing is set that begins otherwise"
        finally:
            query(root, "DROP DATABASE part_of")


def test_a_read_only_target_is_open_to_who_may_write(account: Endpoint, theirs: ServerFacts) -> None:
    assert check_target(changed(theirs, read_only="ON"), EVERYTHING) == []
    with closing(connect(account)) as connection:
        facts = changed(read_facts(connection), read_only="ON")
    assert "read_only is ON" in problems(check_target(facts, EVERYTHING))


def test_servers_that_do_not_fit_are_told(ours: ServerFacts, theirs: ServerFacts) -> None:
    assert "same server" in problems(check_pair(ours, ours))
    assert check_pair(replace(ours, version=(8, 0, 40)), theirs) == []
    assert "lower_case" in problems(check_pair(ours, changed(theirs, lower_case_table_names="1")))
    assert "default_storage_engine" in problems(check_pair(ours, changed(theirs, default_storage_engine="MyISAM")))


def test_an_older_target_takes_what_it_knows(ours: ServerFacts, theirs: ServerFacts) -> None:
    """The way back after an upgrade: told, and refused by table and column where it does not fit."""
    older = replace(theirs, version=(8, 0, 22), version_text="8.0.22")
    assert check_pair(ours, older) == [] and "older release" in problems(warn_pair(ours, older))
    using = (
        Used(COLLATION, "utf8mb4_general_ci", "shop.a"),
        Used(INVISIBLE, "", "shop.a, column hidden"),
        Used(TYPE, "VECTOR", "shop.b, column v"),
    )
    found = problems(check_pair(replace(ours, used=using), older))
    assert "shop.a, column hidden" in found and "VECTOR (shop.b, column v)" in found and "general_ci" not in found
    assert check_pair(replace(ours, used=using), theirs) == []


def test_collations_that_the_job_uses_are_compared_and_no_others(ours: ServerFacts, theirs: ServerFacts) -> None:
    newer = replace(ours, collations={**ours.collations, 9999: "utf8mb4_9999_ai_ci"}, used=())
    assert check_pair(newer, theirs) == []
    used = replace(newer, used=(Used(COLLATION, "utf8mb4_9999_ai_ci", "shop.t, column a"),))
    assert "utf8mb4_9999_ai_ci (shop.t, column a)" in problems(check_pair(used, theirs))
    old = replace(ours, used=(Used(COLLATION, "utf8_general_ci", "shop"), Used(COLLATION, "latin1_bin", "shop")))
    assert check_pair(old, theirs) == [], "another name of utf8mb3_general_ci"
    new = replace(ours, used=(Used(COLLATION, "utf8mb3_general_ci", "shop.t, column a"),))
    before_8_0_30 = replace(theirs, version=(8, 0, 29), collations={33: "utf8_general_ci"})
    assert check_pair(new, before_8_0_30) == [], "definitions get the older name"
    other = replace(ours, used=(Used(COLLATION, "utf8mb3_bin", "shop.t, column a"),))
    assert "utf8mb3_bin (shop.t, column a)" in problems(check_pair(other, before_8_0_30))


def test_accounts_that_the_target_could_not_make_are_told(ours: ServerFacts, theirs: ServerFacts) -> None:
    native = (Used(PLUGIN, "mysql_native_password", "account 'app'@'%'"),)
    found = problems(check_pair(replace(ours, used=native), theirs))
    assert "mysql_native_password (account 'app'@'%')" in found and "ExpandSyntaxSupport" in found
    known = replace(theirs, plugins=theirs.plugins | {"mysql_native_password"})
    assert check_pair(replace(ours, used=native), known) == []
    old = replace(ours, used=native, version=(5, 6, 24), version_text="5.6.24")
    assert "SHOW CREATE USER" in problems(check_pair(old, known))


def test_a_log_without_signs_is_no_source_of_statements_unsaid(ours: ServerFacts, theirs: ServerFacts) -> None:
    variables = {name: text for name, text in ours.variables.items() if name != "binlog_row_metadata"}
    old = replace(ours, version=(5, 7, 44), version_text="5.7.44", variables=variables)
    managed = replace(theirs, privileges=Privileges(()))
    assert '"ApplyMode": "statements"' in problems(check_pair(old, managed, mode=ApplyMode.BY_PRIVILEGE))
    assert check_pair(old, managed, mode=ApplyMode.STATEMENTS) == []
    assert check_pair(old, theirs, mode=ApplyMode.BY_PRIVILEGE) == []


def test_two_servers_of_which_one_is_turned_away_are_not_compared(ours: ServerFacts, theirs: ServerFacts) -> None:
    foreign = changed(replace(ours, is_mariadb=False, version_text="8.0.11-TiDB-v8.5.1"), lower_case_table_names="2")
    assert check_pair(foreign, theirs) == [] == warn_pair(foreign, theirs)
    assert pair_checks(ours, replace(theirs, version=(5, 6, 24), version_text="5.6.24")) == []


def test_what_may_matter_is_a_warning(ours: ServerFacts, theirs: ServerFacts) -> None:
    packets = changed(theirs, max_allowed_packet="20000000")
    assert "max_allowed_packet" in problems(warn_pair(ours, packets))
    zoned = changed(theirs, system_time_zone="CET", time_zone="SYSTEM")
    assert "time zone" in problems(warn_pair(ours, zoned))
    compact = changed(theirs, innodb_default_row_format="compact")
    assert "innodb_default_row_format" in problems(warn_pair(ours, compact))
    encrypting = changed(ours, default_table_encryption="ON")
    assert warn_pair(encrypting, theirs) == [], "root may set it"
    (fault,) = warn_pair(encrypting, replace(theirs, privileges=Privileges(())))
    assert "default_table_encryption is ON" in fault.problem and "TABLE_ENCRYPTION_ADMIN" in fault.remedy
    same_id = changed(theirs, server_id=ours.value("server_id"))
    assert "server_id" in problems(warn_pair(ours, same_id))
    assert "local_infile is OFF" in problems(warn_target(changed(theirs, local_infile="OFF")))
    assert "local_infile" not in problems(warn_target(changed(theirs, local_infile="ON")))


def test_every_check_has_a_name_and_says_what_it_found(ours: ServerFacts, theirs: ServerFacts) -> None:
    for checks in (target_checks(changed(theirs, local_infile="ON"), EVERYTHING), pair_checks(ours, theirs)):
        assert len({check.name for check in checks}) == len(checks)
        assert all(check.found and check.outcome == Outcome.PASS for check in checks), checks


def test_a_checkpoint_is_read_without_a_lock_and_judged(target: MysqlServer) -> None:
    """With one of another job in the way, and none of its own, the job begins here."""
    job = uuid.uuid4().hex
    with closing(connect(target.endpoint)) as connection:
        assert read_checkpoint(connection, job) is None
        create_tables(connection)
        assert (read_checkpoint(connection, job), read_unfinished(connection, job)) == (None, set())
        checkpoint = Checkpoint(connection, job, "the selection")
        executed = GtidSet.parse("11111111-2222-3333-4444-555555555555:1-7")
        checkpoint.take_over(2, None)
        assert read_checkpoint(connection, job) is None, "a copy that has not ended is no checkpoint to go on from"
        checkpoint.take_over(2, executed)
        CopyNotes(job).write(connection, [Present("TABLE", "shop", "t")])
        try:
            assert read_checkpoint(connection, job) == StoredCheckpoint(str(executed), "the selection")
            assert read_unfinished(connection, job) == {("shop", "t")}
        finally:
            query(connection, "DELETE FROM udup.checkpoint WHERE job = %s", job)
            query(connection, "DELETE FROM udup.copied_table WHERE job = %s", job)
