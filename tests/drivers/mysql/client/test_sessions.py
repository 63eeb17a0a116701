"""Sessions begin the same whatever the server's defaults are."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from pymysql.err import OperationalError

from tests.hostile_globals import HOSTILE_SOURCE, HOSTILE_TARGET, account_that_starts_hostile, set_globals
from tests.preflights import bare_account
from udup.base.endpoint import Endpoint
from udup.base.errors import Refused, UdupError
from udup.drivers.mysql.client import sessions
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, describe, query, scalar
from udup.drivers.mysql.client.facts import read_facts
from udup.drivers.mysql.client.session_setup import differing, enter, forget_servers, present
from udup.drivers.mysql.client.session_variables import LEFT_ALONE, LEFT_ALONE_PREFIXES, RESTRICTED
from udup.drivers.mysql.client.sessions import Session
from udup.drivers.mysql.client.wire import Wire
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.server import MysqlServer

UDUP = Path(__file__).parents[4] / "udup"

#: Where a text sets a variable for one statement, or speaks of it.
_OF_A_MOMENT = {
    ("sandbox/kinds.py", "sql_log_bin"),  # a file of statements that the server runs at its first start
    ("drivers/mysql/apply/checkpoint.py", "lock_wait_timeout"),  # a column that an older version has not made
    (
        "drivers/mysql/client/patience.py",
        "lock_wait_timeout",
    ),  # once the definitions are read, and tries follow each other
    ("drivers/mysql/telling/definition_messages.py", "character_set_server"),  # a message to consumers, never run
    ("drivers/mysql/dictionary/timezones.py", "time_zone"),  # the zone that is looked at
    ("drivers/mysql/apply/contexts.py", ""),  # the context of rows
    ("drivers/mysql/compare/repairer.py", "NAMES"),  # rows' bytes, between two times that the session begins anew
    ("drivers/mysql/load/objects.py", "timestamp"),
    ("drivers/mysql/load/objects.py", "sql_mode"),  # the context of a stored object
    ("drivers/mysql/load/objects.py", "time_zone"),
    ("drivers/mysql/load/objects.py", "character_set_client"),
    ("drivers/mysql/load/objects.py", "collation_connection"),
    ("drivers/mysql/checks/target_tables.py", "time_zone"),  # an answer's text
    ("drivers/mysql/apply/unsure.py", "gtid_next"),  # after a packet that ended in its middle
    ("drivers/mysql/apply/rows_by_statements.py", "sql_mode"),  # one for each kind of rows, between statements
    ("drivers/mysql/apply/rows_by_statements.py", "foreign_key_checks"),  # as each event says
    ("drivers/mysql/apply/rows_by_statements.py", "timestamp"),  # behind a CREATE TABLE … SELECT
    ("drivers/mysql/mariadb/rows.py", "timestamp"),  # the same
    ("drivers/mysql/mariadb/once.py", ""),  # what a definition is logged as
    (
        "drivers/mysql/apply/rows_by_events.py",
        "gtid_next",
    ),  # a BINLOG of a FORMAT_DESCRIPTION leaves it in an odd state
}


@pytest.fixture(scope="module")
def hostile(programs: MysqlPrograms, server_folder: Path) -> Iterator[MysqlServer]:
    """A server whose defaults are those of both sides, where they are not the same those of the target."""
    with MysqlServer(programs, server_folder / "hostile", options={"innodb-rollback-on-timeout": "ON"}) as server:
        set_globals(server.endpoint, {**HOSTILE_SOURCE, **HOSTILE_TARGET})
        yield server


def _account(server: MysqlServer, name: str, *grants: str) -> Endpoint:
    """An account that the server runs its init_connect for."""
    with closing(connect(server.endpoint)) as connection:
        query(connection, f"CREATE USER IF NOT EXISTS {name}@'127.0.0.1' IDENTIFIED BY 'x'")
        for grant in grants:
            query(connection, f"GRANT {grant} ON *.* TO {name}@'127.0.0.1'")
    return replace(server.endpoint, user=name, password="x")


def _shown(connection: Connection) -> dict[str, str]:
    rows = query(connection, "SHOW SESSION VARIABLES")
    return {str(_text(name)): _text(value) for name, value in rows}


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _of_a_session(connection: Connection, names: list[str]) -> list[str]:
    """Those that a session has of its own; the server refuses to show others as a session's (1238)."""
    found = []
    for name in names:
        try:
            query(connection, f"SELECT @@SESSION.`{name}`")
        except MySQLError:
            continue
        found.append(name)
    return found


