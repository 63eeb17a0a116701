"""What a consumer has of a stream while the job is killed, the stream is full, or somebody else writes into it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig
from nats.js.client import JetStreamContext

from tests.drivers.messages.nats.numbered_writer import AGAIN, DONE, Writer
from tests.drivers.messages.nats.small_sink import SmallSink, event, number_of
from udup.base.errors import Transient
from udup.drivers.messages.nats.frames import ID, NOTE, OPERATION
from udup.pipeline.ports.delivery import Unit

PATIENCE = 90


@asynccontextmanager
async def _consumer(sink: SmallSink, pending: int) -> AsyncIterator[JetStreamContext.PullSubscription]:
    """A durable one, that may have as many messages without an acknowledgement."""
    async with sink.asked() as connection:
        context = connection.client.jetstream()
        config = ConsumerConfig("slow", ack_policy=AckPolicy.EXPLICIT, max_ack_pending=pending, ack_wait=PATIENCE)
        await context.add_consumer(sink.sink().stream, config)
        yield await context.pull_subscribe_bind("slow", stream=sink.sink().stream)


def _number(message: Msg) -> int | None:
    headers = message.headers or {}
    return None if headers.get(OPERATION) == NOTE else number_of(headers[ID])


async def _read(consumer: JetStreamContext.PullSubscription, count: int, pause: float = 0.0) -> list[int]:
    """Take as many events, one after the other; each is acknowledged after a pause."""
    found: list[int] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            try:
                messages = await consumer.fetch(5, timeout=0.5)
            except TimeoutError:
                continue
            for message in messages:
                number = _number(message)
                found += [] if number is None else [number]
                assert message.metadata.num_delivered == 1
                await asyncio.sleep(pause)
                await message.ack()
    return found


def test_a_slow_consumer_gets_each_event_once_while_the_job_is_killed(sink: SmallSink) -> None:
    last = 800
    assert Writer(sink, 1, 1).wait(PATIENCE) == DONE

    async def main() -> list[int]:
        async with _consumer(sink, 5) as consumer:
            reading = asyncio.create_task(_read(consumer, last, 0.001))
            for run in range(2, 5):
                writer = Writer(sink, run, last)
                before = await _last(sink)
                while writer.code is None and await _last(sink) < before + 100:
                    await asyncio.sleep(0.002)
                writer.kill()
            assert await asyncio.to_thread(Writer(sink, 9, last).wait, PATIENCE) == DONE
            return await reading

    assert asyncio.run(main()) == list(range(last))


async def _last(sink: SmallSink) -> int:
    async with sink.asked() as connection:
        return int((await connection.ask(f"STREAM.INFO.{sink.sink().stream}"))["state"]["last_seq"])


def test_a_consumer_that_is_too_slow_can_tell_what_it_has_missed(sink: SmallSink) -> None:
    """The stream has begun behind what it has acknowledged. What is left comes in order, without a hole."""

    async def main() -> None:
        await sink.make({"max_msgs": 2000})
        async with sink.opened() as (delivery, _), _consumer(sink, 100) as consumer:
            await delivery.send(sink.unit(1, 0, 100))
            await delivery.stored()
            read = await _read(consumer, 100)
            await delivery.send(sink.unit(2, 100, 4000))
            await delivery.stored()
            async with sink.asked() as connection:
                state = (await connection.ask(f"STREAM.INFO.{sink.sink().stream}"))["state"]
            floor = (await consumer.consumer_info()).ack_floor
            assert floor is not None
            missed = state["first_seq"] - floor.stream_seq - 1
            rest = await _read(consumer, 2000)
            assert read == list(range(100)) and rest == list(range(2100, 4100)) and missed == 2000

    asyncio.run(main())


def test_a_full_stream_goes_on_when_a_consumer_makes_room(sink: SmallSink) -> None:
    """It purges what it has acknowledged, again and again, while the job waits and begins again."""
    sink.keys = {"Discard": "new", "MaxBytes": "30KB"}
    last, runs = 700, 0
    assert Writer(sink, 1, 1).wait(PATIENCE) == DONE

    async def consume() -> list[int]:
        found: list[int] = []
        async with _consumer(sink, 20) as consumer, sink.asked() as connection:
            while len(found) < last:
                found += await _read(consumer, min(50, last - len(found)))
                floor = (await consumer.consumer_info()).ack_floor
                assert floor is not None
                await connection.ask(f"STREAM.PURGE.{sink.sink().stream}", {"seq": floor.stream_seq + 1})
        return found

    async def main() -> list[int]:
        nonlocal runs
        reading = asyncio.create_task(consume())
        code, deadline = AGAIN, time.monotonic() + PATIENCE
        while code != DONE:
            runs += 1
            code = await asyncio.to_thread(Writer(sink, 1 + runs, last).wait, PATIENCE) or 0
            assert code in (AGAIN, DONE) and time.monotonic() < deadline
        return await reading

    assert asyncio.run(main()) == list(range(last)) and runs > 1


def test_what_others_write_into_the_stream_ends_runs_and_nothing_else(sink: SmallSink) -> None:
    """Each run that meets it begins again, and says that somebody else writes there."""
    last, runs, told = 600, 0, set[str]()

    async def run_once() -> None:
        async with sink.opened(run=runs) as (delivery, found), sink.asked() as other:
            begin, ids = int(found.position or 0), {number_of(each) for each in found.ids}
            for first in range(begin, last, 20):
                if first == begin + 80:
                    await other.store(f"{sink.prefix}.x", b"{}", {ID: f"uuid:-{runs}:x:0"})
                events = [event(sink.prefix, each) for each in range(first, first + 20) if each not in ids]
                await delivery.send(Unit(first, events, str(first + 20)))
            await delivery.stored()

    async def main() -> None:
        nonlocal runs
        is_done = False
        while not is_done:
            runs += 1
            try:
                await run_once()
                is_done = True
            except Transient as error:
                told.add("somebody else has written" if "somebody else has written" in str(error) else str(error))
        assert [each for each in await sink.numbers() if each >= 0] == list(range(last))

    asyncio.run(main())
    assert runs > 3 and told == {"somebody else has written"}
