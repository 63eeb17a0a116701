"""MySQL's gates keep to the contract, and to what is MySQL's own: sessions in the way, contexts of events."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.drivers.contract.gates import GateContract
from tests.drivers.mysql.gates import MySQLGatePair
from tests.managed import managed_account
from tests.quick_servers import QUICK
from udup.base.errors import Contended, Superseded, Unsupported
from udup.drivers.mysql.apply.own_tables import create_tables
from udup.drivers.mysql.client.connection import MySQLError, connect, query
from udup.drivers.mysql.cutover.place import CutoverPlace
from udup.drivers.mysql.cutover.source_gate import MySQLSourceGate
from udup.drivers.mysql.cutover.target_gate import MySQLTargetGate
from udup.pipeline.ports import Counter, CutoverNeeds
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.server import MysqlServer

#: What a target's account needs for triggers, but for those whose schema had another collation.
TRIGGERS_ALONE = ("SELECT", "TRIGGER", "CREATE", "DROP", "SET_USER_ID")

#: Whether somebody is closing the server at this moment.
_CLOSES = "SELECT 1 FROM performance_schema.threads WHERE PROCESSLIST_INFO LIKE 'SET GLOBAL%'"


@pytest.fixture(scope="module")
def old_server(programs: MysqlPrograms, server_folder: Path) -> Iterator[MysqlServer]:
    """A server of this module's own: it is made read-only."""
    with MysqlServer(programs, server_folder / "gates", options=QUICK) as server:
        yield server


@pytest.fixture
def gates(old_server: MysqlServer, target: MysqlServer, schema: str) -> Iterator[MySQLGatePair]:
    with MySQLGatePair(old_server.endpoint, target.endpoint, schema).left_as_found() as pair:
        yield pair


class TestMySQLGates(GateContract): ...


def test_whoever_stood_still_before_it_closes_the_old_server_is_ended_by_the_next(
    gates: MySQLGatePair, old_server: MysqlServer, schema: str
) -> None:
    older = CutoverPlace(schema, partial(gates.new.enter, schema, 5))
    with closing(connect(old_server.endpoint)) as frozen:
        older.take(frozen)
        gates.old.fence(schema, partial(gates.new.enter, schema, 9))
        gates.old.end_others()
        with pytest.raises(MySQLError):
            query(frozen, "SET GLOBAL super_read_only = ON")
    with closing(connect(old_server.endpoint)) as late, pytest.raises(Superseded):
        older.take(late)
    assert gates.application_writes()


def test_whoever_is_in_the_way_of_closing_is_named_and_the_server_stays_open(
    gates: MySQLGatePair, old_server: MysqlServer
) -> None:
    found = gates.old.look()
    with closing(connect(old_server.endpoint, None)) as connection:
        query(connection, f"LOCK TABLES {gates.schema}.t WRITE")
        number = query(connection, "SELECT CONNECTION_ID()")[0][0]
        with pytest.raises(Contended, match=f"session {number} .* holds LOCK TABLES .*KILL {number} ends it"):
            gates.old.close(1)
    assert gates.old.look() == found and gates.application_writes()


@pytest.fixture
def item(gates: MySQLGatePair, old_server: MysqlServer) -> str:
    """A table with two rows, by its whole name."""
    name = f"{gates.schema}.item"
    with closing(connect(old_server.endpoint)) as connection:
        query(connection, f"CREATE TABLE {name} (id INT PRIMARY KEY, a INT)")
        query(connection, f"INSERT INTO {name} VALUES (1, 0), (2, 0)")
    return name


@contextmanager
def _waiting(server: MysqlServer, statement: str) -> Iterator[None]:
    """A session whose statement waits for somebody else."""

    def run() -> None:
        with closing(connect(server.endpoint, None)) as connection, suppress(MySQLError):
            query(connection, statement)

    waits = threading.Thread(target=run)
    waits.start()
    sql = "SELECT 1 FROM performance_schema.threads WHERE PROCESSLIST_INFO = %s"
    try:
        with closing(connect(server.endpoint)) as observer:
            while not query(observer, sql, statement):
                threading.Event().wait(0.02)
        yield
    finally:
        waits.join(60)


