"""Positions of single tables, held against plain sets of what each table has."""

from __future__ import annotations

import random

from udup.drivers.fake.position import FakePosition
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.pipeline.positions import AheadNote, AheadNotes, RowsBehind, Standing, both, joined
from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection

TABLES = tuple((schema, table) for schema in ("a", "b") for table in ("t", "u", "v"))
LOG = tuple((source, number) for source in ("one", "two") for number in range(1, 9))


def _position(dice: random.Random) -> FakePosition:
    return FakePosition(each for each in LOG if dice.random() < 0.5)


def _group(dice: random.Random) -> Selection:
    """Some tables: by their names, by a pattern, or as what others leave."""
    names = [each for each in TABLES if dice.random() < 0.4]
    chosen = Selection.of([(schema, [table]) for schema, table in names] or [("none", [])])
    kind = dice.randrange(3)
    if kind == 0:
        return chosen
    if kind == 1:
        return Selection().without(chosen)
    return Selection((SchemaRule("a"), SchemaRule("b", tables=(NameRule(regex="^[tu]$"),)))).within(chosen)


def _has(position: FakePosition, notes: AheadNotes, name: tuple[str, str]) -> set[tuple[str, int]]:
    """What a table has: all of the position, and of each note that speaks of it."""
    return {each for each in LOG if position.contains(*each) or notes.ahead(*each, *name)}


def test_random_notes_say_of_each_table_what_plain_sets_say() -> None:
    for seed in range(200):
        dice = random.Random(seed)
        executed = _position(dice)
        notes = AheadNotes(AheadNote(_group(dice), _position(dice)) for _ in range(dice.randrange(4)))
        model = {
            name: {each for each in LOG if executed.contains(*each)}.union(
                *({one for one in LOG if each.position.contains(*one)} for each in notes if each.group.wants(*name))
            )
            for name in TABLES
        }
        assert {name: _has(executed, notes, name) for name in TABLES} == model
        again = AheadNotes.of_json(notes.to_json(), FakePosition.parse)
        assert {name: _has(executed, again, name) for name in TABLES} == model


def test_following_the_log_brings_every_table_to_its_end_once_and_no_note_is_left() -> None:
    for seed in range(200):
        dice = random.Random(seed)
        executed = _position(dice)
        notes = AheadNotes(AheadNote(_group(dice), _position(dice)) for _ in range(dice.randrange(4)))
        had = {name: _has(executed, notes, name) for name in TABLES}
        for of in [each for each in LOG if not executed.contains(*each)]:
            part = notes.of(*of)
            for name in TABLES:
                left_out = part is not None and part.leaves_out(*name)
                assert left_out == (of in had[name]), "once, neither twice nor never"
                assert (part is None or part.left_of(Selection()).wants(*name)) == (not left_out)
            executed.add(*of)
            notes = notes.merged(executed)
        assert not notes


def test_notes_go_as_soon_as_the_position_holds_them_and_not_before() -> None:
    early, late = FakePosition.parse("s:1-3"), FakePosition.parse("s:1-5")
    notes = AheadNotes([AheadNote(Selection.of([("a", ["t"])]), late)])
    assert len(notes.merged(early)) == 1 and len(notes.merged(FakePosition.parse("s:1-4"))) == 1
    assert not notes.merged(late)


def test_parts_that_come_together_keep_what_each_has_through_any_number_of_joins() -> None:
    for seed in range(200):
        dice = random.Random(seed)
        names = list(TABLES)
        dice.shuffle(names)
        rest = Selection()
        parts = []
        for name in names[:3]:
            group = Selection.of([(name[0], [name[1]])])
            rest = rest.without(group)
            parts.append(_standing(dice, group))
        whole = _standing(dice, rest)
        wanted = {}
        for each in (whole, *parts):
            for name in TABLES:
                if each.group.wants(*name):
                    wanted[name] = _has(each.position, each.notes, name)  # type: ignore[arg-type]
        for each in parts:
            position, notes = joined(whole, each)
            whole = Standing(position, whole.group if not parts else Selection().without(*_not_yet(parts, each)), notes)
        assert set(wanted) == set(TABLES)
        assert {name: _has(whole.position, whole.notes, name) for name in TABLES} == wanted  # type: ignore[arg-type]


