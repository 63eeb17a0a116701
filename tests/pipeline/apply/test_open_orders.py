"""An order is done once; a worker that is silent is asked, and only one that has dropped an order ends the run."""

from __future__ import annotations

import pytest

from tests.pipeline.apply.clock import Clock
from udup.base.errors import Transient
from udup.pipeline.apply.open_orders import QUIET_SECONDS, OpenOrders
from udup.pipeline.orders import Answer
from udup.pipeline.waits import TOLD_SECONDS, WaitKind


def _asked(orders: OpenOrders) -> list[tuple[int, int]]:
    return [(slot, question.number) for slot, question in orders.questions()]


@pytest.mark.parametrize("slot, number, index", [(1, 8, -1), (2, 7, -1), (1, 7, 0), (9, 7, -1)])
def test_an_order_that_a_worker_does_not_have_is_not_done(clock: Clock, slot: int, number: int, index: int) -> None:
    orders = OpenOrders(2)
    orders.sent(1, 7, "u:1")
    with pytest.raises(Transient, match="did not have"):
        orders.done(slot, number, index)


def test_an_order_is_not_done_twice(clock: Clock) -> None:
    orders = OpenOrders(2)
    orders.sent(1, 7, "u:1")
    orders.sent(2, 8, "u:2", 0)
    orders.done(1, 7)
    orders.done(2, 8, 0)
    for slot, number, index in ((1, 7, -1), (2, 8, 0)):
        with pytest.raises(Transient):
            orders.done(slot, number, index)


def test_only_a_worker_that_has_orders_and_says_nothing_is_asked(clock: Clock) -> None:
    orders = OpenOrders(3)
    orders.sent(1, 1, "u:1")
    orders.sent(2, 2, "u:2")
    clock.now += QUIET_SECONDS - 1
    orders.heard(2)
    assert _asked(orders) == []
    clock.now += 1
    assert _asked(orders) == [(1, 1)]
    assert _asked(orders) == [], "not again at once"
    clock.now += QUIET_SECONDS
    assert _asked(orders) == [(1, 2), (2, 3)]


def test_while_rows_are_copied_workers_without_orders_are_asked_too(clock: Clock) -> None:
    orders = OpenOrders(2)
    assert [slot for slot, _ in orders.questions(copying=True)] == [1, 2]
    orders.answered(Answer(1, 1, 0))
    clock.now += QUIET_SECONDS
    orders.heard(1)
    assert [slot for slot, _ in orders.questions(copying=True)] == [2]
    assert _asked(orders) == []


def test_a_worker_that_is_busy_may_take_as_long_as_it_likes(clock: Clock) -> None:
    orders = OpenOrders(1)
    orders.sent(1, 1, "u:1")
    for number in range(1, 100):
        clock.now += QUIET_SECONDS
        assert _asked(orders) == [(1, number)]
        orders.answered(Answer(1, number, 1))


def test_a_worker_that_has_nothing_in_hand_has_dropped_what_it_was_sent_before(clock: Clock) -> None:
    orders = OpenOrders(1)
    orders.sent(1, 1, "u:1 to u:5")
    clock.now += QUIET_SECONDS
    [(_, question)] = orders.questions()
    with pytest.raises(Transient, match="has not done u:1 to u:5"):
        orders.answered(Answer(1, question.number, 0))


def test_what_was_sent_after_the_question_is_not_asked_about(clock: Clock) -> None:
    orders = OpenOrders(1)
    orders.sent(1, 1, "u:1")
    clock.now += QUIET_SECONDS
    [(_, first)] = orders.questions()
    orders.done(1, 1)
    orders.sent(1, 2, "u:2")
    orders.answered(Answer(1, first.number, 0))
    clock.now += QUIET_SECONDS
    [(_, second)] = orders.questions()
    orders.answered(Answer(1, first.number, 0))  # late, and of an earlier question
    with pytest.raises(Transient, match="u:2"):
        orders.answered(Answer(1, second.number, 0))


def test_what_is_waited_for_is_told_when_it_takes_long(clock: Clock) -> None:
    orders = OpenOrders(2)
    assert orders.longest() is None
    orders.sent(2, 1, "u:1")
    clock.now += 1
    orders.sent(1, 2, "u:2")
    assert orders.longest() is None
    began = clock.now - 1
    clock.now += TOLD_SECONDS
    waiting = orders.longest()
    assert waiting is not None
    assert (waiting.what, waiting.worker, waiting.gtid) == (WaitKind.STATEMENT, 2, "u:1")
    assert waiting.since == began + 1_000_000.0
