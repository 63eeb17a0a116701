"""What each step of a job may do on managed servers: tried on a real server by an account with a service's privileges.

`docs/managed-mysql.md` has the table. A new version that lets more, or less, is told here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

import pytest

from tests.managed import AIVEN, RDS_MASTER, RDS_SOURCE, managed_account
from udup.base.endpoint import Endpoint
from udup.drivers.mysql.apply import unsure
from udup.drivers.mysql.apply.checkpoint import Checkpoint
from udup.drivers.mysql.apply.own_tables import create_tables
from udup.drivers.mysql.apply.ownership import hold, session_place, taking_over
from udup.drivers.mysql.apply.wait_look import look_at_waits
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.checks.binlog_access import binlog_access, setting_needs
from udup.drivers.mysql.checks.source import check_source
from udup.drivers.mysql.checks.target import check_target
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, error_code, query, scalar
from udup.drivers.mysql.client.facts import read_facts
from udup.drivers.mysql.client.sessions import DDL, DEFINITION, DUMP, LOADER, PLAIN, PURGE, Session, apply_session
from udup.drivers.mysql.dictionary.definers import read_accounts
from udup.pipeline.ownership import Owner
from udup.pipeline.selection.selection import Selection
from udup.sandbox.server import MysqlServer

EVERYTHING = Selection.of([])

#: "you need (at least one of) the … privilege(s)", and that of functions and triggers while the server logs.
DENIED, UNSAFE = 1227, 1419


class Step(NamedTuple):
    """Statements of one session, and the error of the last; `aiven`: the same where REPLICATION_APPLIER is granted."""

    what: str
    statements: tuple[str, ...]
    error: int = 0
    aiven: int | None = None


STEPS = (
    Step("rows by BINLOG", ("BINLOG ''",), DENIED, aiven=1149),
    Step("a definition under a GTID", ("SET gtid_next = 'aaaaaaaa-0000-0000-0000-000000000001:1'",), DENIED, aiven=0),
    Step("nothing in the target's own log", ("SET sql_log_bin = OFF",), DENIED),
    Step("tables without a key where the target insists on one", ("SET sql_require_primary_key = OFF",), DENIED),
    Step("no invisible key of the target's own", ("SET sql_generate_invisible_primary_key = OFF",), DENIED),
    Step("no text of BINLOG in the log", ("SET binlog_rows_query_log_events = OFF",), DENIED),
    Step("rules for InnoDB's definitions", ("SET innodb_strict_mode = OFF",), DENIED),
    Step("acting as a replica", ("SET pseudo_replica_mode = ON",), DENIED, aiven=0),
    Step("the time of the first commit", ("SET original_commit_timestamp = 1",), DENIED, aiven=0),
    Step("encryption by default as it is", ("SET default_table_encryption = OFF",)),
    Step("another encryption by default", ("SET default_table_encryption = ON",), DENIED),
    Step(
        "the context of rows and definitions",
        (
            "SET timestamp = 1.5, insert_id = 5, foreign_key_checks = OFF, unique_checks = OFF, sql_auto_is_null = ON",
            "SET sql_mode = '', time_zone = '+03:00', lc_time_names = 5, auto_increment_increment = 3",
            "SET collation_server = 8, collation_database = 8, character_set_client = 8, collation_connection = 8",
            "SET default_collation_for_utf8mb4 = utf8mb4_general_ci, explicit_defaults_for_timestamp = OFF",
            "SET restrict_fk_on_non_standard_key = OFF, rbr_exec_mode = STRICT, div_precision_increment = 5",
        ),
    ),
    Step("isolation and waiting", ("SET transaction_isolation = 'READ-COMMITTED', innodb_lock_wait_timeout = 5",)),
    Step("named locks", ("SELECT GET_LOCK('udup:test', 1), IS_USED_LOCK('udup:test'), RELEASE_LOCK('udup:test')",)),
    Step("ending a session of its own", ("KILL 4000000000",), 1094),
    Step("a schema and its defaults", ("CREATE DATABASE {0}_s", "ALTER DATABASE {0}_s COLLATE utf8mb4_bin")),
    Step("a pair of CREATE and rows in one commit", ("CREATE TABLE {0}.c (a INT) START TRANSACTION", "ROLLBACK")),
    Step("rows by LOAD DATA", ("SET autocommit = 0", "SELECT @@local_infile")),
    Step("a view of an account that is there", ("CREATE DEFINER=plain_{0}@'%' VIEW {0}.v AS SELECT 1",), aiven=DENIED),
    Step("a view of nobody", ("CREATE DEFINER=nobody@nowhere VIEW {0}.w AS SELECT 1",), aiven=DENIED),
    Step("a view of one with SYSTEM_USER", ("CREATE DEFINER=root@'127.0.0.1' VIEW {0}.x AS SELECT 1",), DENIED),
    Step("an event, a procedure", ("CREATE EVENT {0}.e ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1",)),
    Step(
        "a trigger while the server logs",
        ("CREATE TRIGGER {0}.g BEFORE INSERT ON {0}.t FOR EACH ROW SET @a=1",),
        UNSAFE,
    ),
    Step("a function while the server logs", ("CREATE FUNCTION {0}.f () RETURNS INT DETERMINISTIC RETURN 1",), UNSAFE),
    Step("that setting", ("SET GLOBAL log_bin_trust_function_creators = ON",), DENIED),
    Step("a tablespace", ("CREATE TABLESPACE {0}_t ADD DATAFILE '{0}.ibd'",), DENIED),
    Step("XA of its own", ("XA START '{0}'", "XA END '{0}'", "XA PREPARE '{0}'", "XA ROLLBACK '{0}'")),
    Step("prepared XA transactions", ("XA RECOVER CONVERT XID",), aiven=1401),
    Step("who waits for whom", ("SELECT COUNT(*) FROM performance_schema.data_lock_waits",)),
    Step("open transactions", ("SELECT COUNT(*) FROM information_schema.INNODB_TRX",)),
    Step("the accounts", ("SELECT COUNT(*) FROM mysql.user",)),
    Step("the executed GTIDs", ("SELECT @@global.gtid_executed, @@global.gtid_purged",)),
    Step("the log's place", ("SHOW BINARY LOG STATUS",)),
    Step("a lock against definitions", ("LOCK INSTANCE FOR BACKUP",), DENIED),
    Step("a lock on the job's tables", ("LOCK TABLES {0}.t READ", "UNLOCK TABLES")),
    Step("a read-only server", ("SET GLOBAL super_read_only = OFF",), DENIED),
)


@pytest.fixture
def master(target: MysqlServer) -> Iterator[Endpoint]:
    with managed_account(target, RDS_MASTER) as account:
        yield account


@pytest.fixture
def place(target: MysqlServer, schema: str) -> Iterator[str]:
    """A schema with a table, and an account beside that has nothing."""
    with closing(connect(target.endpoint)) as root:
        for statement in (
            f"CREATE DATABASE {schema}",
            f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, a INT)",
            f"CREATE USER plain_{schema[:20]}",
        ):
            query(root, statement)
        yield schema
        for statement in (
            f"DROP USER plain_{schema[:20]}",
            f"DROP DATABASE IF EXISTS {schema}_s",
            f"DROP DATABASE {schema}",
        ):
            query(root, statement)


def _tried(account: Endpoint, place: str, step: Step) -> int:
    """Return the error of the step's last statement, 0 for none."""
    with closing(connect(account)) as connection:
        *before, last = (
            each.replace("plain_{0}", f"plain_{place[:20]}").replace("{0}", place) for each in step.statements
        )
        for statement in before:
            query(connection, statement)
        try:
            query(connection, last)
        except MySQLError as error:
            return error_code(error)
        return 0


