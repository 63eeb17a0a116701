"""A source that loses its last transactions and gives their GTIDs to others: none is told as if it were the other."""

from __future__ import annotations

import asyncio

import pytest

from tests.pipeline.deliver.machine import Subscription
from udup.base.errors import Transient, UdupError, Unsupported
from udup.drivers.fake.position import FakePosition
from udup.pipeline.deliver import units
from udup.pipeline.deliver.place import Place


def _deliver_in_part(subscription: Subscription, cut: int) -> None:
    """Have a transaction of 30 rows in the sink in part; `cut` messages of its last unit are stored."""
    subscription.insert("before")
    asyncio.run(subscription.run())
    subscription.insert(*(f"lost {number}" for number in range(30)))
    subscription.sink.cuts[subscription.sink.units + 2] = cut
    with pytest.raises(Transient):
        asyncio.run(subscription.run())


@pytest.mark.parametrize("cut", [0, 5])
@pytest.mark.parametrize("looked", [False, True])
def test_a_transaction_that_was_told_in_part_is_not_ended_by_another(
    subscription: Subscription, monkeypatch: pytest.MonkeyPatch, cut: int, looked: bool
) -> None:
    monkeypatch.setattr(units, "UNIT_MESSAGES", 10)
    _deliver_in_part(subscription, cut)
    before = subscription.ids()
    assert before[-1].startswith("alpha:4:")
    subscription.source.log.lose(3)
    if looked:  # a run has looked at the source meanwhile, which had executed less
        with pytest.raises(Unsupported, match="told in part"):
            asyncio.run(subscription.run(lambda: False))
    subscription.insert(*(f"other {number}" for number in range(30)))
    subscription.insert("behind")
    with pytest.raises(Unsupported, match="told in part and is another"):
        asyncio.run(subscription.run())
    assert subscription.ids() == before


def test_what_was_told_in_part_and_not_lost_goes_on(
    subscription: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "UNIT_MESSAGES", 10)
    _deliver_in_part(subscription, 5)
    place = Place.parse(subscription.sink.position or "", FakePosition.parse)
    assert place.begun["alpha:4"].committed_us
    ended: list[UdupError] = asyncio.run(subscription.run_to_the_end())
    assert not ended and len(subscription.rows()) == 31
