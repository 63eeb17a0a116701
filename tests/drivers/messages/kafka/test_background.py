"""Whatever ends the writing beside a run's calls is told by them: nobody waits for what does not come any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from confluent_kafka import KafkaError

from tests.drivers.contract.job import in_loop
from udup.actors.runs import START_SECONDS as RUN_SECONDS
from udup.base import runtime
from udup.base.errors import FailureKind, Transient, UdupError, Unavailable
from udup.drivers.messages.kafka import position
from udup.drivers.messages.kafka.config import KafkaSink
from udup.drivers.messages.kafka.delivery import KafkaDelivery
from udup.drivers.messages.kafka.errors import Heard
from udup.drivers.messages.kafka.position import Patience, read_until
from udup.drivers.messages.kafka.topics import ANSWER_SECONDS
from udup.drivers.messages.kafka.writer import START_SECONDS, Writer
from udup.pipeline.ports.delivery import DeliveryPlan, DeliverySettings, FoundPlace, Unit

_PLAN = DeliveryPlan("s", sink={"Brokers": ["127.0.0.1:1"], "MessageGroupMaxSize": 1})
_SETTINGS = DeliverySettings("job", 1, "owner", _PLAN)


class _Writer:
    """Stores by `on_store`, on the delivery's thread."""

    closing = False

    def __init__(self, on_store: Callable[[], None]) -> None:
        self._on_store = on_store

    def take_over(self) -> FoundPlace:
        return FoundPlace(None)

    def store(self, units: list[Unit]) -> None:
        self._on_store()

    def check(self) -> None: ...

    def close(self) -> None: ...


@asynccontextmanager
async def _taken(on_stored: Callable[[int], None], on_store: Callable[[], None] = lambda: None) -> Any:
    delivery = KafkaDelivery(KafkaSink.of(_PLAN), _SETTINGS, on_stored)
    delivery._writer = _Writer(on_store)  # type: ignore[assignment]
    await delivery.take_over()
    try:
        yield delivery
    finally:
        await asyncio.wait_for(delivery.close(), 5)


def _raise(error: Exception) -> Callable[..., None]:
    def call(*_: object) -> None:
        raise error

    return call


@pytest.mark.parametrize("calls", ["on_stored", "store"])
@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (Transient("no more"), FailureKind.TRANSIENT, "no more"),
        (KeyError("lost"), FailureKind.INTERNAL, "writing to Kafka at 127.0.0.1:1: KeyError: 'lost'"),
    ],
)
@in_loop
async def test_an_error_beside_the_calls_is_raised_by_all_that_follow(
    calls: str, error: Exception, kind: FailureKind, said: str
) -> None:
    failing = _raise(error)
    stored, store = (failing, lambda: None) if calls == "on_stored" else (lambda _: None, failing)
    async with _taken(stored, store) as delivery:
        with pytest.raises(UdupError) as raised:  # as soon as it has failed
            async with asyncio.timeout(5):
                await delivery.send(Unit(1, [], "{}"))
                await delivery.stored()
        assert raised.value.kind is kind and str(raised.value) == said
        for call in (delivery.stored, delivery.check, lambda: delivery.send(Unit(2, [], "{}"))):
            with pytest.raises(UdupError, match=said[-10:]):
                await asyncio.wait_for(call(), 5)


@in_loop
async def test_who_waits_while_the_run_is_closed_is_told_so() -> None:
    begun, go_on = runtime.Event(), runtime.Event()

    def slow() -> None:
        begun.set()
        assert go_on.wait(5)

    async with _taken(lambda _: None, slow) as delivery:
        await delivery.send(Unit(1, [], "{}"))
        await asyncio.to_thread(begun.wait, 5)
        waiting = asyncio.ensure_future(delivery.stored())
        closing = asyncio.ensure_future(delivery.close())
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.wait_for(closing, 5)
        with suppress(Transient):  # the unit that was under way may be stored
            await asyncio.wait_for(waiting, 5)
        with pytest.raises(Transient, match="has ended"):
            await delivery.send(Unit(2, [], "{}"))


class _Silent:
    """A consumer to which nothing comes."""

    closed = False

    def assign(self, places: object) -> None: ...

    def poll(self, seconds: float) -> None:
        runtime.sleep(0.001)

    def position(self, places: object) -> list[Any]:
        return []

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Silent]:
    reader = _Silent()
    monkeypatch.setattr(position, "consumer", lambda *_: reader)
    yield reader
    assert reader.closed


_RANGES = {("s.position", 0): (0, 5)}


def test_a_position_is_waited_for_no_longer_than_a_start_may_take(silent: _Silent) -> None:
    sink, heard = KafkaSink.of(_PLAN), Heard()
    with pytest.raises(Unavailable, match=r"reading s\.position\[0\] at 127\.0\.0\.1:1 .* A transaction is open there"):
        list(read_until(sink, _RANGES, heard, Patience(runtime.now() + 0.02)))
    heard(KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down"))
    with pytest.raises(Unavailable, match=r"reading s\.position\[0\].*brokers are down.*look at Brokers"):
        list(read_until(sink, _RANGES, heard, Patience(runtime.now())))


def test_a_run_that_has_ended_reads_no_further(silent: _Silent) -> None:
    writer = Writer(KafkaSink.of(_PLAN), _SETTINGS)
    writer.closing = True
    with pytest.raises(Transient, match="has ended"):
        list(read_until(KafkaSink.of(_PLAN), _RANGES, Heard(), writer._patience()))


def test_all_of_a_start_has_less_time_than_the_run_has_to_begin() -> None:
    assert START_SECONDS + 3 * ANSWER_SECONDS < RUN_SECONDS  # and answers that are under way when it is over
