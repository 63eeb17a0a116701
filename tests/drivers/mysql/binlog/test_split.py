"""Bytes are cut into events wherever their pieces begin and end, and an event that lies about its size is told."""

from __future__ import annotations

import random

import pytest

from udup.base.errors import Transient
from udup.drivers.mysql.binlog.build import INT, build, rows_event, table_map, varchar
from udup.drivers.mysql.binlog.event import HEADER_SIZE, EventType, ends_statement
from udup.drivers.mysql.binlog.split import EVENT_MAX, EventSplitter, headers, split
from udup.drivers.mysql.binlog.table_definition import ColumnType, parse_columns
from udup.drivers.mysql.binlog.table_map import table_id, table_name

DICE = random.Random(11)
EVENTS = [build(EventType.WRITE_ROWS, DICE.randbytes(DICE.randrange(300)), with_crc=True) for _ in range(40)]
STREAM = b"".join(EVENTS)


@pytest.mark.parametrize("size", [1, 18, 19, 20, 64, 1000, len(STREAM)])
def test_a_stream_is_cut_into_its_events_however_it_comes(size: int) -> None:
    splitter = EventSplitter("a stream")
    found = [event for at in range(0, len(STREAM), size) for event in splitter.feed(STREAM[at : at + size])]
    assert found == EVENTS and splitter.is_empty


def test_what_is_held_back_is_known() -> None:
    splitter = EventSplitter("a stream")
    assert list(splitter.feed(STREAM[:-1])) == EVENTS[:-1]
    assert not splitter.is_empty


@pytest.mark.parametrize("size", [0, HEADER_SIZE - 1, EVENT_MAX + 1])
def test_a_size_that_cannot_be_is_an_error_and_no_endless_loop(size: int) -> None:
    lying = EVENTS[0][:9] + size.to_bytes(4, "little") + EVENTS[0][13:]
    with pytest.raises(Transient, match=f"a stream holds an event that says it has {size} bytes"):
        list(EventSplitter("a stream").feed(EVENTS[1] + lying))


def test_an_end_in_the_middle_of_an_event_leaves_it_out() -> None:
    assert list(split(STREAM)) == EVENTS
    assert list(split(STREAM[:-1])) == EVENTS[:-1]
    assert [end for _, _, end in headers(STREAM[:-1])][-1] == len(STREAM)
    assert list(split(EVENTS[0] + bytes(40))) == EVENTS[:1], "a size of 0 ends it"


@pytest.mark.parametrize("with_crc", [False, True])
def test_events_made_by_hand_are_read_as_what_they_say(with_crc: bool) -> None:
    number = (77).to_bytes(6, "little")
    made = table_map(number, "udup", "t", [varchar(1020), INT], with_crc=with_crc)
    columns = parse_columns(made, has_crc=with_crc)
    assert str(table_name(made)) == "udup.t" and table_id(made) == number
    assert [column.kind for column in columns] == [ColumnType.VARCHAR, ColumnType.LONG]
    assert int.from_bytes(columns[0].metadata, "little") == 1020
    rows = rows_event(EventType.WRITE_ROWS, number, 2, b"\3", b"\0row", with_crc=with_crc)
    assert table_id(rows) == number and ends_statement(rows)
    assert list(split(made + rows)) == [made, rows]
