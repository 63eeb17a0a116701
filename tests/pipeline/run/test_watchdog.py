"""Silent workers are asked: one that has dropped an order ends the run, one that is busy never does."""

from __future__ import annotations

import asyncio
from fnmatch import fnmatch

import pytest

from tests.pipeline.machine import Machine
from udup.base.errors import Transient
from udup.pipeline.apply import applier, open_orders
from udup.pipeline.orders import Answer, Ask, decode_order, decode_report
from udup.pipeline.transport.link import Arrivals, Subjects

pytestmark = pytest.mark.slow  # real sockets, or waits in real time

pytestmark = pytest.mark.usefixtures("by_workers")

QUIET = 0.05


@pytest.fixture(autouse=True)
def following(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_orders, "QUIET_SECONDS", QUIET)
    monkeypatch.setattr(applier, "WATCH_SECONDS", QUIET / 2)
    machine.workers = 1
    machine.insert("a", "b")
    asyncio.run(machine.run())


def _subject(machine: Machine, channel: str) -> str:
    return f"udup.{Subjects(machine.job, 0).token}.*.{channel}"


@pytest.mark.parametrize("channel", ["work.1", "done"])
def test_the_last_order_or_its_report_is_missed_though_nothing_comes_after_it(machine: Machine, channel: str) -> None:
    async def work() -> None:
        running = asyncio.ensure_future(machine.run(lambda: False))
        machine.update("a")
        await machine.caught_up()
        await asyncio.sleep(1.1)  # the count of the rows that the worker has written was reported
        machine.network.command("drop", _subject(machine, channel))
        machine.update("a")
        with pytest.raises(Transient):
            await running
        assert machine.network.fired
        await machine.run()

    asyncio.run(work())
    assert machine.is_same()


def test_a_worker_that_is_busy_for_long_answers_and_is_left_alone(machine: Machine) -> None:
    """It is in the middle of a large transaction for many times as long as a silent one is waited for."""
    answers: list[Answer] = []
    questions: list[Ask] = []
    arrivals: dict[str, Arrivals] = {}

    def watch(subject: str, data: bytes) -> None:
        whole = arrivals.setdefault(subject, Arrivals(subject)).add(data)
        assert whole is not None
        if fnmatch(subject, _subject(machine, "work.1")) and isinstance(order := decode_order(whole), Ask):
            questions.append(order)
        if fnmatch(subject, _subject(machine, "done")) and isinstance(report := decode_report(whole), Answer):
            answers.append(report)

    machine.network.watch = watch
    gate = machine.target.faults.hold("ApplySession.apply_part", nth=2)
    machine.insert(*(f"k{number}" for number in range(200)))

    async def work() -> None:
        running = asyncio.ensure_future(machine.run())
        await machine.reached(gate)
        while len(answers) < 5:
            assert not running.done() or running.result()
            await asyncio.sleep(QUIET / 5)
        gate.release()
        await running

    asyncio.run(work())
    assert machine.runs == 2 and machine.is_same()
    assert [answer.number for answer in answers] == [question.number for question in questions][: len(answers)]
    assert all(answer.in_hand for answer in answers)


def test_a_worker_that_has_nothing_to_do_is_not_asked(machine: Machine) -> None:
    asked: list[str] = []

    async def work() -> None:
        running = asyncio.ensure_future(machine.run(lambda: False))
        machine.update("a")
        await machine.caught_up()
        await asyncio.sleep(QUIET)
        machine.network.watch = lambda subject, _: asked.append(subject)
        await asyncio.sleep(6 * QUIET)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(work())
    assert not [subject for subject in asked if fnmatch(subject, _subject(machine, "work.1"))]
