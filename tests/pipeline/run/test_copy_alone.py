"""A copy alone: whole at one position, nothing of the log after it, and a checkpoint that a later run can follow."""

from __future__ import annotations

import asyncio

import pytest

from tests.pipeline.machine import Machine, T
from udup.pipeline.extract import beats, source_watch
from udup.pipeline.records import CopyEnd, decode_batch
from udup.pipeline.transport.link import Arrivals, Subjects


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beats, "BEAT_AT_REST_SECONDS", 0.02)
    for name in ("REPORT_SECONDS", "IDLE_SECONDS", "FOLLOWING_SECONDS"):
        monkeypatch.setattr(source_watch, name, 0.02)


def _has_its_copy(machine: Machine) -> bool:
    """Whether DestApplier has said so: what the supervisor ends the job by."""
    return bool(machine.applied) and machine.applied[-1].stage in ("catching_up", "running")


async def _copy(machine: Machine, *, late: str = "") -> None:
    """Carry out the copy; `late` is written when its snapshot stands."""
    gate = machine.source.faults.hold("SourceCopy.read", nth=2)
    running = asyncio.ensure_future(machine.run(lambda: _has_its_copy(machine)))
    await machine.reached(gate)
    if late:
        machine.insert(late)
    gate.release()
    await running


def test_a_copy_alone_brings_nothing_of_what_was_written_since(machine: Machine) -> None:
    machine.copy_alone = True
    machine.insert(*(f"k{number}" for number in range(45)))
    asyncio.run(_copy(machine, late="late"))
    assert sorted(machine.target.rows(T)) == sorted(f"k{number}" for number in range(45))
    assert str(machine.position()) == "alpha:1-3"


def test_a_copy_alone_ends_at_a_boundary_and_is_followed_later_without_another_copy(machine: Machine) -> None:
    machine.copy_alone = True
    machine.insert(*(f"k{number}" for number in range(45)))

    async def work() -> None:
        await _copy(machine, late="late")
        machine.applied.clear()
        running = asyncio.ensure_future(machine.run(lambda: False))
        async with asyncio.timeout(20):
            while not _has_its_copy(machine):
                await asyncio.sleep(0.005)
        machine.drain()
        await running  # it ends by itself

    asyncio.run(work())
    assert str(machine.position()) == "alpha:1-3", "a run that has its copy does nothing"
    machine.copy_alone = False
    asyncio.run(machine.run())
    assert machine.begun_after == [None, "alpha:1-3", "alpha:1-3"] and machine.is_same()


def test_the_checkpoint_of_a_copy_alone_knows_its_source(machine: Machine) -> None:
    machine.copy_alone = True
    machine.insert("a")

    async def work() -> None:
        running = asyncio.ensure_future(machine.run(lambda: False))
        async with asyncio.timeout(20):
            while not _has_its_copy(machine):
                await asyncio.sleep(0.005)
        machine.drain()
        await running

    asyncio.run(work())
    rows = machine.target.jobs.rows[machine.job]
    assert rows.source_uuid == "alpha" and rows.stamps.startswith("alpha:3@")


def test_a_log_that_is_purged_while_it_copies_does_not_end_a_copy_alone(machine: Machine) -> None:
    machine.copy_alone = True
    machine.insert(*(f"k{number}" for number in range(45)))
    gate = machine.source.faults.hold("SourceCopy.read", nth=2)

    async def work() -> None:
        running = asyncio.ensure_future(machine.run(lambda: _has_its_copy(machine)))
        await machine.reached(gate)
        machine.source.log.purge(machine.update("k1"))
        await asyncio.sleep(0.1)  # several looks of the source's watch
        gate.release()
        await running

    asyncio.run(work())
    assert len(machine.target.rows(T)) == 45


@pytest.mark.parametrize("call", ["SourceCopy.read", "TargetControl.finish_copy"])
def test_a_copy_alone_that_fails_begins_again(machine: Machine, call: str) -> None:
    machine.copy_alone = True
    machine.insert(*(f"k{number}" for number in range(45)))
    server = machine.target if call.startswith("Target") else machine.source
    server.faults.cut("before", call)

    ended = asyncio.run(machine.run_to_the_end(until=lambda: _has_its_copy(machine)))
    assert len(ended) == 1 and server.faults.fired and machine.is_same()


def test_a_log_that_cannot_be_opened_costs_a_copy_alone_nothing(machine: Machine) -> None:
    machine.copy_alone = True
    machine.insert(*(f"k{number}" for number in range(45)))
    machine.source.faults.cut("before", "ChangeLog.begin")
    ended = asyncio.run(machine.run_to_the_end(until=lambda: _has_its_copy(machine)))
    assert ended == [] and machine.source.faults.fired and machine.is_same()
    assert machine.target.jobs.rows[machine.job].source_uuid == "alpha", "who was copied is known all the same"


def test_a_lost_end_of_a_copy_alone_is_noticed(machine: Machine) -> None:
    """Nothing of the log follows, so heartbeats alone show that a message did not come."""
    machine.copy_alone = True
    machine.insert("a")
    sent: list[bytes] = []
    machine.network.watch = lambda subject, data: sent.append(data) if subject.endswith(".log") else None
    machine.network.command("drop", f"udup.{Subjects(machine.job, 0).token}.*.log", nth=6)
    ended = asyncio.run(machine.run_to_the_end(until=lambda: _has_its_copy(machine)))
    arrivals = Arrivals("log")
    batches = [decode_batch(data) for each in sent[:6] if (data := arrivals.add(each)) is not None]
    assert [type(record) for record in batches[5].records] == [CopyEnd], "this one was lost"
    assert len(ended) == 1 and machine.is_same()
