"""Jobs that join, leave and come back, on threads as they run: each gets the events of its own dump, and no more."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.drivers.mysql.stream.small_log import B, SmallDump, SmallLog, SmallNames, is_beat
from udup.base.endpoint import Endpoint
from udup.base.errors import Transient, UdupError, Unavailable
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.stream import job_events, shared_dump, sharing
from udup.drivers.mysql.stream.job_events import JobEvents
from udup.drivers.mysql.stream.replica import Replica
from udup.drivers.mysql.stream.sharing import SharedSource, Sharing

ENDPOINT = Endpoint("here", 3306, "u", "")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_events, "TRY_SECONDS", 0.0)
    monkeypatch.setattr(job_events, "SLOW_SECONDS", 0.01)
    monkeypatch.setattr(job_events, "BUSY_SECONDS", 0.0)
    monkeypatch.setattr(sharing, "AGAIN_SECONDS", 0.05)


class World:
    """A source with a log, and jobs that follow it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log = SmallLog()
        self.names = SmallNames()
        self.shared: list[SmallDump] = []
        self.source = SharedSource(ENDPOINT)
        monkeypatch.setattr(self.source, "_open", self._open)
        self.jobs: list[Job] = []

    def _open(self, start_after: GtidSet) -> tuple[SmallDump, SmallNames]:
        self.shared.append(self.log.dump(start_after))
        return self.shared[-1], self.names

    def job(self, name: str, start_after: str = "") -> Job:
        self.jobs.append(Job(self, name, GtidSet.parse(start_after)))
        return self.jobs[-1]

    def joined(self) -> list[str]:
        return sorted(job.name for job in self.jobs if job.events._shared is not None)

    def end(self) -> None:
        for job in self.jobs:
            job.end()


class Job:
    """Follows the log on a thread of its own. `held` keeps it from reading on."""

    def __init__(self, world: World, name: str, start_after: GtidSet) -> None:
        self.name, self.world, self.start_after = name, world, start_after
        self.held = threading.Event()
        self.got: list[bytes] = []
        self.error: Exception | None = None
        self.own: list[SmallDump] = []
        self.replica = Replica.of(name)
        self.events = JobEvents(world.source, self.replica, self._open(start_after), start_after, self._open)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _open(self, start_after: GtidSet) -> SmallDump:
        self.own.append(self.world.log.dump(start_after))
        return self.own[-1]

    def _run(self) -> None:
        try:
            for event in self.events:
                if not is_beat(event):
                    self.got.append(event)
                while self.held.is_set() and not self.events._closed:
                    time.sleep(0.001)
        except UdupError as error:
            self.error = error

    def is_level(self) -> bool:
        assert self.error is None, self.error
        return len(self.got) >= len(self.world.log.sent(self.start_after))

    def check(self) -> None:
        _until(self.is_level)
        assert self.got == self.world.log.sent(self.start_after)

    def end(self) -> None:
        self.events.close()
        self.thread.join(10)
        assert not self.thread.is_alive()


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.001)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    world = World(monkeypatch)
    yield world
    world.end()


def _four(world: World) -> list[Job]:
    """Four jobs that share one dump."""
    world.log.write(1)
    jobs = [world.job(name) for name in "abcd"]
    _until(lambda: len(world.joined()) == 4)
    return jobs


def test_four_jobs_share_one_dump_and_their_own_are_closed(world: World) -> None:
    jobs = _four(world)
    assert len(world.shared) == 1 and world.names.held == {job.replica.uuid for job in jobs}
    assert all(dump.closed for job in jobs for dump in job.own)
    for number in range(2, 20):
        world.log.write(number, number % 3)
    for job in jobs:
        job.check()
    assert len(world.shared) == 1 and all(len(job.own) == 1 for job in jobs)


def test_one_job_alone_shares_nothing(world: World) -> None:
    job = world.job("a")
    for number in range(1, 30):
        world.log.write(number)
    job.check()
    assert not world.shared and world.joined() == []


