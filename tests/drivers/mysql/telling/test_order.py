"""Which rows of a snapshot are the first and the last, and what is done with each record."""

from __future__ import annotations

import json
from collections.abc import Iterable

from udup.drivers.mysql.snapshot.chunks import Chunk
from udup.drivers.mysql.telling.order import Place, ReadRows, SnapshotOrder
from udup.pipeline.records import SnapshotEnd, SnapshotRows

A, B, C = ("s", "a"), ("s", "b"), ("s", "c")
PLACE = Place("u:1-9", "binlog.000007", 1234)


def _order(*tables: tuple[str, str], state: str = "") -> SnapshotOrder:
    return SnapshotOrder(3, tables, PLACE, state=state)


def _rows(table: int, chunk: int = 0, rows: int = 2, *, before: int = 0, ends: bool = True) -> ReadRows:
    return ReadRows(table, chunk, before, rows, [b"t%d.%d.%d" % (table, chunk, before)], 17, ends)


def _read(order: SnapshotOrder, chunk: Chunk, *rows: ReadRows) -> list[SnapshotRows]:
    order.planned(chunk)
    made = [record for each in rows for record in order.add(each)]
    return made + list(order.done(chunk, sum(each.rows for each in rows)))


def _marks(records: Iterable[SnapshotRows | SnapshotEnd]) -> list[tuple[bytes, str, str]]:
    return [(each.events, each.first, each.last) for each in records if isinstance(each, SnapshotRows)]


def test_first_and_last_of_tables_and_of_all_are_marked() -> None:
    order = _order(A, B)
    made = _read(order, Chunk(0, 0, "x", final=False), _rows(0, 0, ends=False), _rows(0, 0, before=2))
    made += _read(order, Chunk(0, 1, "", final=True), _rows(0, 1))
    made += _read(order, Chunk(1, 0, "", final=True), _rows(1, 0, ends=False), _rows(1, 0, before=2))
    assert _marks([*made, *order.end()]) == [
        (b"t0.0.0", "first", "true"),
        (b"t0.0.2", "true", "true"),
        (b"t0.1.0", "true", "last_in_data_collection"),
        (b"t1.0.0", "first_in_data_collection", "true"),
        (b"t1.0.2", "true", "last"),
    ]


def test_of_two_words_for_one_row_the_stronger_is_said() -> None:
    order = _order(A, B, C)
    made = [each for table in range(3) for each in _read(order, Chunk(table, 0, "", final=True), _rows(table, rows=1))]
    assert _marks([*made, *order.end()]) == [
        (b"t0.0.0", "first", "first"),
        (b"t1.0.0", "last_in_data_collection", "last_in_data_collection"),
        (b"t2.0.0", "last", "last"),
    ]


def test_the_only_row_is_the_last_and_tables_without_rows_are_not_seen() -> None:
    order = _order(A, B, C)
    made = _read(order, Chunk(0, 0, "", final=True))
    made += _read(order, Chunk(1, 0, "", final=True), _rows(1, rows=1))
    made += _read(order, Chunk(2, 0, "", final=True))
    assert made == []
    last, end = order.end()
    assert _marks([last]) == [(b"t1.0.0", "last", "last")]
    assert isinstance(end, SnapshotEnd) and end.position == "u:1-9" and json.loads(end.state)["until"] == [[list(C), 0]]


def test_chunks_that_are_read_at_once_keep_their_own_order() -> None:
    order = _order(A)
    chunks = [Chunk(0, 0, "x", final=False), Chunk(0, 1, "", final=True)]
    for chunk in chunks:
        order.planned(chunk)
    made: list[SnapshotRows | SnapshotEnd] = []
    for rows in (_rows(0, 0, ends=False), _rows(0, 1, ends=False), _rows(0, 0, before=2), _rows(0, 1, before=2)):
        made += order.add(rows)
    for chunk in reversed(chunks):
        made += order.done(chunk, 4)
    made += order.end()
    assert [each.events for each in made if isinstance(each, SnapshotRows)] == [
        b"t0.0.0",
        b"t0.1.0",
        b"t0.0.2",
        b"t0.1.2",
    ]
    assert _marks(made)[-1][2] == "last"


