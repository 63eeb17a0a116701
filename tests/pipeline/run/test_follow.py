"""What the source commits is in the target in its order and once, whatever kind of transaction it is."""

from __future__ import annotations

import asyncio
import random
import threading
import time

import pytest

from tests.pipeline.machine import Machine, T, U
from udup.base.errors import Contended, Transient
from udup.pipeline.apply import worker
from udup.pipeline.selection.selection import Selection


@pytest.mark.parametrize("workers", [1, 3])
def test_any_mixture_of_transactions_is_in_order_and_once(machine: Machine, workers: int) -> None:
    machine.workers = workers
    asyncio.run(machine.run())
    dice = random.Random(workers)
    log, alive, prepared = machine.source.log, {f"k{number}" for number in range(8)}, 0
    machine.insert(*sorted(alive))
    for turn in range(120):
        keys = dice.sample(sorted(alive), 2)
        if dice.random() < 0.03:
            log.alter(T, f"shape {turn}")
        elif dice.random() < 0.05:
            log.rotate()
        elif dice.random() < 0.1:
            prepared += 1
            log.prepare(f"x{prepared}", lambda rows, keys=keys: rows.update(T, keys[0]))  # type: ignore[misc]
            log.end(f"x{prepared}", commit=dice.random() < 0.7)
        elif dice.random() < 0.1:
            large = [f"{turn}-{number}" for number in range(60)]
            machine.insert(*large)
        else:
            machine.update(*keys)
    asyncio.run(machine.run())
    assert machine.is_same()
    calls = machine.target.faults.calls
    assert calls["ApplySession.apply"] and calls["ApplySession.apply_part"] and calls["TargetControl.end_prepared"]


def test_a_large_transaction_goes_in_parts_and_becomes_visible_at_once(machine: Machine) -> None:
    asyncio.run(machine.run())
    machine.insert(*(f"k{number}" for number in range(200)))
    asyncio.run(machine.run())
    assert machine.is_same()
    assert machine.target.faults.calls["ApplySession.apply_part"] > 3


@pytest.mark.parametrize("commit", [True, False])
def test_the_end_of_a_prepared_transaction_may_come_in_a_later_run(machine: Machine, commit: bool) -> None:
    machine.insert("a")
    asyncio.run(machine.run())
    machine.source.log.prepare("x", lambda rows: rows.update(T, "a"))
    asyncio.run(machine.run())
    assert machine.target.rows(T) == {"a": ("3",)}
    machine.source.log.end("x", commit=commit)
    machine.update("a")
    asyncio.run(machine.run())
    assert machine.is_same()
    assert machine.target.jobs.kept == {}


@pytest.mark.parametrize("again", [True, False])
def test_a_prepared_transaction_that_the_source_has_lost_is_forgotten(machine: Machine, again: bool) -> None:
    """In a later run, too; and its xid may be used again."""
    machine.insert("a", "b")
    asyncio.run(machine.run())
    log = machine.source.log
    log.prepare("x", lambda rows: rows.update(T, "a"))
    log.prepare("y", lambda rows: rows.update(T, "b"))
    asyncio.run(machine.run())
    executed = machine.target.jobs.rows[machine.job].position()
    log.forget_prepared("x")
    if again:
        log.prepare("x", lambda rows: rows.update(T, "a"))
        log.end("x", commit=True)
    asyncio.run(machine.run(lambda: machine.is_level() and list(machine.target.jobs.kept) == [(machine.job, "y")]))
    assert again or str(machine.target.jobs.rows[machine.job].position()) == str(executed)
    log.end("y", commit=True)
    asyncio.run(machine.run())
    assert machine.is_same()
    assert machine.target.jobs.kept == {}


def test_a_definition_waits_for_all_before_it_and_what_follows_waits_for_it(machine: Machine) -> None:
    machine.insert("a", "b")
    asyncio.run(machine.run())
    machine.update("a")
    machine.source.log.alter(T, "id, name")
    machine.update("a")
    gate = machine.target.faults.hold("TargetControl.run_definition")

    async def work() -> None:
        running = asyncio.ensure_future(machine.run())
        await machine.reached(gate)
        assert machine.target.rows(T)["a"] == ("3", "4")
        gate.release()
        await running

    asyncio.run(work())
    assert machine.target.rows(T)["a"] == ("3", "4", "#5", "6")


def test_a_locked_row_is_waited_for(machine: Machine) -> None:
    """By a worker: the inline session does not wait. In this loop both stand still meanwhile, so a thread holds it."""
    machine.insert("a")
    asyncio.run(machine.run())
    machine.update("a")
    locked, calls = threading.Event(), machine.target.faults.calls

    def hold() -> None:
        with machine.target.locked_row(T, "a"):
            locked.set()
            end = time.monotonic() + 20
            while calls.get("ApplySession.apply", 0) < 2 and time.monotonic() < end:
                time.sleep(0.002)

    holder = threading.Thread(target=hold)
    holder.start()
    assert locked.wait(10)
    asyncio.run(machine.run())
    holder.join()
    assert machine.is_same()
    assert calls["InlineSession.apply"] and calls["ApplySession.apply"] >= 2


def test_a_row_that_stays_locked_ends_the_run_to_be_tried_again(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.insert("a")
    asyncio.run(machine.run())
    machine.update("a")
    monkeypatch.setattr(worker, "_FIRST_PAUSE", 0.001)
    machine.target.faults.refuse("ApplySession.apply", Contended("locked"), nth=None)
    machine.target.faults.refuse("InlineSession.apply", Contended("locked"), nth=None)
    with pytest.raises(Transient, match="locked"):
        asyncio.run(machine.run())
    machine.target.faults.forget()
    asyncio.run(machine.run())
    assert machine.is_same()


def test_what_is_not_the_jobs_is_noted_and_left_out(machine: Machine) -> None:
    machine.selection = Selection.of([("s", ["t"])])
    machine.insert("a")
    asyncio.run(machine.run())
    machine.insert("b", table=U)
    machine.update("a")
    machine.insert("c", table=U)
    asyncio.run(machine.run())
    assert machine.target.all_rows() == {T: machine.source.rows(T)}
