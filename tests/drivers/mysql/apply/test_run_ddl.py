"""Definitions replayed on the target from the source's binary log are the same definitions."""

from __future__ import annotations

import threading
import uuid
from contextlib import closing
from dataclasses import replace

import pytest

from tests.source_log import Logged, logged_by
from udup.base.errors import Divergence, Transient, Unsupported
from udup.drivers.mysql.apply.run_ddl import run_ddl
from udup.drivers.mysql.binlog.event import EventType
from udup.drivers.mysql.client.connection import Connection, connect, query, scalar
from udup.drivers.mysql.ddl.classify import classify_query
from udup.drivers.mysql.ddl.statement import Kind
from udup.sandbox.server import MysqlServer
from udup.verify.definitions import read_definitions

#: Run in one session of the source, {s} and {o} being two schemas; USE and SET among them.
SCRIPT = r"""
CREATE DATABASE {s} CHARACTER SET latin1
CREATE DATABASE IF NOT EXISTS {o}
USE {s}
CREATE TABLE plain (id INT PRIMARY KEY, note VARCHAR(20), KEY (note))
create table if not exists plain (id int)
CREATE TABLE `we.ird ``na"me` (`a b` INT, `select` INT COMMENT 'it''s; -- /* no */') COMMENT='x'
CREATE TABLE 2b (2c INT, e1 ENUM('a','b'), s1 SET('x','y')) ENGINE=MyISAM
/* before */ CREATE /* in */ TABLE -- dash
 commented (id INT) # hash
CREATE TABLE {o} . spaced (id INT)
CREATE TABLE copy LIKE plain
CREATE TABLE unsigned_things (a INT UNSIGNED ZEROFILL, b DECIMAL(20,5) UNSIGNED, c TIMESTAMP NULL, d TIMESTAMP(3))
SET explicit_defaults_for_timestamp=0
CREATE TABLE old_timestamps (a TIMESTAMP, b TIMESTAMP DEFAULT '2020-01-01 00:00:00')
SET explicit_defaults_for_timestamp=1
SET NAMES latin1
CREATE TABLE from_latin1 (a VARCHAR(10) DEFAULT '<latin1>')
SET NAMES utf8mb4
CREATE TABLE größe (ñ INT COMMENT '日本語 🐬')
SET NAMES gbk
CREATE TABLE from_gbk (a VARCHAR(10) COMMENT '<gbk>') CHARACTER SET gbk
SET NAMES utf8mb4 COLLATE utf8mb4_general_ci
CREATE VIEW v_collation AS SELECT 'a' = 'A' AS x
SET NAMES utf8mb4
SET sql_mode='ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES'
CREATE TABLE "ansi quoted" ("a b" VARCHAR(5) DEFAULT 'x\')
CREATE VIEW "ansi view" AS SELECT 'a' || 'b' AS "c"
CREATE PROCEDURE "ansi proc"() SELECT 'a' || "id" FROM plain
SET sql_mode=''
CREATE TABLE zero_dates (d DATE DEFAULT '0000-00-00', t DATETIME DEFAULT '2020-00-00')
SET sql_mode=DEFAULT
SET default_collation_for_utf8mb4=utf8mb4_general_ci
CREATE TABLE older_collation (a VARCHAR(10)) CHARACTER SET utf8mb4
SET default_collation_for_utf8mb4=utf8mb4_0900_ai_ci
SET foreign_key_checks=0
CREATE TABLE child (id INT PRIMARY KEY, p INT, CONSTRAINT fk1 FOREIGN KEY (p) REFERENCES parent (id) ON DELETE CASCADE)
SET foreign_key_checks=1
CREATE TABLE parent (id INT PRIMARY KEY)
SET time_zone='+05:30'
CREATE TABLE zoned (id INT, t TIMESTAMP DEFAULT '2024-01-01 00:00:00')
SET time_zone='SYSTEM'
ALTER TABLE plain ADD COLUMN extra JSON, ADD g INT AS (id + 1) VIRTUAL, ADD h INT AS (id * 2) STORED
ALTER TABLE plain ADD COLUMN hidden INT INVISIBLE FIRST
ALTER TABLE plain RENAME COLUMN extra TO more, RENAME INDEX note TO by_note
ALTER TABLE plain ALTER COLUMN note SET DEFAULT 'z', ADD CHECK (id > 0)
ALTER TABLE copy RENAME TO copied
ALTER TABLE copied RENAME {o}.copied
RENAME TABLE {o}.copied TO {s}.copied, commented TO {o}.commented
CREATE UNIQUE INDEX iu ON plain (id, note)
CREATE INDEX fx ON plain ((id + 5))
DROP INDEX fx ON plain
CREATE FULLTEXT INDEX ft ON plain (note)
CREATE TABLE parts (id INT) PARTITION BY RANGE (id)
 (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20))
ALTER TABLE parts ADD PARTITION (PARTITION p2 VALUES LESS THAN MAXVALUE)
CREATE TABLE part_swap (id INT)
ALTER TABLE parts EXCHANGE PARTITION p0 WITH TABLE part_swap
ALTER TABLE parts DROP PARTITION p1
CREATE ALGORITHM=MERGE SQL SECURITY INVOKER VIEW v1 AS SELECT id, note FROM plain
CREATE OR REPLACE VIEW v1 (x) AS SELECT id FROM plain WITH CHECK OPTION
ALTER VIEW v1 AS SELECT id AS y FROM plain
CREATE /*!50013 DEFINER='someone'@'nowhere' SQL SECURITY DEFINER*/ VIEW v2 AS SELECT 1 AS one
CREATE PROCEDURE pr(IN a INT, OUT b INT) COMMENT 'c' BEGIN DECLARE x INT DEFAULT 1; SET b = a + x; END
ALTER PROCEDURE pr SQL SECURITY INVOKER COMMENT 'changed'
CREATE FUNCTION fu(a VARCHAR(10)) RETURNS VARCHAR(20) CHARSET utf8mb4 DETERMINISTIC RETURN CONCAT(a, '!')
CREATE DEFINER='someone'@'nowhere' TRIGGER tr BEFORE INSERT ON plain FOR EACH ROW SET NEW.note = UPPER(NEW.note)
CREATE TRIGGER tr2 BEFORE INSERT ON plain FOR EACH ROW FOLLOWS tr SET @x = 'drop table plain;'
CREATE TRIGGER gone AFTER DELETE ON plain FOR EACH ROW SET @x = 2
DROP TRIGGER gone
CREATE EVENT ev ON SCHEDULE EVERY 1 HOUR STARTS '2035-01-01 00:00:00' DO INSERT INTO plain (id) VALUES (1)
CREATE DEFINER='someone'@'nowhere' EVENT ev2 ON SCHEDULE AT '2037-01-01 00:00:00' DISABLE DO SET @x = 1
ALTER EVENT ev ON SCHEDULE EVERY 2 HOUR STARTS '2035-01-01 00:00:00' RENAME TO ev_renamed
CREATE SPATIAL REFERENCE SYSTEM IF NOT EXISTS 4326 NAME 'x' DEFINITION 'y'
CREATE TEMPORARY TABLE tmp (id INT)
DROP TEMPORARY TABLE tmp
TRUNCATE plain
DROP TABLE IF EXISTS {o}.commented, nothing_there
DROP TABLE copied
CREATE VIEW to_drop AS SELECT 1
DROP VIEW to_drop
ALTER DATABASE {s} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
ALTER TABLE older_collation CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
DROP PROCEDURE pr
"""

