"""The target's definitions are the source's, made in the order that loading wants."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest

from tests.full_copy import catalog_of, full_copy, run
from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import connect, query, scalar
from udup.drivers.mysql.dictionary.catalog import Catalog
from udup.drivers.mysql.load.create_table import create_statement, foreign_key_statements, index_statements
from udup.drivers.mysql.load.objects import create_objects, create_schemas
from udup.sandbox.server import MysqlServer

TABLES = [
    "CREATE TABLE plain (id INT AUTO_INCREMENT PRIMARY KEY, a INT, b VARCHAR(99), g POINT NOT NULL SRID 4326, t TEXT,"
    " u TEXT, UNIQUE KEY u (b), KEY a_b (a DESC, b(10)) COMMENT 'it''s, (\\n`x`',"
    " SPATIAL KEY s (g), FULLTEXT KEY t1 (t), FULLTEXT KEY t2 (t, u), KEY hidden (a) INVISIBLE,"
    " CONSTRAINT positive CHECK (a > 0 AND b <> '),KEY `x` (`a`)'))"
    " AUTO_INCREMENT=4711 COMMENT='AUTO_INCREMENT, KEY `a` (`b`)' ROW_FORMAT=COMPRESSED CHARSET=utf8mb4",
    "CREATE TABLE auto_by_key (a INT, n INT AUTO_INCREMENT, PRIMARY KEY (a, n), KEY x (a), KEY n (n), c TEXT,"
    " FULLTEXT KEY t (c))",
    "CREATE TABLE by_expression (id INT PRIMARY KEY, b VARCHAR(9), KEY f ((LOWER(b))), KEY b (b))",
    "CREATE TABLE no_primary (a INT NOT NULL, b INT, UNIQUE KEY u (a), KEY b (b)) CHARSET=latin1",
    "CREATE TABLE `odd ``, (\n'x` (`KEY ``a` INT PRIMARY KEY DEFAULT '5', `b,)(` VARCHAR(50) DEFAULT 'a,'')\\n\\\\('"
    " COMMENT 'AUTO_INCREMENT ``', c TIMESTAMP NULL DEFAULT '2024-01-01 00:00:00', KEY `k ``,` (`b,)(`),"
    " v VARCHAR(99) AS (CONCAT(`b,)(`, ',)', \"it's\\n(\")) STORED)",
    "CREATE TABLE child (id INT PRIMARY KEY, p INT, q INT, CONSTRAINT `to, parent` FOREIGN KEY (p)"
    " REFERENCES parent (id) ON DELETE CASCADE, FOREIGN KEY (q) REFERENCES child (id), KEY own (q, p))",
    "CREATE TABLE parent (id INT PRIMARY KEY, z DATE DEFAULT '0000-00-00')",
    "CREATE TABLE parted (id INT, d DATE, PRIMARY KEY (id, d), KEY d (d)) PARTITION BY RANGE COLUMNS (d)"
    " (PARTITION p0 VALUES LESS THAN ('2020-01-01') COMMENT 'a),(', PARTITION p1 VALUES LESS THAN (MAXVALUE))",
]

OBJECTS = [
    "CREATE VIEW a_third AS SELECT * FROM `z ``first` WITH CASCADED CHECK OPTION",
    "CREATE SQL SECURITY INVOKER VIEW b_uses_function AS SELECT twice(id) AS d FROM a_third",
    "CREATE FUNCTION twice(a INT) RETURNS INT DETERMINISTIC RETURN a * 2",
    "CREATE PROCEDURE `odd ``p`(s VARCHAR(20)) COMMENT 'é' SELECT CONCAT(s, 'naïve; 😀') AS \"x\"",
    "CREATE TRIGGER second BEFORE INSERT ON parent FOR EACH ROW SET NEW.id = NEW.id * 10",
    "CREATE TRIGGER first BEFORE INSERT ON parent FOR EACH ROW PRECEDES second SET NEW.id = NEW.id + 1",
    "CREATE EVENT `ON COMPLETION PRESERVE ENABLE` ON SCHEDULE EVERY 1 YEAR STARTS '2031-01-01' ON COMPLETION PRESERVE"
    " COMMENT 'ENABLE' DO SELECT 'ON COMPLETION PRESERVE ENABLE'",
]


@pytest.fixture
def filled(source: MysqlServer, schema: str) -> str:
    with closing(connect(source.endpoint)) as connection:
        run(
            connection,
            f"CREATE DATABASE {schema} CHARACTER SET latin1",
            f"USE {schema}",
            "SET sql_mode = '', foreign_key_checks = 0, time_zone = '+05:30'",
            *TABLES,
            "CREATE VIEW `z ``first` AS SELECT id, z FROM parent",
            "CREATE FUNCTION twice(a INT) RETURNS INT DETERMINISTIC RETURN a",
            *OBJECTS[:2],
            "DROP FUNCTION twice",
            "SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES'",
            *OBJECTS[2:],
            "SET NAMES latin1",
        )
        with connection.cursor() as cursor:
            sql = "CREATE PROCEDURE from_latin1() SELECT 'naïve é' AS `ü`".encode("latin1")
            cursor.execute(sql)  # type: ignore[call-overload]
        run(connection, f"ALTER DATABASE {schema} CHARACTER SET utf8mb4")
    return schema


def without_event_state(catalog: Catalog) -> Catalog:
    """As on a target: events disabled, and everything made at another time."""
    objects = tuple(
        replace(stored, sql=stored.sql.replace(" ENABLE COMMENT", " DISABLE COMMENT"), stamp="", made=0.0)
        for stored in catalog.objects
    )
    return Catalog(catalog.schemas, catalog.tables, objects)


def test_every_definition_is_the_same_after_the_copy(source: MysqlServer, target: MysqlServer, filled: str) -> None:
    full_copy(source.endpoint, target.endpoint, filled)
    ours = without_event_state(catalog_of(source.endpoint, filled))
    theirs = without_event_state(catalog_of(target.endpoint, filled))
    assert theirs.schemas == ours.schemas
    assert [table.create_sql for table in theirs.tables] == [table.create_sql for table in ours.tables]
    assert theirs.objects == ours.objects


def test_indexes_and_foreign_keys_wait_for_the_rows(source: MysqlServer, filled: str) -> None:
    tables = {table.name: table for table in catalog_of(source.endpoint, filled).tables}
    created = create_statement(tables["plain"])
    for index in ("u", "a_b", "s", "t1", "t2", "hidden"):
        assert f"KEY `{index}`" not in created
    assert "CONSTRAINT `positive` CHECK" in created
    assert "AUTO_INCREMENT=4711" in created
    assert [statement.count("FULLTEXT") for statement in index_statements(tables["plain"])] == [0, 1, 1]
    assert "FOREIGN KEY" not in create_statement(tables["child"])
    (foreign,) = foreign_key_statements(tables["child"])
    assert foreign.count("FOREIGN KEY") == 2


def test_indexes_that_a_table_cannot_do_without_stay(source: MysqlServer, filled: str) -> None:
    tables = {table.name: table for table in catalog_of(source.endpoint, filled).tables}
    for name in ("auto_by_key", "no_primary", "by_expression"):
        assert index_statements(tables[name]) == []


def test_an_event_arrives_disabled(source: MysqlServer, target: MysqlServer, filled: str) -> None:
    full_copy(source.endpoint, target.endpoint, filled)
    with closing(connect(target.endpoint)) as connection:
        sql = "SELECT EVENT_NAME, STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA = %s"
        assert query(connection, sql, filled) == [("ON COMPLETION PRESERVE ENABLE", "DISABLED")]


def test_the_counter_of_auto_increment_goes_on(source: MysqlServer, target: MysqlServer, schema: str) -> None:
    with closing(connect(source.endpoint)) as connection:
        run(
            connection,
            f"CREATE DATABASE {schema}",
            f"CREATE TABLE {schema}.t (id INT AUTO_INCREMENT PRIMARY KEY)",
            f"INSERT INTO {schema}.t VALUES (1), (2), (50)",
            f"DELETE FROM {schema}.t WHERE id = 50",
        )
    full_copy(source.endpoint, target.endpoint, schema)
    with closing(connect(target.endpoint)) as connection:
        run(connection, f"INSERT INTO {schema}.t VALUES ()")
        assert scalar(connection, f"SELECT MAX(id) FROM {schema}.t") == 51


def test_objects_that_cannot_be_made_are_all_named(source: MysqlServer, target: MysqlServer, filled: str) -> None:
    catalog = catalog_of(source.endpoint, filled)
    with closing(connect(target.endpoint)) as connection:
        create_schemas(connection, catalog.schemas)
        with pytest.raises(UdupError, match=r"5 stored objects.*a_third.*b_uses_function.*z ``first.*second"):
            create_objects(connection, catalog.objects)


def test_objects_of_an_earlier_try_are_replaced(source: MysqlServer, target: MysqlServer, filled: str) -> None:
    copied = full_copy(source.endpoint, target.endpoint, filled)
    with closing(connect(target.endpoint)) as connection:
        with pytest.raises(UdupError, match="already exists"):
            create_objects(connection, copied.catalog.objects)
        create_objects(connection, copied.catalog.objects, replace=True)
    assert (
        without_event_state(catalog_of(target.endpoint, filled)).objects == without_event_state(copied.catalog).objects
    )
