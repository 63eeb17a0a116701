"""What the source's side of a quiet job does: few heartbeats, few questions, and what is news goes at once."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from tests.pipeline.virtual_loop import VirtualLoop, run_virtually
from udup.base import runtime
from udup.drivers.fake.position import FakePosition
from udup.pipeline.extract import source_watch
from udup.pipeline.extract.beats import BEAT_AT_REST_SECONDS, Beats
from udup.pipeline.extract.counters import ExtractCounters
from udup.pipeline.extract.source_watch import SourceWatch
from udup.pipeline.ports import ClockAnswer
from udup.pipeline.records import Beat, Format

#: Seconds between the heartbeats of a log.
HEARTBEAT = 1.5


class _Clock:
    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        self.asked: list[float] = []
        self.executed = "alpha:1-3"

    def read(self) -> ClockAnswer:
        self.asked.append(self.loop.clock)
        return ClockAnswer(int(self.loop.clock * 1e6), self.executed, "alpha")

    def close(self) -> None:
        """Nothing is held."""


class _Source:
    def __init__(self, clock: _Clock) -> None:
        self.clock = clock

    where = "memory"
    position = staticmethod(FakePosition.parse)

    def open_clock(self) -> _Clock:
        return self.clock


def test_an_idle_source_is_asked_rarely_and_soon_when_it_sends_something(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(loop: VirtualLoop) -> None:
        counters, clock = ExtractCounters(FakePosition.parse), _Clock(loop)
        watch = SourceWatch(cast(Any, _Source(clock)), counters, cast(Any, None), lambda: None)
        watch.follow("alpha")
        counters.begin("alpha:1-3")
        running = asyncio.ensure_future(watch.run())
        await asyncio.sleep(100)
        wakes, asked = loop.wakes, len(clock.asked)
        await asyncio.sleep(800)
        count = len(clock.asked) - asked
        assert 800 / source_watch.FOLLOWING_SECONDS - 1 <= count <= 800 / source_watch.FOLLOWING_SECONDS + 1
        assert loop.wakes - wakes <= count + 1, "and nobody wakes up in between"
        await asyncio.sleep(3)
        counters.read(Format(b"x"))
        sent = loop.clock
        await asyncio.sleep(0.1)
        assert sent <= clock.asked[-1] <= sent + 0.1, "it is at work: what it has is asked now"
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    run_virtually(work, monkeypatch)


class _Watch:
    def __init__(self) -> None:
        self.executed: str | None = None

    def beat(self) -> Beat | None:
        return None if self.executed is None else Beat(1, self.executed)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    clock = [1000.0]
    monkeypatch.setattr(runtime, "now", lambda: clock[0])
    return clock


def test_a_log_at_rest_has_every_fourth_of_its_heartbeats_passed_on_and_news_at_once(now: list[float]) -> None:
    watch = _Watch()
    beats = Beats(cast(Any, watch))
    assert beats.due(at_rest=True) is None, "nothing is known yet"
    watch.executed = "alpha:1"
    assert beats.due(at_rest=True) == Beat(1, "alpha:1"), "the first goes at once"
    sent = 0
    for _ in range(400):
        now[0] += HEARTBEAT
        sent += beats.due(at_rest=True) is not None
    assert sent == 100 and BEAT_AT_REST_SECONDS < 4 * HEARTBEAT
    watch.executed = "alpha:1-2"
    assert beats.due(at_rest=True) == Beat(1, "alpha:1-2")
    assert beats.due(at_rest=True) is None


def test_a_silent_source_is_told_each_time_and_so_is_that_it_is_back(now: list[float]) -> None:
    watch = _Watch()
    watch.executed = "alpha:1"
    beats = Beats(cast(Any, watch))
    beats.due()
    now[0] += 0.5
    assert beats.silent(3.5) == Beat(1, "alpha:1", 3_500_000)
    assert beats.silent(7.0) == Beat(1, "alpha:1", 7_000_000)
    assert beats.due(at_rest=True) == Beat(1, "alpha:1"), "it has said something"
    assert beats.due(at_rest=True) is None