_CARRIED = {
    Kind.DATABASE_DDL,
    Kind.TABLE_DDL,
    Kind.VIEW_DDL,
    Kind.ROUTINE_DDL,
    Kind.TRIGGER_DDL,
    Kind.EVENT_DDL,
}


def _run(connection: Connection, script: str) -> None:
    """Each line is a statement, but a line that starts with a blank goes on with the one before."""
    for statement in script.strip().replace("\n ", "\r ").split("\n"):
        text = statement.replace("\r ", "\n ")
        codec = str(scalar(connection, "SELECT @@character_set_client"))
        raw = text.replace("<latin1>", "é").replace("<gbk>", "誠\\\\功").encode("utf-8" if "utf8" in codec else codec)
        connection._execute_command(3, raw)
        connection._read_query_result()


def _replay(target: Connection, events: list[Logged]) -> int:
    count = 0
    for logged in events:
        if logged.kind != EventType.QUERY:
            continue
        kind = classify_query(logged.query()).kind
        assert kind is not Kind.UNKNOWN, logged.query()
        if kind in _CARRIED:
            run_ddl(target, logged.query(), logged.gtid)
            count += 1
    return count


def test_every_kind_of_definition_comes_out_the_same(source: MysqlServer, target: MysqlServer, schema: str) -> None:
    other = f"{schema}_o"
    script = SCRIPT.replace("{s}", schema).replace("{o}", other)
    events = logged_by(source.endpoint, lambda connection: _run(connection, script))
    with closing(connect(source.endpoint)) as ours, closing(connect(target.endpoint)) as theirs:
        try:
            assert _replay(theirs, events) > 60
            theirs.set_character_set("utf8mb4")
            query(theirs, "SET sql_mode=DEFAULT, time_zone=DEFAULT, collation_connection=DEFAULT")
            assert _replay(theirs, events) > 60, "a second time everything is skipped"
            with closing(connect(target.endpoint)) as fresh:
                wanted = read_definitions(ours, [schema, other])
                found = read_definitions(fresh, [schema, other])
            for kind, mine, his in wanted.pairs(found):
                assert {name: _without_state(text) for name, text in his.items()} == {
                    name: _without_state(text) for name, text in mine.items()
                }, kind
        finally:
            query(theirs, f"DROP DATABASE IF EXISTS {other}")
            query(ours, f"DROP DATABASE IF EXISTS {other}")


