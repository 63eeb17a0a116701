"""A job notices that its target is gone or hangs; one that has nothing to apply, that it takes no changes, too."""

from __future__ import annotations

import asyncio

import pytest

from tests.pipeline.machine import Machine, T
from udup.base.errors import Unavailable
from udup.pipeline.apply import applier, target_watch


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (
        ("REST_SECONDS", 0.05),
        ("BUSY_SECONDS", 0.1),
        ("ANSWER_SECONDS", 0.4),
        ("SILENT_SECONDS", 0.1),
        ("_LOOK_SECONDS", 0.02),
    ):
        monkeypatch.setattr(target_watch, name, seconds)
    monkeypatch.setattr(applier, "REPORT_SECONDS", 0.05)
    monkeypatch.setattr(applier, "IDLE_SECONDS", 0.05)


@pytest.fixture
def at_rest(machine: Machine) -> Machine:
    """A job that has applied everything."""
    machine.insert("a", "b")
    asyncio.run(machine.run())
    return machine


async def _asked(machine: Machine, call: str, times: int) -> None:
    async with asyncio.timeout(10):
        while machine.target.faults.calls.get(call, 0) < times:
            await asyncio.sleep(0.01)


def test_a_target_at_rest_is_asked_regularly_and_the_job_goes_on(at_rest: Machine) -> None:
    async def work() -> None:
        running = asyncio.ensure_future(at_rest.run(lambda: False))
        await _asked(at_rest, "TargetControl.check", 4)
        assert not running.done()
        at_rest.update("a")
        await at_rest.caught_up()
        running.cancel()

    asyncio.run(work())
    assert at_rest.is_same()


def test_a_target_that_takes_no_changes_ends_an_idle_run(at_rest: Machine) -> None:
    async def work() -> None:
        running = asyncio.ensure_future(at_rest.run(lambda: False))
        await _asked(at_rest, "TargetControl.check", 1)
        at_rest.target.settings.read_only = True
        with pytest.raises(Unavailable, match="read-only"):
            await running
        with pytest.raises(Unavailable, match="read-only"):
            await at_rest.run(lambda: False)
        at_rest.target.settings.read_only = False
        at_rest.update("b")
        await at_rest.run()

    asyncio.run(work())
    assert at_rest.is_same()


def test_a_target_that_hangs_is_not_level_and_then_ends_an_idle_run(at_rest: Machine) -> None:
    async def work() -> None:
        running = asyncio.ensure_future(at_rest.run(lambda: False))
        async with asyncio.timeout(10):
            while not (at_rest.applied and at_rest.applied[-1].level):
                await asyncio.sleep(0.01)
        gate = at_rest.target.faults.hold("TargetControl.check")
        with pytest.raises(Unavailable, match="the target has answered nothing for"):
            await running
        gate.release()

    asyncio.run(work())
    said = [(each.level, each.lag_ms) for each in at_rest.applied]
    assert said[-1][0] is False and (said[-1][1] or 0) >= 100, said[-3:]


def test_a_statement_that_takes_long_is_left_alone_as_long_as_the_target_answers(machine: Machine) -> None:
    async def work() -> None:
        running = asyncio.ensure_future(machine.run(lambda: False))
        machine.insert("a")
        await machine.caught_up()
        gate = machine.target.faults.hold("TargetControl.run_definition", 1)
        machine.source.log.create(("s", "more"))
        await machine.reached(gate)
        await _asked(machine, "TargetControl.check apart", 3)
        assert not running.done(), "the definition runs for long, and the target is there"
        gate.release()
        await machine.caught_up()
        running.cancel()

    asyncio.run(work())


def test_a_target_that_hangs_under_way_ends_the_run(machine: Machine) -> None:
    async def work() -> None:
        running = asyncio.ensure_future(machine.run(lambda: False))
        machine.insert("a")
        await machine.caught_up()
        gate = machine.target.faults.hold("TargetControl.run_definition", 1)
        machine.source.log.create(("s", "more"))
        await machine.reached(gate)
        machine.target.faults.refuse("TargetControl.check apart", Unavailable("nobody answers"), None)
        with pytest.raises(Unavailable, match="nobody answers"):
            await running
        gate.release()

    asyncio.run(work())
    assert machine.target.rows(T)
