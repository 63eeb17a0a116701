"""The catalog holds what the server prints, and refuses what a copy would change."""

from __future__ import annotations

from contextlib import closing

import msgspec
import pytest

from tests.full_copy import catalog_of, run
from udup.base.errors import Unsupported
from udup.drivers.mysql.client.connection import connect
from udup.drivers.mysql.dictionary.catalog import Catalog
from udup.drivers.mysql.snapshot.merge_tables import merge_problems
from udup.drivers.mysql.snapshot.schema import read_catalog, same_definitions
from udup.pipeline.selection.selection import Selection
from udup.sandbox.server import MysqlServer


def make(server: MysqlServer, schema: str, *statements: str) -> None:
    with closing(connect(server.endpoint)) as connection:
        run(connection, f"CREATE DATABASE IF NOT EXISTS {schema}", f"USE {schema}", *statements)


def test_tables_and_objects_of_a_whole_schema(source: MysqlServer, schema: str) -> None:
    make(
        source,
        schema,
        "CREATE TABLE `t ``1` (id INT PRIMARY KEY, f FLOAT(9,2), g INT AS (id + 1), e ENUM('a','b'),"
        " d DATETIME DEFAULT CURRENT_TIMESTAMP, v VARCHAR(9) CHARACTER SET latin1)",
        "CREATE VIEW v AS SELECT id FROM `t ``1`",
        "CREATE PROCEDURE p() SELECT 1",
        "CREATE FUNCTION f(a INT) RETURNS INT DETERMINISTIC RETURN a",
        "CREATE TRIGGER tr BEFORE INSERT ON `t ``1` FOR EACH ROW SET NEW.v = 'x'",
        "CREATE EVENT ev ON SCHEDULE EVERY 1 YEAR STARTS '2031-01-01' DO SELECT 1",
    )
    catalog = catalog_of(source.endpoint, schema)
    (table,) = catalog.tables
    assert (table.schema, table.name, table.key, table.key_index) == (schema, "t `1", ("id",), "PRIMARY")
    assert [(c.name, c.kind, c.generated, c.charset) for c in table.columns] == [
        ("id", "int", False, None),
        ("f", "float", False, None),
        ("g", "int", True, None),
        ("e", "enum", False, "utf8mb4"),
        ("d", "datetime", False, None),
        ("v", "varchar", False, "latin1"),
    ]
    assert [stored.kind for stored in catalog.objects] == ["FUNCTION", "PROCEDURE", "VIEW", "TRIGGER", "EVENT"]
    assert catalog.objects[3].table == "t `1"
    assert catalog.objects[4].time_zone == "+00:00"  # the session's that made it
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(catalog), type=Catalog) == catalog


def test_a_job_with_chosen_tables_takes_their_triggers_only(source: MysqlServer, schema: str) -> None:
    make(
        source,
        schema,
        "CREATE TABLE a (id INT PRIMARY KEY)",
        "CREATE TABLE b (id INT PRIMARY KEY)",
        "CREATE TRIGGER on_a BEFORE INSERT ON a FOR EACH ROW SET @x = 1",
        "CREATE TRIGGER on_b BEFORE INSERT ON b FOR EACH ROW SET @x = 1",
        "CREATE PROCEDURE p() SELECT 1",
    )
    with closing(connect(source.endpoint)) as connection:
        catalog = read_catalog(connection, Selection.of([(schema, ["a"])]))
    assert [table.name for table in catalog.tables] == ["a"]
    assert [stored.name for stored in catalog.objects] == ["on_a"]


def test_everything_that_cannot_be_copied_is_named_at_once(source: MysqlServer, schema: str) -> None:
    make(
        source,
        schema,
        "CREATE TABLE isam (id INT) ENGINE=MyISAM",
        "CREATE TABLE merged (id BIGINT) ENGINE=MERGE UNION=(isam)",
        "CREATE TABLE hole (id INT) ENGINE=BLACKHOLE",
    )
    with pytest.raises(Unsupported) as refusal:
        catalog_of(source.endpoint, schema)
    assert f"{schema}.merged cannot be opened" in str(refusal.value)
    assert "isam" not in str(refusal.value).replace("MyISAM", "") and "hole" not in str(refusal.value)


def test_a_merge_table_is_in_the_job_with_those_that_it_shows_or_with_none(source: MysqlServer, schema: str) -> None:
    make(
        source,
        schema,
        "CREATE TABLE m1 (id INT) ENGINE=MyISAM",
        "CREATE TABLE m2 (id INT) ENGINE=MyISAM",
        "CREATE TABLE a_merge (id INT) ENGINE=MERGE UNION=(m1, m2)",
    )

    def problems(*tables: str) -> list[str]:
        with closing(connect(source.endpoint)) as connection:
            return list(merge_problems(connection, Selection.of([(schema, list(tables))])))

    assert problems() == [] and problems("m1", "m2", "a_merge") == [] and problems("other") == []
    (below,) = problems("a_merge", "m1")
    assert f"{schema}.m2, which is not in the job" in below
    (above,) = problems("m1")
    assert f"the MERGE table {schema}.a_merge" in above


def test_a_ddl_between_two_readings_is_noticed_and_a_row_is_not(source: MysqlServer, schema: str) -> None:
    make(source, schema, "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY)")
    before = catalog_of(source.endpoint, schema)
    make(source, schema, "INSERT INTO t VALUES (), ()")
    assert same_definitions(before, catalog_of(source.endpoint, schema))
    make(source, schema, "ALTER TABLE t ADD COLUMN v INT, ALGORITHM=INSTANT")
    assert not same_definitions(before, catalog_of(source.endpoint, schema))
