"""Definitions replayed on the target from the source's binary log are the same definitions."""

from __future__ import annotations

from contextlib import closing

from tests.source_log import Logged, logged_by
from udup.binlog.event import EventType
from udup.binlog.statement import Kind, classify_query
from udup.mysql.connection import Connection, connect, query, scalar
from udup.sandbox.definitions import read_definitions
from udup.sandbox.server import MysqlServer
from udup.target.context import run_ddl

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
CREATE TABLE parts (id INT) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20))
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
