"""A copy leaves out foreign keys to tables that its job has already, and says what they are."""

from __future__ import annotations

import pytest

from udup.base.errors import Unsupported
from udup.drivers.mysql.dictionary.catalog import Catalog, Table
from udup.drivers.mysql.dictionary.later_keys import LaterKey
from udup.drivers.mysql.snapshot.crossing_keys import apart
from udup.pipeline.ports import Apart, Scope
from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection

_CREATE = (
    "CREATE TABLE `child` (\n  `id` int NOT NULL,\n  `p` int DEFAULT NULL,\n  PRIMARY KEY (`id`),\n  KEY `p` (`p`),\n"
    "  CONSTRAINT `k` FOREIGN KEY (`p`) REFERENCES {} (`id`){}\n) ENGINE=InnoDB COMMENT='a, (b'"
)


def _catalog(parent: str = "`parent`", rules: str = "", name: str = "child") -> Catalog:
    sql = _CREATE.format(parent, rules).replace("`child`", f"`{name}`")
    return Catalog((), (Table("s", name, (), ("id",), 0, 0, sql),), ())


def _scope(job: Selection, child: Selection, whole: Selection | None = None) -> Scope:
    return Scope(child, apart=Apart(job, whole or Selection.of([("s", [])]), is_new=True, job="j", side="j tables"))


JOB, CHILD = Selection.of([("s", ["parent"]), ("t", [])]), Selection.of([("s", ["child"])])


@pytest.mark.parametrize("rules", ["", " ON DELETE RESTRICT", " ON UPDATE NO ACTION"])
@pytest.mark.parametrize(("text", "of"), [("`parent`", ("s", "parent")), ("`t`.`x``y`", ("t", "x`y"))])
def test_a_key_that_only_checks_comes_later(text: str, of: tuple[str, str], rules: str) -> None:
    catalog = _catalog(text, rules)
    there, later = apart(catalog, catalog, _scope(JOB, CHILD))
    assert later == (LaterKey("s", "child", "k", "(`p`)", *of, "(`id`)", rules),)
    assert "FOREIGN KEY" not in there.tables[0].create_sql
    assert there.tables[0].create_sql == catalog.tables[0].create_sql.partition(",\n  CONSTRAINT")[0] + (
        "\n) ENGINE=InnoDB COMMENT='a, (b'"
    )


def test_a_key_within_the_part_or_out_of_the_job_stays() -> None:
    for text in ("`child`", "`elsewhere`"):
        catalog = _catalog(text)
        assert apart(catalog, catalog, _scope(JOB, CHILD)) == (catalog, ())
    catalog = _catalog()
    assert apart(catalog, catalog, Scope(CHILD)) == (catalog, ()), "no part of another job"


def test_both_ends_have_the_targets_names() -> None:
    job = Selection((SchemaRule("s", tables=(NameRule("parent", rename="elder"),)),))
    whole = Selection(
        (SchemaRule("s", tables=(NameRule("parent", rename="elder"), NameRule("child", rename="younger"))),)
    )
    source, there = _catalog(), _catalog(name="younger")
    made, later = apart(source, there, _scope(job, CHILD, whole))
    assert (later[0].child, later[0].of) == (("s", "younger"), ("s", "elder"))
    assert made.tables[0].create_sql.startswith("CREATE TABLE `younger` (")


def test_a_key_that_changes_rows_cannot_come_later() -> None:
    with pytest.raises(Unsupported, match=r"k of s\.child to s\.parent changes rows"):
        apart(_catalog(rules=" ON DELETE CASCADE"), _catalog(rules=" ON DELETE CASCADE"), _scope(JOB, CHILD))


def test_a_name_that_the_server_has_made_up_follows_its_table() -> None:
    key = LaterKey("s", "a", "a_ibfk_1", "(`p`)", "s", "b", "(`id`)")
    moved = key.moved({("s", "a"): ("s", "c"), ("s", "b"): ("s", "a")})
    assert (moved.child, moved.name, moved.of) == (("s", "c"), "c_ibfk_1", ("s", "a"))
