"""Rows of each table are counted as the source has logged them: none twice, whatever dies."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.pipeline.machine import Machine, T, U
from udup.base.errors import Transient
from udup.drivers.fake.target import FakeTarget
from udup.pipeline.apply import applier, table_changes
from udup.pipeline.ports.tables import TableChange, TableNames


def _counted(machine: Machine) -> dict[tuple[str, str], TableChange]:
    return machine.target.jobs.changed.of(machine.job)


async def _drained(machine: Machine) -> None:
    """Run until all is in the target, and end as a job that is paused does."""
    running = asyncio.ensure_future(machine.run(lambda: False))
    await machine.caught_up()
    machine.drain()
    await running


def _numbers(change: TableChange) -> tuple[int, int, int]:
    return change.inserted, change.updated, change.deleted


@pytest.mark.parametrize("workers", [1, 3])
def test_what_was_committed_is_counted_over_runs_that_are_drained(machine: Machine, workers: int) -> None:
    machine.workers = workers
    machine.insert("before")
    asyncio.run(machine.run())
    dice, inserted, updated, last = random.Random(workers), 0, 0, 0
    for run in range(3):
        for turn in range(20):
            if dice.random() < 0.2:  # a large one
                keys = [f"{run} {turn} {number}" for number in range(60)]
                machine.insert(*keys)
                inserted += len(keys)
            else:
                last = machine.update("before")
                updated += 1
        machine.source.log.prepare(f"x{run}", lambda rows: rows.update(T, "before"))
        machine.source.log.end(f"x{run}", commit=run != 1)
        updated += run != 1
        asyncio.run(_drained(machine))
    assert machine.is_same()
    change = _counted(machine)[T]
    assert _numbers(change) == (inserted, updated, 0) and change.uncounted == 0
    names = [TableNames(*T, *T), TableNames(*U, *U)]
    told = FakeTarget(machine.target).look_at_tables(machine.job, "", names)
    assert told.changes == (change,) and told.since_us > 0 and last < int(change.gtid.rpartition(":")[2])


def test_what_comes_again_after_a_death_is_counted_once(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applier, "FLUSH_SECONDS", 0.01)
    monkeypatch.setattr(table_changes, "WRITTEN_SECONDS", 0.0)
    machine.insert("a")
    asyncio.run(machine.run())
    for _ in range(4):
        for _ in range(10):
            machine.update("a")
        gate = machine.target.faults.hold("TargetControl.advance")

        async def die() -> None:
            running = asyncio.ensure_future(machine.run(lambda: False))
            await machine.reached(gate)  # noqa: B023 - it is run before the next turn
            machine.target.down()
            gate.release()  # noqa: B023
            with pytest.raises(Transient):
                await running

        asyncio.run(die())
        machine.target.up()
    machine.update("a")
    asyncio.run(_drained(machine))
    assert machine.is_same() and 1 <= _counted(machine)[T].updated <= 41
