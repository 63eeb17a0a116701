"""What becomes of recorded events; no server is asked, a stand-in answers."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.event import EventType, ends_statement
from udup.drivers.mysql.filters import questions
from udup.drivers.mysql.filters.columns import Collations
from udup.drivers.mysql.filters.questions import Question
from udup.drivers.mysql.filters.shaper import RowShaper, Shapers
from udup.drivers.mysql.rows.codec import RowCodecs
from udup.drivers.mysql.rows.values import ABSENT, Row
from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection

#: shop.t (id INT PRIMARY KEY, n INT, region VARCHAR(10)), binlog_row_metadata FULL.
TABLE_MAP = bytes.fromhex(
    "92f2076b13085a00004c0000005003000000006f000000000001000473686f70000174000303030f022800060101000203fcff00040c026964"
    "016e06726567696f6e0801000c01e06972ea2a"
)

#: (1, 10, 'eu'), (2, 5, 'us'), (3, 10, 'EU'), (4, NULL, 'eu')
INSERT = bytes.fromhex(
    "92f2076b1e085a00004f0000009f03000000006f00000000001100020003ff00010000000a00000002657500020000000500000002757300"
    "030000000a0000000245550204000000026575e539244f"
)

#: SET n = 15 - n, id = id + 10 of all of them.
UPDATE = bytes.fromhex(
    "92f2076b1f085a00007c0000002505000000006f00000000001100020003ffff00010000000a000000026575000b00000005000000026575"
    "000200000005000000027573000c0000000a00000002757300030000000a000000024555000d000000050000000245550204000000026575"
    "020e000000026575a0a9a7b9"
)


class StandIn:
    """Says of `region = 'eu'` what a case-insensitive collation does."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []

    def collations(self) -> Collations:
        return {224: "utf8mb4_unicode_ci", 255: "utf8mb4_0900_ai_ci"}

    def answer(self, questions: Iterable[Question]) -> None:
        for question in questions:
            for key in list(question.wanted):
                self.asked.append(key)
                question.answer(key, None if key[0] is None else bytes(key[0]).lower() == b"eu")  # type: ignore[arg-type]

    def computed(self, schema: str, table: str, when: int) -> frozenset[str]:
        return frozenset()

    def close(self) -> None:
        """Nothing."""


class Forgetful(StandIn):
    """Leaves out the answer about one value."""

    def answer(self, questions: Iterable[Question]) -> None:
        for question in questions:
            for key in [key for key in question.wanted if key[0] != b"us"]:
                question.answer(key, True)


def test_a_row_about_which_the_source_says_nothing_is_not_left_out() -> None:
    """Not to know is not to fail the filter."""
    with pytest.raises(Unsupported, match=r"has not said of all rows of shop\.t whether they pass.*resume the job"):
        shaper("region = 'eu'", Forgetful()).shaped(INSERT, has_crc=True)


def shaper(where: str, server: StandIn | None = None) -> RowShaper:
    selection = Selection((SchemaRule("shop", tables=(NameRule("t", where=where),)),))
    made = Shapers(selection, server or StandIn()).shaper("shop", "t", TABLE_MAP, has_crc=True)
    assert made is not None
    return made


def changes(events: Iterable[bytes]) -> list[tuple[str, list[tuple[Row | None, Row | None]]]]:
    codec = RowCodecs().of(TABLE_MAP, has_crc=True)
    return [(EventType(event[4]).name, codec.read(event, has_crc=True).changes) for event in events]


def test_an_event_of_which_all_rows_pass_is_the_same_bytes() -> None:
    assert shaper("id < 100").shaped(UPDATE, has_crc=True) == [UPDATE]
    assert shaper("id < 100").shaped(INSERT, has_crc=True) == [INSERT]


def test_an_event_of_which_no_row_passes_is_gone() -> None:
    assert shaper("id > 100").shaped(UPDATE, has_crc=True) == []


def test_rows_that_do_not_pass_go_and_neither_do_those_of_which_it_is_not_known() -> None:
    made = changes(shaper("n >= 10").shaped(INSERT, has_crc=True))
    assert made == [("WRITE_ROWS", [(None, (1, 10, b"eu")), (None, (3, 10, b"EU"))])]


def test_an_update_becomes_a_delete_and_an_insert_in_the_order_of_its_rows_and_the_last_ends_the_statement() -> None:
    events = shaper("n >= 10").shaped(UPDATE, has_crc=True)
    assert changes(events) == [
        ("DELETE_ROWS", [((1, 10, b"eu"), None)]),
        ("WRITE_ROWS", [(None, (12, 10, b"us"))]),
        ("DELETE_ROWS", [((3, 10, b"EU"), None)]),
    ]
    assert [ends_statement(event) for event in events] == [False, False, True]


def test_rows_that_pass_before_and_after_stay_an_update() -> None:
    made = changes(shaper("region = 'eu' AND n IS NOT NULL").shaped(UPDATE, has_crc=True))
    assert made == [
        ("UPDATE_ROWS", [((1, 10, b"eu"), (11, 5, b"eu")), ((3, 10, b"EU"), (13, 5, b"EU"))]),
    ]


