"""Messages beyond the limit are refused by name, or their values are put elsewhere and named in their place."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from nats.js.object_store import ObjectStore

from tests.drivers.messages.nats.served import Served
from tests.drivers.messages.nats.small_sink import SmallSink, event
from udup.base.errors import Refused, Unavailable
from udup.drivers.messages.large_values import SKIPPED, UNAVAILABLE
from udup.drivers.messages.nats.frames import CLAIM
from udup.pipeline.ports.delivery import FoundPlace, Message, Unit

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


@pytest.fixture
def narrow(server_folder: Path) -> Iterator[SmallSink]:
    """A sink of a server that takes no large messages at all, not even the usual parts of an object."""
    server = Served(server_folder / f"narrow-{uuid.uuid4().hex[:8]}", f"max_payload: {LIMIT}")
    yield SmallSink("", "narrow", keys={"Url": server.address})
    server.kill()


def test_a_server_that_takes_small_messages_alone(narrow: SmallSink) -> None:
    async def deliver(large: str, run: int) -> None:
        narrow.large = large
        async with narrow.opened(run=run) as (delivery, found):
            begin = int(found.position or 0)
            events = [event(narrow.prefix, begin + each, value) for each, value in enumerate((None, LARGE, None))]
            await delivery.send(Unit(1, events, str(begin + 3)))
            await delivery.stored()

    async def main() -> None:
        with pytest.raises(Refused, match="20000 are possible"):
            await deliver("fail", 1)
        await deliver("skip-values", 2)
        await deliver("claim", 3)
        assert await narrow.numbers() == list(range(6))
        async with narrow.asked() as connection:
            bucket = await connection.client.jetstream().object_store("UDUP_narrow_LARGE")
            assert (await bucket.get("uuid:4:shop.orders:0")).data == LARGE

    asyncio.run(main())


def test_a_run_that_dies_between_a_value_and_its_message(sink: SmallSink, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one puts the value there again, and one message names it."""
    sink.large, put = "claim", ObjectStore.put

    async def put_and_die(store: ObjectStore, *what: Any) -> NoReturn:
        await put(store, *what)
        await store._js._nc.close()
        raise ConnectionError("killed")

    async def main() -> None:
        await sink.make({"max_msg_size": LIMIT})
        monkeypatch.setattr(ObjectStore, "put", put_and_die)
        with pytest.raises(Unavailable, match="cannot reach the object store"):
            async with sink.opened() as (delivery, _):
                await delivery.send(unit(sink, None, LARGE, None))
        monkeypatch.setattr(ObjectStore, "put", put)
        async with sink.opened(run=2) as (delivery, found):
            assert found == FoundPlace(None)
            await delivery.send(unit(sink, None, LARGE, None))
            await delivery.stored()
        assert await sink.numbers() == [0, 1, 2]
        async with sink.asked() as connection:
            bucket = await connection.client.jetstream().object_store(f"UDUP_{sink.prefix}_LARGE")
            [found_object] = await bucket.list()
            assert found_object.size == len(LARGE) and (await bucket.get(found_object.name or "")).data == LARGE
            state = (await connection.ask(f"STREAM.INFO.OBJ_UDUP_{sink.prefix}_LARGE"))["state"]
            assert state["messages"] == 2, "one part and what is said of it: nothing is left of the first try"

    asyncio.run(main())
