"""With "Engine": "InnoDB" definitions of other engines become InnoDB's, and nothing else of them changes."""

from __future__ import annotations

import pytest

from udup.base.errors import Unsupported
from udup.drivers.mysql.ddl.classify import classify
from udup.drivers.mysql.ddl.edits import edited
from udup.drivers.mysql.ddl.innodb import innodb_catalog, innodb_edits
from udup.drivers.mysql.ddl.sqlreader import ObjectName
from udup.drivers.mysql.dictionary.catalog import Catalog, Table

STATEMENTS = [
    ("CREATE TABLE t (id INT) ENGINE=MyISAM", "CREATE TABLE t (id INT) ENGINE=InnoDB"),
    ("create table t (id int) engine 'memory' max_rows=3", "create table t (id int) engine InnoDB max_rows=3"),
    ("CREATE TABLE t (id INT) COMMENT='ENGINE=MyISAM', ENGINE = `csv`",
     "CREATE TABLE t (id INT) COMMENT='ENGINE=MyISAM', ENGINE = InnoDB"),
    ("CREATE TABLE t (engine INT, csv INT)", "CREATE TABLE t (engine INT, csv INT) ENGINE=InnoDB"),
    ("CREATE TABLE t (id INT) PARTITION BY HASH (id)", "CREATE TABLE t (id INT) ENGINE=InnoDB PARTITION BY HASH (id)"),
    ("CREATE TABLE t (id INT, FOREIGN KEY (id) REFERENCES p (id))",
     "CREATE TABLE t (id INT, FOREIGN KEY (id) REFERENCES p (id)) ENGINE=InnoDB"),
    ("CREATE TABLE t (id INT) ENGINE=InnoDB ROW_FORMAT=FIXED",
     "CREATE TABLE t (id INT) ENGINE=InnoDB ROW_FORMAT=FIXED"),
    ("CREATE TABLE t (id INT) ENGINE=BLACKHOLE", "CREATE TABLE t (id INT) ENGINE=BLACKHOLE"),
    ("CREATE TABLE t (id INT) ENGINE=HEAP, ROW_FORMAT=FIXED KEY_BLOCK_SIZE 4 DATA DIRECTORY='/a' INDEX DIRECTORY '/b'",
     "CREATE TABLE t (id INT) ENGINE=InnoDB, ROW_FORMAT=DEFAULT MIN_ROWS=0 MIN_ROWS=0 MIN_ROWS=0"),
    ("CREATE TABLE t (a INT, CONSTRAINT c FOREIGN KEY f (a) REFERENCES d.p (id) ON DELETE SET NULL ON UPDATE CASCADE, "
     "KEY (a)) ENGINE=MyISAM",
     "CREATE TABLE t (a INT, KEY (a) , KEY (a)) ENGINE=InnoDB"),
    ("CREATE TABLE t (a INT REFERENCES p (id) MATCH FULL ON DELETE NO ACTION NOT NULL, b INT) ENGINE=ARCHIVE",
     "CREATE TABLE t (a INT  NOT NULL, b INT) ENGINE=InnoDB"),
    ("CREATE TABLE t LIKE u", "CREATE TABLE t LIKE u"),
    ("CREATE TABLE IF NOT EXISTS d.t (LIKE u)", "CREATE TABLE IF NOT EXISTS d.t (LIKE u)"),
    ("ALTER TABLE t ENGINE=MyISAM", "ALTER TABLE t ENGINE=InnoDB"),
    ("ALTER TABLE t ADD COLUMN engine INT, ROW_FORMAT = FIXED, ADD c INT",
     "ALTER TABLE t ADD COLUMN engine INT, ROW_FORMAT = DEFAULT, ADD c INT"),
    ("ALTER TABLE t ADD COLUMN a INT", "ALTER TABLE t ADD COLUMN a INT"),
    ("ALTER TABLE t RENAME COLUMN engine TO memory", "ALTER TABLE t RENAME COLUMN engine TO memory"),
    ("ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES p (id)", "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES p (id)"),
    ("DROP TABLE t", "DROP TABLE t"),
]  # fmt: skip


def changed(sql: str, *, transactional: bool = True) -> str:
    return edited(sql, innodb_edits(sql, classify(sql.encode(), "d"), 0, lambda table: transactional))


@pytest.mark.parametrize(("sql", "expected"), STATEMENTS)
def test_engines_are_changed_where_they_stand(sql: str, expected: str) -> None:
    assert changed(sql) == expected


@pytest.mark.parametrize("sql", ["CREATE TABLE t (a INT) ENGINE=MERGE UNION=(u)", "ALTER TABLE t UNION=(u, v)"])
def test_merge_tables_cannot_be_innodb(sql: str) -> None:
    with pytest.raises(Unsupported, match="MERGE"):
        changed(sql)


def test_a_foreign_key_that_the_source_passed_over_is_not_made_by_an_alter() -> None:
    asked: list[ObjectName] = []
    sql = "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES p (id)"
    with pytest.raises(Unsupported, match="enforce"):
        innodb_edits(sql, classify(sql.encode(), "d"), 0, lambda table: bool(asked.append(table)))
    assert asked == [ObjectName("d", "t")]


def _table(name: str, create_sql: str, engine: str) -> Table:
    return Table("d", name, (), (), 0, 0, create_sql, engine=engine)


def test_a_catalog_tells_of_everything_that_innodb_cannot_take() -> None:
    grouped = (
        "CREATE TABLE `g` (\n  `a` int NOT NULL,\n  `n` int NOT NULL AUTO_INCREMENT,\n  PRIMARY KEY (`a`,`n`)\n)"
        " ENGINE=MyISAM"
    )
    merged = "CREATE TABLE `m` (\n  `a` int\n) ENGINE=MRG_MyISAM UNION=(`g`)"
    with pytest.raises(Unsupported) as refusal:
        innodb_catalog(Catalog((), (_table("g", grouped, "MyISAM"), _table("m", merged, "MRG_MYISAM")), ()))
    assert "d.g numbers `n` within groups" in str(refusal.value) and "d.m is a MERGE" in str(refusal.value)


def test_a_catalog_changes_the_tables_of_other_engines_alone() -> None:
    plain = (
        "CREATE TABLE `t` (\n  `n` int NOT NULL AUTO_INCREMENT,\n  KEY `x` (`n`,`a`)\n) ENGINE=MyISAM ROW_FORMAT=FIXED"
    )
    other = "CREATE TABLE `i` (\n  `a` int\n) ENGINE=InnoDB ROW_FORMAT=FIXED"
    catalog = Catalog((), (_table("t", plain, "MyISAM"), _table("i", other, "InnoDB")), ())
    first, second = innodb_catalog(catalog).tables
    assert first.create_sql.endswith(") ENGINE=InnoDB ROW_FORMAT=DEFAULT") and first.engine == "MyISAM"
    assert second == catalog.tables[1]