def test_the_server_is_asked_once_for_each_value_and_not_where_it_does_not_matter() -> None:
    server = StandIn()
    one = shaper("region = 'eu' AND n >= 10", server)
    one.shaped(INSERT, has_crc=True)
    assert server.asked == [(b"eu",), (b"EU",)], "n of the others is too small, or not known"
    one.shaped(INSERT, has_crc=True)
    assert len(server.asked) == 2
    one.shaped(UPDATE, has_crc=True)
    assert server.asked[2:] == [(b"us",)]


def _numbered(table_map: bytes, number: int) -> bytes:
    """Return the TABLE_MAP under another id of the table, as FLUSH TABLES gives it one."""
    return table_map[:19] + number.to_bytes(6, "little") + table_map[25:]


def _shapers(where: str, server: StandIn) -> Shapers:
    return Shapers(Selection((SchemaRule("shop", tables=(NameRule("t", where=where),)),)), server)


def test_a_table_that_comes_under_another_number_has_its_answers_still() -> None:
    server = StandIn()
    shapers = _shapers("region = 'eu'", server)
    for number in range(100, 150):
        made = shapers.shaper("shop", "t", _numbered(TABLE_MAP, number), has_crc=True)
        assert made is not None
        made.look_at(INSERT, has_crc=True)
        shapers.answer()
        assert len(made.shaped(INSERT, has_crc=True)) == 1
        shapers.forget()
    assert sorted(map(str, server.asked)) == ["(b'EU',)", "(b'eu',)", "(b'us',)"]


def test_the_answers_of_all_tables_together_are_bounded() -> None:
    answers = questions.Answers(kept_bytes=100_000)
    asked, most = [Question("x", [], [0], answers) for _ in range(50)], 0
    for value in range(1000):
        for question in asked:
            question.decide((f"{value}".encode(),))
        assert len(answers.waiting()) == len(asked)
        for question in answers.waiting():
            for key in list(question.wanted):
                question.answer(key, True)
        assert answers.waiting() == []
        assert all(question.decide((f"{value}".encode(),)) is True for question in asked), "until they are decided"
        answers.forget()
        most = max(most, sum(len(question._answers) for question in asked))
    assert 100 < most < 500, "of the 50,000 that were given"


def test_an_answer_about_a_long_value_is_kept_for_its_rows_alone() -> None:
    answers = questions.Answers()
    question, long = Question("x", [], [0], answers), b"x" * 2 * questions.LARGEST_KEY
    question.answer((long,), True)
    question.answer((b"y",), True)
    assert question.decide((long,)) is True
    answers.forget()
    assert question.decide((long,)) is questions.PENDING and question.decide((b"y",)) is True


def test_what_cannot_be_read_is_told_of_its_own_event(monkeypatch: pytest.MonkeyPatch) -> None:
    made = shaper("region = 'eu'")

    def broken(*_: object) -> None:
        raise ValueError("bad")

    monkeypatch.setattr(made, "_decided", broken)
    for read in (made.look_at, made.shaped):
        with pytest.raises(Unsupported, match=f"an event of type {INSERT[4]} of {len(INSERT)} bytes cannot be read"):
            read(INSERT, has_crc=True)


def test_a_column_that_the_table_has_not_stops_the_job() -> None:
    with pytest.raises(Unsupported, match=r"shop.t .* looks at m, and the table has no such column; write another"):
        shaper("m = 1")


def test_a_table_without_a_filter_has_no_shaper() -> None:
    selection = Selection((SchemaRule("shop", tables=(NameRule("o", where="id = 1"), NameRule("t"))),))
    assert Shapers(selection, StandIn()).shaper("shop", "t", TABLE_MAP, has_crc=True) is None


class Computing(StandIn):
    """Computes the region and does not log it, as MariaDB 11.8."""

    def computed(self, schema: str, table: str, when: int) -> frozenset[str]:
        assert (schema, table, when) == ("shop", "t", int.from_bytes(UPDATE[:4], "little"))
        return frozenset({"region"})


def _without_region(event: bytes) -> bytes:
    codec = RowCodecs().of(TABLE_MAP, has_crc=True)
    rows = codec.read(event, has_crc=True)
    made = [tuple((*row[:2], ABSENT) for row in change if row is not None) for change in rows.changes]
    return codec.write(rows.of_kind(rows.kind, [(before, after) for before, after in made]), has_crc=True)


def test_a_row_that_moves_into_the_filter_needs_no_column_that_is_computed_and_not_logged() -> None:
    event = _without_region(UPDATE)
    made = changes(shaper("n >= 10", Computing()).shaped(event, has_crc=True))
    assert made[1] == ("WRITE_ROWS", [(None, (12, 10, ABSENT))])
    with pytest.raises(Unsupported, match="logged without region"):
        shaper("n >= 10").shaped(event, has_crc=True)