def test_every_variable_of_a_session_is_set_or_left_alone_on_purpose(source: MysqlServer) -> None:
    known = set(sessions.BASE).union(*(session.own for session in sessions.ALL), *LEFT_ALONE.values())
    with closing(connect(source.endpoint)) as connection:
        names = [name for name in _shown(connection) if name not in known]
        unknown = _of_a_session(connection, [name for name in names if not name.startswith(LEFT_ALONE_PREFIXES)])
        assert unknown == [], "say in drivers/mysql/client/sessions.py or session_variables.py what becomes of these"
        assert len(_of_a_session(connection, sorted(known))) > 130


def test_the_variables_that_take_a_privilege_are_known(source: MysqlServer) -> None:
    """Of those that Udup sets; each is tried by an account without any privilege."""
    names = sorted(set(sessions.BASE).union(*(session.own for session in sessions.ALL)))
    refused = set()
    with bare_account(source) as account:
        for name in names:
            with closing(connect(account, None)) as connection:
                if name not in _shown(connection):
                    continue
                try:
                    query(connection, f"SET SESSION {name} = {_AUTOMATIC.get(name, 'DEFAULT')}")
                except MySQLError as error:
                    assert error.args[0] == 1227, (name, error)
                    refused.add(name)
    assert refused == RESTRICTED


#: A variable without a default.
_AUTOMATIC = {"gtid_next": "'AUTOMATIC'"}


def test_no_variable_is_both_set_for_all_and_left_alone() -> None:
    assert not set(sessions.BASE).intersection(*[frozenset().union(*LEFT_ALONE.values())])


def test_no_other_place_sets_a_variable() -> None:
    names = "|".join(sorted(set(sessions.BASE).union(*LEFT_ALONE.values())))
    setting = re.compile(rf"\bSET (?:SESSION |LOCAL |@@(?:SESSION\.)?)?({names}|NAMES|CHARACTER SET)")
    of_a_session = re.compile(r"\bSET (?:SESSION |LOCAL |@@)|\bSET NAMES")
    strange = []
    for path in sorted(UDUP.rglob("*.py")):
        name = path.relative_to(UDUP).as_posix()
        if name in (
            "drivers/mysql/client/session_setup.py",
            "drivers/mysql/client/wire.py",
            "drivers/mysql/apply/run_ddl.py",
        ):
            continue
        source = path.read_text("utf-8")
        if "SET " not in source:
            continue
        for line, text in _texts(ast.parse(source)):
            found = setting.search(text) or of_a_session.search(text)
            if found and (name, found.group(1) if found.groups() else "") not in _OF_A_MOMENT:
                strange.append(f"{name}:{line}: {text[:100]}")
    assert strange == []


def _texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every string of a module but the docstrings, with {} for what is filled in."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [each.value if isinstance(each, ast.Constant) else "{}" for each in node.values]
            yield node.lineno, "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and id(node) not in docs:
            yield node.lineno, node.value if isinstance(node.value, str) else node.value.decode("latin-1")


@pytest.mark.parametrize("session", sessions.ALL, ids=lambda session: session.use.replace(" ", "_"))
def test_a_session_is_as_its_use_needs_it_on_a_hostile_server(hostile: MysqlServer, session: Session) -> None:
    with closing(connect(hostile.endpoint, session)) as connection:
        assert differing(session.settings, _shown(connection)) in ([], _same_modes(session, connection))
        flags = _shown(connection)["optimizer_switch"]
        assert "use_invisible_indexes=off" in flags
        assert "mrr_cost_based=off" in flags  # what no answer depends on stays as the owner has it


