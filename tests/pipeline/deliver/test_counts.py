"""What a subscription says of itself: events by kind and by table, and that counting them costs next to nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from tests.pipeline.deliver.machine import Subscription, U
from udup.drivers.fake.position import FakePosition
from udup.jobs import JobProgress
from udup.pipeline.apply.progress import DeliveryProgress
from udup.pipeline.apply.target_watch import TargetWatch
from udup.pipeline.deliver.place import Place
from udup.pipeline.deliver.report import ACTIVE_MAX, DeliveryReporter
from udup.pipeline.deliver.units import Delivered, Units
from udup.pipeline.ports.delivery import Message
from udup.pipeline.ports.tables import TableChange
from udup.pipeline.records import CopyPlan, CopyTable


def _message(operation: str, value: bytes | None = b"12345", table: str = "s.t") -> Message:
    return Message("topic", b"1", value, "id", (), operation, table)


def _counted(*events: list[Message]) -> Delivered:
    units = Units(lambda messages: messages[:1], lambda delivered: None)
    for each in events:
        units.add(each)
    filled = units.filling
    units.close("position")
    return filled


def test_events_are_counted_by_kind_and_table() -> None:
    deleted = [_message("d"), _message("", None), _message("d"), _message("", None)]
    moved = [_message("d", table="s.u"), _message("", None, "s.u"), _message("c", table="s.u")]
    others = [[_message("", b"begin", "")], [_message("outbox", b"1", "s.o")], [_message("t")], []]
    found = _counted([_message("c")] * 3, [_message("u")] * 2, deleted, moved, *others)
    assert found.events == {"c": 4, "u": 2, "d": 3, "tombstone": 3, "other": 2, "t": 1}
    assert found.tables == {"s.t": 10, "s.u": 3, "s.o": 1}
    assert (found.messages, found.sent, found.size) == (15, 1, 5 * 10 + 5 + 1)


def test_counting_costs_less_than_a_fifth_of_a_microsecond_an_event() -> None:
    """The best of several tries, of events of 100 rows: a busy machine makes single ones slow."""
    event = [_message("u")] * 100
    tries = []
    for _ in range(20):
        units = Units(lambda messages: messages, lambda delivered: None)
        began = time.thread_time()
        for _ in range(100):
            units.add(event)
        tries.append((time.thread_time() - began) / 10_000)
    assert min(tries) < 0.4e-6, "all of `add`, on a machine twice as slow as usual"


def _told(reporter: DeliveryReporter) -> DeliveryProgress:
    told = reporter.progress(settled=True, waiting_for=None).delivery
    assert told is not None
    return told


class _Sink:
    async def check(self, *, apart: bool = False) -> None:
        """It is there."""

    async def advance(
        self, executed: str, definitions: int, stamps: str, source_uuid: str, changes: Sequence[TableChange] = ()
    ) -> None:
        """Nothing."""


def test_of_many_tables_the_most_active_are_shown() -> None:
    reporter = DeliveryReporter(FakePosition.parse, TargetWatch(_Sink()), "compiled")
    tables = {f"s.t{number}": number + 1 for number in range(ACTIVE_MAX + 50)}
    reporter.delivered(Delivered(events={"c": 10, "tombstone": 1}, tables=tables, messages=11, sent=5, size=99))
    reporter.delivered(Delivered(events={"c": 1}, tables={"s.t0": 1000}, messages=1, sent=1, size=1))
    told = _told(reporter)
    assert len(told.events_by_table) == ACTIVE_MAX
    assert told.events_by_table["s.t0"] == 1001 and "s.t1" not in told.events_by_table
    assert told.events == {"c": 11, "u": 0, "d": 0, "r": 0, "t": 0, "tombstone": 1, "other": 0}
    assert (told.delivered_messages, told.delivered_bytes, told.decoder) == (6, 100, "compiled")


def test_a_run_tells_what_it_has_delivered(subscription: Subscription) -> None:
    subscription.insert("a", "b", "c")
    subscription.update("a")
    subscription.insert("d", table=U)

    def is_told() -> bool:
        told = subscription.told[-1].delivery if subscription.told else None
        return told is not None and told.events["other"] >= 6 and subscription.is_level()

    asyncio.run(subscription.run(is_told))
    told = JobProgress.of(subscription.told[-1].as_dict())
    assert told.events is not None and (told.events["c"], told.events["u"]) == (4, 1)
    assert told.events_by_table == {"s.t": 4, "s.u": 1}
    assert (told.inserts, told.updates, told.rows) == (4, 1, 5)
    assert told.delivered_messages == sum(told.events.values()) and told.decoder == "python"


def test_telling_costs_no_more_for_many_tables_of_a_snapshot_than_for_few() -> None:
    """The best of several tries, beside what a look at each table takes: it is told twice a second."""
    reporter = DeliveryReporter(FakePosition.parse, TargetWatch(_Sink()))
    reporter.begin_at(Place(FakePosition(), copying=True))
    count = 50_000
    names = [f"t{number}" for number in range(count)]
    reporter.snapshot_begins(CopyPlan([CopyTable("s", name, rows_estimate=3) for name in names], b"", ""))
    reporter.snapshot_begins(CopyPlan([CopyTable("s", "t0", rows_estimate=10)], b"", ""))
    reporter.delivered(Delivered(snapshot_rows={"s.t0": 2, "s.other": 5}, messages=7))
    told = reporter.progress(settled=True, waiting_for=None).copy
    assert told is not None
    assert (told.copied_rows, told.copy_total_rows, told.copy_tables) == (7, 3 * count + 7, count + 1)
    rows = dict.fromkeys(names, (0, 3))
    of_each = _best(lambda: [sum(each) for each in zip(*rows.values(), strict=True)])
    assert _best(lambda: reporter.progress(settled=True, waiting_for=None)) < of_each / 2


def _best(work: Callable[[], object]) -> float:
    """Return the processor time of the quickest of ten tries."""
    tries = []
    for _ in range(10):
        began = time.thread_time()
        work()
        tries.append(time.thread_time() - began)
    return min(tries)
