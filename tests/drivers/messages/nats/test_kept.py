"""The position outlives a purge of the events, whatever is purged; where it cannot, the job stops."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from tests.drivers.messages.nats.numbered_writer import AGAIN, DONE, Writer
from tests.drivers.messages.nats.small_sink import SmallSink, event, next_events
from udup.base.errors import Refused, Transient, UdupError
from udup.drivers.messages.nats import reading
from udup.drivers.messages.nats.connection import ApiError, Connection, Stored
from udup.drivers.messages.nats.frames import ID
from udup.drivers.messages.nats.kept import Kept
from udup.drivers.messages.nats.place import Place, find
from udup.drivers.messages.nats.stream import StreamState
from udup.node.nats_server import NatsServer
from udup.pipeline.ports.delivery import FoundPlace

PATIENCE = 60


async def _asked(sink: SmallSink, what: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    call, _, name = what.partition(" ")
    async with sink.asked() as connection:
        return await connection.ask(f"STREAM.{call}.{name or sink.sink().stream}", body or {})


async def _delivered(sink: SmallSink, count: int, run: int = 1) -> None:
    """Deliver five events at a time, from where the stream is."""
    async with sink.opened(run=run) as (delivery, found):
        begin = int(found.position or 0)
        for number in range(count):
            await delivery.send(sink.unit(number + 1, begin + 5 * number, 5))
        await delivery.stored()


@pytest.mark.parametrize("purge", [{}, {"filter": "{prefix}.>"}, {"keep": 3}, {"filter": "__udup-position.{prefix}"}])
def test_a_purge_of_any_kind_leaves_the_position_to_the_next_run(sink: SmallSink, purge: dict[str, Any]) -> None:
    what = {key: each.format(prefix=sink.prefix) if isinstance(each, str) else each for key, each in purge.items()}

    async def main() -> None:
        await _delivered(sink, 4)
        await _asked(sink, "PURGE", what)
        for run in (2, 3):
            assert await reading.position(sink.sink(), sink.url) == "20"
            async with sink.opened(run=run) as (_, found):
                assert found == FoundPlace("20")
            await _asked(sink, "PURGE", what)
        await _delivered(sink, 1, 4)
        assert (await sink.numbers())[-5:] == list(range(20, 25))

    asyncio.run(main())


def test_a_run_that_is_killed_leaves_the_position_too(sink: SmallSink) -> None:
    async def main() -> None:
        delivery = sink.delivery()
        await delivery.connect()
        await delivery.take_over()
        await delivery.send(sink.unit(1, 0, 5))
        await delivery.stored()
        async with asyncio.timeout(PATIENCE):
            while (await _kept(sink)).get(6) != Place("5"):
                await asyncio.sleep(0.01)
        await delivery._connected().client.close()  # it has no time to end
        await _asked(sink, "PURGE")
        async with sink.opened(run=2) as (_, found):
            assert found == FoundPlace("5")
        await delivery.close()

    asyncio.run(main())


async def _kept(sink: SmallSink) -> dict[int, Place]:
    async with sink.asked() as connection:
        state = StreamState.of(await connection.ask(f"STREAM.INFO.{sink.sink().stream}"))
        return dict(await Kept(connection, sink.sink()).read(state))


def test_a_position_that_nobody_has_noted_stops_the_job(sink: SmallSink) -> None:
    """As where the job was killed in the middle of a unit, and all was purged before it came back."""

    async def main() -> None:
        await _delivered(sink, 1)
        async with sink.asked() as connection:
            each = event(sink.prefix, 5)
            await connection.store(each.topic, each.value or b"", {ID: each.id})
        await _asked(sink, "PURGE")
        with pytest.raises(Refused, match="position is lost"):
            async with sink.opened(run=2):
                pass

    asyncio.run(main())


def test_an_older_position_is_not_taken_for_the_last_one(sink: SmallSink) -> None:
    """A run's first note stays when the messages behind it are purged, or when age has ended them."""

    async def main() -> None:
        await _delivered(sink, 1)
        await _asked(sink, "PURGE", {"filter": f"{sink.prefix}.>"})
        await _asked(sink, f"DELETE {sink.sink().kept_stream}")
        with pytest.raises(Refused, match="position is lost"):
            async with sink.opened(run=2):
                pass

    asyncio.run(main())


def test_a_stream_that_was_made_again_has_none_of_the_old_places(sink: SmallSink) -> None:
    async def main() -> None:
        await _delivered(sink, 1)
        await _asked(sink, "DELETE")
        async with sink.opened(run=2) as (_, found):
            assert found == FoundPlace(None)

    asyncio.run(main())


def test_a_stream_of_the_name_that_is_anothers_is_left_alone(sink: SmallSink) -> None:
    async def main() -> None:
        name = sink.sink().kept_stream
        await _asked(sink, f"CREATE {name}", {"name": name, "subjects": [f"x.{sink.prefix}"]})
        with pytest.raises(Refused, match=f"the stream {name} is there, and is another's"):
            async with sink.opened():
                pass

    asyncio.run(main())