def _same_modes(session: Session, connection: Connection) -> list[tuple[str, str]]:
    """The server prints the words of a sql_mode in an order of its own."""
    modes = session.settings["sql_mode"] or ""
    shown = _shown(connection)["sql_mode"]
    return [("sql_mode", f"'{modes}'")] if sorted(modes.split(",")) == sorted(shown.split(",")) else []


def test_a_server_is_seen_whole_whatever_limits_its_sessions_have(source: MysqlServer, hostile: MysqlServer) -> None:
    with closing(connect(source.endpoint)) as plain, closing(connect(hostile.endpoint)) as limited:
        seen, wanted = read_facts(limited), read_facts(plain)
    assert seen.variables.keys() == wanted.variables.keys()
    assert seen.collations == wanted.collations
    assert seen.privileges.has("SYSTEM_VARIABLES_ADMIN")
    assert seen.value("sql_select_limit") == "3"


def test_what_init_connect_sets_is_set_back(hostile: MysqlServer) -> None:
    account = account_that_starts_hostile(hostile.endpoint, "with_rights")
    try:
        with closing(connect(account, session=None)) as as_it_comes:
            assert scalar(as_it_comes, "SELECT @@sql_mode") is None  # not a row of an answer is left
        with closing(connect(account, sessions.apply_session(1))) as ours:
            assert scalar(ours, "SELECT %s", "a\\'b€") == "a\\'b€"
            shown = _shown(ours)
        left = {name for name, _ in differing(sessions.apply_session(1).settings, shown)}
        assert left <= {"sql_mode", "parser_max_mem_size"}  # the latter needs CONNECTION_ADMIN
        assert (shown["sql_log_bin"], shown["rbr_exec_mode"]) == ("ON", "STRICT")
    finally:
        with closing(connect(hostile.endpoint)) as connection:
            query(connection, "SET GLOBAL init_connect = ''")


def test_a_limit_that_an_account_may_not_lift_is_told_with_what_does(hostile: MysqlServer) -> None:
    with closing(connect(_account(hostile, "parsing"))) as connection, pytest.raises(MySQLError) as refusal:
        query(connection, f"SELECT '{'x' * 12_000_000}' <> ''")
    assert "SET PERSIST parser_max_mem_size" in describe(refusal.value)
    assert "GRANT CONNECTION_ADMIN" in describe(refusal.value)


def test_a_setting_that_an_account_may_not_change_is_named_with_its_grant(hostile: MysqlServer) -> None:
    account = _account(hostile, "unprivileged")
    with pytest.raises(Refused) as refusal:
        connect(account, sessions.DEFINITION)
    told = str(refusal.value)
    assert "making definitions needs a session with sql_require_primary_key = 'OFF'" in told
    assert "sql_generate_invisible_primary_key" in told  # all of them at once
    assert "GRANT SESSION_VARIABLES_ADMIN ON *.* TO 'unprivileged'@'127.0.0.1'" in told
    assert "SET GLOBAL sql_require_primary_key = 'OFF'" in told
    privileged = _account(hostile, "privileged", "SESSION_VARIABLES_ADMIN")
    connect(privileged, sessions.DEFINITION).close()


def test_an_account_without_rights_goes_on_where_only_time_is_lost(hostile: MysqlServer) -> None:
    with closing(connect(_account(hostile, "reader"), sessions.ROWS)) as connection:
        shown = _shown(connection)
        assert shown["max_error_count"] == "0"  # the one that it may not change
        assert (shown["sql_select_limit"], shown["max_execution_time"]) == ("18446744073709551615", "0")
        with connection.cursor() as cursor:  # whether a chunk was cut is known even so
            cursor.execute("SET SESSION group_concat_max_len = 4")
            cursor.execute("SELECT GROUP_CONCAT(a) FROM (SELECT 'abc' AS a UNION ALL SELECT 'def') AS t")
            assert cursor.warning_count == 1


