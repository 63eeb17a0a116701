"""A source whose log was reset is not followed, however its new log looks."""

from __future__ import annotations

import asyncio

import pytest

from tests.pipeline.machine import Machine
from udup.base.errors import Unsupported
from udup.pipeline.extract import source_watch


@pytest.fixture(autouse=True)
def following(machine: Machine) -> None:
    machine.insert("a", "b")
    for _ in range(3):
        machine.update("a")
    asyncio.run(machine.run(lambda: machine.is_level() and bool(machine.target.jobs.rows[machine.job].stamps)))


def _refused(machine: Machine, match: str) -> None:
    """The next run is refused, and changes nothing."""
    before = machine.target.all_rows()
    machine.target._watchers.clear()  # the log that they replay is no more
    with pytest.raises(Unsupported, match=match):
        asyncio.run(machine.run(lambda: False))
    assert machine.target.all_rows() == before


def test_one_that_has_fewer_transactions_than_the_job_has_had_is_refused(machine: Machine) -> None:
    machine.source.log.reset()
    machine.update("a")
    _refused(machine, "never executed")


def test_one_that_has_as_many_other_transactions_is_told_by_their_times(machine: Machine) -> None:
    """By their numbers alone it looks like the one that was followed."""
    had = len(machine.source.log.entries)
    machine.source.log.reset()
    for _ in range(had + 3):
        machine.update("a")
    _refused(machine, "was reset")


def test_one_that_has_purged_what_the_job_needs_is_refused(machine: Machine) -> None:
    machine.source.log.purge(machine.update("a"))
    _refused(machine, "purged")


def test_a_reset_while_it_is_followed_ends_the_run(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log itself need not end then: what the source says it has executed tells it."""
    for name in ("REPORT_SECONDS", "IDLE_SECONDS", "FOLLOWING_SECONDS"):
        monkeypatch.setattr(source_watch, name, 0.02)

    async def work() -> None:
        running = asyncio.ensure_future(machine.run(lambda: False))
        machine.update("a")
        await machine.caught_up()
        asked = machine.source.faults.calls["SourceClock.read"]
        while machine.source.faults.calls["SourceClock.read"] < asked + 3:
            await asyncio.sleep(0.005)
        machine.target._watchers.clear()
        machine.source.log.reset()
        with pytest.raises(Unsupported, match="no longer executed"):
            await running

    asyncio.run(work())
