"""A table that comes into a log that is followed: for each row an exact succession, whatever is written meanwhile."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from tests.drivers.mysql.rows.definitions import front
from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.event import EventType, ends_statement
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType
from udup.drivers.mysql.rows.codec import RowCodec
from udup.drivers.mysql.rows.events import RowsEvent
from udup.drivers.mysql.rows.table import KeyPart, Table
from udup.drivers.mysql.rows.values import ABSENT, Change, Row
from udup.drivers.mysql.snapshot.chunks import Chunk
from udup.drivers.mysql.telling.judge import Backfill, RowJudge
from udup.drivers.mysql.telling.order import Place, SnapshotOrder
from udup.drivers.mysql.telling.tries import SnapshotJudges

SOURCE = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"

_ID = ColumnDefinition(ColumnType.LONG, b"", False, unsigned=False, name="id")
_N = ColumnDefinition(ColumnType.LONG, b"", False, unsigned=False, name="n")
CODEC = RowCodec(Table("s", "t", (_ID, _N), (KeyPart(0),)))


def _executed(number: int) -> GtidSet:
    return GtidSet.parse(f"{SOURCE}:1-{number}" if number else "")


def _event(kind: EventType, changes: Sequence[Change]) -> bytes:
    return CODEC.write(RowsEvent(front(kind), list(changes)), has_crc=True)


def _judged(backfill: Backfill, number: int, kind: EventType, *changes: Change) -> list[tuple[EventType, list[Change]]]:
    judge = RowJudge(CODEC, backfill, ["id"])
    events = judge.shaped(_event(kind, changes), SOURCE, number, has_crc=True)
    read = [CODEC.read(event, has_crc=True) for event in events]
    return [(each.kind, each.changes) for each in read]


INSERT, UPDATE, DELETE = EventType.WRITE_ROWS, EventType.UPDATE_ROWS, EventType.DELETE_ROWS


def test_rows_that_a_chunk_will_bring_or_has_brought_are_left_out() -> None:
    backfill = Backfill()
    backfill.brought((10,), _executed(5))
    assert _judged(backfill, 6, INSERT, (None, (11, 1))) == []
    assert _judged(backfill, 5, INSERT, (None, (10, 1))) == []
    assert _judged(backfill, 6, INSERT, (None, (10, 1))) == [(INSERT, [(None, (10, 1))])]
    assert _judged(backfill, 6, DELETE, ((3, 1), None), ((30, 1), None)) == [(DELETE, [((3, 1), None)])]


def test_an_update_across_the_border_is_an_insert_or_a_delete() -> None:
    backfill = Backfill()
    backfill.brought((10,), _executed(5))
    made = _judged(backfill, 6, UPDATE, ((3, 1), (30, 1)), ((40, 2), (4, 2)), ((5, 1), (6, 1)), ((50, 1), (60, 1)))
    assert made == [
        (DELETE, [((3, 1), None)]),
        (INSERT, [(None, (4, 2))]),
        (UPDATE, [((5, 1), (6, 1))]),
    ]


def test_each_chunk_is_judged_by_its_own_transactions() -> None:
    backfill = Backfill()
    backfill.brought((10,), _executed(5))
    backfill.brought((20,), _executed(8))
    backfill.brought(None, _executed(9))
    assert _judged(backfill, 7, UPDATE, ((3, 1), (15, 1))) == [(DELETE, [((3, 1), None)])]
    assert _judged(backfill, 9, UPDATE, ((15, 1), (99, 1))) == [(DELETE, [((15, 1), None)])]
    assert _judged(backfill, 10, INSERT, (None, (99, 1))) == [(INSERT, [(None, (99, 1))])]


def test_chunks_that_the_log_has_passed_are_forgotten() -> None:
    backfill = Backfill()
    for upper in range(1, 100):
        backfill.brought((upper,), _executed(upper))
        backfill.passed(_executed(upper))
    assert len(backfill._uppers) == 1
    assert backfill.tells((99,), SOURCE, 100) and backfill.tells((1,), SOURCE, 100)
    assert not backfill.tells((100,), SOURCE, 100)
    backfill.brought(None, _executed(120))
    assert not backfill.tells((100,), SOURCE, 120) and not backfill.is_done
    backfill.passed(_executed(120))
    assert backfill.is_done
    event = _event(INSERT, [(None, (1, 1))])
    assert RowJudge(CODEC, backfill, ["id"]).shaped(event, SOURCE, 121, has_crc=True) == [event]


def test_chunks_come_in_the_order_of_the_key() -> None:
    backfill = Backfill()
    backfill.brought((5, 2), _executed(1))
    with pytest.raises(ValueError, match="does not come behind"):
        backfill.brought((5, 1), _executed(1))


def test_the_last_event_that_is_kept_ends_the_statement() -> None:
    backfill = Backfill()
    backfill.brought((10,), _executed(5))
    event = _event(UPDATE, [((3, 1), (30, 1)), ((40, 2), (4, 2)), ((50, 2), (60, 2))])
    made = RowJudge(CODEC, backfill, ["id"]).shaped(event, SOURCE, 6, has_crc=True)
    assert [ends_statement(each) for each in made] == [False, True]


def test_what_the_log_does_not_say_stops_the_job() -> None:
    with pytest.raises(Unsupported, match="binlog_row_metadata"):
        RowJudge(RowCodec(Table("s", "t", (replace(_ID, name=None), _N))), Backfill(), ["id"])
    row: Row = (ABSENT, 1)
    with pytest.raises(Unsupported, match="binlog_row_image"):
        _judged(Backfill(), 1, INSERT, (None, row))


# ---- A snapshot of several tries ----


def test_of_a_table_that_a_later_try_has_read_the_log_up_to_there_is_left_out() -> None:
    tables = [("s", name) for name in "abcd"]
    first = SnapshotOrder(1, tables, Place(str(_executed(5))))
    for table, final in ((0, True), (1, False)):
        chunk = Chunk(table, 0, "", final, rest="id > 9")
        first.planned(chunk)
        assert list(first.done(chunk, 0)) == []
    assert SnapshotJudges.of(first.state()) is None
    later = SnapshotOrder(2, tables, Place(str(_executed(8))), state=first.state())
    for table in (1, 2, 3):
        chunk = Chunk(table, int(table == 1), "", final=True)
        later.planned(chunk)
        assert list(later.done(chunk, 0)) == []
    judges = SnapshotJudges.of(later.state())
    assert judges is not None
    event = _event(INSERT, [(None, (1, 1))])
    for name, told in {"a": True, "b": True, "c": False, "d": False, "e": True}.items():
        judge = judges.judge("s", name, b"", has_crc=True)
        assert (judge is None) is told
        if judge is not None:
            assert judge.shaped(event, SOURCE, 8, has_crc=True) == []
            assert judge.shaped(event, SOURCE, 9, has_crc=True) == [event]


# ---- Many histories ----


@dataclass
class _Consumer:
    """Accepts nothing but exact successions."""

    rows: dict[int, int]

    def take(self, before: Row | None, after: Row | None) -> None:
        if before is not None:
            assert self.rows.pop(before[0]) == before[1]  # type: ignore[arg-type]
        if after is not None:
            assert after[0] not in self.rows
            self.rows[after[0]] = after[1]  # type: ignore[index,assignment]


def _written(chance: random.Random, table: dict[int, int]) -> tuple[EventType, Change]:
    """Change the table in one row, and return what was changed."""
    key = chance.randrange(60)
    other = chance.choice([key, chance.randrange(60)])
    if key not in table:
        table[key] = chance.randrange(1000)
        return INSERT, (None, (key, table[key]))
    value = table.pop(key)
    if other in table or chance.random() < 0.3:
        return DELETE, ((key, value), None)
    table[other] = chance.randrange(1000)
    return UPDATE, ((key, value), (other, table[other]))


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_written_meanwhile_the_destination_gets_each_change_once(seed: int) -> None:
    chance = random.Random(seed)
    table: dict[int, int] = dict.fromkeys(range(0, 60, 2), 0)
    log: list[tuple[EventType, Change]] = []
    consumer, backfill = _Consumer({}), Backfill()
    judge = RowJudge(CODEC, backfill, ["id"])
    told, upper = 0, -1
    uppers = [*sorted(chance.sample(range(59), 5)), None]
    while uppers or told < len(log):
        turn = chance.random()
        if turn < 0.5 and len(log) < 400:
            log.append(_written(chance, table))
        elif turn < 0.9 and told < len(log):
            kind, change = log[told]
            told += 1
            for event in judge.shaped(_event(kind, [change]), SOURCE, told, has_crc=True):
                for before, after in CODEC.read(event, has_crc=True).changes:
                    consumer.take(before, after)
            backfill.passed(_executed(told))
        elif uppers:
            end = uppers.pop(0)
            for key in sorted(table):
                if key > upper and (end is None or key <= end):
                    consumer.take(None, (key, table[key]))
            backfill.brought(None if end is None else (end,), _executed(len(log)))
            upper = upper if end is None else end
    assert consumer.rows == table
    backfill.passed(_executed(told))
    assert backfill.is_done
