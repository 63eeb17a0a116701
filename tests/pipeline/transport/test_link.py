"""A link carries messages of any size in order, through a real NATS server; a lost one says so."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.freezing import FreezingLine
from udup.base.errors import Transient, Unavailable
from udup.node.nats_server import NatsServer
from udup.pipeline.transport import link as link_module
from udup.pipeline.transport.address import shown
from udup.pipeline.transport.link import MESSAGE_MAX, Arrivals, Departures, Joiner, Link, Subjects, split

SUBJECTS = Subjects("a job / with any name", 7)


@pytest.fixture(scope="module")
def nats(server_folder: Path) -> Iterator[NatsServer]:
    server = NatsServer(server_folder / "link", 0)
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize("size", [0, 1, MESSAGE_MAX, MESSAGE_MAX + 1, 3 * MESSAGE_MAX, 3 * MESSAGE_MAX + 5])
def test_what_was_split_is_put_together_again(size: int) -> None:
    data = bytes(range(1, 252)) * (size // 251) + bytes(size % 251)
    joiner = Joiner()
    messages = split(data)
    assert all(len(message) < 1 << 20 for message in messages)
    whole = [joiner.add(message) for message in messages]
    assert whole[-1] == data and whole[:-1] == [None] * (len(messages) - 1)
    assert joiner.add(b"next") == b"next"


def _sent(sender: int, *data: bytes) -> list[bytes]:
    departures = Departures(sender)
    return [message for each in data for message in departures.messages(SUBJECTS.reports, each)]


def test_a_message_that_was_lost_is_noticed_by_the_next_one() -> None:
    first, _, third = _sent(1, b"a", b"b", b"c")
    arrivals = Arrivals(SUBJECTS.reports)
    assert arrivals.add(first) == b"a"
    with pytest.raises(Transient, match="3 came after 1"):
        arrivals.add(third)


def test_the_first_message_may_not_be_lost_either() -> None:
    with pytest.raises(Transient, match="2 came after 0"):
        Arrivals(SUBJECTS.reports).add(_sent(1, b"a", b"b")[1])


def test_a_message_that_was_repeated_is_noticed() -> None:
    [message] = _sent(1, b"a")
    arrivals = Arrivals(SUBJECTS.reports)
    arrivals.add(message)
    with pytest.raises(Transient, match="1 came after 1"):
        arrivals.add(message)


def test_a_piece_of_a_long_message_may_not_be_lost() -> None:
    pieces = _sent(1, bytes(3 * MESSAGE_MAX))
    arrivals = Arrivals(SUBJECTS.reports)
    arrivals.add(pieces[0])
    with pytest.raises(Transient, match="lost or repeated"):
        arrivals.add(pieces[2])


def test_each_sender_has_numbers_of_its_own_and_its_long_messages_come_whole() -> None:
    long = {sender: bytes([sender]) * (MESSAGE_MAX + 5) for sender in (1, 2)}
    arrivals = Arrivals(SUBJECTS.reports)
    mixed = zip(_sent(1, b"1", long[1]), _sent(2, b"2", long[2]), strict=True)
    whole = [arrivals.add(message) for pair in mixed for message in pair]
    assert [each for each in whole if each is not None] == [b"1", b"2", long[1], long[2]]


def test_what_is_no_message_of_udups_ends_the_run() -> None:
    with pytest.raises(Transient, match="not one of Udup's"):
        Arrivals(SUBJECTS.reports).add(b"x")


async def _through(url: str, sent: list[bytes]) -> list[bytes]:
    """Messages from one link to another."""
    received: list[bytes] = []
    complete = asyncio.Event()

    async def take(data: bytes) -> None:
        received.append(data)
        if len(received) == len(sent):
            complete.set()

    sender, reader = await Link.open(url, "sender"), await Link.open(url, "reader")
    try:
        await reader.subscribe(SUBJECTS.log, take)
        await reader.flush()
        for data in sent:
            await sender.publish(SUBJECTS.log, data)
        await asyncio.wait_for(complete.wait(), 20)
    finally:
        await sender.close()
        await reader.close()
    return received


def test_messages_of_any_size_come_once_and_in_order(nats: NatsServer) -> None:
    sent = [bytes([1 + number % 90]) * (3_000_000 if number % 50 == 0 else number * 10 + 1) for number in range(200)]
    assert asyncio.run(_through(nats.url, sent)) == sent


def test_other_runs_are_not_heard(nats: NatsServer) -> None:
    async def work() -> None:
        link = await Link.open(nats.url, "link")
        try:
            heard: asyncio.Queue[bytes] = asyncio.Queue()
            await link.subscribe(SUBJECTS.log, heard.put)
            await link.publish(Subjects(SUBJECTS.job_id, 8).log, b"another run")
            await link.publish(SUBJECTS.log, b"this run")
            assert await asyncio.wait_for(heard.get(), 10) == b"this run"
            assert heard.empty()
        finally:
            await link.close()

    asyncio.run(work())


def test_a_handlers_error_ends_the_link_with_it(nats: NatsServer) -> None:
    async def work() -> None:
        link = await Link.open(nats.url, "link")

        async def fail(_data: bytes) -> None:
            raise Transient("a message was lost on the way")

        await link.subscribe(SUBJECTS.upstream, fail)
        await link.publish(SUBJECTS.upstream, b"x")
        with pytest.raises(Transient, match="lost on the way"):
            await asyncio.wait_for(link.lost, 10)
        await link.close()

    asyncio.run(work())


def test_a_server_that_dies_is_a_lost_link_and_one_that_is_not_there_is_named(server_folder: Path) -> None:
    server = NatsServer(server_folder / "dying", 0)
    server.start()

    async def work() -> None:
        link = await Link.open(server.url, "link")
        server.stop()
        with pytest.raises(Transient, match="NATS"):
            await asyncio.wait_for(link.lost, 10)
        await link.close()
        with pytest.raises(Transient, match=shown(server.url)):
            await Link.open(server.url, "link")

    asyncio.run(work())


@pytest.mark.parametrize("sends", [False, True])
def test_a_line_that_swallows_everything_is_a_lost_link(
    nats: NatsServer, monkeypatch: pytest.MonkeyPatch, sends: bool
) -> None:
    """Both of its ends stay open, and nobody is told anything."""
    assert link_module.PING_SECONDS * (link_module.PINGS + 1) <= 30, "as the docs say"
    monkeypatch.setattr(link_module, "PING_SECONDS", 0.1)

    async def work() -> None:
        with FreezingLine(nats.port) as line:
            link = await Link.open(nats.url.replace(f":{nats.port}", f":{line.port}"), "link")
            line.freeze()
            if sends:
                await link.publish(SUBJECTS.log, b"x" * 3_000_000)
            with pytest.raises(Unavailable, match="NATS"):
                await asyncio.wait_for(link.lost, 20)
            line.thaw()
            await link.close()

    asyncio.run(work())


def test_a_subscription_is_in_force_when_it_was_flushed(nats: NatsServer) -> None:
    """What is published then, by whomever, arrives: also the very first message."""

    async def run() -> None:
        for number in range(100, 150):
            subject = Subjects(SUBJECTS.job_id, number).log
            reader, sender = await Link.open(nats.url, "reader"), await Link.open(nats.url, "sender")
            heard: asyncio.Queue[bytes] = asyncio.Queue()
            await reader.subscribe(subject, heard.put)
            await reader.subscribe(f"{subject}.other", heard.put)
            await reader.flush()
            await sender.publish(subject, b"first")
            assert await asyncio.wait_for(heard.get(), 20) == b"first"
            await reader.close()
            await sender.close()

    asyncio.run(run())
