"""What the tests take for NATS behaves like it, and goes wrong as it is told."""

from __future__ import annotations

import asyncio

import pytest

from tests.pipeline.memory_link import Network
from udup.base.errors import Transient
from udup.pipeline.transport.link import MESSAGE_MAX


def _delivered(network: Network, sent: list[bytes]) -> list[bytes]:
    """Return what comes of messages that are sent one after the other."""

    async def work() -> list[bytes]:
        sender, reader = await network.open("", "sender"), await network.open("", "reader")
        received: list[bytes] = []

        async def take(data: bytes) -> None:
            received.append(data)

        await reader.subscribe("subject", take)
        for data in sent:
            await sender.publish("subject", data)
        for _ in range(20):
            await asyncio.sleep(0)
        error = reader.lost.exception() if reader.lost.done() else None
        await sender.close()
        await reader.close()
        if error is not None:
            raise error
        return received

    return asyncio.run(work())


def test_messages_of_any_size_come_once_and_in_order() -> None:
    sent = [b"a", b"", b"x" * (2 * MESSAGE_MAX + 7), b"b"]
    network = Network()
    assert _delivered(network, sent) == sent
    assert network.published == {"subject": 6}, "the large one goes in three"


@pytest.mark.parametrize("what", ["drop", "dup", "reorder"])
def test_what_is_to_go_wrong_does(what: str) -> None:
    network = Network()
    network.command(what, "sub*", nth=2)  # type: ignore[arg-type]
    try:
        received = _delivered(network, [b"1", b"2", b"3"])
        assert received == {"drop": [b"1", b"3"], "dup": [b"1", b"2", b"2", b"3"], "reorder": [b"1", b"3", b"2"]}[what]
    except Transient:  # where links number what they send
        assert what
    assert network.fired == [f"{what} subject"]


def test_a_link_that_is_cut_is_lost() -> None:
    network = Network()

    async def work() -> None:
        first, second = await network.open("", "first"), await network.open("", "second")
        network.cut("fir*")
        with pytest.raises(Transient):
            first.lost.result()
        assert not second.lost.done()
        await first.close()
        await second.close()

    asyncio.run(work())


def test_an_error_of_a_handler_ends_the_link_with_it() -> None:
    network = Network()

    async def work() -> None:
        link = await network.open("", "link")

        async def fail(_data: bytes) -> None:
            raise Transient("it cannot be")

        await link.subscribe("subject", fail)
        await link.publish("subject", b"x")
        with pytest.raises(Transient, match="it cannot be"):
            await asyncio.wait_for(link.lost, 5)
        await link.close()

    asyncio.run(work())