def test_a_session_without_autocommit_holds_its_transaction_until_it_is_told(hostile: MysqlServer) -> None:
    with closing(connect(hostile.endpoint, sessions.PURGE)) as connection, closing(connect(hostile.endpoint)) as other:
        query(other, "CREATE DATABASE held")
        query(other, "CREATE TABLE held.t (id INT PRIMARY KEY) ENGINE=InnoDB")
        query(connection, "INSERT INTO held.t VALUES (1)")
        assert scalar(other, "SELECT COUNT(*) FROM held.t") == 0
        connection.commit()
        assert scalar(other, "SELECT COUNT(*) FROM held.t") == 1


def test_a_session_takes_up_another_use_without_leaving_its_snapshot(hostile: MysqlServer) -> None:
    with (
        closing(connect(hostile.endpoint, sessions.SNAPSHOT)) as reading,
        closing(connect(hostile.endpoint)) as writing,
    ):
        query(writing, "CREATE DATABASE kept")
        query(writing, "CREATE TABLE kept.t (id INT PRIMARY KEY) ENGINE=InnoDB")
        query(reading, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        query(writing, "INSERT INTO kept.t VALUES (1)")
        enter(reading, sessions.ROWS)
        assert query(reading, "SELECT COUNT(*) FROM kept.t")[0][0] == 0


def test_only_what_is_there_and_otherwise_is_assigned() -> None:
    wanted = {"a": "1", "b": "OFF", "c": "x", "d": None, "optimizer_switch": "one=off,two=off,three=on"}
    current = {"a": "1", "b": "ON", "d": "utf8mb4", "optimizer_switch": "one=on,two=off,four=on"}
    assert differing(wanted, current) == [("b", "'OFF'"), ("d", "NULL"), ("optimizer_switch", "'one=off'")]
    assert differing(wanted, {"d": "", "optimizer_switch": "two=off"}) == []


@pytest.mark.parametrize("session", sessions.ALL, ids=lambda session: session.use.replace(" ", "_"))
def test_the_first_connection_to_a_server_and_all_others_see_the_same(hostile: MysqlServer, session: Session) -> None:
    account = account_that_starts_hostile(hostile.endpoint, "seeing")
    try:
        seen = []
        forget_servers()
        for _ in ("SHOW VARIABLES", "SELECT"):
            with closing(connect(account, session=None)) as as_it_comes:
                seen.append(present(as_it_comes, session.settings))
        assert seen[1] == {name: value for name, value in seen[0].items() if name in session.settings}
        assert len(seen[1]) > 50 and seen[1]["sql_log_bin"] == "OFF"
    finally:
        with closing(connect(hostile.endpoint)) as connection:
            query(connection, "SET GLOBAL init_connect = ''")


def test_a_variable_that_is_gone_is_passed_over() -> None:
    """Another build listens where one was known."""
    forget_servers()
    server = _Answering("9.7.0", [("autocommit", "ON"), ("sql_notes", "ON")])
    enter(cast("Any", server), sessions.PLAIN)
    server.rows = [("autocommit", "OFF")]
    enter(cast("Any", server), sessions.PLAIN)
    assert ["SELECT CONCAT_WS" in sql for sql in server.sent[-3:]] == [True, False, False]
    assert server.sent[-1] == "SET SESSION autocommit = 'ON'"


def test_a_use_that_was_opened_before_takes_one_round_trip(
    hostile: MysqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[object] = []
    execute = Wire._execute_command

    def recorded(connection: Wire, command: int, sql: str | bytes) -> None:
        sent.append(sql)
        execute(connection, command, sql)

    monkeypatch.setattr(Wire, "_execute_command", recorded)
    forget_servers()
    taken = []
    for _ in range(3):
        sent.clear()
        with closing(connect(hostile.endpoint, sessions.LOADER)) as connection:
            taken.append(len(sent) - 1)  # SET NAMES
            assert differing(sessions.LOADER.settings, _shown(connection)) in (
                [],
                _same_modes(sessions.LOADER, connection),
            )
    assert taken == [2, 1, 1]


def test_what_was_set_before_is_no_proof_that_it_is_now(hostile: MysqlServer) -> None:
    """Another default of the server's, and an account that may not set any more what it did."""
    forget_servers()
    account = _account(hostile, "waning", "SESSION_VARIABLES_ADMIN")
    connect(account, sessions.DEFINITION).close()
    with closing(connect(hostile.endpoint)) as connection:
        before = scalar(connection, "SELECT @@GLOBAL.sql_notes")
        try:
            query(connection, f"SET GLOBAL sql_notes = {1 - int(before)}")
            with closing(connect(account, sessions.DEFINITION)) as ours:
                assert _shown(ours)["sql_notes"] == "ON"
        finally:
            query(connection, "SET GLOBAL sql_notes = %s", before)
        query(connection, "REVOKE SESSION_VARIABLES_ADMIN ON *.* FROM waning@'127.0.0.1'")
    with pytest.raises(Refused, match="GRANT SESSION_VARIABLES_ADMIN"):
        connect(account, sessions.DEFINITION)


class _Answering:
    """In a server's place: a cursor and its connection, which answers by `rows` and refuses a collation."""

    host, port = "somewhere", 3306

    def __init__(self, version: str, rows: list[tuple[str, str]]) -> None:
        self.version = version
        self.rows = rows
        self.sent: list[str] = []

    def get_server_info(self) -> str:
        return self.version

    def cursor(self) -> _Answering:
        return self

    def __enter__(self) -> _Answering:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def execute(self, sql: str) -> None:
        if "utf8mb4_0900_ai_ci" in sql:
            raise OperationalError(1273, "Unknown collation: 'utf8mb4_0900_ai_ci'")
        self.sent.append(sql)
        self._found: list[tuple[str, ...]] = list(self.rows)
        if "SELECT CONCAT_WS" in sql:
            values = dict(self.rows)
            wanted = re.findall(r"@@(\w+)", sql)
            if any(name not in values for name in wanted):
                raise OperationalError(1193, "Unknown system variable")
            self._found = [("\x1f".join(values[name] for name in wanted),)]
        self._further = sql.count("; ")

    def nextset(self) -> bool:
        self._further -= 1
        return self._further >= 0

    def fetchall(self) -> list[tuple[str, ...]]:
        return self._found

    def fetchone(self) -> tuple[str]:
        return ("udup@%",)


def test_a_server_is_asked_for_a_collation_that_it_has() -> None:
    forget_servers()
    rows = [("autocommit", "OFF"), ("collation_connection", "utf8mb4_general_ci"), ("sql_quote_show_create", "OFF")]
    for version in ("11.4.2-MariaDB-log", "5.5.5-10.6.18-MariaDB", "5.7.44-log"):
        server: Any = _Answering(version, rows)
        enter(server, sessions.PLAIN)
        assert server.sent[-1] == "SET SESSION autocommit = 'ON', sql_quote_show_create = 'ON'"
    with pytest.raises(Refused, match="collation_connection = 'utf8mb4_0900_ai_ci'"):
        enter(cast("Any", _Answering("8.0.46", rows)), sessions.PLAIN)


def test_an_answer_that_is_not_the_servers_is_an_error() -> None:
    forget_servers()
    with pytest.raises(UdupError, match=r"somewhere:3306 does not tell the variables of its session"):
        enter(cast("Any", _Answering("8.0.46", [])), sessions.PLAIN)


def test_whoever_connects_may_ask_for_a_transaction_of_his_own(hostile: MysqlServer) -> None:
    with closing(connect(hostile.endpoint, autocommit=False)) as connection:
        assert _shown(connection)["autocommit"] == "OFF"
