"""Every part of a definition that is not as the job means it is told by its name, and nothing else."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.drivers.mysql.compare.comparing import Found, Two
from udup.drivers.mysql.compare.comparer import MySQLComparer
from udup.drivers.mysql.compare.tables import UNKNOWN
from udup.pipeline.ports.compare import ComparePlan
from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection
from udup.sandbox.server import MysqlServer


@pytest.fixture
def two(source: MysqlServer, target: MysqlServer, schema: str) -> Two:
    return Two(source.endpoint, target.endpoint, schema)


def test_each_part_of_a_table_that_differs_is_told_by_its_name(two: Two) -> None:
    two.run(
        "CREATE TABLE parents (id INT PRIMARY KEY)",
        "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, note VARCHAR(20) COMMENT 'a COLLATE x', state CHAR(3),"
        " n INT CHECK (n > 0), g INT AS (n + 1), p INT, KEY by_state (state), KEY hidden (n) INVISIBLE,"
        " FULLTEXT KEY words (note), CONSTRAINT of_parent FOREIGN KEY (p) REFERENCES parents (id)) COMMENT 'orders'"
        " AUTO_INCREMENT = 7",
        "CREATE TABLE parts (id INT PRIMARY KEY) PARTITION BY RANGE (id)"
        " (PARTITION p0 VALUES LESS THAN (9), PARTITION p1 VALUES LESS THAN (99))",
        "CREATE TABLE same (id INT PRIMARY KEY, v VARCHAR(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci)"
        " CHARSET utf8mb4 ROW_FORMAT DYNAMIC",
    )
    two.run("ALTER TABLE t AUTO_INCREMENT = 99", "INSERT INTO parents VALUES (1)", on=two.source)
    two.behind("INSERT INTO parents VALUES (1)")
    two.behind("ALTER TABLE same MODIFY v VARCHAR(9)", "ALTER TABLE t AUTO_INCREMENT = 50")
    first = two.compared()
    assert first.rows == [] and first.definitions == [] and first.snapshots == 1, (
        "a counter is none, nor how it is said"
    )
    two.behind(
        "ALTER TABLE t MODIFY note VARCHAR(10) COMMENT 'a COLLATE x', DROP KEY by_state, DROP FOREIGN KEY of_parent,"
        " DROP CHECK t_chk_1, ALTER INDEX hidden VISIBLE, COMMENT 'others', ADD KEY for_reports (p, n)",
        "ALTER TABLE t ADD UNIQUE KEY once (state, n), ADD COLUMN mine INT, DROP COLUMN g",
        "ALTER TABLE t ADD COLUMN g INT AS (n + 2) AFTER n, MODIFY state CHAR(3) COLLATE utf8mb4_bin",
        "ALTER TABLE parts REORGANIZE PARTITION p1 INTO (PARTITION p1 VALUES LESS THAN (100))",
        "ALTER TABLE same ROW_FORMAT COMPACT, ENGINE InnoDB",
    )
    found = two.compared()
    name = two.schema
    assert set(found.definitions) == {
        f"{name}.t: column note: source varchar(20) DEFAULT NULL COMMENT 'a COLLATE x',"
        " target varchar(10) DEFAULT NULL COMMENT 'a COLLATE x'",
        f"{name}.t: column g: source int GENERATED ALWAYS AS ((`n` + 1)) VIRTUAL,"
        " target int GENERATED ALWAYS AS ((`n` + 2)) VIRTUAL",
        f"{name}.t: column state: source COLLATE utf8mb4_0900_ai_ci, target COLLATE utf8mb4_bin",
        f"{name}.t: index by_state is not on the target",
        f"{name}.t: foreign key of_parent is not on the target",
        f"{name}.t: check t_chk_1 is not on the target",
        f"{name}.t: index hidden: source KEY (`n`) /*!80000 INVISIBLE */, target KEY (`n`)",
        f"{name}.t: option COMMENT: source 'orders', target 'others'",
        f"{name}.t: index once is only on the target",
        f"({name}.t: index for_reports is only on the target)",
        f"({name}.t: column mine is only on the target)",
        f"{name}.parts: partitions: source PARTITION p1 VALUES LESS THAN (99) ENGINE = InnoDB),"
        " target PARTITION p1 VALUES LESS THAN (100) ENGINE = InnoDB)",
        f"{name}.same: option ROW_FORMAT: source DYNAMIC, target COMPACT",
    }
    for each in found.defined[0].found:
        if each.remedy.startswith("ALTER TABLE"):
            two.behind(*each.remedy.split("; "))
    left = two.compared().definitions
    wrong = [each for each in left if "is only on the target)" not in each and ".parts: " not in each]
    assert wrong == []


def test_what_is_no_table_and_whole_tables_are_told(two: Two) -> None:
    two.run(
        "CREATE TABLE t (id INT PRIMARY KEY)",
        "CREATE VIEW v AS SELECT id FROM t",
        "CREATE VIEW w AS SELECT id FROM t",
        "CREATE PROCEDURE p() SELECT 1",
        "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.id = NEW.id + 0",
        "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1",
        "CREATE EVENT f ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1",
    )
    two.run("ALTER EVENT e ENABLE", on=two.source)
    assert two.compared().definitions == []
    two.run("CREATE TABLE ours (id INT PRIMARY KEY)", on=two.source)
    two.behind(
        "CREATE TABLE theirs (id INT PRIMARY KEY)",
        "DROP VIEW v",
        "CREATE OR REPLACE VIEW w AS SELECT id + 1 AS id FROM t",
        "DROP PROCEDURE p",
        "CREATE PROCEDURE q() SELECT 1",
        "DROP TRIGGER tr",
        "CREATE TRIGGER more BEFORE DELETE ON t FOR EACH ROW SET @x = 1",
        "ALTER EVENT f ENABLE",
    )
    found, name = two.compared(), two.schema
    told = {each for each in found.definitions if not each.startswith(f"view {name}.w")}
    assert told == {
        f"{name}.ours is not on the target",
        f"({name}.theirs is only on the target)",
        f"view {name}.v is not on the target",
        f"procedure {name}.p is not on the target",
        f"(procedure {name}.q is only on the target)",
        f"(trigger {name}.tr is not on the target)",
        f"trigger {name}.more is only on the target",
        f"event {name}.f: source disabled on the target while the job replicates, target enabled",
    }
    assert any(each.startswith(f"view {name}.w: source ") for each in found.definitions)
    assert [each.problem for each in found.tables if each.table == "ours"] == ["the target has no such table"]
    few = two.compared(plan=ComparePlan(tables=(f"{name}.t", f"{name}.nowhere")))
    assert few.definitions == [], "of tables that are named these alone"
    assert {each.table: each.problem for each in few.tables}["nowhere"] == UNKNOWN


def test_what_the_job_means_to_be_there_is_what_is_compared(two: Two) -> None:
    there = f"{two.schema}_there"
    rules = (NameRule("a", rename="b"), NameRule("c", columns=(("id", "id"), ("v", "w")), where="id > 1"))
    chosen = Selection((SchemaRule(two.schema, rename=there, tables=rules),))
    two.run(
        "CREATE TABLE c (id INT PRIMARY KEY, v VARCHAR(9), x INT, KEY (v), KEY (x))",
        "CREATE TABLE a (id INT PRIMARY KEY, c INT, KEY (c), CHECK (c > 0), CONSTRAINT f FOREIGN KEY (c)"
        " REFERENCES c (id))",
        on=two.source,
    )
    two.behind(
        f"CREATE DATABASE {there}",
        f"CREATE TABLE {there}.c (id INT PRIMARY KEY, w VARCHAR(9), KEY v (w))",
        f"CREATE TABLE {there}.b (id INT PRIMARY KEY, c INT, KEY (c), CHECK (c > 0), CONSTRAINT f FOREIGN KEY (c)"
        f" REFERENCES {there}.c (id))",
    )
    try:
        assert two.compared(chosen).definitions == []
        two.behind(
            f"ALTER TABLE {there}.c MODIFY w VARCHAR(8)", f"ALTER TABLE {there}.b DROP KEY c, DROP FOREIGN KEY f"
        )
        assert set(two.compared(chosen).definitions) == {
            f"{two.schema}.c: column w: source varchar(9) DEFAULT NULL, target varchar(8) DEFAULT NULL",
            f"{two.schema}.a: index c is not on the target",
            f"{two.schema}.a: foreign key f is not on the target",
        }
    finally:
        two.behind(f"DROP DATABASE {there}")


def test_what_is_altered_while_it_is_compared_is_no_difference(two: Two) -> None:
    """The target has what the source has executed behind the snapshots when the next ones are opened."""
    two.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)", "CREATE TABLE u (id INT PRIMARY KEY)")
    two.run("CREATE VIEW w AS SELECT id FROM t", "CREATE TABLE stays (id INT PRIMARY KEY, v INT)")
    found, lags = Found(), tuple[str, ...]()
    changes = [
        ("ALTER TABLE t ADD KEY (v)", "DROP TABLE u", "DROP VIEW w", "CREATE TABLE x (id INT PRIMARY KEY)"),
        ("ALTER TABLE t MODIFY v BIGINT", "DROP TABLE x", "CREATE VIEW w AS SELECT v FROM t"),
        ("ALTER TABLE t MODIFY v INT UNSIGNED", "ALTER TABLE stays ADD KEY (v)"),
    ]
    with closing(MySQLComparer(two.source, two.target, Selection.of([(two.schema, [])]), ComparePlan())) as comparer:
        done = False
        while not done:
            two.behind(*lags)
            comparer.prepare()
            comparer.open_source()
            comparer.open_target()
            lags = changes.pop(0) if changes else ()
            two.run(*lags, on=two.source)
            done = comparer.compare(found.told, 60)
    assert found.definitions == [] and found.rows == [] and not changes
    assert {each.table: each.problem for each in found.tables} == {"t": "", "stays": ""}


def test_nothing_is_told_of_tables_that_somebody_else_has_made(two: Two) -> None:
    two.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)", on=two.source)
    two.behind("CREATE TABLE t (id BIGINT PRIMARY KEY, v INT, KEY (v))")
    found = two.compared(plan=ComparePlan(definitions=False))
    assert found.defined == [] and found.snapshots == 1
