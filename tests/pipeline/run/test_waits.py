"""A run tells what it waits for, and by whom: the real engines over fake servers."""

from __future__ import annotations

import asyncio

import pytest

from tests.pipeline.machine import Machine, T
from udup.base.errors import Contended, Transient
from udup.pipeline.apply import applier, heard, wait_watch, worker
from udup.pipeline.waits import WaitKind


@pytest.fixture(autouse=True)
def quick(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits are told soon."""
    for name, seconds in (("ASKED_SECONDS", 0.05), ("AGAIN_SECONDS", 0.05), ("_LOOK_SECONDS", 0.02)):
        monkeypatch.setattr(wait_watch, name, seconds)
    monkeypatch.setattr(applier, "TOLD_SECONDS", 0.1)
    monkeypatch.setattr(heard, "REPORT_SECONDS", 0.02)
    monkeypatch.setattr(heard, "IDLE_SECONDS", 0.02)
    machine.target.settings.lock_wait_s = 30.0
    machine.insert("a", "b")
    asyncio.run(machine.run())


def test_a_row_that_somebody_has_locked_is_told_with_the_holder_until_it_is_free(machine: Machine) -> None:
    # In parts, which a worker applies beside its event loop; here all engines share one.
    keys = [f"k{number}" for number in range(200)]

    async def work() -> None:
        running = asyncio.ensure_future(machine.run(lambda: machine.is_level() and _told(machine) is None))
        with machine.target.locked_row(T, "k7"):
            number = machine.insert(*keys)
            await _until(running, lambda: getattr(_told(machine), "blocked_by", None) is not None)
            wait = _told(machine)
            assert wait is not None and wait.what is WaitKind.ROW_LOCK
            assert (wait.table, wait.gtid) == ("s.t", f"alpha:{number}") and wait.worker
        await running

    asyncio.run(work())
    assert machine.is_same()


def test_a_lock_that_is_held_for_long_is_worth_waiting_for_and_no_fault(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_TRIES", 2)
    machine.target.settings.lock_wait_s = 0.01
    number = machine.update("a")
    with machine.target.locked_row(T, "a"), pytest.raises(Transient) as ended:
        asyncio.run(machine.run())
    assert isinstance(ended.value, Contended) and ended.value.side == "target", ended.value
    asyncio.run(machine.run())
    assert str(number) in machine.target.rows(T)["a"]


def _told(machine: Machine):  # type: ignore[no-untyped-def]
    return machine.applied[-1].waiting_for if machine.applied else None


async def _until(running: asyncio.Future[None], condition) -> None:  # type: ignore[no-untyped-def]
    async with asyncio.timeout(15):
        while not condition():
            assert not running.done(), running
            await asyncio.sleep(0.01)
