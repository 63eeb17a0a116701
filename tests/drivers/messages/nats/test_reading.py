"""Messages are read out of the stream again, from its start, from now or from a transaction on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from nats.aio.msg import Msg
from nats.errors import TimeoutError as NatsTimeout

from tests.drivers.messages.nats.small_sink import SmallSink, event, number_of
from udup.base.errors import Refused
from udup.drivers.messages.nats import reading
from udup.drivers.messages.nats.reading import StreamReader
from udup.pipeline.ports.delivery import Message, Unit
from udup.pipeline.ports.tail import NOW, START, TailRequest


def test_reading_ends_with_what_is_there(sink: SmallSink) -> None:
    async def main() -> None:
        async with sink.opened() as (delivery, _):
            assert await sink.seen() == []
            for number in range(1, 4):
                await delivery.send(sink.unit(number, (number - 1) * 300, 300))
            await delivery.stored()
            assert await sink.numbers() == list(range(900))
            assert await sink.seen(NOW) == []
            assert [number_of(each.id) for each in await sink.seen("uuid:890")] == list(range(890, 900))
            with pytest.raises(Refused, match="no message of the transaction uuid:900"):
                await sink.seen("uuid:900")

    asyncio.run(main())


def test_reading_one_table(sink: SmallSink) -> None:
    async def main() -> None:
        async with sink.opened() as (delivery, _):
            other = [Message(f"{sink.prefix}.shop.a b", None, b"{}", f"uuid:{n}:shop.a%20b:0") for n in range(5)]
            mixed = [
                each for pair in zip(other, (event(sink.prefix, n) for n in range(5)), strict=True) for each in pair
            ]
            await delivery.send(Unit(1, mixed, "5"))
            await delivery.stored()
        seen = await sink.seen(table=("shop", "a b"))
        assert [each.id for each in seen] == [each.id for each in other]
        assert [each.id for each in await sink.seen("uuid:3", ("shop", "a b"))] == [each.id for each in other[3:]]
        assert await sink.seen(table=("shop", "nothing")) == []

    asyncio.run(main())


def test_following_brings_what_comes_and_a_cursor_goes_on(sink: SmallSink) -> None:
    async def main() -> None:
        async with sink.opened() as (delivery, _), asyncio.timeout(60):
            await delivery.send(sink.unit(1, 0, 5))
            await delivery.stored()
            async with _opened(sink, TailRequest(START)) as reader:
                assert await _numbers(reader, 5) == [0, 1, 2, 3, 4]
                await delivery.send(sink.unit(2, 5, 5))
                assert await _numbers(reader, 5) == [5, 6, 7, 8, 9]
                cursor = reader.cursor
            await delivery.send(sink.unit(3, 10, 2))
            await delivery.stored()
            async with _opened(sink, TailRequest(START, cursor, follow=False)) as reader:
                assert await _numbers(reader, 2) == [10, 11]
            async with _opened(sink, TailRequest(NOW)) as reader:
                await delivery.send(sink.unit(4, 12, 1))
                await delivery.stored()
            async with _opened(sink, TailRequest(NOW, reader.cursor)) as reader:
                assert await _numbers(reader, 1) == [12], "now is the moment at which reading began"

    asyncio.run(main())


def test_a_long_search_goes_on_at_its_cursor(sink: SmallSink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_SEARCH_BATCH", 3)

    async def main() -> None:
        async with sink.opened() as (delivery, _), asyncio.timeout(60):
            await delivery.send(sink.unit(1, 0, 20))
            await delivery.stored()
        found: list[int] = []
        request = TailRequest("uuid:17", follow=False)
        while not found:
            async with _opened(sink, request) as reader:
                found = [number_of(each.id) for each in await reader.some()]
                request = replace(request, cursor=reader.cursor)
        assert found[0] == 17

    asyncio.run(main())


@pytest.mark.parametrize("cursor", ["", "x", "[]", '{"next":0}', '{"next":"1"}', '{"next":true}', '{"next":99}'])
def test_a_cursor_that_is_none_is_refused(sink: SmallSink, cursor: str) -> None:
    async def main() -> None:
        async with sink.opened():
            pass
        async with _opened(sink, TailRequest(START, cursor or "null")):
            pass

    with pytest.raises(Refused, match="cursor: "):
        asyncio.run(main())


@asynccontextmanager
async def _opened(sink: SmallSink, request: TailRequest) -> AsyncIterator[StreamReader]:
    reader = StreamReader(sink.sink(), sink.url, request)
    try:
        await reader.open()
        yield reader
    finally:
        await reader.close()


async def _numbers(reader: StreamReader, count: int) -> list[int]:
    found: list[int] = []
    while len(found) < count:
        found += [number_of(each.id) for each in await reader.some()]
    return found


def test_a_stream_that_is_not_there_is_named(sink: SmallSink) -> None:
    with pytest.raises(Refused, match=f"stream {sink.sink().stream} .*there is no such stream yet"):
        asyncio.run(sink.seen())
    assert asyncio.run(reading.position(sink.sink(), sink.url)) is None


@pytest.mark.parametrize("error", [TimeoutError, NatsTimeout])
def test_nothing_for_a_moment_is_no_error_however_it_is_told(sink: SmallSink, error: type[Exception]) -> None:
    class Consumer:
        async def fetch(self, _batch: int, timeout: float) -> list[Msg]:
            raise error

    assert asyncio.run(reading.fetched(Consumer(), 10)) == []  # type: ignore[arg-type]
