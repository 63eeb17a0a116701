"""Tables that join a subscription, and rows that are wished for once more: each exactly, and seen while it is read."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from tests.pipeline.deliver.machine import Subscription, T, U
from udup.base.errors import Transient
from udup.pipeline.apply.progress import CopyProgress
from udup.pipeline.ports.delivery import Message
from udup.pipeline.selection.selection import Selection

_ONE = Selection.of([("s", ["t"])])


def _reads(found: list[Message]) -> list[str]:
    return [each.id for each in found if each.operation == "r"]


def _copies(subscription: Subscription) -> list[CopyProgress]:
    return [each.copy for each in subscription.told if each.copy is not None]


def _begun_with_one_table(subscription: Subscription) -> None:
    subscription.start_after, subscription.selection = None, _ONE
    subscription.insert("1", "2")
    subscription.insert("a", "b", "c", table=U)
    asyncio.run(subscription.run())
    assert not subscription.rows(U)
    subscription.selection, subscription.told = Selection(), []


def test_a_table_that_joins_is_told_with_its_rows_and_then_as_complete(subscription: Subscription) -> None:
    _begun_with_one_table(subscription)
    subscription.insert("d", table=U)
    until = lambda: any(each.copy_phase == "done" for each in _copies(subscription))  # noqa: E731
    asyncio.run(subscription.run(until))
    assert len(_reads(subscription.rows(U))) == 4, "three that were there, one that came before it was read"
    first, last = _copies(subscription)[0], _copies(subscription)[-1]
    assert set(last.tables) == {"s.u"}, "what the job had is not read again"
    assert (first.copy_tables, first.tables["s.u"].total) == (1, 4)
    assert (last.tables["s.u"].rows, last.tables["s.u"].complete) == (4, True)
    assert (last.copy_phase, last.copy_tables_complete, last.copied_rows) == ("done", 1, 4)


def test_the_rest_of_the_log_follows_behind_the_rows(subscription: Subscription) -> None:
    _begun_with_one_table(subscription)
    asyncio.run(subscription.run(lambda: len(_reads(subscription.rows(U))) == 3))
    subscription.update("a", table=U)
    subscription.insert("e", table=U)
    asyncio.run(subscription.run())
    ids = [each.id for each in subscription.rows(U)]
    assert len(ids) == len(set(ids)) == 5
    assert [each.operation for each in subscription.rows(U)][:3] == ["r", "r", "r"]


def test_rows_that_are_wished_for_come_once_more_and_nothing_is_left_out(subscription: Subscription) -> None:
    _begun_with_one_table(subscription)
    subscription.selection = _ONE
    subscription.insert("3")
    subscription.wishes = ((1, ("s.t",)),)
    asyncio.run(subscription.run(lambda: len(_reads(subscription.rows(T))) >= 5))
    operations = [each.operation for each in subscription.rows(T)]
    assert operations == ["r", "r", "c", "r", "r", "r"]
    asyncio.run(subscription.run())
    assert len(_reads(subscription.rows(T))) == 5, "a wish that is in the position is not granted again"


@pytest.mark.parametrize("at", range(1, 6))
def test_a_run_that_ends_anywhere_loses_and_doubles_nothing(subscription: Subscription, at: int) -> None:
    _begun_with_one_table(subscription)
    subscription.source.faults.refuse("ChangeLog.next", Transient("gone"), nth=at)
    with suppress(Transient):
        asyncio.run(subscription.run(lambda: len(_reads(subscription.rows(U))) == 3))
    asyncio.run(subscription.run_to_the_end(until=lambda: len(_reads(subscription.rows(U))) == 3))
    assert len(subscription.ids()) == len(set(subscription.ids()))
