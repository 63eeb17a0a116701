"""What the target's side of a quiet job does: little, together with the heartbeats, and it misses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from tests.pipeline.machine import Machine
from tests.pipeline.virtual_loop import VirtualLoop, run_virtually
from udup.base.errors import Unavailable
from udup.drivers.fake.control import FakeControl
from udup.drivers.fake.target import FakeTarget
from udup.pipeline.apply import applier, lag, target_watch
from udup.pipeline.apply.applier import Applier
from udup.pipeline.apply.readiness import Staff, TargetReady
from udup.pipeline.records import Batch, Beat, encode
from udup.pipeline.transport.link import Link, Subjects

#: Seconds between heartbeats, and of rest that is looked at.
BEAT, REST = 6.0, 600.0


@dataclass
class _Job:
    """A job that is level; what its source would say is said here."""

    machine: Machine
    loop: VirtualLoop
    questions: list[float] = field(default_factory=list)
    number: int = 0

    def __post_init__(self) -> None:
        self.subjects = Subjects(self.machine.job, self.machine.runs)
        self.executed = str(self.machine.source.log.executed)

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        ready = asyncio.Event()

        def told(event: Staff | TargetReady) -> None:
            if isinstance(event, TargetReady):
                ready.set()

        machine = self.machine
        engine = Applier(machine._applier(), FakeTarget(machine.target), told, machine.applied.append)
        running = asyncio.ensure_future(engine.run())
        try:
            await ready.wait()
            self.link = await Link.open("", "the source")
            await self.beats(30)
            await work()
            assert not running.done()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def beat(self, silent: float = 0.0) -> None:
        self.number += 1
        beat = Beat(int(self.loop.clock * 1e6), self.executed, int(silent * 1e6))
        await self.link.publish(self.subjects.log, encode(Batch(self.number, [beat])))

    async def beats(self, seconds: float) -> None:
        for _ in range(int(seconds / BEAT)):
            await self.beat()
            await asyncio.sleep(BEAT)

    @property
    def told(self) -> tuple[bool, int | None]:
        last = self.machine.applied[-1]
        return last.level, last.lag_ms


@pytest.fixture
def at_rest(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[_Job], Awaitable[None]]], None]:
    machine.insert("a")
    asyncio.run(machine.run())
    monkeypatch.setattr(applier, "FLUSH_SECONDS", 1.0)

    def run(work: Callable[[_Job], Awaitable[None]]) -> None:
        async def virtually(loop: VirtualLoop) -> None:
            job = _Job(machine, loop)
            check = FakeControl.check

            async def asked(control: FakeControl, *, apart: bool = False) -> None:
                job.questions.append(loop.clock)
                await check(control, apart=apart)

            with monkeypatch.context() as patch:
                patch.setattr(FakeControl, "check", asked)
                await job.run(lambda: work(job))

        run_virtually(virtually, monkeypatch)

    return run


def test_a_quiet_job_is_woken_by_its_heartbeats_alone(at_rest: Callable[..., None], machine: Machine) -> None:
    async def work(job: _Job) -> None:
        upstream, beats = job.subjects.upstream, REST / BEAT
        wakes, asked = job.loop.wakes, len(job.questions)
        credits_, told = machine.network.published.get(upstream, 0), [each.as_dict() for each in machine.applied][-1]
        reports = len(machine.applied)
        await job.beats(REST)
        assert job.loop.wakes - wakes <= beats + 2, "nothing but what comes wakes it"
        assert machine.network.published[upstream] - credits_ <= beats / 2 + 1
        assert beats - 1 <= len(job.questions) - asked <= beats + 1, "the target is asked along with them"
        assert all(each.as_dict() == told for each in machine.applied[reports:]) and job.told == (True, 0)
        assert len(machine.applied) - reports >= beats - 1, "that the report holds is said each time"

    at_rest(work)


def test_a_target_is_asked_without_heartbeats_too(at_rest: Callable[..., None]) -> None:
    async def work(job: _Job) -> None:
        await asyncio.sleep(60)
        late = [after - before for before, after in zip(job.questions[-8:], job.questions[-7:], strict=False)]
        assert late and max(late) <= target_watch.REST_SECONDS + 0.1, late

    at_rest(work)


def test_that_the_source_is_silent_is_told_at_once(at_rest: Callable[..., None]) -> None:
    async def work(job: _Job) -> None:
        assert job.told == (True, 0)
        await job.beat(silent=3.3)
        await asyncio.sleep(1)
        level, behind = job.told
        assert not level and behind is not None and behind >= 3200
        await asyncio.sleep(10)
        assert (job.told[1] or 0) >= 12_000, "it grows though nobody says so again"
        await job.beat()
        await asyncio.sleep(3)
        assert job.told == (True, 0)

    at_rest(work)


def test_an_extractor_that_says_nothing_is_noticed_when_it_is_due(at_rest: Callable[..., None]) -> None:
    async def work(job: _Job) -> None:
        await asyncio.sleep(lag.SILENT_SECONDS - BEAT - 0.2)
        assert job.told == (True, 0)
        await asyncio.sleep(0.6)
        level, behind = job.told
        assert not level and behind is not None and behind >= lag.SILENT_SECONDS * 1000

    at_rest(work)


def test_a_target_that_does_not_answer_is_noticed_within_nine_seconds(
    at_rest: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_control: FakeControl, *, apart: bool = False) -> None:
        await asyncio.sleep(3600)
        raise Unavailable("too late")

    async def work(job: _Job) -> None:
        monkeypatch.setattr(FakeControl, "check", never)
        for _ in range(2):
            await job.beat()
            await asyncio.sleep(4.5)
        level, behind = job.told
        assert not level and behind is not None and behind >= target_watch.SILENT_SECONDS * 1000

    at_rest(work)
