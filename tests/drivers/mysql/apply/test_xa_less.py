"""Rows of tables that a job lets go of are taken out of what is kept of prepared transactions, wherever it is cut."""

from __future__ import annotations

import pytest

from udup.drivers.mysql.apply.xa_less import Less
from udup.drivers.mysql.binlog.build import INT, rows_event, table_map
from udup.drivers.mysql.binlog.event import EventType


def _map(number: int, table: str) -> bytes:
    return table_map(bytes([number, 0, 0, 0, 0, 0]), "s", table, [INT], with_crc=True)


def _rows(number: int, value: int) -> bytes:
    row = b"\0" + value.to_bytes(4, "little")
    return rows_event(EventType.WRITE_ROWS, bytes([number, 0, 0, 0, 0, 0]), 1, b"\1", row, with_crc=True)


@pytest.mark.parametrize("size", [1, 7, 64, 1 << 20])
def test_what_is_left_is_the_rows_of_the_other_tables_in_their_order(size: int) -> None:
    kept = [_map(1, "a"), _rows(1, 5), _map(1, "c"), _rows(1, 6)]
    gone = [_map(2, "b"), _rows(2, 7), _rows(2, 8)]
    events = b"".join([kept[0], gone[0], kept[1], gone[1], kept[2], kept[3], gone[2]])
    less = Less({("s", "b"), ("t", "a")})
    pieces = [events[at : at + size] for at in range(0, len(events), size)]
    assert b"".join(event for piece in pieces for event in less.of(piece)) == b"".join(kept)


def test_a_number_that_means_another_table_by_now_is_told_by_its_last_definition() -> None:
    less = Less({("s", "b")})
    assert list(less.of(_map(1, "b") + _rows(1, 1))) == []
    assert list(less.of(_map(1, "a") + _rows(1, 2))) == [_map(1, "a"), _rows(1, 2)]
