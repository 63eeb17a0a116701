"""A run that waits for its sink before it begins says so: nothing else of it is shown yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.pipeline.deliver.machine import Subscription
from udup.drivers.fake import messages
from udup.pipeline.apply import wait_watch
from udup.pipeline.apply.progress import WaitReport
from udup.pipeline.deliver import deliverer
from udup.pipeline.ports.delivery import FoundPlace
from udup.pipeline.waits import Wait, WaitKind


@pytest.mark.parametrize(("call", "kind"), [("connect", WaitKind.CONNECTION), ("take_over", WaitKind.TAKE_OVER)])
def test_what_a_start_waits_for_is_told(
    subscription: Subscription, monkeypatch: pytest.MonkeyPatch, call: str, kind: WaitKind
) -> None:
    monkeypatch.setattr(wait_watch, "_LOOK_SECONDS", 0.001)
    monkeypatch.setattr(deliverer, "TOLD_SECONDS", 0.01)
    usual: Callable[[messages.FakeDelivery], object] = getattr(messages.FakeDelivery, call)

    def said() -> list[Wait | None]:
        return [each.waiting_for for each in subscription.told if isinstance(each, WaitReport)]

    async def slow(delivery: messages.FakeDelivery) -> FoundPlace:
        while not said():
            await asyncio.sleep(0.002)
        found: FoundPlace = await usual(delivery)  # type: ignore[misc]
        return found

    monkeypatch.setattr(messages.FakeDelivery, call, slow)
    subscription.insert("a")
    asyncio.run(subscription.run())
    told = said()
    assert told[0] is not None and told[0].what is kind