@pytest.mark.parametrize(
    ("holds", "waits", "told"),
    [
        ("UPDATE {} SET a = 1 WHERE id = 1", "UPDATE {} SET a = 2 WHERE id = 1", "has locked rows"),
        ("SELECT * FROM {}", "ALTER TABLE {} ADD COLUMN b INT", "has locked {}"),
    ],
)
def test_a_transaction_for_which_the_statement_in_the_way_waits_is_named_and_not_that_statement(
    gates: MySQLGatePair, old_server: MysqlServer, item: str, holds: str, waits: str, told: str
) -> None:
    found = gates.old.look()
    with closing(connect(old_server.endpoint, None, autocommit=False)) as holder:
        [(number,)] = query(holder, "SELECT CONNECTION_ID()")
        query(holder, holds.format(item))
        with _waiting(old_server, waits.format(item)):
            in_the_way = (
                f"session {number} .* {told.format(item)} in a transaction that is open, .*KILL {number} ends it"
            )
            with pytest.raises(Contended, match=in_the_way):
                gates.old.close(3)
            assert gates.old.look() == found, "it stays open"
            holder.rollback()
    gates.old.close(10)
    assert gates.old.look().closed


def test_a_transaction_in_the_way_can_go_on_and_end_while_the_server_is_being_closed(
    gates: MySQLGatePair, old_server: MysqlServer, item: str
) -> None:
    """It holds a row for which a statement waits, and that one is waited for: neither may wait for the closing."""
    with closing(connect(old_server.endpoint, None, autocommit=False)) as holder:
        query(holder, f"UPDATE {item} SET a = 1 WHERE id = 1")
        with _waiting(old_server, f"UPDATE {item} SET a = 2 WHERE id = 1"):
            closes = threading.Thread(target=gates.old.close, args=(30,))
            closes.start()
            with closing(connect(old_server.endpoint)) as observer:
                while not query(observer, _CLOSES):
                    threading.Event().wait(0.01)
            began = time.monotonic()
            query(holder, f"UPDATE {item} SET a = 1 WHERE id = 2")
            held_back = time.monotonic() - began
            holder.commit()
    closes.join(60)
    assert gates.old.look().closed
    assert held_back < 10, "a try is short"


def test_somebody_left_behind_who_closes_the_server_late_is_waited_for(
    gates: MySQLGatePair, old_server: MysqlServer
) -> None:
    """Whoever undoes it must not be overtaken by the SET that is still waiting."""
    found = gates.old.look()
    with closing(connect(old_server.endpoint, None)) as connection:
        query(connection, f"LOCK TABLES {gates.schema}.t WRITE")
        left_behind = threading.Thread(target=gates.old.close, args=(20,))
        left_behind.start()
        with closing(connect(old_server.endpoint)) as observer:
            while not query(observer, _CLOSES):
                threading.Event().wait(0.02)
        restored = threading.Thread(target=gates.old.restore, args=(found.found,))
        restored.start()
        query(connection, "UNLOCK TABLES")
        left_behind.join(30)
        restored.join(30)
    assert not gates.old.look().closed and gates.application_writes()


def test_a_table_that_somebody_has_locked_is_waited_for_a_moment_only(
    gates: MySQLGatePair, target: MysqlServer
) -> None:
    gates.set_counters(9, 1)
    with closing(connect(target.endpoint, None)) as connection:
        query(connection, "START TRANSACTION")
        query(connection, f"SELECT * FROM {gates.new_schema}.t")
        with pytest.raises(Contended):
            gates.new.raise_counters([Counter((gates.new_schema, "t"), 9)], 1)