def test_a_long_row_comes_in_pieces_and_counts_with_the_last() -> None:
    order = _order(A)
    long = ReadRows(0, 0, 0, 1, [b"one", b"two"], 17, True)
    made = _read(order, Chunk(0, 0, "", final=True), long) + list(order.end())  # type: ignore[operator]
    assert [(each.events, each.rows, each.first, each.last) for each in made[:-1]] == [
        (b"one", 0, "true", "true"),
        (b"two", 1, "last", "last"),
    ]


def test_a_record_says_where_the_snapshot_stands() -> None:
    order = _order(A)
    _read(order, Chunk(0, 4, "", final=True), _rows(0, 4, before=6))
    [record, _] = order.end()
    assert isinstance(record, SnapshotRows)
    assert (record.snapshot, record.chunk, record.before, record.rows) == (3, 4, 6, 2)
    assert (record.file, record.offset, record.read_ms, record.incremental) == ("binlog.000007", 1234, 17, False)


def test_a_chunk_is_done_with_its_last_record_and_the_next_try_goes_on_behind_it() -> None:
    order = _order(A, B, C)
    _read(order, Chunk(0, 0, "", final=True), _rows(0))
    made = _read(order, Chunk(1, 0, "id <= 5", final=False, rest="id > 5"), _rows(1, 0))
    order.planned(Chunk(1, 1, "id > 5 AND id <= 9", final=False, rest="id > 9"))
    made += list(order.add(_rows(1, 1, ends=False)))
    state = made[-1].state  # with the last row of chunk 0 of b
    later = SnapshotOrder(4, [A, B, C], Place("u:1-20"), state=state)
    assert later.wanted(0) is None
    wanted, untouched = later.wanted(1), later.wanted(2)
    assert wanted is not None and untouched is not None
    assert [(each.number, each.where, each.final) for each in wanted.again] == [(1, "id > 5 AND id <= 9", False)]
    assert (wanted.number, wanted.rest, wanted.is_planned) == (2, "id > 9", False)
    assert (untouched.again, untouched.number, untouched.rest) == ([], 0, "")
    assert json.loads(later.state())["positions"] == ["u:1-9", "u:1-20"]


def test_the_log_is_followed_from_where_the_first_try_stood() -> None:
    order = _order(A, B)
    _read(order, Chunk(0, 0, "", final=True))
    later = SnapshotOrder(4, [A, B], Place("u:1-20"), state=order.state())
    [end] = later.end()
    assert isinstance(end, SnapshotEnd) and (end.snapshot, end.position) == (4, "u:1-9")


def test_a_chunk_of_which_a_part_was_sent_is_read_again() -> None:
    order = _order(A)
    order.planned(Chunk(0, 0, "", final=True, streamed=True))
    made = list(order.add(_rows(0, 0, ends=False))) + list(order.add(_rows(0, 0, before=2, ends=False)))
    wanted = _order(A, state=made[-1].state).wanted(0)
    assert wanted is not None and wanted.is_planned
    assert [(each.number, each.final, each.streamed) for each in wanted.again] == [(0, True, True)]


def test_the_marks_of_a_later_try_go_on() -> None:
    order = _order(A, B)
    made = _read(order, Chunk(0, 0, "x", final=False, rest="y"), _rows(0), _rows(0, 1, ends=False))
    later = _order(A, B, state=made[-1].state)
    again = _read(later, Chunk(0, 1, "y", final=True), _rows(0, 1)) + _read(
        later, Chunk(1, 0, "", final=True), _rows(1)
    )
    assert _marks([*again, *later.end()]) == [
        (b"t0.1.0", "true", "last_in_data_collection"),
        (b"t1.0.0", "first_in_data_collection", "last"),
    ]


def test_a_table_that_came_among_those_that_are_done_is_left_to_the_log() -> None:
    order = _order(A, C)
    _read(order, Chunk(0, 0, "", final=True))
    _read(order, Chunk(1, 0, "", final=True))
    later = _order(A, B, C, state=order.state())
    assert [later.wanted(table) for table in range(3)] == [None, None, None]
