"""What is asked of tables that are on the target already, before a copy fills them; no server is needed for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from udup.base.errors import Refused
from udup.drivers.mysql.apply.column_check import TargetColumn
from udup.drivers.mysql.columns.existing import Collations, described
from udup.drivers.mysql.dictionary.catalog import Catalog, Column, Table
from udup.drivers.mysql.dictionary.details import SourceLog
from udup.drivers.mysql.dictionary.present import TABLE, Present
from udup.drivers.mysql.load import filling
from udup.drivers.mysql.load.copied import CopyNotes
from udup.drivers.mysql.load.filling import FilledTables, Filling
from udup.drivers.mysql.load.foreign_keys import ActingKey
from udup.drivers.mysql.load.standing import Standing

COLLATIONS = Collations({}, {})
CREATE = "CREATE TABLE `{}` (\n  `id` int NOT NULL,\n  `p` int{}\n) ENGINE=InnoDB"
CASCADE = ",\n  CONSTRAINT `k` FOREIGN KEY (`p`) REFERENCES `a` (`id`) ON DELETE CASCADE ON UPDATE SET NULL"


def column(name: str, default: str | None = "NULL") -> Column:
    return Column(name, "int", "int", None, None, True, False, default=default)


def table(name: str, key: str = "", engine: str = "InnoDB") -> Table:
    return Table("s", name, (column("id"), column("p")), (), 0, 0, CREATE.format(name, key), engine=engine)


class Target:
    """A server in memory: tables with their moment of creation and number of rows."""

    def __init__(self) -> None:
        self.tables: dict[Present, int] = {}
        self.made: dict[Present, str] = {}
        self.engines: dict[Present, str] = {}
        self.columns: list[TargetColumn] = [described(column(name), COLLATIONS) for name in ("id", "p")]
        self.keys: list[ActingKey] = []
        self.signs: dict[Present, str] = {}
        self.memory: list[str] = []

    def put(self, name: str, rows: int = 0, *, made: str = "1", engine: str = "innodb") -> None:
        present = Present(TABLE, "s", name)
        self.tables[present], self.made[present], self.engines[present] = rows, made, engine

    def rows(self, name: str) -> int:
        return self.tables[Present(TABLE, "s", name)]

    def query(self, _connection: object, sql: str) -> list[Any]:
        name = sql.removeprefix("TRUNCATE TABLE `s`.`").removesuffix("`")
        self.tables[Present(TABLE, "s", name)] = 0
        return []


class Notes(CopyNotes):
    """Those of a job, in memory."""

    target: Target

    def read(self, connection: Any) -> set[Present]:
        return set()

    def read_filled(self, connection: Any) -> dict[Present, str]:
        return dict(self.target.signs)

    def write_filled(self, connection: Any, tables: Any) -> None:
        self.target.signs = dict(tables)


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Target:
    made = Target()

    def there(_connection: object, wanted: Iterable[Present]) -> dict[Present, Present]:
        return {each: each for each in wanted if each in made.tables}

    def standing(_connection: object, wanted: Iterable[Present]) -> dict[Present, Standing]:
        return {each: Standing(made.engines[each], made.made[each]) for each in wanted if each in made.tables}

    monkeypatch.setattr(Notes, "target", made, raising=False)
    for name, instead in {
        "in_the_way": there,
        "read_standing": standing,
        "read_collations": lambda _: COLLATIONS,
        "target_columns": lambda *_: made.columns,
        "read_present": lambda *_: [],
        "read_keys": lambda *_: made.keys,
        "is_empty": lambda _, each: not made.tables[each],
        "query": made.query,
        "note_memory_tables": lambda _connection, _job, names: made.memory.extend(names),
    }.items():
        monkeypatch.setattr(filling, name, instead)
    return made


def fill(*tables: Table, incarnation: str = "x", converts: bool = False, log: SourceLog | None = None) -> list[str]:
    """Make room as a copy does; return what it tells."""
    log = log or SourceLog(names_columns=True, has_cascades=True)
    filled = FilledTables("Dest", Notes("job"), Filling(converts, incarnation), log)
    return filled.make_room(None, Catalog((), tables, ()))[1]  # type: ignore[arg-type]


def refusals(*tables: Table, **how: Any) -> str:
    with pytest.raises(Refused) as refused:
        fill(*tables, **how)
    return " | ".join(f"{fault.problem} -> {fault.remedy}" for fault in refused.value.faults)


def test_a_copy_that_begins_again_empties_what_it_has_begun(target: Target) -> None:
    target.put("a")
    fill(table("a"))
    target.put("a", 5)
    assert fill(table("a")) == [] and target.rows("a") == 0


def test_rows_of_a_table_that_was_taken_out_of_the_job_stay(target: Target) -> None:
    """Another job, or its owner, may have filled it; and the note does not come back to life with the table."""
    target.put("a")
    target.put("b")
    fill(table("a"), table("b"))
    target.put("b", 7)
    (told,) = fill(table("a"))
    assert "`s`.`b` is none of the job's tables any more" in told and target.rows("b") == 7
    assert "table `s`.`b` is not empty" in refusals(table("a"), table("b")) and target.rows("b") == 7


def test_rows_stay_that_came_after_the_table_was_made_again(target: Target) -> None:
    target.put("a")
    fill(table("a"))
    target.put("a", 9, made="2")
    assert "its rows may be somebody else's" in refusals(table("a")) and target.rows("a") == 9


def test_rows_stay_that_another_job_of_the_same_id_finds(target: Target) -> None:
    target.put("a")
    fill(table("a"), incarnation="one")
    target.put("a", 9)
    assert "TRUNCATE TABLE `s`.`a`" in refusals(table("a"), incarnation="two") and target.rows("a") == 9


def test_a_key_that_only_the_source_has_is_refused_where_its_changes_are_not_logged(target: Target) -> None:
    target.put("a")
    target.put("b")
    child = table("b", CASCADE)
    silent = SourceLog(names_columns=True, has_cascades=False)
    said = refusals(table("a"), child, log=silent)
    add = (
        "ALTER TABLE `s`.`b` ADD CONSTRAINT `k` FOREIGN KEY (`p`) REFERENCES `s`.`a` (`id`) ON DELETE CASCADE"
        " ON UPDATE SET NULL"
    )
    assert add in said
    assert fill(table("a"), child) == [], "a source that logs them says each row"
    key = ActingKey("mine", ("s", "b"), ("s", "a"), (("P", "ID"),), "CASCADE", "SET NULL")
    target.keys = [key]
    assert fill(table("a"), child, log=silent) == [], "its name does not count"
    for other in (replace(key, on_delete="SET NULL"), replace(key, pairs=(("id", "id"),)), replace(key, on_update="")):
        target.keys = [other]
        assert add in refusals(table("a"), child, log=silent), other


def test_a_key_that_only_the_target_has_is_refused_where_a_filled_table_is_its_parent(target: Target) -> None:
    target.put("a")
    key = ActingKey("k", ("s", "own"), ("s", "a"), (("p", "id"),), "CASCADE", "NO ACTION")
    target.keys = [key]
    assert "ALTER TABLE `s`.`own` DROP FOREIGN KEY `k`" in refusals(table("a"))
    target.keys = [replace(key, child=("s", "a"), parent=("s", "own"))]
    assert fill(table("a")) == [], "what it takes away is told by no row of the job's"
    target.keys = [replace(key, parent=("s", "other"))]
    assert fill(table("a")) == []


def test_columns_of_the_targets_own_need_names_in_the_log(target: Target) -> None:
    target.put("a")
    target.columns.append(described(column("own"), COLLATIONS))
    assert "binlog_row_metadata = 'FULL'" in refusals(table("a"), log=SourceLog(has_cascades=True))
    assert fill(table("a")) == []
    assert fill(table("a"), converts=True) == []


@pytest.mark.parametrize(("ours", "theirs"), [("'1'", "'5'"), ("NULL", "'1'"), ("none", "NULL"), ("'1'", "(1)")])
def test_defaults_are_equal_where_rows_go_by_places(target: Target, ours: str, theirs: str) -> None:
    target.put("a")
    target.columns[1] = described(column("p", theirs), COLLATIONS)
    source = replace(table("a"), columns=(column("id"), column("p", ours)))
    said = refusals(source)
    assert f"column p has the default {theirs}, and on the source {ours}" in said and "ApproveHeterogeneous" in said
    assert fill(source, converts=True) == [], "such a row is refused when it comes"
    target.columns[1] = described(column("p", ours), COLLATIONS)
    assert fill(source) == []


def test_a_default_that_is_another_moment_elsewhere_is_refused(target: Target) -> None:
    target.put("a")
    at = Column("p", "timestamp", "timestamp", None, None, True, False, default="'2020-01-01 00:00:00'")
    target.columns[1] = described(at, COLLATIONS)
    assert "each time zone" in refusals(replace(table("a"), columns=(column("id"), at)))
    at = replace(at, default="(CURRENT_TIMESTAMP)")
    target.columns[1] = described(at, COLLATIONS)
    assert fill(replace(table("a"), columns=(column("id"), at))) == []


@pytest.mark.parametrize("engine", ["blackhole", "mrg_myisam", "federated"])
def test_an_engine_that_keeps_no_rows_is_refused(target: Target, engine: str) -> None:
    target.put("a", engine=engine)
    assert "ALTER TABLE `s`.`a` ENGINE=InnoDB" in refusals(table("a"))


def test_a_memory_table_of_the_target_is_noted(target: Target) -> None:
    target.put("a", engine="memory")
    target.put("b")
    fill(table("a"), table("b", engine="MEMORY"))
    assert target.memory == ["s.a"]