def test_deleting_the_last_message_alone(sink: SmallSink) -> None:
    async def main() -> None:
        await sink.make({})
        await _delivered(sink, 1)
        await _asked(sink, f"MSG.DELETE {sink.sink().stream}", {"seq": 6})
        async with sink.opened(run=2) as (_, found):
            assert found == FoundPlace("5")

    asyncio.run(main())


def test_a_consumer_that_purges_all_of_a_full_stream_gets_each_event_once(sink: SmallSink) -> None:
    """The stream stops in the middle of units again and again."""
    sink.keys = {"Discard": "new", "MaxBytes": "20KB"}
    last, got, run, code = 600, list[int](), 0, AGAIN
    deadline = time.monotonic() + PATIENCE
    while code != DONE:
        run += 1
        code = Writer(sink, run, last).wait(PATIENCE) or 0
        assert code in (AGAIN, DONE) and time.monotonic() < deadline
        got += asyncio.run(sink.numbers())
        asyncio.run(_asked(sink, "PURGE"))
    assert run > 3 and got == list(range(last))


@pytest.mark.parametrize("foreign", [False, True])
def test_a_run_that_the_stream_stops_notes_what_the_stream_has(sink: SmallSink, foreign: bool) -> None:
    """Without looking: by then a consumer may have purged it. It is full, or somebody else has written into it."""

    async def main() -> None:
        for run in range(1, 6):
            with pytest.raises(Transient):
                async with sink.opened(run=run) as (delivery, found):
                    begin = int(found.position or 0)
                    if foreign:
                        await delivery.send(sink.unit(1, begin, 7))
                        await delivery.stored()
                        async with sink.asked() as other:
                            await other.store(f"{sink.prefix}.x", b"{}", {ID: f"uuid:-{run}:x:0"})
                    size = (await _asked(sink, "INFO"))["state"]["bytes"] + 3000 * run
                    await _asked(sink, "UPDATE", {**await sink.config(), "discard": "new", "max_bytes": size})
                    for number in range(2, 20):
                        first = begin + 100 * number
                        await delivery.send(sink.unit(number, first, 100))
                    await delivery.stored()
            async with sink.asked() as connection:
                state = StreamState.of(await connection.ask(f"STREAM.INFO.{sink.sink().stream}"))
                told = await find(connection, sink.sink(), state, _nothing)
            last = max(kept := await _kept(sink))
            assert told is not None
            ids = told.ids[: len(told.ids) - (state.last - last)]
            assert kept[last] == Place(told.position, ids) and state.last - last == foreign

    asyncio.run(main())


async def _nothing(_: StreamState) -> dict[int, Place]:
    return {}


@pytest.fixture
def server(server_folder: Path) -> Iterator[NatsServer]:
    """A server of the test's own, which it may kill."""
    server = NatsServer(server_folder / f"kept-{uuid.uuid4().hex[:8]}", 0)
    server.start()
    yield server
    server.stop()


def test_a_server_that_is_away_longer_than_the_events_live(server: NatsServer) -> None:
    sink = SmallSink(server.url, "aged", keys={"MaxAge": "1s"})
    asyncio.run(_delivered(sink, 1))
    asyncio.run(_asked(sink, "PURGE", {"filter": "__udup-position.aged"}))  # the note that no age ends
    os.kill(server.pid, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE
    while server.alive:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    server.start()

    async def main() -> None:
        async with asyncio.timeout(PATIENCE):
            while await _left(sink):
                await asyncio.sleep(0.05)
        async with sink.opened(run=2) as (_, found):
            assert next_events(found) == (5, set())

    asyncio.run(main())


async def _left(sink: SmallSink) -> bool:
    """Whether there are messages, or nobody can be asked yet."""
    try:
        return bool((await _asked(sink, "INFO"))["state"]["messages"])
    except (UdupError, ApiError):
        return True


class _Notes:
    """What is asked of the stream of notes."""

    def __init__(self, *said: tuple[int, str]) -> None:
        self._said = [{"stream": "made", "last": last, "position": position, "ids": []} for last, position in said]

    async def ask(self, _what: str) -> dict[str, Any]:
        return {"state": {"first_seq": 1, "last_seq": len(self._said) + 1}}

    async def message(self, stream: str, number: int) -> Stored | None:
        data = json.dumps(self._said[number - 1]).encode() if number <= len(self._said) else b"somebody else's"
        return Stored(number, stream, {}, data)


def test_numbers_that_were_given_again_count_as_they_were_given_last() -> None:
    """A server has lost its last messages, and a run has begun behind those that are left."""
    connection = cast("Connection", _Notes((6, "a"), (100, "b"), (110, "c"), (50, "d"), (60, "e")))
    sink = SmallSink("", "p").sink()
    found = asyncio.run(Kept(connection, sink).read(StreamState({}, 0, 0, 0, 110, "made")))
    assert found == {6: Place("a"), 50: Place("d"), 60: Place("e")}
    assert asyncio.run(Kept(connection, sink).read(StreamState({}, 0, 0, 0, 110, "later"))) == {}
