"""What of an earlier try stays: decided by definitions, positions, and what foreign keys tie together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from udup.drivers.mysql.dictionary.catalog import Catalog, Column, Table
from udup.drivers.mysql.dictionary.copied_before import CopiedTable, Resumable, Segment
from udup.drivers.mysql.snapshot.resuming import decided, log_after, resumables, tied_tables
from udup.pipeline.positions import AheadNotes, RowsUpTo
from udup.pipeline.selection.selection import Selection

A = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
FIRST, SECOND, NOW = f"{A}:1-5", f"{A}:1-8", f"{A}:1-9"

_ID = Column("id", "bigint", "bigint unsigned", None, None, nullable=False, generated=False)
_N = Column("n", "int", "int", None, None, nullable=True, generated=False)


def _table(name: str, foreign: str = "", *, counter: str = "") -> Table:
    items = ["  `id` bigint unsigned NOT NULL", "  `n` int", "  PRIMARY KEY (`id`)"]
    items += [f"  CONSTRAINT `f` FOREIGN KEY (`n`) REFERENCES {foreign} (`id`)"] if foreign else []
    create = f"CREATE TABLE `{name}` (\n" + ",\n".join(items) + f"\n) ENGINE=InnoDB{counter}"
    return Table("s", name, (_N, _ID), ("id",), 100, 100, create, "PRIMARY")


def _catalog(*tables: Table) -> Catalog:
    return Catalog((), tables, ())


def _copied(name: str, one: Resumable, *segments: Segment, whole: bool = True) -> CopiedTable:
    return CopiedTable("s", name, one.definition, segments, whole, 10)


def _kept(catalog: Catalog, before: list[CopiedTable], purged: str = "") -> list[str]:
    found = resumables(catalog, catalog)
    decision = decided(catalog, found, before, catalog, NOW, purged)
    return [table.name for table, one in zip(catalog.tables, decision, strict=True) if one.kept is not None]


def test_a_definition_is_the_same_whatever_rows_there_are_and_another_by_anything_else() -> None:
    [one] = resumables(_catalog(_table("a")), _catalog(_table("a")))
    counted = replace(_table("a", counter=" AUTO_INCREMENT=7"), rows_estimate=9, row_bytes=3)
    assert resumables(_catalog(counted), _catalog(counted)) == (one,)
    assert (one.by_key, one.key, one.column, one.bits) == (True, "id", 1, 64)
    for other in (_table("a", "`p`"), replace(_table("a"), condition="id > 5"), replace(_table("a"), columns=(_ID,))):
        assert resumables(_catalog(other), _catalog(other))[0].definition != one.definition
    assert resumables(_catalog(_table("a")), _catalog(_table("b")))[0].definition != one.definition


@pytest.mark.parametrize(
    "table",
    [
        _table("a", "`s`.`a`"),
        replace(_table("a"), condition="id > 5"),
        replace(_table("a"), computes=True),
        replace(_table("a"), columns=(_N, replace(_ID, kind="decimal"))),
        replace(_table("a"), columns=(replace(_N, generated=True), _ID)),
        replace(_table("a"), key_index="u"),
        replace(_table("a"), key=(), key_index=""),
    ],
)
def test_what_is_not_told_by_an_integer_or_computed_from_all_rows_is_not_cut(table: Table) -> None:
    [one] = resumables(_catalog(table), _catalog(table))
    assert one.definition and not one.by_key


@pytest.mark.parametrize("table", [replace(_table("a"), engine="MyISAM"), replace(_table("a"), problem="none")])
def test_of_what_is_in_no_snapshot_or_cannot_be_made_nothing_stays(table: Table) -> None:
    assert resumables(_catalog(table), _catalog(table)) == (Resumable(),)


def test_tables_tied_by_foreign_keys_stay_together_and_from_one_snapshot() -> None:
    tables = [_table("child", "`parent`"), _table("parent"), _table("other", "`t``x`.`y`"), _table("free")]
    assert sorted(map(sorted, tied_tables(tables))) == [
        [("s", "child"), ("s", "parent")],
        [("s", "free")],
        [("s", "other")],
    ]
    catalog = _catalog(*tables)
    ones = resumables(catalog, catalog)
    both = [_copied(name, one, Segment(FIRST)) for name, one in zip(("child", "parent"), ones, strict=False)]
    assert _kept(catalog, both) == ["child", "parent"]
    assert _kept(catalog, both[:1]) == []
    apart = [both[0], replace_segments(both[1], Segment(SECOND))]
    assert _kept(catalog, apart) == []


def replace_segments(copied: CopiedTable, *segments: Segment) -> CopiedTable:
    return CopiedTable(copied.schema, copied.name, copied.definition, segments, copied.whole, copied.rows)


def test_a_table_stays_only_while_the_log_is_whole_since_and_this_snapshot_has_all_of_it() -> None:
    catalog = _catalog(_table("a"))
    [one] = resumables(catalog, catalog)
    assert _kept(catalog, [_copied("a", one, Segment(FIRST))], f"{A}:1-5") == ["a"]
    assert _kept(catalog, [_copied("a", one, Segment(FIRST))], f"{A}:1-6") == []
    assert _kept(catalog, [_copied("a", one, Segment(f"{A}:1-10"))]) == []
    assert _kept(catalog, [_copied("a", one, Segment(FIRST, 7), whole=False)]) == ["a"]
    assert _kept(catalog, [_copied("a", one, Segment(FIRST), whole=False)]) == []
    assert _kept(catalog, [_copied("a", Resumable("another"), Segment(FIRST))]) == []


def test_the_log_is_read_after_what_all_tables_have_and_notes_say_what_each_has_beyond() -> None:
    catalog = _catalog(_table("a"), _table("b"), _table("c"))
    found = resumables(catalog, catalog)
    before = [
        _copied("a", found[0], Segment(SECOND)),
        _copied("b", found[1], Segment(FIRST, 7), Segment(SECOND, 20), whole=False),
    ]
    decision = decided(catalog, found, before, catalog, NOW, "")
    assert decision[1].up_to == 20 and decision[0].up_to is None
    position, notes = log_after(catalog, decision, NOW, Selection.of([("s", [])]))
    assert position == FIRST
    early, late = notes.of(A, 7), notes.of(A, 9)
    assert notes.of(A, 10) is None
    assert early is not None and early.leaves_out("s", "a") and early.leaves_out("s", "c") and early.objects
    assert early.rows_up_to("s", "b") == RowsUpTo(7, 1, 64) and not early.leaves_out("s", "b")
    assert late is not None and not late.leaves_out("s", "a") and late.leaves_out("s", "c")
    assert late.rows_up_to("s", "b") == RowsUpTo(20, 1, 64)
    assert log_after(catalog, found, NOW, Selection()) == (NOW, AheadNotes())


def test_one_note_says_it_of_all_tables_that_are_at_one_position() -> None:
    """Each transaction of the log is held against each note."""
    catalog = _catalog(*(_table(f"t{number}") for number in range(500)))
    found = resumables(catalog, catalog)
    before = [_copied(f"t{number}", found[number], Segment(SECOND)) for number in range(499)]
    before.append(_copied("t499", found[499], Segment(FIRST)))
    decision = decided(catalog, found, before, catalog, NOW, "")
    position, notes = log_after(catalog, decision, NOW, Selection.of([("s", [])]))
    assert position == FIRST and len(notes) == 2
    part = notes.of(A, 8)
    assert part is not None and part.leaves_out("s", "t7") and not part.leaves_out("s", "t499")


def test_tables_are_tied_by_chains_and_rings_of_foreign_keys() -> None:
    tables = [_table("a", "`b`"), _table("b"), _table("c", "`d`"), _table("d", "`c`"), _table("e", "`x`.`y`")]
    tables += [_table("f", "`a`"), _table("g", "`g`")]
    found = {frozenset(name for _, name in group) for group in tied_tables(tables)}
    assert found == {frozenset("abf"), frozenset("cd"), frozenset("e"), frozenset("g")}
