"""A transaction that is prepared only is no change yet: a job is level beside it, and goes on from before it."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.pipeline.deliver.machine import Subscription, T
from udup.drivers.fake.drivers import FakeDrivers, end_of
from udup.drivers.fake.messages import FakeDestination
from udup.drivers.fake.position import FakePosition
from udup.drivers.fake.server import forget, register
from udup.pipeline.deliver.delivered import SinkReader
from udup.pipeline.deliver.place import Place
from udup.pipeline.ports import JobPlan, Scope
from udup.pipeline.ports.delivery import DeliveryPlan, DeliverySettings
from udup.pipeline.selection.selection import Selection


def _place(subscription: Subscription) -> Place:
    return Place.parse(subscription.sink.position or "", FakePosition.parse)


def _said_level(subscription: Subscription) -> bool:
    return bool(subscription.told) and subscription.told[-1].level


def _applied(subscription: Subscription) -> str:
    """Return what the question whether the job is level takes for delivered."""
    end = end_of(register(subscription.source))
    asking = DeliverySettings.asking("job", DeliveryPlan("prefix"), "")
    plan = JobPlan("job", end, end, Scope(Selection()))
    try:
        return str(SinkReader(FakeDrivers(), FakeDestination(subscription.sink), asking, plan).executed())
    finally:
        forget(subscription.source.name)


def _keys(subscription: Subscription) -> list[str]:
    return [json.loads(each.key or b"") for each in subscription.rows()]


def test_a_job_is_level_while_a_transaction_stays_prepared(subscription: Subscription) -> None:
    subscription.source.log.prepare("x", lambda writing: writing.insert(T, "held"))
    subscription.insert("a")
    asyncio.run(subscription.run(lambda: _said_level(subscription) and _place(subscription).prepared == {"alpha:3"}))
    assert _keys(subscription) == ["a"]
    assert str(_place(subscription).executed) == "alpha:1-2:4"
    assert subscription.told[-1].applied_gtid == "alpha:1-2:4", "it is not said to be applied"
    assert _applied(subscription) == "alpha:1-4", "and nothing of it is waited for"


@pytest.mark.parametrize("commit", [True, False])
def test_a_run_goes_on_from_before_what_is_prepared(subscription: Subscription, commit: bool) -> None:
    log = subscription.source.log
    log.prepare("x", lambda writing: writing.insert(T, "held"))
    subscription.insert("a")
    asyncio.run(subscription.run(lambda: _said_level(subscription) and _place(subscription).prepared == {"alpha:3"}))
    log.end("x", commit=commit)
    subscription.told.clear()
    asyncio.run(subscription.run(lambda: _said_level(subscription) and subscription.is_level()))
    assert subscription.begun[-1].start_after == "alpha:1-2:4"
    assert _keys(subscription) == (["a", "held"] if commit else ["a"])
    assert not _place(subscription).prepared and str(_place(subscription).executed) == "alpha:1-5"


def test_whoever_waits_for_a_position_does_not_wait_for_the_end_of_what_is_prepared(
    subscription: Subscription,
) -> None:
    log = subscription.source.log
    reached: list[str] = []

    def is_reached() -> bool:
        deliverer = subscription.deliverer
        if deliverer is not None and subscription.begun and not reached:
            deliverer.expect("alpha:1-4", lambda: reached.append(str(subscription.position())))
        return bool(reached)

    subscription.insert("a")
    log.prepare("x", lambda writing: writing.insert(T, "held"))
    asyncio.run(subscription.run(is_reached))
    assert _keys(subscription) == ["a"]
    log.end("x", commit=True)
    asyncio.run(subscription.run())
    assert _keys(subscription) == ["a", "held"]
