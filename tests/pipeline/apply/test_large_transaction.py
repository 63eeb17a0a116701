"""The parts of a large transaction go out once, in order, and only when it may start."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udup.base.errors import Transient
from udup.drivers.fake.tally import FakeTally
from udup.pipeline.apply.large_transaction import LargeTransaction
from udup.pipeline.apply.scheduler import Assigned, Pending
from udup.pipeline.orders import GroupPart
from udup.pipeline.records import CommitOrder, Part, TransactionId

MARK = TransactionId("alpha", 7, CommitOrder(0, 1, 0))


class _Rules:
    """Of each part the order in which it was asked about."""

    def __init__(self) -> None:
        self.added: list[int] = []
        self.asked: list[tuple[int, bool]] = []

    def add(self, part: Part) -> Part:
        self.added.append(part.index)
        return msgspec.structs.replace(part, events=b"kept " + part.events) if part.xid else part

    async def prelude(self, part: Part, *, marked: bool) -> bytes:
        await asyncio.sleep(0)
        self.asked.append((part.index, marked))
        return b"prelude %d" % part.index


class _Sent:
    def __init__(self) -> None:
        self.checked: list[tuple[str, list[bytes]]] = []
        self.orders: list[tuple[int, GroupPart]] = []
        self.rules = _Rules()
        self.large = LargeTransaction(self.rules, FakeTally().begin_large(), self.check, self.send)

    async def check(self, gtid: str, maps: Sequence[bytes]) -> None:
        self.checked.append((gtid, list(maps)))
        await asyncio.sleep(0)

    async def send(self, slot: int, order: GroupPart) -> None:
        await asyncio.sleep(0)
        self.orders.append((slot, order))


def _parts(count: int, **more: object) -> list[Part]:
    return [Part(MARK, index, index == count - 1, b"%d" % index, [b"map %d" % index]) for index in range(count)]


def _group(slot: int = 2) -> Assigned:
    return Assigned(5, slot, 1, [Pending(MARK, b"", 1)])


def test_nothing_is_sent_before_it_may_start_and_then_everything() -> None:
    async def work() -> None:
        sent = _Sent()
        for message, part in enumerate(_parts(3), start=10):
            await sent.large.add(part, message)
        assert not sent.orders and sent.large.beginning.index == 0
        await sent.large.start(_group(), 100, "alpha:7", "s.memory")
        assert [slot for slot, _ in sent.orders] == [2, 2, 2]
        orders = [order for _, order in sent.orders]
        assert [(order.index, order.last, order.events) for order in orders] == [
            (0, False, b"0"),
            (1, False, b"1"),
            (2, True, b"2"),
        ]
        assert {(order.number, order.version, order.gtids, order.label) for order in orders} == {
            (5, 100, "alpha:7", "alpha:7")
        }
        assert [order.context for order in orders] == [b"prelude 0", b"prelude 1", b"prelude 2"]
        assert {order.marked for order in orders} == {"s.memory"} and sent.rules.asked[0] == (0, True)
        assert [maps for _, maps in sent.checked] == [[b"map 1"], [b"map 2"]], "the first one's were looked at before"
        assert not sent.large.committed
        assert [sent.large.part_done() for _ in range(3)] == [10, 11, 12]
        assert sent.large.committed

    asyncio.run(work())


def test_a_part_that_is_done_twice_ends_the_run() -> None:
    async def work() -> None:
        sent = _Sent()
        await sent.large.start(_group(), 100, "alpha:7")
        await sent.large.add(_parts(2)[0], 10)
        sent.large.part_done()
        with pytest.raises(Transient, match="alpha:7"):
            sent.large.part_done()

    asyncio.run(work())


def test_only_the_end_says_under_which_xid_the_parts_were_kept() -> None:
    async def work() -> None:
        sent = _Sent()
        await sent.large.start(_group(), 100, "alpha:7")
        await sent.large.add(Part(MARK, 0, False, b"a", xid="x"), 1)
        await sent.large.add(Part(MARK, 1, True, b"b", xid="x", one_phase=True), 2)
        assert [(order.xid, order.events) for _, order in sent.orders] == [("", b"kept a"), ("x", b"kept b")]

    asyncio.run(work())


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 8), st.integers(0, 8), st.lists(st.booleans(), max_size=20))
def test_whenever_it_starts_and_however_slow_sending_is_parts_go_once_and_in_order(
    count: int, start_at: int, pauses: list[bool]
) -> None:
    async def work() -> None:
        sent = _Sent()
        tasks = []
        for place, part in enumerate(_parts(count)):
            if place == start_at:
                tasks.append(asyncio.ensure_future(sent.large.start(_group(), 1, "")))
            tasks.append(asyncio.ensure_future(sent.large.add(part, place)))
            if pauses and pauses[place % len(pauses)]:
                await asyncio.sleep(0)
        if start_at >= count:
            tasks.append(asyncio.ensure_future(sent.large.start(_group(), 1, "")))
        await asyncio.gather(*tasks)
        assert [order.index for _, order in sent.orders] == list(range(count))
        assert [sent.large.part_done() for _ in range(count)] == list(range(count))
        assert sent.large.committed

    asyncio.run(work())