def test_an_event_keeps_its_definer_its_mode_and_its_time_zone(gates: MySQLGatePair) -> None:
    gates.create_event("e", enabled=True)
    before = gates.contexts()
    assert before[0][0] == "nobody@nowhere" and before[0][2] == "+05:00"
    told = gates.new.enable(gates.old.events(gates.scope))
    assert gates.contexts() == before and not [each for each in told if "context" in each]


def test_a_transaction_that_is_prepared_on_a_closed_server_is_seen(
    gates: MySQLGatePair, old_server: MysqlServer
) -> None:
    connection = gates.begin_xa("late")
    gates.old.close(5)
    assert gates.old.unfinished()
    query(connection, "XA END 'late'")
    assert gates.old.unfinished()
    query(connection, "XA PREPARE 'late'")
    assert "prepared" in gates.old.unfinished()[0]
    query(connection, "XA COMMIT 'late'")
    connection.close()
    assert gates.old.unfinished() == []


def test_a_source_that_does_not_watch_transactions_is_refused_with_the_statement(
    gates: MySQLGatePair, old_server: MysqlServer
) -> None:
    switch = "UPDATE performance_schema.setup_consumers SET ENABLED = '{}' WHERE NAME = 'events_transactions_current'"
    with closing(connect(old_server.endpoint)) as connection:
        query(connection, switch.format("NO"))
        try:
            failed = [check for check in gates.old.checks(CutoverNeeds(), gates.scope) if check.outcome == "fail"]
        finally:
            query(connection, switch.format("YES"))
    assert [check.remedy for check in failed] == [switch.format("YES")]
    assert not gates.old.checks(CutoverNeeds(), gates.scope)


def test_what_the_account_lacks_is_told_with_the_statement(gates: MySQLGatePair, old_server: MysqlServer) -> None:
    weak = MySQLSourceGate(replace(old_server.endpoint, user=gates.schema, password="secret"))
    failed = [
        check for check in weak.checks(CutoverNeeds(freeze=True, reverse=True), gates.scope) if check.outcome == "fail"
    ]
    told = " ".join(check.remedy for check in failed)
    for privilege in ("XA_RECOVER_ADMIN", "SYSTEM_VARIABLES_ADMIN", "CONNECTION_ADMIN", "performance_schema"):
        assert privilege in told


@pytest.mark.parametrize("for_udup", [True, False])
def test_what_keeps_the_server_closed_over_a_restart_and_what_lifts_it_can_be_run(
    gates: MySQLGatePair, old_server: MysqlServer, for_udup: bool
) -> None:
    found = gates.old.look()
    if for_udup:
        gates.old.open_for_udup(found.found, [])
    else:
        gates.old.close(5)
    name = "read_only" if for_udup else "super_read_only"
    kept = "SELECT VARIABLE_VALUE FROM performance_schema.persisted_variables WHERE VARIABLE_NAME = %s"
    keep, lift = gates.old.how_to_keep_closed(found.found, for_udup=for_udup)
    with closing(connect(old_server.endpoint)) as connection:
        query(connection, keep.removeprefix("you run ").removesuffix(" there"))
        assert query(connection, kept, name) == [("ON",)] and not gates.application_writes()
        assert gates.old.look().closed is not for_udup, "who could write still can"
        query(connection, lift)
        assert query(connection, kept, name) == []
    gates.old.restore(found.found)
    assert gates.application_writes()


def test_that_events_run_is_known_by_the_scheduler(gates: MySQLGatePair, old_server: MysqlServer) -> None:
    with closing(connect(old_server.endpoint)) as connection:
        before = query(connection, "SELECT @@global.event_scheduler")[0][0]
        try:
            for state in ("OFF", "ON"):
                query(connection, f"SET GLOBAL event_scheduler = {state}")
                assert gates.old.look().runs_events is (state == "ON")
        finally:
            query(connection, f"SET GLOBAL event_scheduler = {before}")


