"""A job notices that its target is gone or hangs; one that has nothing to apply, that it takes no changes, too.

What is under way there outlasts a stall, which is told meanwhile.
"""

from __future__ import annotations

import asyncio
import importlib
from typing import Any, cast

import pytest

from tests.pipeline.machine import Machine, T
from udup.base.errors import Unavailable
from udup.drivers.fake.faults import Gate
from udup.drivers.mysql.client import silence
from udup.pipeline.apply import heard, target_watch


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (
        ("REST_SECONDS", 0.05),
        ("SOONER_SECONDS", 0.0),
        ("BUSY_SECONDS", 0.1),
        ("ANSWER_SECONDS", 0.4),
        ("APART_ANSWER_SECONDS", 0.4),
        ("APART_SECONDS", 0.2),
        ("AGAIN_SECONDS", 0.02),
        ("SILENT_SECONDS", 0.1),
        ("_LOOK_SECONDS", 0.02),
    ):
        monkeypatch.setattr(target_watch, name, seconds)
    monkeypatch.setattr(heard, "REPORT_SECONDS", 0.05)
    monkeypatch.setattr(heard, "IDLE_SECONDS", 0.05)


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


async def _in_a_definition(machine: Machine) -> tuple[asyncio.Future[None], Gate]:
    """Return a run that carries out a definition, and what holds that up."""
    running = asyncio.ensure_future(machine.run(lambda: False))
    machine.insert("a")
    await machine.caught_up()
    gate = machine.target.faults.hold("TargetControl.run_definition", 1)
    machine.source.log.create(("s", "more"))
    await machine.reached(gate)
    return running, gate


def test_a_statement_that_takes_long_is_left_alone_as_long_as_the_target_answers(machine: Machine) -> None:
    async def work() -> None:
        running, gate = await _in_a_definition(machine)
        await _asked(machine, "TargetControl.check apart", 3)
        assert not running.done(), "the definition runs for long, and the target is there"
        gate.release()
        await machine.caught_up()
        running.cancel()

    asyncio.run(work())


def test_a_target_that_hangs_under_way_ends_the_run(machine: Machine) -> None:
    async def work() -> None:
        running, gate = await _in_a_definition(machine)
        machine.target.faults.refuse("TargetControl.check apart", Unavailable("nobody answers"), None)
        with pytest.raises(Unavailable, match="nobody answers"):
            await running
        gate.release()
        assert machine.target.faults.calls["TargetControl.check apart"] >= target_watch.APART_TRIES

    asyncio.run(work())
    assert machine.target.rows(T)


@pytest.mark.parametrize("call", ["TargetControl.run_definition", "CopyWriter.finish_table"])
@pytest.mark.parametrize("unanswered", [2, 5])
def test_a_stall_of_the_target_ends_neither_a_definition_nor_a_copy(
    machine: Machine, call: str, unanswered: int
) -> None:
    machine.insert("a")
    begins_with_copy = call.startswith("CopyWriter")
    faults = machine.target.faults

    async def work() -> None:
        gate = faults.hold(call, 1) if begins_with_copy else None
        running = asyncio.ensure_future(machine.run(lambda: False))
        if gate is None:
            await machine.caught_up()
            gate = faults.hold(call, 1)
            machine.source.log.create(("s", "more"))
        for nth in range(1, unanswered + 1):
            faults.refuse("TargetControl.check apart", Unavailable("a stall"), nth)
        await machine.reached(gate)
        await _asked(machine, "TargetControl.check apart", unanswered + 2)
        assert not running.done(), running
        gate.release()
        await machine.caught_up()
        running.cancel()

    asyncio.run(work())
    assert machine.runs == 1 and sum("check apart" in each for each in faults.fired) == unanswered
    assert machine.is_same()


def test_many_questions_that_fail_at_once_are_no_long_silence(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A port that is closed for a moment refuses each of them in a millisecond."""
    monkeypatch.setattr(target_watch, "APART_SECONDS", 60.0)

    async def work() -> None:
        running, gate = await _in_a_definition(machine)
        machine.target.faults.refuse("TargetControl.check apart", Unavailable("refused"), None)
        await _asked(machine, "TargetControl.check apart", target_watch.APART_TRIES + 3)
        assert not running.done()
        gate.release()
        running.cancel()

    asyncio.run(work())


def test_a_question_that_has_failed_counts_as_silence_until_one_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target_watch, "APART_SECONDS", 60.0)  # on a busy machine many are asked meanwhile

    class Control:
        is_there = False

        async def check(self, *, apart: bool = False) -> None:
            if not self.is_there:
                raise Unavailable("nobody answers")

    control = Control()

    async def work() -> None:
        watch = target_watch.TargetWatch(cast(Any, control))
        watching = asyncio.ensure_future(watch.run(lambda: False, lambda: True))
        said = []
        async with asyncio.timeout(10):
            while len(said) < 20:
                await asyncio.sleep(0.005)
                said += [watch.silent_ms] if watch.silent_ms else []
            assert said == sorted(said) and said[-1] >= 100, "it grows, between the questions too"
            control.is_there = True
            while watch.silent_ms:
                await asyncio.sleep(0.005)
        watching.cancel()

    asyncio.run(work())


def test_a_run_of_small_transactions_is_begun_again_after_two_questions_without_an_answer() -> None:
    class Control:
        asked = 0

        async def check(self, *, apart: bool = False) -> None:
            assert apart
            self.asked += 1
            raise Unavailable("nobody answers")

    control = Control()

    async def work() -> None:
        watch = target_watch.TargetWatch(cast(Any, control))
        async with asyncio.timeout(10):
            with pytest.raises(Unavailable):
                await watch.run(lambda: False, lambda: False)

    asyncio.run(work())
    assert control.asked == 2


def test_a_target_under_way_is_given_up_later_than_a_connection_by_its_driver() -> None:
    """The settings as they are: a run that the driver would go on with is not ended here."""
    watch = importlib.reload(target_watch)
    driver = silence.SILENT_SECONDS + (silence.UNANSWERED - 1) * silence.AGAIN_SECONDS
    here = watch.BUSY_SECONDS + max((watch.APART_TRIES - 1) * watch.AGAIN_SECONDS, watch.APART_SECONDS)
    assert watch.APART_TRIES > silence.UNANSWERED and watch.APART_SECONDS >= 60
    assert here > driver
    for seconds in (silence.ASK_SECONDS, 3 * silence.ASK_SECONDS):  # a connection that is not made; one that is
        driver += silence.UNANSWERED * seconds
        here += watch.APART_TRIES * seconds
        assert here >= driver
    assert watch.APART_ANSWER_SECONDS > 3 * silence.ASK_SECONDS, "the driver's own limit comes first"
