"""Whatever is killed, wherever: each event is in the stream once and in order.

The writers are processes that deliver numbered events; what kills them comes at random times.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drivers.messages.nats.numbered_writer import AGAIN, DONE, SUPERSEDED, Writer
from tests.drivers.messages.nats.small_sink import SmallSink
from udup.drivers.messages.nats.connection import Connection
from udup.drivers.messages.nats.frames import NOTE, OPERATION
from udup.node.nats_server import NatsServer

#: More events than a writer gets done before it is killed or taken over.
_NEVER = 10_000_000

#: Seconds for a test's writers to come to the end, on a busy machine.
PATIENCE = 120


@pytest.fixture
def server(server_folder: Path) -> Iterator[NatsServer]:
    """A server of the test's own, which it may kill."""
    server = NatsServer(server_folder / f"killed-{uuid.uuid4().hex[:8]}", 0)
    server.start()
    yield server
    server.stop()


def _last_number(sink: SmallSink) -> int:
    """How many messages the stream has had."""

    async def main() -> int:
        async with sink.asked() as connection:
            answer = await connection.ask(f"STREAM.INFO.{sink.sink().stream}")
            return int(answer["state"]["last_seq"])

    return asyncio.run(main())


def _wait_until_it_writes(sink: SmallSink, process: Writer, before: int) -> None:
    """Return when the stream has more than before, or the process has ended."""
    deadline = time.monotonic() + PATIENCE
    while process.code is None:
        try:
            if _last_number(sink) > before + 1:  # its note is the first
                return
        except Exception:
            if time.monotonic() > deadline:
                raise
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _all(sink: SmallSink) -> list[int]:
    return asyncio.run(sink.numbers())


def test_a_writer_that_is_killed_at_random(sink: SmallSink) -> None:
    last, chance, kills = 8_000, random.Random(7), 0
    deadline = time.monotonic() + PATIENCE
    for run in range(1, 1000):
        assert time.monotonic() < deadline
        before = _last_number(sink) if run > 1 else 0
        process = Writer(sink, run, last)
        _wait_until_it_writes(sink, process, before)
        code = process.wait(chance.uniform(0.0, 0.1) if kills < 6 else PATIENCE)
        if code is None:
            process.kill()
            kills += 1
        elif code == DONE:
            break
        else:
            assert code == AGAIN, process.said
    assert kills
    assert _all(sink) == list(range(last))


def test_a_writer_that_is_taken_over_while_it_writes(sink: SmallSink) -> None:
    """The earlier run goes on sending while the later one takes over: it ends, and is told by whom."""
    old = Writer(sink, 1, _NEVER)
    _wait_until_it_writes(sink, old, 0)
    deadline, run, last = time.monotonic() + PATIENCE, 2, _last_number(sink) + 3_000
    while (code := (new := Writer(sink, run, last)).wait(PATIENCE)) != DONE:
        assert code in (AGAIN, SUPERSEDED) and time.monotonic() < deadline, new.said
        run += 1
    code, said = old.wait(PATIENCE), old.said
    assert code in (SUPERSEDED, AGAIN) and said, said
    found = _all(sink)
    assert found == list(range(len(found))) and len(found) >= last


def test_another_owner_does_not_get_in_before_the_writer_is_dead(sink: SmallSink) -> None:
    old = Writer(sink, 1, _NEVER)
    _wait_until_it_writes(sink, old, 0)
    other = Writer(sink, 1, _NEVER, "node-2")
    assert other.wait(PATIENCE) == SUPERSEDED and "carried out by node-1 (run 1)" in other.said
    old.kill()
    deadline, last = time.monotonic() + PATIENCE, _last_number(sink) + 1_000
    while (code := (new := Writer(sink, 2, last, "node-2")).wait(PATIENCE)) != DONE:
        assert code in (AGAIN, SUPERSEDED) and time.monotonic() < deadline, new.said
    found = _all(sink)
    assert found == list(range(len(found))) and len(found) >= last


