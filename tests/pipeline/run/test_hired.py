"""A run has as many workers as it has work for: none for little, and none for long."""

from __future__ import annotations

import asyncio

import pytest

from tests.pipeline.machine import Machine
from udup.base.errors import Transient
from udup.pipeline.apply import applier, crew


def test_what_is_small_needs_no_worker(machine: Machine) -> None:
    machine.insert(*(f"k{number}" for number in range(45)))
    asyncio.run(machine.run())
    for number in range(20):
        machine.update(f"k{number}")
    asyncio.run(machine.run())
    assert machine.is_same() and machine.most_workers == 0


@pytest.mark.usefixtures("by_workers")
def test_what_is_more_is_loaded_and_applied_by_workers(machine: Machine) -> None:
    machine.insert(*(f"k{number}" for number in range(45)))
    asyncio.run(machine.run())
    assert machine.most_workers == machine.workers
    for number in range(45):
        machine.update(f"k{number}")
    asyncio.run(machine.run())
    assert machine.is_same() and machine.target.faults.calls["ApplySession.apply"] > 0


@pytest.mark.usefixtures("by_workers")
def test_workers_come_and_go_within_a_run(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each time another one works for the slot, whose row of the checkpoint goes on where it was."""
    monkeypatch.setattr(crew, "IDLE_SECONDS", 0.02)
    monkeypatch.setattr(applier, "WATCH_SECONDS", 0.01)
    machine.workers = 1

    async def work() -> None:
        running = asyncio.ensure_future(machine.run(lambda: False))
        numbers = []
        for turn in range(4):
            machine.insert(f"k{turn}")
            machine.update("k0")
            await machine.caught_up()
            numbers += [seat.number for seat in machine.crew]
            async with asyncio.timeout(10):
                while machine.crew:
                    await asyncio.sleep(0.005)
        assert len(set(numbers)) == len(numbers) > 2
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(work())
    assert machine.is_same() and machine.runs == 1


@pytest.mark.usefixtures("by_workers")
def test_a_worker_that_cannot_begin_ends_the_run_and_the_next_goes_on(machine: Machine) -> None:
    machine.insert("a")
    asyncio.run(machine.run())
    machine.target.faults.refuse("Target.open_session", Transient("too many connections"), nth=2)
    machine.update("a")
    [error] = asyncio.run(machine.run_to_the_end())
    assert "too many connections" in str(error)
    assert machine.is_same()


def test_rows_that_cannot_be_loaded_here_end_the_run(machine: Machine) -> None:
    machine.insert(*(f"k{number}" for number in range(45)))
    machine.target.faults.refuse("RowLoader.load", Transient("the disk is full"), nth=2)
    [error] = asyncio.run(machine.run_to_the_end())
    assert "the disk is full" in str(error)
    assert machine.is_same() and machine.most_workers == 0
