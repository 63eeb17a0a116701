"""A server that comes back begins its jobs a few at a time, and forgets none."""

from __future__ import annotations

import time

import pytest

from udup.actors.job import Job
from udup.actors.run import Phase, Run
from udup.actors.starting import AT_A_TIME, AT_MOST, Starting
from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.jobs import JobRecord, accept
from udup.sandbox.api import job_document


def _job(number: int) -> Job:
    document = job_document(f"j{number}", Endpoint("a", 1, "root", ""), Endpoint("b", 1, "root", ""), ["s"])
    spec, kept = accept({**document, "ID": f"j{number}"})
    return Job(JobRecord(id=spec.id, document=kept), spec, "nats://127.0.0.1:1", 1 << 20)


def _run(job: Job) -> Run:
    assert job.run is not None
    return job.run


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    monkeypatch.setattr(runtime, "now", lambda: made.now)
    monkeypatch.setattr(runtime, "idle_seconds", lambda: made.idle)
    return made


class Machine:
    """Virtual time, and how much of it nothing is done."""

    now = 100.0
    idle = 50.0

    def passes(self, seconds: float, idle_share: float) -> None:
        self.now += seconds
        self.idle += seconds * idle_share


class Starts:
    """Jobs that want to begin, of which each that has its turn does."""

    def __init__(self, count: int) -> None:
        self.jobs = {job.id: job for job in (_job(number) for number in range(count))}
        self.wakes = 0
        self.starting = Starting(self.jobs, self._wake)
        self.begun: list[str] = []
        for job in self.jobs.values():
            self.settle(job)

    def _wake(self) -> None:
        self.wakes += 1

    def settle(self, job: Job) -> None:
        if self.starting.admits(job):
            self.begun.append(job.id)
            job.begin_run(len(self.begun))

    def turn(self) -> int:
        before = len(self.begun)
        for job in self.starting.next():
            self.settle(job)
        return len(self.begun) - before


def test_jobs_that_wait_for_their_servers_leave_their_places_to_others_while_the_machine_is_idle(
    machine: Machine,
) -> None:
    starts = Starts(100)
    assert len(starts.begun) == AT_A_TIME
    begun = []
    for _ in range(10):
        machine.passes(0.05, 0.9)
        begun.append(starts.turn())
    assert begun[:8] == [8, 8, 8, 8, 8, 8, 8, 0] and len(starts.begun) == AT_MOST


def test_a_machine_that_is_at_work_has_no_more_begun(machine: Machine) -> None:
    starts = Starts(100)
    for _ in range(20):
        machine.passes(0.05, 0.0)
        assert starts.turn() == 0
    machine.passes(0.05, 0.5)
    assert starts.turn() == 8
    machine.passes(0.05, 0.1)  # these keep it at work
    for job_id in starts.begun[:8]:
        _run(starts.jobs[job_id]).phase = Phase.RUNNING
    assert starts.turn() == 0, "it is a few again, and a few are starting"
    for job_id in starts.begun:
        _run(starts.jobs[job_id]).phase = Phase.RUNNING
    machine.passes(0.05, 0.0)
    assert starts.turn() == 8


def test_nobody_wakes_for_jobs_that_have_all_begun(machine: Machine) -> None:
    starts = Starts(10)
    assert starts.wakes == 1
    for job_id in starts.begun:
        _run(starts.jobs[job_id]).phase = Phase.RUNNING
    machine.passes(0.05, 0.0)
    assert starts.turn() == 2 and starts.wakes == 1


def test_all_have_their_turn_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "idle_seconds", lambda: 0.0)
    jobs = {job.id: job for job in (_job(number) for number in range(30))}
    wakes: list[int] = []
    starting = Starting(jobs, lambda: wakes.append(1))
    begun: list[str] = []

    def settle(job: Job) -> None:
        if starting.admits(job):
            begun.append(job.id)
            job.begin_run(len(begun))

    for job in jobs.values():
        settle(job)
    assert len(begun) == 8 and len(wakes) == 1
    assert starting.next() == [], "nobody has come further"
    for job_id in begun:
        _run(jobs[job_id]).phase = Phase.RUNNING
    del jobs["j20"]
    for job in starting.next():
        settle(job)
    assert len(begun) == 16 and len(wakes) == 3
    for job_id in begun[8:]:  # they wait for servers that do not answer
        _run(jobs[job_id]).began = time.monotonic() - 60
    for _ in range(3):
        for job in starting.next():
            settle(job)
        for job_id in begun:
            _run(jobs[job_id]).phase = Phase.RUNNING
    assert sorted(begun) == sorted(jobs)
