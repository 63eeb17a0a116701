"""The definition of a table with a column map, cut out of the source's."""

from __future__ import annotations

from udup.drivers.mysql.columns.definitions import mapped_catalog
from udup.drivers.mysql.dictionary.catalog import Catalog, Column, StoredObject, Table

CREATE = """CREATE TABLE `t` (
  `id` int NOT NULL AUTO_INCREMENT COMMENT 'the `secret`, and (',
  `secret` int DEFAULT NULL,
  `na``me` varchar(20) DEFAULT (concat(`id`,_utf8mb4'`secret`')),
  PRIMARY KEY (`id`),
  UNIQUE KEY `secret` (`secret`),
  KEY `id` (`na``me`(5),`id` DESC) COMMENT 'x `secret`',
  KEY `f` ((`na``me` + 1)),
  KEY `g` ((`secret` + 1)),
  CONSTRAINT `fk` FOREIGN KEY (`id`) REFERENCES `u` (`id`),
  CONSTRAINT `c1` CHECK ((`na``me` <> _utf8mb4'secret')),
  CONSTRAINT `c2` CHECK ((`na``me` <> `secret`))
) ENGINE=InnoDB COMMENT='`secret`'"""


def _mapped(create: str, *names: tuple[str, str], triggers: tuple[str, ...] = ()) -> tuple[Table, Catalog]:
    columns = tuple(Column(name, "int", "int", None, None, True, False) for name, _ in names)
    table = Table("s", "t", columns, ("id",), 0, 0, create, mapped=names)
    objects = tuple(StoredObject("TRIGGER", "s", each, "", "", "", "", "", table="t") for each in triggers)
    made = mapped_catalog(Catalog((), (table,), objects))
    return made.tables[0], made


def test_what_is_of_mapped_columns_alone_comes_along_under_the_new_names() -> None:
    made, catalog = _mapped(CREATE, ("na`me", "label"), ("id", "n`r"), triggers=("tr",))
    assert (
        made.create_sql
        == """CREATE TABLE `t` (
  `label` varchar(20) DEFAULT (concat(`n``r`,_utf8mb4'`secret`')),
  `n``r` int NOT NULL AUTO_INCREMENT COMMENT 'the `secret`, and (',
  PRIMARY KEY (`n``r`),
  KEY `id` (`label`(5),`n``r` DESC) COMMENT 'x `secret`',
  KEY `f` ((`label` + 1)),
  CONSTRAINT `c1` CHECK ((`label` <> _utf8mb4'secret'))
) ENGINE=InnoDB COMMENT='`secret`'"""
    )
    assert made.key == ("n`r",) and [each.name for each in made.columns] == ["label", "n`r"]
    told = " ".join(made.left_out)
    assert [each in told for each in ("trigger tr", "index secret", "index g", "key fk", "constraint c2")] == [True] * 5
    assert not catalog.objects and not made.problem


def test_what_no_table_of_these_columns_can_have_is_a_problem() -> None:
    made, _ = _mapped(CREATE, ("na`me", "label"), ("secret", "x"))
    assert "the default of na`me looks at columns" in made.problem
    made, _ = _mapped("CREATE TABLE `t` (\n  `a` int AUTO_INCREMENT,\n  `b` int,\n  KEY `k` (`a`,`b`)\n)", ("a", "a"))
    assert "AUTO_INCREMENT" in made.problem
    parts = (
        "CREATE TABLE `t` (\n  `a` int,\n  `b` int\n) COMMENT='PARTITION BY `b`'\n/*!50100 PARTITION BY HASH (`{}`) */"
    )
    made, _ = _mapped(parts.format("b"), ("a", "x"))
    assert "partitioned" in made.problem
    made, _ = _mapped(parts.format("a"), ("a", "x"))
    assert not made.problem and made.create_sql.endswith(
        "COMMENT='PARTITION BY `b`'\n/*!50100 PARTITION BY HASH (`x`) */"
    )


def test_tables_without_a_map_stay_as_they_are() -> None:
    table = Table("s", "t", (), (), 0, 0, CREATE)
    catalog = Catalog((), (table,), ())
    assert mapped_catalog(catalog) is catalog
