"""Messages are read out of the stream again, from its start, from now or from a transaction on."""

from __future__ import annotations

import asyncio

import pytest
from nats.aio.msg import Msg
from nats.errors import TimeoutError as NatsTimeout

from tests.drivers.messages.nats.small_sink import SmallSink, event, number_of
from udup.base.errors import Refused
from udup.drivers.messages.nats import reading
from udup.pipeline.ports.delivery import Message, Unit


def test_reading_ends_with_what_is_there(sink: SmallSink) -> None:
    async def main() -> None:
        async with sink.opened() as (delivery, _):
            assert await sink.seen() == []
            for number in range(1, 4):
                await delivery.send(sink.unit(number, (number - 1) * 300, 300))
            await delivery.stored()
            assert await sink.numbers() == list(range(900))
            assert await sink.seen(reading.NOW) == []
            assert [number_of(each.id) for each in await sink.seen("uuid:890")] == list(range(890, 900))
            with pytest.raises(Refused, match="no message of the transaction uuid:900"):
                await sink.seen("uuid:900")

    asyncio.run(main())


def test_reading_one_topic(sink: SmallSink) -> None:
    async def main() -> None:
        async with sink.opened() as (delivery, _):
            other = [Message(f"{sink.prefix}.shop.a b", None, b"{}", f"uuid:{n}:shop.a b:0") for n in range(5)]
            mixed = [
                each for pair in zip(other, (event(sink.prefix, n) for n in range(5)), strict=True) for each in pair
            ]
            await delivery.send(Unit(1, mixed, "5"))
            await delivery.stored()
        seen = await sink.seen(topic=f"{sink.prefix}.shop.a b")
        assert [each.id for each in seen] == [each.id for each in other]
        assert await sink.seen(topic=f"{sink.prefix}.nothing") == []

    asyncio.run(main())


def test_following_brings_what_comes(sink: SmallSink) -> None:
    async def main() -> None:
        async with sink.opened() as (delivery, _), asyncio.timeout(60):
            await delivery.send(sink.unit(1, 0, 5))
            await delivery.stored()
            seen: list[int] = []
            async for each in reading.read(sink.sink(), sink.url, follow=True):
                seen.append(number_of(each.id))
                if len(seen) == 5:
                    await delivery.send(sink.unit(2, 5, 5))
                if len(seen) == 10:
                    break
            assert seen == list(range(10))

    asyncio.run(main())


def test_a_stream_that_is_not_there_is_named(sink: SmallSink) -> None:
    with pytest.raises(Refused, match=f"stream {sink.sink().stream} .*there is no such stream"):
        asyncio.run(sink.seen())
    assert asyncio.run(reading.position(sink.sink(), sink.url)) is None


@pytest.mark.parametrize("error", [TimeoutError, NatsTimeout])
def test_nothing_for_a_moment_is_no_error_however_it_is_told(error: type[Exception]) -> None:
    class Reader:
        async def fetch(self, _batch: int, timeout: float) -> list[Msg]:
            raise error

    assert asyncio.run(reading._fetched(Reader())) == []  # type: ignore[arg-type]