def _not_yet(parts: list[Standing], last: Standing) -> list[Selection]:
    return [each.group for each in parts[parts.index(last) + 1 :]]


def _standing(dice: random.Random, group: Selection) -> Standing:
    notes = [AheadNote(_group(dice).within(group), _position(dice)) for _ in range(dice.randrange(2))]
    return Standing(_position(dice), group, AheadNotes(notes))


def test_what_two_positions_share_is_the_same_in_every_drivers_sets() -> None:
    for seed in range(100):
        dice = random.Random(seed)
        one, other = _position(dice), _position(dice)
        shared = FakePosition(each for each in LOG if one.contains(*each) and other.contains(*each))
        assert both(one, other) == shared
        uuid = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
        numbers = [GtidSet.parse(",".join(f"{uuid}:{n}" for n in each.of("one")._numbers.get("one", ())))
                   for each in (one, other, shared)]  # fmt: skip
        assert str(both(numbers[0], numbers[1])) == str(numbers[2])


def _up_to(last: int, bits: int = 0) -> RowsBehind:
    return RowsBehind(((None, (last,)),), (0,), (bits,))


def test_rows_of_a_table_that_was_copied_in_two_goes_are_told_by_their_keys() -> None:
    table = Selection.of([("a", ["t"])])
    notes = AheadNotes(
        [
            AheadNote(table, FakePosition.parse("s:1-5"), _up_to(10)),
            AheadNote(table, FakePosition.parse("s:1-9"), _up_to(20)),
        ]
    )
    early, late = notes.of("s", 4), notes.of("s", 8)
    assert early is not None and late is not None and notes.of("s", 10) is None
    assert early.rows_behind("a", "t") == _up_to(10)  # what is behind has none of both
    assert late.rows_behind("a", "t") == _up_to(20)
    assert early.cuts("a", "t") and not early.cuts("a", "u") and not early.leaves_out("a", "t")
    assert AheadNotes.of_json(notes.to_json(), FakePosition.parse).of("s", 4) is not None


def test_a_key_that_the_log_says_without_its_sign_is_told_by_the_bits_of_its_column() -> None:
    rows = _up_to(200, bits=8)
    assert rows.has([-56]) and rows.has([5]) and not rows.has([-55])  # 200, 5 and 201 of a TINYINT UNSIGNED
    assert _up_to(-3).has([-3]) and not _up_to(-3).has([-2])


def test_rows_behind_are_ranges_of_all_integers_that_the_key_begins_with() -> None:
    rows = RowsBehind(((None, (1, 5)), ((2, 0), (2, 9)), ((7, 3), None)), (1, 0), (0, 8))
    inside = [(-9, 200), (1, 5), (2, 1), (2, 9), (7, 4), (8, 0)]
    outside = [(1, 6), (2, 0), (2, 10), (7, 3), (7, 0)]
    assert all(rows.has(each) for each in inside) and not any(rows.has(each) for each in outside)
    assert rows.has((2, -256 + 9)) and not rows.has((2, -256 + 10))  # unsigned, said as signed
    note = AheadNote(Selection.of([("a", ["t"])]), FakePosition.parse("s:1-5"), rows)
    assert AheadNote.of_kept(note.kept(), FakePosition.parse).rows_behind == rows


def test_what_is_behind_by_two_notes_is_what_both_say() -> None:
    table = Selection.of([("a", ["t"])])
    one = RowsBehind(((None, (5,)), ((8,), (12,))), (0,), (0,))
    other = RowsBehind((((3,), (9,)), ((11,), None)), (0,), (0,))
    notes = AheadNotes(AheadNote(table, FakePosition.parse("s:1-5"), each) for each in (one, other))
    part = notes.of("s", 3)
    assert part is not None
    found = part.rows_behind("a", "t")
    assert found is not None
    assert [n for n in range(20) if found.has([n])] == [n for n in range(20) if one.has([n]) and other.has([n])]
