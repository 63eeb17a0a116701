"""What of an earlier try stays: decided by definitions, positions, and what foreign keys tie together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.dictionary.catalog import Catalog, Column, Table
from udup.drivers.mysql.dictionary.copied_before import CopiedTable, Resumable, Segment
from udup.drivers.mysql.snapshot.resuming import decided, log_after, resumables, tied_tables
from udup.pipeline.positions import AheadNotes, RowsBehind
from udup.pipeline.selection.selection import Selection

A = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
FIRST, SECOND, NOW = f"{A}:1-5", f"{A}:1-8", f"{A}:1-9"

_ID = Column("id", "bigint", "bigint unsigned", None, None, nullable=False, generated=False)
_N = Column("n", "int", "int", None, None, nullable=True, generated=False)


def _table(name: str, foreign: str = "", *, counter: str = "", rules: str = " ON DELETE CASCADE") -> Table:
    items = ["  `id` bigint unsigned NOT NULL", "  `n` int", "  PRIMARY KEY (`id`)"]
    items += [f"  CONSTRAINT `f` FOREIGN KEY (`n`) REFERENCES {foreign} (`id`){rules}"] if foreign else []
    create = f"CREATE TABLE `{name}` (\n" + ",\n".join(items) + f"\n) ENGINE=InnoDB{counter}"
    return Table("s", name, (_N, _ID), ("id",), 100, 100, create, "PRIMARY")


def _catalog(*tables: Table) -> Catalog:
    return Catalog((), tables, ())


def _ones(*tables: Table, logs_cascades: bool = False) -> tuple[Resumable, ...]:
    return resumables(_catalog(*tables), _catalog(*tables), logs_cascades=logs_cascades)


def _copied(name: str, one: Resumable, *segments: Segment, whole: bool = True) -> CopiedTable:
    return CopiedTable("s", name, one.definition, segments, whole, 10)


def _kept(catalog: Catalog, before: list[CopiedTable], purged: str = "") -> list[str]:
    found = resumables(catalog, catalog, logs_cascades=False)
    decision = decided(catalog, found, before, catalog, NOW, purged)
    return [table.name for table, one in zip(catalog.tables, decision, strict=True) if one.kept is not None]


def test_a_definition_is_the_same_whatever_rows_there_are_and_another_by_anything_else() -> None:
    [one] = _ones(_table("a"))
    counted = replace(_table("a", counter=" AUTO_INCREMENT=7"), rows_estimate=9, row_bytes=3)
    assert _ones(counted) == (one,)
    assert (one.key, one.columns, one.bits, one.has_more) == (("id",), (1,), (64,), False)
    for other in (_table("a", "`p`"), replace(_table("a"), condition="id > 5"), replace(_table("a"), columns=(_ID,))):
        assert _ones(other)[0].definition != one.definition
    assert resumables(_catalog(_table("a")), _catalog(_table("b")), logs_cascades=False)[0].definition != one.definition


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
    [one] = _ones(table)
    assert one.definition and not one.key


@pytest.mark.parametrize("table", [replace(_table("a"), engine="MyISAM"), replace(_table("a"), problem="none")])
def test_of_what_is_in_no_snapshot_or_cannot_be_made_nothing_stays(table: Table) -> None:
    assert _ones(table) == (Resumable(),)


def test_tables_tied_by_foreign_keys_stay_together_and_from_one_snapshot() -> None:
    tables = [_table("child", "`parent`"), _table("parent"), _table("other", "`t``x`.`y`"), _table("free")]
    assert sorted(map(sorted, tied_tables(tables))) == [
        [("s", "child"), ("s", "parent")],
        [("s", "free")],
        [("s", "other")],
    ]
    catalog = _catalog(*tables)
    ones = resumables(catalog, catalog, logs_cascades=False)
    both = [_copied(name, one, Segment(FIRST)) for name, one in zip(("child", "parent"), ones, strict=False)]
    assert _kept(catalog, both) == ["child", "parent"]
    assert _kept(catalog, both[:1]) == []
    apart = [both[0], replace_segments(both[1], Segment(SECOND))]
    assert _kept(catalog, apart) == []


def replace_segments(copied: CopiedTable, *segments: Segment) -> CopiedTable:
    return CopiedTable(copied.schema, copied.name, copied.definition, segments, copied.whole, copied.rows)


def test_a_table_stays_only_while_the_log_is_whole_since_and_this_snapshot_has_all_of_it() -> None:
    catalog = _catalog(_table("a"))
    [one] = resumables(catalog, catalog, logs_cascades=False)
    assert _kept(catalog, [_copied("a", one, Segment(FIRST))], f"{A}:1-5") == ["a"]
    assert _kept(catalog, [_copied("a", one, Segment(FIRST))], f"{A}:1-6") == []
    assert _kept(catalog, [_copied("a", one, Segment(f"{A}:1-10"))]) == []
    assert _kept(catalog, [_copied("a", one, Segment(FIRST, (7,)), Segment("", None, False), whole=False)]) == ["a"]
    assert _kept(catalog, [_copied("a", one, Segment("", None, False), whole=False)]) == []
    assert _kept(catalog, [_copied("a", one, Segment(FIRST), whole=False)]) == ["a"]  # but for its indexes
    assert _kept(catalog, [_copied("a", Resumable("another"), Segment(FIRST))]) == []


def test_the_log_is_read_after_what_all_tables_have_and_notes_say_what_each_has_beyond() -> None:
    catalog = _catalog(_table("a"), _table("b"), _table("c"))
    found = resumables(catalog, catalog, logs_cascades=False)
    before = [
        _copied("a", found[0], Segment(SECOND)),
        _copied(
            "b",
            found[1],
            Segment(FIRST, (7,)),
            Segment("", (9,), False),
            Segment(SECOND, (20,)),
            Segment(FIRST, (30,)),
            Segment("", None, False),
            whole=False,
        ),
    ]
    decision = decided(catalog, found, before, catalog, NOW, "")
    assert decision[1].gaps == [((7,), (9,)), ((30,), None)] and decision[0].gaps == []
    position, notes = log_after(catalog, decision, NOW, Selection.of([("s", [])]))
    assert position == FIRST
    early, late = notes.of(A, 7), notes.of(A, 9)
    assert notes.of(A, 10) is None
    assert early is not None and early.leaves_out("s", "a") and early.leaves_out("s", "c") and early.objects
    assert early.rows_behind("s", "b") == RowsBehind(
        ((None, (7,)), ((20,), (30,))), (1,), (64,)
    ) and not early.leaves_out("s", "b")
    assert late is not None and not late.leaves_out("s", "a") and late.leaves_out("s", "c")
    behind = late.rows_behind("s", "b")
    assert behind is not None
    assert [n for n in range(40) if behind.has([n])] == [*range(8), *range(10, 31)]
    assert log_after(catalog, found, NOW, Selection()) == (NOW, AheadNotes())


def test_a_key_is_told_by_all_integers_that_it_begins_with() -> None:
    columns = (*(replace(_N, name=name) for name in "abc"), replace(_ID, name="d", kind="varchar", column_type="char"))
    table = replace(_table("a"), columns=columns, key=("c", "a", "d"))
    [one] = _ones(table)
    assert (one.key, one.columns, one.bits, one.has_more) == (("c", "a"), (2, 0), (0, 0), True)


def test_what_is_computed_and_compared_in_all_rows_stays_as_a_whole_or_not() -> None:
    table = replace(_table("a"), columns=(replace(_N, generated=True), _ID))
    catalog = _catalog(table)
    [one] = resumables(catalog, catalog, logs_cascades=False)
    assert one.is_summed
    assert _kept(catalog, [_copied("a", one, Segment(FIRST), whole=False)]) == []
    assert _kept(catalog, [_copied("a", one, Segment(FIRST))]) == ["a"]


def test_foreign_keys_that_only_check_or_whose_doings_are_logged_tie_nothing() -> None:
    kinds = {"": False, " ON DELETE RESTRICT": False, " ON UPDATE SET NULL": False, " ON DELETE CASCADE": True}
    for rules, logs_cascades in kinds.items():
        catalog = _catalog(_table("child", "`parent`", rules=rules), _table("parent"), _table("free"))
        child, parent, free = resumables(catalog, catalog, logs_cascades=logs_cascades or "SET" in rules)
        assert (child.key, parent.key) == (("id",), ("id",)) and not child.is_tied
        assert (child.has_keys, parent.has_keys, free.has_keys) == (True, True, False)
    before = [_copied("child", child, Segment(FIRST)), _copied("parent", parent, Segment(SECOND))]
    decision = decided(catalog, (child, parent, free), before, catalog, NOW, "")
    assert [one.kept is not None for one in decision] == [True, True, False]
    _, notes = log_after(catalog, decision, NOW, Selection.of([("s", [])]))
    assert [notes.checks("s", name) for name in ("child", "parent", "free")] == [False, False, True]
    # While any of them is elsewhere, also when the notes of the tables themselves are of no more use.
    later = AheadNotes.of_json(notes.merged(GtidSet.parse(SECOND)).to_json(), GtidSet.parse)
    assert len(later) == 1 and not later.checks("s", "child")
    assert not later.within(Selection.of([("s", ["child"])])).checks("s", "child")


def test_a_log_that_begins_to_say_what_foreign_keys_change_is_another_one_to_their_tables() -> None:
    tables = _table("child", "`parent`"), _table("parent"), _table("free")
    before, after = _ones(*tables), _ones(*tables, logs_cascades=True)
    assert [one.definition == other.definition for one, other in zip(before, after, strict=True)] == [
        False,
        False,
        True,
    ]
    plain = _table("child", "`parent`", rules=""), tables[1], tables[2]
    assert _ones(*plain)[0].definition != _ones(*plain, logs_cascades=True)[0].definition


def test_one_note_says_it_of_all_tables_that_are_at_one_position() -> None:
    """Each transaction of the log is held against each note."""
    catalog = _catalog(*(_table(f"t{number}") for number in range(500)))
    found = resumables(catalog, catalog, logs_cascades=False)
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
