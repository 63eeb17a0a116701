"""A drained run finishes what is with the workers, notes it, and ends."""

from __future__ import annotations

import asyncio

import pytest

from tests.pipeline.machine import Machine
from udup.drivers.fake.position import FakePosition
from udup.pipeline.apply import heard


def _noted(machine: Machine) -> FakePosition:
    """What the base row alone says."""
    return FakePosition.parse(machine.target.jobs.rows[machine.job].executed)


def test_a_drained_run_ends_by_itself_with_all_of_it_in_the_base_row(machine: Machine) -> None:
    machine.insert("a")

    async def work() -> None:
        running = asyncio.ensure_future(machine.run(lambda: False))
        await machine.caught_up()
        machine.update("a")
        await machine.caught_up()
        machine.drain()
        await running

    asyncio.run(work())
    assert str(_noted(machine)) == "alpha:1-4"


def test_the_last_report_of_a_drained_run_says_how_far_it_has_come(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heard, "REPORT_SECONDS", 3600.0)

    async def work() -> None:
        running = asyncio.ensure_future(machine.run(lambda: False))
        for key in ("a", "b"):
            machine.insert(key)
            await machine.caught_up()
        machine.drain()
        await running

    asyncio.run(work())
    last = machine.applied[-1]
    assert last.applied_gtid == str(_noted(machine)) == str(machine.source.log.executed)
    assert last.waiting == last.groups == 0 and last.waiting_for is None


@pytest.mark.parametrize("marked", [False, True], ids=["with transactions", "without"])
def test_a_drain_in_the_middle_of_a_large_transaction_lets_it_end_and_begins_nothing_behind_it(
    machine: Machine, marked: bool
) -> None:
    table = ("s", "m")
    machine.source.log.create(table, transactional=not marked)
    machine.insert("a")
    asyncio.run(machine.run())
    large = machine.insert(*(f"k{number}" for number in range(300)), table=table)
    gate = machine.target.faults.hold("ApplySession.apply_part", nth=3)

    async def work() -> None:
        running = asyncio.ensure_future(machine.run(lambda: False))
        await machine.reached(gate)
        machine.drain()
        machine.update("a")
        await asyncio.sleep(0.1)
        assert not running.done(), "the worker has begun it"
        gate.release()
        await running

    asyncio.run(work())
    assert str(_noted(machine)) == f"alpha:1-{large}"
    assert machine.target.rows(table) == machine.source.rows(table)
    asyncio.run(machine.run())
    assert machine.is_same()


def test_a_drain_during_a_definition_lets_it_end(machine: Machine) -> None:
    machine.insert("a")
    asyncio.run(machine.run())
    altered = machine.source.log.alter(("s", "t"), "id, name")
    behind = machine.update("a")
    gate = machine.target.faults.hold("TargetControl.run_definition")

    async def work() -> None:
        running = asyncio.ensure_future(machine.run(lambda: False))
        await machine.reached(gate)
        machine.drain()
        gate.release()
        await running

    asyncio.run(work())
    assert machine.position().contains("alpha", altered) and not machine.position().contains("alpha", behind)
    asyncio.run(machine.run())
    assert machine.is_same()
