"""Statements that MariaDB's grammar alone has are read as far as the job has to know what they are about."""

from __future__ import annotations

import pytest

from udup.drivers.mysql.ddl.classify import classify
from udup.drivers.mysql.ddl.statement import Kind


@pytest.mark.parametrize(
    ("sql", "verb", "objects"),
    [
        ("TRUNCATE TABLE t NOWAIT", "TRUNCATE TABLE", ["s.t"]),
        ("TRUNCATE TABLE wait WAIT 5", "TRUNCATE TABLE", ["s.wait"]),
        ("RENAME TABLE t WAIT 3 TO u, x NOWAIT TO y", "RENAME TABLE", ["s.t", "s.u", "s.x", "s.y"]),
        ("CREATE INDEX IF NOT EXISTS i ON o.t (a)", "CREATE INDEX", ["o.t"]),
        ("CREATE OR REPLACE UNIQUE INDEX i USING BTREE WAIT 5 ON t (a)", "CREATE INDEX", ["s.t"]),
        ("CREATE VECTOR INDEX vector ON t (v)", "CREATE INDEX", ["s.t"]),
        ("DROP INDEX IF EXISTS i ON t WAIT 2", "DROP INDEX", ["s.t"]),
    ],
)
def test_the_objects_are_found_behind_words_of_mariadb(sql: str, verb: str, objects: list[str]) -> None:
    statement = classify(sql.encode(), "s")
    assert (statement.kind, statement.verb) == (Kind.TABLE_DDL, verb)
    assert list(map(str, statement.objects)) == objects


def test_a_temporary_table_that_is_replaced_is_of_its_session() -> None:
    assert classify(b"CREATE OR REPLACE TEMPORARY TABLE t (a INT)", "s").kind is Kind.TEMPORARY


@pytest.mark.parametrize("words", ["DROP COLUMN IF EXISTS c", "DROP IF EXISTS c", "MODIFY COLUMN IF EXISTS c INT"])
def test_the_column_is_found_behind_if_exists(words: str) -> None:
    assert classify(f"ALTER TABLE t {words}".encode(), "s").changed == ("c",)


def test_the_column_of_a_default_is_found_behind_if_exists() -> None:
    assert classify(b"ALTER TABLE t ALTER COLUMN IF EXISTS c SET DEFAULT 1", "s").defaults == ("c",)
