"""No more is under way than the windows hold: a slow target slows the source, and memory stays bounded."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import pytest

from tests.pipeline.machine import Machine
from udup.pipeline.records import Credit, decode_upstream
from udup.pipeline.transport.link import Arrivals

pytestmark = pytest.mark.slow  # real sockets, or waits in real time


class UnderWay:
    """What was sent and not credited, by channel, as the network has seen it: the most in messages and in bytes."""

    def __init__(self) -> None:
        self.messages: dict[str, int] = defaultdict(int)
        self.bytes: dict[str, int] = defaultdict(int)
        self._sent: dict[tuple[str, str], list[int]] = defaultdict(list)  # by run and channel: numbers begin again
        self._done: dict[tuple[str, str], int] = defaultdict(int)
        self._arrivals: dict[str, Arrivals] = {}

    def watch(self, subject: str, data: bytes) -> None:
        whole = self._arrivals.setdefault(subject, Arrivals(subject)).add(data)
        assert whole is not None, "small enough for one message"
        run, channel = subject.split(".", 3)[2:]
        if channel == "up" and isinstance(credit := decode_upstream(whole), Credit):
            self._done[run, credit.channel] = credit.number
        elif channel == "log" or channel.startswith("copy."):
            self._sent[run, channel].append(len(whole))
            left = self._sent[run, channel][self._done[run, channel] :]
            self.messages[channel] = max(self.messages[channel], len(left))
            self.bytes[channel] = max(self.bytes[channel], sum(left))

    @property
    def sent(self) -> int:
        """Messages of the log, of all runs."""
        return sum(len(sizes) for (_, channel), sizes in self._sent.items() if channel == "log")


@pytest.fixture
def under_way(machine: Machine) -> UnderWay:
    seen = UnderWay()
    machine.network.watch = seen.watch
    return seen


@pytest.mark.parametrize("window", [4, 16])
def test_no_more_messages_of_the_log_are_under_way_than_its_window_holds(
    machine: Machine, under_way: UnderWay, window: int
) -> None:
    machine.window_messages, machine.message_bytes = window, 100
    asyncio.run(machine.run())
    for number in range(150):
        machine.insert(f"k{number}")
    machine.target.faults.delay("ApplySession.apply", 0.0002)
    asyncio.run(machine.run())
    assert under_way.sent >= 150 and machine.is_same()
    assert under_way.messages["log"] == window, "it was filled, and never overfilled"


@pytest.mark.usefixtures("by_workers")
def test_no_more_bytes_are_under_way_than_the_windows_hold(machine: Machine, under_way: UnderWay) -> None:
    """Neither of the log nor of copied rows; one message fits in any case."""
    machine.window_bytes, machine.message_bytes = 3000, 500
    machine.workers = 2
    machine.insert(*(f"copied {number}" for number in range(400)))
    machine.target.faults.delay("RowLoader.load", 0.002)
    asyncio.run(machine.run())
    for number in range(20):
        machine.insert(*(f"{number} {each}" for each in range(40)))
    asyncio.run(machine.run())
    assert machine.is_same()
    for channel in ("log", "copy.1", "copy.2"):
        assert 2000 < under_way.bytes[channel] <= 3000, channel


def test_a_target_that_stands_still_stops_the_reading_of_the_source(machine: Machine, under_way: UnderWay) -> None:
    """Whatever is written meanwhile stays in the source's log."""
    asyncio.run(machine.run())
    machine.window_messages, machine.message_bytes = 4, 100
    before = under_way.sent
    gate = machine.target.faults.hold("TargetControl.check_tables")
    for number in range(100):
        machine.insert(f"k{number}")

    async def work() -> None:
        running = asyncio.ensure_future(machine.run())
        await machine.reached(gate)
        while under_way.sent < before + 4:
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.05)
        stands = under_way.sent
        assert stands <= before + 25, "a few were credited before the first row was looked at, heartbeats too"
        await asyncio.sleep(0.1)
        assert under_way.sent == stands
        gate.release()
        await running

    asyncio.run(work())
    assert under_way.sent >= before + 100
    assert machine.is_same()


def test_a_large_transaction_takes_no_more_room_than_the_window(machine: Machine, under_way: UnderWay) -> None:
    """Its parts are credited as they are applied, long before it ends."""
    asyncio.run(machine.run())
    machine.window_bytes, machine.message_bytes = 6000, 500
    machine.insert(*(f"k{number}" for number in range(1000)))
    asyncio.run(machine.run())
    assert machine.is_same() and sum(machine.network.published.values()) > 20
    assert under_way.bytes["log"] <= 6000
