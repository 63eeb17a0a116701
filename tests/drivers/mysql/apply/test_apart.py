"""Transactions that change tables which undo nothing are told from others by their rows."""

from __future__ import annotations

import pytest

from udup.base.errors import Unsupported
from udup.drivers.mysql.apply.apart import TablesApart
from udup.drivers.mysql.binlog.build import INT, rows_event, table_map
from udup.drivers.mysql.binlog.event import EventType
from udup.drivers.mysql.binlog.table_map import TableName
from udup.pipeline.apply.scheduler import GROUP_BYTES, Pending, Scheduler
from udup.pipeline.records import CommitOrder, TransactionId

SOURCE = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"


def _map(number: int, table: str) -> bytes:
    return table_map(number.to_bytes(6, "little"), "s", table, [INT], with_crc=True)


def _rows(number: int, size: int = 10) -> bytes:
    return rows_event(EventType.WRITE_ROWS, number.to_bytes(6, "little"), 1, b"\1", bytes(size), with_crc=True)


@pytest.fixture
def apart() -> TablesApart:
    tables = TablesApart()
    tables.add([TableName("s", "my"), TableName("s", "heap")])
    return tables


def test_rows_decide_and_not_the_maps_beside_them(apart: TablesApart) -> None:
    """An UPDATE over two tables that changes one of them brings both maps."""
    assert apart.marked("g:1", _map(1, "my") + _map(2, "inno") + _rows(1)) == "s.my"
    assert apart.marked("g:1", _map(1, "my") + _map(2, "inno") + _rows(2)) == ""
    assert apart.marked("g:1", _map(1, "my") + _map(2, "heap") + _rows(1) + _rows(2) + _rows(1)) == "s.my, s.heap"
    assert not apart.touched_by(_map(2, "inno") + _rows(2))


def test_what_could_be_undone_in_one_table_only_is_refused_with_the_remedy(apart: TablesApart) -> None:
    with pytest.raises(Unsupported, match=r"g:1: .* together with s\.inno.*ALTER TABLE s\.my ENGINE=InnoDB"):
        apart.marked("g:1", _map(1, "my") + _rows(1) + _map(2, "inno") + _rows(2))
    with pytest.raises(Unsupported, match="XA"):
        apart.marked("g:1", _map(1, "my") + _rows(1), prepared=True)


def test_the_beginning_of_a_large_transaction_is_enough(apart: TablesApart) -> None:
    events = _map(1, "my") + _rows(1, 5000)
    assert apart.touched_by(events[:-3000])
    assert not apart.touched_by(events[:20])


def test_after_a_definition_nothing_is_known(apart: TablesApart) -> None:
    apart.forget()
    assert not apart.touched_by(_map(1, "my") + _rows(1))
    assert apart.marked("g:1", _map(1, "my") + _rows(1)) == ""


def _pending(number: int, *, size: int = 10, maps: tuple[bytes, ...] = ()) -> Pending:
    return Pending(TransactionId(SOURCE, number, CommitOrder(0, number, 0)), bytes(size), number, maps)


def test_what_is_found_to_need_it_runs_alone_though_it_waited_already() -> None:
    scheduler = Scheduler(2)
    for number in range(1, 6):
        scheduler.offer(_pending(number))
    scheduler.isolate(lambda item: item.id.number == 3)
    first = scheduler.next_group()
    assert first is not None and [item.id.number for item in first.members] == [1, 2]
    assert scheduler.next_group() is None, "it waits for all before it"
    scheduler.done(first.number)
    alone = scheduler.next_group()
    assert alone is not None and [item.id.number for item in alone.members] == [3]
    assert scheduler.next_group() is None, "nothing runs beside it"


def test_a_group_that_runs_alone_takes_what_follows_and_is_of_its_kind() -> None:
    scheduler = Scheduler(2)
    for number in range(1, 7):
        scheduler.offer(_pending(number, size=GROUP_BYTES if number == 6 else 10, maps=(b"m",) if number == 5 else ()))
    scheduler.isolate(lambda item: True)
    group = scheduler.next_group()
    assert group is not None
    scheduler.extend(group, lambda item: item.id.number != 4)
    assert [item.id.number for item in group.members] == [1, 2, 3]
    scheduler.done(group.number)
    for expected in (4, 5, 6):  # 5 brings maps to be looked at, 6 is too large for company
        group = scheduler.next_group()
        assert group is not None
        scheduler.extend(group, lambda item: True)
        assert [item.id.number for item in group.members] == [expected]
        scheduler.done(group.number)
    assert scheduler.idle


def test_one_at_a_time_stays_one_at_a_time() -> None:
    scheduler = Scheduler(2, serial=True)
    scheduler.offer(_pending(1))
    scheduler.offer(_pending(2))
    group = scheduler.next_group()
    assert group is not None
    scheduler.extend(group, lambda item: True)
    assert len(group.members) == 1
