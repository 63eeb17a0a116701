"""Whether a definition has run is told by its objects, before it and after a crash."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import NamedTuple

import pytest

from tests.managed import managed_account
from udup.drivers.mysql.apply.ddl_state import State, has_run, state_of, why_unknown, without_counter
from udup.drivers.mysql.binlog.query import QueryEvent
from udup.drivers.mysql.client.connection import Connection, connect, query
from udup.drivers.mysql.ddl.classify import classify_query
from udup.drivers.mysql.ddl.statement import Statement
from udup.sandbox.server import MysqlServer


class Ddl(NamedTuple):
    """`seen`: that it has run is seen; else it may run again, or nobody knows (None)."""

    sql: str
    seen: bool | None = True


STATEMENTS = (
    Ddl("CREATE TABLE {s}.new (id INT)"),
    Ddl("CREATE TABLE IF NOT EXISTS {s}.a (id INT)", seen=False),
    Ddl("ALTER TABLE {s}.a ADD COLUMN b INT"),
    Ddl("ALTER TABLE {s}.a ADD INDEX (v)"),
    Ddl("DROP INDEX k ON {s}.a"),
    Ddl("ALTER TABLE {s}.a FORCE"),
    Ddl("ALTER TABLE {s}.a ENGINE = InnoDB"),
    Ddl("ALTER TABLE {s}.a COMMENT = ''", seen=False),
    Ddl("ALTER TABLE {s}.c AUTO_INCREMENT = 50", seen=False),
    Ddl("TRUNCATE TABLE {s}.a"),
    Ddl("ALTER TABLE {s}.p TRUNCATE PARTITION p0"),
    Ddl("ALTER TABLE {s}.p EXCHANGE PARTITION p0 WITH TABLE {s}.x"),
    Ddl("ALTER TABLE {s}.p DROP PARTITION p0"),
    Ddl("RENAME TABLE {s}.a TO {s}.tmp, {s}.b TO {s}.a, {s}.tmp TO {s}.b"),
    Ddl("RENAME TABLE {s}.m TO {s}.tmp, {s}.n TO {s}.m, {s}.tmp TO {s}.n", seen=None),
    Ddl("ALTER TABLE {s}.a RENAME TO {s}.other"),
    Ddl("TRUNCATE TABLE {s}.m", seen=False),
    Ddl("DROP TABLE {s}.a"),
    Ddl("DROP TABLE {s}.a, {s}.b"),
    Ddl("DROP TABLE IF EXISTS {s}.nothing", seen=False),
    Ddl('TRUNCATE TABLE {s}.`we.ird ``na"me`'),
    Ddl("TRUNCATE TABLE {s}.`größe`", seen=False),
    Ddl("ALTER TABLE {s}.`größe` FORCE", seen=False),
    Ddl("ALTER TABLE {s}.`grün` EXCHANGE PARTITION p0 WITH TABLE {s}.`größe`", seen=None),
    Ddl("CREATE VIEW {s}.v2 AS SELECT 1"),
    Ddl("CREATE OR REPLACE VIEW {s}.v AS SELECT 2"),
    Ddl("DROP VIEW {s}.v"),
    Ddl("CREATE PROCEDURE {s}.q2() SELECT 1"),
    Ddl("DROP PROCEDURE {s}.q"),
    Ddl("CREATE TRIGGER {s}.g2 BEFORE INSERT ON {s}.a FOR EACH ROW SET @a = 1"),
    Ddl("DROP TRIGGER {s}.g"),
    Ddl("CREATE EVENT {s}.e2 ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1"),
    Ddl("ALTER EVENT {s}.e COMMENT 'x'"),
    Ddl("DROP EVENT {s}.e"),
    Ddl("CREATE DATABASE {s}_2"),
    Ddl("ALTER DATABASE {s} COLLATE utf8mb4_bin"),
    Ddl("DROP DATABASE {s}"),
    Ddl("CREATE USER {u} IDENTIFIED BY 'Secret-1'"),
    Ddl("GRANT SELECT ON {s}.a TO {p}"),
    Ddl("ALTER USER {p} COMMENT 'x'"),
    Ddl("DROP USER {p}"),
)

OBJECTS = (
    "CREATE DATABASE {s}",
    "CREATE TABLE {s}.a (id INT PRIMARY KEY, v INT, KEY k (v))",
    "CREATE TABLE {s}.b LIKE {s}.a",
    "CREATE TABLE {s}.c (id INT AUTO_INCREMENT PRIMARY KEY, v INT)",
    "CREATE TABLE {s}.m (id INT) ENGINE = MyISAM",
    "CREATE TABLE {s}.n LIKE {s}.m",
    "CREATE TABLE {s}.p (id INT) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (9), PARTITION p1 VALUES LESS"
    " THAN (99))",
    "CREATE TABLE {s}.x (id INT)",
    "CREATE TABLE {s}.`grün` (id INT) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (9))",
    'CREATE TABLE {s}.`we.ird ``na"me` (id INT)',
    "CREATE TABLE {s}.`größe` (id INT)",
    "CREATE VIEW {s}.v AS SELECT 1",
    "CREATE PROCEDURE {s}.q() SELECT 1",
    "CREATE TRIGGER {s}.g BEFORE INSERT ON {s}.a FOR EACH ROW SET @a = 1",
    "CREATE EVENT {s}.e ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1",
    "CREATE USER {p}",
)


@pytest.fixture
def objects(target: MysqlServer, schema: str) -> Iterator[dict[str, str]]:
    words = {"s": schema, "u": f"u{schema[-12:]}", "p": f"p{schema[-12:]}"}
    with closing(connect(target.endpoint)) as root:
        for statement in OBJECTS:
            query(root, statement.format(**words))
        yield words
        for statement in ("DROP USER IF EXISTS {u}", "DROP USER IF EXISTS {p}", "DROP DATABASE IF EXISTS {s}_2"):
            query(root, statement.format(**words))


def _statement(sql: str) -> Statement:
    return classify_query(QueryEvent(0, 0, 0, b"", sql.encode(), b""))


def _run(root: Connection, asking: Connection, sql: str) -> tuple[bool | None, bool | None]:
    """Return what is told of a statement that has not run, and when it has."""
    statement = _statement(sql)
    before = state_of(asking, statement).text()
    not_run = has_run(statement, before, state_of(asking, statement))
    query(root, sql)
    return not_run, has_run(statement, before, state_of(asking, statement))


@pytest.mark.parametrize("ddl", STATEMENTS, ids=lambda each: each.sql[:40])
def test_what_has_run_is_seen_and_what_has_not_too(target: MysqlServer, objects: dict[str, str], ddl: Ddl) -> None:
    with (
        managed_account(target) as account,
        closing(connect(account)) as asking,
        closing(connect(target.endpoint)) as root,
    ):
        not_run, ran = _run(root, asking, ddl.sql.format(**objects))
    assert not_run is (None if ddl.seen is None else False)
    assert ran is ddl.seen


def test_a_part_of_what_was_dropped_is_told(target: MysqlServer, objects: dict[str, str]) -> None:
    sql = "DROP TABLE {s}.a, {s}.m".format(**objects)
    statement = _statement(sql)
    with closing(connect(target.endpoint)) as root:
        before = state_of(root, statement).text()
        query(root, "DROP TABLE {s}.m".format(**objects))
        assert has_run(statement, before, state_of(root, statement)) is None


BEFORE = State({"s.a": "text 17"}, server="one", version="9.7.0")


@pytest.mark.parametrize(
    ("sql", "now", "ran"),
    [
        ("ALTER TABLE s.a ADD INDEX (v)", {"s.a": "text 99"}, False),  # the numbers are the other server's own
        ("ALTER TABLE s.a ADD INDEX (v)", {"s.a": "more 99"}, True),
        ("TRUNCATE TABLE s.a", {"s.a": "text 99"}, False),  # once more does no harm
        ("ALTER TABLE s.a EXCHANGE PARTITION p WITH TABLE s.b", {"s.a": "text 99"}, None),
        ("DROP TABLE s.a", {"s.a": "text 99"}, False),
        ("DROP TABLE s.a", {"s.a": "absent"}, True),
        ("CREATE TABLE s.a (id INT)", {"s.a": "absent"}, True),
    ],
)
def test_behind_a_failover_only_what_is_printed_is_compared(sql: str, now: dict[str, str], ran: bool | None) -> None:
    other = replace(BEFORE, objects=now, server="other")
    assert has_run(_statement(sql), BEFORE.text(), other) is ran
    assert "another server" in why_unknown(BEFORE.text(), other)


@pytest.mark.parametrize(
    ("now", "ran"), [({"s.a": "text 17"}, False), ({"s.a": "text 18"}, None), ({"s.a": "more 17"}, None)]
)
def test_behind_an_upgrade_neither_another_print_nor_other_numbers_say_anything(
    now: dict[str, str], ran: bool | None
) -> None:
    upgraded = replace(BEFORE, objects=now, version="9.7.1")
    assert has_run(_statement("ALTER TABLE s.a ADD COLUMN b INT"), BEFORE.text(), upgraded) is ran
    assert "another version" in why_unknown(BEFORE.text(), upgraded)


@pytest.mark.parametrize(
    ("now", "ran"), [({"s.a": "text 17"}, False), ({"s.a": "text 18"}, True), ({"s.a": "more 17"}, None)]
)
def test_a_note_of_the_version_before_had_counters_in_its_print(now: dict[str, str], ran: bool | None) -> None:
    noted = json.loads(BEFORE.text())
    del noted["form"]
    before = json.dumps(noted)
    after = replace(BEFORE, objects=now)
    assert has_run(_statement("ALTER TABLE s.a ADD COLUMN b INT"), before, after) is ran
    assert "noted it in another way" in why_unknown(before, after)


@pytest.mark.parametrize(
    ("sql", "now", "log", "ran"),
    [
        ("ALTER TABLE s.a ADD INDEX (v)", {"s.a": "more 18"}, "0-8 atomic", True),
        ("ALTER TABLE s.a COMMENT 'as it was'", {"s.a": "text 17"}, "0-8 atomic", True),
        ("ALTER TABLE s.a ADD INDEX (v)", {"s.a": "text 17"}, "0-7 atomic", False),
        # A server that died has logged it under its own number when it came back.
        ("ALTER TABLE s.a ADD INDEX (v)", {"s.a": "more 18"}, "0-7 atomic", None),
        ("DROP TABLE s.a", {"s.a": "absent"}, "0-7 atomic", None),
        ("ALTER TABLE s.a ADD INDEX (v)", {"s.a": "more 18"}, "0-7 plain", True),
        ("ALTER TABLE s.a ADD INDEX (v)", {"s.a": "more 18"}, "atomic", True),  # the log was begun again
    ],
)
def test_the_log_of_a_mariadb_is_believed_if_the_objects_do_not_say_otherwise(
    sql: str, now: dict[str, str], log: str, ran: bool | None
) -> None:
    before, after = replace(BEFORE, log="0-7 atomic").text(), replace(BEFORE, objects=now, log=log)
    assert has_run(_statement(sql), before, after) is ran
    if ran is None:
        assert "log does not have it" in why_unknown(before, after)


def test_a_log_that_is_begun_again_behind_a_jobs_first_definition_lets_none_run_twice() -> None:
    before, after = replace(BEFORE, log="atomic").text(), replace(BEFORE, objects={"s.a": "more 18"}, log="atomic")
    assert has_run(_statement("ALTER TABLE s.a ADD INDEX (v)"), before, after) is None


@pytest.mark.parametrize(
    "options",
    [
        ") ENGINE=InnoDB{} DEFAULT CHARSET=utf8mb4 COMMENT='x AUTO_INCREMENT=7'",
        ") /*!50100 TABLESPACE `a b` */ ENGINE=InnoDB{} DEFAULT CHARSET=utf8mb4",
        ") ENGINE=MyISAM{} DEFAULT CHARSET=latin1\n/*!50100 PARTITION BY HASH (`id`)\nPARTITIONS 4 */",
    ],
)
def test_the_next_number_is_none_of_a_definition(options: str) -> None:
    table = "CREATE TABLE `t` (\n  `id` int NOT NULL AUTO_INCREMENT COMMENT ') ENGINE=X AUTO_INCREMENT=5'\n"
    plain = table + options.format("")
    assert without_counter(table + options.format(" AUTO_INCREMENT=5")) == plain
    assert without_counter(plain) == plain


def test_a_row_that_somebody_inserts_is_not_taken_for_the_definition(
    target: MysqlServer, objects: dict[str, str]
) -> None:
    statement = _statement("ALTER TABLE {s}.c ADD INDEX (v)".format(**objects))
    with closing(connect(target.endpoint)) as root:
        before = state_of(root, statement).text()
        query(root, "INSERT INTO {s}.c (v) VALUES (1), (2)".format(**objects))
        assert has_run(statement, before, state_of(root, statement)) is False


def test_an_account_that_a_statement_does_not_name_is_not_looked_at(
    target: MysqlServer, objects: dict[str, str]
) -> None:
    """Anybody makes accounts meanwhile."""
    grant = "GRANT SELECT ON {s}.a TO '{p}'@'%'".format(**objects)
    statement = _statement(grant)
    with closing(connect(target.endpoint)) as root:
        before = state_of(root, statement, ["GRANT", "SELECT", objects["p"], "%"])
        query(root, "CREATE USER {u}".format(**objects))
        query(root, "GRANT SELECT ON {s}.b TO {u}".format(**objects))
        assert state_of(root, statement, ["GRANT", "SELECT", objects["p"], "%"]) == before
        query(root, grant)
        assert state_of(root, statement, ["GRANT", "SELECT", objects["p"], "%"]) != before
