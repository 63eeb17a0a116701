"""Whether a definition has run is told by its objects, before it and after a crash."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

import pytest

from tests.managed import managed_account
from udup.drivers.mysql.apply.ddl_state import has_run, state_of
from udup.drivers.mysql.binlog.query import QueryEvent
from udup.drivers.mysql.client.connection import Connection, connect, query
from udup.drivers.mysql.ddl.classify import classify_query
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
    Ddl("ALTER TABLE {s}.`größe` FORCE", seen=None),
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
    "CREATE TABLE {s}.m (id INT) ENGINE = MyISAM",
    "CREATE TABLE {s}.n LIKE {s}.m",
    "CREATE TABLE {s}.p (id INT) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (9), PARTITION p1 VALUES LESS"
    " THAN (99))",
    "CREATE TABLE {s}.x (id INT)",
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


def _run(root: Connection, asking: Connection, sql: str) -> tuple[bool | None, bool | None]:
    """Return what is told of a statement that has not run, and when it has."""
    statement = classify_query(QueryEvent(0, 0, 0, b"", sql.encode(), b""))
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
    statement = classify_query(QueryEvent(0, 0, 0, b"", sql.encode(), b""))
    with closing(connect(target.endpoint)) as root:
        before = state_of(root, statement).text()
        query(root, "DROP TABLE {s}.m".format(**objects))
        assert has_run(statement, before, state_of(root, statement)) is None
