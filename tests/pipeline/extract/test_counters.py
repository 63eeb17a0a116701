"""What was extracted is counted once, and its position is everything that was read or was there before."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from udup.drivers.fake.position import FakePosition
from udup.pipeline.extract.counters import ExtractCounters
from udup.pipeline.records import (
    Beat,
    CommitOrder,
    Definition,
    Format,
    Part,
    Record,
    Skipped,
    Transaction,
    TransactionId,
    XaEnd,
)


def _mark(number: int) -> TransactionId:
    return TransactionId("alpha", number, CommitOrder(0, number, 0))


def test_before_the_log_is_open_there_is_no_position() -> None:
    counters = ExtractCounters(FakePosition.parse)
    counters.copied(10, 1000)
    assert counters.extracted is None
    counters.begin("alpha:1-5")
    assert str(counters.extracted) == "alpha:1-5"
    shown = counters.values()
    assert (shown.gtids, shown.copied_rows, shown.copied_messages, shown.copied_bytes) == ("alpha:1-5", 10, 1, 1000)


def test_a_large_transaction_counts_with_its_last_part() -> None:
    counters = ExtractCounters(FakePosition.parse)
    counters.begin("")
    counters.read(Part(_mark(1), 0, False, b"x"))
    assert not counters.extracted
    counters.read(Part(_mark(1), 1, True, b"x"))
    assert str(counters.extracted) == "alpha:1" and counters.values().transactions == 1


def test_whoever_waits_for_the_source_is_told_once_of_what_is_read() -> None:
    counters = ExtractCounters(FakePosition.parse)
    told: list[str] = []
    counters.when_moved(lambda: told.append("moved"))
    assert not told
    counters.copied(10, 1000)
    counters.copied(10, 1000)
    assert told == ["moved"], "until somebody waits again"
    counters.when_moved(lambda: told.append("again"))
    counters.read(Format(b"x"))
    assert told == ["moved", "again"]


def test_the_position_that_is_handed_out_is_ones_own() -> None:
    counters = ExtractCounters(FakePosition.parse)
    counters.begin("alpha:1")
    got = counters.extracted
    assert got is not None
    got.add("alpha", 99)
    assert str(counters.extracted) == "alpha:1"


def _records() -> st.SearchStrategy[list[Record]]:
    kinds = st.sampled_from(["transaction", "definition", "skipped", "end", "format", "beat"])

    def made(drawn: list[str]) -> list[Record]:
        found: list[Record] = []
        for number, kind in enumerate(drawn, start=1):
            each: dict[str, Record] = {
                "transaction": Transaction(_mark(number), b"x"),
                "definition": Definition(_mark(number), b"x", "x"),
                "skipped": Skipped(f"alpha:{number}", 0),
                "end": XaEnd(_mark(number), "x", True),
                "format": Format(b"x"),
                "beat": Beat(0),
            }
            found.append(each[kind])
        return found

    return st.lists(kinds, max_size=30).map(made)


@settings(max_examples=60, deadline=None)
@given(_records())
def test_the_position_is_all_that_was_read(records: list[Record]) -> None:
    counters = ExtractCounters(FakePosition.parse)
    counters.begin("beta:1-3")
    expected = FakePosition.parse("beta:1-3")
    for number, record in enumerate(records, start=1):
        counters.read(record)
        if not isinstance(record, (Format, Beat)):
            expected.add("alpha", number)
    assert str(counters.extracted) == str(expected)
    kinds = [type(record) for record in records]
    shown = counters.values()
    assert (shown.transactions, shown.definitions, shown.skipped) == (
        kinds.count(Transaction),
        kinds.count(Definition),
        kinds.count(Skipped),
    )
