"""Serial runs: one transaction at a time, to find the one that the target contradicts."""

from __future__ import annotations

import asyncio

import pytest

from tests.pipeline.machine import Machine, T
from udup.base.errors import Divergence


def test_serial_runs_name_the_transaction_that_the_target_contradicts(machine: Machine) -> None:
    machine.insert("a", "b")
    asyncio.run(machine.run())
    for key in "ab" * 10:
        machine.update(key)
    machine.insert("c")
    machine.source.log.write(lambda rows: rows.delete(T, "a"))
    with machine.target.changed:
        machine.target.tables[T].rows["c"] = ("theirs",)
    machine.target._watchers.clear()  # the target is not what it should be, on purpose
    machine.serial = True
    with pytest.raises(Divergence, match=r"alpha:24\b"):
        asyncio.run(machine.run())
    assert "a" in machine.target.rows(T), "nothing behind it was applied"
