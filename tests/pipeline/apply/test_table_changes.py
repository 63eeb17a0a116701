"""What tables have come to is told once, with their last transaction, and of prepared ones at their end."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.pipeline.apply.clock import Clock
from udup.drivers.fake.changes import Change, Op, encode
from udup.drivers.fake.tally import FakeTally
from udup.pipeline.apply import table_changes
from udup.pipeline.apply.scheduler import Assigned, Pending
from udup.pipeline.apply.table_changes import WRITTEN_SECONDS, TableChanges
from udup.pipeline.ports.tables import TableChange
from udup.pipeline.records import CommitOrder, Transaction, TransactionId, XaEnd


def _id(number: int) -> TransactionId:
    return TransactionId("alpha", number, CommitOrder(0, number, 1_000 + number))


def _events(*changes: tuple[str, Op]) -> bytes:
    return encode(Change(("s", table), op, f"k{place}") for place, (table, op) in enumerate(changes))


def _pending(number: int, *changes: tuple[str, Op], xid: str = "") -> Pending:
    record = Transaction(_id(number), _events(*changes), xid=xid)
    return Pending(record.id, b"kept" if xid else record.events, number, work=record)


def _end(number: int, xid: str, *, commit: bool) -> Pending:
    record = XaEnd(_id(number), xid, commit)
    return Pending(record.id, b"", number, work=record)


def _group(*members: Pending) -> Assigned:
    return Assigned(1, 1, 1, list(members))


@pytest.fixture
def changes(clock: Clock) -> TableChanges:
    made = TableChanges(FakeTally())
    clock.now += WRITTEN_SECONDS
    return made


def _numbers(told: Sequence[TableChange]) -> dict[str, tuple[int, int, int, str]]:
    return {each.table: (each.inserted, each.updated, each.deleted, each.gtid) for each in told}


def test_what_is_committed_is_told_once_by_table_and_kind(changes: TableChanges) -> None:
    changes.committed(_group(_pending(1, ("a", Op.INSERT), ("a", Op.INSERT), ("b", Op.DELETE)), _pending(2)))
    changes.committed(_group(_pending(3, ("a", Op.UPDATE))))
    assert changes.any
    told = changes.take()
    assert _numbers(told) == {"a": (2, 1, 0, "alpha:3"), "b": (0, 0, 1, "alpha:1")}
    assert {each.changed_us for each in told} == {1_003, 1_001}
    assert not changes.any and changes.take(now=True) == []


def test_the_last_change_is_the_latest_on_the_source_in_whatever_order_groups_are_committed(
    changes: TableChanges,
) -> None:
    for number in (7, 5):
        changes.committed(_group(_pending(number, ("a", Op.UPDATE))))
    assert _numbers(changes.take()) == {"a": (0, 2, 0, "alpha:7")}


def test_it_is_told_every_two_seconds_and_at_the_end_at_once(changes: TableChanges, clock: Clock) -> None:
    changes.committed(_group(_pending(1, ("a", Op.INSERT))))
    assert changes.take()
    changes.committed(_group(_pending(2, ("a", Op.INSERT))))
    assert not changes.take() and changes.any
    assert changes.take(now=True)
    changes.committed(_group(_pending(3, ("a", Op.INSERT))))
    clock.now += WRITTEN_SECONDS
    assert changes.take()


def test_many_tables_are_told_some_at_a_time_and_none_waits_behind_those_that_come(
    changes: TableChanges, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_changes, "WRITTEN_TABLES", 10)
    changes.committed(_group(_pending(1, *((f"t{number}", Op.INSERT) for number in range(25)))))
    assert [each.table for each in changes.take()] == [f"t{number}" for number in range(10)]
    changes.committed(_group(_pending(2, ("t0", Op.INSERT))))
    assert [len(changes.take()) for _ in range(3)] == [10, 6, 0]


@pytest.mark.parametrize(("commit", "told"), [(True, {"a": (0, 1, 0, "alpha:3")}), (False, {})])
def test_a_prepared_transaction_counts_when_it_is_committed(
    changes: TableChanges, commit: bool, told: dict[str, tuple[int, int, int, str]]
) -> None:
    changes.committed(_group(_pending(1, ("a", Op.UPDATE), xid="x"), _pending(2, ("b", Op.INSERT))))
    assert _numbers(changes.take(now=True)) == {"b": (1, 0, 0, "alpha:2")}
    changes.committed(_group(_end(3, "x", commit=commit)))
    assert _numbers(changes.take(now=True)) == told
    changes.committed(_group(_end(4, "of an earlier run", commit=True)))
    assert not changes.any


def test_the_busiest_tables_of_a_run_are_told_whatever_was_written_down(
    changes: TableChanges, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_changes, "BUSIEST_MAX", 2)
    for number, table in enumerate(("a", "b", "b", "c", "c", "c"), start=1):
        changes.committed(_group(_pending(number, (table, Op.UPDATE))))
        changes.take(now=True)
    assert changes.tables == 3
    assert changes.busiest == {
        "s.c": {"inserted": 0, "updated": 3, "deleted": 0, "changed_us": 1_006},
        "s.b": {"inserted": 0, "updated": 2, "deleted": 0, "changed_us": 1_003},
    }