def test_triggers_that_a_way_back_by_statements_would_set_off_are_told(
    gates: MySQLGatePair, old_server: MysqlServer
) -> None:
    gates.create_trigger("z")
    reverse = CutoverNeeds(reverse=True)

    def told(gate: MySQLSourceGate) -> list[str]:
        return [each.found for each in gate.checks(reverse, gates.scope) if "triggers" in each.found]

    with managed_account(old_server) as account:
        assert any(f"{gates.schema}.z" in each for each in told(MySQLSourceGate(account)))
    assert told(MySQLSourceGate(old_server.endpoint)) == []


def test_a_table_that_numbers_no_rows_has_no_counter_to_raise(gates: MySQLGatePair, target: MysqlServer) -> None:
    """One of the user's own, or with a column map."""
    with closing(connect(target.endpoint)) as connection:
        query(connection, f"ALTER TABLE {gates.new_schema}.t MODIFY id INT NOT NULL")
    assert gates.new.raise_counters([Counter((gates.new_schema, "t"), 9)], 5) == []


def test_triggers_that_the_account_does_not_see_are_told_with_the_grant(
    gates: MySQLGatePair, old_server: MysqlServer
) -> None:
    gates.create_trigger("z")
    account = f"'{gates.schema}'@'%'"
    with closing(connect(old_server.endpoint)) as connection:
        query(connection, f"REVOKE ALL ON {gates.schema}.* FROM {account}")
        query(connection, f"GRANT SELECT ON {gates.schema}.* TO {account}")
        query(connection, f"GRANT SELECT ON performance_schema.* TO {account}")
        query(connection, f"GRANT XA_RECOVER_ADMIN ON *.* TO {account}")
        weak = MySQLSourceGate(replace(old_server.endpoint, user=gates.schema, password="secret"))
        [check] = [each for each in weak.checks(CutoverNeeds(), gates.scope) if each.outcome == "fail"]
        assert "does not see whether they have triggers" in check.found
        with pytest.raises(Unsupported, match="has not TRIGGER"):
            weak.triggers(gates.scope)
        query(connection, check.remedy)
        assert [each.name for each in weak.triggers(gates.scope)] == ["z"]
        assert weak.defined(gates.scope, weak.triggers(gates.scope)) == gates.old.defined(
            gates.scope, gates.old.triggers(gates.scope)
        )


def test_a_trigger_of_an_older_collation_asks_for_alter_and_leaves_the_schema_its_own(
    gates: MySQLGatePair, old_server: MysqlServer, target: MysqlServer
) -> None:
    with closing(connect(old_server.endpoint)) as connection:
        query(connection, f"ALTER DATABASE {gates.schema} COLLATE latin1_swedish_ci")
        gates.create_trigger("z")
        query(connection, f"ALTER DATABASE {gates.schema} COLLATE utf8mb4_0900_ai_ci")
    lacking = gates.old.defined(gates.scope, gates.new.lacking(gates.old.triggers(gates.scope)))
    default = "SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s"
    with closing(connect(target.endpoint)) as connection, managed_account(target, TRIGGERS_ALONE) as account:
        create_tables(connection)
        query(connection, "SET GLOBAL log_bin_trust_function_creators = ON")
        try:
            weak = MySQLTargetGate(account)
            told = [each for each in weak.checks(CutoverNeeds(), [], lacking) if each.outcome == "fail"]
            assert [each.remedy.partition(" TO ")[0] for each in told] == [f"GRANT ALTER ON `{gates.new_schema}`.*"]
            query(connection, told[0].remedy)
            assert [each for each in weak.checks(CutoverNeeds(), [], lacking) if each.outcome == "fail"] == []
        finally:
            query(connection, "SET GLOBAL log_bin_trust_function_creators = OFF")
        query(connection, f"ALTER DATABASE {gates.new_schema} COLLATE latin1_swedish_ci")  # as a death leaves it
        assert gates.new.make(lacking, 5) == []
        assert query(connection, default, gates.new_schema) == [("utf8mb4_0900_ai_ci",)]
        made = "SELECT DATABASE_COLLATION FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %s"
        assert query(connection, made, gates.new_schema) == [("latin1_swedish_ci",)]