def test_a_job_that_ends_gives_its_name_back_and_the_others_go_on(world: World) -> None:
    jobs = _four(world)
    jobs[0].end()
    assert world.names.held == {job.replica.uuid for job in jobs[1:]}
    world.log.write(2)
    for job in jobs[1:]:
        job.check()
    again = world.job("a")
    _until(lambda: again.events._shared is not None)
    again.check()
    assert len(world.shared) == 1


def test_a_job_that_reads_no_further_goes_and_comes_back_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_dump, "MEMBER_BYTES", 2000)
    monkeypatch.setattr(shared_dump, "_BATCH_BYTES", 500)
    monkeypatch.setattr(shared_dump, "PATIENCE_SECONDS", 0.01)
    jobs = _four(world)
    jobs[0].held.set()
    for number in range(2, 60):
        world.log.write(number, 3)
    for job in jobs[1:]:
        job.check()
    _until(lambda: len(jobs[0].own) == 2)
    assert jobs[0].replica.uuid not in world.names.held and not jobs[0].own[1].closed
    jobs[0].held.clear()
    jobs[0].check()
    world.log.write(60)
    _until(lambda: len(world.joined()) == 4)
    for job in jobs:
        job.check()


@pytest.mark.parametrize("within", [False, True])
def test_the_end_of_the_shared_dump_ends_each_run_as_that_of_its_own_would(world: World, within: bool) -> None:
    jobs = _four(world)
    world.shared[0].close()
    for job in jobs:
        job.thread.join(10)
        assert isinstance(job.error, Unavailable), job.error
    assert world.names.closed and world.source._jobs == []


def test_the_next_run_of_a_job_on_another_node_ends_this_one(world: World) -> None:
    """Its name is another's when the shared dump is to stand in for it. Its own dump would have been ended as well."""
    world.log.write(1)
    world.names.others.add(Replica.of("b").uuid)
    jobs = [world.job(name) for name in "ab"]
    jobs[1].thread.join(10)
    assert type(jobs[1].error) is Transient and "another run of the job" in str(jobs[1].error)
    world.log.write(2)
    jobs[0].check()


def test_a_job_that_is_behind_for_good_keeps_its_own_dump(world: World) -> None:
    """It has a transaction in its set that the log has later, or lacks one that the others' sets have."""
    world.log.write(1)
    jobs = [world.job("a", f"{B}:77"), world.job("b", f"{B}:77"), world.job("c")]
    _until(lambda: world.joined() == ["a", "b"])
    for number in range(2, 10):
        world.log.write(number)
    for job in jobs:
        job.check()
    assert world.joined() == ["a", "b"]
    world.log.write(77, 2, B)  # left out for those that have it
    world.log.write(10)
    for job in jobs:
        job.check()


def test_nothing_is_shared_unless_that_is_turned_on() -> None:
    off = Sharing()
    assert off.of(ENDPOINT) is None
    off.turn_on()
    one = off.of(ENDPOINT)
    assert one is off.of(Endpoint("here", 3306, "u", "")) and one is not off.of(Endpoint("here", 3306, "v", ""))
    assert not sharing.SHARING.is_on


@pytest.mark.parametrize("seed", range(6))
def test_however_they_join_and_leave_each_gets_its_own_dumps_events(world: World, seed: int) -> None:
    """By chance: a log that grows and rotates, jobs that come, end, are slow, are sent away within transactions."""
    chance = random.Random(seed)
    numbers = itertools.count(1)
    for _ in range(10):
        world.log.grow(chance, numbers)
    starts = [str(world.log.executed), "", f"{B}:{chance.randrange(1, 60)}"]
    for name in "abcde":
        world.job(name, chance.choice(starts))
    times = 0
    for _ in range(60):
        world.log.grow(chance, numbers)
        if chance.random() < 0.3:
            job = chance.choice(world.jobs)
            job.held.clear() if job.held.is_set() else job.held.set()
        if (shared := chance.choice(world.jobs).events._shared) is not None and chance.random() < 0.5:
            shared[1].is_slow, times = True, times + 1
        time.sleep(chance.choice((0, 0, 0.001, 0.004)))
    for job in world.jobs:
        job.held.clear()
    for job in world.jobs:
        job.check()
    assert world.shared, "nothing was shared"
