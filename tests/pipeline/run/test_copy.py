"""A full copy: whole at one position, again from the beginning when it fails, followed by what came meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from tests.pipeline.machine import Machine, T, U
from udup.base.errors import Refused, Transient
from udup.pipeline.extract import source_watch


def test_a_job_is_copied_and_then_followed(machine: Machine) -> None:
    machine.insert(*(f"k{number}" for number in range(45)))
    asyncio.run(machine.run())
    assert machine.begun_after == [None]
    assert machine.is_same()
    machine.update("k1", "k2")
    machine.source.log.alter(U, "id, name")
    machine.insert("a", table=U)
    asyncio.run(machine.run())
    assert machine.begun_after == [None, "alpha:1-3"]
    assert machine.is_same()


def test_what_is_written_while_it_copies_and_follows_comes_along(machine: Machine) -> None:
    machine.insert(*(f"k{number}" for number in range(45)))
    gate = machine.source.faults.hold("SourceCopy.read", nth=2)

    async def work() -> None:
        running = asyncio.ensure_future(machine.run(lambda: machine.is_level() and "late" in machine.target.rows(T)))
        await machine.reached(gate)
        machine.update("k1")
        machine.insert("early")
        gate.release()
        while not machine.is_level():
            await asyncio.sleep(0.01)
            assert not running.done() or running.result() is None
        for number in range(30):
            machine.update(f"k{number}")
        machine.insert("late")
        await running

    asyncio.run(work())
    assert machine.is_same()


def test_a_log_that_is_purged_while_it_copies_ends_the_copy_at_once(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REPORT_SECONDS", "IDLE_SECONDS", "FOLLOWING_SECONDS"):
        monkeypatch.setattr(source_watch, name, 0.02)
    machine.insert(*(f"k{number}" for number in range(45)))
    gate = machine.source.faults.hold("SourceCopy.read", nth=2)

    async def work() -> None:
        running = asyncio.ensure_future(machine.run(lambda: False))
        await machine.reached(gate)
        machine.source.log.purge(machine.update("k1"))
        with pytest.raises(Refused, match="has purged alpha:"):
            await running

    asyncio.run(work())


@pytest.mark.parametrize(
    "call",
    [
        "Source.open_copy",
        "SourceCopy.read",
        "CopyWriter.make_tables",
        "Target.open_loader",
        "RowLoader.load",
        "CopyWriter.finish_table",
        "CopyWriter.finish_tables",
        "CopyWriter.make_objects",
        "TargetControl.finish_copy",
        "TargetControl.claim_tables",
    ],
)
def test_a_copy_that_fails_in_any_phase_begins_again(machine: Machine, call: str) -> None:
    machine.insert(*(f"k{number}" for number in range(45)))
    server = machine.source if call.startswith("Source") else machine.target
    server.faults.cut("before", call, nth=2 if call in ("SourceCopy.read", "RowLoader.load") else 1)
    ended = asyncio.run(machine.run_to_the_end())
    assert len(ended) == 1 and server.faults.fired
    assert machine.is_same()


def test_a_worker_without_rows_opens_no_loader_which_a_copy_that_has_ended_would_refuse(machine: Machine) -> None:
    machine.insert("a")
    asyncio.run(machine.run())
    assert machine.is_same()
    assert machine.workers > 1 and machine.target.faults.calls["Target.open_loader"] == 1


def test_a_copy_whose_last_answer_is_lost_is_not_copied_again(machine: Machine) -> None:
    machine.insert("a")
    machine.target.faults.cut("after", "TargetControl.finish_copy")

    async def work() -> None:
        with pytest.raises(Transient):
            await machine.run(lambda: False)
        machine.update("a")
        await machine.run()

    asyncio.run(work())
    assert machine.begun_after == [None, "alpha:1-3"]
    assert machine.is_same()
