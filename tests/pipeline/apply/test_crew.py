"""Workers are taken with the first order for them, told everything in order, and let go when they are idle."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.pipeline.apply.clock import Clock
from udup.base.errors import Transient
from udup.pipeline.apply.crew import IDLE_SECONDS, OPEN_SECONDS, Crew, Seat
from udup.pipeline.apply.loaders import ONE_BYTES, ONE_TABLES, loaders_for
from udup.pipeline.orders import Ask, ExpectCopy, Group, Opened, Order, SetFormat
from udup.pipeline.records import CopyTable


@dataclass
class Desk:
    """A crew, whom it has wanted, and what was published to whom."""

    wanted: list[tuple[Seat, ...]] = field(default_factory=list)
    sent: list[tuple[Seat, Order]] = field(default_factory=list)
    at_work: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.crew = Crew(self.wanted.append, self._publish, self.at_work.__contains__)

    async def _publish(self, seat: Seat, order: Order) -> None:
        await asyncio.sleep(0)
        self.sent.append((seat, order))

    def do(self, *steps: Coroutine[Any, Any, None]) -> None:
        async def all_at_once() -> None:
            await asyncio.gather(*steps)

        asyncio.run(all_at_once())


def _group(number: int) -> Group:
    return Group(number, 1, number, f"u:{number}", [b"x"], f"u:{number}")


def test_a_worker_is_taken_with_its_first_order_which_waits_for_it(clock: Clock) -> None:
    desk = Desk()
    desk.do(desk.crew.send(2, _group(1)), desk.crew.send(2, _group(2)))
    assert desk.wanted == [(Seat(2, 1),)] and not desk.sent
    assert desk.crew.is_there(2) and not desk.crew.is_open(2) and not desk.crew.is_there(1)
    desk.do(desk.crew.opened(Opened(2, 1)), desk.crew.send(2, _group(3)))
    desk.do(desk.crew.send(2, _group(4)))
    assert [order.number for _, order in desk.sent] == [1, 2, 3, 4]  # type: ignore[union-attr]
    assert {seat for seat, _ in desk.sent} == {Seat(2, 1)} and desk.crew.is_open(2)


def test_what_all_go_by_is_told_first_also_to_those_that_come_later(clock: Clock) -> None:
    desk = Desk()
    desk.do(desk.crew.send(1, _group(1)))
    desk.do(desk.crew.opened(Opened(1, 1)))
    desk.do(desk.crew.set_format(SetFormat(b"new")))
    desk.do(desk.crew.send(2, _group(2)))
    desk.do(desk.crew.opened(Opened(2, 2)))
    assert desk.sent == [
        (Seat(1, 1), _group(1)),
        (Seat(1, 1), SetFormat(b"new")),
        (Seat(2, 2), SetFormat(b"new")),
        (Seat(2, 2), _group(2)),
    ]


def test_who_has_nothing_to_do_is_let_go_and_another_has_another_number(clock: Clock) -> None:
    desk = Desk()
    for slot in (1, 2):
        desk.do(desk.crew.send(slot, _group(slot)))
        desk.do(desk.crew.opened(Opened(slot, slot)))
    desk.at_work.add(2)
    clock.now += IDLE_SECONDS - 1
    desk.crew.look()
    assert len(desk.wanted[-1]) == 2
    clock.now += 1
    desk.crew.look()
    assert desk.wanted[-1] == (Seat(2, 2),), "the other one has orders that are not done"
    desk.do(desk.crew.send(1, _group(3)))
    assert desk.wanted[-1] == (Seat(2, 2), Seat(1, 3))
    desk.do(desk.crew.opened(Opened(1, 1)))
    assert not desk.crew.is_open(1), "a late word of one that was let go"
    desk.do(desk.crew.opened(Opened(1, 3)))
    assert desk.sent[-1] == (Seat(1, 3), _group(3))


def test_a_worker_that_does_not_come_ends_the_run(clock: Clock) -> None:
    desk = Desk()
    desk.do(desk.crew.send(3, _group(1)))
    clock.now += OPEN_SECONDS - 1
    desk.crew.look()
    clock.now += 1
    with pytest.raises(Transient, match="ApplyWorker 3 has not begun in 120 s"):
        desk.crew.look()


def test_workers_of_a_copy_are_told_first_that_rows_come_and_stay_until_its_end(clock: Clock) -> None:
    desk = Desk()
    desk.crew.expect_copy(ExpectCopy(b"as"), 2)
    desk.do(desk.crew.opened(Opened(1, 1)), desk.crew.opened(Opened(2, 2)), desk.crew.all_open())
    assert desk.sent == [(Seat(1, 1), ExpectCopy(b"as")), (Seat(2, 2), ExpectCopy(b"as"))] or desk.sent == [
        (Seat(2, 2), ExpectCopy(b"as")),
        (Seat(1, 1), ExpectCopy(b"as")),
    ]
    clock.now += 10 * IDLE_SECONDS
    desk.crew.look()
    assert len(desk.wanted[-1]) == 2
    desk.crew.end_copy()
    desk.crew.look()
    assert len(desk.wanted[-1]) == 2, "their time begins with the end of the copy"
    clock.now += IDLE_SECONDS
    desk.crew.look()
    assert desk.wanted[-1] == ()


def test_one_that_loads_in_this_process_is_asked_of_nobody(clock: Clock) -> None:
    desk = Desk()
    seat = desk.crew.expect_copy_here(ExpectCopy(b"as"))
    desk.do(desk.crew.opened(Opened(seat.slot, seat.number)), desk.crew.all_open())
    desk.do(desk.crew.send(seat.slot, Ask(1)))
    assert desk.sent == [(seat, ExpectCopy(b"as")), (seat, Ask(1))]
    desk.crew.end_copy()
    assert not desk.wanted and not desk.crew.is_there(seat.slot)
    desk.do(desk.crew.send(seat.slot, _group(1)))
    assert desk.wanted == [(Seat(seat.slot, seat.number + 1),)]


def _tables(count: int, size: int) -> list[CopyTable]:
    return [CopyTable("s", f"t{number}", "", 1, size) for number in range(count)]


@pytest.mark.parametrize(
    ("tables", "workers", "count"),
    [
        ([], 4, 0),
        (_tables(1, ONE_BYTES), 4, 0),
        (_tables(1, ONE_BYTES + 1), 4, 2),
        (_tables(2, ONE_BYTES), 4, 3),
        (_tables(40, ONE_BYTES), 4, 4),
        (_tables(1, 1 << 40), 1, 1),
        (_tables(ONE_TABLES, 0), 4, 0),
        (_tables(ONE_TABLES + 1, 0), 4, 2),
        (_tables(10_000, 0), 4, 4),
    ],
)
def test_a_copy_has_as_many_loaders_as_there_is_work_for(tables: list[CopyTable], workers: int, count: int) -> None:
    assert loaders_for(tables, workers) == count