def _without_state(text: str) -> str:
    """An event's definition but for whether it runs."""
    for state in (" ENABLE", " DISABLE ON REPLICA", " DISABLE ON SLAVE", " DISABLE"):
        text = text.replace(f"PRESERVE{state} DO", "PRESERVE DO")
    return text


def _definitions(source: MysqlServer, *statements: str) -> list[Logged]:
    def work(connection: Connection) -> None:
        for statement in statements:
            query(connection, statement)

    return [each for each in logged_by(source.endpoint, work) if each.kind == EventType.QUERY]


def test_a_definition_whose_gtid_is_executed_is_skipped(source: MysqlServer, target: MysqlServer, schema: str) -> None:
    events = _definitions(source, f"CREATE DATABASE {schema}", f"CREATE TABLE {schema}.t (id INT)")
    with closing(connect(target.endpoint)) as connection:
        for _ in range(3):
            for each in events:
                run_ddl(connection, each.query(), each.gtid)
        assert scalar(connection, "SELECT @@SESSION.gtid_next") == "AUTOMATIC"
        with pytest.raises(Divergence, match=r"error 1050.*CREATE|CREATE.*error 1050"):
            run_ddl(connection, events[1].query())
        with pytest.raises(Divergence):
            run_ddl(connection, events[1].query(), f"{uuid.uuid4()}:1")
        assert scalar(connection, "SELECT @@SESSION.gtid_next") == "AUTOMATIC"


def test_a_second_session_with_the_same_gtid_waits_and_skips(
    source: MysqlServer, target: MysqlServer, schema: str
) -> None:
    database, table = _definitions(source, f"CREATE DATABASE {schema}", f"CREATE TABLE {schema}.t (id INT)")
    with closing(connect(target.endpoint)) as first, closing(connect(target.endpoint)) as second:
        run_ddl(first, database.query(), database.gtid)
        query(first, f"SET gtid_next = '{table.gtid}'")
        waiting = threading.Thread(target=run_ddl, args=(second, table.query(), table.gtid))
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
        query(first, f"CREATE TABLE {schema}.t (id INT)")
        query(first, "SET gtid_next = 'AUTOMATIC'")
        waiting.join(10)
        assert not waiting.is_alive()


