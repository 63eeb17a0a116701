"""A network that loses, repeats or holds back messages: the run ends, nothing is lost or doubled."""

from __future__ import annotations

import asyncio

import pytest

from tests.pipeline.machine import Machine
from udup.base.errors import Transient
from udup.pipeline.apply import applier, open_orders
from udup.pipeline.transport.link import Subjects


@pytest.mark.parametrize("what", ["drop", "dup", "reorder"])
@pytest.mark.parametrize("channel", ["log", "work.1", "done"])
def test_a_message_that_is_lost_or_repeated_ends_the_run_and_costs_no_row(
    machine: Machine, by_workers: None, monkeypatch: pytest.MonkeyPatch, what: str, channel: str
) -> None:
    """What is missing at the end shows by nothing that comes after it: then whoever is silent is asked."""
    monkeypatch.setattr(open_orders, "QUIET_SECONDS", 0.2)
    monkeypatch.setattr(applier, "WATCH_SECONDS", 0.1)
    machine.workers = 1
    machine.message_bytes = 100
    machine.insert("a", "b")
    asyncio.run(machine.run())
    token = Subjects(machine.job, 0).token
    machine.network.command(what, f"udup.{token}.*.{channel}", nth=1 if channel == "done" else 2)  # type: ignore[arg-type]
    for _ in range(60):
        machine.update("a", "b")
    asyncio.run(machine.run_to_the_end())
    assert machine.network.fired
    assert machine.is_same()


def test_a_link_that_is_lost_ends_the_run(machine: Machine) -> None:
    async def work() -> None:
        running = asyncio.ensure_future(machine.run(lambda: False))
        while not machine.is_level():
            await asyncio.sleep(0.01)
        machine.network.cut()
        with pytest.raises(Transient):
            await running

    asyncio.run(work())
