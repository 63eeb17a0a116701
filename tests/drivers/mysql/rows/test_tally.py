"""Rows are counted as the codec reads them, whatever their types are and wherever the events are cut."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import pytest

from tests.drivers.mysql.rows.recording import read
from udup.drivers.mysql.binlog.build import BIGINT, INT, rows_event, table_map, varchar
from udup.drivers.mysql.binlog.event import EventType
from udup.drivers.mysql.binlog.table_map import table_id, table_name
from udup.drivers.mysql.rows.codec import RowCodec, RowCodecs
from udup.drivers.mysql.rows.events import DELETES, WRITES
from udup.drivers.mysql.rows.tally import MySQLTally, library
from udup.pipeline.ports.tables import RowsOfTable

needs_library = pytest.mark.skipif(library() is None, reason="there is no compiled library")

EVENTS = read().events

#: How many rows of each table are inserted, updated and deleted.
Rows = dict[tuple[str, str], tuple[int, int, int]]


def as_the_codec_reads(events: Sequence[bytes], *, has_crc: bool = True) -> Rows:
    codecs, maps, found = RowCodecs(), dict[bytes, RowCodec](), Counter[tuple[str, str, int]]()
    names = {}
    for event in events:
        if event[4] == EventType.TABLE_MAP:
            maps[table_id(event)] = codecs.of(event, has_crc=has_crc)
            names[table_id(event)] = table_name(event)
        else:
            rows = maps[table_id(event)].read(event, has_crc=has_crc)
            kind = 0 if rows.kind in WRITES else 2 if rows.kind in DELETES else 1
            name = names[table_id(event)]
            found[name.schema, name.table, kind] += len(rows.changes)
    return {key[:2]: tuple(found[*key[:2], kind] for kind in range(3)) for key in found}  # type: ignore[misc]


def numbers(counted: Sequence[RowsOfTable]) -> Rows:
    assert not any(each.uncounted for each in counted)
    return {(each.schema, each.table): (each.inserted, each.updated, each.deleted) for each in counted}


@needs_library
def test_every_type_that_a_server_logs_is_counted() -> None:
    wanted = as_the_codec_reads(EVENTS)
    assert len(wanted) == 5 and all(sum(each[kind] for each in wanted.values()) > 1 for kind in range(3))
    assert numbers(MySQLTally().count([b"".join(EVENTS)])) == wanted


@needs_library
def test_events_without_a_checksum_are_counted() -> None:
    bare = [event[:9] + (len(event) - 4).to_bytes(4, "little") + event[13:-4] for event in EVENTS]
    assert numbers(MySQLTally(has_crc=False).count([b"".join(bare)])) == as_the_codec_reads(EVENTS)


@needs_library
@pytest.mark.parametrize("longest", [1, 3, 60, 5000])
def test_a_transaction_may_be_cut_anywhere(longest: int) -> None:
    chance, data = random.Random(longest), b"".join(EVENTS)
    tally, at = MySQLTally().begin_large(), 0
    while at < len(data):
        size = chance.randint(1, longest)
        tally.feed(data[at : at + size])
        at += size
    assert numbers(tally.counted()) == as_the_codec_reads(EVENTS)


def _transaction(number: int, table: str, rows: int, kind: EventType = EventType.WRITE_ROWS) -> bytes:
    columns = (INT, BIGINT, varchar(300))
    known = table_map(number.to_bytes(6, "little"), "s", table, columns, with_crc=True)
    image = b"\0" + bytes(4) + bytes(8) + b"\2\0ab"
    images = 2 if kind == EventType.UPDATE_ROWS else 1
    whole = image * images * rows
    return known + rows_event(kind, number.to_bytes(6, "little"), 3, b"\7" * images, whole, with_crc=True)


def _both(tally: MySQLTally, transactions: Sequence[bytes]) -> list[RowsOfTable]:
    return sorted(tally.count(transactions))


@needs_library
def test_a_group_tells_which_transaction_was_the_last_of_each_table() -> None:
    tally = MySQLTally()
    group = [_transaction(5, "a", 2), _transaction(6, "b", 1, EventType.UPDATE_ROWS), _transaction(5, "a", 3)]
    assert _both(tally, group) == [RowsOfTable("s", "a", 5, 0, 0, 0, 2), RowsOfTable("s", "b", 0, 1, 0, 0, 1)]
    assert _both(tally, [_transaction(5, "a", 4, EventType.DELETE_ROWS)]) == [RowsOfTable("s", "a", 0, 0, 4, 0, 0)]


@needs_library
def test_a_number_that_comes_to_mean_another_table_does() -> None:
    tally = MySQLTally()
    tally.count([_transaction(5, "a", 1)])
    assert _both(tally, [_transaction(5, "b", 1), _transaction(5, "a", 1)]) == [
        RowsOfTable("s", "a", 1, 0, 0, 0, 1),
        RowsOfTable("s", "b", 1, 0, 0, 0, 0),
    ]


@needs_library
def test_more_tables_than_have_room_are_all_told() -> None:
    tally = MySQLTally()
    found = tally.count([_transaction(number, f"a_table_of_some_name_{number}", 1) for number in range(10_000)])
    assert len({each.table for each in found}) == 10_000 and {each.last for each in found} == set(range(10_000))
    assert tally.count([_transaction(1, "a", 1)]) == [RowsOfTable("s", "a", 1, 0, 0, 0, 0)]


@needs_library
def test_rows_of_a_type_that_is_not_known_are_told_as_not_counted() -> None:
    whole = _transaction(5, "a", 2)
    unknown = whole.replace(b"\3\3\x08\x0f", b"\3\3\x08\xc8", 1)
    assert unknown != whole
    assert MySQLTally().count([unknown, _transaction(6, "b", 1)]) == [
        RowsOfTable("s", "a", 0, 0, 0, 1, 0),
        RowsOfTable("s", "b", 1, 0, 0, 0, 1),
    ]


@needs_library
def test_events_that_are_damaged_anywhere_are_walked_within_their_bounds() -> None:
    chance, tally = random.Random(7), MySQLTally()
    for _ in range(300):
        data = bytearray(b"".join(chance.sample(EVENTS, 20)))
        for _ in range(chance.randint(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        tally.count([bytes(data)])
    assert numbers(tally.count([_transaction(5, "a", 2)])) == {("s", "a"): (2, 0, 0)}


def test_without_the_library_the_tables_are_told_and_their_rows_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("udup.drivers.mysql.rows.tally.library", lambda: None)
    tally = MySQLTally()
    group = [_transaction(5, "a", 2), _transaction(6, "b", 1), _transaction(5, "a", 3)]
    wanted = [RowsOfTable("s", "a", 0, 0, 0, 2, 2), RowsOfTable("s", "b", 0, 0, 0, 1, 1)]
    assert _both(tally, group) == wanted
    large, data = tally.begin_large(), b"".join(group)
    for at in range(0, len(data), 7):
        large.feed(data[at : at + 7])
    assert sorted(large.counted()) == [each._replace(last=0) for each in wanted]
