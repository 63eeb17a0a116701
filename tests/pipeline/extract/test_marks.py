"""A mark of a comparison stands where what was read is what its snapshot holds, and nowhere else."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest

from udup.drivers.fake.position import FakePosition
from udup.pipeline.extract import marks
from udup.pipeline.extract.counters import ExtractCounters
from udup.pipeline.extract.marks import Held, LogMarks, Marked, MarkTold, NotMarked
from udup.pipeline.records import CommitOrder, Mark, Part, Record, Skipped, Transaction, TransactionId


def _of(number: int) -> TransactionId:
    return TransactionId("alpha", number, CommitOrder(0, number, 0))


def _small(number: int) -> Transaction:
    return Transaction(_of(number), b"rows")


def _part(number: int, index: int, *, last: bool = False) -> Part:
    return Part(_of(number), index, last, b"rows")


@dataclass
class _Log:
    """The log's thread: `read` is called as it comes. The snapshot is there as soon as the reading is held."""

    snapshot: str = ""
    told: list[MarkTold] = field(default_factory=list)
    flushed: int = 0

    def __post_init__(self) -> None:
        self.counters = ExtractCounters(FakePosition.parse)
        self.counters.begin("alpha:1-4")
        self.marks = LogMarks(FakePosition.parse, lambda: self.counters.extracted)

    def hold(self, number: int = 1) -> None:
        self.marks.hold(number, self._told)

    def _told(self, told: MarkTold) -> None:
        self.told.append(told)
        if isinstance(told, Held) and self.snapshot:
            self.marks.go_on(told.number, self.snapshot)

    def read(self, *records: Record | None) -> list[Mark | None]:
        found = []
        for record in records:
            if record is not None:
                self.counters.read(record)
            found.append(self.marks.passed(record, self._flush))
        return found

    def _flush(self) -> None:
        self.flushed += 1


def test_it_stands_behind_the_last_that_the_snapshot_holds() -> None:
    log = _Log(snapshot="alpha:1-7")
    assert log.read(_small(5), None) == [None, None] and log.flushed == 0, "nobody asks"
    log.hold()
    assert log.read(None, _small(6), None, _small(7), _small(8)) == [None, None, None, Mark(1), None]
    assert log.told == [Held(1, "alpha:1-5"), Marked(1)] and log.flushed == 1


def test_where_all_was_read_it_stands_at_once() -> None:
    log = _Log(snapshot="alpha:1-4")
    log.hold()
    assert log.read(None) == [Mark(1)]


def test_in_a_transaction_that_comes_in_parts_the_reading_is_neither_held_nor_marked() -> None:
    log = _Log(snapshot="alpha:1-4")
    assert log.read(_part(5, 0)) == [None]
    log.hold()
    assert log.read(None, _part(5, 1)) == [None, None] and log.told == []
    log.snapshot = "alpha:1-6"
    assert log.read(_part(5, 2, last=True), _part(6, 0), None) == [None, None, None]
    assert log.read(_part(6, 1, last=True)) == [Mark(1)]


def test_what_holds_nothing_of_the_jobs_may_lie_beyond_the_snapshot() -> None:
    log = _Log(snapshot="alpha:1-6")
    log.hold()
    assert log.read(None, Skipped("alpha:5-9", 0)) == [None, Mark(1)]


def test_a_transaction_that_the_snapshot_lacks_ahead_of_one_that_it_holds_leaves_no_place() -> None:
    log = _Log(snapshot="alpha:1-4:6")
    log.hold()
    assert log.read(None, _small(5), _small(6)) == [None, None, None]
    assert isinstance(log.told[-1], NotMarked) and "alpha:5" in log.told[-1].why


def test_a_snapshot_that_lacks_what_was_read_is_none() -> None:
    log = _Log(snapshot="alpha:1-4")
    log.read(_small(5))
    log.hold()
    assert log.read(None, _small(6)) == [None, None]
    assert isinstance(log.told[-1], NotMarked) and "does not hold" in log.told[-1].why


def test_nobody_who_is_gone_holds_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks, "HOLD_SECONDS", 0.02)
    monkeypatch.setattr(marks, "SEEK_SECONDS", 0.0)
    log = _Log()
    log.hold(1)
    assert log.read(None, _small(5)) == [None, None]
    assert isinstance(log.told[-1], NotMarked) and "within 0.02 s" in log.told[-1].why
    log.snapshot = "alpha:1-9"
    log.hold(2)
    assert log.read(None, None) == [None, None], "it never comes"
    assert isinstance(log.told[-1], NotMarked) and log.told[-1].number == 2
    assert log.read(_small(6)) == [None] and len(log.told) == 4


def test_a_later_comparison_takes_the_place_of_one_that_holds_the_reading() -> None:
    log = _Log()
    log.hold(1)
    reading = threading.Thread(target=log.read, args=(None,))
    reading.start()
    while not log.told:
        reading.join(0.001)
    log.snapshot = "alpha:1-4"
    log.hold(2)
    reading.join(5)
    assert not reading.is_alive() and isinstance(log.told[1], NotMarked)
    log.marks.go_on(1, "alpha:1-4")
    assert log.read(None) == [Mark(2)]


def test_with_the_run_every_comparison_ends() -> None:
    log = _Log()
    log.hold(1)
    log.marks.close()
    log.hold(2)
    assert [type(each) for each in log.told] == [NotMarked, NotMarked]
    assert log.read(None) == [None]
