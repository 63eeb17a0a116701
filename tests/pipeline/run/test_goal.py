"""A run is asked whether it has all that its source has executed, and answers by what it has executed itself."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from tests.pipeline.machine import Machine
from udup.base.errors import UdupError
from udup.pipeline.selection.selection import Selection


async def _source_says(machine: Machine) -> str:
    assert machine.extractor is not None
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    machine.extractor.ask_executed(answer.set_result)
    return await asyncio.wait_for(answer, 10)


def _expect(machine: Machine, position: str, note: Callable[[], None] = lambda: None) -> asyncio.Event:
    assert machine.applier is not None
    reached = asyncio.Event()

    def then() -> None:
        note()
        reached.set()

    machine.applier.expect(position, then)
    return reached


def _beside_a_run(machine: Machine, work: Callable[[], object]) -> None:
    async def both() -> None:
        running = asyncio.ensure_future(machine.run(lambda: False))
        try:
            await machine.caught_up()
            await work()  # type: ignore[misc]
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(both())


def test_the_goal_is_reached_when_what_the_source_had_at_the_question_is_applied_and_not_before(
    machine: Machine, by_workers: None
) -> None:
    machine.insert("a")

    async def work() -> None:
        gate = machine.target.faults.hold("ApplySession.apply", when="before")
        order: list[str] = []

        def release() -> None:  # in a thread: a worker that is held keeps this loop
            assert gate.wait_until_reached()
            time.sleep(0.1)
            order.append("applied")
            gate.release()

        releasing = threading.Thread(target=release)
        releasing.start()
        number = machine.update("a")
        said = await _source_says(machine)
        assert said == f"alpha:1-{number}", "the report that has said level was older"
        reached = _expect(machine, said, lambda: order.append("reached"))
        machine.insert("b")  # later than the question
        await asyncio.wait_for(reached.wait(), 10)
        releasing.join()
        assert order == ["applied", "reached"]

    _beside_a_run(machine, work)


def test_transactions_that_are_no_matter_of_the_job_are_reached_as_well(machine: Machine) -> None:
    machine.selection = Selection.of([("s", [])])
    machine.insert("a")

    async def work() -> None:
        machine.source.log.create(("elsewhere", "t"))
        machine.insert("x", table=("elsewhere", "t"))
        await asyncio.wait_for(_expect(machine, await _source_says(machine)).wait(), 10)

    _beside_a_run(machine, work)


def test_what_is_there_already_is_said_at_once(machine: Machine) -> None:
    machine.insert("a")

    async def work() -> None:
        assert _expect(machine, await _source_says(machine)).is_set()

    _beside_a_run(machine, work)


def test_a_source_that_cannot_be_asked_ends_the_run(machine: Machine) -> None:
    machine.insert("a")

    async def both() -> None:
        running = asyncio.ensure_future(machine.run(lambda: False))
        await machine.caught_up()
        machine.source.faults.cut("before", "Source.executed")
        assert machine.extractor is not None
        machine.extractor.ask_executed(lambda said: pytest.fail(f"it said {said}"))
        with pytest.raises(UdupError):
            await asyncio.wait_for(running, 10)

    asyncio.run(both())
