"""A server that comes back begins its jobs a few at a time, and forgets none."""

from __future__ import annotations

import time

from udup.actors.job import Job
from udup.actors.run import Phase, Run
from udup.actors.starting import Starting
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


def test_all_have_their_turn_a_few_at_a_time() -> None:
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
