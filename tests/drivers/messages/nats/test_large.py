"""Messages beyond the limit are refused by name, or their values are put elsewhere and named in their place."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.drivers.messages.nats.small_sink import SmallSink, event
from udup.base.errors import Refused
from udup.drivers.messages.large_values import SKIPPED, UNAVAILABLE
from udup.drivers.messages.nats.frames import CLAIM
from udup.pipeline.ports.delivery import Message, Unit

#: Bytes that the stream of these tests takes of a message.
LIMIT = 20_000

LARGE = json.dumps({"before": None, "after": {"id": 2, "a": "x" * 30_000, "b": "y" * 100}, "op": "c"}).encode()


def unit(sink: SmallSink, *values: bytes | None) -> Unit:
    return Unit(1, [event(sink.prefix, number, value) for number, value in enumerate(values)], str(len(values)))


def test_a_large_message_is_refused_by_name(sink: SmallSink) -> None:
    async def main() -> None:
        await sink.make({"max_msg_size": LIMIT})
        async with sink.opened() as (delivery, _):
            with pytest.raises(Refused) as told:
                await delivery.send(unit(sink, None, LARGE, None))
        assert told.value.table == "shop.orders" and told.value.gtid == "uuid:1"
        for part in ("uuid:1:shop.orders:0", "shop.orders", "20000 are possible", "LargeMessages to claim"):
            assert part in str(told.value)
        assert await sink.numbers() == []

    asyncio.run(main())


def test_a_large_value_is_claimed_from_an_object_store(sink: SmallSink) -> None:
    sink.large = "claim"

    async def main() -> None:
        await sink.make({"max_msg_size": LIMIT})
        async with sink.opened() as (delivery, _):
            await delivery.send(unit(sink, None, LARGE, LARGE, None))
            await delivery.stored()
        seen = await sink.seen()
        assert [each.id for each in seen] == [f"uuid:{number}:shop.orders:0" for number in range(4)]
        claim = json.loads(seen[1].value or b"")["claim"]
        assert claim == {"bucket": f"UDUP_{sink.prefix}_LARGE", "name": seen[1].id, "size": len(LARGE)}
        assert seen[1].headers[CLAIM] == f"{claim['bucket']}/{claim['name']}" and CLAIM not in seen[0].headers
        async with sink.asked() as connection:
            bucket = await connection.client.jetstream().object_store(claim["bucket"])
            assert (await bucket.get(claim["name"])).data == LARGE

    asyncio.run(main())


def test_long_values_are_skipped_and_named(sink: SmallSink) -> None:
    sink.large = "skip-values"

    async def main() -> None:
        await sink.make({"max_msg_size": LIMIT})
        async with sink.opened() as (delivery, _):
            await delivery.send(unit(sink, None, LARGE))
            await delivery.stored()
        [_, seen] = await sink.seen()
        after = json.loads(seen.value or b"")["after"]
        assert after == {"id": 2, "a": json.loads(UNAVAILABLE), "b": "y" * 100}
        assert json.loads(seen.headers[SKIPPED]) == ["a"]

    asyncio.run(main())


@pytest.mark.parametrize("large", ["claim", "skip-values"])
def test_a_key_that_is_too_large_is_refused_whatever_is_set(sink: SmallSink, large: str) -> None:
    sink.large = large

    async def main() -> None:
        async with sink.opened() as (delivery, _):
            message = Message(f"{sink.prefix}.t", b"k" * 70_000, b"{}", "g:1:t:0", (), "c", "t")
            with pytest.raises(Refused, match="the headers of g:1:t:0"):
                await delivery.send(Unit(1, [message], "1"))

    asyncio.run(main())