@pytest.mark.parametrize("privileges", [RDS_MASTER, AIVEN], ids=["rds", "aiven"])
def test_each_step_is_allowed_or_denied_as_the_table_says(
    target: MysqlServer, place: str, privileges: tuple[str, ...]
) -> None:
    with managed_account(target, privileges) as account:
        found = {step.what: _tried(account, place, step) for step in STEPS}
    own = privileges is AIVEN
    assert found == {step.what: step.aiven if own and step.aiven is not None else step.error for step in STEPS}


def test_a_snapshot_of_a_managed_source_has_no_global_lock(target: MysqlServer) -> None:
    with managed_account(target, RDS_SOURCE) as account, closing(connect(account)) as connection:
        with pytest.raises(MySQLError) as denied:
            query(connection, "FLUSH TABLES WITH READ LOCK")
        assert error_code(denied.value) == DENIED
        assert check_source(read_facts(connection), EVERYTHING, None) == []


@pytest.mark.parametrize(
    "session", [PLAIN, LOADER, DEFINITION, DDL, PURGE, apply_session(20), DUMP], ids=lambda s: s.use
)
def test_every_session_of_a_job_can_be_had_on_a_server_as_it_comes(master: Endpoint, session: Session) -> None:
    with closing(connect(master, session)) as connection:
        assert scalar(connection, "SELECT 1") == 1


def test_binlog_alone_keeps_a_job_from_such_a_target(target: MysqlServer, master: Endpoint) -> None:
    with closing(connect(master)) as connection:
        facts = read_facts(connection)
        assert read_accounts(connection) is not None
    access = binlog_access(facts)
    assert not access.is_allowed and list(setting_needs(facts)) == []
    (fault,) = check_target(facts, EVERYTHING)
    assert fault.remedy == access.remedy == f"GRANT REPLICATION_APPLIER ON *.* TO '{master.user}'@'%'"
    with closing(connect(target.endpoint)) as root:
        query(root, access.remedy)
    with closing(connect(master)) as connection:
        assert check_target(read_facts(connection), EVERYTHING) == []


def test_aiven_is_a_target_as_it_is(target: MysqlServer) -> None:
    with managed_account(target, AIVEN) as account, closing(connect(account)) as connection:
        facts = read_facts(connection)
        assert binlog_access(facts).is_allowed
        assert check_target(facts, EVERYTHING) == []


def test_the_checkpoint_and_a_take_over_need_nothing_else(master: Endpoint, schema: str) -> None:
    """Its tables, its rows, its named locks, ending the run before, and the look at who waits."""
    first, second = (Owner(f"token-{number}", "a test", by_force=True) for number in (1, 2))
    with closing(connect(master)) as before, closing(connect(master)) as connection:
        create_tables(connection)
        hold(before, schema, session_place(1))
        for owner in (first, second):
            with taking_over(connection, schema, owner):
                checkpoint = Checkpoint(connection, schema, "selection", owner)
                checkpoint.take_over(2, GtidSet.parse("aaaaaaaa-0000-0000-0000-000000000001:1-5"))
                unsure.prepare(connection, schema)
                assert not unsure.look(connection, schema)
        checkpoint.advance("aaaaaaaa-0000-0000-0000-000000000001:1-6", 0, "", "")
        assert look_at_waits(master, schema) == ()
        assert _is_ended(before), "the connection of the run before was ended"
        _forget(connection, schema)


def _is_ended(connection: Connection) -> bool:
    try:
        query(connection, "SELECT 1")
    except MySQLError:
        return True
    return False


def _forget(connection: Connection, job: str) -> None:
    query(connection, "DELETE FROM udup.checkpoint WHERE job = %s", job)