def _killed(server: NatsServer) -> None:
    os.kill(server.pid, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE
    while server.alive:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _started(server: NatsServer, sink: SmallSink) -> None:
    """Start it again and return when JetStream answers."""
    server.spawn()
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            _last_number(sink)
            return
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _store(folder: Path) -> Path:
    return folder / "jetstream"


@pytest.mark.parametrize("lost", ["nothing", "tail", "older copy"])
def test_a_server_that_is_killed_and_what_it_loses(server: NatsServer, server_folder: Path, lost: str) -> None:
    sink, last, chance = SmallSink(server.url, "killed"), 8_000, random.Random(3)
    folder = Path(server._folder)
    copy, kills, run, losses = server_folder / f"copy-{uuid.uuid4().hex[:8]}", 0, 0, 0
    deadline = time.monotonic() + PATIENCE
    while True:
        assert time.monotonic() < deadline
        run += 1
        before = _last_number(sink) if run > 1 else 0
        process = Writer(sink, run, last)
        _wait_until_it_writes(sink, process, before)
        code = process.wait(chance.uniform(0.02, 0.15) if kills < 3 else PATIENCE)
        if code == DONE:
            break
        if code is not None:
            assert code == AGAIN, process.said
            continue
        _killed(server)
        kills += 1
        assert process.wait(PATIENCE) == AGAIN, process.said
        if lost == "tail":
            losses += _cut_tail(_store(folder), chance)
        elif lost == "older copy" and copy.exists():
            shutil.rmtree(_store(folder))
            shutil.copytree(copy, _store(folder))
            losses += 1
        elif lost == "older copy":
            shutil.copytree(_store(folder), copy)
        _started(server, sink)
    assert kills and (losses or lost == "nothing")
    assert _all(sink) == list(range(last))


def _cut_tail(store: Path, chance: random.Random) -> int:
    """Cut the end off the newest block of messages, in the middle of one. Return whether there was any."""
    blocks = sorted(store.rglob("*.blk"), key=lambda each: int(each.stem))
    blocks = [each for each in blocks if "streams" in each.parts and each.stat().st_size > 10_000]
    if not blocks:
        return 0
    size = blocks[-1].stat().st_size
    os.truncate(blocks[-1], size - chance.randrange(100, 8000))
    return 1


def test_a_full_stream_holds_the_writer_and_then_takes_the_rest(sink: SmallSink) -> None:
    """The writer is killed too, where the stream has stopped in the middle of a unit."""
    last = 5_000

    async def limit(size: int) -> None:
        async with sink.asked() as connection:
            config = (await connection.ask(f"STREAM.INFO.{sink.sink().stream}"))["config"]
            await connection.ask(f"STREAM.UPDATE.{config['name']}", {**config, "discard": "new", "max_bytes": size})

    first = Writer(sink, 1, 1)
    assert first.wait(PATIENCE) == DONE
    asyncio.run(limit(300_000))
    for run in (2, 3):
        process = Writer(sink, run, last)
        assert process.wait(PATIENCE) == AGAIN
        assert "make room" in process.said
    asyncio.run(limit(-1))
    assert Writer(sink, 4, last).wait(PATIENCE) == DONE
    assert _all(sink) == list(range(last))


def test_the_notes_of_runs_do_not_pile_up(sink: SmallSink) -> None:
    for run in range(1, 4):
        assert Writer(sink, run, 10 * run).wait(PATIENCE) == DONE

    async def main() -> int:
        async with sink.asked() as connection:
            return await _notes(connection, sink)

    assert asyncio.run(main()) == 1
    assert _all(sink) == list(range(30))


async def _notes(connection: Connection, sink: SmallSink) -> int:
    stream = sink.sink().stream
    last = (await connection.ask(f"STREAM.INFO.{stream}"))["state"]["last_seq"]
    found = [await connection.message(stream, each) for each in range(1, last + 1)]
    return sum(1 for each in found if each is not None and each.headers.get(OPERATION) == NOTE)
