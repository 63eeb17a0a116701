"""What becomes of the log's statements about a table with a column map."""

from __future__ import annotations

import pytest

from udup.drivers.mysql.columns.ddl import concerns_no_mapped_column, map_problem
from udup.drivers.mysql.ddl.decide import classify
from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection

SELECTION = Selection(
    (
        SchemaRule(
            "s",
            tables=(
                NameRule("t", columns=(("id", "nr"), ("Name", "label"))),
                NameRule("u", columns=(("id", "nr"), ("Name", "label"))),
                NameRule("whole"),
            ),
        ),
    )
)


def _fate(sql: str) -> str:
    statement = classify(sql.encode(), "s")
    if concerns_no_mapped_column(statement, SELECTION):
        return "passed over"
    return "stops" if map_problem(statement, SELECTION) else "carried"


@pytest.mark.parametrize(
    ("sql", "fate"),
    [
        ("ALTER TABLE t ADD COLUMN x INT", "passed over"),
        ("ALTER TABLE t DROP COLUMN y, MODIFY z INT FIRST, ALGORITHM=INPLACE", "passed over"),
        ("ALTER TABLE t CHANGE y z INT", "passed over"),
        ("ALTER TABLE t ALTER COLUMN y SET DEFAULT 1, ALTER z DROP DEFAULT", "passed over"),
        ("ALTER TABLE t ALTER name SET DEFAULT 1", "stops"),
        ("ALTER TABLE t ALTER COLUMN `Name` DROP DEFAULT", "stops"),
        ("ALTER TABLE t ADD COLUMN x INT, ALTER COLUMN id SET INVISIBLE", "stops"),
        ("CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.x = 1", "passed over"),
        ("ALTER TABLE t DROP COLUMN name", "stops"),
        ("ALTER TABLE t ADD COLUMN x INT, MODIFY `NAME` TEXT", "stops"),
        ("ALTER TABLE t RENAME COLUMN id TO nr", "stops"),
        ("ALTER TABLE t ADD INDEX (y)", "stops"),
        ("ALTER TABLE t ADD COLUMN n INT AUTO_INCREMENT UNIQUE", "stops"),
        ("ALTER TABLE t CONVERT TO CHARACTER SET utf8mb4", "stops"),
        ("ALTER TABLE t RENAME TO u", "stops"),
        ("CREATE INDEX k ON t (y)", "stops"),
        ("DROP INDEX k ON t", "stops"),
        ("CREATE TABLE t (id INT)", "stops"),
        ("CREATE TABLE whole LIKE t", "stops"),
        ("RENAME TABLE t TO whole", "stops"),
        ("RENAME TABLE t TO u", "carried"),
        ("TRUNCATE TABLE t", "carried"),
        ("DROP TABLE t", "carried"),
        ("ALTER TABLE whole ADD COLUMN x INT", "carried"),
        ("CREATE TRIGGER tr BEFORE INSERT ON whole FOR EACH ROW SET NEW.x = 1", "carried"),
    ],
)
def test_a_statement_about_a_mapped_table(sql: str, fate: str) -> None:
    assert _fate(sql) == fate