def test_nothing_is_left_of_the_session_before(source: MysqlServer, target: MysqlServer, schema: str) -> None:
    """A name without a schema is not found in the schema of the statement before."""
    other = f"{schema}_missing"
    try:
        events = _definitions(
            source,
            f"CREATE DATABASE {schema}",
            f"CREATE DATABASE {other}",
            f"USE {schema}",
            "CREATE TABLE a (id INT)",
            f"USE {other}",
            "CREATE TABLE b (id INT)",
            f"CREATE TABLE {schema}.c (id INT)",
        )
        with closing(connect(target.endpoint)) as connection:
            kept = [each for each in events if other.encode() not in each.query().sql]
            for each in kept[:2]:
                run_ddl(connection, each.query(), each.gtid)
            with pytest.raises(Divergence, match=f"ran in database {other}, which the target does not have"):
                run_ddl(connection, kept[2].query(), kept[2].gtid)
            run_ddl(connection, kept[3].query(), kept[3].gtid)
            tables = {row[0] for row in query(connection, f"SHOW TABLES FROM {schema}")}
            assert tables == {"a", "c"}
    finally:
        with closing(connect(source.endpoint)) as connection:
            query(connection, f"DROP DATABASE IF EXISTS {other}")


def test_an_event_keeps_its_definer_and_does_not_run(source: MysqlServer, target: MysqlServer, schema: str) -> None:
    events = _definitions(
        source,
        f"CREATE DATABASE {schema}",
        "SET NAMES latin1, sql_mode = 'ANSI_QUOTES', time_zone = '+03:00'",
        f"CREATE DEFINER = someone@nowhere EVENT {schema}.ev ON SCHEDULE EVERY 1 SECOND DO SET @a = 1",
        f"CREATE DEFINER = someone@nowhere EVENT {schema}.off ON SCHEDULE EVERY 1 SECOND DISABLE DO SET @a = 1",
    )
    with closing(connect(target.endpoint)) as connection:
        for each in events:
            run_ddl(connection, each.query(), each.gtid)
        rows = query(
            connection,
            "SELECT EVENT_NAME, DEFINER, STATUS IN ('REPLICA_SIDE_DISABLED', 'SLAVESIDE_DISABLED', 'DISABLED'),"
            f" SQL_MODE, TIME_ZONE FROM information_schema.EVENTS WHERE EVENT_SCHEMA = '{schema}'",
        )
    assert sorted(rows) == [(name, "someone@nowhere", 1, "ANSI_QUOTES", "+03:00") for name in ("ev", "off")]


def test_a_lock_wait_is_worth_another_try(source: MysqlServer, target: MysqlServer, schema: str) -> None:
    database, table, change = _definitions(
        source,
        f"CREATE DATABASE {schema}",
        f"CREATE TABLE {schema}.t (id INT)",
        f"ALTER TABLE {schema}.t ADD b INT",
    )
    with closing(connect(target.endpoint)) as connection, closing(connect(target.endpoint)) as holder:
        for each in (database, table):
            run_ddl(connection, each.query(), each.gtid)
        query(holder, "BEGIN")
        query(holder, f"SELECT * FROM {schema}.t")
        query(connection, "SET lock_wait_timeout = 1")
        with pytest.raises(Transient, match="1205"):
            run_ddl(connection, change.query(), change.gtid)
        query(holder, "COMMIT")
        run_ddl(connection, change.query(), change.gtid)
        assert len(query(connection, f"SHOW COLUMNS FROM {schema}.t")) == 2


def test_a_statement_that_the_target_cannot_read_is_told_with_its_own_error(
    source: MysqlServer, target: MysqlServer, schema: str
) -> None:
    """The server does not take its GTID back as it does of one that it has begun to run."""
    database, table = _definitions(source, f"CREATE DATABASE {schema}", f"CREATE TABLE {schema}.t (id INT)")
    with closing(connect(target.endpoint)) as connection:
        run_ddl(connection, database.query(), database.gtid)
        unknown = replace(table.query(), sql=f"CREATE TABLE {schema}.t (id NEWTYPE(3))".encode())
        with pytest.raises(Unsupported, match="error 1064"):
            run_ddl(connection, unknown, table.gtid)
        assert scalar(connection, "SELECT @@SESSION.gtid_next") == "AUTOMATIC"
        run_ddl(connection, table.query(), table.gtid)
        assert len(query(connection, f"SHOW COLUMNS FROM {schema}.t")) == 1
